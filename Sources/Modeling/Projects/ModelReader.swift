import Bytes
import SQLSyntax

/// Understands `MODEL (...)`: which properties there are, and what each may hold.
struct ModelReader {
  let file: ModelFile
  let block: HeaderBlock
  var defaults = ModelDefaults()

  /// Properties that SQLMesh knows and that change nothing here.
  private static let withoutEffect: Set<String> = [
    "cron_tz", "end", "owner", "stamp", "grains", "references",
    "column_descriptions", "storage_format", "physical_properties", "table_properties", "virtual_properties",
    "session_properties", "allow_partials", "optimize_query", "formatting", "virtual_environment_mode", "project",
  ]

  /// Reads every model of a file that is enabled.
  static func models(of file: ModelFile, defaults: ModelDefaults) throws(PulsehouseError) -> [Model] {
    var models: [Model] = []
    var inline: [String: CustomAudit] = [:]
    let isAlone = !file.blocks.contains { $0.kind == .model }
    for audit in isAlone ? [] : try CustomAudit.read(file, isInline: true) {
      if inline.updateValue(audit, forKey: audit.name) != nil {
        throw audit.error("there are two audits called \(audit.name) in one file")
      }
    }
    for block in file.blocks where block.kind != .audit || isAlone {
      do throws(PulsehouseError) {
        guard block.kind == .model else {
          throw PulsehouseError(
            .user, "expected MODEL (...), found \(block.kind.rawValue.uppercased()) (...)", sqlState: "42601",
            hint: "Sources belong in sources/, audits of several models in audits/.", range: block.range)
        }
        guard var model = try ModelReader(file: file, block: block, defaults: defaults).model() else { continue }
        model.inlineAudits = inline
        models.append(model)
      } catch {
        throw error.located(in: file.text, path: file.path)
      }
    }
    return models
  }

  private func model() throws(PulsehouseError) -> Model? {
    try refuseUnknown()
    if let enabled = block["enabled"], try !enabled.boolean() { return nil }
    if let dialect = block["dialect"], try !dialect.word().isEmpty, try dialect.word() != "postgres" {
      throw PulsehouseError(
        .unsupported, "models in the dialect \(try dialect.word()) are not supported natively",
        hint: "Write it in postgres, or run it with SQLMesh.", range: dialect.range)
    }
    guard let nameValue = block["name"] else {
      throw PulsehouseError(
        .user, "the model has no name", sqlState: "42601", hint: "Add name schema.table.", range: block.range)
    }
    let name = try relationName(nameValue)
    let kind = try self.kind()
    let query = try self.query(name, kind)
    var reads = try query.map { query throws(PulsehouseError) in try tablesRead(query) } ?? []
    reads.remove(name)
    var upstream = reads
    if let value = block["depends_on"] {
      for entry in value.list() { upstream.insert(try relationName(entry)) }
    }
    upstream.remove(name)
    var audits: [AuditCall] = []
    if let value = block["audits"] {
      for entry in value.list() { audits.append(AuditCall(try entry.call())) }
    }
    return Model(
      name: name, kind: kind, description: try block["description"]?.string(), grain: try words("grain"),
      partitionedBy: try words("partitioned_by"), clusteredBy: try words("clustered_by"),
      columns: try block["columns"]?.columns() ?? [], audits: audits, cron: try cron(), freshness: try freshness(),
      upstream: upstream, reads: reads, query: query,
      file: file,
      nameRange: nameValue.range)
  }

  private func cron() throws(PulsehouseError) -> CronSchedule {
    guard let value = block["cron"] else { return defaults.cron }
    do throws(PulsehouseError) {
      return try CronSchedule(try value.string())
    } catch {
      var error = error
      error.range = error.range ?? value.range
      throw error
    }
  }

  private func freshness() throws(PulsehouseError) -> Freshness? {
    var tags: [(text: String, range: Range<Int>)] = []
    for entry in block["tags"]?.list() ?? [] { tags.append((try entry.string(), entry.range)) }
    return try Freshness.find(in: tags)
  }

