import Bytes
import Vectors

/// Sort columns rewritten as unsigned words: comparing a row's words in order compares the rows.
///
/// Each column gives a NULL bit (only where it has NULLs) and its value, shifted down by the column's minimum so that
/// it needs few bits; segments are packed into as few 64-bit words as fit without splitting one. Descending columns are
/// complemented. Strings give their first eight bytes (dictionary-coded ones their exact rank): where that does not
/// decide, `exactColumns` says how many leading columns the words settle, and the rest is for `RowComparator`.
package struct SortKeys {
  package let rowCount: Int
  package let wordsPerRow: Int
  /// Word `w` of row `r` at `w * rowCount + r`.
  package let words: AlignedBuffer
  /// Bits used by each word, from the low end; the rest are zero.
  package let wordBits: [Int]
  /// How many leading columns the words decide; equal words with fewer than all columns need a comparison.
  package let exactColumns: Int
  package let columnCount: Int

  package var isExact: Bool { exactColumns == columnCount }

  /// Encodes `columns`, each of `rowCount` rows, first column most significant.
  package init(_ columns: [Vector], orders: [SortOrder], rowCount: Int) {
    precondition(columns.count == orders.count, "an order for every column")
    var segments: [Segment] = []
    var exact = 0
    for (column, order) in zip(columns, orders) {
      precondition(column.count == rowCount, "columns of different length")
      let (made, isExact) = Segment.make(column, order)
      segments += made
      if !isExact { break }
      exact += 1
    }
    var layout: [[Segment]] = []
    var used = 64
    for segment in segments where segment.bits > 0 {
      if used + segment.bits > 64 {
        layout.append([])
        used = 0
      }
      layout[layout.count - 1].append(segment)
      used += segment.bits
    }
    self.rowCount = rowCount
    wordsPerRow = layout.count
    exactColumns = exact
    columnCount = columns.count
    words = AlignedBuffer(byteCount: layout.count * rowCount * 8, zeroed: true)
    wordBits = layout.map { $0.reduce(0) { $0 + $1.bits } }
    for (index, word) in layout.enumerated() {
      let output = words.values(as: UInt64.self) + index * rowCount
      var shift = wordBits[index]
      for segment in word {
        shift -= segment.bits
        let bits = segment.values
        let amount = UInt64(shift)
        for row in 0..<rowCount { output[row] |= bits[row] << amount }
      }
    }
  }
}

/// Up to 64 bits of every row's key.
private struct Segment {
  let bits: Int
  let values: UnsafeMutablePointer<UInt64>
  /// Keeps `values` alive.
  let buffer: AlignedBuffer

  private init(rowCount: Int, bits: Int) {
    buffer = AlignedBuffer(byteCount: rowCount * 8)
    values = buffer.values(as: UInt64.self)
    self.bits = bits
  }

  private init(_ buffer: AlignedBuffer, bits: Int) {
    self.buffer = buffer
    values = buffer.values(as: UInt64.self)
    self.bits = bits
  }

  /// Returns the segments of one column and whether they decide every pair of its rows.
  static func make(_ column: Vector, _ order: SortOrder) -> ([Segment], isExact: Bool) {
    let count = column.count
    if column.form == .constant || count == 0 { return ([], true) }
    var result: [Segment] = []
    let mask = column.nullCount > 0 ? column.rowValidity : nil
    if let mask {
      let nulls = Segment(rowCount: count, bits: 1)
      let flip: UInt64 = order.nullsFirst ? 0 : 1
      for row in 0..<count { nulls.values[row] = ((mask.words[row >> 6] >> UInt64(row & 63)) & 1) ^ flip }
      result.append(nulls)
    }
    if column.form == .dictionary, let dictionary = column.dictionary, dictionary.count <= max(count, 1024) {
      result.append(reduced(ranks(column, dictionary), count, mask, order))
      return (result, true)
    }
    let flat = column.flattened()
    var isExact = true
    switch column.type.physical {
    case .boolean: result.append(integers(flat, count, mask, order, as: UInt8.self) { Int64($0) })
    case .int16: result.append(integers(flat, count, mask, order, as: Int16.self) { Int64($0) })
    case .int32: result.append(integers(flat, count, mask, order, as: Int32.self) { Int64($0) })
    case .int64: result.append(integers(flat, count, mask, order, as: Int64.self) { $0 })
    case .float32: result.append(integers(flat, count, mask, order, as: Float.self) { orderable(Double($0)) })
    case .float64: result.append(integers(flat, count, mask, order, as: Double.self) { orderable($0) })
    case .uuid:
      result.append(integers(flat, count, mask, order, as: UUIDValue.self) { signed($0.high) })
      result.append(integers(flat, count, mask, order, as: UUIDValue.self) { signed($0.low) })
    case .interval:
      result.append(integers(flat, count, mask, order, as: Interval.self) { Int64(truncatingIfNeeded: $0.span >> 64) })
      result.append(
        integers(flat, count, mask, order, as: Interval.self) { signed(UInt64(truncatingIfNeeded: $0.span)) })
    case .string:
      let spelling = column.type.spelling
      var longest = 0
      let values = flat.values(as: StringReference.self)
      for row in 0..<count { longest = max(longest, values[row].count) }
      isExact = longest <= 8 && column.type != .bytea
      result.append(
        integers(flat, count, mask, order, as: StringReference.self) {
          $0.withKey(spelling) { signed(prefix($0)) }
        })
    case .numeric: isExact = numerics(flat, count, mask, order, into: &result)
    }
    return (result, isExact)
  }

  @inline(__always) private static func signed(_ value: UInt64) -> Int64 { Int64(bitPattern: value ^ (1 << 63)) }

