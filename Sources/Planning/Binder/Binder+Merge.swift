import Bytes
import SQLSyntax
import Vectors

/// Statements that decide for each row whether it is added, changed or removed: MERGE and INSERT ... ON CONFLICT.
extension Binder {
  // MARK: ON CONFLICT

  /// Turns the rows of an INSERT, `plan`, into what is to be done about each.
  func resolve(
    _ conflict: OnConflict, _ insert: Insert, _ table: TableDescription, _ plan: LogicalPlan, _ range: SourceRange
  ) throws -> RowMerge {
    if case .columns(_, let predicate?) = conflict.target {
      // It chooses among unique indexes of some rows; those there are hold for all rows and fit any.
      let scope = Scope(parent: nil)
      scope.relations = [relation(of: insert.table, table, scan(table).output)]
      scope.visible = scope.relations[0].columns
      _ = try bindCondition(predicate, Stage(scope, "ON CONFLICT"), "WHERE")
    }
    let keys = try arbiters(conflict.target, table, conflict.range)
    switch conflict.action {
    case .nothing: return try insertNew(insert, table, plan, keys)
    case .update(let assignments, let predicate):
      guard keys.count == 1, let key = keys.first, conflict.target != .any else {
        throw BinderError.user(
          "42601", "ON CONFLICT DO UPDATE requires inference specification or constraint name", conflict.range,
          hint: "For example, ON CONFLICT (column_name).")
      }
      return try insertOrUpdate(insert, table, plan, key, assignments, predicate)
    }
  }

  /// The keys (positions of fields) whose conflicts are meant.
  private func arbiters(
    _ target: OnConflict.Target, _ table: TableDescription, _ range: SourceRange
  ) throws -> [[Int]] {
    func positions(_ names: [String]) throws -> [Int] { try names.map { try self.target($0, range, table) } }
    switch target {
    case .any: return try table.constraints.compactMap { try $0.keyColumns.map { try positions($0.names) } }
    case .constraint(let name):
      guard let constraint = table.constraints.first(where: { $0.name == name }) else {
        throw BinderError.user(
          "42704", "constraint \"\(name)\" for table \"\(table.reference.name)\" does not exist", range)
      }
      guard let key = constraint.keyColumns else {
        throw BinderError.user("42809", "constraint in ON CONFLICT clause has no associated index", range)
      }
      return [try positions(key.names)]
    case .columns(let expressions, _):
      let names = try expressions.map { expression in
        guard case .column(let path) = expression.node, path.count == 1 else {
          throw BinderError.unsupported("ON CONFLICT of an expression", expression.range)
        }
        return path[0]
      }
      let wanted = Set(try positions(names))
      for constraint in table.constraints {
        if let key = constraint.keyColumns, Set(try positions(key.names)) == wanted {
          return [try positions(key.names)]
        }
      }
      throw BinderError.user(
        "42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification", range)
    }
  }

  /// DO NOTHING: rows are new when no row of the table has any of their keys.
  private func insertNew(
    _ insert: Insert, _ table: TableDescription, _ rows: LogicalPlan, _ keys: [[Int]]
  ) throws -> RowMerge {
    let columns = rows.output
    var plan = rows
    var marks: [Expression] = []
    for key in keys {
      let existing = scan(table)
      let mark = column("mark", .boolean, isNullable: false)
      let conditions = key.map { Expression.compare(.equal, .column(columns[$0]), .column(existing.output[$0])) }
      plan = .join(LogicalJoin(.mark(mark, nullAware: false), on: conditions), plan, existing)
      marks.append(.column(mark))
    }
    let action = Expression.branch(
      [Branch(when: .disjunction(marks), then: .bigint(RowMerge.Action.nothing.rawValue))],
      otherwise: .bigint(RowMerge.Action.insert.rawValue), .bigint)
    let head = [
      Projection(action, as: column("action", .bigint)),
      Projection(.null(.bigint), as: column("row_identifier", .bigint)),
    ]
    plan = .project(head + columns.map { Projection($0) }, plan)
    let own = relation(of: insert.table, table, columns)
    let returning = try bindReturning(insert.returning, own, [], &plan)
    return RowMerge(
      table: table, plan: try physical(plan, plan.output.map(\.name)), checks: try checks(of: table),
      returning: returning, proposed: 2, returningStart: 2 + columns.count, keys: keys, repetition: .isLeftOut,
      verb: "INSERT")
  }

