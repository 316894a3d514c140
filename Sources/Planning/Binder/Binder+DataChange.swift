import Bytes
import SQLSyntax
import Vectors

extension Binder {
  // MARK: INSERT

  func insert(_ insert: Insert, _ range: SourceRange) throws -> PlannedStatement {
    let target = try changeTarget(insert.table.name, .insert)
    let table = target.table
    let fields = table.fields.fields
    let isParted = insert.columns.contains { !$0.subscripts.isEmpty }
    if isParted, target.view != nil { throw BinderError.unsupported("a part of a view's column", range) }
    let targets = isParted ? try partTargets(of: insert, table) : try targets(of: insert, target)
    let parts = try targets.enumerated().map { place, index in
      place < insert.columns.count ? try part(insert.columns[place], of: fields[index]) : fields[index]
    }
    let scope = Scope(parent: outerWith.last)
    var plan: LogicalPlan
    var values: [(Expression, SourceRange)] = []
    switch insert.source {
    case .defaultValues: plan = .values([[]], [])
    case .query(var query):
      if let with = insert.with {
        guard query.with == nil else { throw BinderError.unsupported("WITH both before and in INSERT", with.range) }
        query.with = with
      }
      if query.with == nil, query.orderBy.isEmpty, query.limit == nil, query.offset == nil,
        case .values(let rows) = query.body, !rows.givesSets
      {
        plan = try insertedRows(rows, table, targets, parts, insert, scope)
        values = plan.output.map { (.column($0), range) }
      } else {
        if case .values(let rows) = query.body, rows.givesSets { query.body = .select(Select(listing: rows[0])) }
        let bound = try bindQuery(query, parent: outerWith.last, keepsUnknown: true)
        plan = bound.plan
        try checkCount(bound.columns.count, of: insert, targets.count, query.items, query.range)
        for (index, column) in bound.columns.enumerated() where column.type == .unknown {
          plan = try retype(plan, index, to: parts[index].type, query.range)
        }
        for index in targets.prefix(bound.columns.count) where insert.overriding != .user {
          try requireWritable(
            index, table, isInsert: true, overridesSystem: insert.overriding == .system, query.range)
        }
        values = plan.output.map { (.column($0), query.range) }
      }
    }
    var projections: [Projection] = []
    for (index, field) in fields.enumerated() {
      if isParted, let value = try partValue(index, field, insert, targets, parts, values, scope) {
        projections.append(Projection(value, as: column(field.name, for: value)))
        continue
      }
      let value =
        if let source = targets.firstIndex(of: index), source < values.count,
          !(insert.overriding == .user && table.isIdentity(index))
        {
          try assign(values[source].0, to: field, values[source].1)
        } else {
          try expression(of: table.defaults[index], field)
        }
      projections.append(Projection(value, as: column(field.name, for: value)))
    }
    plan = try withGenerated(.project(projections, plan), table, from: 0)
    if let conflict = insert.onConflict {
      if target.view != nil { throw BinderError.unsupported("ON CONFLICT of a view", conflict.range) }
      return .merge(try resolve(conflict, insert, table, plan, range))
    }
    let own = relation(of: insert.table, target, new: plan.output)
    let returning = try bindReturning(insert.returning, own, [], &plan, old: target.subqueries)
    return .insert(
      Insertion(
        table: table, plan: try physical(plan, plan.output.map(\.name)), checks: try checks(of: target),
        returning: returning))
  }

  /// The value of a field whose parts an INSERT names, which begins as NULL; nil for another field.
  private func partValue(
    _ index: Int, _ field: Field, _ insert: Insert, _ targets: [Int], _ parts: [Field],
    _ values: [(Expression, SourceRange)], _ scope: Scope
  ) throws -> Expression? {
    let places = targets.indices.filter { targets[$0] == index && !insert.columns[$0].subscripts.isEmpty }
    if places.isEmpty { return nil }
    let stage = Stage(scope, "INSERT")
    var result = Expression.null(field.type)
    for place in places where place < values.count {
      let (value, range) = values[place]
      let column = insert.columns[place]
      result = try replacing(
        column, of: result, by: try assign(value, to: parts[place], at: column, range), field, stage)
    }
    guard stage.attachments.isEmpty else {
      throw BinderError.unsupported("this subquery in a subscript", insert.table.name.range)
    }
    return result
  }

