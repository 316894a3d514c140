import Vectors

/// What of a text does not count when two are compared for equality.
enum Spelling {
  /// Every byte counts.
  case exact
  /// The blanks at the end do not, of `char(n)`.
  case padded
  /// The zeros at the end of a number's fraction do not, of jsonb and of arrays of numeric: 1.50 is 1.5.
  case numbers
}

extension LogicalType {
  var spelling: Spelling {
    switch self {
    case .char: .padded
    case .jsonb, .array(.numeric): .numbers
    default: .exact
    }
  }

  /// True for `char(n)`, whose trailing blanks do not count when values are compared.
  var isPadded: Bool { spelling == .padded }
}

extension ValueOrder {
  /// Compares texts by what counts of them.
  static func compare(_ left: StringReference, _ right: StringReference, _ spelling: Spelling) -> Int {
    left.withKey(spelling) { left in right.withKey(spelling) { StringReference.compare(left, $0) } }
  }
}

extension StringReference {
  /// Calls `body` with a reference to what counts of the text.
  @inline(__always) func withKey<R>(_ spelling: Spelling, _ body: (StringReference) -> R) -> R {
    switch spelling {
    case .exact: body(self)
    case .padded: withoutPadding(body)
    case .numbers: withShortNumbers(body)
    }
  }

  /// Calls `body` with a reference to the same bytes without trailing blanks.
  @inline(__always) func withoutPadding<R>(_ body: (StringReference) -> R) -> R {
    withBytes { bytes in
      var count = bytes.count
      while count > 0, bytes[count - 1] == 0x20 { count -= 1 }
      guard count != bytes.count else { return body(self) }
      guard count > 0, let base = bytes.baseAddress else { return body(StringReference()) }
      return body(StringReference(base, count: count))
    }
  }

  /// Calls `body` with a reference to the text whose numbers are without zeros at the end of their fractions.
  private func withShortNumbers<R>(_ body: (StringReference) -> R) -> R {
    withBytes { bytes in
      guard let short = StringReference.shortNumbers(bytes) else { return body(self) }
      return short.withUnsafeBytes { short in
        guard let base = short.baseAddress else { return body(StringReference()) }
        return body(StringReference(base, count: short.count))
      }
    }
  }

  /// Nil where nothing is to be left out, as nearly always.
  private static func shortNumbers(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
    guard bytes.contains(0x2E) else { return nil }
    var result: [UInt8]?
    var index = 0
    func isDigit(_ place: Int) -> Bool { place < bytes.count && (0x30...0x39).contains(bytes[place]) }
    while index < bytes.count {
      let start = index
      if bytes[index] == 0x22 {
        index += 1
        while index < bytes.count, bytes[index] != 0x22 { index += bytes[index] == 0x5C ? 2 : 1 }
        index = min(index + 1, bytes.count)
      } else if isDigit(index) {
        while isDigit(index) { index += 1 }
        if index < bytes.count, bytes[index] == 0x2E, isDigit(index + 1) {
          let point = index
          index += 1
          while isDigit(index) { index += 1 }
          var end = index
          while end > point + 1, bytes[end - 1] == 0x30 { end -= 1 }
          if end == point + 1 { end = point }
          let hasExponent = index < bytes.count && bytes[index] | 0x20 == 0x65
          if end < index, !hasExponent {
            if result == nil { result = Array(bytes[..<start]) }
            result?.append(contentsOf: bytes[start..<end])
            continue
          }
        }
      } else {
        index += 1
      }
      result?.append(contentsOf: bytes[start..<index])
    }
    return result
  }
}
