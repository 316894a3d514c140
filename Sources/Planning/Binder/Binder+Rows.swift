import SQLSyntax
import Vectors

/// Row values: `(a, b)`, `ROW(...)`, a table's name as the row it stands for.
///
/// A row is a call of `makeRow` whose arguments are a name and a value for each field. It is taken apart wherever that
/// tells what is meant (comparisons, order, JSON, fields); elsewhere it is PostgreSQL's text of it.
extension Binder {
  struct RowField {
    var name: String
    var value: Expression
  }

  func bindRow(_ items: [Syntax.Expression], _ stage: Stage) throws -> Expression {
    var fields: [RowField] = []
    for item in items {
      if case .star(let path) = item.node {
        for column in try expandStar(path, stage, item.range) {
          fields.append(RowField(name: "f\(fields.count + 1)", value: column.expression))
        }
      } else {
        fields.append(RowField(name: "f\(fields.count + 1)", value: try bind(item, stage)))
      }
    }
    return makeRow(fields)
  }

  /// The row that a table's name stands for where no column is called so; nil for other paths.
  func bindWholeRow(_ path: [String], _ stage: Stage, _ range: SourceRange) throws -> Expression? {
    guard let (relation, isOuter) = stage.scope.wholeRow(path) else { return nil }
    return row(of: relation, isOuter: isOuter, stage, range)
  }

  /// `t.*` where a value is wanted.
  func bindRow(of path: [String], _ stage: Stage, _ range: SourceRange) throws -> Expression {
    var scope: Scope? = stage.scope
    while let current = scope {
      if let relation = current.relation(path[...]) {
        return row(of: relation, isOuter: current !== stage.scope, stage, range)
      }
      scope = current.parent
    }
    // It says what is missing.
    _ = try expandStar(path, stage, range)
    throw BinderError.user("42601", "row expansion via \"*\" is not supported here", range)
  }

  private func row(of relation: ScopeRelation, isOuter: Bool, _ stage: Stage, _ range: SourceRange) -> Expression {
    for column in relation.columns {
      let reference = Stage.Reference(expression: column.expression, name: column.displayName, range: range)
      if isOuter {
        outerReferences.append(reference)
      } else if !stage.isAggregateArgument {
        stage.references.append(reference)
      }
    }
    if relation.isScalar, let column = relation.columns.first { return column.expression }
    let row = makeRow(relation.columns.map { RowField(name: $0.name, value: $0.expression) })
    guard let presence = relation.presence else { return row }
    // Where an outer join found no row there is none, not one of NULLs.
    return .branch([Branch(when: .isNull(presence), then: .null(row.type))], otherwise: row, row.type)
  }

  func makeRow(_ fields: [RowField]) -> Expression {
    let isComparable = fields.allSatisfy { $0.value.type.equalityIsOfText }
    return .call(
      .makeRow, fields.flatMap { [.constant(.text($0.name), .text), $0.value] }, .record(isComparable: isComparable))
  }

  /// The row with fields whose texts are alike where they are equal, for counting what is distinct; the row itself where
  /// a field has no such form.
  func withoutSpelling(_ row: Expression) -> Expression {
    guard row.isRow, row.type == .record(isComparable: false), let fields = row.rowFields else { return row }
    var arguments: [Expression] = []
    for field in fields {
      let value: Expression
      switch field.value.type {
      case .numeric: value = .call(.trimScale, [field.value], .numeric(precision: nil, scale: nil))
      // What is added makes of -0 a 0.
      case .real: value = .call(.add, [field.value, .constant(.real(0), .real)], .real)
      case .double: value = .call(.add, [field.value, .constant(.double(0), .double)], .double)
      case .char: value = .cast(field.value, .text)
      case .record(isComparable: false):
        value = withoutSpelling(field.value)
        if value.type == .record(isComparable: false) { return row }
      case let type:
        if !type.equalityIsOfText { return row }
        value = field.value
      }
      arguments += [.constant(.text(field.name), .text), value]
    }
    return .call(.makeRow, arguments, .record(isComparable: true))
  }

