/// One expression of a statement, with the place it stands at.
///
/// Names are folded to lower case unless they were quoted, as PostgreSQL folds them. Nothing is resolved: a column is
/// a path of names, a function a name, a type a name.
package struct Expression: Hashable, Sendable {
  package var node: ExpressionNode
  package var range: SourceRange

  package init(_ node: ExpressionNode, _ range: SourceRange) {
    self.node = node
    self.range = range
  }
}

/// What an expression is.
package indirect enum ExpressionNode: Hashable, Sendable {
  /// `a`, `t.a`, `s.t.a`: at least one name.
  case column([String])
  /// `*` (no names) or `t.*`, `s.t.*`.
  case star([String])
  /// `$1`, counted from 1.
  case parameter(Int)
  case literal(Literal)
  /// `CAST(x AS t)`, `x::t`, `t 'text'`: PostgreSQL's parser makes one form of the three.
  case cast(Expression, TypeName)
  case collate(Expression, [String])
  /// `(a, b)` or, explicitly, `ROW(a, b)`.
  case row([Expression], isExplicit: Bool)
  case array([Expression])
  /// `base[1]`, `base[1:2]`, one per bracket.
  case subscripted(Expression, [ArraySubscript])
  /// `(base).field`.
  case field(Expression, String)
  /// `(base).*`.
  case allFields(Expression)

  case and([Expression])
  case or([Expression])
  case not(Expression)
  case unary(OperatorName, Expression)
  case binary(OperatorName, Expression, Expression)
  case isNull(Expression, isNegated: Bool)
  case isTruth(Expression, TruthValue, isNegated: Bool)
  /// `a IS [NOT] DISTINCT FROM b`; negated is `IS NOT DISTINCT FROM`.
  case isDistinct(Expression, Expression, isNegated: Bool)
  case between(Between)
  case pattern(PatternMatch)
  case inList(Expression, [Expression], isNegated: Bool)
  /// `a = ANY (array)`, `a < ALL (array)`.
  case quantifiedArray(Expression, OperatorName, Quantifier, Expression)

  case scalarSubquery(Query)
  case exists(Query)
  /// `a IN (SELECT ...)`; `NOT IN` comes as `.not` of this, as PostgreSQL reads it.
  case inSubquery(Expression, Query)
  /// `a > ANY (SELECT ...)`.
  case quantifiedSubquery(Expression, OperatorName, Quantifier, Query)
  /// `ARRAY(SELECT ...)`.
  case arraySubquery(Query)

  case conditional(CaseExpression)
  case coalesce([Expression])
  case nullIf(Expression, Expression)
  case greatest([Expression])
  case least([Expression])
  case call(FunctionCall)
  /// `CURRENT_DATE` and its kin, which need no parentheses.
  case currentValue(CurrentValue)
  /// `GROUPING(a, b)`.
  case grouping([Expression])
  /// `DEFAULT` as a value of INSERT or UPDATE.
  case defaultValue
}

/// A constant as written.
package enum Literal: Hashable, Sendable {
  case null
  case boolean(Bool)
  /// A whole number that fits 64 bits; it is an `integer` where it fits 32 bits, else a `bigint`.
  case integer(Int64)
  /// Any other number, in the digits written: `1.50`, `1e10`, `99999999999999999999`.
  case numeric(String)
  /// A string of no type yet (PostgreSQL's `unknown`).
  case string(String)
  /// `B'0101'`, the digits.
  case bits(String)
  /// `X'1F'`, the digits.
  case hexadecimal(String)
}

/// An operator: `+`, or `OPERATOR(schema.+)`.
package struct OperatorName: Hashable, Sendable {
  package var schema: String?
  package var symbol: String

  package init(_ symbol: String, schema: String? = nil) {
    self.symbol = symbol
    self.schema = schema
  }
}

package enum TruthValue: String, Hashable, Sendable {
  case `true`
  case `false`
  case unknown
}