  /// A table that a statement changes, as its clauses name it.
  func relation(of named: NamedTable, _ table: TableDescription, _ columns: [Column]) -> ScopeRelation {
    let name = named.alias?.name ?? named.name.name
    return ScopeRelation(
      schema: named.alias == nil ? named.name.schema ?? table.reference.schema : nil, name: name,
      columns: zip(table.fields.fields, columns).map {
        VisibleColumn(name: $0.name, relation: name, expression: .column($1))
      })
  }

  /// Adds the columns of RETURNING to a plan, after its own; returns their fields. `old` are columns that only the rows
  /// before the change have.
  ///
  /// - Throws: 0A000 for a column of a view that is made of those.
  func bindReturning(
    _ items: [SelectItem], _ own: ScopeRelation, _ others: [ScopeRelation], _ plan: inout LogicalPlan,
    old: Set<Column> = []
  ) throws -> [Field] {
    if items.isEmpty { return [] }
    let scope = Scope(parent: nil)
    scope.relations = [own] + others
    scope.visible = scope.relations.flatMap(\.columns)
    let stage = Stage(scope, "RETURNING")
    let kept = plan.output
    let outputs = try bindItems(items, stage)
    if let output = outputs.first(where: { $0.expression.reads(old) })
      ?? (stage.attachments.contains { !$0.plan.freeColumns.isDisjoint(with: old) } ? outputs.first : nil)
    {
      throw BinderError.unsupported("RETURNING a column of a view that a subquery gives", output.range)
    }
    plan = attach(stage.attachments, to: plan)
    var projections = kept.map { Projection($0) }
    var fields: [Field] = []
    for output in outputs {
      var value = output.expression
      if value.type == .unknown { value = try resolveUnknown(value, to: .text, output.range) }
      projections.append(Projection(value, as: column(output.name, for: value)))
      fields.append(Field(output.name, value.type))
    }
    plan = .project(projections, plan)
    return fields
  }

  /// The conditions of a table's CHECK constraints.
  func checks(of table: TableDescription) throws -> RowChecks {
    try checks(table.constraints, table.fields.fields, of: table.reference.name)
  }

  func checks(_ constraints: [TableConstraint], _ fields: [Field], of name: String) throws -> RowChecks {
    var result = RowChecks()
    for constraint in constraints {
      guard case .check(let text) = constraint.kind else { continue }
      if result.columns.isEmpty { result.columns = fields.map { column($0.name, $0.type) } }
      let scope = Scope(parent: nil)
      scope.visible = zip(fields, result.columns).map {
        VisibleColumn(name: $0.name, relation: name, expression: .column($1))
      }
      scope.relations = [ScopeRelation(schema: nil, name: name, columns: scope.visible)]
      let stage = Stage(scope, "check constraints")
      let known = subqueries.count
      let condition = try bindCondition(try PostgresParser.parseExpression(text), stage, "CHECK")
      guard stage.attachments.isEmpty, subqueries.count == known else {
        throw BinderError.user("0A000", "cannot use subquery in check constraint", .unknown)
      }
      result.conditions.append((constraint.name, condition))
    }
    return result
  }

  func targets(_ columns: [(name: String, range: SourceRange)], _ table: TableDescription) throws -> [Int] {
    if columns.isEmpty { return Array(table.fields.fields.indices) }
    var result: [Int] = []
    for column in columns {
      let index = try target(column.name, column.range, table)
      if result.contains(index) {
        throw BinderError.user("42701", "column \"\(column.name)\" specified more than once", column.range)
      }
      result.append(index)
    }
    return result
  }

