import Bytes
import Kafka
import SQLSyntax
import Vectors

/// Reads sources from the files that declare them.
///
/// Every door throws `.user` with file and line for a header that makes no sense, `.unsupported` for one that we
/// understand and cannot do.
extension Source {
  /// Reads every `*.sql` file in `directory`, in order of their names; a missing directory has none.
  package static func load(
    directory: String, in fileSystem: any FileSystem = LocalFileSystem()
  ) throws(PulsehouseError) -> [Source] {
    guard let status = try fileSystem.status(directory), status.isDirectory else { return [] }
    var sources: [Source] = []
    for name in try fileSystem.list(directory) where name.hasSuffix(".sql") && !name.hasPrefix(".") {
      let path = Path.join(directory, name)
      let bytes = try fileSystem.readFile(path, limit: 1 << 24)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw PulsehouseError(.user, "not UTF-8", sqlState: "22021", file: path)
      }
      for source in try read(try ModelFile.parse(text, path: path)) {
        if let twin = sources.first(where: { $0.name == source.name }) {
          throw PulsehouseError(
            .user, "the source \(source.name) is declared twice", sqlState: "42P07",
            detail: "The other is in \(twin.file ?? "the same file").", file: path)
        }
        sources.append(source)
      }
    }
    return sources
  }

  /// Reads the `SOURCE` headers of one file; other headers are passed over.
  package static func read(_ file: ModelFile) throws(PulsehouseError) -> [Source] {
    var sources: [Source] = []
    for block in file.blocks where block.kind == .source {
      do throws(PulsehouseError) {
        sources.append(try Source(block, file: file.path))
      } catch {
        throw error.located(in: file.text, path: file.path)
      }
    }
    return sources
  }

  private init(_ block: HeaderBlock, file: String) throws(PulsehouseError) {
    let known = [
      "name", "kind", "columns", "partitioned_by", "clustered_by", "on_error", "event_time", "event_time_unit",
      "description", "owner", "tags",
    ]
    for property in block.properties where !known.contains(property.name) {
      throw PulsehouseError(
        .user, "a SOURCE has no property \"\(property.name)\"", sqlState: "42601",
        hint: "It has \(known.joined(separator: ", ")).", range: property.nameRange)
    }
    let name = try Self.required("name", block).name()
    guard name.count == 2 else {
      throw PulsehouseError(
        .user, "a source is named schema.table", sqlState: "42601", range: block["name"]?.range ?? block.range)
    }
    let kind = try Self.kind(try Self.required("kind", block), file: file)
    var columns: [SourceColumn] = []
    for declaration in try Self.required("columns", block).columns() {
      let column = try Self.column(declaration, kind)
      if columns.contains(where: { $0.name == column.name }) {
        throw PulsehouseError(
          .user, "two columns are named \"\(column.name)\"", sqlState: "42701",
          hint: "A column is named after the last word of its path.", range: declaration.range)
      }
      columns.append(column)
    }
    guard !columns.isEmpty else {
      throw PulsehouseError(.user, "a source needs a column", sqlState: "42601", range: block["columns"]?.range)
    }
    self.init(
      schema: name[0], table: name[1], kind: kind, columns: columns,
      partitionedBy: try Self.columnNames("partitioned_by", block, columns),
      clusteredBy: try Self.columnNames("clustered_by", block, columns),
      onError: try Self.errorPolicy(block["on_error"]), file: file)
    eventTime = try Self.eventTime(block, columns)
  }

  private static func required(_ name: String, _ block: HeaderBlock) throws(PulsehouseError) -> PropertyValue {
    guard let value = block[name] else {
      throw PulsehouseError(.user, "a SOURCE needs \(name)", sqlState: "42601", range: block.range)
    }
    return value
  }

  private static func kind(_ value: PropertyValue, file: String) throws(PulsehouseError) -> Kind {
    let call = try value.call()
    let properties = try call.group?.properties() ?? []
    func text(_ name: String) throws(PulsehouseError) -> String? {
      guard let found = properties.first(where: { $0.name == name }) else { return nil }
      guard let value = found.value else {
        throw PulsehouseError(.user, "\(name) needs a value", sqlState: "42601", range: found.nameRange)
      }
      return try value.string()
    }
    func path() throws(PulsehouseError) -> String {
      guard let path = try text("path"), !path.isEmpty else {
        throw PulsehouseError(.user, "\(call.name.uppercased()) needs a path", sqlState: "42601", range: call.range)
      }
      return path
    }
    func allow(_ names: [String]) throws(PulsehouseError) {
      for property in properties where !names.contains(property.name) {
        throw PulsehouseError(
          .user, "\(call.name.uppercased()) has no property \"\(property.name)\"", sqlState: "42601",
          hint: "It has \(names.joined(separator: ", ")).", range: property.nameRange)
      }
    }
    switch call.name {
    case "lake":
      try allow(["path", "pattern", "complete", "topic", "format", "schema"])
      var folder = LakeFolder(path: try path())
      folder.topic = try text("topic")
      folder.avro = try avro(properties, call, file: file)
      if let pattern = try text("pattern") { folder.pattern = pattern }
      if let complete = properties.first(where: { $0.name == "complete" }) {
        folder.isComplete = try complete.value?.boolean() ?? true
      }
      return .lake(folder)
    case "csv":
      try allow(["path", "delimiter"])
      var files = CSVFiles(path: try path())
      if let delimiter = try text("delimiter") {
        guard delimiter.utf8.count == 1, let byte = delimiter.utf8.first else {
          throw PulsehouseError(
            .user, "COPY delimiter must be a single one-byte character", sqlState: "22023", range: call.range)
        }
        files.delimiter = byte
      }
      return .csv(files)
    case "kafka":
      try allow([
        "topic", "brokers", "group", "properties", "on_gap", "commit_rows", "commit_seconds", "format", "schema",
      ])
      var topic = KafkaTopic(topic: try text("topic") ?? "", brokers: try text("brokers"))
      if let group = try text("group") { topic.group = group }
      guard !topic.topic.isEmpty else {
        throw PulsehouseError(.user, "KAFKA needs a topic", sqlState: "42601", range: call.range)
      }
      topic.avro = try avro(properties, call, file: file)
      return .kafka(try tuned(topic, properties))
    default:
      throw PulsehouseError(
        .user, "a source cannot be of kind \(call.name.uppercased())", sqlState: "42601",
        hint: "It can be LAKE, CSV or KAFKA.", range: call.nameRange)
    }
  }

  /// `format avro` wants a `schema`: a file beside the source's own, or the schema's JSON itself.
  private static func avro(
    _ properties: [Property], _ call: PropertyCall, file: String
  ) throws(PulsehouseError) -> AvroSchema? {
    let format = properties.first { $0.name == "format" }
    let word = try format?.value?.word() ?? "json"
    guard word == "json" || word == "avro" else {
      throw PulsehouseError(.user, "format is JSON or AVRO", sqlState: "42601", range: format?.nameRange ?? call.range)
    }
    let schema = properties.first { $0.name == "schema" }
    guard (word == "avro") == (schema != nil), let schema else {
      if word == "json" && schema == nil { return nil }
      throw PulsehouseError(
        .user, word == "avro" ? "format AVRO needs a schema" : "a schema is for format AVRO", sqlState: "42601",
        range: schema?.nameRange ?? format?.nameRange ?? call.range)
    }
    let text = try schema.value?.string() ?? ""
    if text.hasPrefix("{") { return try AvroSchema(Array(text.utf8)) }
    let path = Path.join(Path.parent(file), text)
    return try AvroSchema(try LocalFileSystem().readFile(path, limit: 1 << 24), file: path)
  }

  private static func positive(
    _ number: Double, _ name: String, _ value: PropertyValue
  ) throws(PulsehouseError) -> Double {
    guard number > 0 else {
      throw PulsehouseError(.user, "\(name) must be above zero", sqlState: "22023", range: value.range)
    }
    return number
  }

  /// Wrong ones, and secrets in plain text, are refused when the file is read.
  private static func kafkaProperties(_ value: PropertyValue) throws(PulsehouseError) -> [String] {
    var assignments: [String] = []
    var checked = KafkaConfiguration(brokers: "")
    for entry in value.list() {
      let assignment = try entry.string()
      do throws(PulsehouseError) {
        try checked.set(assignment: assignment)
      } catch {
        throw PulsehouseError(.user, error.message, sqlState: "22023", hint: error.hint, range: entry.range)
      }
      assignments.append(assignment)
    }
    return assignments
  }

  private static func tuned(_ plain: KafkaTopic, _ properties: [Property]) throws(PulsehouseError) -> KafkaTopic {
    var topic = plain
    for property in properties {
      guard let value = property.value else { continue }
      switch property.name {
      case "properties":
        topic.properties = try kafkaProperties(value)
      case "on_gap":
        guard let policy = KafkaTopic.GapPolicy(rawValue: try value.word()) else {
          throw PulsehouseError(
            .user, "on_gap is FAIL, SKIP or RESTART", sqlState: "42601", range: value.range)
        }
        topic.onGap = policy
      case "commit_rows": topic.commitRowCount = Int(try positive(Double(try value.integer()), property.name, value))
      case "commit_seconds": topic.commitSeconds = try positive(try value.number(), property.name, value)
      default: continue
      }
    }
    return topic
  }

  private static func column(_ declaration: ColumnDeclaration, _ kind: Kind) throws(PulsehouseError) -> SourceColumn {
    guard let typeName = declaration.type else {
      throw PulsehouseError(.user, "a source's column needs a type", sqlState: "42601", range: declaration.range)
    }
    guard let name = declaration.path.last else {
      throw PulsehouseError(.user, "a source's column needs a name", sqlState: "42601", range: declaration.range)
    }
    if case .csv = kind, declaration.path.count > 1 {
      throw PulsehouseError(.user, "a CSV column has no path", sqlState: "42601", range: declaration.range)
    }
    let type = try resolve(typeName, declaration)
    return SourceColumn(name, type, path: declaration.path)
  }

  private static func resolve(_ name: TypeName, _ declaration: ColumnDeclaration) throws(PulsehouseError) -> LogicalType
  {
    let written = declaration.typeText ?? name.baseName
    var modifiers: [Int] = []
    for modifier in name.modifiers {
      guard case .literal(.integer(let value)) = modifier.node else {
        throw PulsehouseError(.user, "not a type: \(written)", sqlState: "42704", range: declaration.range)
      }
      modifiers.append(Int(value))
    }
    if name.arrayBounds.isEmpty {
      switch (name.baseName, modifiers.count) {
      case ("bool", 0), ("boolean", 0): return .boolean
      case ("int2", 0): return .smallint
      case ("int4", 0): return .integer
      case ("int8", 0): return .bigint
      case ("float4", 0): return .real
      case ("float8", 0): return .double
      case ("numeric", 0): return .numeric(precision: nil, scale: nil)
      case ("numeric", 1...2):
        let scale = modifiers.count > 1 ? modifiers[1] : 0
        guard (1...Numeric.maximumDigits).contains(modifiers[0]), (0...Numeric.maximumDigits).contains(scale) else {
          throw PulsehouseError(
            .unsupported, "numeric with more than \(Numeric.maximumDigits) digits", range: declaration.range)
        }
        return .numeric(precision: modifiers[0], scale: scale)
      case ("text", 0): return .text
      case ("varchar", 0): return .varchar(length: nil)
      case ("varchar", 1) where (1...10_485_760).contains(modifiers[0]): return .varchar(length: modifiers[0])
      case ("bpchar", 1) where (1...10_485_760).contains(modifiers[0]): return .char(length: modifiers[0])
      case ("bytea", 0): return .bytea
      case ("date", 0): return .date
      case ("time", 0): return .time
      case ("timestamp", 0): return .timestamp
      case ("timestamptz", 0): return .timestamptz
      case ("interval", 0): return .interval
      case ("uuid", 0): return .uuid
      case ("json", 0): return .json
      default: break
      }
    }
    throw PulsehouseError(.unsupported, "a source's column of type \(written)", range: declaration.range)
  }

  private static func columnNames(
    _ property: String, _ block: HeaderBlock, _ columns: [SourceColumn]
  ) throws(PulsehouseError) -> [String] {
    guard let value = block[property] else { return [] }
    var names: [String] = []
    for entry in value.list() {
      let name = try entry.name()
      guard name.count == 1, columns.contains(where: { $0.name == name[0] }) else {
        throw PulsehouseError(
          .user, "\(property) names no column of the source: \(entry.text)", sqlState: "42703", range: entry.range)
      }
      names.append(name[0])
    }
    return names
  }

  /// `event_time` names a column; `event_time_unit` says what a number there counts since 1970.
  private static func eventTime(
    _ block: HeaderBlock, _ columns: [SourceColumn]
  ) throws(PulsehouseError) -> EventTime? {
    var unit: EventTime.Unit?
    if let value = block["event_time_unit"] {
      let word = try value.word()
      unit = EventTime.Unit(rawValue: word)
      guard unit != nil else {
        throw PulsehouseError(
          .user, "event_time_unit is no unit: \(word)", sqlState: "42601",
          hint: "It is one of \(EventTime.Unit.allCases.map(\.rawValue).joined(separator: ", ")).", range: value.range)
      }
    }
    guard let value = block["event_time"] else { return nil }
    let name = try value.name()
    guard let column = columns.first(where: { name == [$0.name] || name == $0.path }) else {
      throw PulsehouseError(
        .user, "event_time names no column of the source: \(value.text)", sqlState: "42703", range: value.range)
    }
    return EventTime(path: column.path, type: column.type, unit: unit ?? .seconds)
  }

  private static func errorPolicy(_ value: PropertyValue?) throws(PulsehouseError) -> ErrorPolicy {
    guard let value else { return .quarantine }
    switch try value.word() {
    case "quarantine": return .quarantine
    case "fail": return .fail
    default:
      throw PulsehouseError(
        .user, "on_error is QUARANTINE or FAIL", sqlState: "42601", range: value.range)
    }
  }
}
