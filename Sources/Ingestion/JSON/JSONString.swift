import Bytes
import Vectors

/// Strings as JSON spells them: find the end, check every byte, undo escapes.
extension JSONRecordParser {
  /// Steps over the string whose opening quote is at `p`, checking UTF-8 and escapes. Sets `hasEscapes` when it has one.
  func scanString(_ p: inout UnsafeRawPointer, _ hasEscapes: inout Bool) -> Bool {
    hasEscapes = false
    p += 1
    while true {
      let word = UInt64(littleEndian: p.loadUnaligned(as: UInt64.self))
      let stops = JSONText.stops(word)
      if stops == 0 {
        p += 8
        if p > limit { return fail(.truncated, limit) }
        continue
      }
      p += stops.trailingZeroBitCount >> 3
      guard p < limit else { return fail(.truncated, limit) }
      let next = p.load(as: UInt8.self)
      if next == UInt8(ascii: "\"") {
        p += 1
        return true
      }
      if next == UInt8(ascii: "\\") {
        hasEscapes = true
        guard checkEscape(&p) else { return false }
      } else if next >= 0x80 {
        let length = JSONText.sequenceLength(p, limit)
        guard length > 0 else { return fail(.invalidUTF8, p) }
        p += length
      } else {
        return fail(.controlCharacter, p)
      }
    }
  }

  private func checkEscape(_ p: inout UnsafeRawPointer) -> Bool {
    switch byte(p + 1) {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      p += 2
      return true
    case UInt8(ascii: "u"):
      guard limit - p >= 6 else { return fail(.truncated, limit) }
      guard let unit = JSONText.hexadecimal(p + 2) else { return fail(.badEscape, p) }
      if unit == 0 { return fail(.nulEscape, p) }
      if unit & 0xFC00 == 0xDC00 { return fail(.loneSurrogate, p) }
      if unit & 0xFC00 == 0xD800 {
        guard byte(p + 6) == UInt8(ascii: "\\"), byte(p + 7) == UInt8(ascii: "u"), limit - p >= 12,
          let low = JSONText.hexadecimal(p + 8), low & 0xFC00 == 0xDC00
        else { return fail(.loneSurrogate, p) }
        p += 12
        return true
      }
      p += 6
      return true
    default: return fail(.badEscape, p)
    }
  }

  /// Writes the characters that a checked string of `count` bytes stands for, at most `count` bytes, and returns how
  /// many they are.
  func unescape(_ text: UnsafeRawPointer, _ count: Int, into output: UnsafeMutableRawPointer) -> Int {
    var read = 0
    var written = 0
    func put(_ byte: UInt8) {
      output.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
      written += 1
    }
    while read < count {
      let next = text.load(fromByteOffset: read, as: UInt8.self)
      guard next == UInt8(ascii: "\\"), read + 1 < count else {
        put(next)
        read += 1
        continue
      }
      let letter = text.load(fromByteOffset: read + 1, as: UInt8.self)
      read += 2
      switch letter {
      case UInt8(ascii: "b"): put(8)
      case UInt8(ascii: "f"): put(12)
      case UInt8(ascii: "n"): put(10)
      case UInt8(ascii: "r"): put(13)
      case UInt8(ascii: "t"): put(9)
      case UInt8(ascii: "u"):
        var scalar = JSONText.hexadecimal(text + read) ?? 0xFFFD
        read += 4
        if scalar & 0xFC00 == 0xD800 {
          let low = JSONText.hexadecimal(text + read + 2) ?? 0xDC00
          read += 6
          scalar = 0x10000 + ((scalar & 0x3FF) << 10 | low & 0x3FF)
        }
        if scalar < 0x80 {
          put(UInt8(truncatingIfNeeded: scalar))
        } else if scalar < 0x800 {
          put(0xC0 | UInt8(truncatingIfNeeded: scalar >> 6))
          put(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        } else if scalar < 0x10000 {
          put(0xE0 | UInt8(truncatingIfNeeded: scalar >> 12))
          put(0x80 | UInt8(truncatingIfNeeded: (scalar >> 6) & 0x3F))
          put(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        } else {
          put(0xF0 | UInt8(truncatingIfNeeded: scalar >> 18))
          put(0x80 | UInt8(truncatingIfNeeded: (scalar >> 12) & 0x3F))
          put(0x80 | UInt8(truncatingIfNeeded: (scalar >> 6) & 0x3F))
          put(0x80 | UInt8(truncatingIfNeeded: scalar & 0x3F))
        }
      default: put(letter)
      }
    }
    return written
  }
}

/// What strings are made of, byte by byte.
enum JSONText {
  /// Returns the high bit of every byte (from the first such one on; later ones may be wrong) that a plain string
  /// cannot hold: quote, backslash, control characters, and bytes outside ASCII.
  @inline(__always)
  static func stops(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* 0x22)
    let slashes = word ^ (ones &* 0x5C)
    let found = (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes | (word &- ones &* 0x20) & ~word | word
    return found & (ones &* 0x80)
  }

  /// Compares `count` bytes; reads up to 8 past them on both sides.
  @inline(__always)
  static func isEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    var index = 0
    while index &+ 8 <= count {
      if left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        != right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      {
        return false
      }
      index &+= 8
    }
    let bits = UInt64(truncatingIfNeeded: (count &- index) &<< 3)
    let mask = (UInt64(1) &<< bits) &- 1
    let difference =
      UInt64(littleEndian: left.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      ^ UInt64(littleEndian: right.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    return difference & mask == 0
  }

  /// Returns how many bytes the well-formed UTF-8 sequence at `p` has (2 to 4), 0 when there is none.
  ///
  /// Source: The Unicode Standard, table 3-7.
  @inline(__always)
  static func sequenceLength(_ p: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int {
    let first = p.load(as: UInt8.self)
    let room = end - p
    func isTail(_ index: Int) -> Bool { p.load(fromByteOffset: index, as: UInt8.self) & 0xC0 == 0x80 }
    switch first {
    case 0xC2...0xDF: return room >= 2 && isTail(1) ? 2 : 0
    case 0xE0...0xEF:
      guard room >= 3, isTail(1), isTail(2) else { return 0 }
      let second = p.load(fromByteOffset: 1, as: UInt8.self)
      if first == 0xE0 && second < 0xA0 || first == 0xED && second > 0x9F { return 0 }
      return 3
    case 0xF0...0xF4:
      guard room >= 4, isTail(1), isTail(2), isTail(3) else { return 0 }
      let second = p.load(fromByteOffset: 1, as: UInt8.self)
      if first == 0xF0 && second < 0x90 || first == 0xF4 && second > 0x8F { return 0 }
      return 4
    default: return 0
    }
  }

  /// Returns the number that four hexadecimal digits spell; nil when they are not.
  static func hexadecimal(_ p: UnsafeRawPointer) -> UInt32? {
    var value: UInt32 = 0
    for index in 0..<4 {
      let byte = p.load(fromByteOffset: index, as: UInt8.self)
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
      case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
      default: return nil
      }
    }
    return value
  }
}
