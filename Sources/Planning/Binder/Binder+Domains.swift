import Bytes
import SQLSyntax
import Vectors

/// Domains: a type with conditions. A value of one is a value of the type below, which was looked at on its way in: by a
/// cast, or when it is stored.
extension Binder {
  /// Names that are PostgreSQL's own; no type of the user's is found by them unless its schema is written.
  private static let builtInTypes: Set<String> = [
    "bool", "boolean", "int2", "smallint", "int4", "int", "integer", "int8", "bigint", "float4", "real", "float8",
    "numeric", "decimal", "text", "varchar", "bpchar", "oid", "name", "char", "bytea", "date", "time", "timestamp",
    "timestamptz", "interval", "uuid", "json", "jsonb", "jsonpath", "regclass", "regtype", "regnamespace",
  ]

  /// The user's own type that a name stands for; nil for PostgreSQL's and for unknown ones. Brackets are not looked at.
  func userType(_ name: TypeName) throws -> UserType? {
    guard !name.isSetOf, !name.isReference, name.names.first != "pg_catalog" else { return nil }
    let schema = name.names.count > 1 ? name.names[name.names.count - 2] : nil
    if schema == nil, Binder.builtInTypes.contains(name.baseName) { return nil }
    return try names.userType(schema: schema, name: name.baseName)
  }

  /// The domain that a type's name stands for; nil for other types.
  func domain(_ name: TypeName) throws -> UserType? {
    guard name.arrayBounds.isEmpty, let type = try userType(name), type.domain != nil else { return nil }
    return type
  }

  /// A type's name as messages show it: with its schema where it would not be found without.
  func shown(_ type: UserType) throws -> String {
    let isVisible = try names.userType(schema: nil, name: type.name)?.identifier == type.identifier
    let name = SQLPrinter.quoted(type.name)
    return isVisible ? name : "\(SQLPrinter.quoted(type.schema)).\(name)"
  }

  /// A column's type as messages name it.
  func typeName(of field: Field) throws -> String {
    if let identifier = field.domain, let domain = try names.userType(identifier: identifier) {
      return try shown(domain)
    }
    return TypeKind(field.type).name
  }

  /// Holds a value of the type below against a domain's conditions, those of the domains below it first.
  ///
  /// - Throws: `.unsupported` for a value that is another one each time it is asked for.
  func checked(_ value: Expression, _ domain: UserType, _ range: SourceRange) throws -> Expression {
    var rules: [DomainRule] = []
    var next: UserType? = domain
    while let current = next?.domain {
      rules.append(current)
      next = try current.parent.flatMap { try names.userType(identifier: $0) }
    }
    let isNullable = rules.allSatisfy(\.isNullable)
    let checks = rules.reversed().flatMap(\.checks)
    if isNullable, checks.isEmpty { return value }
    if value.changesByItself {
      throw BinderError.unsupported("a domain with conditions for a value that changes by itself", range)
    }
    let name = try shown(domain)
    var branches: [Branch] = []
    if !isNullable {
      branches.append(
        Branch(
          when: .isNull(value), then: refusal("domain \(name) does not allow null values", "23502", value.type)))
    }
    for check in checks {
      let words = "value for domain \(name) violates check constraint \"\(check.name)\""
      branches.append(
        Branch(when: .not(try condition(check.condition, value)), then: refusal(words, "23514", value.type)))
    }
    return .branch(branches, otherwise: value, value.type)
  }

  /// As `checked`, for a column; a domain that is gone holds nothing.
  func checked(_ value: Expression, for field: Field, _ range: SourceRange) throws -> Expression {
    guard let identifier = field.domain, let domain = try names.userType(identifier: identifier) else { return value }
    return try checked(value, domain, range)
  }

  private func refusal(_ words: String, _ state: String, _ type: LogicalType) -> Expression {
    .call(.raise, [.constant(.text(words), .text), .constant(.text(state), .text)], type)
  }

