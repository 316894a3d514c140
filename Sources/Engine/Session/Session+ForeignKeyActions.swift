import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// What a statement's changes of keys ask of the rows that refer to them.
final class ReferenceActions {
  /// Keys of one table that went, or became others.
  struct Change {
    var table: TableName
    /// Their columns, by name and type.
    var columns: [Field]
    var old: [Batch]
    /// Nil where they went.
    var new: [Batch]?
  }

  private(set) var open: [Change] = []
  /// New segments of tables, whose references are still to be looked at.
  var added: [TableName: [SegmentDescriptor]] = [:]
  /// Tables that lost rows.
  var removed: Set<TableName> = []

  func follow(_ state: TableState, _ names: [String], from old: [Batch], to new: [Batch]?) {
    let fields = state.definition.schema
    let columns = names.compactMap { name in fields.index(of: name).map { fields[$0] } }
    if !columns.isEmpty { open.append(Change(table: state.name, columns: columns, old: old, new: new)) }
  }

  func next() -> Change? { open.isEmpty ? nil : open.removeFirst() }
}

/// Foreign keys ON DELETE and ON UPDATE CASCADE, SET NULL and SET DEFAULT: the rows follow within the same transaction,
/// table by table, by statements of their own; when none is left to follow, all foreign keys are held.
extension Session {
  /// Runs a statement's change of rows, and lets those follow that refer to the table's `columns`.
  func following<Result>(
    _ columns: [String], _ transaction: Transaction, _ work: StatementWork, _ change: (StatementWork) throws -> Result
  ) throws -> Result {
    if columns.isEmpty { return try change(work) }
    let actions = ReferenceActions()
    var inner = work
    inner.references = actions
    let result = try change(inner)
    while let change = actions.next() {
      try work.cancellation.check()
      for (child, _, key) in try transaction.snapshot.foreignKeys(to: change.table) {
        guard let action = change.new == nil ? key.onDelete : key.onUpdate else { continue }
        try follow(change, child, key, action, transaction, inner)
      }
    }
    for (name, segments) in actions.added.sorted(by: { $0.key.description < $1.key.description }) {
      guard let state = transaction.snapshot.table(name) else { continue }
      try requireReferences(of: name, state.definition, among: segments, transaction, work)
    }
    for name in actions.removed.sorted(by: { $0.description < $1.description }) {
      try requireReferenced(name, transaction, work, haveFollowed: true)
    }
    return result
  }

  /// Changes or removes the rows of `child` that refer to keys which changed.
  private func follow(
    _ change: ReferenceActions.Change, _ child: TableName, _ key: ForeignKeyRule, _ action: ForeignKeyRule.Action,
    _ transaction: Transaction, _ work: StatementWork
  ) throws {
    let scope = PlanningScope(transaction.snapshot, in: warehouse, searchPath: searchPath)
    let hasNew = change.new != nil
    let fields =
      change.columns.map { Field("old \($0.name)", $0.type) }
      + (hasNew ? change.columns.map { Field("new \($0.name)", $0.type) } : [])
    let changed = try scope.pendingTable(ChangedKeys.name, fields)
    let batches = change.old.indices.map { index in
      Batch(
        change.old[index].columns + (change.new.map { $0[index].columns } ?? []), rowCount: change.old[index].rowCount)
    }
    try scope.provide(batches, for: changed.reference)
    let statement = sql(child, key, action, isUpdate: hasNew)
    let context = EvaluationContext(now: work.now, zone: settings.zone)
    let planner = Planner(
      schema: ChangedKeys(scope: scope, rows: changed),
      evaluateConstant: { try ConstantEvaluator.value(of: $0, context) })
    var inner = work
    inner.scope = scope
    inner.parameters = []
    switch try planner.plan(try PostgresParser.parseOne(statement)) {
    case .delete(let deletion):
      let state = try scope.state(of: deletion.table.reference)
      _ = try remove(deletion, from: state, ReturnedRows([]), transaction, inner)
    case .update(let update):
      let state = try scope.state(of: update.table.reference)
      _ = try self.change(update, of: state, ReturnedRows([]), transaction, inner)
    default: throw PulsehouseError(.internal, "rows follow a foreign key by no change of rows")
    }
  }

  private func sql(
    _ child: TableName, _ key: ForeignKeyRule, _ action: ForeignKeyRule.Action, isUpdate: Bool
  ) -> String {
    func changed(_ prefix: String, _ name: String) -> String { "changed.\(SQLPrinter.quoted("\(prefix) \(name)"))" }
    let pairs = zip(key.columns, key.referencedColumns)
    var conditions = pairs.map { "child.\(SQLPrinter.quoted($0)) = \(changed("old", $1))" }
    if isUpdate {
      let differ = key.referencedColumns.map { "\(changed("old", $0)) IS DISTINCT FROM \(changed("new", $0))" }
      conditions.append("(\(differ.joined(separator: " OR ")))")
    }
    let filter = conditions.joined(separator: " AND ")
    let rows = "\(SQLPrinter.quoted(ChangedKeys.name)) AS changed"
    if action == .cascade, !isUpdate { return "DELETE FROM \(child.sql) AS child USING \(rows) WHERE \(filter)" }
    let values = pairs.map { own, referenced in
      switch action {
      case .cascade: "\(SQLPrinter.quoted(own)) = \(changed("new", referenced))"
      case .setNull: "\(SQLPrinter.quoted(own)) = NULL"
      case .setDefault: "\(SQLPrinter.quoted(own)) = DEFAULT"
      }
    }
    return "UPDATE \(child.sql) AS child SET \(values.joined(separator: ", ")) FROM \(rows) WHERE \(filter)"
  }
}

/// The names of a transaction's state, and one for the keys that changed.
private struct ChangedKeys: SchemaProvider {
  static let name = "keys that changed"

  let scope: PlanningScope
  let rows: TableDescription

  func relation(schema: String?, name: String) throws -> Relation? {
    schema == nil && name == ChangedKeys.name ? .table(rows) : try scope.relation(schema: schema, name: name)
  }

  func relationNames() -> [(schema: String, name: String)] { scope.relationNames() }

  func followedColumns(of table: Planning.TableReference) throws -> [String] { try scope.followedColumns(of: table) }

  func setting(_ name: String) -> String? { scope.setting(name) }

  func pendingTable(_ name: String, _ fields: [Field]) throws -> TableDescription {
    try scope.pendingTable(name, fields)
  }
}
