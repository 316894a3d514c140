import Bytes
import CKernels

/// Finds the power of ten that makes doubles integers, and writes them so.
struct DecimalEncoder {
  let values: UnsafePointer<Double>
  let count: Int
  /// Set when the doubles are widened reals: then digits need only bring the real back, and exceptions are its bits.
  var reals: UnsafePointer<Float>?

  /// The digits of every row, and the rows that have none.
  struct Digits {
    var exponent: Int
    var integers: AlignedBuffer
    var exceptionRows: [UInt32]
    var exceptionBits: [UInt64]
  }

  /// Integers beyond this are not exact as doubles.
  private static let limit = 9_007_199_254_740_992.0

  @inline(__always) private func digits(_ row: Int, _ power: Double) -> Int64? {
    let value = values[row]
    let scaled = (value * power).rounded(.toNearestOrEven)
    guard scaled > -DecimalEncoder.limit, scaled < DecimalEncoder.limit else { return nil }
    let integer = Int64(scaled)
    let back = Double(integer) / power
    if let reals { return Float(back).bitPattern == reals[row].bitPattern ? integer : nil }
    return back.bitPattern == value.bitPattern ? integer : nil
  }

  /// Returns the smallest exponent that serves nearly all of a sample; nil when none serves most.
  private func exponent() -> Int? {
    let step = max(1, count / 256)
    var best: (exponent: Int, hits: Int)?
    var sampled = 0
    var index = 0
    while index < count {
      sampled += 1
      index += step
    }
    for exponent in 0...DecimalStream.maximumExponent {
      let power = DecimalStream.powers[exponent]
      var hits = 0
      index = 0
      while index < count {
        if digits(index, power) != nil { hits += 1 }
        index += step
      }
      if hits > (best?.hits ?? 0) { best = (exponent, hits) }
      if hits == sampled { break }
    }
    guard let best, best.hits * 10 >= sampled * 8 else { return nil }
    return best.exponent
  }

  /// Returns the digits of all rows, with the row before in the place of an exception; nil when more than a fifth would
  /// be exceptions.
  func encode() -> Digits? {
    guard let exponent = exponent() else { return nil }
    let power = DecimalStream.powers[exponent]
    let buffer = AlignedBuffer(byteCount: count * 8)
    let integers = buffer.values(as: Int64.self)
    var rows: [UInt32] = []
    var bits: [UInt64] = []
    if reals == nil {
      let failed = AlignedBuffer(byteCount: count)
      let flags = failed.values(as: UInt8.self)
      let failures = ph_decimal_digits(values, count, power, integers, flags)
      if failures > count / 5 + 4 { return nil }
      if failures > 0 {
        for index in 0..<count where flags[index] != 0 {
          if let integer = digits(index, power) {
            integers[index] = integer
          } else {
            rows.append(UInt32(index))
            bits.append(values[index].bitPattern)
            integers[index] = index > 0 ? integers[index - 1] : 0
          }
        }
      }
    } else if !realDigits(power, integers, &rows, &bits) {
      return nil
    }
    // Rows before the first number take its digits.
    var first = 0
    while first < rows.count && Int(rows[first]) == first { first += 1 }
    if first < count { for row in 0..<first { integers[row] = integers[first] } }
    return Digits(exponent: exponent, integers: buffer, exceptionRows: rows, exceptionBits: bits)
  }

  /// Finds the digits of widened reals one by one; false when more than a fifth would be exceptions.
  private func realDigits(
    _ power: Double, _ integers: UnsafeMutablePointer<Int64>, _ rows: inout [UInt32], _ bits: inout [UInt64]
  ) -> Bool {
    var last: Int64 = 0
    var index = 0
    while index < count {
      if let integer = digits(index, power) {
        last = integer
      } else {
        rows.append(UInt32(index))
        bits.append(reals.map { UInt64($0[index].bitPattern) } ?? values[index].bitPattern)
        if rows.count > count / 5 + 4 { return false }
      }
      integers[index] = last
      index &+= 1
    }
    return true
  }

  /// Appends what precedes the stream of digits.
  static func writeHead(_ digits: Digits, into writer: inout ByteWriter) {
    writer.pad(to: 8)
    writer.append(UInt32(digits.exponent))
    writer.append(UInt32(digits.exceptionRows.count))
    writer.appendArray(digits.exceptionRows)
    writer.appendArray(digits.exceptionBits)
  }
}
