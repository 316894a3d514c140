import Bytes
import CKernels

/// Doubles (or reals) as integers divided by a power of ten, with the rows that are not such kept apart bit by bit.
///
/// Division rounds right, so a number written with few decimals comes back exactly. Source: Afroozeh, Kuffo and Boncz,
/// "ALP: Adaptive Lossless floating-Point Compression" (2023), with a division where they multiply twice.
struct DecimalStream {
  let count: Int
  let exponent: Int
  let digits: IntegerStream
  let exceptionCount: Int
  /// Rows of the exceptions, ascending.
  let exceptionRows: UnsafePointer<UInt32>
  /// Their bit patterns, of 64 bits for doubles, of 32 for reals.
  let exceptionBits: UnsafePointer<UInt64>

  static let maximumExponent = 18

  static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
  ]

  init(_ cursor: inout BlockCursor, count: Int, _ scratch: DecodeScratch) throws(PulsehouseError) {
    self.count = count
    try cursor.align(to: 8)
    exponent = Int(try cursor.load(UInt32.self))
    guard exponent <= DecimalStream.maximumExponent else { throw BlockCursor.damaged("an exponent of \(exponent)") }
    exceptionCount = try cursor.count(atMost: count)
    exceptionRows = try cursor.array(UInt32.self, count: exceptionCount)
    exceptionBits = try cursor.array(UInt64.self, count: exceptionCount)
    for index in 0..<exceptionCount {
      guard Int(exceptionRows[index]) < count, index == 0 || exceptionRows[index - 1] < exceptionRows[index] else {
        throw BlockCursor.damaged("exceptions out of order")
      }
    }
    digits = try IntegerStream(&cursor, count: count, scratch)
  }

  /// The first exception at or after `row`.
  func exception(from row: Int) -> Int {
    var low = 0
    var high = exceptionCount
    while low < high {
      let middle = (low + high) / 2
      if Int(exceptionRows[middle]) < row { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Decodes rows `rows` of a column of doubles.
  func decodeDoubles(_ rows: Range<Int>, into out: UnsafeMutablePointer<Double>, _ scratch: DecodeScratch)
    throws(PulsehouseError)
  {
    let integers = UnsafeMutableRawPointer(out).assumingMemoryBound(to: Int64.self)
    try digits.decode(rows, into: integers, scratch)
    divide(integers, rows.count, out)
    var index = exception(from: rows.lowerBound)
    while index < exceptionCount, Int(exceptionRows[index]) < rows.upperBound {
      out[Int(exceptionRows[index]) - rows.lowerBound] = Double(bitPattern: exceptionBits[index])
      index += 1
    }
  }

  /// Decodes rows `rows` of a column of reals.
  func decodeReals(_ rows: Range<Int>, into out: UnsafeMutablePointer<Float>, _ scratch: DecodeScratch)
    throws(PulsehouseError)
  {
    let wide = AlignedBuffer(byteCount: rows.count * 8)
    let doubles = wide.values(as: Double.self)
    try digits.decode(rows, into: wide.values(as: Int64.self), scratch)
    divide(wide.values(as: Int64.self), rows.count, doubles)
    for index in 0..<rows.count { out[index] = Float(doubles[index]) }
    var index = exception(from: rows.lowerBound)
    while index < exceptionCount, Int(exceptionRows[index]) < rows.upperBound {
      out[Int(exceptionRows[index]) - rows.lowerBound] = real(index)
      index += 1
    }
  }

  private func real(_ exception: Int) -> Float {
    Float(bitPattern: UInt32(truncatingIfNeeded: exceptionBits[exception]))
  }

  /// Decodes the selected rows of a column of reals.
  func decodeReals(
    _ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<Float>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    let wide = AlignedBuffer(byteCount: selection.count * 8)
    let doubles = wide.values(as: Double.self)
    try digits.decode(selection, into: wide.values(as: Int64.self), scratch)
    divide(wide.values(as: Int64.self), selection.count, doubles)
    for (place, row) in selection.enumerated() {
      let index = exceptionCount == 0 ? 0 : exception(from: Int(row))
      let isException = index < exceptionCount && exceptionRows[index] == row
      out[place] = isException ? real(index) : Float(doubles[place])
    }
  }

  /// Decodes the selected rows of a column of doubles.
  func decodeDoubles(
    _ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<Double>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    let integers = UnsafeMutableRawPointer(out).assumingMemoryBound(to: Int64.self)
    try digits.decode(selection, into: integers, scratch)
    divide(integers, selection.count, out)
    if exceptionCount == 0 { return }
    for (place, row) in selection.enumerated() {
      let index = exception(from: Int(row))
      if index < exceptionCount, exceptionRows[index] == row {
        out[place] = Double(bitPattern: exceptionBits[index])
      }
    }
  }

  /// Writes the quotients of digits.
  func divide(_ integers: UnsafePointer<Int64>, _ count: Int, into out: UnsafeMutablePointer<Double>) {
    ph_divide_decimals(integers, count, DecimalStream.powers[exponent], out)
  }

  /// Divides in place: `integers` and `out` are the same memory.
  private func divide(_ integers: UnsafeMutablePointer<Int64>, _ count: Int, _ out: UnsafeMutablePointer<Double>) {
    ph_divide_decimals(integers, count, DecimalStream.powers[exponent], out)
  }
}
