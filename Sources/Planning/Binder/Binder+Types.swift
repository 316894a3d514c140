import Bytes
import SQLSyntax
import Vectors

extension Binder {
  /// Returns the type a name stands for.
  ///
  /// - Throws: 42704 for an unknown name; `.unsupported` for arrays and for modifiers we do not keep.
  func type(_ name: TypeName) throws -> LogicalType {
    if !name.arrayBounds.isEmpty {
      if name.arrayBounds.count > 1 { throw BinderError.unsupported("an array of several dimensions", name.range) }
      var element = name
      element.arrayBounds = []
      if try secondDigits(element) != nil {
        throw BinderError.unsupported("an array of times with a precision of seconds", name.range)
      }
      if try domain(element) != nil { throw BinderError.unsupported("an array of a domain", name.range) }
      return .array(try type(element))
    }
    if name.isSetOf || name.isReference { throw BinderError.unsupported("this form of type", name.range) }
    if let own = try userType(name) {
      if let modifier = name.modifiers.first {
        throw BinderError.user("42601", "type modifier is not allowed for type \"\(name.baseName)\"", modifier.range)
      }
      switch own.kind {
      case .domain(let rule): return rule.type
      case .enumeration: if let type = own.enumeration { return .enumeration(type) }
      }
    }
    if name.names.count > 1, name.names.first != "pg_catalog" { throw unknownType(name) }
    let modifiers = try name.modifiers.map { modifier -> Int in
      if case .literal(.integer(let value)) = modifier.node { return Int(value) }
      throw BinderError.user("22023", "type modifiers must be simple constants or identifiers", modifier.range)
    }
    func plain(_ type: LogicalType) throws -> LogicalType {
      if modifiers.isEmpty { return type }
      throw BinderError.user("42601", "type modifier is not allowed for type \"\(name.baseName)\"", name.range)
    }
    func precise(_ type: LogicalType) throws -> LogicalType {
      if modifiers.isEmpty { return type }
      guard modifiers.count == 1, modifiers[0] >= 0 else {
        throw BinderError.user(
          "22023", "\(name.baseName.uppercased())(\(modifiers[0])) precision must not be negative", name.range)
      }
      return type
    }
    switch name.baseName {
    case "bool", "boolean": return try plain(.boolean)
    case "int2", "smallint": return try plain(.smallint)
    case "int4", "int", "integer": return try plain(.integer)
    case "int8", "bigint": return try plain(.bigint)
    case "float4", "real": return try plain(.real)
    case "float8": return try plain(.double)
    case "numeric", "decimal":
      guard let precision = modifiers.first else { return .numeric(precision: nil, scale: nil) }
      let scale = modifiers.count > 1 ? modifiers[1] : 0
      guard (1...1000).contains(precision) else {
        throw BinderError.user("22023", "NUMERIC precision \(precision) must be between 1 and 1000", name.range)
      }
      guard precision <= Numeric.maximumDigits else {
        throw BinderError.unsupported("numeric with more than \(Numeric.maximumDigits) digits", name.range)
      }
      guard (-1000...1000).contains(scale), modifiers.count <= 2 else {
        throw BinderError.user("22023", "NUMERIC scale \(scale) must be between -1000 and 1000", name.range)
      }
      guard (0...Numeric.maximumDigits).contains(scale) else {
        throw BinderError.unsupported("numeric with a scale outside 0 to \(Numeric.maximumDigits)", name.range)
      }
      return .numeric(precision: precision, scale: scale)
    case "text": return try plain(.text)
    case "varchar": return .varchar(length: try length(modifiers, "varchar", name.range))
    case "bpchar":
      guard let length = try length(modifiers, "char", name.range) else { return .text }
      return .char(length: length)
    // What only catalogs have: a number of an object, a name, a letter.
    case "oid": return try plain(.bigint)
    case "name": return try plain(.text)
    case "char": return try plain(.text)
    case "bytea": return try plain(.bytea)
    case "date": return try plain(.date)
    case "time": return try precise(.time)
    case "timestamp": return try precise(.timestamp)
    case "timestamptz": return try precise(.timestamptz)
    case "interval":
      if let fields = try intervalFields(name), !fields.isAnyOfSeconds {
        throw BinderError.unsupported("a column of some fields of intervals", name.range)
      }
      return .interval
    case "uuid": return try plain(.uuid)
    case "json": return try plain(.json)
    case "jsonb": return try plain(.jsonb)
    case "timetz", "money", "xml", "inet", "cidr", "macaddr", "bit", "varbit", "point", "box",
      "regclass", "regtype", "tsvector", "tsquery",
      "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange":
      throw BinderError.unsupported("the type \(name.baseName)", name.range)
    default: throw unknownType(name)
    }
  }

