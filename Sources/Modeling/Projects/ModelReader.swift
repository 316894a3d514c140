import Bytes
import SQLSyntax

/// Understands `MODEL (...)`: which properties there are, and what each may hold.
struct ModelReader {
  private let file: ModelFile
  private let block: HeaderBlock

  /// Properties that SQLMesh knows and that change nothing here.
  private static let withoutEffect: Set<String> = [
    "cron", "cron_tz", "start", "end", "owner", "stamp", "tags", "grains", "references", "interval_unit",
    "column_descriptions", "storage_format", "physical_properties", "table_properties", "virtual_properties",
    "session_properties", "allow_partials", "optimize_query", "formatting", "virtual_environment_mode", "project",
  ]

  /// Reads every model of a file that is enabled.
  static func models(of file: ModelFile) throws(PulsehouseError) -> [Model] {
    var models: [Model] = []
    for block in file.blocks {
      do throws(PulsehouseError) {
        guard block.kind == .model else {
          throw PulsehouseError(
            .user, "expected MODEL (...), found \(block.kind.rawValue.uppercased()) (...)", sqlState: "42601",
            hint: "Sources belong in sources/, audits in audits/.", range: block.range)
        }
        if let model = try ModelReader(file: file, block: block).model() { models.append(model) }
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
    let query = try self.query(kind)
    var upstream = try query.map { query throws(PulsehouseError) in try tablesRead(query) } ?? []
    if let value = block["depends_on"] {
      for entry in value.list() { upstream.insert(try relationName(entry)) }
    }
    var audits: [AuditCall] = []
    if let value = block["audits"] {
      for entry in value.list() { audits.append(AuditCall(try entry.call())) }
    }
    upstream.remove(name)
    return Model(
      name: name, kind: kind, description: try block["description"]?.string(), grain: try words("grain"),
      partitionedBy: try words("partitioned_by"), clusteredBy: try words("clustered_by"),
      columns: try block["columns"]?.columns() ?? [], audits: audits, upstream: upstream, query: query, file: file,
      nameRange: nameValue.range)
  }

  private func refuseUnknown() throws(PulsehouseError) {
    let understood: Set<String> = [
      "name", "kind", "dialect", "enabled", "description", "grain", "partitioned_by", "clustered_by", "columns",
      "audits", "depends_on",
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

  private func relationName(_ value: PropertyValue) throws(PulsehouseError) -> RelationName {
    let parts = try value.name()
    guard parts.count == 2 else {
      throw PulsehouseError(
        .user, "expected schema.table, found \"\(value.text)\"", sqlState: "42601", range: value.range)
    }
    return RelationName(parts[0], parts[1])
  }

  private func words(_ property: String) throws(PulsehouseError) -> [String] {
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

  private func kind() throws(PulsehouseError) -> Model.Kind {
    guard let value = block["kind"] else { return .view }
    let call = try value.call()
    switch call.name {
    case "full": return .full
    case "view":
      if let materialized = try call.properties().first(where: { $0.name == "materialized" })?.value,
        try materialized.boolean()
      {
        throw PulsehouseError(
          .unsupported, "materialized views are not supported", hint: "Use the kind FULL.", range: materialized.range)
      }
      return .view
    case "external": return .external
    case "seed": return .seed(path: try seedPath(call))
    default:
      throw PulsehouseError(
        .unsupported, "models of the kind \(call.name.uppercased()) are not supported yet",
        hint: "There are FULL, VIEW, SEED and EXTERNAL.", range: call.nameRange)
    }
  }

  private func seedPath(_ call: PropertyCall) throws(PulsehouseError) -> String {
    let properties = try call.properties()
    for property in properties where property.name != "path" && property.name != "batch_size" {
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

  private func query(_ kind: Model.Kind) throws(PulsehouseError) -> ModelQuery? {
    switch kind {
    case .seed, .external:
      if let first = block.body.statements.first {
        throw PulsehouseError(
          .user, "a model of the kind \(kind.name) has no SQL", sqlState: "42601",
          range: shifted(first.range))
      }
      return nil
    case .full, .view: break
    }
    let expanded = try MacroExpander.expand(block.body, variables: [:])
    let statements = StatementSplitter.split(expanded.text)
    guard let only = statements.first else {
      throw PulsehouseError(.user, "the model has no SQL", sqlState: "42601", range: block.range)
    }
    if statements.count > 1 {
      throw PulsehouseError(
        .unsupported, "statements before or after a model's query are not supported natively",
        range: expanded.original(statements[1].range))
    }
    return ModelQuery(expanded: expanded, text: only.text, offset: only.range.lowerBound)
  }

  private func shifted(_ range: Range<Int>) -> Range<Int> {
    range.lowerBound + block.body.offset..<range.upperBound + block.body.offset
  }

  private func tablesRead(_ query: ModelQuery) throws(PulsehouseError) -> Set<RelationName> {
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
