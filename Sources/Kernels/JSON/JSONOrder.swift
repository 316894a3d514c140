import Bytes
import Vectors

/// The order of jsonb, as PostgreSQL has it: null, strings, numbers, booleans, arrays, objects; of arrays and objects
/// first the shorter. At the top a scalar stands where an array of it would, before that array.
extension JSONFunctions {
  /// Returns bytes for each value that are ordered as the values are, and equal where they are.
  package static func order(_ json: Vector) throws -> Vector {
    if json.isConstantNull { return .nulls(.bytea, count: json.count) }
    let values = values(json)
    return try mapToText(.bytea, count: json.count, strictIn: [json]) { row, out in
      try values(row).writeOrder(out)
      return true
    }
  }

  /// Appends the bytes of one value, as `order` has them.
  static func writeOrder(_ json: UnsafeRawBufferPointer, _ out: TextBuffer) throws {
    try JSONReader.read(json).writeOrder(out)
  }
}

extension JSONValue {
  fileprivate func writeOrder(_ out: TextBuffer) {
    switch self {
    case .object:
      out.append(2)
      writeInnerOrder(out)
    case .array(let elements):
      out.append(1)
      JSONValue.writeOrder(count: elements.count, out)
      out.append(1)
      for element in elements { element.writeInnerOrder(out) }
    default:
      out.append(1)
      JSONValue.writeOrder(count: 1, out)
      out.append(0)
      writeInnerOrder(out)
    }
  }

  private func writeInnerOrder(_ out: TextBuffer) {
    switch self {
    case .null: out.append(1)
    case .string(let bytes):
      out.append(2)
      JSONValue.writeOrder(text: bytes, out)
    case .number(let digits):
      out.append(3)
      JSONValue.writeOrder(number: digits, out)
    case .boolean(let value):
      out.append(4)
      out.append(value ? 1 : 0)
    case .array(let elements):
      out.append(5)
      JSONValue.writeOrder(count: elements.count, out)
      for element in elements { element.writeInnerOrder(out) }
    case .object(let members):
      out.append(6)
      JSONValue.writeOrder(count: members.count, out)
      for member in members {
        JSONValue.writeOrder(text: member.key, out)
        member.value.writeInnerOrder(out)
      }
    }
  }

  private static func writeOrder(count: Int, _ out: TextBuffer) {
    for shift in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: count >> shift)) }
  }

  /// The bytes, and an end that comes before all that may follow.
  static func writeOrder(text: some Sequence<UInt8>, _ out: TextBuffer) {
    for byte in text {
      out.append(byte)
      if byte == 0 { out.append(0xFF) }
    }
    out.append(0)
    out.append(0)
  }

  /// Sign, exponent, and digits without zeros at either end: those of negative numbers the other way round.
  static func writeOrder(number: [UInt8], _ out: TextBuffer) {
    var digits: [UInt8] = []
    var exponent = 0
    var isFraction = false
    var rest = number[...]
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest = rest.dropFirst() }
    while let byte = rest.first, byte != UInt8(ascii: "e"), byte != UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if byte == UInt8(ascii: ".") {
        isFraction = true
      } else if byte == UInt8(ascii: "0"), digits.isEmpty {
        if isFraction { exponent -= 1 }
      } else {
        digits.append(byte)
        if !isFraction { exponent += 1 }
      }
    }
    let written = Int(String(decoding: rest.dropFirst(), as: UTF8.self)) ?? 0
    exponent += min(max(written, -1 << 40), 1 << 40)
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    guard !digits.isEmpty else { return out.append(2) }
    out.append(isNegative ? 1 : 3)
    let flip: UInt8 = isNegative ? 0xFF : 0
    let biased = UInt64(bitPattern: Int64(exponent)) ^ (1 << 63)
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      out.append(UInt8(truncatingIfNeeded: biased >> shift) ^ flip)
    }
    for digit in digits { out.append(digit ^ flip) }
    out.append(flip)
  }
}
