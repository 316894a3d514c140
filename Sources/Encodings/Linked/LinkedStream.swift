import Bytes
import CKernels

/// Integers as a multiple of another column's value plus a rest: an instant is its day's beginning and a time of day.
///
/// What the other column says already is not stored again. Rows are read wherever they lie, as the other column allows.
final class LinkedStream {
  let count: Int
  /// The column whose values come in.
  let baseColumn: Int
  let multiplier: Int64
  let rest: PackedStream
  /// The other column's block, once supplied.
  private var base: Block?
  /// A vector of them; range tests may read 63 bytes past it.
  private lazy var bases = AlignedBuffer(byteCount: 1024 * 8 + 64)

  init(_ cursor: inout BlockCursor, count: Int) throws(PulsehouseError) {
    self.count = count
    baseColumn = Int(try cursor.load(UInt32.self))
    multiplier = try cursor.load(Int64.self)
    try cursor.align(to: 8)
    rest = try PackedStream(&cursor, count: count)
  }

  var hasBase: Bool { base != nil }

  /// Takes the other column's block, which needs no other itself.
  func supply(_ block: Block) throws(PulsehouseError) {
    guard block.rowCount == count, block.need == nil, block.hasIntegers else {
      throw BlockCursor.damaged("a column of other values than integers to build upon")
    }
    base = block
  }

  private func supplied() throws(PulsehouseError) -> Block {
    guard let base else { throw PulsehouseError(.internal, "a linked block read before the one it is linked to") }
    return base
  }

  /// Decodes rows `rows`, truncated to `T`.
  func decode<T: FixedWidthInteger & BitwiseCopyable>(
    _ rows: Range<Int>, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    let base = try supplied()
    let bases = self.bases.values(as: Int64.self)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let vector = row >> 10
      let end = min((vector + 1) << 10, rows.upperBound)
      try base.decodeIntegers(row..<end, into: bases)
      rest.decode(vector, into: scratch.values, scratch)
      add(bases, scratch.values + (row & 1023), end - row, out + (row - rows.lowerBound))
      row = end
    }
  }

  @inline(__always) private func add<T: FixedWidthInteger>(
    _ bases: UnsafePointer<Int64>, _ rests: UnsafePointer<Int64>, _ count: Int, _ out: UnsafeMutablePointer<T>
  ) {
    let multiplier = self.multiplier
    var index = 0
    while index < count {
      out[index] = T(truncatingIfNeeded: rests[index] &+ multiplier &* bases[index])
      index &+= 1
    }
  }

  /// Decodes only the rows of `selection`, ascending.
  func decode<T: FixedWidthInteger & BitwiseCopyable>(
    _ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    let base = try supplied()
    let buffer = AlignedBuffer(byteCount: max(selection.count, 1) * 8)
    let bases = buffer.values(as: Int64.self)
    try base.decodeIntegers(selection, into: bases)
    let multiplier = self.multiplier
    IntegerStream.bySelection(selection) { vector, picks in
      if picks.count <= 12 {
        for pick in picks {
          out[pick] = T(truncatingIfNeeded: rest.value(at: Int(selection[pick])) &+ multiplier &* bases[pick])
        }
      } else {
        rest.decode(vector, into: scratch.values, scratch)
        for pick in picks {
          let value = scratch.values[Int(selection[pick] & 1023)]
          out[pick] = T(truncatingIfNeeded: value &+ multiplier &* bases[pick])
        }
      }
    }
    withExtendedLifetime(buffer) {}
  }

  /// Tests rows `rows`: bit `i` of `bitmap` tells of row `rows.lowerBound + i`. Bits past the last row are left as they
  /// are.
  func filter(
    _ ranges: IntegerRanges, _ rows: Range<Int>, into bitmap: UnsafeMutablePointer<UInt64>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    let base = try supplied()
    let bases = self.bases.values(as: Int64.self)
    let wanted = candidates(ranges, base)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let vector = row >> 10
      let end = min((vector + 1) << 10, rows.upperBound)
      let count = end - row
      try base.decodeIntegers(row..<end, into: bases)
      var isDecided = false
      if let wanted {
        let found = ph_between64(
          UnsafeRawPointer(bases).assumingMemoryBound(to: UInt64.self), count, UInt64(bitPattern: wanted.lowerBound),
          UInt64(bitPattern: wanted.upperBound), scratch.bits)
        isDecided = found <= LinkedStream.mostPicked
        if isDecided && found > 0 { pick(ranges, bases, row, count, scratch.bits) }
      }
      if !isDecided {
        rest.decode(vector, into: scratch.values, scratch)
        add(bases, scratch.values + (row & 1023), count, bases)
        IntegerStream.filter(bases, count, ranges, scratch.bits)
      }
      Bits.copy(scratch.bits, from: 0, count: count, to: bitmap, at: row - rows.lowerBound)
      row = end
    }
  }

  /// Picking so many rows one by one costs less than unpacking their vector.
  private static let mostPicked = 16

  /// Clears the bits of rows that are not in `ranges` after all.
  private func pick(
    _ ranges: IntegerRanges, _ bases: UnsafePointer<Int64>, _ first: Int, _ count: Int,
    _ bits: UnsafeMutablePointer<UInt64>
  ) {
    for word in 0..<Bits.wordCount(count) {
      var left = bits[word]
      while left != 0 {
        let index = word << 6 | left.trailingZeroBitCount
        left &= left &- 1
        let value = rest.value(at: first + index) &+ multiplier &* bases[index]
        if !ranges.contains(value) { Bits.set(bits, index, false) }
      }
    }
  }

  /// The values of the other column with which a row may lie in `ranges`; nil where that cannot be told, since sums wrap.
  private func candidates(_ ranges: IntegerRanges, _ base: Block) -> ClosedRange<Int64>? {
    guard let low = ranges.ranges.first?.lowerBound, let high = ranges.ranges.last?.upperBound, multiplier > 0,
      rest.maximumCode <= UInt64(Int64.max), let bounds = base.integerBounds
    else { return nil }
    let step = Int128(multiplier)
    let least = Int128(rest.base)
    let greatest = least + Int128(rest.multiplier) * Int128(rest.maximumCode)
    guard greatest <= Int128(Int64.max), step * Int128(bounds.lowerBound) + least >= Int128(Int64.min),
      step * Int128(bounds.upperBound) + greatest <= Int128(Int64.max)
    else { return nil }
    func floor(_ value: Int128) -> Int128 { value >= 0 ? value / step : -((-value + step - 1) / step) }
    let first = max(-floor(greatest - Int128(low)), Int128(bounds.lowerBound))
    let last = min(floor(Int128(high) - least), Int128(bounds.upperBound))
    // Where no value can, one outside of the bounds is sought in vain.
    return first <= last ? Int64(first)...Int64(last) : nil
  }
}
