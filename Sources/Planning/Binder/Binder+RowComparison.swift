import SQLSyntax
import Vectors

/// Comparisons of rows.
extension Binder {
  /// `row op row`; nil unless both sides are rows. Two that are written out (`areConstructors`) are compared field by
  /// field, others as values.
  func makeRowOperator(
    _ op: OperatorName, _ left: Expression, _ right: Expression, _ range: SourceRange, areConstructors: Bool
  ) throws -> Expression? {
    guard left.type.isRecord || right.type.isRecord else { return nil }
    guard let symbol = op.builtIn, left.type.isRecord, right.type.isRecord else {
      if op.symbol == "||" { return nil }
      throw BinderError.noOperator(op.symbol, TypeKind(left.type), TypeKind(right.type), range)
    }
    guard let a = left.rowFields, let b = right.rowFields else {
      // Rows as values are equal where their texts are, NULLs too.
      guard left.type == .record(isComparable: true), right.type == left.type, symbol == "=" || symbol == "<>" else {
        throw BinderError.unsupported("comparing rows that a subquery gives by \(symbol)", range)
      }
      return .compare(symbol == "=" ? .equal : .notEqual, left, right)
    }
    if areConstructors { return try compareRows(op, a.map(\.value), b.map(\.value), range) }
    guard let comparison = ComparisonOperator(symbol: symbol) else {
      throw BinderError.noOperator(op.symbol, TypeKind(left.type), TypeKind(right.type), range)
    }
    let test = try compareRecords(comparison, a.map(\.value), b.map(\.value), range)
    // Where an outer join found no row there is nothing to compare.
    let absent = [left, right].compactMap { row -> Expression? in
      if case .branch(let branches, _, _) = row { branches.first?.condition } else { nil }
    }
    if absent.isEmpty { return test }
    return .branch([Branch(when: .disjunction(absent), then: .null(.boolean))], otherwise: test, .boolean)
  }

  /// Rows as values: NULL equals NULL, and comes behind all else.
  private func compareRecords(
    _ comparison: ComparisonOperator, _ left: [Expression], _ right: [Expression], _ range: SourceRange
  ) throws -> Expression {
    guard left.count == right.count else {
      throw BinderError.user("42804", "cannot compare record types with different numbers of columns", range)
    }
    for (index, (a, b)) in zip(left, right).enumerated() where !a.type.isRecord || !b.type.isRecord {
      let (one, other) = (TypeKind(a.type), TypeKind(b.type))
      guard one != other || one == .array && a.type != b.type else { continue }
      throw BinderError.user(
        "42804",
        "cannot compare dissimilar column types \(one.name) and \(other.name) at record column \(index + 1)", range)
    }
    func isDistinct(_ index: Int) throws -> Expression {
      try makeDistinct(left[index], right[index], range, leftRange: range, rightRange: range)
    }
    /// That the field of one side comes before, or behind, that of the other.
    func isApart(_ index: Int, _ symbol: String) throws -> Expression {
      let (a, b) = (left[index], right[index])
      if let x = a.rowFields, let y = b.rowFields {
        return try compareRecords(symbol == "<" ? .less : .greater, x.map(\.value), y.map(\.value), range)
      }
      let (first, last) = symbol == "<" ? (a, b) : (b, a)
      let test = try makeBinary(OperatorName(symbol), a, b, range, leftRange: range, rightRange: range)
      return .coalesce([test, .and([.isNull(last), .not(.isNull(first))])], .boolean)
    }
    switch comparison {
    case .equal: return .conjunction(try left.indices.map { .not(try isDistinct($0)) })
    case .notEqual: return .disjunction(try left.indices.map(isDistinct))
    default:
      let symbol = comparison == .less || comparison == .lessOrEqual ? "<" : ">"
      let isStrict = comparison == .less || comparison == .greater
      var result: Expression = isStrict ? .falseConstant : .trueConstant
      for index in left.indices.reversed() {
        result = .or([try isApart(index, symbol), .and([.not(try isDistinct(index)), result])])
      }
      return result
    }
  }

  func compareRows(
    _ op: OperatorName, _ left: [Expression], _ right: [Expression], _ range: SourceRange
  ) throws -> Expression {
    guard left.count == right.count else {
      throw BinderError.user("42601", "unequal number of entries in row expressions", range)
    }
    guard !left.isEmpty else { throw BinderError.user("0A000", "cannot compare rows of zero length", range) }
    guard let symbol = op.builtIn, let comparison = ComparisonOperator(symbol: symbol) else {
      for (a, b) in zip(left, right) {
        let type = try makeBinary(op, a, b, range, leftRange: range, rightRange: range).type
        guard type == .boolean else {
          throw BinderError.user(
            "42804", "row comparison operator must yield type boolean, not type \(type)", range)
        }
      }
      throw BinderError.user(
        "0A000", "could not determine interpretation of row comparison operator \(op.symbol)", range)
    }
    func test(_ symbol: String, _ index: Int) throws -> Expression {
      try makeBinary(OperatorName(symbol), left[index], right[index], range, leftRange: range, rightRange: range)
    }
    switch comparison {
    case .equal: return .conjunction(try left.indices.map { try test("=", $0) })
    case .notEqual: return .disjunction(try left.indices.map { try test("<>", $0) })
    default:
      // (a, b) < (c, d) is a < c OR (a = c AND b < d).
      let strict = comparison == .less || comparison == .lessOrEqual ? "<" : ">"
      var result = try test(symbol, left.count - 1)
      for index in left.indices.dropLast().reversed() {
        result = .or([try test(strict, index), .and([try test("=", index), result])])
      }
      return result
    }
  }
}

extension Syntax.Expression {
  /// True for `ROW(...)` and `(a, b)`.
  var isRowConstructor: Bool {
    if case .row = node { true } else { false }
  }
}
