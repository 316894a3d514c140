import Bytes
import CKernels

/// Walks along the rows of columns.
struct TrackWalk {
  private let values: [UnsafePointer<Int64>]
  private let bases: [Int64]
  private let keys: BlockKeys
  private let count: Int

  init(_ values: [UnsafePointer<Int64>], _ bases: [Int64], _ keys: BlockKeys, count: Int) {
    self.values = values
    self.bases = bases
    self.keys = keys
    self.count = count
  }

  /// How long steps are, from last values and from home: rows by the bits of the longer step of all columns.
  struct Shape {
    /// Rows by both, [length from last * 65 + length from home].
    var rows = [Int](repeating: 0, count: 65 * 65)

    /// The most bits of a step from the last value that is worth a class of its own.
    var reach: Int {
      // Steps from home go by their own lengths and a bit or so; their classes are found later.
      var cost = 0
      for last in 0...64 {
        for home in 0...64 { cost += rows[last * 65 + home] * (home + 1) }
      }
      var best = (cost: Int.max, reach: 0)
      var near = 0
      for reach in 0...40 {
        for home in (reach + 1)...64 {
          near += rows[reach * 65 + home]
          cost -= rows[reach * 65 + home] * (home + 1)
        }
        if cost + near * reach < best.cost { best = (cost + near * reach, reach) }
      }
      return best.reach
    }
  }

  /// Walks some keys from their first row to their last, or a part of the rows where keys are few.
  func sample() -> Shape {
    if values.count == 2 { return sample(pair()) }
    return sample(ManyTracks(values, bases, keyCount: Int(keys.maximum) + 1))
  }

  /// Walks all rows and writes their steps as zigzag codes, and how many bits the longest of a row has, 255 where they
  /// are taken from the last value. Returns how many of the others have how many bits.
  func all(reach: Int, _ steps: [UnsafeMutablePointer<UInt64>], _ lengths: UnsafeMutablePointer<UInt8>) -> [Int] {
    if values.count == 2 { return all(reach, (steps[0], steps[1]), lengths, pair()) }
    return all(reach, steps, lengths, ManyTracks(values, bases, keyCount: Int(keys.maximum) + 1))
  }

  private func pair() -> PairedTracks {
    PairedTracks((values[0], values[1]), (bases[0], bases[1]), keyCount: Int(keys.maximum) + 1)
  }

  @inline(__always) private static func bits(_ code: UInt64) -> Int { 64 &- code.leadingZeroBitCount }

  @inline(__always) private static func one(_ condition: Bool) -> Int { Int(unsafeBitCast(condition, to: UInt8.self)) }

  /// More keys than this, and one in eight tells enough.
  private static let fewKeys = 1 << 10

  @inline(__always) private func sample<Tracks: WalkedTracks>(_ tracks: Tracks) -> Shape {
    var shape = Shape()
    let key = keys.rowKeys.codes
    let areFew = keys.maximum < TrackWalk.fewKeys
    // One key in eight, by a hash: ids may have a rhythm.
    let sampled = areFew ? nil : AlignedBuffer(byteCount: (count + 16) * 4)
    let rowOf = sampled?.values(as: UInt32.self)
    let sampleCount = rowOf.map { ph_sample_keys32(key, count, $0) } ?? min(count, 1 << 15)
    shape.rows.withUnsafeMutableBufferPointer { rows in
      for index in 0..<sampleCount {
        let row = rowOf.map { Int($0[index]) } ?? index
        let slot = Int(key[row])
        let (fromLast, fromHome) = tracks.codes(row, slot)
        let last = TrackWalk.bits(fromLast)
        let home = TrackWalk.bits(fromHome)
        rows[last &* 65 &+ home] &+= 1
        // As long as nothing is decided, what is much nearer to the last value does not move home.
        tracks.step(row, slot, reference: TrackWalk.one(last &+ 4 >= home))
      }
    }
    withExtendedLifetime(sampled) {}
    withExtendedLifetime(tracks) {}
    return shape
  }

  /// So many rows ahead a key's tracks are fetched.
  private static let foresight = 16

  @inline(__always) private func all<Tracks: WalkedTracks>(
    _ reach: Int, _ steps: Tracks.Steps, _ lengths: UnsafeMutablePointer<UInt8>, _ tracks: Tracks
  ) -> [Int] {
    var histogram = [Int](repeating: 0, count: 65)
    let key = keys.rowKeys.codes
    histogram.withUnsafeMutableBufferPointer { histogram in
      var row = 0
      while row < count {
        if row &+ TrackWalk.foresight < count { tracks.fetch(Int(key[row &+ TrackWalk.foresight])) }
        let slot = Int(key[row])
        let (fromLast, fromHome) = tracks.codes(row, slot)
        let last = TrackWalk.bits(fromLast)
        let home = TrackWalk.bits(fromHome)
        // Which is nearer cannot be foretold: without a branch.
        let isNear = TrackWalk.one(last <= reach) & TrackWalk.one(last < home)
        tracks.step(row, slot, reference: 1 &- isNear, into: steps)
        lengths[row] = UInt8(truncatingIfNeeded: home | (0 &- isNear))
        histogram[home] &+= 1 &- isNear
        row &+= 1
      }
    }
    withExtendedLifetime(tracks) {}
    return histogram
  }
}

