import Bytes
import SQLSyntax
import Vectors

/// Assignment to parts of a column: `a[i] = v`, `a[l:u] = v`, `j['k'] = v`.
extension Binder {
  /// What is assigned to when a column is named with subscripts: a field of the column's name and the part's type.
  ///
  /// - Throws: 42804 for a type without subscripts; `.unsupported` for several dimensions.
  func part(_ target: AssignmentTarget, of field: Field) throws -> Field {
    guard let first = target.subscripts.first else { return field }
    switch field.type {
    case .array(let element):
      if target.subscripts.count > 1 {
        throw BinderError.unsupported("an array of several dimensions", target.range)
      }
      if case .slice = first { return Field(field.name, field.type) }
      return Field(field.name, element)
    case .jsonb: return Field(field.name, .jsonb)
    default:
      throw BinderError.user(
        "42804", "cannot subscript type \(field.type.messageName) because it does not support subscripting",
        target.range)
    }
  }

  /// Casts a value to the type of the part that it is assigned to.
  func assign(_ value: Expression, to part: Field, at target: AssignmentTarget, _ range: SourceRange) throws
    -> Expression
  {
    let from = value.type
    if from != .unknown, from != part.type, !TypeKind(from).casts(to: TypeKind(part.type), .assignment) {
      throw BinderError.user(
        "42804",
        "subscripted assignment to \"\(target.name)\" requires type \(part.type.messageName) but expression is of type "
          + from.messageName,
        range, hint: "You will need to rewrite or cast the expression.")
    }
    return try assign(value, to: part, range)
  }

  /// The whole column with another part: `whole` is what it was before, `value` of the part's type.
  func replacing(
    _ target: AssignmentTarget, of whole: Expression, by value: Expression, _ field: Field, _ stage: Stage
  ) throws -> Expression {
    let result: Expression
    if field.type == .jsonb {
      result = try replacingJSON(target, of: whole, by: value, stage)
    } else {
      func place(_ syntax: Syntax.Expression?) throws -> Expression {
        guard let syntax else { return .constant(.integer(0), .integer) }
        let index = try bind(syntax, stage)
        guard index.type == .unknown || TypeKind(index.type).casts(to: .int4, .assignment) else {
          throw BinderError.user("42804", "array subscript must have type integer", syntax.range)
        }
        return try explicitCast(index, to: .integer, syntax.range)
      }
      switch target.subscripts.first {
      case .slice(let lower, let upper)?:
        result = .call(
          .assignSlice,
          [
            whole, .constant(.boolean(lower != nil), .boolean), try place(lower),
            .constant(.boolean(upper != nil), .boolean), try place(upper), value,
          ], field.type)
      case .index(let index)?: result = .call(.assignElement, [whole, try place(index), value], field.type)
      case nil: result = value
      }
    }
    return try checked(result, for: field, target.range)
  }

  private func replacingJSON(
    _ target: AssignmentTarget, of whole: Expression, by value: Expression, _ stage: Stage
  ) throws -> Expression {
    var beginsWithArray = false
    let steps = try target.subscripts.enumerated().map { number, step -> Expression in
      guard case .index(let syntax) = step else {
        throw BinderError.user("42804", "jsonb subscript does not support slices", target.range)
      }
      let index = try bind(syntax, stage)
      guard index.type == .unknown || index.type.isText || index.type.isInteger else {
        throw BinderError.user(
          "42804", "subscript type \(index.type.messageName) is not supported", syntax.range,
          hint: "jsonb subscript must be coercible to either integer or text.")
      }
      if number == 0 { beginsWithArray = index.type.isInteger }
      return try explicitCast(index, to: .text, syntax.range)
    }
    return .call(
      .assignJSON,
      [
        whole, .call(.makeArray, steps, .array(.text)), .constant(.boolean(beginsWithArray), .boolean), value,
      ], .jsonb)
  }

  /// The positions of the columns that an INSERT names, some of them with subscripts: these may come several times.
  func partTargets(of insert: Insert, _ table: TableDescription) throws -> [Int] {
    var whole: Set<Int> = []
    var parted: Set<Int> = []
    return try insert.columns.map { column in
      let index = try target(column.name, column.range, table)
      let isWhole = column.subscripts.isEmpty
      if whole.contains(index) || (isWhole && parted.contains(index)) {
        throw BinderError.user("42701", "column \"\(column.name)\" specified more than once", column.range)
      }
      if isWhole { whole.insert(index) } else { parted.insert(index) }
      return index
    }
  }

  /// Refuses DEFAULT for a part of a column.
  func requireWhole(_ target: AssignmentTarget, _ range: SourceRange) throws {
    if target.subscripts.isEmpty { return }
    throw BinderError.user("0A000", "cannot set an array element to DEFAULT", range)
  }
}
