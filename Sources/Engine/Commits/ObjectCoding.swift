import Bytes
import Metadata
import Vectors

/// How schemas, tables, views and state spaces lie in catalog objects. The numbers are on disk: never reuse one.
enum ObjectKind: UInt8 {
  case schema = 1
  case table = 2
  case view = 3
  case stateSpace = 4
}

extension TableState {
  var catalogObject: CatalogObject {
    var writer = ByteWriter()
    writer.append(name.schema)
    writer.append(name.name)
    writer.append(definition)
    writer.appendCount(rowCount)
    writer.appendCount(byteCount)
    for snapshot in [createdAt, definedAt, rewrittenAt, changedAt] { writer.appendVarint(snapshot.number) }
    writer.append(summary)
    return CatalogObject(
      id: identifier.rawValue, kind: ObjectKind.table.rawValue, name: name.catalogName, value: writer.bytes)
  }

  init(_ object: CatalogObject, manifest makeManifest: (ItemSummary) -> Manifest) throws(PulsehouseError) {
    self = try ByteReader.reading(object.value, source: "table \(object.name)") { reader throws(PulsehouseError) in
      let schema = try reader.readString()
      let name = TableName(schema, try reader.readString())
      let definition = try reader.readTableDefinition()
      let rowCount = try reader.readSize()
      let byteCount = try reader.readSize()
      let createdAt = SnapshotID(try reader.readVarint())
      let definedAt = SnapshotID(try reader.readVarint())
      let rewrittenAt = SnapshotID(try reader.readVarint())
      let changedAt = SnapshotID(try reader.readVarint())
      let summary = try reader.readSummary()
      try reader.expectEnd()
      return TableState(
        identifier: TableIdentifier(rawValue: object.id), name: name, definition: definition, rowCount: rowCount,
        byteCount: byteCount, segmentCount: summary.count, createdAt: createdAt, definedAt: definedAt,
        rewrittenAt: rewrittenAt, changedAt: changedAt, summary: summary, manifest: makeManifest(summary))
    }
  }
}

extension ViewState {
  var catalogObject: CatalogObject {
    var writer = ByteWriter()
    writer.append(name.schema)
    writer.append(name.name)
    writer.append(definition.sql)
    writer.append(definition.columns)
    writer.append(definition.properties)
    writer.appendVarint(changedAt.number)
    return CatalogObject(
      id: identifier.rawValue, kind: ObjectKind.view.rawValue, name: name.catalogName, value: writer.bytes)
  }

  init(_ object: CatalogObject) throws(PulsehouseError) {
    self = try ByteReader.reading(object.value, source: "view \(object.name)") { reader throws(PulsehouseError) in
      let schema = try reader.readString()
      let name = TableName(schema, try reader.readString())
      let sql = try reader.readString()
      let columns = try reader.readColumns()
      let properties = try reader.readProperties()
      let changedAt = SnapshotID(try reader.readVarint())
      try reader.expectEnd()
      return ViewState(
        identifier: TableIdentifier(rawValue: object.id), name: name,
        definition: ViewDefinition(sql: sql, columns: columns, properties: properties), changedAt: changedAt)
    }
  }
}

extension SpaceState {
  var catalogObject: CatalogObject {
    var writer = ByteWriter()
    writer.append(space.kind)
    writer.append(space.name)
    writer.append(space.isShared)
    writer.appendVarint(changedAt.number)
    writer.append(summary)
    return CatalogObject(
      id: identifier.rawValue, kind: ObjectKind.stateSpace.rawValue, name: space.description, value: writer.bytes)
  }

  init(_ object: CatalogObject) throws(PulsehouseError) {
    self = try ByteReader.reading(object.value, source: "state of \(object.name)") { reader throws(PulsehouseError) in
      let kind = try reader.readString()
      let name = try reader.readString()
      let space = StateSpace(kind: kind, name: name, isShared: try reader.readBool())
      let changedAt = SnapshotID(try reader.readVarint())
      let summary = try reader.readSummary()
      try reader.expectEnd()
      return SpaceState(
        identifier: TableIdentifier(rawValue: object.id), space: space, changedAt: changedAt, summary: summary)
    }
  }
}

