import Bytes
import CKernels
import Vectors

extension Block {
  /// Tests rows `rows` on the encoded form; bit `i` of `bitmap` becomes 1 when row `rows.lowerBound + i` passes, 0 when
  /// not. Returns how many pass. Bits past the last row of its last word become 0.
  ///
  /// - Throws: `.internal` when a constant is not of the column's type.
  package func filter(_ predicate: ColumnPredicate, _ rows: Range<Int>, into bitmap: UnsafeMutablePointer<UInt64>)
    throws(PulsehouseError) -> Int
  {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows outside the row group")
    let count = rows.count
    if count == 0 { return 0 }
    switch predicate {
    case .isNull, .isNotNull:
      let wantsNull = predicate == .isNull
      if let mask = validity {
        let part = mask.slice(rows)
        for word in 0..<Bits.wordCount(count) { bitmap[word] = wantsNull ? ~part.words[word] : part.words[word] }
      } else {
        Bits.fill(bitmap, 0..<count, with: !wantsNull)
      }
      Bits.clearTail(bitmap, count)
      return Bits.count(bitmap, count)
    default: break
    }
    switch body {
    case .none:
      Bits.fill(bitmap, 0..<count, with: false)
      Bits.clearTail(bitmap, count)
      return 0
    default:
      if let (stream, ranges) = try integerTest(predicate) {
        try stream.filter(ranges, rows, into: bitmap, scratch)
      } else if type.physical == .float64 || type.physical == .float32 {
        try filterFloats(predicate, rows, into: bitmap)
      } else {
        try filterValues(predicate, rows, into: bitmap)
      }
    }
    if let mask = validity {
      if rows.lowerBound & 63 == 0 {
        let words = mask.words + rows.lowerBound >> 6
        for word in 0..<Bits.wordCount(count) { bitmap[word] &= words[word] }
      } else {
        let part = mask.slice(rows)
        for word in 0..<Bits.wordCount(count) { bitmap[word] &= part.words[word] }
      }
    }
    return Bits.count(bitmap, count)
  }

  /// Returns the rows that pass as ranges, ascending and apart, where the block lies in runs so long that this is
  /// quicker than to test rows; nil where it does not.
  ///
  /// - Throws: `.internal` when a constant is not of the column's type.
  package func passingRanges(_ predicate: ColumnPredicate) throws(PulsehouseError) -> [Range<Int>]? {
    guard validity == nil, predicate != .isNull, predicate != .isNotNull,
      case (.runLength(let runs), let wanted)? = try integerTest(predicate), runs.runCount <= rowCount / 256
    else { return nil }
    let values = try runs.values(of: 0..<runs.runCount, scratch)
    var ranges: [Range<Int>] = []
    var start = 0
    for run in 0..<runs.runCount {
      let end = Int(runs.runEnds[run])
      if wanted.contains(values[run]) {
        if let last = ranges.last, last.upperBound == start {
          ranges[ranges.count - 1] = last.lowerBound..<end
        } else {
          ranges.append(start..<end)
        }
      }
      start = end
    }
    return ranges
  }

  /// Returns the integers of the encoded form, and which of them pass; nil for encodings that have none.
  private func integerTest(_ predicate: ColumnPredicate) throws(PulsehouseError) -> (IntegerStream, IntegerRanges)? {
    switch body {
    case .integers(let stream)
    where type.physical != .float32 && type.physical != .float64 && type.physical != .numeric:
      guard let ranges = IntegerRanges(predicate, key: IntegerRanges.integerKey) else { throw mismatch(predicate) }
      return (stream, ranges)
    case .dictionary(let values, let codes): return (codes, try codeRanges(predicate, values))
    default: return nil
    }
  }

