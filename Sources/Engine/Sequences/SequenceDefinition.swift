import Bytes
import Planning
import SQLSyntax
import Vectors

/// A sequence as declared. Where it stands is not part of a commit: `SequenceFile` knows.
package struct SequenceDefinition: Hashable, Sendable {
  package var name: TableName
  /// Names its file; a sequence of the same name made later has another.
  package var identifier: TableIdentifier
  /// smallint, integer or bigint.
  package var type: LogicalType
  package var start: Int64
  package var increment: Int64
  package var minimum: Int64
  package var maximum: Int64
  package var cycles: Bool
  package var cache: Int64 = 1
  /// The column it goes with when that is dropped.
  package var owner: (table: TableIdentifier, column: String)?

  package static func == (left: SequenceDefinition, right: SequenceDefinition) -> Bool {
    left.encode() == right.encode()
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(identifier) }
}

extension StateSpace {
  /// Every sequence's definition, by its full name.
  static let sequences = StateSpace(kind: "sequence", name: "", isShared: false)
}

extension Snapshot {
  /// All sequences, by name.
  func sequences() throws -> [SequenceDefinition] {
    try entries(of: .sequences).values.map { try SequenceDefinition(decoding: $0) }.sorted { $0.name < $1.name }
  }

  func sequence(_ name: TableName) throws -> SequenceDefinition? {
    try entry(of: .sequences, key: name.catalogName).map { try SequenceDefinition(decoding: $0) }
  }
}

extension Change {
  static func put(_ sequence: SequenceDefinition) -> Change {
    .putState(.sequences, key: sequence.name.catalogName, value: sequence.encode())
  }

  static func drop(_ sequence: SequenceDefinition) -> Change {
    .removeState(.sequences, key: sequence.name.catalogName)
  }
}

// MARK: Options

extension SequenceDefinition {
  /// A sequence of these options, as CREATE SEQUENCE takes them.
  init(_ name: TableName, _ type: LogicalType, _ options: [StatementOption]) throws {
    self.name = name
    identifier = .random()
    self.type = type
    (start, increment, minimum, maximum, cycles) = (1, 1, 1, .max, false)
    try apply(options, isNew: true)
  }

  private static func limits(_ type: LogicalType) -> ClosedRange<Int64> {
    switch type {
    case .smallint: Int64(Int16.min)...Int64(Int16.max)
    case .integer: Int64(Int32.min)...Int64(Int32.max)
    default: Int64.min...Int64.max
    }
  }