package enum Quantifier: String, Hashable, Sendable {
  /// `ANY` and `SOME`.
  case any
  case all
}

/// `value [NOT] BETWEEN [SYMMETRIC] low AND high`.
package struct Between: Hashable, Sendable {
  package var value: Expression
  package var low: Expression
  package var high: Expression
  package var isSymmetric: Bool
  package var isNegated: Bool
}

/// `value [NOT] LIKE | ILIKE | SIMILAR TO pattern [ESCAPE escape]`.
package struct PatternMatch: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case like
    case ilike
    case similar
  }
  package var kind: Kind
  package var value: Expression
  package var pattern: Expression
  package var escape: Expression?
  package var isNegated: Bool
}

/// One pair of brackets after an expression.
package enum ArraySubscript: Hashable, Sendable {
  case index(Expression)
  case slice(Expression?, Expression?)
}

/// `CASE [operand] WHEN condition THEN result ... [ELSE otherwise] END`.
package struct CaseExpression: Hashable, Sendable {
  package struct Branch: Hashable, Sendable {
    package var condition: Expression
    package var result: Expression
    package var range: SourceRange
  }
  package var operand: Expression?
  package var branches: [Branch]
  package var otherwise: Expression?
}

/// A call of a function, aggregate or window function.
///
/// Special syntax arrives under PostgreSQL's own function names with `usesSQLSyntax` set: `EXTRACT(year FROM x)` is
/// `pg_catalog.extract('year', x)`, `x AT TIME ZONE z` is `pg_catalog.timezone(z, x)`, `TRIM`, `SUBSTRING`,
/// `POSITION`, `OVERLAY`, `NORMALIZE`, `OVERLAPS` likewise.
package struct FunctionCall: Hashable, Sendable {
  package struct Argument: Hashable, Sendable {
    /// The name of `name => value`, nil for an argument by position.
    package var name: String?
    package var value: Expression
  }
  /// The name, after its schema if one was written.
  package var name: [String]
  package var arguments: [Argument]
  /// `count(*)`.
  package var isStar: Bool
  package var isDistinct: Bool
  /// The last argument stands after `VARIADIC`.
  package var isVariadic: Bool
  /// `ORDER BY` within the parentheses, or that of `WITHIN GROUP`.
  package var orderBy: [SortItem]
  package var isWithinGroup: Bool
  package var filter: Expression?
  package var over: WindowReference?
  package var usesSQLSyntax: Bool

  /// Returns the last part of the name.
  package var baseName: String { name.last ?? "" }
}

/// A function of the clock or the session that is written without parentheses.
package struct CurrentValue: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    case currentDate = "current_date"
    case currentTime = "current_time"
    case currentTimestamp = "current_timestamp"
    case localTime = "localtime"
    case localTimestamp = "localtimestamp"
    case currentRole = "current_role"
    case currentUser = "current_user"
    case user
    case sessionUser = "session_user"
    case currentCatalog = "current_catalog"
    case currentSchema = "current_schema"
  }
  package var kind: Kind
  /// Digits of the second of the timed kinds, nil if none were written.
  package var precision: Int?
}

/// A type as written, or as PostgreSQL's grammar spells it: `int` arrives as `pg_catalog.int4`, `double precision` as
/// `pg_catalog.float8`, `timestamp with time zone` as `pg_catalog.timestamptz`, `char` as `pg_catalog.bpchar`.
package struct TypeName: Hashable, Sendable {
  package var names: [String]
  /// `(10, 2)`; for intervals PostgreSQL's field mask first, then the precision.
  package var modifiers: [Expression]
  /// One per `[]`, the size if one was written.
  package var arrayBounds: [Int?]
  package var isSetOf: Bool
  /// `table.column%TYPE`.
  package var isReference: Bool
  package var range: SourceRange

  /// Returns the last part of the name.
  package var baseName: String { names.last ?? "" }
}