  /// `left IS DISTINCT FROM right`.
  func makeDistinct(
    _ left: Expression, _ right: Expression, _ range: SourceRange, leftRange: SourceRange, rightRange: SourceRange
  ) throws -> Expression {
    if left.type.isRecord || right.type.isRecord, let a = left.rowFields, let b = right.rowFields {
      guard a.count == b.count else {
        throw BinderError.user("42601", "unequal number of entries in row expressions", range)
      }
      return .disjunction(
        try zip(a, b).map {
          try makeDistinct($0.value, $1.value, range, leftRange: leftRange, rightRange: rightRange)
        })
    }
    // A row that is written out is a value, whatever its fields are.
    if left.isRow, right.isNullConstant { return .trueConstant }
    if right.isRow, left.isNullConstant { return .trueConstant }
    let (a, b) = try unify(left, right, "=", range, leftRange: leftRange, rightRange: rightRange)
    return .isDistinct(a, b)
  }

  /// `value IS [NOT] NULL`: a row is NULL when all of it is, and not NULL when nothing of it is; neither is the other's
  /// opposite.
  func makeNullTest(_ value: Expression, isNegated: Bool, _ range: SourceRange) throws -> Expression {
    if let fields = value.rowFields {
      let tests = fields.map { field -> Expression in
        // A row within a row is a value.
        if field.value.type.isRecord { return isNegated ? .trueConstant : .falseConstant }
        return isNegated ? .not(.isNull(field.value)) : .isNull(field.value)
      }
      return .conjunction(tests)
    }
    if value.type.isRecord { throw BinderError.unsupported("IS NULL of a row that a subquery gives", range) }
    return isNegated ? .not(.isNull(value)) : .isNull(value)
  }

  /// The values of `(SELECT a, b ...)`, which gives one row at most: a column for each.
  func bindRowSubquery(
    _ query: Query, count: Int?, _ stage: Stage, _ range: SourceRange, _ mismatch: (Int) -> String
  ) throws -> [Expression] {
    let bound = try bindSubquery(query, stage)
    if let count, bound.columns.count != count {
      throw BinderError.user("42601", mismatch(bound.columns.count), range)
    }
    let outputs = bound.columns.map { column($0.name, $0.type) }
    let plan = LogicalPlan.project(zip(bound.columns, outputs).map { Projection(.column($0), as: $1) }, bound.plan)
    guard let first = outputs.first else { throw BinderError.user("42601", "subquery has too few columns", range) }
    stage.attachments.append(Attachment(kind: .single, plan: plan, conditions: [], output: first))
    return outputs.map { .column($0) }
  }

  /// The parts of a sort item or a key that is a row: a row is ordered by its fields in turn.
  func rowParts(_ syntax: Syntax.Expression, _ scope: Scope) -> [Syntax.Expression]? {
    switch syntax.node {
    case .row(let items, _) where !items.isEmpty: return items
    case .star(let path) where !path.isEmpty:
      return scope.relation(path[...])?.columns.map {
        Syntax.Expression(.column(path + [$0.name]), syntax.range)
      }
    case .column(let path):
      return scope.wholeRow(path)?.relation.columns.map {
        Syntax.Expression(.column(path + [$0.name]), syntax.range)
      }
    default: return nil
    }
  }

  /// The same sort order with rows as their fields.
  func flattened(_ items: [SortItem], _ scope: Scope) -> [SortItem] {
    items.flatMap { item -> [SortItem] in
      guard let parts = rowParts(item.value, scope) else { return [item] }
      let fields = parts.map { part in
        var field = item
        field.value = part
        field.nulls = nil
        return field
      }
      return flattened(fields, scope)
    }
  }

  func flattened(_ keys: [Syntax.Expression], _ scope: Scope) -> [Syntax.Expression] {
    keys.flatMap { key in rowParts(key, scope).map { flattened($0, scope) } ?? [key] }
  }