  /// Takes options; `OWNED BY` and `RESTART` are the caller's.
  mutating func apply(_ options: [StatementOption], isNew: Bool) throws {
    func invalid(_ message: String, _ option: StatementOption?) -> PulsehouseError {
      PulsehouseError(.user, message, sqlState: "22023", range: option?.range.bytes)
    }
    func number(_ option: StatementOption) throws -> Int64 {
      guard case .integer(let value)? = option.value else {
        throw PulsehouseError(
          .user, "\(option.name) of a sequence must be a whole number of 64 bits", sqlState: "22003",
          range: option.range.bytes)
      }
      return value
    }
    var seen: Set<String> = []
    var given: [String: StatementOption] = [:]
    for option in options {
      guard seen.insert(option.name).inserted else {
        throw PulsehouseError(.user, "conflicting or redundant options", sqlState: "42601", range: option.range.bytes)
      }
      given[option.name] = option
    }
    if let option = given["as"] {
      let names: [String: LogicalType] = ["int2": .smallint, "int4": .integer, "int8": .bigint]
      guard case .text(let text)? = option.value, let known = names[text] else {
        throw invalid("sequence type must be smallint, integer, or bigint", option)
      }
      // Bounds that were the old type's own become the new type's.
      let old = SequenceDefinition.limits(type)
      let new = SequenceDefinition.limits(known)
      if maximum == old.upperBound { maximum = new.upperBound }
      if minimum == old.lowerBound { minimum = new.lowerBound }
      type = known
    }
    let limits = SequenceDefinition.limits(type)
    if let option = given["increment"] {
      increment = try number(option)
      if increment == 0 { throw invalid("INCREMENT must not be zero", option) }
    }
    let isDefaultMaximum = given["maxvalue"].map { $0.value == nil } ?? isNew
    if isDefaultMaximum {
      maximum = increment > 0 ? limits.upperBound : -1
    } else if let option = given["maxvalue"] {
      maximum = try number(option)
      guard limits.contains(maximum) else {
        throw invalid("MAXVALUE (\(maximum)) is out of range for sequence data type \(type.name)", option)
      }
    }
    let isDefaultMinimum = given["minvalue"].map { $0.value == nil } ?? isNew
    if isDefaultMinimum {
      minimum = increment > 0 ? 1 : limits.lowerBound
    } else if let option = given["minvalue"] {
      minimum = try number(option)
      guard limits.contains(minimum) else {
        throw invalid("MINVALUE (\(minimum)) is out of range for sequence data type \(type.name)", option)
      }
    }
    guard minimum < maximum else {
      throw invalid("MINVALUE (\(minimum)) must be less than MAXVALUE (\(maximum))", given["minvalue"])
    }
    if let option = given["start"] {
      start = try number(option)
    } else if isNew {
      start = increment > 0 ? minimum : maximum
    }
    guard start >= minimum else {
      throw invalid("START value (\(start)) cannot be less than MINVALUE (\(minimum))", given["start"])
    }
    guard start <= maximum else {
      throw invalid("START value (\(start)) cannot be greater than MAXVALUE (\(maximum))", given["start"])
    }
    if let option = given["cycle"] { cycles = option.value != .boolean(false) }
    if let option = given["cache"] {
      cache = try number(option)
      guard cache > 0 else { throw invalid("CACHE (\(cache)) must be greater than zero", option) }
    }
    let known: Set = [
      "as", "increment", "maxvalue", "minvalue", "start", "cycle", "cache", "owned_by", "restart", "sequence_name",
    ]
    for option in options where !known.contains(option.name) {
      throw PulsehouseError(
        .unsupported, "the option \(option.name) of a sequence", sqlState: "0A000", range: option.range.bytes)
    }
  }
}

// MARK: Coding

extension SequenceDefinition {
  private static let version: UInt8 = 1

  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.append(name.schema)
    writer.append(name.name)
    writer.append(identifier.rawValue)
    writer.append(UInt8(type == .smallint ? 2 : type == .integer ? 4 : 8))
    for value in [start, increment, minimum, maximum, cache] { writer.append(value) }
    writer.append(cycles)
    writer.append(owner != nil)
    if let owner {
      writer.append(owner.table.rawValue)
      writer.append(owner.column)
    }
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(PulsehouseError) {
    self = try ByteReader.reading(bytes, source: "a sequence") { reader throws(PulsehouseError) in
      let version = try reader.readUInt8()
      guard version == Self.version else {
        throw PulsehouseError(
          .unsupported, "a sequence is described in version \(version)",
          hint: "It was written by a newer pulsehouse.")
      }
      let schema = try reader.readString()
      let name = TableName(schema, try reader.readString())
      let identifier = TableIdentifier(rawValue: try reader.readUInt64())
      let width = try reader.readUInt8()
      var numbers: [Int64] = []
      for _ in 0..<5 { numbers.append(try reader.readInt64()) }
      let cycles = try reader.readBool()
      var owner: (TableIdentifier, String)?
      if try reader.readBool() {
        let table = TableIdentifier(rawValue: try reader.readUInt64())
        owner = (table, try reader.readString())
      }
      try reader.expectEnd()
      return SequenceDefinition(
        name: name, identifier: identifier, type: width == 2 ? .smallint : width == 4 ? .integer : .bigint,
        start: numbers[0], increment: numbers[1], minimum: numbers[2], maximum: numbers[3], cycles: cycles,
        cache: numbers[4], owner: owner)
    }
  }
}