  /// DO UPDATE: a row that is there already, by its key, is changed.
  private func insertOrUpdate(
    _ insert: Insert, _ table: TableDescription, _ rows: LogicalPlan, _ key: [Int], _ assignments: [Assignment],
    _ predicate: Syntax.Expression?
  ) throws -> RowMerge {
    let proposed = rows.output
    let scope = Scope(parent: nil)
    let (target, identifier, fields) = target(insert.table, table, scope)
    scope.relations.append(
      ScopeRelation(
        schema: nil, name: "excluded",
        columns: zip(table.fields.fields, proposed).map {
          VisibleColumn(name: $0.name, relation: "excluded", expression: .column($1))
        }))
    // A bare name has two meanings.
    scope.visible = scope.relations.flatMap(\.columns)
    let conditions = key.map { Expression.compare(.equal, .column(proposed[$0]), .column(fields[$0])) }
    var plan = LogicalPlan.join(LogicalJoin(.left, on: conditions), rows, target)
    let stage = Stage(scope, "ON CONFLICT")
    let changed = try bindAssignments(assignments, table, fields, stage)
    let isMeant = try predicate.map { try bindCondition($0, stage, "WHERE") } ?? .trueConstant
    plan = attach(stage.attachments, to: plan)
    let isNew = Expression.isNull(.column(identifier.nullable))
    let action = Expression.branch(
      [
        Branch(when: isNew, then: .bigint(RowMerge.Action.insert.rawValue)),
        Branch(when: isMeant, then: .bigint(RowMerge.Action.update.rawValue)),
      ], otherwise: .bigint(RowMerge.Action.nothing.rawValue), .bigint)
    let actionColumn = column("action", .bigint)
    plan = .project([Projection(action, as: actionColumn)] + plan.output.map { Projection($0) }, plan)
    var projections = [Projection(actionColumn), Projection(identifier.nullable)]
    for (index, field) in table.fields.fields.enumerated() {
      let value = Expression.branch(
        [
          Branch(
            when: .compare(.equal, .column(actionColumn), .bigint(RowMerge.Action.update.rawValue)),
            then: changed[index])
        ], otherwise: .column(proposed[index]), field.type)
      projections.append(Projection(value, as: column(field.name, field.type)))
    }
    projections += proposed.map { Projection(.column($0), as: column($0.name, $0.type)) }
    plan = try withGenerated(.project(projections, plan), table, from: 2)
    let own = relation(of: insert.table, table, Array(plan.output.dropFirst(2)))
    let returning = try bindReturning(insert.returning, own, [], &plan)
    return RowMerge(
      table: table, plan: try physical(plan, plan.output.map(\.name)), checks: try checks(of: table),
      returning: returning, proposed: 2 + fields.count, returningStart: 2 + 2 * fields.count, keys: [key],
      repetition: .isRefused, verb: "INSERT")
  }

  // MARK: MERGE