  /// `(row).name`.
  func bindField(_ base: Syntax.Expression, _ name: String, _ stage: Stage, _ range: SourceRange) throws -> Expression {
    let value = try bind(base, stage)
    guard let fields = value.rowFields else {
      if value.type.isRecord { throw BinderError.unsupported("a field of a row that a subquery gives", range) }
      throw BinderError.user(
        "42809", "column notation .\(name) applied to type \(TypeKind(value.type).name), which is not a composite type",
        range)
    }
    guard let field = fields.first(where: { $0.name == name }) else {
      throw BinderError.user("42703", "could not identify column \"\(name)\" in record data type", range)
    }
    return field.value
  }

  /// A value as JSON has it: rows become objects.
  func asJSON(_ value: Expression, _ type: LogicalType, _ range: SourceRange) throws -> Expression {
    if value.type.element?.isRecord == true { return try arrayAsJSON(value, type, range) }
    guard value.type.isRecord else { return value }
    guard let fields = value.rowFields else {
      throw BinderError.unsupported("a row that a subquery gives as JSON", range)
    }
    if case .branch(let branches, .some(let row), _) = value {
      let absent = branches.map { Branch(when: $0.condition, then: .null(type)) }
      return .branch(absent, otherwise: try asJSON(row, type, range), type)
    }
    var arguments: [Expression] = []
    for field in fields {
      let own = field.value.type == .unknown ? try resolveUnknown(field.value, to: .text, range) : field.value
      arguments += [.constant(.text(field.name), .text), try asJSON(own, type, range)]
    }
    return .call(type == .jsonb ? .jsonBuildObject : .jsonRow, arguments, type)
  }
}

extension Binder {
  /// An array of rows as one of JSON.
  private func arrayAsJSON(_ value: Expression, _ type: LogicalType, _ range: SourceRange) throws -> Expression {
    switch value {
    case .call(.makeArray, let elements, _):
      return .call(.makeArray, try elements.map { try asJSON($0, type, range) }, .array(type))
    case .column(let column):
      guard let (call, collector) = arraysOfRows[column] else { break }
      var made = call
      made.arguments = try made.arguments.map { try asJSON($0, type, range) }
      made.output = Column(id: 0, name: column.name, type: .array(type))
      return collect(made, column.name, collector)
    default: break
    }
    throw BinderError.unsupported("an array of rows that a subquery gives as JSON", range)
  }
}

extension Expression {
  /// True for a row that is written out, or stands for one of a table.
  var isRow: Bool {
    if case .call(.makeRow, _, _) = self { return true }
    return false
  }

  /// The fields of a row that is written out, or stands for a table's, NULL where an outer join found none; nil for
  /// anything else.
  var rowFields: [Binder.RowField]? {
    if case .branch(let branches, .some(let row), _) = self, branches.count == 1, branches[0].result.isNullConstant {
      return row.rowFields
    }
    guard case .call(.makeRow, let arguments, _) = self else { return nil }
    return stride(from: 0, to: arguments.count - 1, by: 2).map { index in
      guard case .constant(.text(let name), _) = arguments[index] else {
        return Binder.RowField(name: "", value: arguments[index + 1])
      }
      return Binder.RowField(name: name, value: arguments[index + 1])
    }
  }
}

extension Expression {
  /// The values of a row's fields, those of rows within it as well; nil for anything else.
  var leaves: [Expression]? {
    rowFields.map { fields in fields.flatMap { $0.value.leaves ?? [$0.value] } }
  }
}

extension LogicalType {
  var isRecord: Bool {
    if case .record = self { return true }
    return false
  }

  /// True where two values are equal if and only if they are shown alike.
  var equalityIsOfText: Bool {
    switch self {
    case .boolean, .smallint, .integer, .bigint, .text, .varchar, .bytea, .date, .time, .timestamp, .timestamptz, .uuid,
      .unknown, .record(isComparable: true):
      true
    default: false
    }
  }
}