  func target(_ name: String, _ range: SourceRange, _ table: TableDescription) throws -> Int {
    if let index = table.fields.index(of: name) { return index }
    throw BinderError.user(
      "42703", "column \"\(name)\" of relation \"\(table.reference.name)\" does not exist", range,
      hint: Spelling.nearest(to: name, among: table.fields.fields.map(\.name)).map {
        "Perhaps you meant the column \"\($0)\"."
      })
  }

  /// Holds the number of values against that of the columns; where columns are named, each needs one.
  ///
  /// `values`: the expressions as written, as far as they are one for each value.
  private func checkCount(
    _ given: Int, of insert: Insert, _ targets: Int, _ values: [Syntax.Expression], _ range: SourceRange
  ) throws {
    if given > targets {
      let first = values.count == given ? values[targets].range : range
      throw BinderError.user("42601", "INSERT has more expressions than target columns", first)
    }
    guard given < insert.columns.count else { return }
    var hint: String?
    if values.count == 1, case .row(let items, _) = values[0].node, items.count == targets {
      hint =
        "The insertion source is a row expression containing the same number of columns expected by the INSERT. "
        + "Did you accidentally use extra parentheses?"
    }
    throw BinderError.user(
      "42601", "INSERT has more target columns than expressions", insert.columns[given].range, hint: hint)
  }

  /// VALUES of an INSERT: each value takes its column's type, and DEFAULT may stand for one.
  private func insertedRows(
    _ rows: [[Syntax.Expression]], _ table: TableDescription, _ targets: [Int], _ parts: [Field], _ insert: Insert,
    _ scope: Scope
  ) throws -> LogicalPlan {
    let overriding = insert.overriding
    let stage = Stage(scope, "VALUES")
    let width = rows.first?.count ?? 0
    var bound: [[Expression]] = []
    for row in rows {
      guard row.count == width else {
        throw BinderError.user("42601", "VALUES lists must all be the same length", row.first?.range ?? .unknown)
      }
      try checkCount(row.count, of: insert, targets.count, row, .unknown)
      var values: [Expression] = []
      for (index, syntax) in row.enumerated() {
        let field = parts[index]
        if case .defaultValue = syntax.node {
          if index < insert.columns.count { try requireWhole(insert.columns[index], syntax.range) }
          values.append(try expression(of: table.defaults[targets[index]], field))
        } else {
          if overriding != .user || !table.isIdentity(targets[index]) {
            try requireWritable(
              targets[index], table, isInsert: true, overridesSystem: overriding == .system, syntax.range)
          }
          let value = try bind(syntax, stage)
          if index < insert.columns.count, !insert.columns[index].subscripts.isEmpty {
            values.append(try assign(value, to: field, at: insert.columns[index], syntax.range))
          } else {
            values.append(try assign(value, to: field, syntax.range))
          }
        }
      }
      bound.append(values)
    }
    guard stage.attachments.isEmpty else { throw BinderError.unsupported("this subquery in VALUES", .unknown) }
    let columns = (0..<width).map { index in
      column(
        parts[index].name, parts[index].type,
        isNullable: bound.contains { $0[index].isNullable })
    }
    return .values(bound, columns)
  }

  // MARK: DELETE and UPDATE

  /// The rows of a table to be changed, with their identifiers first.
  func target(
    _ named: NamedTable, _ table: TableDescription, _ scope: Scope
  ) -> (LogicalPlan, identifier: Column, fields: [Column]) {
    let target = rows(of: table)
    scope.relations = [relation(of: named, table, target.fields)]
    scope.visible = scope.relations[0].columns
    return target
  }

