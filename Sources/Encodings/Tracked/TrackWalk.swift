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

    /// How many bits a row's step takes in the mean: of short ones from the last value as many as the reach has.
    var meanLength: Double {
      let reach = reach
      var cost = 0
      var count = 0
      for last in 0...64 {
        for home in 0...64 {
          let rows = rows[last * 65 + home]
          cost += rows * (last <= reach && last < home ? reach : home + 1)
          count += rows
        }
      }
      return Double(cost) / Double(max(count, 1))
    }
  }

  /// How many bits the step from the row before has, whatever its key, in the mean over some stretches of rows.
  func meanStep() -> Double {
    let stretches = 16
    let rows = max(1, min(count / stretches, 512))
    var length = 0
    var steps = 0
    for stretch in 0..<stretches {
      let first = max(1, stretch * (count / stretches))
      for row in first..<max(first, min(first + rows, count)) {
        var step: UInt64 = 0
        for value in values { step |= DeltaStream.zigzag(value[row] &- value[row &- 1]) }
        length += TrackWalk.bits(step)
        steps += 1
      }
    }
    return steps == 0 ? 0 : Double(length) / Double(steps)
  }

  /// Walks some keys from their first row to their last, or a part of the rows where keys are few.
  func sample() -> Shape {
    if values.count == 2 { return sample(pair()) }
    return sample(ManyTracks(values, bases, keyCount: Int(keys.maximum) + 1))
  }

  /// How many bits the shorter of the steps from the last value and from home has, in the mean over all rows.
  func meanLength() -> Double {
    let tracks = ManyTracks(values, bases, keyCount: Int(keys.maximum) + 1)
    let key = keys.rowKeys.codes
    var length = 0
    for row in 0..<count {
      let slot = Int(key[row])
      let (fromLast, fromHome) = tracks.codes(row, slot)
      length += min(TrackWalk.bits(fromLast), TrackWalk.bits(fromHome))
      tracks.step(row, slot, reference: TrackWalk.one(fromLast >= fromHome))
    }
    return Double(length) / Double(max(count, 1))
  }

  /// Walks all rows and writes their steps as zigzag codes, and how many bits the longest of a row has, 255 where they
  /// are taken from the last value. Returns how many of the others have how many bits.
  func all(reach: Int, _ steps: [UnsafeMutablePointer<UInt64>], _ lengths: UnsafeMutablePointer<UInt8>) -> [Int] {
    if values.count == 2 { return pair().all(keys.rowKeys.codes, count, reach, steps, lengths) }
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

  private func all(
    _ reach: Int, _ steps: [UnsafeMutablePointer<UInt64>], _ lengths: UnsafeMutablePointer<UInt8>, _ tracks: ManyTracks
  ) -> [Int] {
    var histogram = [Int](repeating: 0, count: 65)
    let key = keys.rowKeys.codes
    for row in 0..<count {
      let slot = Int(key[row])
      let (fromLast, fromHome) = tracks.codes(row, slot)
      let last = TrackWalk.bits(fromLast)
      let home = TrackWalk.bits(fromHome)
      let isNear = last <= reach && last < home
      tracks.step(row, slot, reference: isNear ? 0 : 1, into: steps)
      lengths[row] = isNear ? 255 : UInt8(home)
      if !isNear { histogram[home] += 1 }
    }
    return histogram
  }
}

/// The tracks of all columns of a walk.
private protocol WalkedTracks {
  /// The steps of a row as zigzag codes, those of all columns laid over each other: from the last values and from home.
  func codes(_ row: Int, _ slot: Int) -> (fromLast: UInt64, fromHome: UInt64)

  /// Goes on to a row's values from the last ones (`reference` 0) or from home (1).
  func step(_ row: Int, _ slot: Int, reference: Int)
}

/// The tracks of two columns, a key's in one line of the cache.
private struct PairedTracks: WalkedTracks {
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

  @inline(__always) func codes(_ row: Int, _ slot: Int) -> (fromLast: UInt64, fromHome: UInt64) {
    let track = words + slot &* 8
    return (
      DeltaStream.zigzag(first[row] &- track[0]) | DeltaStream.zigzag(second[row] &- track[2]),
      DeltaStream.zigzag(first[row] &- track[1]) | DeltaStream.zigzag(second[row] &- track[3])
    )
  }

  @inline(__always) func step(_ row: Int, _ slot: Int, reference: Int) {
    let track = words + slot &* 8
    let rows = Int(track[4])
    let share = shares.share[rows] & (0 &- Int64(reference))
    track[1] &+= ((first[row] &- track[reference]) &* share) &>> 16
    track[3] &+= ((second[row] &- track[2 &+ reference]) &* share) &>> 16
    track[0] = first[row]
    track[2] = second[row]
    track[4] = Int64(min(rows &+ reference, TrackedStream.memory &- 1))
  }

  /// `TrackWalk.all` by a kernel.
  func all(
    _ keys: UnsafePointer<UInt32>, _ count: Int, _ reach: Int, _ steps: [UnsafeMutablePointer<UInt64>],
    _ lengths: UnsafeMutablePointer<UInt8>
  ) -> [Int] {
    var histogram = [UInt64](repeating: 0, count: 65)
    histogram.withUnsafeMutableBufferPointer { histogram in
      var walk = ph_stepping(
        count: count, keys: keys, first: first, second: second, tracks: words, shares: shares.share,
        memory: Int64(TrackedStream.memory), reach: UInt32(reach), first_steps: steps[0], second_steps: steps[1],
        lengths: lengths, histogram: histogram.baseAddress)
      ph_step_along(&walk)
    }
    withExtendedLifetime(self) {}
    return histogram.map { Int($0) }
  }
}

/// The tracks of any number of columns.
private struct ManyTracks: WalkedTracks {
  private let values: [UnsafePointer<Int64>]
  private let tracks: [Tracks]

  init(_ values: [UnsafePointer<Int64>], _ bases: [Int64], keyCount: Int) {
    self.values = values
    tracks = bases.map { Tracks(keyCount: keyCount, base: $0) }
  }

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

  /// The same, with the steps as zigzag codes.
  func step(_ row: Int, _ slot: Int, reference: Int, into steps: [UnsafeMutablePointer<UInt64>]) {
    for index in values.indices {
      let step = values[index][row] &- tracks[index].reference(slot, reference)
      steps[index][row] = DeltaStream.zigzag(step)
      _ = tracks[index].step(slot, step, reference)
    }
  }
}
