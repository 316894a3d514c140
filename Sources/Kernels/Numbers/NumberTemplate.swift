import Bytes
import Glibc
import Vectors

/// `to_char(number, format)` with the patterns 9 0 . , D G S MI PL SG PR FM TH L V RN EEEE and quoted text.
struct NumberTemplate {
  private enum Part {
    case digit(isZero: Bool)
    case point
    case group
    case literal([UInt8])
    case sign
    case minus
    case plus
    case signOrPlus
    case roman(isLower: Bool)
    case ordinal(isLower: Bool)
  }

  private var parts: [Part] = []
  private var fills = true
  private var bracketsNegative = false
  private var integerDigits = 0
  private var fractionDigits = 0
  private var hasPoint = false
  private var hasSign = false
  /// How many digits stand behind `V`: the number is shown times ten for each.
  private var shift: Int?
  private var isRoman = false
  private var isScientific = false
  /// Position of the first `0` among the integer digits; digits from there on are always printed.
  private var firstZero: Int?

  static func format(_ value: Vector, _ formats: Vector) throws -> Vector {
    let texts = Operand<StringReference>(formats)
    var compiled: NumberTemplate?
    if formats.form == .constant { compiled = try NumberTemplate(texts[0]) }
    if let compiled, compiled.isScientific || compiled.isRoman, value.type.isFloat || value.type == .integer {
      // Rounded as floats are, and of any size.
      let numbers = try Cast.vector(value, to: .double).spread
      let input = Operand<Double>(numbers)
      return textRows([numbers, formats], count: value.count) { row, out in
        compiled.format(input[row], into: out)
        return true
      }
    }
    let numbers = try Cast.vector(value, to: NumericVectors.type).spread
    let input = Operand<Numeric>(numbers)
    return try textRows([numbers, formats], count: value.count) { row, out in
      let template = try compiled ?? NumberTemplate(texts[row])
      try template.format(input[row], into: out)
      return true
    }
  }

  private init(_ format: StringReference) throws {
    let bytes = format.withBytes { Array($0) }
    var index = 0
    var hasOtherSign = false
    func at(_ offset: Int) -> UInt8 {
      let byte = index + offset < bytes.count ? bytes[index + offset] : 0
      return byte >= 0x61 && byte <= 0x7A ? byte - 32 : byte
    }
    while index < bytes.count {
      if at(0) == 0x45, at(1) == 0x45, at(2) == 0x45, at(3) == 0x45 {
        if isScientific { throw PulsehouseError(.user, "cannot use \"EEEE\" twice", sqlState: "42601") }
        if !fills || hasSign || bracketsNegative || isRoman || hasOtherSign || shift != nil {
          throw PulsehouseError(
            .user, "\"EEEE\" is incompatible with other formats", sqlState: "42601",
            detail: "\"EEEE\" may only be used together with digit and decimal point patterns.")
        }
        isScientific = true
        index += 4
        continue
      }
      switch (at(0), at(1)) {
      case (0x39, _), (0x30, _), (0x2E, _), (0x44, _), (0x2C, _), (0x47, _), (0x53, _), (0x46, 0x4D), (0x4D, 0x49),
        (0x50, 0x4C), (0x50, 0x52), (0x52, 0x4E), (0x53, 0x47), (0x54, 0x48), (0x56, _), (0x4C, _):
        if isScientific {
          throw PulsehouseError(.user, "\"EEEE\" must be the last pattern used", sqlState: "42601")
        }
      default: break
      }
      switch (at(0), at(1)) {
      case (0x22, _):
        var text: [UInt8] = []
        index += 1
        while index < bytes.count, bytes[index] != 0x22 {
          text.append(bytes[index])
          index += 1
        }
        parts.append(.literal(text))
        index += 1
      case (0x46, 0x4D):
        fills = false
        index += 2
      case (0x4D, 0x49):
        parts.append(.minus)
        hasSign = true
        index += 2
      case (0x50, 0x4C):
        parts.append(.plus)
        hasOtherSign = true
        index += 2
      case (0x53, 0x47):
        parts.append(.signOrPlus)
        hasSign = true
        index += 2
      case (0x50, 0x52):
        bracketsNegative = true
        index += 2
      case (0x52, 0x4E):
        parts.append(.roman(isLower: bytes[index] == 0x72))
        isRoman = true
        index += 2
      case (0x54, 0x48):
        parts.append(.ordinal(isLower: bytes[index] == 0x74))
        index += 2
      case (0x56, _):
        if hasPoint { throw NumberTemplate.shiftWithPoint }
        shift = shift ?? 0
        index += 1
      // The sign of money in the locale C.
      case (0x4C, _):
        parts.append(.literal([0x20]))
        index += 1
      case (0x39, _), (0x30, _):
        let isZero = bytes[index] == 0x30
        parts.append(.digit(isZero: isZero))
        if hasPoint {
          fractionDigits += 1
        } else {
          if isZero, firstZero == nil { firstZero = integerDigits }
          integerDigits += 1
          if let digits = shift { shift = digits + 1 }
        }
        index += 1
      case (0x2E, _), (0x44, _):
        guard !hasPoint else {
          throw PulsehouseError(.user, "multiple decimal points", sqlState: "42601")
        }
        if shift != nil { throw NumberTemplate.shiftWithPoint }
        parts.append(.point)
        hasPoint = true
        index += 1
      case (0x2C, _), (0x47, _):
        parts.append(.group)
        index += 1
      case (0x53, _):
        parts.append(.sign)
        hasSign = true
        index += 1
      default:
        let end = Swift.min(index + 1, bytes.count)
        parts.append(.literal(Array(bytes[index..<end])))
        index += 1
      }
    }
  }

