import CKernels

/// Reads decimal digits eight at a time, and turns decimal numbers into doubles with the right rounding.
///
/// The pieces that every reader of numbers in text shares; grammar is each reader's own affair. The hottest loops call
/// the C functions below directly, since those are always inlined.
package enum DecimalText {
  /// Reads the digits at `position` and leaves it after the last one; returns how many there were.
  ///
  /// `mantissa` becomes `mantissa * 10^n + digits`, wrapping: it is right as long as all digits read into it, leading
  /// zeros aside, are at most 19. Reads up to 8 bytes past the last digit.
  @inlinable @inline(__always)
  package static func readDigits(_ position: inout UnsafeRawPointer, into mantissa: inout UInt64) -> Int {
    let count = ph_read_digits(position, &mantissa)
    position += count
    return count
  }

  /// Returns `mantissa * 10^exponent` rounded to the nearest double, or nil where only `parseDouble` can tell.
  @inlinable @inline(__always)
  package static func double(_ mantissa: UInt64, _ exponent: Int) -> Double? {
    guard exponent >= -27, exponent <= 27 else { return nil }
    var result = 0.0
    return ph_decimal_to_double(mantissa, Int32(truncatingIfNeeded: exponent), &result) != 0 ? result : nil
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
