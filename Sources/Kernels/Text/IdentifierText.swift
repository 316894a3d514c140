import Bytes
import Vectors

/// `parse_ident(text, strict)`: the parts of a qualified name, each without its quotes or in lower case.
package enum IdentifierText {
  package static func parse(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    let type = LogicalType.array(.text)
    if arguments.contains(where: \.isConstantNull) { return .nulls(type, count: count) }
    let texts = Operand<StringReference>(arguments[0])
    let strict = arguments.count > 1 ? Operand<UInt8>(arguments[1]) : nil
    return try textRows(arguments, count: count, type) { row, out in
      let isStrict = strict.map { $0[row] != 0 } ?? true
      ArrayText.write(try Self.parts(texts[row].withBytes { Array($0) }, isStrict: isStrict), out)
      return true
    }
  }

  private static func parts(_ text: [UInt8], isStrict: Bool) throws -> [[UInt8]?] {
    func invalid(_ detail: String? = nil) -> PulsehouseError {
      PulsehouseError(
        .user, "string is not a valid identifier: \"\(String(decoding: text, as: UTF8.self))\"", sqlState: "22023",
        detail: detail)
    }
    var result: [[UInt8]?] = []
    var index = 0
    func peek() -> UInt8? { index < text.count ? text[index] : nil }
    func skipBlanks() { while let byte = peek(), TextCursor.isBlank(byte) { index += 1 } }
    while true {
      skipBlanks()
      if peek() == 0x22 {
        result.append(try quoted(text, &index) { invalid($0) })
      } else if let first = peek(), isStart(first) {
        var name: [UInt8] = []
        while let byte = peek(), isStart(byte) || TextCursor.isDigit(byte) || byte == 0x24 {
          name.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
          index += 1
        }
        result.append(name)
      } else if peek() == 0x2E {
        throw invalid("No valid identifier before \".\".")
      } else {
        throw invalid(result.isEmpty ? nil : "No valid identifier after \".\".")
      }
      skipBlanks()
      guard let next = peek() else { return result }
      if next == 0x2E {
        index += 1
      } else if isStrict {
        throw invalid()
      } else {
        return result
      }
    }
  }

  private static func isStart(_ byte: UInt8) -> Bool { byte == 0x5F || byte >= 0x80 || TextCursor.isLetter(byte) }

  /// Takes a name in quotes, a quote within it written twice.
  private static func quoted(
    _ text: [UInt8], _ index: inout Int, _ invalid: (String) -> PulsehouseError
  ) throws -> [UInt8] {
    var name: [UInt8] = []
    index += 1
    while index < text.count {
      if text[index] == 0x22 {
        index += 1
        guard index < text.count, text[index] == 0x22 else {
          if name.isEmpty { throw invalid("Quoted identifier must not be empty.") }
          return name
        }
      }
      name.append(text[index])
      index += 1
    }
    throw invalid("String has unclosed double quotes.")
  }
}
