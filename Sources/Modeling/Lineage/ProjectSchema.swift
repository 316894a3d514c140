import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// The tables of a project as its files alone say: every model bound to the ones before it, without a row read.
///
/// So a column that is not there is found, with its file and line, before anything runs; and columns can be followed
/// from model to model, where a warehouse would know views no more than by what they stand for.
package struct ProjectSchema: Sendable {
  /// In the order of their dependencies.
  package private(set) var models: [Model] = []
  /// Of every model and every table that models read.
  package private(set) var fields: [RelationName: Schema] = [:]
  /// Of models with a query.
  package private(set) var lineage: [RelationName: QueryLineage] = [:]
  /// Tables that no model makes.
  package private(set) var external: [RelationName] = []

  /// Binds all models. `external` gives the columns of tables that no model makes; nil where there is none.
  ///
  /// - Throws: `.user` with file and line for a table or column that is not there, types that do not fit, models in a
  ///   circle.
  package init(_ project: Project, external columns: (RelationName) throws -> Schema?) throws {
    let graph = try ModelGraph(project)
    models = graph.ordered
    for name in graph.external.sorted() {
      guard let schema = try columns(name) else { continue }
      fields[name] = schema
      external.append(name)
    }
    for model in models {
      switch model.kind {
      case .external: fields[model.name] = try declared(model) ?? columns(model.name)
      case .seed: fields[model.name] = try declared(model)
      default: try bind(model)
      }
    }
  }

  private func declared(_ model: Model) throws -> Schema? {
    guard !model.columns.isEmpty else { return nil }
    var list: [String] = []
    for column in model.columns {
      guard column.path.count == 1, let type = column.typeText else {
        throw model.error(.user, "declared columns are names with types", sqlState: "42601")
      }
      list.append("\(RelationName.quoted(column.path[0])) \(type)")
    }
    let statement = try PostgresParser.parseOne("CREATE TABLE declared (\(list.joined(separator: ", ")))")
    guard case .createTable(let definition) = try planner().plan(statement) else { return nil }
    return Schema(definition.columns.map { $0.field })
  }

  private func planner() -> Planner {
    let context = EvaluationContext(parameters: [], now: 0)
    return Planner(schema: KnownTables(fields: fields)) { try ConstantEvaluator.value(of: $0, context) }
  }

  private mutating func bind(_ model: Model) throws {
    guard let query = model.query else { return }
    do {
      let found = try planner().lineage(of: try PostgresParser.parseOne(query.text))
      lineage[model.name] = found
      var list = found.outputs.map(\.field)
      if case .slowlyChanging(let kind) = model.kind {
        for name in [kind.validFrom, kind.validTo] where !list.contains(where: { $0.name == name }) {
          list.append(Field(name, .timestamp))
        }
      }
      fields[model.name] = Schema(list)
    } catch let error as PulsehouseError {
      throw query.located(error, prefixLength: 0, in: model.file)
    }
  }

  /// Returns the columns of a query over these tables. - Throws: as binding it does, with ranges into `sql`.
  package func outputs(of sql: String) throws -> [Field] {
    try planner().lineage(of: try PostgresParser.parseOne(sql)).outputs.map(\.field)
  }
}

/// Names and columns for the binder, with nothing behind them.
private struct KnownTables: SchemaProvider {
  var fields: [RelationName: Schema]

  func relation(schema: String?, name: String) throws -> Relation? {
    let full = RelationName(schema ?? "public", name)
    guard let schema = fields[full] else { return nil }
    return .table(
      TableDescription(
        reference: TableReference(schema: full.schema, name: full.name, handle: 0), fields: schema, rowCount: 0))
  }

  func relationNames() -> [(schema: String, name: String)] { fields.keys.sorted().map { ($0.schema, $0.name) } }
}