  /// Keeps of `selection` (ascending rows) those that pass, in place; returns how many.
  package func filter(_ predicate: ColumnPredicate, _ selection: UnsafeMutableBufferPointer<UInt32>)
    throws(PulsehouseError) -> Int
  {
    guard let first = selection.first, let last = selection.last else { return 0 }
    // Testing every row between the first and the last is so cheap that it beats picking rows one by one, unless they
    // lie far apart.
    let span = Int(last) - Int(first) + 1
    if span <= selection.count * 64 {
      let start = Int(first) & ~63
      let count = Int(last) + 1 - start
      let bitmap = AlignedBuffer(byteCount: Bits.wordCount(count) * 8)
      let words = bitmap.values(as: UInt64.self)
      _ = try filter(predicate, start..<(start + count), into: words)
      var kept = 0
      for row in selection {
        let bit = Int(row) - start
        selection[kept] = row
        kept &+= Int(truncatingIfNeeded: (words[bit >> 6] >> UInt64(bit & 63)) & 1)
      }
      return kept
    }
    let picked = try read(UnsafeBufferPointer(selection))
    let test = try ScalarTest(predicate, type)
    var kept = 0
    for (index, row) in selection.enumerated() where test.passes(picked, index) {
      selection[kept] = row
      kept += 1
    }
    return kept
  }

  func mismatch(_ predicate: ColumnPredicate) -> PulsehouseError {
    PulsehouseError(.internal, "a predicate on \(type.name) with a constant of another type")
  }

  /// The codes whose dictionary values pass.
  private func codeRanges(_ predicate: ColumnPredicate, _ values: Vector) throws(PulsehouseError) -> IntegerRanges {
    let count = values.count
    if count <= 64 {
      let test = try ScalarTest(predicate, type)
      var ranges: [ClosedRange<Int64>] = []
      for code in 0..<count where test.passes(values, code) {
        if let last = ranges.last, last.upperBound == Int64(code) - 1 {
          ranges[ranges.count - 1] = last.lowerBound...Int64(code)
        } else {
          ranges.append(Int64(code)...Int64(code))
        }
      }
      return IntegerRanges(ranges)
    }
    /// The first code whose value is not below `constant` (or above it, when `after`).
    func bound(_ constant: Scalar, after: Bool) throws(PulsehouseError) -> Int {
      var low = 0
      var high = count
      while low < high {
        let middle = (low + high) / 2
        guard let order = ScalarOrder.compare(values.scalar(at: middle), constant) else { throw mismatch(predicate) }
        if order < 0 || (after && order == 0) { low = middle + 1 } else { high = middle }
      }
      return low
    }
    func range(_ low: Int, _ high: Int) -> [ClosedRange<Int64>] { low < high ? [Int64(low)...Int64(high - 1)] : [] }
    switch predicate {
    case .compare(let comparison, let constant):
      let low = try bound(constant, after: false)
      let high = try bound(constant, after: true)
      return switch comparison {
      case .equal: IntegerRanges(range(low, high))
      case .notEqual: IntegerRanges(range(0, low) + range(high, count))
      case .less: IntegerRanges(range(0, low))
      case .lessOrEqual: IntegerRanges(range(0, high))
      case .greater: IntegerRanges(range(high, count))
      case .greaterOrEqual: IntegerRanges(range(low, count))
      }
    case .between(let first, let last):
      return IntegerRanges(range(try bound(first, after: false), try bound(last, after: true)))
    case .isIn(let constants):
      var found: Set<Int> = []
      for constant in constants {
        for code in try bound(constant, after: false)..<(try bound(constant, after: true)) { found.insert(code) }
      }
      return IntegerRanges(found.sorted().map { Int64($0)...Int64($0) })
    case .isNull, .isNotNull: return IntegerRanges([])
    }
  }

  private func filterFloats(
    _ predicate: ColumnPredicate, _ rows: Range<Int>, into bitmap: UnsafeMutablePointer<UInt64>
  ) throws(PulsehouseError) {
    guard let ranges = IntegerRanges(predicate, key: IntegerRanges.floatKey) else { throw mismatch(predicate) }
    let keys = AlignedBuffer(byteCount: 1024 * 8)
    let key = keys.values(as: Int64.self)
    defer { withExtendedLifetime(keys) {} }
    var row = rows.lowerBound
    while row < rows.upperBound {
      let end = min((row >> 10 + 1) << 10, rows.upperBound)
      let part = try read(row..<end)
      let flat = part.flattened()
      if type.physical == .float64 {
        let values = flat.values(as: Double.self)
        for index in 0..<flat.count { key[index] = IntegerRanges.floatKey(values[index]) }
      } else {
        let values = flat.values(as: Float.self)
        for index in 0..<flat.count { key[index] = IntegerRanges.floatKey(Double(values[index])) }
      }
      IntegerStream.filter(key, flat.count, ranges, scratch.bits)
      Bits.clearTail(scratch.bits, flat.count)
      Bits.copy(scratch.bits, from: 0, count: flat.count, to: bitmap, at: row - rows.lowerBound)
      row = end
    }
    Bits.clearTail(bitmap, rows.count)
  }

