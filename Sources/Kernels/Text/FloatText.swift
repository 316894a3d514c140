import Glibc

/// Floating point values in the fewest digits that read back the same, laid out as PostgreSQL does: plain from 1e-4 to
/// 1e15 (1e6 for real), else `1.5e+20`.
enum FloatText {
  /// The most bytes written.
  static let maximumLength = 40

  static func write(_ value: Double, to output: UnsafeMutablePointer<UInt8>) -> Int {
    // A decimal of up to 15 digits that reads back the same is the shortest one.
    let scaled = (value * 1e6).rounded(.toNearestOrEven)
    if scaled.magnitude < 1e15, scaled / 1e6 == value, value.magnitude >= 1e-4 {
      return writeMillionths(Int64(scaled), to: output)
    }
    if let length = special(value, to: output) { return length }
    return shortest(value.description, plainBelow: 15, value.sign == .minus, to: output)
  }

  static func write(_ value: Float, to output: UnsafeMutablePointer<UInt8>) -> Int {
    if let length = special(Double(value), to: output) { return length }
    return shortest(value.description, plainBelow: 6, value.sign == .minus, to: output)
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

  /// Takes Swift's shortest digits and exponent and lays them out anew.
  private static func shortest(
    _ description: String, plainBelow limit: Int, _ isNegative: Bool, to output: UnsafeMutablePointer<UInt8>
  ) -> Int {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { digits in
      var count = 0
      var exponent = 0
      var pointAt: Int?
      var readsExponent = false
      var exponentIsNegative = false
      var leadingZeros = 0
      for byte in description.utf8 {
        switch byte {
        case 0x30...0x39:
          if readsExponent {
            exponent = exponent * 10 + Int(byte - 0x30)
          } else if count == 0 && byte == 0x30 {
            if pointAt != nil { leadingZeros += 1 }
          } else if count < 64 {
            digits[count] = byte
            count += 1
          }
        case 0x2E: pointAt = count
        case 0x65: readsExponent = true
        case 0x2D: if readsExponent { exponentIsNegative = true }
        default: break
        }
      }
      // The power of ten of the first digit.
      let integerDigits = pointAt ?? count
      var power = (exponentIsNegative ? -exponent : exponent) + integerDigits - 1 - leadingZeros
      if integerDigits == 0 { power = (exponentIsNegative ? -exponent : exponent) - 1 - leadingZeros }
      while count > 1, digits[count - 1] == 0x30 { count -= 1 }
      guard let first = digits.baseAddress else { return 0 }
      return layOut(first, count, power, plainBelow: limit, isNegative, to: output)
    }
  }

  private static func layOut(
    _ digits: UnsafePointer<UInt8>, _ count: Int, _ power: Int, plainBelow limit: Int, _ isNegative: Bool,
    to output: UnsafeMutablePointer<UInt8>
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
