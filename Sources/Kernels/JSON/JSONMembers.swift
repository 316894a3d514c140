import Bytes

/// What the members of a JSON object are, for guessing the columns of a file.
package struct JSONMember: Sendable {
  package enum Kind: Sendable {
    case null
    case boolean
    /// In the digits written.
    case number(String)
    case string(String)
    /// An array or an object.
    case nested
  }

  package var key: String
  package var kind: Kind

  /// Returns the members of one record, in order. - Throws: `.user` for what is no JSON object.
  package static func read(_ record: UnsafeRawBufferPointer) throws -> [JSONMember] {
    guard case .object(let members) = try JSONReader.read(record) else {
      throw PulsehouseError(.user, "the record is no JSON object", sqlState: "22P02")
    }
    return members.map { member in
      let kind: Kind =
        switch member.value {
        case .null: .null
        case .boolean: .boolean
        case .number(let digits): .number(String(decoding: digits, as: UTF8.self))
        case .string(let text): .string(String(decoding: text, as: UTF8.self))
        case .array, .object: .nested
        }
      return JSONMember(key: String(decoding: member.key, as: UTF8.self), kind: kind)
    }
  }
}