extension ByteWriter {
  fileprivate mutating func append(_ summary: ItemSummary) {
    appendCount(summary.count)
    append(summary.hash)
  }

  fileprivate mutating func append(_ definition: TableDefinition) {
    append(definition.columns)
    append(definition.partitionedBy)
    append(definition.clusteredBy)
    append(definition.properties)
  }

  fileprivate mutating func append(_ texts: [String]) {
    appendCount(texts.count)
    for text in texts { append(text) }
  }

  /// In order of the keys, so that equal dictionaries give equal bytes.
  fileprivate mutating func append(_ properties: [String: String]) {
    appendCount(properties.count)
    for (key, value) in properties.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      append(key)
      append(value)
    }
  }

  fileprivate mutating func append(_ columns: [ColumnDefinition]) {
    appendCount(columns.count)
    for column in columns {
      append(column.name)
      append(column.type, secondDigits: column.secondDigits, domain: column.domain)
      append(column.isNullable)
      append(column.defaultText != nil)
      if let text = column.defaultText { append(text) }
    }
  }

  /// A column of a domain is a 23, the domain's identifier, then what it is without; a time of fewer digits of the
  /// second is a 22, the digits, then the type.
  mutating func append(_ type: LogicalType, secondDigits: Int?, domain: UInt64? = nil) {
    if let domain {
      append(UInt8(23))
      append(domain)
    }
    if let secondDigits {
      append(UInt8(22))
      append(UInt8(secondDigits))
    }
    append(type)
  }

  /// One byte for the type, then its modifiers; 0 stands for a modifier that is absent, n + 1 for n.
  fileprivate mutating func append(_ type: LogicalType) {
    append(type.tag)
    switch type {
    case .numeric(let precision, let scale):
      append(modifier: precision)
      append(modifier: scale)
    case .varchar(let length): append(modifier: length)
    case .char(let length): append(modifier: length)
    case .array(let element): append(element)
    case .enumeration(let type): append(type)
    default: break
    }
  }

  /// The whole type, so that a table's columns tell their labels in each snapshot without another look.
  mutating func append(_ type: EnumerationType) {
    append(type.identifier)
    append(type.schema)
    append(type.name)
    appendCount(type.labels.count)
    for label in type.labels {
      append(label.position)
      append(label.text)
    }
  }

  /// Modifiers may be negative (a numeric's scale), so the sign goes to the lowest bit.
  private mutating func append(modifier: Int?) {
    guard let modifier else { return appendVarint(0) }
    let zigzag = UInt64(bitPattern: Int64(modifier) << 1 ^ Int64(modifier) >> 63)
    appendVarint(zigzag &+ 1)
  }
}

extension ByteReader {
  fileprivate mutating func readSummary() throws(PulsehouseError) -> ItemSummary {
    let count = try readSize()
    return ItemSummary(count: count, hash: try readHash())
  }

  fileprivate mutating func readTableDefinition() throws(PulsehouseError) -> TableDefinition {
    let columns = try readColumns()
    let partitionedBy = try readTexts()
    let clusteredBy = try readTexts()
    return TableDefinition(
      columns: columns, partitionedBy: partitionedBy, clusteredBy: clusteredBy, properties: try readProperties())
  }

  fileprivate mutating func readTexts() throws(PulsehouseError) -> [String] {
    var texts: [String] = []
    for _ in 0..<(try readCount()) { texts.append(try readString()) }
    return texts
  }

  fileprivate mutating func readProperties() throws(PulsehouseError) -> [String: String] {
    var properties: [String: String] = [:]
    for _ in 0..<(try readCount(minimumByteCount: 2)) {
      let key = try readString()
      properties[key] = try readString()
    }
    return properties
  }