  /// Maps doubles to integers of the same order: NaN highest, -0.0 with 0.0.
  @inline(__always) private static func orderable(_ value: Double) -> Int64 {
    if value.isNaN { return Int64.max }
    let bits = Int64(bitPattern: (value + 0).bitPattern)
    return bits ^ Int64(bitPattern: UInt64(bitPattern: bits >> 63) >> 1)
  }

  /// The first eight bytes, big-endian, zero padded.
  @inline(__always) private static func prefix(_ value: StringReference) -> UInt64 {
    if value.isInline {
      return ((value.head >> 32).byteSwapped) | (value.tail & 0xFFFF_FFFF).byteSwapped >> 32
    }
    return value.withBytes { $0.loadUnaligned(as: UInt64.self).byteSwapped }
  }

  private static func ranks(_ column: Vector, _ dictionary: Vector) -> AlignedBuffer {
    let comparator = RowComparator([dictionary], orders: [SortOrder()])
    let sorted = (0..<dictionary.count).sorted { comparator.compare($0, $1) < 0 }
    var rank = [UInt64](repeating: 0, count: max(dictionary.count, 1))
    var current: UInt64 = 0
    for (position, code) in sorted.enumerated() {
      if position > 0, comparator.compare(sorted[position - 1], code) != 0 { current += 1 }
      rank[code] = current
    }
    let buffer = AlignedBuffer(byteCount: column.count * 8)
    let output = buffer.values(as: UInt64.self)
    let codes = column.codes
    for row in 0..<column.count { output[row] = dictionary.count == 0 ? 0 : rank[Int(codes[row])] }
    return buffer
  }

  @inline(__always) private static func integers<T: BitwiseCopyable>(
    _ flat: Vector, _ count: Int, _ mask: ValidityMask?, _ order: SortOrder, as type: T.Type, _ map: (T) -> Int64
  ) -> Segment {
    let buffer = AlignedBuffer(byteCount: count * 8)
    let output = buffer.values(as: UInt64.self)
    let input = flat.values(as: type)
    var row = 0
    while row < count {
      output[row] = UInt64(bitPattern: map(input[row])) ^ (1 << 63)
      row &+= 1
    }
    return reduced(buffer, count, mask, order)
  }

  /// Moves the valid values down by their minimum, complements them if descending, zeroes the others.
  private static func reduced(
    _ buffer: AlignedBuffer, _ count: Int, _ mask: ValidityMask?, _ order: SortOrder
  ) -> Segment {
    let values = buffer.values(as: UInt64.self)
    var low = UInt64.max
    var high = UInt64.min
    if let mask {
      for row in 0..<count where mask.isValid(row) {
        low = min(low, values[row])
        high = max(high, values[row])
      }
    } else {
      for row in 0..<count {
        low = min(low, values[row])
        high = max(high, values[row])
      }
    }
    if low > high { (low, high) = (0, 0) }
    if order.isDescending {
      for row in 0..<count { values[row] = high &- values[row] }
    } else {
      for row in 0..<count { values[row] = values[row] &- low }
    }
    if let mask { for row in 0..<count where !mask.isValid(row) { values[row] = 0 } }
    return Segment(buffer, bits: 64 - (high - low).leadingZeroBitCount)
  }

  /// Brings numerics to one scale; returns false, adding nothing, where they do not fit 128 bits that way.
  private static func numerics(
    _ flat: Vector, _ count: Int, _ mask: ValidityMask?, _ order: SortOrder, into result: inout [Segment]
  ) -> Bool {
    let values = flat.values(as: Numeric.self)
    var scale: Int32 = 0
    for row in 0..<count where mask?.isValid(row) ?? true {
      if values[row].special != 0 { return false }
      scale = max(scale, values[row].scale)
    }
    let high = AlignedBuffer(byteCount: count * 8)
    let low = AlignedBuffer(byteCount: count * 8)
    let highWords = high.values(as: UInt64.self)
    let lowWords = low.values(as: UInt64.self)
    for row in 0..<count {
      guard mask?.isValid(row) ?? true else {
        (highWords[row], lowWords[row]) = (0, 0)
        continue
      }
      let value = values[row]
      let power = PowerOfTen.int128(scale - value.scale)
      let (scaled, overflow) = value.mantissa.multipliedReportingOverflow(by: power)
      if overflow || scale - value.scale > 38 { return false }
      let bits = UInt128(bitPattern: scaled) ^ (1 << 127)
      highWords[row] = UInt64(truncatingIfNeeded: bits >> 64)
      lowWords[row] = UInt64(truncatingIfNeeded: bits)
    }
    // Small values of both signs differ in the high half by one; one word holds them when the range allows.
    if let packed = oneWord(highWords, lowWords, count, mask) {
      result.append(reduced(packed, count, mask, order))
      return true
    }
    result.append(reduced(high, count, mask, order))
    result.append(reduced(low, count, mask, order))
    return true
  }

  private static func oneWord(
    _ high: UnsafePointer<UInt64>, _ low: UnsafePointer<UInt64>, _ count: Int, _ mask: ValidityMask?
  ) -> AlignedBuffer? {
    var least = UInt128.max
    var most = UInt128.min
    for row in 0..<count where mask?.isValid(row) ?? true {
      let value = UInt128(high[row]) << 64 | UInt128(low[row])
      least = min(least, value)
      most = max(most, value)
    }
    guard least <= most else { return nil }
    guard most - least <= UInt128(UInt64.max) else { return nil }
    let buffer = AlignedBuffer(byteCount: count * 8)
    let output = buffer.values(as: UInt64.self)
    for row in 0..<count {
      output[row] = UInt64(truncatingIfNeeded: (UInt128(high[row]) << 64 | UInt128(low[row])) &- least)
    }
    return buffer
  }
}
