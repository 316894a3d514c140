import Bytes

/// A second set of a project's tables beside those of everybody, by its name: `dev`.
///
/// Its table for `silver.events` is `silver__dev.events`. A session in the environment finds that one under the plain
/// name; what the environment has no table of its own for is everybody's, and cannot be changed from within it.
package struct Environment: Hashable, Sendable, CustomStringConvertible {
  /// What the tables that belong to no environment are called together.
  package static let production = "prod"
  private static let separator = "__"

  package let name: String

  /// - Throws: `.usage` for a name that cannot be part of a schema's, and for that of production.
  package init(_ name: String) throws(PulsehouseError) {
    let isPlain = name.utf8.enumerated().allSatisfy { index, byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || index > 0 && (byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte))
    }
    guard isPlain, !name.isEmpty, name.utf8.count <= 40, !name.contains(Self.separator), !name.hasSuffix("_") else {
      throw PulsehouseError(
        .usage, "\"\(name)\" is no name for an environment", sqlState: "22023",
        hint: "Take up to 40 lower-case letters, digits and single underscores, a letter first.")
    }
    guard name != Self.production else {
      throw PulsehouseError(
        .usage, "\(name) is what everybody sees and no environment", sqlState: "22023",
        hint: "Leave the environment out to work on it.")
    }
    self.name = name
  }

  package var description: String { name }

  /// `silver__dev` of `silver`.
  package func schema(_ plain: String) -> String { plain + Self.separator + name }

  /// Whether a schema is the environment's own.
  package func owns(schema: String) -> Bool {
    schema.hasSuffix(Self.separator + name) && schema.utf8.count > name.utf8.count + Self.separator.utf8.count
  }

  /// `silver__dev.events` of `silver.events`.
  package func own(_ plain: TableName) -> TableName { TableName(schema(plain.schema), plain.name) }

  /// `silver.events` of `silver__dev.events`; any other name is returned as it is.
  package func plain(_ name: TableName) -> TableName {
    guard owns(schema: name.schema) else { return name }
    return TableName(
      String(name.schema.dropLast(self.name.count + Self.separator.count)), name.name)
  }
}

/// What the catalog remembers of an environment: an entry of the state space `StateSpace.environments`, by its name.
package struct EnvironmentRecord: Hashable, Sendable {
  package var environment: Environment
  /// Microseconds since 1970 UTC.
  package var createdAt: Int64
  /// The models it had at its last run, by their plain names.
  package var models: Set<TableName>

  package init(environment: Environment, createdAt: Int64, models: Set<TableName>) {
    self.environment = environment
    self.createdAt = createdAt
    self.models = models
  }

  /// Returns the record of an environment; nil when there is none of this name.
  package static func find(_ environment: Environment, in snapshot: Snapshot) throws(PulsehouseError)
    -> EnvironmentRecord?
  {
    guard let bytes = try snapshot.entry(of: .environments, key: environment.name) else { return nil }
    return try EnvironmentRecord(decoding: bytes, environment)
  }

  /// Returns every record, by name.
  package static func all(in snapshot: Snapshot) throws(PulsehouseError) -> [EnvironmentRecord] {
    var records: [EnvironmentRecord] = []
    for (name, bytes) in try snapshot.entries(of: .environments).sorted(by: { $0.key < $1.key }) {
      records.append(try EnvironmentRecord(decoding: bytes, try Environment(name)))
    }
    return records
  }

  /// The error that there is no environment of this name, with those there are.
  package static func missing(_ environment: Environment, in snapshot: Snapshot) throws(PulsehouseError)
    -> PulsehouseError
  {
    let names = try all(in: snapshot).map(\.environment.name)
    return PulsehouseError(
      .user, "there is no environment \"\(environment)\"", sqlState: "42704",
      hint: names.isEmpty
        ? "pulsehouse run --env \(environment) makes it." : "There are \(names.joined(separator: ", ")).")
  }

  private static let version: UInt8 = 1

  package func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.append(createdAt)
    writer.appendCount(models.count)
    for model in models.sorted() {
      writer.append(model.schema)
      writer.append(model.name)
    }
    return writer.bytes
  }

  private init(decoding bytes: [UInt8], _ environment: Environment) throws(PulsehouseError) {
    self = try ByteReader.reading(bytes, source: "environment \(environment)") { reader throws(PulsehouseError) in
      let version = try reader.readUInt8()
      guard version == Self.version else {
        throw PulsehouseError(
          .unsupported, "the record of the environment \(environment) is of version \(version)",
          hint: "It was written by a newer pulsehouse.")
      }
      var record = EnvironmentRecord(environment: environment, createdAt: try reader.readInt64(), models: [])
      for _ in 0..<(try reader.readCount()) {
        let schema = try reader.readString()
        record.models.insert(TableName(schema, try reader.readString()))
      }
      try reader.expectEnd()
      return record
    }
  }
}

extension StateSpace {
  /// The environments there are, by name.
  package static let environments = StateSpace(kind: "environment", name: "", isShared: true)
}

extension Snapshot {
  /// The name under which a session in `environment` finds what it calls `name`.
  package func resolve(_ name: TableName, in environment: Environment?) -> TableName {
    guard let own = environment?.own(name), table(own) != nil || view(own) != nil else { return name }
    return own
  }
}