  private static var shiftWithPoint: PulsehouseError {
    PulsehouseError(.user, "cannot use \"V\" and decimal point together", sqlState: "42601")
  }

  /// What `isScientific` and `isRoman` print of a float.
  private func format(_ value: Double, into out: TextBuffer) {
    if isRoman {
      return appendRoman(Int32(exactly: value.rounded(.toNearestOrEven)) ?? 0, out)
    }
    guard value.isFinite else { return appendOverflow(out) }
    if value.sign == .plus { out.append(0x20) }
    let printed = withVaList([Int32(fractionDigits), value]) { arguments in
      var text = [CChar](repeating: 0, count: fractionDigits + 32)
      let length = Int(vsnprintf(&text, text.count, "%.*e", arguments))
      return text.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }
    }
    printed.withUnsafeBytes { out.append($0) }
  }

  private func appendOverflow(_ out: TextBuffer) {
    out.append(0x20)
    out.append(repeating: 0x23, count: integerDigits)
    out.append(0x2E)
    out.append(repeating: 0x23, count: fractionDigits + 4)
  }

  /// A number as `1.23e+04`; one that rounds up to ten keeps its exponent, as in PostgreSQL.
  private func appendScientific(_ value: Numeric, _ out: TextBuffer) throws {
    guard value.special == 0 else { return appendOverflow(out) }
    out.append(value.mantissa < 0 ? 0x2D : 0x20)
    let digits = Array(String(value.mantissa.magnitude).utf8)
    let exponent = value.mantissa == 0 ? 0 : digits.count - 1 - Int(value.scale)
    var shown = Array(digits.prefix(fractionDigits + 1))
    if digits.count > shown.count, digits[shown.count] >= 0x35 {
      var place = shown.count - 1
      while place >= 0, shown[place] == 0x39 {
        shown[place] = 0x30
        place -= 1
      }
      if place >= 0 { shown[place] += 1 } else { shown.insert(0x31, at: 0) }
    }
    shown += [UInt8](repeating: 0x30, count: max(0, fractionDigits + 1 - shown.count))
    if fractionDigits > 0 { shown.insert(0x2E, at: shown.count - fractionDigits) }
    shown.withUnsafeBytes { out.append($0) }
    out.append(0x65)
    out.append(exponent < 0 ? 0x2D : 0x2B)
    out.append(UInt64(exponent.magnitude), width: 2)
  }

  private func appendRoman(_ value: Int32, _ out: TextBuffer) {
    let numerals: [(Int32, String)] = [
      (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
      (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ]
    var text = ""
    if (1...3999).contains(value) {
      var rest = value
      for (size, letters) in numerals {
        while rest >= size {
          text += letters
          rest -= size
        }
      }
    } else {
      text = String(repeating: "#", count: 15)
    }
    for part in parts {
      switch part {
      case .literal(let bytes): bytes.withUnsafeBytes { out.append($0) }
      case .roman(let isLower):
        if fills { out.append(repeating: 0x20, count: 15 - text.utf8.count) }
        out.append(string: isLower ? text.lowercased() : text)
      default: break
      }
    }
  }

  private func format(_ value: Numeric, into out: TextBuffer) throws {
    if isScientific { return try appendScientific(value, out) }
    if isRoman {
      if value.special != 0 {
        throw PulsehouseError(
          .user, "cannot convert \(value.special == 1 ? "NaN" : "infinity") to integer", sqlState: "0A000")
      }
      let whole = try NumericArithmetic.round(value, 0)
      guard let small = Int32(exactly: whole.mantissa) else {
        throw PulsehouseError(.user, "integer out of range", sqlState: "22003")
      }
      return appendRoman(small, out)
    }
    var value = value
    if let shift, value.special == 0 {
      guard shift <= 38 else { throw Failure.numericOverflow }
      let factor = (0..<shift).reduce(Int128(1)) { product, _ in product * 10 }
      value = try NumericArithmetic.multiply(value, Numeric(mantissa: factor, scale: 0))
    }
    let rounded = value.special == 0 ? try NumericArithmetic.round(value, Int32(min(fractionDigits, 38))) : value
    let isNegative = rounded.special == 0 && rounded.mantissa < 0
    var digits: [UInt8] = []
    var isOverflow = value.special != 0
    if value.special == 0 {
      let scale = Int32(min(fractionDigits, 38))
      let text = Array(String(rounded.mantissa.magnitude).utf8)
      let whole = text.count > Int(scale) ? Array(text.dropLast(Int(scale))) : []
      let significant = whole == [0x30] ? [] : whole
      isOverflow = significant.count > integerDigits
      let padding = integerDigits - min(significant.count, integerDigits)
      digits = [UInt8](repeating: 0, count: padding) + significant
      let fraction = text.count > Int(scale) ? Array(text.suffix(Int(scale))) : text
      digits += [UInt8](repeating: 0x30, count: Int(scale) - fraction.count) + fraction
    }
    // Where digits begin: at the first significant one, the first 0 of the format, or the last place before the point.
    var start = digits.prefix(integerDigits).firstIndex { $0 != 0 } ?? integerDigits
    if let firstZero { start = min(start, firstZero) }
    if start == integerDigits, !hasPoint || fractionDigits == 0 { start = max(integerDigits - 1, 0) }
    var body: [UInt8] = []
    var signPlace: Int?
    var position = 0
    var lastSignificant = 0
    for part in parts {
      switch part {
      case .digit(let isZero):
        if isOverflow {
          if signPlace == nil { signPlace = body.count }
          body.append(0x23)
        } else if position < start {
          if fills { body.append(0x20) }
        } else {
          if signPlace == nil { signPlace = body.count }
          let byte = position < digits.count ? digits[position] : 0x30
          body.append(byte == 0 ? 0x30 : byte)
          if position >= integerDigits, byte != 0x30 || isZero { lastSignificant = body.count }
        }
        position += 1
      case .point:
        if signPlace == nil { signPlace = body.count }
        body.append(0x2E)
        if lastSignificant == 0 { lastSignificant = body.count }
      case .group:
        if isOverflow || position > start { body.append(0x2C) } else if fills { body.append(0x20) }
      case .literal(let text): body += text
      case .minus:
        if isNegative { body.append(0x2D) } else if fills { body.append(0x20) }
      case .plus:
        if !isNegative { body.append(0x2B) } else if fills { body.append(0x20) }
      case .signOrPlus: body.append(isNegative ? 0x2D : 0x2B)
      case .sign: body.append(isNegative ? 0x01 : 0x02)
      case .roman: break
      case .ordinal(let isLower):
        if isOverflow || isNegative || hasPoint { break }
        let suffix = OrdinalText.suffix(UInt64(rounded.mantissa.magnitude % 100))
        body += Array((isLower ? suffix : suffix.uppercased()).utf8)
      }
    }
    if !fills, hasPoint, !isOverflow, lastSignificant > 0 {
      let tail = body[lastSignificant...]
      if tail.allSatisfy({ $0 == 0x30 }) { body = Array(body.prefix(lastSignificant)) }
      // A bare point gets its zero back.
      if body == [0x2E] { body = [0x30, 0x2E] }
    }
    place(&body, isNegative: isNegative, signPlace: signPlace)
    body.withUnsafeBytes { out.append($0) }
  }

  /// Puts the sign right before the first digit, or where `S` stands at the end.
  private func place(_ body: inout [UInt8], isNegative: Bool, signPlace: Int?) {
    if let mark = body.firstIndex(where: { $0 == 1 || $0 == 2 }) {
      let sign: UInt8 = body[mark] == 1 ? 0x2D : 0x2B
      body.remove(at: mark)
      let isLeading = signPlace.map { mark <= $0 } ?? true
      body.insert(sign, at: isLeading ? max((signPlace ?? 1) - 1, 0) : mark)
      return
    }
    if bracketsNegative {
      let start = min(signPlace ?? 0, body.count)
      if isNegative {
        body.insert(0x3C, at: start)
        body.append(0x3E)
      } else if fills {
        body.insert(0x20, at: start)
        body.append(0x20)
      }
      return
    }
    if hasSign { return }
    let start = min(signPlace ?? 0, body.count)
    if isNegative { body.insert(0x2D, at: start) } else if fills { body.insert(0x20, at: start) }
  }
}
