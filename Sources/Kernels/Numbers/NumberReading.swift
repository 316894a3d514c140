import Bytes
import Vectors

/// `to_number(text, format)`: reads what `to_char` of the same format writes.
package enum NumberReading {
  package static func read(_ text: Vector, _ format: Vector) throws -> Vector {
    let (texts, formats) = (text.spread, format.spread)
    if texts.isConstantNull || formats.isConstantNull { return .nulls(NumericVectors.type, count: text.count) }
    return try mapBinaryThrowing(texts, formats, NumericVectors.type) {
      (text: StringReference, format: StringReference) -> Numeric? in
      try read(text.withBytes { Array($0) }, format.withBytes { Array($0) })
    }
  }

  private static func read(_ text: [UInt8], _ format: [UInt8]) throws -> Numeric? {
    if format.isEmpty { return nil }
    var reader = try Reader(text, format)
    let digits = try reader.digits()
    guard digits.contains(where: isDigit) else {
      throw PulsehouseError(
        .user, "invalid input syntax for type numeric: \"\(String(decoding: digits, as: UTF8.self))\"",
        sqlState: "22P02")
    }
    return try digits.withUnsafeBytes { try NumericArithmetic.parse($0) }
  }

  fileprivate static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}

/// Walks text and format side by side. A digit or a point of the format takes whatever of a number comes next, a blank
/// before it at most; the format's other patterns and characters pass over characters of the text.
private struct Reader {
  private enum Part {
    /// 9, 0, the point.
    case number(isDigit: Bool)
    case comma
    case group
    /// MI, PL, SG: the signs it takes.
    case sign([UInt8])
    /// L, TH: what is no part of a number, up to so many characters.
    case other(Int)
    case character
  }

  private enum Anchor { case none, before, after }

  private let text: [UInt8]
  private var parts: [Part] = []
  private var place = 0
  /// The digits that the format has before its point.
  private var integerDigits = 0
  private var fractionDigits = 0
  private var hasPoint = false
  private var anchor = Anchor.none
  /// True for a format with MI, PL or SG.
  private var hasSign = false
  private var bracketsNegative = false
  private var skipsCommas = true

  private var sign: UInt8?
  private var number: [UInt8] = []
  private var readBefore = 0
  private var readAfter = 0
  private var hasReadPoint = false

