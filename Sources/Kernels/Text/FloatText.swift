import Glibc

/// Floating point values in the fewest digits that read back the same, laid out as PostgreSQL does: plain from 1e-4 to
/// 1e15 (1e6 for real), else `1.5e+20`.
package enum FloatText {
  /// The most bytes written.
  static let maximumLength = 40

  package static func write(_ value: Double, to output: UnsafeMutablePointer<UInt8>) -> Int {
    // A decimal of up to 15 digits that reads back the same is the shortest one.
    let scaled = (value * 1e6).rounded(.toNearestOrEven)
    if scaled.magnitude < 1e15, scaled / 1e6 == value, value.magnitude >= 1e-4 {
      return writeMillionths(Int64(scaled), to: output)
    }
    if let shortest = ShortestDecimal(value.magnitude) {
      return write(shortest, isNegative: value < 0, to: output)
    }
    return writeGenerally(value, to: output)
  }

  /// Writes any value; slow.
  static func writeGenerally(_ value: Double, to output: UnsafeMutablePointer<UInt8>) -> Int {
    if let length = special(value, to: output) { return length }
    var digits = DecimalDigits(value.description)
    let significand = value.significandBitPattern | (value.isNormal ? 1 << 52 : 0)
    let exponent = value.isNormal ? Int(value.exponent) - 52 : -1074
    if digits.isMidpoint(significand: significand, exponent: exponent) {
      // PostgreSQL does not take a decimal that lies halfway to a neighbour, though it reads back the same.
      for precision in Int32(1)...17 {
        digits = DecimalDigits(printed(value.magnitude, digits: precision))
        if strtod(printed(value.magnitude, digits: precision), nil) == value.magnitude,
          !digits.isMidpoint(significand: significand, exponent: exponent)
        {
          break
        }
      }
    }
    return digits.write(plainBelow: 15, isNegative: value < 0, to: output)
  }

  /// Lays out a number below 1e15 in plain digits.
  private static func write(
    _ shortest: ShortestDecimal, isNegative: Bool, to output: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var length = 0
    if isNegative {
      output[0] = 0x2D
      length = 1
    }
    guard shortest.decimals > 0 else {
      length &+= DecimalText.write(shortest.digits, to: output + length)
      for _ in 0..<(0 - shortest.decimals) {
        output[length] = 0x30
        length &+= 1
      }
      return length
    }
    let (whole, fraction) = shortest.digits.quotientAndRemainder(
      dividingBy: PowerOfTen.uint64(Int32(shortest.decimals)))
    length &+= DecimalText.write(whole, to: output + length)
    output[length] = 0x2E
    DecimalText.writeDigits(fraction, shortest.decimals, output + length + 1)
    return length &+ 1 &+ shortest.decimals
  }

  /// Prints with a number of significant digits, as `d.ddde+xx`.
  private static func printed(_ value: Double, digits: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
      guard let base = buffer.baseAddress else { return "0" }
      let length = withVaList([digits - 1, value]) { vsnprintf(base, 64, "%.*e", $0) }
      return String(decoding: UnsafeRawBufferPointer(start: base, count: Int(length)), as: UTF8.self)
    }
  }

  package static func write(_ value: Float, to output: UnsafeMutablePointer<UInt8>) -> Int {
    if let length = special(Double(value), to: output) { return length }
    return DecimalDigits(value.description).write(plainBelow: 6, isNegative: value < 0, to: output)
  }

  @inline(__always) private static func writeMillionths(_ value: Int64, to output: UnsafeMutablePointer<UInt8>) -> Int {
    var length = 0
    if value < 0 {
      output[0] = 0x2D
      length = 1
    }
    let (whole, fraction) = value.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
    length &+= DecimalText.write(whole, to: output + length)
    if fraction == 0 { return length }
    output[length] = 0x2E
    DecimalText.writeDigits(fraction, 6, output + length + 1)
    length &+= 7
    while output[length &- 1] == 0x30 { length &-= 1 }
    return length
  }

  private static func special(_ value: Double, to output: UnsafeMutablePointer<UInt8>) -> Int? {
    if value == 0 { return copy(value.sign == .minus ? "-0" : "0", to: output) }
    if value.isNaN { return copy("NaN", to: output) }
    if value.isInfinite { return copy(value < 0 ? "-Infinity" : "Infinity", to: output) }
    return nil
  }

  private static func copy(_ text: StaticString, to output: UnsafeMutablePointer<UInt8>) -> Int {
    output.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    return text.utf8CodeUnitCount
  }
}