  fileprivate mutating func readColumns() throws(PulsehouseError) -> [ColumnDefinition] {
    var columns: [ColumnDefinition] = []
    for _ in 0..<(try readCount(minimumByteCount: 4)) {
      let name = try readString()
      let (type, secondDigits, domain) = try readColumnType()
      let isNullable = try readBool()
      let defaultText = try readBool() ? try readString() : nil
      var column = ColumnDefinition(name: name, type: type, isNullable: isNullable, defaultText: defaultText)
      column.secondDigits = secondDigits
      column.domain = domain
      columns.append(column)
    }
    return columns
  }

  mutating func readColumnType() throws(PulsehouseError) -> (type: LogicalType, secondDigits: Int?, domain: UInt64?) {
    var tag = try readUInt8()
    var domain: UInt64?
    if tag == 23 {
      domain = try readUInt64()
      tag = try readUInt8()
    }
    guard tag == 22 else { return (try readType(tag), nil, domain) }
    let digits = Int(try readUInt8())
    guard digits < 6 else { throw corrupt("a time of \(digits) digits of the second") }
    return (try readType(try readUInt8()), digits, domain)
  }

  private mutating func readType(_ tag: UInt8) throws(PulsehouseError) -> LogicalType {
    switch tag {
    case 7:
      let precision = try readModifier()
      return .numeric(precision: precision, scale: try readModifier())
    case 9: return .varchar(length: try readModifier())
    case 10:
      guard let length = try readModifier() else { throw corrupt("a character type without a length") }
      return .char(length: length)
    case 21:
      let element = try readType(try readUInt8())
      if case .array = element { throw corrupt("a column of arrays of arrays") }
      return .array(element)
    case 24: return .enumeration(try readEnumeration())
    default:
      guard let type = LogicalType.plain[tag] else { throw corrupt("an unknown type \(tag)") }
      return type
    }
  }

  mutating func readEnumeration() throws(PulsehouseError) -> EnumerationType {
    let identifier = try readUInt64()
    let schema = try readString()
    let name = try readString()
    var labels: [EnumerationType.Label] = []
    for _ in 0..<(try readCount(minimumByteCount: 5)) {
      let position = try readInt32()
      labels.append(EnumerationType.Label(position: position, text: try readString()))
    }
    return EnumerationType(identifier: identifier, schema: schema, name: name, labels: labels)
  }

  private mutating func readModifier() throws(PulsehouseError) -> Int? {
    let stored = try readVarint()
    guard stored > 0 else { return nil }
    let zigzag = stored - 1
    guard zigzag < 1 << 33 else { throw corrupt("a type modifier out of range") }
    return Int(zigzag >> 1) ^ -Int(zigzag & 1)
  }
}

extension LogicalType {
  /// The type's number on disk. Never reused.
  fileprivate var tag: UInt8 {
    switch self {
    case .boolean: 1
    case .smallint: 2
    case .integer: 3
    case .bigint: 4
    case .real: 5
    case .double: 6
    case .numeric: 7
    // A row is its text; no column is stored so.
    case .text, .record: 8
    case .varchar: 9
    case .char: 10
    case .bytea: 11
    case .date: 12
    case .time: 13
    case .timestamp: 14
    case .timestamptz: 15
    case .interval: 16
    case .uuid: 17
    case .json: 18
    case .jsonb: 19
    case .unknown: 20
    case .array: 21
    // 22 and 23 stand before a type.
    case .enumeration: 24
    }
  }

  /// The types without modifiers, by number.
  fileprivate static let plain: [UInt8: LogicalType] = {
    let types: [LogicalType] = [
      .boolean, .smallint, .integer, .bigint, .real, .double, .text, .bytea, .date, .time, .timestamp, .timestamptz,
      .interval, .uuid, .json, .jsonb, .unknown,
    ]
    return Dictionary(uniqueKeysWithValues: types.map { ($0.tag, $0) })
  }()
}
