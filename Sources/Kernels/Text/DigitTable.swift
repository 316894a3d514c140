/// The four decimal digits of every number below 10,000, zero padded, as they lie in memory.
enum DigitTable {
  /// 10,000 entries of four bytes; made at first use, never freed. Copy it to a local before a loop.
  nonisolated(unsafe) static let quads: UnsafePointer<UInt32> = {
    let table = UnsafeMutablePointer<UInt32>.allocate(capacity: 10_000)
    for number in 0..<10_000 {
      let digits = [number / 1000, number / 100 % 10, number / 10 % 10, number % 10].map { UInt32(0x30 + $0) }
      table[number] = (digits[0] | digits[1] << 8 | digits[2] << 16 | digits[3] << 24).littleEndian
    }
    return UnsafePointer(table)
  }()
}

/// Numbers written through a `DigitTable`: no loop, hardly a branch. Each writes up to 8 bytes beyond its digits.
struct QuadWriter {
  let quads: UnsafePointer<UInt32>

  init() { quads = DigitTable.quads }

  /// Writes a number below 10,000 without leading zeros; returns how many digits it has.
  @inline(__always) func small(_ value: UInt64, _ output: UnsafeMutablePointer<UInt8>) -> Int {
    let count = 1 &+ bit(value > 9) &+ bit(value > 99) &+ bit(value > 999)
    let word = quads[Int(truncatingIfNeeded: value)] >> UInt32(truncatingIfNeeded: (4 &- count) &* 8)
    UnsafeMutableRawPointer(output).storeBytes(of: word, as: UInt32.self)
    return count
  }

  /// Writes exactly four digits of a number below 10,000.
  @inline(__always) func four(_ value: UInt64, _ output: UnsafeMutablePointer<UInt8>) {
    UnsafeMutableRawPointer(output).storeBytes(of: quads[Int(truncatingIfNeeded: value)], as: UInt32.self)
  }

  /// The two digits of a number below 100, the first in the low byte.
  @inline(__always) func pair(_ value: UInt64) -> UInt64 { UInt64(quads[Int(truncatingIfNeeded: value)] >> 16) }

  /// Writes a number without leading zeros; returns how many digits it has, at most 20.
  @inline(__always) func number(_ value: UInt64, _ output: UnsafeMutablePointer<UInt8>) -> Int {
    if value < 10_000 { return small(value, output) }
    if value < 100_000_000 {
      let count = small(value / 10_000, output)
      four(value % 10_000, output + count)
      return count &+ 4
    }
    return large(value, output)
  }

  @inline(never) private func large(_ value: UInt64, _ output: UnsafeMutablePointer<UInt8>) -> Int {
    let upper = value / 100_000_000
    let lower = value % 100_000_000
    let count = upper < 100_000_000 ? number(upper, output) : large(upper, output)
    four(lower / 10_000, output + count)
    four(lower % 10_000, output + count + 4)
    return count &+ 8
  }

  @inline(__always) func signed(_ value: Int64, _ output: UnsafeMutablePointer<UInt8>) -> Int {
    if value >= 0 { return number(UInt64(bitPattern: value), output) }
    output[0] = 0x2D
    return 1 &+ number(value.magnitude, output + 1)
  }

  @inline(__always) private func bit(_ condition: Bool) -> Int {
    Int(truncatingIfNeeded: unsafeBitCast(condition, to: UInt8.self))
  }
}