  /// The rows of a table, with their identifiers first.
  func rows(of table: TableDescription) -> (LogicalPlan, identifier: Column, fields: [Column]) {
    let identifier = column("row_identifier", .bigint, isNullable: false)
    let fields = table.fields.fields.map { column($0.name, $0.type, isNullable: $0.isNullable) }
    let scan = LogicalScan(
      table: table, columns: [identifier] + fields, sources: [.rowIdentifier] + fields.indices.map { .field($0) })
    return (.scan(scan), identifier, fields)
  }

  private func join(_ plan: LogicalPlan, with tables: [Syntax.TableReference], _ scope: Scope) throws -> LogicalPlan {
    if tables.isEmpty { return plan }
    let other = Scope(parent: scope.parent)
    let right = try bindFrom(tables, other)
    for relation in other.relations where scope.relations.contains(where: { $0.name == relation.name }) {
      throw BinderError.user("42712", "table name \"\(relation.name)\" specified more than once", .unknown)
    }
    scope.relations += other.relations
    scope.visible += other.visible
    return .join(LogicalJoin(.inner), plan, right)
  }

  func delete(_ delete: Delete, _ range: SourceRange) throws -> Deletion {
    let target = try changeTarget(delete.table.name, .delete)
    let (table, identifier) = (target.table, target.identifier)
    let outer = Scope(parent: outerWith.last)
    if let with = delete.with { try bindCommonTables(with, outer) }
    let scope = Scope(parent: outer)
    scope.relations = [relation(of: delete.table, target)]
    scope.visible = scope.relations[0].columns
    var plan = try join(target.plan, with: delete.using, scope)
    if let predicate = delete.predicate { plan = try filter(plan, [predicate], Stage(scope, "WHERE")) }
    let (followed, keys) = try followedColumns(target)
    if delete.returning.isEmpty {
      plan = .project(([identifier] + keys).map { Projection($0) }, plan)
      if !delete.using.isEmpty { plan = try distinct(plan, range) }
    } else if !delete.using.isEmpty {
      // Several matches: one of them counts.
      plan = .distinctOn([.column(identifier)], .sort([SortKey(.column(identifier))], plan))
    }
    let own = scope.relations[0]
    let others = Array(scope.relations.dropFirst())
    let rest = plan
    let returning = try bindReturning(delete.returning, own, others, &plan)
    if !returning.isEmpty {
      let shown = Array(plan.output.dropFirst(rest.output.count))
      plan = .project(([identifier] + shown + keys).map { Projection($0) }, plan)
    }
    inlineCommonTables(outer, &plan)
    return Deletion(
      table: table, plan: try physical(plan, plan.output.map(\.name)), returning: returning, followed: followed)
  }

  /// The columns that rows of other tables follow, by name and as they are before the change.
  private func followedColumns(_ target: ChangeTarget) throws -> ([String], [Column]) {
    let names = try planner.schema.followedColumns(of: target.table.reference)
    let fields = target.table.fields
    return (names, names.compactMap { name in fields.index(of: name).map { target.fields[$0] } })
  }

