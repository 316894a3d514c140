import Bytes
import Vectors

/// `to_char(number, format)` with the patterns 9 0 . , D G S MI PL SG PR FM and quoted text.
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
  }

  private var parts: [Part] = []
  private var fills = true
  private var bracketsNegative = false
  private var integerDigits = 0
  private var fractionDigits = 0
  private var hasPoint = false
  private var hasSign = false
  /// Position of the first `0` among the integer digits; digits from there on are always printed.
  private var firstZero: Int?

  static func format(_ value: Vector, _ formats: Vector) throws -> Vector {
    let numbers = try Cast.vector(value, to: NumericVectors.type).spread
    let input = Operand<Numeric>(numbers)
    let texts = Operand<StringReference>(formats)
    var compiled: NumberTemplate?
    if formats.form == .constant { compiled = try NumberTemplate(texts[0]) }
    return try textRows([numbers, formats], count: value.count) { row, out in
      let template = try compiled ?? NumberTemplate(texts[row])
      try template.format(input[row], into: out)
      return true
    }
  }

  private init(_ format: StringReference) throws {
    let bytes = format.withBytes { Array($0) }
    var index = 0
    func at(_ offset: Int) -> UInt8 {
      let byte = index + offset < bytes.count ? bytes[index + offset] : 0
      return byte >= 0x61 && byte <= 0x7A ? byte - 32 : byte
    }
    while index < bytes.count {
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
        index += 2
      case (0x53, 0x47):
        parts.append(.signOrPlus)
        hasSign = true
        index += 2
      case (0x50, 0x52):
        bracketsNegative = true
        index += 2
      case (0x54, 0x48), (0x52, 0x4E), (0x45, 0x45):
        let name = String(decoding: bytes[index..<(index + 2)], as: UTF8.self)
        throw PulsehouseError(.unsupported, "format pattern \(name) is not supported by to_char for numbers")
      case (0x56, _), (0x4C, _):
        let name = String(decoding: bytes[index..<(index + 1)], as: UTF8.self)
        throw PulsehouseError(.unsupported, "format pattern \(name) is not supported by to_char for numbers")
      case (0x39, _), (0x30, _):
        let isZero = bytes[index] == 0x30
        parts.append(.digit(isZero: isZero))
        if hasPoint {
          fractionDigits += 1
        } else {
          if isZero, firstZero == nil { firstZero = integerDigits }
          integerDigits += 1
        }
        index += 1
      case (0x2E, _), (0x44, _):
        guard !hasPoint else {
          throw PulsehouseError(.user, "multiple decimal points", sqlState: "42601")
        }
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

  private func format(_ value: Numeric, into out: TextBuffer) throws {
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