  init(_ text: [UInt8], _ format: [UInt8]) throws {
    self.text = text
    var index = 0
    func at(_ offset: Int) -> UInt8 {
      let byte = index + offset < format.count ? format[index + offset] : 0
      return byte >= 0x61 && byte <= 0x7A ? byte - 32 : byte
    }
    while index < format.count {
      switch (at(0), at(1)) {
      case (0x22, _):
        index += 1
        while index < format.count, format[index] != 0x22 {
          // The bytes within a character pass over nothing of their own.
          if format[index] & 0xC0 != 0x80 { parts.append(.character) }
          index += 1
        }
      case (0x42, _): break
      case (0x46, 0x4D):
        skipsCommas = false
        index += 1
      case (0x4D, 0x49):
        try noteSign()
        parts.append(.sign([0x2D]))
        index += 1
      case (0x50, 0x4C):
        try noteSign()
        parts.append(.sign([0x2B]))
        index += 1
      case (0x53, 0x47):
        try noteSign()
        parts.append(.sign([0x2D, 0x2B]))
        index += 1
      case (0x50, 0x52):
        if hasSign || anchor != .none || bracketsNegative {
          throw PulsehouseError(
            .user, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together", sqlState: "42601")
        }
        bracketsNegative = true
        index += 1
      case (0x52, 0x4E): throw PulsehouseError(.unsupported, "\"RN\" not supported for input")
      case (0x45, 0x45) where at(2) == 0x45 && at(3) == 0x45:
        throw PulsehouseError(.unsupported, "\"EEEE\" not supported for input")
      case (0x54, 0x48):
        parts.append(.other(2))
        index += 1
      case (0x56, _):
        throw PulsehouseError(
          .unsupported,
          "format pattern \(String(decoding: [at(0), at(1)], as: UTF8.self)) is not supported by to_number")
      case (0x39, _), (0x30, _):
        if bracketsNegative {
          throw PulsehouseError(.user, "\"9\" must be ahead of \"PR\"", sqlState: "42601")
        }
        if hasPoint { fractionDigits += 1 } else { integerDigits += 1 }
        parts.append(.number(isDigit: true))
      case (0x2E, _), (0x44, _):
        if hasPoint { throw PulsehouseError(.user, "multiple decimal points", sqlState: "42601") }
        hasPoint = true
        parts.append(.number(isDigit: false))
      case (0x2C, _): parts.append(.comma)
      case (0x47, _): parts.append(.group)
      case (0x53, _):
        if anchor != .none { throw PulsehouseError(.user, "cannot use \"S\" twice", sqlState: "42601") }
        if hasSign || bracketsNegative {
          throw PulsehouseError(
            .user, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together", sqlState: "42601")
        }
        anchor = hasPoint ? .after : .before
      case (0x4C, _): parts.append(.other(1))
      default: if format[index] & 0xC0 != 0x80 { parts.append(.character) }
      }
      index += 1
    }
  }

  private mutating func noteSign() throws {
    if anchor != .none {
      throw PulsehouseError(.user, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\" together", sqlState: "42601")
    }
    hasSign = true
  }

  private var next: UInt8? { place < text.count ? text[place] : nil }

  /// Goes on by a character of one byte or several.
  private mutating func skip() {
    place += 1
    while let byte = next, byte & 0xC0 == 0x80 { place += 1 }
  }

  private mutating func skipOther(_ count: Int) {
    for _ in 0..<count {
      guard let byte = next, !NumberReading.isDigit(byte), ![0x2E, 0x2C, 0x2B, 0x2D].contains(byte) else { return }
      skip()
    }
  }

  /// Reads the number: its sign, its digits and its point.
  ///
  /// - Throws: 22003 for more digits than the format has.
  mutating func digits() throws -> [UInt8] {
    for part in parts where place < text.count {
      switch part {
      case .number(let isDigit):
        readNumber(isDigit: isDigit)
        skip()
      case .comma: if skipsCommas, next == 0x2C { skip() }
      case .group: if skipsCommas, next == 0x2C { skip() }
      case .sign(let signs):
        if let byte = next, signs.contains(byte) {
          sign = byte
          skip()
        } else {
          skipOther(1)
        }
      case .other(let count): skipOther(count)
      case .character: skip()
      }
    }
    if number.prefix(while: { $0 != 0x2E }).drop(while: { $0 == 0x30 }).count > integerDigits {
      throw PulsehouseError(.user, "numeric field overflow", sqlState: "22003")
    }
    // The answer has the decimal places that were read, not those of the format.
    if number.last == 0x2E { number.removeLast() }
    return (sign == 0x2D ? [0x2D] : []) + number
  }

  private mutating func readNumber(isDigit: Bool) {
    if next == 0x20 { place += 1 }
    if sign == nil, isDigit, readBefore + readAfter == 0 {
      switch next {
      case 0x2D:
        sign = 0x2D
        place += 1
      case 0x2B:
        sign = 0x2B
        place += 1
      case 0x3C where bracketsNegative && anchor != .before:
        sign = 0x2D
        place += 1
      default: break
      }
    }
    guard let byte = next else { return }
    var isRead = false
    if NumberReading.isDigit(byte) {
      if hasReadPoint, readAfter == fractionDigits { return }
      number.append(byte)
      if hasReadPoint { readAfter += 1 } else { readBefore += 1 }
      isRead = true
    } else if hasPoint, !hasReadPoint, byte == 0x2E {
      number.append(byte)
      hasReadPoint = true
      isRead = true
    }
    guard sign == nil, readBefore + readAfter > 0 else { return }
    if anchor != .none {
      // The sign stands right behind the last digit.
      if isRead, place + 1 < text.count, text[place + 1] == 0x2D || text[place + 1] == 0x2B {
        place += 1
        sign = text[place]
      }
    } else if !isRead, byte == 0x2D || byte == 0x2B {
      sign = byte
    }
  }
}
