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
    let sampleCount = min(count, 1 << 15)
    let probe = Walk(sources.map(\.pointer), sources.map(\.base), keys, count: count)
    let shape = probe.sample(sampleCount)
    let reach = shape.reach(columns: sources.count)
    let steps = sources.map { _ in AlignedBuffer(byteCount: count * 8) }
    let lengths = AlignedBuffer(byteCount: count)
    let length = lengths.values(as: UInt8.self)
    let walk = Walk(sources.map(\.pointer), sources.map(\.base), keys, count: count)
    let histogram = walk.all(reach: reach, steps.map { $0.values(as: UInt64.self) }, length)
    let cuts = BlockTracks.cuts(histogram)
    // Class 0 is of short steps, the others of ever longer ones from home.
    var classOfLength = [UInt8](repeating: 0, count: 256)
    for bits in 0...64 { classOfLength[bits] = UInt8(1 + (cuts.firstIndex { bits <= $0 } ?? cuts.count - 1)) }
    let classCount = 1 + cuts.count
    let vectorCount = (count + 1023) >> 10
    var vectorCounts = [UInt16](repeating: 0, count: vectorCount * classCount)
    classOfLength.withUnsafeBufferPointer { table in
      for vector in 0..<vectorCount {
        for row in (vector << 10)..<min((vector + 1) << 10, count) {
          let code = table[Int(length[row])]
          length[row] = code
          vectorCounts[vector * classCount + Int(code)] += 1
        }
      }
    }
    var rowCounts = [Int](repeating: 0, count: classCount)
    for (index, rows) in vectorCounts.enumerated() { rowCounts[index % classCount] += Int(rows) }
    columns = zip(sources, steps).map { source, steps in
      Column(
        index: source.index, base: source.base, digits: source.digits,
        steps: BlockTracks.gather(steps, length, count, rowCounts))
    }
    self.rowCounts = rowCounts
    self.vectorCounts = vectorCounts
    codes = lengths
    isFromHome = [false] + cuts.map { _ in true }
    key = keys
    withExtendedLifetime((sources, steps)) {}
  }

  /// Lays the steps out class by class.
  private static func gather(
    _ steps: AlignedBuffer, _ rowClass: UnsafePointer<UInt8>, _ count: Int, _ rowCounts: [Int]
  ) -> AlignedBuffer {
    let buffer = AlignedBuffer(byteCount: count * 8)
    let target = buffer.values(as: UInt64.self)
    let source = steps.values(as: UInt64.self)
    var places = [Int](repeating: 0, count: TrackedStream.maximumClassCount)
    for index in 1..<rowCounts.count { places[index] = places[index - 1] + rowCounts[index - 1] }
    places.withUnsafeMutableBufferPointer { places in
      var row = 0
      while row < count {
        let code = Int(rowClass[row])
        let place = places[code]
        target[place] = source[row]
        places[code] = place &+ 1
        row &+= 1
      }
    }
    return buffer
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
  /// How long the steps of doubles are from the last row with the same key, in bits, over the first few thousand rows.
  package func stepLength(of vector: Vector) -> Int {
    guard vector.form == .flat, vector.type.physical == .float64 else { return 0 }
    let value = vector.values(as: Double.self)
    let key = rowKeys.codes
    var length = 0
    withUnsafeTemporaryAllocation(of: Double.self, capacity: Int(maximum) + 1) { last in
      last.initialize(repeating: .nan)
      for row in 0..<min(vector.count, 1 << 13) where value[row].isFinite {
        let step = (value[row] - last[Int(key[row])]).magnitude
        last[Int(key[row])] = value[row]
        // The first row of a key is as far as can be; steps far below one count as none.
        length += step.isFinite ? max(0, Int(max(step, 1e-12).exponent) + 40) : 64
      }
    }
    return length
  }
}

/// One walk along the rows of columns.
private struct Walk {
  let values: [UnsafePointer<Int64>]
  let count: Int
  private let keys: BlockKeys
  private let tracks: [Tracks]

  init(_ values: [UnsafePointer<Int64>], _ bases: [Int64], _ keys: BlockKeys, count: Int) {
    self.values = values
    self.keys = keys
    self.count = count
    tracks = bases.map { Tracks(keyCount: Int(keys.maximum) + 1, base: $0) }
  }

  /// How long steps are, from last values and from home: rows by the bits of the longer step of all columns.
  struct Shape {
    /// Rows by both, [length from last * 65 + length from home].
    var rows = [Int](repeating: 0, count: 65 * 65)

