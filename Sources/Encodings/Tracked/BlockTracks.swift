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
    /// Zigzag steps, class by class.
    let steps: AlignedBuffer
  }

  private struct Source {
    let index: Int
    let values: AlignedBuffer
    let base: Int64

    var pointer: UnsafePointer<Int64> { UnsafePointer(values.values(as: Int64.self)) }

    init?(_ index: Int, _ vector: Vector, _ decimals: BlockDecimals, isRepetitive: Bool) {
      let shaped = vector.flattened()
      let count = shaped.count
      switch shaped.type.physical {
      case .int16, .int32, .int64:
        guard let integers = BlockEncoder.integers(shaped) else { return nil }
        // Runs have better encodings.
        if !isRepetitive && !IntegerEncoder.changesOften(integers.values(as: Int64.self), count) { return nil }
        values = integers
      case .float64:
        guard let digits = decimals.digits(of: index) else { return nil }
        values = digits.integers
      default: return nil
      }
      let value = values.values(as: Int64.self)
      let sample = stride(from: 0, to: count, by: max(1, count / 255)).map { value[$0] }.sorted()
      base = sample[sample.count / 2]
      self.index = index
    }
  }

  /// Walks the columns that can be tracked, doubles by their `decimals`; nil when none can, or keys are of no use because
  /// rows lie nearer to the row before them.
  ///
  /// `isForced` takes whatever can be written so.
  package init?(
    _ vectors: [(column: Int, vector: Vector)], keys: BlockKeys, decimals: BlockDecimals, isForced: Bool = false
  ) {
    guard let count = vectors.first?.vector.count, count > 0, count <= Int(UInt32.max) else { return nil }
    var sources = vectors.compactMap { Source($0.column, $0.vector, decimals, isRepetitive: isForced) }
    if sources.isEmpty { return nil }
    if sources.count > 2 && !isForced { sources = BlockTracks.together(sources, keys, count) }
    // Short steps are those from the last value that both few bits hold and are shorter than those from home.
    let walk = TrackWalk(sources.map(\.pointer), sources.map(\.base), keys, count: count)
    let shape = walk.sample()
    let reach = shape.reach
    if !isForced && walk.meanStep() * 1.25 < shape.meanLength { return nil }
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
      Column(index: source.index, base: source.base, steps: steps)
    }
    self.rowCounts = rowCounts
    codes = lengths
    isFromHome = [false] + cuts.map { _ in true }
    key = keys
    withExtendedLifetime((sources, steps)) {}
  }

  /// The columns whose steps are about as long as the longest: others would share classes that are not theirs.
  private static func together(_ sources: [Source], _ keys: BlockKeys, _ count: Int) -> [Source] {
    let lengths = sources.map { source in
      TrackWalk([source.pointer], [source.base], keys, count: min(count, BlockKeys.sampleRows)).meanLength()
    }
    let longest = lengths.max() ?? 0
    return zip(sources, lengths).filter { $1 >= longest - 3 }.map(\.0)
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
    var starts: [Int] = [0]
    for rows in rowCounts.dropLast() { starts.append(starts[starts.count - 1] + rows) }
    var cursors = targets.map { target in starts.map { Optional(target + $0) } }
    classOfLength.withUnsafeBufferPointer { classes in
      for vector in 0..<vectorCount {
        let first = vector << 10
        let rows = first..<min(first + 1024, count)
        for row in rows { lengths[row] = classes[Int(lengths[row])] }
        for (index, source) in steps.enumerated() {
          ph_part64(lengths + first, source + first, rows.count, UInt32(classCount), &cursors[index])
        }
        for (rowClass, cursor) in cursors[0].enumerated() {
          let end = cursor.map { $0 - targets[0] } ?? 0
          vectorCounts[vector * classCount + rowClass] = UInt16(end - starts[rowClass])
          starts[rowClass] = end
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
        // So many tell as much as more would.
        if steps == 1 << 11 { break }
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