  private func length(_ modifiers: [Int], _ name: String, _ range: SourceRange) throws -> Int? {
    guard let length = modifiers.first else { return nil }
    if length < 1 { throw BinderError.user("22023", "length for type \(name) must be at least 1", range) }
    if length > 10_485_760 { throw BinderError.user("22023", "length for type \(name) cannot exceed 10485760", range) }
    return length
  }

  private func unknownType(_ name: TypeName) -> PulsehouseError {
    let known = [
      "boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric", "text", "varchar", "date",
      "time", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb", "bytea",
    ]
    return BinderError.user(
      "42704", "type \"\(name.names.joined(separator: "."))\" does not exist", name.range,
      hint: Spelling.nearest(to: name.baseName, among: known).map { "Perhaps you meant the type \"\($0)\"." })
  }

  /// Casts as an operator or function call does by itself. The caller knows that the types allow it.
  func coerce(_ expression: Expression, to type: LogicalType, _ range: SourceRange) throws -> Expression {
    let from = expression.type
    if from == type { return expression }
    if from == .unknown { return try resolveUnknown(expression, to: type, range) }
    if from.isNumeric, case .numeric(nil, _) = type { return expression }
    return .cast(expression, type)
  }

  func coerce(_ expression: Expression, toKind kind: TypeKind, _ range: SourceRange) throws -> Expression {
    let from = expression.type
    if kind == .any {
      try requireKnown(expression, range)
      return from == .unknown ? try coerce(expression, to: .text, range) : expression
    }
    // A value of the right kind keeps its length or precision.
    if TypeKind(from) == kind, from != .unknown, kind != .varchar || from == .varchar(length: nil) {
      return expression
    }
    if kind == .text, case .char = from { return .cast(expression, .text) }
    return try coerce(expression, to: kind.type, range)
  }

  /// Refuses a parameter where a value of any type may stand, so that nothing says which type it has.
  ///
  /// - Throws: 42P18.
  func requireKnown(_ expression: Expression, _ range: SourceRange) throws {
    guard case .parameter(let index, .unknown) = expression, (parameterTypes[index] ?? .unknown) == .unknown else {
      return
    }
    throw BinderError.user("42P18", "could not determine data type of parameter $\(index)", range)
  }

  /// Gives a literal or parameter of unknown type the type that its surroundings ask for.
  func resolveUnknown(_ expression: Expression, to type: LogicalType, _ range: SourceRange) throws -> Expression {
    switch expression {
    case .constant(.null, _): return .constant(.null, type)
    case .constant(let value, _):
      if type == .text || type == .varchar(length: nil) { return .constant(value, type) }
      if type == .unknown { return expression }
      return .constant(try evaluate(.cast(.constant(value, .text), type), range), type)
    case .parameter(let index, _):
      if type == .unknown { return expression }
      if let known = parameterTypes[index], known != .unknown {
        return try explicitCast(.parameter(index, known), to: type, range)
      }
      parameterTypes[index] = type
      return .parameter(index, type)
    default: return .cast(expression, type)
    }
  }

  /// Casts as `CAST` does.
  ///
  /// - Throws: 42846 when there is no such cast.
  func explicitCast(_ expression: Expression, to type: LogicalType, _ range: SourceRange) throws -> Expression {
    if type.isInteger, let identifier = expression.objectIdentifier {
      return try explicitCast(identifier, to: type, range)
    }
    let from = expression.type
    if from == .unknown { return try resolveUnknown(expression, to: type, range) }
    if from == type { return expression }
    if case .array(let own) = from, case .array(let wanted) = type {
      guard TypeKind(own).casts(to: TypeKind(wanted), .explicit) else {
        throw BinderError.user("42846", "cannot cast type \(from.name) to \(type.name)", range)
      }
      return .cast(expression, type)
    }
    guard TypeKind(from).casts(to: TypeKind(type), .explicit), !from.isOtherEnumeration(than: type) else {
      throw BinderError.user(
        "42846", "cannot cast type \(from.messageName) to \(type.messageName)", range)
    }
    if from.isNumeric, case .numeric(nil, _) = type { return expression }
    return .cast(expression, type)
  }

