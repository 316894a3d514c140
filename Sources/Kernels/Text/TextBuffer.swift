import Glibc
import Vectors

/// Growing bytes for text output: no bounds check per byte, no allocation per value. One thread at a time.
package final class TextBuffer {
  package private(set) var base: UnsafeMutablePointer<UInt8>
  package private(set) var count = 0
  private var capacity: Int

  package init(capacity: Int = 4096) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Forgets the content, keeps the memory.
  package func removeAll() { count = 0 }

  package func removeLast(_ number: Int) { count -= min(number, count) }

  /// Makes room for `extra` more bytes and returns where they go; follow with `advance(by:)`.
  @inline(__always) package func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
    if count + extra > capacity { grow(extra) }
    return base + count
  }

  /// Counts `written` bytes that were stored where `reserve` pointed.
  @inline(__always) package func advance(by written: Int) { count += written }

  private func grow(_ extra: Int) {
    capacity = max(capacity * 2, count + extra)
    let bigger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    bigger.update(from: base, count: count)
    base.deallocate()
    base = bigger
  }

  @inline(__always) package func append(_ byte: UInt8) {
    reserve(1)[0] = byte
    count += 1
  }

  @inline(__always) package func append(_ raw: UnsafeRawBufferPointer) {
    guard let source = raw.baseAddress, raw.count > 0 else { return }
    memcpy(reserve(raw.count), source, raw.count)
    count += raw.count
  }

  package func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package func append(string text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  package func append(repeating byte: UInt8, count number: Int) {
    guard number > 0 else { return }
    memset(reserve(number), Int32(byte), number)
    count += number
  }

  package func append(integer value: Int64) { count += DecimalText.write(value, to: reserve(20)) }

  /// Appends at least `width` digits, zero padded.
  package func append(_ value: UInt64, width: Int) {
    let digits = DecimalText.digitCount(value)
    append(repeating: 0x30, count: width - digits)
    count += DecimalText.write(value, to: reserve(20))
  }
}

/// Integers as decimal digits.
enum DecimalText {
  private static var pairs: StaticString {
    """
    0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
    5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
    """
  }

  @inline(__always) static func digitCount(_ value: UInt64) -> Int {
    var count: Int32 = 1
    while count < 20, value >= PowerOfTen.uint64(count) {
      if count == 19 { return value >= PowerOfTen.uint64(19) ? 20 : 19 }
      count &+= 1
    }
    return Int(count)
  }

  /// Writes the digits, at most 20, and returns how many.
  static func write(_ value: UInt64, to output: UnsafeMutablePointer<UInt8>) -> Int {
    if value < 10 {
      output[0] = 0x30 | UInt8(truncatingIfNeeded: value)
      return 1
    }
    let count = digitCount(value)
    writeDigits(value, count, output)
    return count
  }

  /// Writes exactly `count` digits of `value`, zero padded on the left.
  @inline(__always) static func writeDigits(_ value: UInt64, _ count: Int, _ output: UnsafeMutablePointer<UInt8>) {
    let table = pairs.utf8Start
    var value = value
    var place = count
    while place >= 2 {
      let pair = Int(truncatingIfNeeded: value % 100) &* 2
      value /= 100
      place &-= 2
      output[place] = table[pair]
      output[place &+ 1] = table[pair &+ 1]
    }
    if place == 1 { output[0] = 0x30 | UInt8(truncatingIfNeeded: value % 10) }
  }

  /// Writes a sign and the digits, at most 20 bytes, and returns how many.
  @inline(__always) static func write(_ value: Int64, to output: UnsafeMutablePointer<UInt8>) -> Int {
    if value < 0 {
      output[0] = 0x2D
      return 1 &+ write(value.magnitude, to: output + 1)
    }
    return write(UInt64(value), to: output)
  }
}