  private func refuseUnknown() throws(PulsehouseError) {
    let understood: Set<String> = [
      "name", "kind", "dialect", "enabled", "description", "grain", "partitioned_by", "clustered_by", "columns",
      "audits", "depends_on", "cron", "interval_unit", "start", "tags",
    ]
    for property in block.properties
    where !understood.contains(property.name) && !Self.withoutEffect.contains(property.name) {
      if ["signals", "gateway", "default_catalog", "macros", "pre_statements", "post_statements"].contains(
        property.name)
      {
        throw PulsehouseError(
          .unsupported, "the model property \"\(property.name)\" is not supported natively",
          hint: "Run this model with SQLMesh.", range: property.nameRange)
      }
      throw PulsehouseError(
        .user, "a model has no property \"\(property.name)\"", sqlState: "42601",
        hint: "There are \(understood.sorted().joined(separator: ", ")), and those of SQLMesh.",
        range: property.nameRange)
    }
  }

  func relationName(_ value: PropertyValue) throws(PulsehouseError) -> RelationName {
    let parts = try value.name()
    guard parts.count == 2 else {
      throw PulsehouseError(
        .user, "expected schema.table, found \"\(value.text)\"", sqlState: "42601", range: value.range)
    }
    return RelationName(parts[0], parts[1])
  }

  func words(_ property: String) throws(PulsehouseError) -> [String] {
    guard let value = block[property] else { return [] }
    var words: [String] = []
    for entry in value.list() {
      guard let name = try? entry.name(), name.count == 1 else {
        throw PulsehouseError(
          .unsupported, "\(property) takes names of columns, not \"\(entry.text)\"", range: entry.range)
      }
      words.append(name[0])
    }
    return words
  }

  func seedPath(_ call: PropertyCall) throws(PulsehouseError) -> String {
    let properties = try call.properties()
    for property in properties where !["path", "batch_size", "csv_settings"].contains(property.name) {
      throw PulsehouseError(
        .unsupported, "the seed property \"\(property.name)\" is not supported", range: property.nameRange)
    }
    guard let value = properties.first(where: { $0.name == "path" })?.value else {
      throw PulsehouseError(.user, "a seed needs a path", sqlState: "42601", range: call.range)
    }
    guard block["columns"] != nil else {
      throw PulsehouseError(
        .unsupported, "a seed without columns is not supported", hint: "Add columns (name type, ...).",
        range: call.range)
    }
    let written = try value.string()
    if written.hasPrefix("/") { return written }
    return Path.join(Path.parent(file.path), written)
  }

  private func query(_ name: RelationName, _ kind: Model.Kind) throws(PulsehouseError) -> ModelQuery? {
    guard kind.hasQuery else {
      if let first = block.body.statements.first {
        throw PulsehouseError(
          .user, "a model of the kind \(kind.name) has no SQL", sqlState: "42601",
          range: shifted(first.range))
      }
      return nil
    }
    var constants = defaults.variables
    if kind.makesRelation { constants["this_model"] = .sql(name.sql) }
    return try ModelQuery(
      block.body, variables: Self.sampleVariables(kind), constants: constants, within: block.range)
  }

  /// The variables a model of this kind may use, with values for a look at its SQL.
  static func sampleVariables(_ kind: Model.Kind) -> [String: MacroValue] {
    switch kind {
    case .incrementalByTimeRange(let range):
      TimeVariables.values(IntervalRange(0, 0, range.unit), execution: 0)
    // Its variables are those of whoever reads it.
    case .embedded, .standaloneAudit, .incrementalByUniqueKey, .incrementalByPartition:
      TimeVariables.values(IntervalRange(0, 0, .day), execution: 0)
    default: TimeVariables.executionValues(0)
    }
  }

  private func shifted(_ range: Range<Int>) -> Range<Int> {
    range.lowerBound + block.body.offset..<range.upperBound + block.body.offset
  }

  private func tablesRead(_ query: ModelQuery) throws(PulsehouseError) -> Set<RelationName> {
    try Self.tablesRead(query, file)
  }

  static func tablesRead(_ query: ModelQuery, _ file: ModelFile) throws(PulsehouseError) -> Set<RelationName> {
    do throws(PulsehouseError) {
      let statement = try PostgresParser.parseOne(query.text)
      guard case .query(let parsed) = statement.node else {
        throw PulsehouseError(
          .user, "a model's statement is a SELECT", sqlState: "42601", range: statement.range.bytes)
      }
      return Set(parsed.tablesRead.map(RelationName.init))
    } catch {
      throw query.located(error, prefixLength: 0, in: file)
    }
  }
}