  func update(_ update: Update, _ range: SourceRange) throws -> RowUpdate {
    let target = try changeTarget(update.table.name, .update)
    let (table, identifier, fields) = (target.table, target.identifier, target.fields)
    let outer = Scope(parent: outerWith.last)
    if let with = update.with { try bindCommonTables(with, outer) }
    let scope = Scope(parent: outer)
    scope.relations = [relation(of: update.table, target)]
    scope.visible = scope.relations[0].columns
    var plan = try join(target.plan, with: update.from, scope)
    if let predicate = update.predicate { plan = try filter(plan, [predicate], Stage(scope, "WHERE")) }

    let stage = Stage(scope, "UPDATE")
    let values = try bindAssignments(update.assignments, table, fields, stage, ofView: target.view != nil) { column in
      try self.target(column.name, column.range, target, .update)
    }
    plan = attach(stage.attachments, to: plan)
    let new = zip(values, table.fields.fields).map { Projection($0, as: column($1.name, for: $0)) }
    // What RETURNING may name of the other tables goes along.
    let others = Array(scope.relations.dropFirst())
    var passed: Set<Column> = []
    if !update.returning.isEmpty {
      for column in others.flatMap(\.columns) { column.expression.collectColumns(into: &passed) }
    }
    let (followed, keys) = try followedColumns(target)
    passed.formUnion(keys)
    let rest = plan.output.filter(passed.contains)
    plan = .project([Projection(identifier)] + new + rest.map { Projection($0) }, plan)
    plan = try withGenerated(plan, table, from: 1)
    if !update.from.isEmpty {
      // Several matches: one of them counts.
      plan = .distinctOn([.column(identifier)], .sort([SortKey(.column(identifier))], plan))
    }
    let own = relation(of: update.table, target, new: Array(plan.output[1...new.count]))
    let count = plan.output.count
    let returning = try bindReturning(update.returning, own, others, &plan, old: target.subqueries)
    if !returning.isEmpty || !keys.isEmpty {
      let output = plan.output
      plan = .project((output.prefix(1 + new.count) + output.dropFirst(count) + keys).map { Projection($0) }, plan)
    }
    inlineCommonTables(outer, &plan)
    return RowUpdate(
      table: table, plan: try physical(plan, plan.output.map(\.name)), checks: try checks(of: target),
      returning: returning, followed: followed)
  }

  /// The value of every field of a row after SET; `fields` are its columns before, `field` what a name stands for. A
  /// view's columns have no defaults of their own: DEFAULT is NULL there.
  func bindAssignments(
    _ assignments: [Assignment], _ table: TableDescription, _ fields: [Column], _ stage: Stage, ofView: Bool = false,
    field: ((AssignmentTarget) throws -> Int)? = nil
  ) throws -> [Expression] {
    var values = fields.map { Expression.column($0) }
    var assigned: Set<Int> = []
    var parted: Set<Int> = []
    func place(of column: AssignmentTarget) throws -> Int {
      let index = try field?(column) ?? target(column.name, column.range, table)
      let isPart = !column.subscripts.isEmpty
      if isPart, parted.contains(index) { return index }
      if isPart { parted.insert(index) }
      guard assigned.insert(index).inserted else {
        throw BinderError.user("42601", "multiple assignments to same column \"\(column.name)\"", column.range)
      }
      return index
    }
    func set(_ column: AssignmentTarget, _ value: Expression, _ range: SourceRange) throws {
      let index = try place(of: column)
      try requireWritable(index, table, isInsert: false, column.range)
      let field = table.fields[index]
      if column.subscripts.isEmpty {
        values[index] = try assign(value, to: field, range)
      } else {
        let value = try assign(value, to: try part(column, of: field), at: column, range)
        values[index] = try replacing(column, of: values[index], by: value, field, stage)
      }
    }
    func set(_ column: AssignmentTarget, _ syntax: Syntax.Expression) throws {
      let index = try place(of: column)
      let field = table.fields[index]
      if case .defaultValue = syntax.node {
        try requireWhole(column, syntax.range)
        if case .generated? = table.defaults[index] {
          values[index] = try expression(of: table.defaults[index], field)
        } else {
          values[index] = ofView ? .null(field.type) : try expression(of: table.defaults[index], field)
        }
      } else {
        try requireWritable(index, table, isInsert: false, column.range)
        let value = try bind(syntax, stage)
        if column.subscripts.isEmpty {
          values[index] = try assign(value, to: field, syntax.range)
        } else {
          let part = try assign(value, to: try part(column, of: field), at: column, syntax.range)
          values[index] = try replacing(column, of: values[index], by: part, field, stage)
        }
      }
    }
    for assignment in assignments {
      switch assignment {
      case .single(let column, let syntax): try set(column, syntax)
      case .multiple(let columns, let source):
        if case .scalarSubquery(let query) = source.node {
          let found = try bindRowSubquery(query, count: columns.count, stage, source.range) { _ in
            "number of columns does not match number of values"
          }
          for (column, value) in zip(columns, found) { try set(column, value, source.range) }
          continue
        }
        guard case .row(let items, _) = source.node else {
          throw BinderError.unsupported("assigning several columns from this", source.range)
        }
        guard items.count == columns.count else {
          throw BinderError.user("42601", "number of columns does not match number of values", source.range)
        }
        for (column, item) in zip(columns, items) { try set(column, item) }
      }
    }
    return values
  }