  /// Casts a value to the type of the column it is stored in; what is too long is refused, not cut.
  ///
  /// - Throws: 42804 when there is no assignment cast.
  func assign(
    _ expression: Expression, to field: Field, _ range: SourceRange
  ) throws -> Expression {
    if field.domain != nil {
      var plain = field
      plain.domain = nil
      let from = expression.type
      if from != .unknown, from != field.type, !TypeKind(from).casts(to: TypeKind(field.type), .assignment) {
        throw BinderError.user(
          "42804",
          "column \"\(field.name)\" is of type \(try typeName(of: field)) but expression is of type "
            + TypeKind(from).name,
          range, hint: "You will need to rewrite or cast the expression.")
      }
      return try checked(try assign(expression, to: plain, range), for: field, range)
    }
    if let digits = field.secondDigits {
      var plain = field
      plain.secondDigits = nil
      return rounded(try assign(expression, to: plain, range), toSecondDigits: digits)
    }
    let from = expression.type
    if from == field.type { return expression }
    if from != .unknown,
      !TypeKind(from).casts(to: TypeKind(field.type), .assignment) || from.isOtherEnumeration(than: field.type)
    {
      throw BinderError.user(
        "42804",
        "column \"\(field.name)\" is of type \(field.type.messageName) but expression is of type "
          + from.messageName,
        range, hint: "You will need to rewrite or cast the expression.")
    }
    let limit: Int
    switch field.type {
    case .varchar(let length?), .char(let length): limit = length
    default:
      return from == .unknown ? try resolveUnknown(expression, to: field.type, range) : .cast(expression, field.type)
    }
    let text = try explicitCast(expression, to: .text, range)
    let trimmed = Expression.call(.trimRight, [text], .text)
    let refusal = Expression.call(
      .raise,
      [.constant(.text("value too long for type \(field.type.name)"), .text), .constant(.text("22001"), .text)],
      field.type)
    return .branch(
      [
        Branch(
          when: .compare(.greater, .call(.length, [trimmed], .integer), .constant(.integer(Int64(limit)), .integer)),
          then: refusal)
      ],
      otherwise: .cast(text, field.type), field.type)
  }

  /// Returns the type that PostgreSQL gives to UNION, CASE, COALESCE and the like; unknown ones alone give text.
  ///
  /// - Throws: 42804 when the types have none in common; `construct` names the form.
  func commonType(_ types: [(LogicalType, SourceRange)], _ construct: String) throws -> LogicalType {
    let known = types.filter { $0.0 != .unknown }
    guard let first = known.first else { return .text }
    if known.allSatisfy({ $0.0 == first.0 }) { return first.0 }
    if let array = try commonArrayType(known, construct) { return array }
    var kind = TypeKind(first.0)
    for (type, range) in known.dropFirst() {
      let other = TypeKind(type)
      if other == kind { continue }
      guard other.category == kind.category else {
        throw BinderError.user(
          "42804",
          "\(construct) types \(kind == .enumeration ? first.0.messageName : kind.name) and \(type.messageName) "
            + "cannot be matched", range)
      }
      if !kind.isPreferred, kind.casts(to: other), !other.casts(to: kind) { kind = other }
    }
    if kind == .enumeration, let other = known.first(where: { $0.0.isOtherEnumeration(than: first.0) }) {
      throw BinderError.user(
        "42846", "\(construct) could not convert type \(other.0.messageName) to \(first.0.messageName)", other.1)
    }
    if kind == .enumeration { return first.0 }
    for (type, range) in known where !TypeKind(type).casts(to: kind) {
      throw BinderError.user(
        "42846", "\(construct) could not convert type \(TypeKind(type).name) to \(kind.name)", range)
    }
    // Without a length in common it is PostgreSQL's bpchar, which in text has no blanks at its end.
    if kind == .bpchar, !known.allSatisfy({ TypeKind($0.0) == .bpchar }) { return .text }
    if kind == .bpchar {
      let lengths = known.compactMap { pair -> Int? in
        if case .char(let length) = pair.0 { return length }
        return nil
      }
      return .char(length: lengths.max() ?? 1)
    }
    return kind.type
  }