/// Significant decimal digits and the power of ten of the first, taken from a number in C's or Swift's notation.
struct DecimalDigits {
  /// The digits as a number, without trailing zeros, at most 17 of them.
  private(set) var value: UInt64 = 0
  private(set) var count = 0
  /// The power of ten of the first digit.
  private(set) var power = 0

  init(_ text: String) {
    var exponent = 0
    var readsExponent = false
    var isNegativeExponent = false
    var seenPoint = false
    var zeros = 0
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39:
        if readsExponent {
          exponent = exponent * 10 + Int(byte - 0x30)
        } else if count == 0 && byte == 0x30 {
          if seenPoint { power -= 1 }
        } else {
          if count > 0, !seenPoint { power += 1 }
          if count == 0, seenPoint { power -= 1 }
          // Zeros wait until a later digit proves that they do not trail.
          if byte == 0x30 {
            zeros += 1
          } else {
            for _ in 0..<(zeros + 1) { value = value &* 10 }
            value &+= UInt64(byte - 0x30)
            zeros = 0
          }
          count += 1
        }
      case 0x2E: seenPoint = true
      case 0x65: readsExponent = true
      case 0x2D: if readsExponent { isNegativeExponent = true }
      default: break
      }
    }
    count -= zeros
    power += isNegativeExponent ? -exponent : exponent
  }

  /// Whether the digits name the middle between `significand * 2^exponent` and a neighbouring double.
  func isMidpoint(significand: UInt64, exponent: Int) -> Bool {
    // value * 10^scale = odd * 2^shift; the middle has an odd number of half or quarter units in the last place.
    let scale = power - (count - 1)
    guard scale.magnitude <= 27 else { return false }
    var five: UInt128 = 1
    for _ in 0..<scale.magnitude { five *= 5 }
    var odd = UInt128(value)
    if scale >= 0 {
      odd *= five
    } else {
      guard odd % five == 0 else { return false }
      odd /= five
    }
    guard odd != 0 else { return false }
    let shift = odd.trailingZeroBitCount
    odd >>= UInt128(shift)
    let binary = shift + scale
    let double = UInt128(significand) * 2
    if binary == exponent - 1 { return odd == double + 1 || odd == double - 1 }
    return binary == exponent - 2 && odd == double * 2 - 1
  }

  /// Writes plainly when the first digit's power of ten is from -4 up to, not including, `limit`; else with an exponent.
  func write(plainBelow limit: Int, isNegative: Bool, to output: UnsafeMutablePointer<UInt8>) -> Int {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { digits in
      guard let first = digits.baseAddress else { return 0 }
      DecimalText.writeDigits(value, count, first)
      return layOut(first, plainBelow: limit, isNegative: isNegative, to: output)
    }
  }

  private func layOut(
    _ digits: UnsafePointer<UInt8>, plainBelow limit: Int, isNegative: Bool, to output: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var length = 0
    func put(_ byte: UInt8) {
      output[length] = byte
      length += 1
    }
    if isNegative { put(0x2D) }
    if power >= -4 && power < limit {
      if power < 0 {
        put(0x30)
        put(0x2E)
        for _ in 0..<(-power - 1) { put(0x30) }
        for index in 0..<count { put(digits[index]) }
      } else {
        for index in 0..<max(count, power + 1) {
          if index == power + 1 { put(0x2E) }
          put(index < count ? digits[index] : 0x30)
        }
      }
      return length
    }
    put(digits[0])
    if count > 1 {
      put(0x2E)
      for index in 1..<count { put(digits[index]) }
    }
    put(0x65)
    put(power < 0 ? 0x2D : 0x2B)
    if abs(power) < 10 { put(0x30) }
    length += DecimalText.write(UInt64(abs(power)), to: output + length)
    return length
  }
}