  func merge(_ merge: Merge, _ range: SourceRange) throws -> RowMerge {
    for isMatched in [true, false] {
      let clauses = merge.clauses.filter { $0.isMatched == isMatched }
      if let last = clauses.firstIndex(where: { $0.condition == nil }), last < clauses.count - 1 {
        throw BinderError.user("42601", "unreachable WHEN clause specified after unconditional WHEN clause", .unknown)
      }
    }
    let table = try refuseMaterialized(try table(merge.table.name, "merge into"), merge.table.name.range)
    let outer = Scope(parent: nil)
    if let with = merge.with { try bindCommonTables(with, outer) }
    let sourceScope = Scope(parent: outer)
    let source = try bindFrom([merge.source], sourceScope)
    let targetScope = Scope(parent: outer)
    let (target, identifier, fields) = target(merge.table, table, targetScope)
    let both = Scope(parent: outer)
    both.relations = targetScope.relations + sourceScope.relations
    both.visible = targetScope.visible + sourceScope.visible
    for relation in sourceScope.relations where relation.name == targetScope.relations[0].name {
      throw BinderError.user("42712", "name \"\(relation.name)\" specified more than once", range)
    }
    let joining = Stage(both, "JOIN conditions")
    let conditions = try merge.condition.conjuncts.flatMap { try bindCondition($0, joining, "MERGE").conjuncts }
    var (left, right) = (source, target)
    attach(joining, &left, &right)
    var plan =
      joining.attachments.isEmpty
      ? .join(LogicalJoin(.left, on: conditions), left, right)
      : OuterJoinByPairs(self).join(.left, left, right, conditions, joining)

    // Which WHEN a row falls under; then what that does.
    let nullable = fields.map(\.nullable)
    let isNew = Expression.isNull(.column(identifier.nullable))
    var clauses: [Branch] = []
    var actions: [Branch] = []
    var values = table.fields.fields.indices.map { _ in [Branch]() }
    let clause = column("clause", .bigint)
    let stage = Stage(both, "WHEN")
    for (index, when) in merge.clauses.enumerated() {
      let own = Stage(when.isMatched ? both : sourceScope, "MERGE WHEN")
      let condition = try when.condition.map { try bindCondition($0, own, "WHEN") }
      let applies = (when.isMatched ? Expression.not(isNew) : isNew)
      clauses.append(
        Branch(when: condition.map { .and([applies, $0]) } ?? applies, then: .bigint(Int64(index))))
      let isThis = Expression.compare(.equal, .column(clause), .bigint(Int64(index)))
      var row: [Expression]?
      let action: RowMerge.Action
      switch when.action {
      case .nothing: action = .nothing
      case .delete: action = .delete
      case .update(let assignments):
        action = .update
        row = try bindAssignments(assignments, table, nullable, own)
      case .insert(let columns, let syntax):
        action = .insert
        row = try mergeRow(columns, syntax, table, own, range)
      }
      stage.attachments += own.attachments
      actions.append(Branch(when: isThis, then: .bigint(action.rawValue)))
      for (field, value) in (row ?? []).enumerated() { values[field].append(Branch(when: isThis, then: value)) }
    }
    plan = attach(stage.attachments, to: plan)
    let chosen = Expression.branch(clauses, otherwise: nil, .bigint)
    plan = .project([Projection(chosen, as: clause)] + plan.output.map { Projection($0) }, plan)
    var projections = [
      Projection(
        .branch(actions, otherwise: .bigint(RowMerge.Action.nothing.rawValue), .bigint),
        as: column("action", .bigint)),
      Projection(identifier.nullable),
    ]
    for (index, field) in table.fields.fields.enumerated() {
      let old = Expression.column(nullable[index])
      let value = values[index].isEmpty ? old : .branch(values[index], otherwise: old, field.type)
      projections.append(Projection(value, as: column(field.name, field.type)))
    }
    plan = try withGenerated(.project(projections, plan), table, from: 2)
    inlineCommonTables(outer, &plan)
    return RowMerge(
      table: table, plan: try physical(plan, plan.output.map(\.name)), checks: try checks(of: table), returning: [],
      proposed: nil, returningStart: 2 + fields.count, keys: [], repetition: .isRefused, verb: "MERGE")
  }

  /// The row that WHEN NOT MATCHED THEN INSERT adds.
  private func mergeRow(
    _ columns: [AssignmentTarget], _ syntax: [Syntax.Expression]?, _ table: TableDescription, _ stage: Stage,
    _ range: SourceRange
  ) throws -> [Expression] {
    let fields = table.fields.fields
    var row = try fields.enumerated().map { index, field in try expression(of: table.defaults[index], field) }
    guard let syntax else { return row }
    if let part = columns.first(where: { !$0.subscripts.isEmpty }) {
      throw BinderError.unsupported("a part of a column in MERGE ... INSERT", part.range)
    }
    let targets = try targets(columns.map { ($0.name, $0.range) }, table)
    if syntax.count > targets.count {
      throw BinderError.user("42601", "INSERT has more expressions than target columns", syntax.last?.range ?? range)
    }
    if syntax.count < targets.count, !columns.isEmpty {
      throw BinderError.user("42601", "INSERT has more target columns than expressions", range)
    }
    for (index, value) in zip(targets, syntax) {
      if case .defaultValue = value.node { continue }
      try requireWritable(index, table, isInsert: true, value.range)
      row[index] = try assign(try bind(value, stage), to: fields[index], value.range)
    }
    return row
  }
}
