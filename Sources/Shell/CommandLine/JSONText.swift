/// Small JSON answers for `--json`, without Foundation.
package enum JSONText {
  package enum Value: Sendable {
    case null
    case boolean(Bool)
    case number(Int)
    case decimal(Double)
    case text(String)
    /// JSON that is already written.
    case raw(String)
  }

  /// Writes an object with its members in the order given.
  package static func object(_ members: [(String, Value)]) -> String {
    "{" + members.map { quote($0.0) + ":" + write($0.1) }.joined(separator: ",") + "}"
  }

  package static func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }

  package static func write(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .boolean(let value): value ? "true" : "false"
    case .number(let value): String(value)
    case .decimal(let value): value.isFinite ? "\(value)" : "null"
    case .text(let value): quote(value)
    case .raw(let value): value
    }
  }

  /// Writes a string with its quotes; controls and quotes are escaped.
  package static func quote(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output + "\""
  }
}
