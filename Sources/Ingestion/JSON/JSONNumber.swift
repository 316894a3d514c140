import Bytes
import CKernels
import Vectors

/// A number as it stands in the text: sign, digits, where the point is.
struct JSONNumber {
  var isNegative = false
  /// All digits, wrapping: right when `digitCount` is at most 19.
  var mantissa: UInt64 = 0
  /// Digits before and after the point.
  var digitCount = 0
  var fractionCount = 0
  /// As written after `e`; clamped to ±1,000,000.
  var exponent = 0
  var isPlainInteger = true

  /// Reads the number at `p` by JSON's grammar and steps over it; false when there is none before `end`.
  mutating func scan(_ p: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
    if p < end, p.load(as: UInt8.self) == UInt8(ascii: "-") {
      isNegative = true
      p += 1
    }
    guard p < end else { return false }
    let first = p.load(as: UInt8.self)
    let whole = ph_read_digits(p, &mantissa)
    p += whole
    if whole == 0 || whole > 1 && first == UInt8(ascii: "0") || p > end { return false }
    digitCount = whole
    if p < end, p.load(as: UInt8.self) == UInt8(ascii: ".") {
      p += 1
      isPlainInteger = false
      fractionCount = ph_read_digits(p, &mantissa)
      p += fractionCount
      if fractionCount == 0 || p > end { return false }
      digitCount += fractionCount
    }
    if p < end, p.load(as: UInt8.self) | 0x20 == UInt8(ascii: "e") {
      p += 1
      isPlainInteger = false
      var isDown = false
      if p < end, p.load(as: UInt8.self) == UInt8(ascii: "+") || p.load(as: UInt8.self) == UInt8(ascii: "-") {
        isDown = p.load(as: UInt8.self) == UInt8(ascii: "-")
        p += 1
      }
      var count = 0
      while p < end {
        let digit = p.load(as: UInt8.self) &- UInt8(ascii: "0")
        guard digit < 10 else { break }
        exponent = min(exponent * 10 + Int(digit), 1_000_000)
        count += 1
        p += 1
      }
      if count == 0 { return false }
      if isDown { exponent = -exponent }
    }
    return true
  }

  enum IntegerOutcome {
    case value(Int64)
    case hasFraction
    case outOfRange
  }

  /// Returns the value as a whole number: 1e3 and 12.00 are, 1.5 is not.
  func integer(_ text: UnsafeRawBufferPointer) -> IntegerOutcome {
    if isPlainInteger && digitCount <= 18 {
      let value = Int64(truncatingIfNeeded: mantissa)
      return .value(isNegative ? -value : value)
    }
    var digits = significantDigits(text)
    if digits.bytes.isEmpty { return .value(0) }
    guard digits.exponent >= 0 else { return .hasFraction }
    guard digits.bytes.count + digits.exponent <= 19 else { return .outOfRange }
    digits.bytes += [UInt8](repeating: 0, count: digits.exponent)
    var value: UInt64 = 0
    for digit in digits.bytes { value = value &* 10 &+ UInt64(digit) }
    if isNegative {
      return value <= 1 << 63 ? .value(Int64(truncatingIfNeeded: 0 &- value)) : .outOfRange
    }
    return value < 1 << 63 ? .value(Int64(truncatingIfNeeded: value)) : .outOfRange
  }

  /// Returns the nearest double; nil when it would be infinite, or zero though the number is not.
  @inline(__always)
  func double(_ text: UnsafeRawBufferPointer) -> Double? {
    if digitCount <= 19, let value = DecimalText.double(mantissa, exponent - fractionCount) {
      return isNegative ? -value : value
    }
    let value = DecimalText.parseDouble(text)
    if value.isInfinite || value == 0 && !significantDigits(text).bytes.isEmpty { return nil }
    return value
  }

  /// Returns the nearest float, with the same refusals.
  func float(_ text: UnsafeRawBufferPointer) -> Float? {
    let value = DecimalText.parseFloat(text)
    if value.isInfinite || value == 0 && !significantDigits(text).bytes.isEmpty { return nil }
    return value
  }

  /// Returns the exact decimal, rounded half away from zero to the type's scale; nil when it does not fit.
  func numeric(_ text: UnsafeRawBufferPointer, precision: Int?, scale: Int?) -> Numeric? {
    var digits = significantDigits(text)
    // What is shown: the digits written, or the declared scale.
    let written = max(fractionCount - exponent, 0)
    let target = precision == nil ? written : (scale ?? 0)
    guard target <= 1000, digits.exponent <= 1000 else { return digits.bytes.isEmpty ? zero(target) : nil }
    var shift = digits.exponent + target
    if shift < 0 {
      let kept = digits.bytes.count + shift
      if kept < 0 { return zero(target) }
      let roundsUp = digits.bytes[kept] >= 5
      digits.bytes.removeLast(digits.bytes.count - kept)
      if roundsUp { increment(&digits.bytes) }
      shift = 0
    }
    guard digits.bytes.count + shift <= Numeric.maximumDigits else { return nil }
    if digits.bytes.isEmpty { return zero(target) }
    if let precision, digits.bytes.count + shift > precision { return nil }
    var mantissa: Int128 = 0
    for digit in digits.bytes { mantissa = mantissa * 10 + Int128(digit) }
    for _ in 0..<shift { mantissa *= 10 }
    return Numeric(mantissa: isNegative ? -mantissa : mantissa, scale: Int32(truncatingIfNeeded: target))
  }

  private func zero(_ scale: Int) -> Numeric? {
    scale <= Numeric.maximumDigits ? Numeric(mantissa: 0, scale: Int32(truncatingIfNeeded: scale)) : nil
  }

  private func increment(_ digits: inout [UInt8]) {
    var index = digits.count - 1
    while index >= 0 {
      if digits[index] < 9 {
        digits[index] += 1
        return
      }
      digits[index] = 0
      index -= 1
    }
    digits.insert(1, at: 0)
  }

  /// Returns the digits without leading and trailing zeros; the value is their number times ten to `exponent`.
  private func significantDigits(_ text: UnsafeRawBufferPointer) -> (bytes: [UInt8], exponent: Int) {
    var bytes: [UInt8] = []
    for byte in text {
      if byte | 0x20 == UInt8(ascii: "e") { break }
      let digit = byte &- UInt8(ascii: "0")
      if digit < 10, digit > 0 || !bytes.isEmpty { bytes.append(digit) }
    }
    var power = exponent - fractionCount
    while bytes.last == 0 {
      bytes.removeLast()
      power += 1
    }
    return (bytes, power)
  }
}