/// The tracks of all columns of a walk.
private protocol WalkedTracks {
  associatedtype Steps

  /// Has the memory of a key at hand soon.
  func fetch(_ slot: Int)

  /// The steps of a row as zigzag codes, those of all columns laid over each other: from the last values and from home.
  func codes(_ row: Int, _ slot: Int) -> (fromLast: UInt64, fromHome: UInt64)

  /// Goes on to a row's values from the last ones (`reference` 0) or from home (1).
  func step(_ row: Int, _ slot: Int, reference: Int)

  /// The same, with the steps as zigzag codes.
  func step(_ row: Int, _ slot: Int, reference: Int, into steps: Steps)
}

/// The tracks of two columns, a key's in one line of the cache.
private struct PairedTracks: WalkedTracks {
  typealias Steps = (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>)
  private let first: UnsafePointer<Int64>
  private let second: UnsafePointer<Int64>
  private let memory: AlignedBuffer
  private let shares = TrackShares()
  /// Last value and home of the first column, of the second, and how many rows made the homes; three words more for the
  /// sake of addresses.
  private let words: UnsafeMutablePointer<Int64>

  init(
    _ values: (UnsafePointer<Int64>, UnsafePointer<Int64>), _ bases: (Int64, Int64), keyCount: Int
  ) {
    (first, second) = values
    memory = AlignedBuffer(byteCount: keyCount * 64)
    words = memory.values(as: Int64.self)
    for key in 0..<keyCount {
      let track = words + key &* 8
      track[0] = bases.0
      track[1] = bases.0
      track[2] = bases.1
      track[3] = bases.1
      track[4] = 0
    }
  }

  @inline(__always) func fetch(_ slot: Int) { ph_prefetch(words + slot &* 8) }

  @inline(__always) func codes(_ row: Int, _ slot: Int) -> (fromLast: UInt64, fromHome: UInt64) {
    let track = words + slot &* 8
    return (
      DeltaStream.zigzag(first[row] &- track[0]) | DeltaStream.zigzag(second[row] &- track[2]),
      DeltaStream.zigzag(first[row] &- track[1]) | DeltaStream.zigzag(second[row] &- track[3])
    )
  }

  @inline(__always) func step(_ row: Int, _ slot: Int, reference: Int) {
    let track = words + slot &* 8
    move(track, row, reference, first[row] &- track[reference], second[row] &- track[2 &+ reference])
  }

  @inline(__always) func step(_ row: Int, _ slot: Int, reference: Int, into steps: Steps) {
    let track = words + slot &* 8
    let firstStep = first[row] &- track[reference]
    let secondStep = second[row] &- track[2 &+ reference]
    steps.0[row] = DeltaStream.zigzag(firstStep)
    steps.1[row] = DeltaStream.zigzag(secondStep)
    move(track, row, reference, firstStep, secondStep)
  }

  /// As `Tracks.step` moves each of them.
  @inline(__always) private func move(
    _ track: UnsafeMutablePointer<Int64>, _ row: Int, _ reference: Int, _ firstStep: Int64, _ secondStep: Int64
  ) {
    track[0] = first[row]
    track[2] = second[row]
    let rows = Int(track[4])
    let share = shares.share[rows] & (0 &- Int64(reference))
    track[1] &+= (firstStep &* share) &>> 16
    track[3] &+= (secondStep &* share) &>> 16
    track[4] = Int64(min(rows &+ reference, TrackedStream.memory &- 1))
  }
}

/// The tracks of any number of columns.
private struct ManyTracks: WalkedTracks {
  typealias Steps = [UnsafeMutablePointer<UInt64>]
  private let values: [UnsafePointer<Int64>]
  private let tracks: [Tracks]

  init(_ values: [UnsafePointer<Int64>], _ bases: [Int64], keyCount: Int) {
    self.values = values
    tracks = bases.map { Tracks(keyCount: keyCount, base: $0) }
  }

  func fetch(_ slot: Int) {}

  func codes(_ row: Int, _ slot: Int) -> (fromLast: UInt64, fromHome: UInt64) {
    var codes: (fromLast: UInt64, fromHome: UInt64) = (0, 0)
    for (value, track) in zip(values, tracks) {
      codes.fromLast |= DeltaStream.zigzag(value[row] &- track.last(slot))
      codes.fromHome |= DeltaStream.zigzag(value[row] &- track.home(slot))
    }
    return codes
  }

  func step(_ row: Int, _ slot: Int, reference: Int) {
    for (value, track) in zip(values, tracks) {
      _ = track.step(slot, value[row] &- track.reference(slot, reference), reference)
    }
  }

  func step(_ row: Int, _ slot: Int, reference: Int, into steps: Steps) {
    for index in values.indices {
      let step = values[index][row] &- tracks[index].reference(slot, reference)
      steps[index][row] = DeltaStream.zigzag(step)
      _ = tracks[index].step(slot, step, reference)
    }
  }
}