  // MARK: COPY

  func copy(_ copy: Copy, _ range: SourceRange) throws -> PlannedStatement {
    if case .program = copy.place { throw BinderError.unsupported("COPY with PROGRAM", range) }
    switch copy.subject {
    case .query(let node):
      guard case .query(let query) = node else { throw BinderError.unsupported("COPY of this statement", range) }
      let bound = try bindQuery(query, parent: nil)
      return .copyTo(
        CopyTo(plan: try physical(bound.plan, bound.names), place: copy.place, options: copy.options))
    case .table(let name, let columns):
      if copy.isFrom {
        if let predicate = copy.predicate { throw BinderError.unsupported("COPY FROM with WHERE", predicate.range) }
        let table = try refuseMaterialized(try table(name, "copy to"), name.range)
        var targets = try self.targets(columns.map { ($0, name.range) }, table)
        // Without a list of columns a file has all but the generated ones.
        if columns.isEmpty { targets.removeAll { table.isGenerated($0) } }
        for index in targets where table.isGenerated(index) {
          throw BinderError.user(
            "42P10", "column \"\(table.fields[index].name)\" is a generated column", name.range,
            detail: "Generated columns cannot be used in COPY.")
        }
        let own = table.fields.fields.map { column($0.name, $0.type) }
        var defaults: [Int: Scalar] = [:]
        var computed: [(field: Int, value: Expression)] = []
        for (index, field) in table.fields.fields.enumerated() where !targets.contains(index) {
          let value = table.defaults[index]
          guard value != nil || field.domain != nil, !table.isGenerated(index) else { continue }
          let bound = try expression(of: value, field)
          if bound.isFixed {
            defaults[index] = try evaluate(bound, name.range)
          } else {
            computed.append((index, bound))
          }
        }
        for index in targets where table.fields[index].secondDigits != nil && table.fields[index].domain == nil {
          computed.append((index, rounded(.column(own[index]), toSecondDigits: table.fields[index].secondDigits)))
        }
        for index in targets where table.fields[index].domain != nil {
          let field = table.fields[index]
          let value = rounded(.column(own[index]), toSecondDigits: field.secondDigits)
          computed.append((index, try checked(value, for: field, name.range)))
        }
        for (index, field) in table.fields.fields.enumerated() {
          guard case .generated(let sql)? = table.defaults[index] else { continue }
          computed.append(
            (
              index,
              try generationExpression(sql, of: field, table.fields.fields, own, table.defaults, table.reference.name)
            ))
        }
        guard subqueries.isEmpty else { throw BinderError.unsupported("COPY with a DEFAULT of this kind", name.range) }
        return .copyFrom(
          CopyFrom(
            table: table, targets: targets, defaults: defaults, computed: computed, columns: own,
            checks: try checks(of: table), place: copy.place,
            options: copy.options))
      }
      let table = try table(name, "copy from")
      let source = scan(table)
      let targets = try targets(columns.map { ($0, name.range) }, table)
      let plan = LogicalPlan.project(targets.map { Projection(source.output[$0]) }, source)
      return .copyTo(
        CopyTo(
          plan: try physical(plan, targets.map { table.fields[$0].name }), place: copy.place, options: copy.options))
    }
  }
}

extension Query {
  /// The expressions that a plain SELECT gives, a star being one.
  fileprivate var items: [Syntax.Expression] {
    if case .select(let select) = body { select.items.map(\.value) } else { [] }
  }
}
