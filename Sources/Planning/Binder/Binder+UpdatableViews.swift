import Bytes
import SQLSyntax
import Vectors

/// What a statement changes: a table, as it is or as a view shows it.
struct ChangeTarget {
  var table: TableDescription
  var identifier: Column
  /// The table's columns.
  var fields: [Column]
  /// The rows that the statement sees: their identifiers, then the fields.
  var plan: LogicalPlan
  /// What the statement's names mean.
  var columns: [(name: String, value: Expression)]
  /// The view that the statement names.
  var view: String?
  /// The columns that subqueries of views' select lists give, of the rows before the change.
  var subqueries: Set<Column> = []
  /// The conditions of views WITH CHECK OPTION, the innermost first.
  var checks: [(view: String, condition: Expression)] = []

  /// Where in the table the column lies that a column of the statement is; nil for one that is computed.
  func field(_ index: Int) -> Int? {
    if case .column(let column) = columns[index].value { fields.firstIndex(of: column) } else { nil }
  }
}

/// INSERT, UPDATE and DELETE of views that show the rows of one table: what the view's names mean is put in their place.
///
/// Source: PostgreSQL 15's rewriteHandler.c, for which views these are and the words about the others.
extension Binder {
  enum Change {
    case insert, update, delete

    fileprivate var phrases: (cannot: String, doing: String, trigger: String) {
      switch self {
      case .insert: ("insert into", "inserting into", "INSERT")
      case .update: ("update", "updating", "UPDATE")
      case .delete: ("delete from", "deleting from", "DELETE")
      }
    }
  }

  /// Finds what a statement changes. `isChecked`: a view above holds this one's conditions too.
  func changeTarget(_ name: QualifiedName, _ change: Change, isChecked: Bool = false) throws -> ChangeTarget {
    switch try relation(name) {
    case .table(let found):
      let table = try refuseMaterialized(found, name.range)
      let (plan, identifier, fields) = rows(of: table)
      return ChangeTarget(
        table: table, identifier: identifier, fields: fields, plan: plan,
        columns: zip(table.fields.fields, fields).map { ($0.name, .column($1)) })
    case .view(let view):
      return try within(view, name.range) { query in
        try changeTarget(of: view, query, change, isChecked: isChecked, name.range)
      }
    }
  }

  private func changeTarget(
    of view: ViewDescription, _ query: Query, _ change: Change, isChecked: Bool, _ range: SourceRange
  ) throws -> ChangeTarget {
    func refused(_ detail: String) -> any Error {
      let phrases = change.phrases
      return BinderError.user(
        "55000", "cannot \(phrases.cannot) view \"\(view.name)\"", range,
        detail: "Views \(detail) are not automatically updatable.",
        hint: "To enable \(phrases.doing) the view, provide an INSTEAD OF \(phrases.trigger) trigger or an "
          + "unconditional ON \(phrases.trigger) DO INSTEAD rule.")
    }
    let shape = query.changeableShape
    guard case .table(let named, let select) = shape else {
      if case .refused(let detail) = shape { throw refused(detail) }
      throw refused("that do not select from a single table or view")
    }
    let isChecked = isChecked || view.checkOption == .cascaded
    var target = try changeTarget(named.name, change, isChecked: isChecked)
    let scope = Scope(parent: nil)
    scope.relations = [relation(of: named, target)]
    scope.visible = scope.relations[0].columns
    let stage = Stage(scope, "SELECT")
    let (aggregates, windows, sets) = (
      AggregateCollector(input: stage), WindowCollector(), ExpansionCollector()
    )
    (stage.aggregates, stage.windows, stage.expansions) = (aggregates, windows, sets)
    var outputs = try bindItems(select.items, stage)
    for (index, name) in (view.columnNames ?? []).enumerated() where index < outputs.count {
      outputs[index].name = name
    }
    if !aggregates.calls.isEmpty { throw refused("that return aggregate functions") }
    if !windows.calls.isEmpty { throw refused("that return window functions") }
    if !sets.calls.isEmpty { throw refused("that return set-returning functions") }
    if let predicate = select.predicate {
      if isChecked || view.checkOption != .none {
        target.checks.append((view.name, try checkCondition(predicate, scope, range)))
      }
      target.plan = try filter(target.plan, [predicate], Stage(scope, "WHERE"))
    }
    target.plan = attach(stage.attachments, to: target.plan)
    target.subqueries.formUnion(stage.attachments.map(\.output))
    target.columns = outputs.map { ($0.name, $0.expression) }
    target.view = view.name
    if change != .delete, !target.columns.indices.contains(where: { target.field($0) != nil }) {
      throw refused("that have no updatable columns")
    }
    return target
  }

  /// - Throws: 0A000 for a view WITH CHECK OPTION whose rows cannot be changed.
  func requireChangeable(_ create: CreateView) throws {
    let view = ViewDescription(
      schema: "", name: create.name.name, query: "", columnNames: create.columns, checkOption: create.checkOption)
    do {
      _ = try changeTarget(of: view, create.query, .insert, isChecked: false, create.name.range)
    } catch let error as PulsehouseError where error.sqlState == "55000" {
      throw BinderError.user(
        "0A000", "WITH CHECK OPTION is supported only on automatically updatable views", create.name.range,
        hint: error.detail)
    }
  }