  /// A condition in which `VALUE` is `value`.
  private func condition(_ sql: String, _ value: Expression) throws -> Expression {
    let scope = Scope(parent: nil)
    scope.visible = [VisibleColumn(name: "value", relation: nil, expression: value)]
    let stage = Stage(scope, "check constraints")
    let known = subqueries.count
    let condition = try bindCondition(try PostgresParser.parseExpression(sql), stage, "CHECK")
    guard stage.attachments.isEmpty, subqueries.count == known else {
      throw BinderError.user("0A000", "cannot use subquery in check constraint", .unknown)
    }
    return condition
  }

  /// What a column of a domain gets where nothing says what: the domain's default, or NULL, if it allows that.
  func domainDefault(_ field: Field) throws -> Expression {
    guard let identifier = field.domain, let domain = try names.userType(identifier: identifier) else {
      return .null(field.type)
    }
    var plain = field
    plain.domain = nil
    return try checked(try expression(of: domain.domain?.defaultValue, plain), domain, .unknown)
  }

  // MARK: CREATE and ALTER

  func change(_ statement: TypeStatement, _ range: SourceRange) throws -> TypeChange {
    switch statement {
    case .createDomain(let create): return .create(create.name, .domain(try rule(of: create)))
    case .createEnum(let name, let labels): return .create(name, .enumeration(try enumerationLabels(labels, range)))
    case .alter(let alter): return .alter(try alteration(alter))
    }
  }

  private func rule(of create: CreateDomain) throws -> DomainRule {
    if let name = create.collation.last, !["C", "POSIX", "default", "ucs_basic"].contains(name) {
      throw BinderError.unsupported("the collation \"\(name)\"", create.type.range)
    }
    let below = try domain(create.type)
    var rule = DomainRule(
      type: try type(create.type), secondDigits: try secondDigits(create.type), parent: below?.identifier,
      defaultValue: below?.domain?.defaultValue)
    var nullability: Bool?
    var hasDefault = false
    for constraint in create.constraints {
      switch constraint.kind {
      case .null, .notNull:
        let isNullable = constraint.kind == .null
        if let nullability, nullability != isNullable {
          throw BinderError.user("42601", "conflicting NULL/NOT NULL constraints", constraint.range)
        }
        nullability = isNullable
      case .defaultValue(let syntax):
        if hasDefault { throw BinderError.user("42601", "multiple default expressions", constraint.range) }
        hasDefault = true
        rule.defaultValue = try domainDefaultValue(syntax, rule, create.name.name)
      case .check: try add(constraint, to: &rule, create.name.name)
      default: throw impossible(constraint)
      }
    }
    rule.isNullable = nullability ?? true
    return rule
  }

  private func domainDefaultValue(
    _ syntax: Syntax.Expression, _ rule: DomainRule, _ name: String
  ) throws -> ColumnDefault? {
    var field = Field(name, rule.type)
    field.secondDigits = rule.secondDigits
    return try defaultValue(syntax, field)
  }

  private func impossible(_ constraint: Constraint) -> PulsehouseError {
    let words =
      switch constraint.kind {
      case .unique: "unique constraints not possible for domains"
      case .primaryKey: "primary key constraints not possible for domains"
      case .foreignKey: "foreign key constraints not possible for domains"
      case .generated: "specifying GENERATED not supported for domains"
      default: "this constraint is not possible for domains"
      }
    return BinderError.user("42601", words, constraint.range)
  }

  private func add(_ constraint: Constraint, to rule: inout DomainRule, _ domain: String) throws {
    guard case .check(let syntax) = constraint.kind else { throw impossible(constraint) }
    var name = constraint.name ?? "\(domain)_check"
    if constraint.name != nil, rule.checks.contains(where: { $0.name == name }) {
      throw BinderError.user(
        "42710", "constraint \"\(name)\" for domain \"\(domain)\" already exists", constraint.range)
    }
    var number = 0
    while rule.checks.contains(where: { $0.name == name }) {
      number += 1
      name = "\(domain)_check\(number)"
    }
    // A condition over NULL, to find what is wrong with it.
    _ = try condition(syntax.sql, .column(column("value", rule.type)))
    rule.checks.append(DomainRule.Check(name: name, condition: syntax.sql))
    rule.checks.sort { $0.name < $1.name }
  }