    /// The most bits of a step from the last value that is worth a class of its own.
    func reach(columns: Int) -> Int {
      var best = (cost: Int.max, reach: 0)
      for reach in 0...40 {
        var home = [Int](repeating: 0, count: 65)
        var cost = 0
        for last in 0...64 {
          for from in 0...64 {
            let count = rows[last * 65 + from]
            if last <= reach && last < from { cost += count * reach } else { home[from] += count }
          }
        }
        // Steps from home go by their own lengths and a bit or so; their classes are found later.
        for from in 0...64 { cost += home[from] * (from + 1) }
        if cost < best.cost { best = (cost, reach) }
      }
      return best.reach
    }
  }

  @inline(__always) private static func bits(_ code: UInt64) -> Int { 64 &- code.leadingZeroBitCount }

  func sample(_ sampleCount: Int) -> Shape {
    var shape = Shape()
    let key = keys.rowKeys.codes
    for row in 0..<sampleCount {
      let slot = Int(key[row])
      var fromLast: UInt64 = 0
      var fromHome: UInt64 = 0
      for (index, track) in tracks.enumerated() {
        fromLast |= DeltaStream.zigzag(values[index][row] &- track.last(slot))
        fromHome |= DeltaStream.zigzag(values[index][row] &- track.home(slot))
      }
      let last = Walk.bits(fromLast)
      let home = Walk.bits(fromHome)
      shape.rows[last * 65 + home] += 1
      // As long as nothing is decided, what is much nearer to the last value does not move home.
      let isNear = last + 4 < home
      for (index, track) in tracks.enumerated() {
        let value = values[index][row]
        _ = track.step(slot, value &- (isNear ? track.last(slot) : track.home(slot)), isNear ? 0 : 1)
      }
    }
    return shape
  }

  /// Walks all rows and writes their steps as zigzag codes, and how many bits the longest of a row has, 255 where they
  /// are taken from the last value. Returns how many of the others have how many bits.
  func all(reach: Int, _ steps: [UnsafeMutablePointer<UInt64>], _ lengths: UnsafeMutablePointer<UInt8>) -> [Int] {
    var histogram = [Int](repeating: 0, count: 65)
    let key = keys.rowKeys.codes
    histogram.withUnsafeMutableBufferPointer { histogram in
      if values.count == 2 {
        let (first, second) = (values[0], values[1])
        let (firstTrack, secondTrack) = (tracks[0], tracks[1])
        let (firstSteps, secondSteps) = (steps[0], steps[1])
        var row = 0
        while row < count {
          let slot = Int(key[row])
          let fromLast =
            DeltaStream.zigzag(first[row] &- firstTrack.last(slot))
            | DeltaStream.zigzag(second[row] &- secondTrack.last(slot))
          let fromHome =
            DeltaStream.zigzag(first[row] &- firstTrack.home(slot))
            | DeltaStream.zigzag(second[row] &- secondTrack.home(slot))
          let isNear = Walk.isNear(fromLast, fromHome, reach)
          firstSteps[row] = Walk.step(first[row], firstTrack, slot, isNear)
          secondSteps[row] = Walk.step(second[row], secondTrack, slot, isNear)
          lengths[row] = Walk.note(isNear, fromHome, histogram)
          row &+= 1
        }
        return
      }
      for row in 0..<count {
        let slot = Int(key[row])
        var fromLast: UInt64 = 0
        var fromHome: UInt64 = 0
        for (index, track) in tracks.enumerated() {
          fromLast |= DeltaStream.zigzag(values[index][row] &- track.last(slot))
          fromHome |= DeltaStream.zigzag(values[index][row] &- track.home(slot))
        }
        let isNear = Walk.isNear(fromLast, fromHome, reach)
        for (index, track) in tracks.enumerated() {
          steps[index][row] = Walk.step(values[index][row], track, slot, isNear)
        }
        lengths[row] = Walk.note(isNear, fromHome, histogram)
      }
    }
    return histogram
  }

  @inline(__always) private static func isNear(_ fromLast: UInt64, _ fromHome: UInt64, _ reach: Int) -> Bool {
    let last = bits(fromLast)
    return last <= reach && last < bits(fromHome)
  }

  @inline(__always) private static func step(_ value: Int64, _ tracks: Tracks, _ slot: Int, _ isNear: Bool) -> UInt64 {
    let step = value &- (isNear ? tracks.last(slot) : tracks.home(slot))
    _ = tracks.step(slot, step, isNear ? 0 : 1)
    return DeltaStream.zigzag(step)
  }

  @inline(__always) private static func note(
    _ isNear: Bool, _ fromHome: UInt64, _ histogram: UnsafeMutableBufferPointer<Int>
  ) -> UInt8 {
    if isNear { return 255 }
    let length = bits(fromHome)
    histogram[length] &+= 1
    return UInt8(truncatingIfNeeded: length)
  }
}
