import CKernels

/// Reads decimal digits eight at a time, and turns decimal numbers into doubles with the right rounding.
///
/// The pieces that every reader of numbers in text shares; grammar is each reader's own affair.
package enum DecimalText {
  /// Reads the digits at `position` and leaves it after the last one; returns how many there were.
  ///
  /// `mantissa` becomes `mantissa * 10^n + digits`, wrapping: it is right as long as all digits read into it, leading
  /// zeros aside, are at most 19. Reads up to 8 bytes past the last digit.
  @inlinable @inline(__always)
  package static func readDigits(_ position: inout UnsafeRawPointer, into mantissa: inout UInt64) -> Int {
    var total = 0
    while true {
      let word = UInt64(littleEndian: position.loadUnaligned(as: UInt64.self))
      let digits = word ^ 0x3030_3030_3030_3030
      // A byte above 9 sets its high bit; carries only reach bytes after the first such one.
      let stops = ((digits &+ 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080
      if stops == 0 {
        mantissa = mantissa &* 100_000_000 &+ eightDigits(digits)
        position += 8
        total &+= 8
        continue
      }
      let count = stops.trailingZeroBitCount &>> 3
      if count > 0 {
        let shift = UInt64(truncatingIfNeeded: (8 &- count) &<< 3)
        mantissa = mantissa &* ph_power_of_ten(UInt32(truncatingIfNeeded: count)) &+ eightDigits(digits &<< shift)
      }
      position += count
      return total &+ count
    }
  }

  /// Returns the number that eight bytes of 0...9, first digit lowest, spell.
  @inlinable @inline(__always)
  package static func eightDigits(_ digits: UInt64) -> UInt64 {
    let pairs = (digits &* 10) &+ (digits &>> 8)
    let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
    let high = ((pairs &>> 16) & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001
    return (low &+ high) &>> 32
  }

  /// Returns `mantissa * 10^exponent` rounded to the nearest double, or nil where only `parseDouble` can tell.
  @inlinable @inline(__always)
  package static func double(_ mantissa: UInt64, _ exponent: Int) -> Double? {
    if mantissa < 1 << 53, exponent >= -22, exponent <= 22 {
      // Both are exact, so the one operation rounds right.
      return exponent < 0
        ? Double(mantissa) / ph_power_of_ten_double(UInt32(truncatingIfNeeded: -exponent))
        : Double(mantissa) * ph_power_of_ten_double(UInt32(truncatingIfNeeded: exponent))
    }
    guard exponent >= -27, exponent <= 27 else { return nil }
    var result = 0.0
    return ph_scale_to_double(mantissa, Int32(truncatingIfNeeded: exponent), &result) != 0 ? result : nil
  }

  /// Returns the double nearest to `text`, a decimal number whose grammar the caller has checked: optional sign, digits,
  /// optional fraction and exponent. Too large gives infinity, too small zero.
  package static func parseDouble(_ text: UnsafeRawBufferPointer) -> Double {
    withTerminated(text) { ph_parse_double($0) }
  }

  /// Returns the float nearest to `text`, as `parseDouble` does.
  package static func parseFloat(_ text: UnsafeRawBufferPointer) -> Float {
    withTerminated(text) { ph_parse_float($0) }
  }

  private static func withTerminated<Value>(
    _ text: UnsafeRawBufferPointer, _ body: (UnsafePointer<CChar>) -> Value
  ) -> Value {
    withUnsafeTemporaryAllocation(byteCount: text.count + 1, alignment: 8) { copy in
      copy.copyMemory(from: text)
      copy[text.count] = 0
      return copy.withMemoryRebound(to: CChar.self) { terminated in
        guard let base = terminated.baseAddress else { preconditionFailure("an allocation has an address") }
        return body(base)
      }
    }
  }
}