  private func filterValues(
    _ predicate: ColumnPredicate, _ rows: Range<Int>, into bitmap: UnsafeMutablePointer<UInt64>
  ) throws(PulsehouseError) {
    let test = try ScalarTest(predicate, type)
    let values = try read(rows)
    for word in 0..<Bits.wordCount(rows.count) {
      var bits: UInt64 = 0
      for index in (word << 6)..<min(rows.count, (word + 1) << 6) where test.passes(values, index) {
        bits |= 1 << UInt64(index & 63)
      }
      bitmap[word] = bits
    }
  }
}

/// A predicate on boxed values, strings excepted, which are compared where they lie.
struct ScalarTest {
  private let predicate: ColumnPredicate
  private let strings: [StringReference]
  /// Keeps the constants' bytes alive.
  private let heap: StringHeap

  /// - Throws: `.internal` when a constant is not of `type`.
  init(_ predicate: ColumnPredicate, _ type: LogicalType) throws(PulsehouseError) {
    self.predicate = predicate
    let heap = StringHeap()
    let constants: [Scalar] =
      switch predicate {
      case .compare(_, let constant): [constant]
      case .between(let low, let high): [low, high]
      case .isIn(let values): values
      case .isNull, .isNotNull: []
      }
    var strings: [StringReference] = []
    for constant in constants {
      switch (constant, type.physical) {
      case (.text(let text), .string) where type != .bytea: strings.append(heap.intern(text))
      case (.bytes(let bytes), .string) where type == .bytea:
        strings.append(bytes.withUnsafeBytes { heap.intern($0) })
      case (.boolean, .boolean), (.integer, .int16), (.integer, .int32), (.integer, .int64), (.real, .float32),
        (.double, .float64), (.numeric, .numeric), (.interval, .interval), (.uuid, .uuid):
        break
      default: throw PulsehouseError(.internal, "a predicate on \(type.name) with a constant of another type")
      }
    }
    self.strings = strings
    self.heap = heap
  }

  func passes(_ values: Vector, _ row: Int) -> Bool {
    let isNull = !values.isValid(row)
    switch predicate {
    case .isNull: return isNull
    case .isNotNull: return !isNull
    default: if isNull { return false }
    }
    if values.type.physical == .string {
      let value =
        switch values.form {
        case .flat: values.values(as: StringReference.self)[row]
        case .constant: values.values(as: StringReference.self)[0]
        case .dictionary:
          values.dictionary?.values(as: StringReference.self)[Int(values.codes[row])] ?? StringReference()
        }
      return passes { StringReference.compare(value, strings[$0]) }
    }
    let value = values.scalar(at: row)
    switch predicate {
    case .compare(_, let constant): return passes { _ in ScalarOrder.compare(value, constant) ?? 0 }
    case .between(let low, let high):
      return passes { ScalarOrder.compare(value, $0 == 0 ? low : high) ?? 0 }
    case .isIn(let constants): return passes { ScalarOrder.compare(value, constants[$0]) ?? 1 }
    case .isNull, .isNotNull: return false
    }
  }

  private func passes(_ order: (Int) -> Int) -> Bool {
    switch predicate {
    case .compare(let comparison, _):
      let order = order(0)
      return switch comparison {
      case .equal: order == 0
      case .notEqual: order != 0
      case .less: order < 0
      case .lessOrEqual: order <= 0
      case .greater: order > 0
      case .greaterOrEqual: order >= 0
      }
    case .between: return order(0) >= 0 && order(1) <= 0
    case .isIn(let constants): return constants.indices.contains { order($0) == 0 }
    case .isNull, .isNotNull: return false
    }
  }
}
