import Bytes
import CKernels
import Vectors

/// Columns of a row group that move together, walked once for all of them: the class of each row and the steps of each
/// column, as `TrackedStream` reads them. Encoders try it and keep it only where it pays.
package struct BlockTracks: Sendable {
  /// The columns; the first leads.
  let columns: [Column]
  let key: BlockKeys
  let isFromHome: [Bool]
  let rowCounts: [Int]
  /// A class per row.
  let codes: AlignedBuffer
  /// Rows of each class in each vector.
  let vectorCounts: [UInt16]

  struct Column: Sendable {
    let index: Int
    let base: Int64
    let digits: DecimalEncoder.Digits?
    /// Zigzag steps, class by class.
    let steps: AlignedBuffer
  }

  private struct Source {
    let index: Int
    let values: AlignedBuffer
    let digits: DecimalEncoder.Digits?
    let base: Int64

    var pointer: UnsafePointer<Int64> { UnsafePointer(values.values(as: Int64.self)) }

    init?(_ index: Int, _ vector: Vector, isRepetitive: Bool) {
      let shaped = vector.form == .flat ? vector : vector.flattened()
      let count = shaped.count
      switch shaped.type.physical {
      case .int16, .int32, .int64, .float64: break
      default: return nil
      }
      guard let bits = BlockEncoder.integers(shaped) else { return nil }
      // Runs have better encodings.
      if !isRepetitive && ph_changes64(bits.values(as: Int64.self), count) < count / 16 { return nil }
      if shaped.type.physical == .float64 {
        let encoder = DecimalEncoder(values: UnsafePointer(bits.values(as: Double.self)), count: count, reals: nil)
        guard let digits = encoder.encode() else { return nil }
        self.digits = digits
        values = digits.integers
      } else {
        digits = nil
        values = bits
      }
      let value = values.values(as: Int64.self)
      let sample = stride(from: 0, to: count, by: max(1, count / 255)).map { value[$0] }.sorted()
      base = sample[sample.count / 2]
      self.index = index
    }
  }

  /// Walks the columns that can be tracked; nil when none can, or hardly a key comes twice.
  ///
  /// `isForced` takes whatever can be written so.
  package init?(_ vectors: [(column: Int, vector: Vector)], keys: BlockKeys, isForced: Bool = false) {
    guard let count = vectors.first?.vector.count, count > 0, count <= Int(UInt32.max) else { return nil }
    let sources = vectors.compactMap { Source($0.column, $0.vector, isRepetitive: isForced) }
    if sources.isEmpty { return nil }
    // Short steps are those from the last value that both few bits hold and are shorter than those from home.
    let walk = Walk(sources.map(\.pointer), sources.map(\.base), keys, count: count)
    let reach = walk.sample().reach
    let steps = sources.map { _ in AlignedBuffer(byteCount: count * 8) }
    let lengths = AlignedBuffer(byteCount: count)
    let length = lengths.values(as: UInt8.self)
    let histogram = walk.all(reach: reach, steps.map { $0.values(as: UInt64.self) }, length)
    let cuts = BlockTracks.cuts(histogram)
    // Class 0 is of short steps, the others of ever longer ones from home.
    var classOfLength = [UInt8](repeating: 0, count: 256)
    for bits in 0...64 { classOfLength[bits] = UInt8(1 + (cuts.firstIndex { bits <= $0 } ?? cuts.count - 1)) }
    let classCount = 1 + cuts.count
    // How many rows each class has follows from how many each length has, so each step finds its place at once.
    var rowCounts = [Int](repeating: 0, count: classCount)
    for bits in 0...64 { rowCounts[Int(classOfLength[bits])] += histogram[bits] }
    rowCounts[0] = count - rowCounts.reduce(0, +)
    let laidOut = sources.map { _ in AlignedBuffer(byteCount: count * 8) }
    vectorCounts = BlockTracks.layOut(
      steps.map { UnsafePointer($0.values(as: UInt64.self)) }, laidOut.map { $0.values(as: UInt64.self) }, length,
      classOfLength, rowCounts, count)
    columns = zip(sources, laidOut).map { source, steps in
      Column(index: source.index, base: source.base, digits: source.digits, steps: steps)
    }
    self.rowCounts = rowCounts
    codes = lengths
    isFromHome = [false] + cuts.map { _ in true }
    key = keys
    withExtendedLifetime((sources, steps)) {}
  }

  /// Lays the steps of all columns out class by class, and puts a row's class in the place of its length. Returns the
  /// rows of each class in each vector.
  private static func layOut(
    _ steps: [UnsafePointer<UInt64>], _ targets: [UnsafeMutablePointer<UInt64>],
    _ lengths: UnsafeMutablePointer<UInt8>, _ classOfLength: [UInt8], _ rowCounts: [Int], _ count: Int
  ) -> [UInt16] {
    let classCount = rowCounts.count
    let vectorCount = (count + 1023) >> 10
    var vectorCounts = [UInt16](repeating: 0, count: vectorCount * classCount)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: TrackedStream.maximumClassCount * 2) { memory in
      guard let cursors = memory.baseAddress else { return }
      let starts = cursors + TrackedStream.maximumClassCount
      var start = 0
      for (rowClass, rows) in rowCounts.enumerated() {
        starts[rowClass] = start
        start += rows
      }
      classOfLength.withUnsafeBufferPointer { classes in
        for vector in 0..<vectorCount {
          let rows = (vector << 10)..<min((vector + 1) << 10, count)
          for row in rows { lengths[row] = classes[Int(lengths[row])] }
          for (source, target) in zip(steps, targets) {
            cursors.update(from: starts, count: classCount)
            for row in rows {
              let rowClass = Int(lengths[row])
              let place = cursors[rowClass]
              target[place] = source[row]
              cursors[rowClass] = place &+ 1
            }
          }
          for rowClass in 0..<classCount {
            vectorCounts[vector * classCount + rowClass] = UInt16(cursors[rowClass] - starts[rowClass])
            starts[rowClass] = cursors[rowClass]
          }
        }
      }
    }
    return vectorCounts
  }

  /// The lengths at which steps from home are best parted into at most three classes: the last takes all.
  private static func cuts(_ histogram: [Int]) -> [Int] {
    let lengths = (0...64).filter { histogram[$0] > 0 }
    guard let full = lengths.last else { return [0] }
    var below = [0]
    for bits in 0...64 { below.append(below[bits] + histogram[bits]) }
    func rows(_ from: Int, _ to: Int) -> Int { below[to + 1] - below[from + 1] }
    var best = (cost: below[65] * full, cuts: [full])
    for first in lengths where first < full {
      for second in lengths where second > first {
        let cost =
          below[first + 1] * first + rows(first, second) * second + (second < full ? rows(second, full) * full : 0)
        if cost < best.cost { best = (cost, second < full ? [first, second, full] : [first, full]) }
      }
    }
    return best.cuts
  }

  /// The column that holds what all share.
  package var leader: Int { columns[0].index }

  /// The place of `column` among those tracked; nil when it is not.
  func position(of column: Int) -> Int? { columns.firstIndex { $0.index == column } }
}