  private func checkCondition(_ predicate: Syntax.Expression, _ scope: Scope, _ range: SourceRange) throws -> Expression
  {
    let stage = Stage(scope, "WHERE")
    let known = subqueries.count
    let condition = try bindCondition(predicate, stage, "WHERE")
    guard stage.attachments.isEmpty, subqueries.count == known else {
      throw BinderError.unsupported("WITH CHECK OPTION of a view with subqueries", range)
    }
    return condition
  }

  /// What is changed as the statement's clauses name it; `new` are the fields' columns after the change.
  func relation(of named: NamedTable, _ target: ChangeTarget, new: [Column]? = nil) -> ScopeRelation {
    let name = named.alias?.name ?? named.name.name
    let map = new.map { new in
      Dictionary(zip(target.fields, new.map { Expression.column($0) }), uniquingKeysWith: { first, _ in first })
    }
    var names = target.columns.map(\.name)
    for (index, name) in (named.alias?.columns ?? []).enumerated() where index < names.count { names[index] = name }
    return ScopeRelation(
      schema: named.alias == nil ? named.name.schema ?? target.table.reference.schema : nil, name: name,
      columns: zip(names, target.columns).map { shown, column in
        VisibleColumn(
          name: shown, relation: name, expression: map.map { column.value.substituting($0) } ?? column.value)
      })
  }

  /// The field that a column of a view is.
  ///
  /// - Throws: 42703 for a name it does not have, 0A000 for a column that is computed.
  func target(_ name: String, _ range: SourceRange, _ target: ChangeTarget, _ change: Change) throws -> Int {
    guard let view = target.view else { return try self.target(name, range, target.table) }
    guard let index = target.columns.firstIndex(where: { $0.name == name }) else {
      throw BinderError.user("42703", "column \"\(name)\" of relation \"\(view)\" does not exist", range)
    }
    return try target.writableField(index, change, range)
  }

  /// The fields that an INSERT gives; `count` is how many values it has for a view whose columns it does not name.
  func targets(of insert: Insert, _ target: ChangeTarget) throws -> [Int] {
    let named = insert.columns.map { ($0.name, $0.range) }
    guard let view = target.view else { return try targets(named, target.table) }
    var result: [Int] = []
    if named.isEmpty {
      let count = insert.source.width ?? target.columns.count
      result = try target.columns.indices.prefix(count).map {
        try target.writableField($0, .insert, insert.table.name.range)
      }
    }
    var seen: Set<String> = []
    for (name, range) in named {
      guard seen.insert(name).inserted else {
        throw BinderError.user("42701", "column \"\(name)\" specified more than once", range)
      }
      result.append(try self.target(name, range, target, .insert))
    }
    for (place, index) in result.enumerated() where result.firstIndex(of: index) != place {
      throw BinderError.user(
        "42601", "multiple assignments to same column \"\(target.table.fields[index].name)\"", insert.table.name.range,
        detail: "This is about the columns of view \"\(view)\".")
    }
    return result
  }

  /// The conditions that new rows must meet: the table's, and those of views.
  func checks(of target: ChangeTarget) throws -> RowChecks {
    var result = try checks(of: target.table)
    if target.checks.isEmpty { return result }
    if result.columns.isEmpty { result.columns = target.table.fields.fields.map { column($0.name, $0.type) } }
    let map = Dictionary(
      zip(target.fields, result.columns.map { Expression.column($0) }), uniquingKeysWith: { first, _ in first })
    result.views = target.checks.map { ($0.view, $0.condition.substituting(map)) }
    return result
  }
}

extension ChangeTarget {
  fileprivate func writableField(_ index: Int, _ change: Binder.Change, _ range: SourceRange) throws -> Int {
    if let field = field(index) { return field }
    throw BinderError.user(
      "0A000",
      "cannot \(change == .insert ? "insert into" : "update") column \"\(columns[index].name)\" of view "
        + "\"\(view ?? "")\"", range,
      detail: "View columns that are not columns of their base relation are not updatable.")
  }
}

extension Insert.Source {
  /// How many values each row has, where that is to be seen.
  fileprivate var width: Int? {
    switch self {
    case .defaultValues: return 0
    case .query(let query):
      switch query.body {
      case .values(let rows): return rows.first?.count
      case .select(let select):
        let isPlain = select.items.allSatisfy { item in
          switch item.value.node {
          case .star, .allFields: false
          default: true
          }
        }
        return isPlain ? select.items.count : nil
      default: return nil
      }
    }
  }
}

extension Query {
  /// What a view of this query is to those who change its rows.
  package enum ChangeableShape {
    case table(NamedTable, Select)
    /// What of it makes that impossible.
    case refused(String)
  }

  package var changeableShape: ChangeableShape {
    guard case .select(let select) = body else {
      if case .setOperation = body { return .refused("containing UNION, INTERSECT, or EXCEPT") }
      return .refused("that do not select from a single table or view")
    }
    if case .none = select.distinct {} else { return .refused("containing DISTINCT") }
    if !select.groupBy.isEmpty { return .refused("containing GROUP BY") }
    if select.having != nil { return .refused("containing HAVING") }
    if with != nil { return .refused("containing WITH") }
    if limit != nil || offset != nil { return .refused("containing LIMIT or OFFSET") }
    guard select.from.count == 1, case .table(let named) = select.from[0] else {
      return .refused("that do not select from a single table or view")
    }
    if named.sample != nil { return .refused("containing TABLESAMPLE") }
    return .table(named, select)
  }
}
