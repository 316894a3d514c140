import Bytes
import Planning
import Vectors

/// The types that users made, as the catalog keeps them: entries of one state space, so that they come and go with
/// commits as everything else does, and a program that knows no such types still reads every table.
///
/// A column of a domain keeps the type below and the domain's identifier (`ObjectCoding`), so segments know nothing of
/// domains. A column of an enumerated type keeps the whole type, labels and all, and segments the labels' positions:
/// whoever changes the type changes the definitions of the tables that have such columns in the same commit.
extension StateSpace {
  /// Every type of the users' own, by its identifier.
  static let types = StateSpace(kind: "type", name: "", isShared: false)
}

extension Snapshot {
  /// All types of the users' own, by schema and name.
  func userTypes() throws -> [UserType] {
    try entries(of: .types).values.map { try UserType(decoding: $0) }
      .sorted { ($0.schema, $0.name) < ($1.schema, $1.name) }
  }
}

extension Change {
  static func put(_ type: UserType) -> Change { .putState(.types, key: type.catalogKey, value: type.encode()) }

  static func drop(_ type: UserType) -> Change { .removeState(.types, key: type.catalogKey) }
}

extension UserType {
  private static let version: UInt8 = 1
  private static let domainKind: UInt8 = 1
  private static let enumerationKind: UInt8 = 2

  fileprivate var catalogKey: String { "\(TableIdentifier(rawValue: identifier))" }

  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.append(identifier)
    writer.append(schema)
    writer.append(name)
    switch kind {
    case .domain(let rule):
      writer.append(Self.domainKind)
      writer.append(rule)
    case .enumeration:
      writer.append(Self.enumerationKind)
      if let enumeration { writer.append(enumeration) }
    }
    return writer.bytes
  }

  /// - Throws: `.corrupt`; `.unsupported` for what a newer version wrote.
  init(decoding bytes: [UInt8]) throws(PulsehouseError) {
    self = try ByteReader.reading(bytes, source: "a type") { reader throws(PulsehouseError) in
      let version = try reader.readUInt8()
      guard version == Self.version else {
        throw PulsehouseError(
          .unsupported, "a type is described in version \(version)", hint: "It was written by a newer pulsehouse.")
      }
      let identifier = try reader.readUInt64()
      let schema = try reader.readString()
      let name = try reader.readString()
      let kind: Kind
      switch try reader.readUInt8() {
      case Self.domainKind: kind = .domain(try reader.readDomain())
      case Self.enumerationKind: kind = .enumeration(try reader.readEnumeration().labels)
      case let number:
        throw PulsehouseError(
          .unsupported, "the type \"\(name)\" is of kind \(number)", hint: "It was written by a newer pulsehouse.")
      }
      try reader.expectEnd()
      return UserType(identifier: identifier, schema: schema, name: name, kind: kind)
    }
  }
}

extension ByteWriter {
  fileprivate mutating func append(_ rule: DomainRule) {
    append(rule.type, secondDigits: rule.secondDigits)
    append(rule.parent ?? 0)
    append(rule.isNullable)
    append(rule.defaultValue.map(DefaultValue.encode) ?? "")
    appendCount(rule.checks.count)
    for check in rule.checks {
      append(check.name)
      append(check.condition)
    }
  }
}

extension ByteReader {
  fileprivate mutating func readDomain() throws(PulsehouseError) -> DomainRule {
    let column = try readColumnType()
    let parent = try readUInt64()
    let isNullable = try readBool()
    let text = try readString()
    var checks: [DomainRule.Check] = []
    for _ in 0..<(try readCount(minimumByteCount: 2)) {
      let name = try readString()
      checks.append(DomainRule.Check(name: name, condition: try readString()))
    }
    return DomainRule(
      type: column.type, secondDigits: column.secondDigits, parent: parent == 0 ? nil : parent, isNullable: isNullable,
      defaultValue: text.isEmpty ? nil : try DefaultValue.decode(text, column.type), checks: checks)
  }
}