extension BlockKeys {
  /// So many rows tell enough of the steps along keys.
  package static let sampleRows = 1 << 14

  /// How many bits, in the mean, a double's step from the last row with the same key has, over the first rows; nil where
  /// hardly a key comes twice there. The vector has as many rows as there are keys.
  package func stepLength(of vector: Vector) -> Double? {
    guard vector.form == .flat, vector.type.physical == .float64 else { return nil }
    let value = vector.values(as: Double.self)
    let key = rowKeys.codes
    var steps = 0
    var length = 0
    withUnsafeTemporaryAllocation(of: Double.self, capacity: Int(maximum) + 1) { last in
      last.initialize(repeating: .nan)
      for row in 0..<min(vector.count, BlockKeys.sampleRows) where value[row].isFinite {
        let step = (value[row] - last[Int(key[row])]).magnitude
        last[Int(key[row])] = value[row]
        // Steps far below one count as none.
        if step.isFinite {
          steps += 1
          length += max(0, Int(max(step, 1e-12).exponent) + 40)
        }
      }
    }
    return steps < 128 ? nil : Double(length) / Double(steps)
  }
}

/// Walks along the rows of columns.
private struct Walk {
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
    let areFew = keys.maximum < Walk.fewKeys
    let end = areFew ? min(count, 1 << 15) : count
    shape.rows.withUnsafeMutableBufferPointer { rows in
      var row = -1
      while true {
        row &+= 1
        // One key in eight, by a hash: ids may have a rhythm.
        while row < end && !areFew && (key[row] &* 0x9E37_79B1) &>> 29 != 0 { row &+= 1 }
        if row >= end { break }
        let slot = Int(key[row])
        let (fromLast, fromHome) = tracks.codes(row, slot)
        let last = Walk.bits(fromLast)
        let home = Walk.bits(fromHome)
        rows[last &* 65 &+ home] &+= 1
        // As long as nothing is decided, what is much nearer to the last value does not move home.
        tracks.step(row, slot, reference: Walk.one(last &+ 4 >= home))
      }
    }
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
        if row &+ Walk.foresight < count { tracks.fetch(Int(key[row &+ Walk.foresight])) }
        let slot = Int(key[row])
        let (fromLast, fromHome) = tracks.codes(row, slot)
        let last = Walk.bits(fromLast)
        let home = Walk.bits(fromHome)
        // Which is nearer cannot be foretold: without a branch.
        let isNear = Walk.one(last <= reach) & Walk.one(last < home)
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