  /// The common type of arrays: that of their elements.
  private func commonArrayType(_ types: [(LogicalType, SourceRange)], _ construct: String) throws -> LogicalType? {
    var elements: [(LogicalType, SourceRange)] = []
    for (type, range) in types {
      guard case .array(let element) = type else { return nil }
      elements.append((element, range))
    }
    return .array(try commonType(elements, construct))
  }

  /// The common type of operands that are compared with each other, in one kind each.
  func comparisonType(_ left: LogicalType, _ right: LogicalType) -> LogicalType? {
    switch (TypeKind(left), TypeKind(right)) {
    case (.unknown, .unknown): return .text
    case (.unknown, let kind), (let kind, .unknown):
      if kind == .json { return nil }
      if kind == .varchar { return .text }
      return left == .unknown ? right : left
    case (.json, _), (_, .json): return nil
    case (.array, .array):
      guard case .array(let a) = left, case .array(let b) = right, let element = comparisonType(a, b) else {
        return nil
      }
      return .array(element)
    case (.enumeration, .enumeration): return left.isOtherEnumeration(than: right) ? nil : left
    case (let a, let b) where a == b:
      if a == .varchar { return left == right ? left : .text }
      if a == .bpchar { return left == right ? left : .text }
      return a.type
    case (let a, let b) where a.isNumber && b.isNumber: return arithmeticType(a, b).type
    case (let a, let b) where a.isString && b.isString: return .text
    case (.date, .timestamp), (.timestamp, .date): return .timestamp
    case (.timestamptz, .date), (.timestamptz, .timestamp), (.date, .timestamptz), (.timestamp, .timestamptz):
      return .timestamptz
    case (.time, .interval), (.interval, .time): return .interval
    default: return nil
    }
  }

  /// The type in which numbers of two kinds are added or compared.
  func arithmeticType(_ left: TypeKind, _ right: TypeKind) -> TypeKind {
    if left == right { return left }
    if left == .float8 || right == .float8 || left == .float4 || right == .float4 { return .float8 }
    return left.rawValue > right.rawValue ? left : right
  }

  /// Returns both sides in one type, under a comparison named `symbol`.
  func unify(
    _ left: Expression, _ right: Expression, _ symbol: String, _ range: SourceRange,
    leftRange: SourceRange, rightRange: SourceRange
  ) throws -> (Expression, Expression) {
    // What was cast to regclass is a number beside numbers.
    if let identifier = left.objectIdentifier, right.type.isNumber || right.objectIdentifier != nil {
      return try unify(
        identifier, right.objectIdentifier ?? right, symbol, range, leftRange: leftRange, rightRange: rightRange)
    }
    if let identifier = right.objectIdentifier, left.type.isNumber {
      return try unify(left, identifier, symbol, range, leftRange: leftRange, rightRange: rightRange)
    }
    guard let type = comparisonType(left.type, right.type) else {
      throw BinderError.noOperator(symbol, left.type, right.type, range)
    }
    func side(_ side: Expression, _ range: SourceRange) throws -> Expression {
      if case .char = type, side.type == .unknown, case .constant(.text(let text), _) = side {
        // Blanks at the end do not count, and a longer literal is not cut.
        return .constant(.text(text), type)
      }
      return try coerce(side, to: type, range)
    }
    return (try side(left, leftRange), try side(right, rightRange))
  }
}

extension LogicalType {
  /// True where one is an enumerated type and the other is another type than it.
  func isOtherEnumeration(than other: LogicalType) -> Bool {
    guard case .enumeration(let own) = self, case .enumeration(let wanted) = other else { return false }
    return own.identifier != wanted.identifier
  }

  /// The name without modifiers, for messages.
  var messageName: String {
    if case .enumeration(let type) = self { SQLPrinter.quoted(type.name) } else { TypeKind(self).name }
  }
}
