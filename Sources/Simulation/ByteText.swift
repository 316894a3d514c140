import Glibc

/// Text under construction, as bytes in one growing allocation that is reused from file to file.
struct ByteText: ~Copyable {
  private(set) var base: UnsafeMutablePointer<UInt8>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 1 << 16) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  mutating func removeAll() { count = 0 }

  mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count)
    count = newCount
  }

  /// Makes room for `more` further bytes, so that the unchecked writers below may be called.
  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    memcpy(moved, base, count)
    base.deallocate()
    base = moved
    capacity = larger
  }

  @inline(__always)
  mutating func append(_ text: StaticString) {
    reserve(text.utf8CodeUnitCount)
    memcpy(base + count, text.utf8Start, text.utf8CodeUnitCount)
    count &+= text.utf8CodeUnitCount
  }

  mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      guard let start = utf8.baseAddress else { return }
      reserve(utf8.count)
      memcpy(base + count, start, utf8.count)
      count += utf8.count
    }
  }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    reserve(bytes.count)
    memcpy(base + count, start, bytes.count)
    count &+= bytes.count
  }

  @inline(__always)
  mutating func append(byte: UInt8) {
    reserve(1)
    base[count] = byte
    count &+= 1
  }

  /// Appends `value` in decimal digits.
  @inline(__always)
  mutating func append(decimal value: Int) {
    reserve(24)
    if value < 0 {
      base[count] = UInt8(ascii: "-")
      count &+= 1
    }
    var rest = value.magnitude
    var digits = 1
    var limit: UInt = 10
    while rest >= limit && digits < 19 {
      limit &*= 10
      digits &+= 1
    }
    if digits == 19 && rest >= 10_000_000_000_000_000_000 { digits = 20 }
    var position = count &+ digits
    count = position
    repeat {
      position &-= 1
      base[position] = UInt8(truncatingIfNeeded: 48 &+ rest % 10)
      rest /= 10
    } while rest != 0
  }

  /// Appends `millionths / 1000000` with exactly six decimals.
  @inline(__always)
  mutating func append(millionths: Int) {
    if millionths < 0 { append(byte: UInt8(ascii: "-")) }
    let magnitude = Int(bitPattern: millionths.magnitude)
    append(decimal: magnitude / 1_000_000)
    append(byte: UInt8(ascii: "."))
    append(padded: magnitude % 1_000_000, digits: 6)
  }

  /// Appends `value`, not negative, with leading zeros up to `digits`.
  @inline(__always)
  mutating func append(padded value: Int, digits: Int) {
    reserve(digits)
    var rest = value
    var position = count &+ digits
    count = position
    for _ in 0..<digits {
      position &-= 1
      base[position] = UInt8(truncatingIfNeeded: 48 &+ rest % 10)
      rest /= 10
    }
  }

  /// Appends one CSV field, quoted where RFC 4180 asks for it.
  mutating func append(field: String) {
    let mustQuote = field.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
    guard mustQuote else { return append(field) }
    append(byte: 0x22)
    for byte in field.utf8 {
      if byte == 0x22 { append(byte: 0x22) }
      append(byte: byte)
    }
    append(byte: 0x22)
  }
}
