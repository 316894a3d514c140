import Vectors

/// Why a record does not fit, cheap to make; `words` is for people.
struct JSONFault {
  enum Reason {
    /// The bytes end inside the record.
    case truncated
    case notAnObject
    case unexpected(expected: StaticString)
    case trailing
    case controlCharacter
    case badEscape
    case loneSurrogate
    case nulEscape
    case invalidUTF8
    case badNumber
    case tooDeep
    /// A value of another JSON type than the column's.
    case wrongType(found: StaticString)
    case hasFraction
    case outOfRange
    case tooLong(limit: Int)
    /// A string that does not spell a value of the column's type.
    case notSpelled
  }

  var reason: Reason
  /// Bytes from the start of the record.
  var offset: Int
  /// The column it speaks of, or -1.
  var column = -1

  /// Returns the reason in words. `record` are the record's bytes.
  func words(_ record: UnsafeRawBufferPointer, fields: [JSONField]) -> String {
    let place = "at byte \(offset + 1)"
    let name = fields.indices.contains(column) ? fields[column].path.joined(separator: ".") : ""
    let type = fields.indices.contains(column) ? fields[column].type.name : ""
    switch reason {
    case .truncated: return "the record ends early, \(place)"
    case .notAnObject: return "a record must be a JSON object, found \(found(record))"
    case .unexpected(let expected): return "not JSON: expected \(expected), found \(found(record)) \(place)"
    case .trailing: return "not JSON: \(found(record)) after the end of the object, \(place)"
    case .controlCharacter: return "not JSON: an unescaped control character inside a string, \(place)"
    case .badEscape: return "not JSON: an unknown escape inside a string, \(place)"
    case .loneSurrogate: return "not JSON: half a surrogate pair (\\u), \(place)"
    case .nulEscape: return "text cannot hold the character \\u0000, \(place)"
    case .invalidUTF8: return "invalid UTF-8 \(place)"
    case .badNumber: return "not JSON: a malformed number, \(place)"
    case .tooDeep: return "objects or arrays nested deeper than \(JSONTree.depthLimit), \(place)"
    case .wrongType(let found): return "\(name): expected \(type), found \(found) \(place)"
    case .hasFraction: return "\(name): expected \(type), found a number with a fraction \(place)"
    case .outOfRange: return "\(name): a number out of range for \(type), \(place)"
    case .tooLong(let limit): return "\(name): text longer than \(limit) characters, \(place)"
    case .notSpelled: return "\(name): a string that is no \(type), \(place)"
    }
  }

  private func found(_ record: UnsafeRawBufferPointer) -> String {
    guard offset < record.count else { return "the end" }
    let byte = record[offset]
    if byte >= 0x21 && byte < 0x7F { return "'\(Character(UnicodeScalar(byte)))'" }
    return "byte 0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