  private func alteration(_ alter: AlterType) throws -> TypeAlteration {
    let name = alter.name
    guard var type = try names.userType(schema: name.schema, name: name.name) else {
      throw BinderError.user(
        "42704", "type \"\([name.schema, name.name].compactMap(\.self).joined(separator: "."))\" does not exist",
        name.range)
    }
    if alter.isDomain, type.domain == nil {
      throw BinderError.user("42809", "\"\(name.name)\" is not a domain", name.range)
    }
    var result = TypeAlteration(tag: alter.isDomain ? "ALTER DOMAIN" : "ALTER TYPE", type: type)
    if var rule = type.domain {
      try change(&rule, alter.action, name, &result)
      type.kind = .domain(rule)
    }
    switch alter.action {
    case .rename(let new): type.name = new
    case .setSchema(let schema): result.schema = schema
    case .addValue, .renameValue:
      guard case .enumeration(let labels) = type.kind else {
        throw BinderError.user("42809", "\(try shown(type)) is not an enum", name.range)
      }
      if let new = try changed(labels, by: alter.action, name.range, &result.notices) { type.kind = .enumeration(new) }
      if case .renameValue(let label, _) = alter.action { result.renamedLabel = label }
    default: break
    }
    result.type = type
    return result
  }

  private func change(
    _ rule: inout DomainRule, _ action: AlterType.Action, _ name: QualifiedName, _ result: inout TypeAlteration
  ) throws {
    func missing(_ constraint: String) -> String {
      "constraint \"\(constraint)\" of domain \"\(name.name)\" does not exist"
    }
    switch action {
    case .setDefault(let syntax): rule.defaultValue = try domainDefaultValue(syntax, rule, name.name)
    case .dropDefault: rule.defaultValue = nil
    case .setNotNull:
      if rule.isNullable { result.test = .isNotNull }
      rule.isNullable = false
    case .dropNotNull: rule.isNullable = true
    case .addConstraint(let constraint):
      let known = Set(rule.checks)
      try add(constraint, to: &rule, name.name)
      result.test = rule.checks.first { !known.contains($0) }.map { .check($0.condition) }
    case .dropConstraint(let constraint, let ifExists):
      guard let index = rule.checks.firstIndex(where: { $0.name == constraint }) else {
        if !ifExists { throw BinderError.user("42704", missing(constraint), name.range) }
        result.notices.append(missing(constraint) + ", skipping")
        return
      }
      rule.checks.remove(at: index)
    case .renameConstraint(let constraint, let new):
      guard let index = rule.checks.firstIndex(where: { $0.name == constraint }) else {
        throw BinderError.user(
          "42704", "constraint \"\(constraint)\" for domain \(name.name) does not exist", name.range)
      }
      if rule.checks.contains(where: { $0.name == new }) {
        throw BinderError.user(
          "42710", "constraint \"\(new)\" for domain \(name.name) already exists", name.range)
      }
      rule.checks[index].name = new
      rule.checks.sort { $0.name < $1.name }
    case .validateConstraint(let constraint):
      guard rule.checks.contains(where: { $0.name == constraint }) else {
        throw BinderError.user("42704", missing(constraint), name.range)
      }
    case .rename, .setSchema, .addValue, .renameValue: break
    }
  }
}

extension Expression {
  /// True when it may be another value each time it is asked for; to fail is no value.
  fileprivate var changesByItself: Bool {
    if case .call(let function, _, _) = self, function.isVolatile, function != .raise { return true }
    return children.contains(where: \.changesByItself)
  }
}
