import Bytes
import Glibc
import Vectors

/// `to_char(number, format)` with the patterns 9 0 . , D G S MI PL SG PR FM TH L V RN EEEE, quoted text,
/// and B, which changes nothing.
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
  /// How many 9s stand behind `V`: the number is shown times ten for each.
  private var shift: Int?
  private var isRoman = false
  private var isScientific = false
  /// Position of the first `0` among the integer digits; digits from there on are always printed.
  private var firstZero: Int?

  static func format(_ value: Vector, _ formats: Vector) throws -> Vector {
    let texts = Operand<StringReference>(formats)
    var compiled: NumberTemplate?
    if formats.form == .constant { compiled = try NumberTemplate(texts[0]) }
    if let compiled, compiled.isScientific || compiled.isRoman, value.type == .integer {
      // Rounded as floats are, and of any size.
      let numbers = try Cast.vector(value, to: .double).spread
      let input = Operand<Double>(numbers)
      return textRows([numbers, formats], count: value.count) { row, out in
        compiled.format(input[row], into: out)
        return true
      }
    }
    if value.type.isFloat {
      let isReal = value.type == .real
      let numbers = try Cast.vector(value, to: .double).spread
      let input = Operand<Double>(numbers)
      return try textRows([numbers, formats], count: value.count) { row, out in
        let template = try compiled ?? NumberTemplate(texts[row])
        if template.isScientific || template.isRoman {
          template.format(input[row], into: out)
        } else {
          template.format(input[row], digits: isReal ? 6 : 15, into: out)
        }
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
      case (0x42, _): index += 1
      case (0x39, _), (0x30, _):
        let isZero = bytes[index] == 0x30
        parts.append(.digit(isZero: isZero))
        if hasPoint {
          fractionDigits += 1
        } else {
          if isZero, firstZero == nil { firstZero = integerDigits }
          integerDigits += 1
          if !isZero, let digits = shift { shift = digits + 1 }
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
    NumberTemplate.printed("%.*e", value, fractionDigits).withUnsafeBytes { out.append($0) }
  }

  private static func printed(_ format: String, _ value: Double, _ digits: Int) -> [UInt8] {
    withVaList([Int32(digits), value]) { arguments in
      // The largest double has 309 digits before its point.
      var text = [CChar](repeating: 0, count: digits + 352)
      let length = Int(vsnprintf(&text, text.count, format, arguments))
      return text.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }
    }
  }

  /// A float with no more digits than its type surely has; places behind them are left out.
  private func format(_ value: Double, digits: Int, into out: TextBuffer) {
    let value = shift.map { value * Glibc.pow(10, Double($0)) } ?? value
    let isNegative = value.sign == .minus
    if value.isNaN { return write(isNegative: false, NumberTemplate.nan, nil, out) }
    if value.isInfinite {
      let word = NumberTemplate.infinity
      let places = min(fractionDigits, max(digits - word.count, 0))
      let fraction = word.count > integerDigits ? [UInt8](repeating: 0x30, count: places) : nil
      return write(isNegative: isNegative, word, fraction, out)
    }
    let size = NumberTemplate.printed("%.*f", value.magnitude, 0).count
    let places = size >= digits ? 0 : min(fractionDigits, digits - size)
    let text = NumberTemplate.printed("%.*f", value.magnitude, places)
    let whole = places > 0 ? Array(text.dropLast(places + 1)) : text
    write(isNegative: isNegative, whole == [0x30] ? [] : whole, Array(text.suffix(places)), out)
  }

  private static let nan = Array("NaN".utf8)
  private static let infinity = Array("Infinity".utf8)

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
    guard value.special == 0 else {
      let isNegative = NumericArithmetic.signum(value) < 0
      return write(isNegative: isNegative, value.special == 1 ? NumberTemplate.nan : NumberTemplate.infinity, nil, out)
    }
    let scale = min(fractionDigits, 38)
    let rounded = try NumericArithmetic.round(value, Int32(scale))
    let text = Array(String(rounded.mantissa.magnitude).utf8)
    let whole = text.count > scale ? Array(text.dropLast(scale)) : []
    var fraction = text.count > scale ? Array(text.suffix(scale)) : text
    if scale == 0 { fraction = [] }
    fraction = [UInt8](repeating: 0x30, count: scale - fraction.count) + fraction
    fraction += [UInt8](repeating: 0x30, count: fractionDigits - scale)
    write(isNegative: rounded.mantissa < 0, whole == [0x30] ? [] : whole, fraction, out)
  }

  /// Puts digits into the format: those before the point without zeros at their front, and those behind it. Places for
  /// which there are none are left out, and the point when that is all of them; nil: there is no fraction.
  private func write(isNegative: Bool, _ whole: [UInt8], _ fraction: [UInt8]?, _ out: TextBuffer) {
    let isOverflow = whole.count > integerDigits
    let padding = integerDigits - min(whole.count, integerDigits)
    var digits = [UInt8](repeating: 0, count: padding) + whole
    let places = isOverflow && fraction == nil ? fractionDigits : fraction?.count ?? 0
    if !isOverflow { digits += fraction ?? [] }
    let showsPoint = isOverflow || places > 0
    // Where digits begin: at the first significant one, the first 0 of the format, or the last place before the point.
    var start = digits.prefix(integerDigits).firstIndex { $0 != 0 } ?? integerDigits
    if let firstZero { start = min(start, firstZero) }
    if start == integerDigits, !hasPoint || fractionDigits == 0 { start = max(integerDigits - 1, 0) }
    var body: [UInt8] = []
    var signPlace: Int?
    var position = 0
    var lastSignificant = 0
    var pointPlace: Int?
    var digitsEnd = 0
    // Where a point or digit would follow the last there is, the rest of the format is left out, as in PostgreSQL.
    var isCut = false
    for part in parts {
      if isCut, pointPlace != nil, case .sign = part {
        body.append(isNegative ? 0x01 : 0x02)
        break
      }
      if isCut { continue }
      switch part {
      case .digit(let isZero):
        if position >= integerDigits + places {
          isCut = true
        } else if isOverflow {
          if signPlace == nil { signPlace = body.count }
          body.append(0x23)
        } else if position < start {
          if fills { body.append(0x20) }
        } else {
          if signPlace == nil { signPlace = body.count }
          let byte = position < digits.count ? digits[position] : 0x30
          body.append(byte == 0 ? 0x30 : byte)
          if position >= integerDigits, byte != 0x30 || isZero { lastSignificant = body.count }
          digitsEnd = body.count
        }
        position += 1
      case .point where !showsPoint: isCut = true
      case .point:
        if signPlace == nil { signPlace = body.count }
        pointPlace = body.count
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
        if isOverflow || isNegative || hasPoint || fraction == nil { break }
        let last = whole.suffix(2).reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 0x30) }
        let suffix = OrdinalText.suffix(last)
        body += Array((isLower ? suffix : suffix.uppercased()).utf8)
      }
    }
    if !fills, let pointPlace, !isOverflow {
      if digitsEnd > lastSignificant, body[lastSignificant..<digitsEnd].allSatisfy({ $0 == 0x30 }) {
        body.removeSubrange(lastSignificant..<digitsEnd)
      }
      // A bare point gets its zero back.
      func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
      if !(pointPlace > 0 && isDigit(body[pointPlace - 1])),
        !(pointPlace + 1 < body.count && isDigit(body[pointPlace + 1]))
      {
        body.insert(0x30, at: pointPlace)
      }
    }
    place(&body, isNegative: isNegative, signPlace: signPlace, isCut: isCut && pointPlace == nil)
    body.withUnsafeBytes { out.append($0) }
  }

  /// Puts the sign right before the first digit, or where `S` stands at the end.
  private func place(_ body: inout [UInt8], isNegative: Bool, signPlace: Int?, isCut: Bool) {
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
        if !isCut { body.append(0x3E) }
      } else if fills {
        body.insert(0x20, at: start)
        if !isCut { body.append(0x20) }
      }
      return
    }
    if hasSign { return }
    let start = min(signPlace ?? 0, body.count)
    if isNegative { body.insert(0x2D, at: start) } else if fills { body.insert(0x20, at: start) }
  }
}
