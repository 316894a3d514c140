import Glibc
import SQLSyntax
import Vectors

/// What clients ask of the catalog by functions and by casts to `regclass` and `regtype`: SQL over `pg_catalog`.
extension Binder {
  /// Binds a function of the catalog; nil for other names.
  func bindCatalogFunction(
    _ name: String, _ arguments: [Expression], _ ranges: [SourceRange], _ stage: Stage, _ range: SourceRange
  ) throws -> Expression? {
    if name == "current_schemas", arguments.count == 1 {
      let withSystem = try constant(try coerce(arguments[0], to: .boolean, ranges[0]), range) == .boolean(true)
      let known = Set(names.schemaNames())
      let path = (withSystem ? ["pg_catalog"] : []) + searchedSchemas.filter { known.contains($0) }
      return .call(.makeArray, path.map { .constant(.text($0), .text) }, .array(.text))
    }
    if name == "to_regclass" || name == "to_regtype", arguments.count == 1,
      let text = try constantText(arguments[0], ranges[0])
    {
      do {
        return try registered(text, name == "to_regclass" ? "regclass" : "regtype", stage, range)
      } catch {
        return .null(.text)
      }
    }
    let isOfAny = name == "obj_description" && arguments.count == 1
    guard let template = CatalogTemplates.named(isOfAny ? "obj_description of any" : name),
      template.counts.contains(arguments.count)
    else { return nil }
    var values: [Expression] = []
    for (index, argument) in arguments.enumerated() {
      if name == "format_type" {
        let type: LogicalType = index == 0 ? .bigint : .integer
        values.append(try explicitCast(argument.objectIdentifier ?? argument, to: type, ranges[index]))
      } else if let identifier = argument.objectIdentifier {
        values.append(identifier)
      } else if index == 0, template.takesIdentifier, argument.type == .unknown || argument.type.isText {
        // A relation by its name stands for its number.
        guard let text = try constantText(argument, ranges[index]) else {
          values.append(try coerce(argument, to: .bigint, ranges[index]))
          continue
        }
        if let number = Int64(text) {
          values.append(.bigint(number))
        } else {
          values.append(try registered(text, "regclass", stage, range).objectIdentifier ?? .null(.bigint))
        }
      } else {
        values.append(argument.type == .unknown ? try coerce(argument, to: .text, ranges[index]) : argument)
      }
    }
    return try expand(template.sql, values, stage)
  }

  /// Binds SQL in which `argument1`, ... stand for values.
  private func expand(_ sql: String, _ values: [Expression], _ stage: Stage) throws -> Expression {
    let scope = Scope(parent: nil)
    scope.visible = values.enumerated().map { index, value in
      VisibleColumn(name: "argument\(index + 1)", relation: nil, expression: value)
    }
    let inner = Stage(scope, stage.clause)
    let result = try bindTyped(try PostgresParser.parseExpression(sql), inner)
    stage.attachments += inner.attachments
    return result
  }

  /// Schemas that a bare name is looked up in.
  private var searchedSchemas: [String] {
    (names.setting("search_path") ?? "public").split(separator: ",").map { part in
      String(part.drop { $0 == " " || $0 == "\"" }.prefix { $0 != "\"" })
    }
  }

  // MARK: regclass and regtype

  /// `operand::regclass` and its kin: a name that is also a number.
  func bindRegistered(
    _ operand: Syntax.Expression, _ kind: String, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    let value = try bind(operand, stage)
    if let identifier = value.objectIdentifier {
      return try registered(identifier, kind, stage)
    }
    if value.type.isInteger { return try registered(value, kind, stage) }
    guard let text = try constantText(value, operand.range) else {
      throw BinderError.unsupported("\(kind) of a text that is no constant", range)
    }
    if let number = Int64(text) { return try registered(.bigint(number), kind, stage) }
    return try registered(text, kind, stage, operand.range)
  }

  /// A name by a number.
  private func registered(_ identifier: Expression, _ kind: String, _ stage: Stage) throws -> Expression {
    let number = Expression.cast(identifier, .bigint)
    let sql =
      switch kind {
      case "regclass":
        "COALESCE((SELECT CASE WHEN pg_catalog.pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = argument1), CASE argument1 WHEN 0 THEN '-' ELSE argument1::text END)"
      case "regnamespace":
        "COALESCE((SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = argument1), argument1::text)"
      default: "CASE argument1 WHEN 0 THEN '-' ELSE pg_catalog.format_type(argument1, NULL) END"
      }
    return .call(.objectName, [try expand(sql, [number], stage), number], .text)
  }

  /// A name as written, and the number it has.
  private func registered(
    _ text: String, _ kind: String, _ stage: Stage, _ range: SourceRange
  ) throws -> Expression {
    switch kind {
    case "regtype":
      guard case .cast(_, let name) = try PostgresParser.parseExpression("NULL::\(text)").node else {
        throw BinderError.user("42704", "type \"\(text)\" does not exist", range)
      }
      if let own = try userType(name), name.arrayBounds.isEmpty {
        let number = try expand(
          "(SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = argument1 AND n.nspname = argument2)",
          [.constant(.text(own.name), .text), .constant(.text(own.schema), .text)], stage)
        return .call(.objectName, [.constant(.text(try shown(own)), .text), number], .text)
      }
      let type = try type(name)
      let shown = type.element.map { TypeKind($0).name + "[]" } ?? TypeKind(type).name
      let number = try expand(
        "(SELECT t.oid FROM pg_catalog.pg_type t WHERE t.typname = argument1)",
        [.constant(.text(CatalogTemplates.internalName(type)), .text)], stage)
      return .call(.objectName, [.constant(.text(shown), .text), number], .text)
    case "regnamespace":
      guard names.schemaNames().contains(text) else {
        throw BinderError.user("3F000", "schema \"\(text)\" does not exist", range)
      }
      let number = try expand(
        "(SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = argument1)", [.constant(.text(text), .text)],
        stage)
      return .call(.objectName, [.constant(.text(text), .text), number], .text)
    default:
      guard let parts = SequenceName.parts(text), let name = parts.last else {
        throw BinderError.user("42602", "invalid name syntax", range)
      }
      let schema = parts.count > 1 ? parts[parts.count - 2] : nil
      guard let found = names.schema(ofRelation: name, in: schema) else {
        throw BinderError.user("42P01", "relation \"\(parts.joined(separator: "."))\" does not exist", range)
      }
      let isVisible = names.schema(ofRelation: name, in: nil) == found
      let shown = isVisible ? SQLPrinter.quoted(name) : "\(SQLPrinter.quoted(found)).\(SQLPrinter.quoted(name))"
      let number = try expand(
        "(SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = argument1 AND n.nspname = argument2)",
        [.constant(.text(name), .text), .constant(.text(found), .text)], stage)
      return .call(.objectName, [.constant(.text(shown), .text), number], .text)
    }
  }
}

extension Expression {
  /// The number of what was cast to regclass or its kin.
  var objectIdentifier: Expression? {
    if case .call(.objectName, let parts, _) = self { return parts[1] }
    return nil
  }
}

/// Functions of the catalog as SQL: `argument1`, `argument2`, ... are what they are called with.
enum CatalogTemplates {
  struct Template {
    var counts: ClosedRange<Int>
    var sql: String
    /// True when the first argument is the number of a relation, which a name may stand for.
    var takesIdentifier = false
  }

  static func named(_ name: String) -> Template? {
    if let known = table[name] { return known }
    if name.hasPrefix("has_"), name.hasSuffix("_privilege") { return Template(counts: 2...4, sql: "true") }
    return nil
  }

  /// PostgreSQL's own name of a type: `int4`, `_int4` for an array of it.
  static func internalName(_ type: LogicalType) -> String {
    if let element = type.element { return "_" + internalName(element) }
    return "\(TypeKind(type))"
  }

  private static let table: [String: Template] = [
    "format_type": Template(counts: 2...2, sql: formatType),
    "pg_get_expr": Template(counts: 2...3, sql: "argument1::text"),
    "pg_table_is_visible": Template(
      counts: 1...1,
      sql:
        "EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = argument1 AND (n.nspname = ANY (pg_catalog.current_schemas(true)) OR n.nspname LIKE 'pg\\_temp\\_%'))",
      takesIdentifier: true),
    "pg_type_is_visible": Template(counts: 1...1, sql: "true"),
    "pg_function_is_visible": Template(counts: 1...1, sql: "true"),
    "pg_operator_is_visible": Template(counts: 1...1, sql: "true"),
    "pg_get_constraintdef": Template(
      counts: 1...2, sql: "(SELECT c.condef FROM pg_catalog.pg_constraint c WHERE c.oid = argument1)"),
    "pg_get_indexdef": Template(
      counts: 1...3, sql: "(SELECT i.indexdef FROM pg_catalog.pg_index i WHERE i.indexrelid = argument1)",
      takesIdentifier: true),
    "pg_get_viewdef": Template(
      counts: 1...2, sql: "(SELECT c.definition FROM pg_catalog.pg_rewrite c WHERE c.ev_class = argument1)",
      takesIdentifier: true),
    "pg_get_userbyid": Template(counts: 1...1, sql: "'pulsehouse'::text"),
    "pg_get_serial_sequence": Template(
      counts: 2...2,
      sql:
        "(SELECT s.sequence_schema || '.' || s.sequence_name FROM sys.sequences s JOIN pg_catalog.pg_class c ON c.relname = s.owner_table JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = s.owner_schema WHERE c.oid = argument1 AND s.owner_column = argument2)",
      takesIdentifier: true),
    "obj_description": Template(
      counts: 2...2,
      sql:
        "(SELECT d.description FROM pg_catalog.pg_description d WHERE d.objoid = argument1 AND d.objsubid = 0 AND d.classoid = CASE argument2 WHEN 'pg_class' THEN 1259 WHEN 'pg_namespace' THEN 2615 WHEN 'pg_type' THEN 1247 WHEN 'pg_constraint' THEN 2606 END)"
    ),
    "obj_description of any": Template(
      counts: 1...1,
      sql: "(SELECT d.description FROM pg_catalog.pg_description d WHERE d.objoid = argument1 AND d.objsubid = 0)"),
    "col_description": Template(
      counts: 2...2,
      sql:
        "(SELECT d.description FROM pg_catalog.pg_description d WHERE d.objoid = argument1 AND d.classoid = 1259 AND d.objsubid = argument2)"
    ),
    "shobj_description": Template(counts: 2...2, sql: "NULL::text"),
    "pg_has_role": Template(counts: 2...3, sql: "true"),
    "pg_encoding_to_char": Template(counts: 1...1, sql: "CASE argument1 WHEN 6 THEN 'UTF8' ELSE '' END"),
    "pg_backend_pid": Template(counts: 0...0, sql: "\(getpid())"),
    "pg_client_encoding": Template(counts: 0...0, sql: "'UTF8'::text"),
    "getdatabaseencoding": Template(counts: 0...0, sql: "'UTF8'::text"),
    "pg_is_in_recovery": Template(counts: 0...0, sql: "false"),
    "pg_relation_size": Template(counts: 1...2, sql: size, takesIdentifier: true),
    "pg_table_size": Template(counts: 1...1, sql: size, takesIdentifier: true),
    "pg_total_relation_size": Template(counts: 1...1, sql: size, takesIdentifier: true),
    "pg_indexes_size": Template(counts: 1...1, sql: "0::bigint", takesIdentifier: true),
    "pg_size_pretty": Template(counts: 1...1, sql: prettySize),
  ]

  private static let size =
    "(SELECT COALESCE(t.byte_count, 0) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN sys.tables t ON t.table_schema = n.nspname AND t.table_name = c.relname WHERE c.oid = argument1)"

  /// Units go up where the number would pass 10,240 of them, halves round away from zero.
  private static let prettySize = {
    func step(_ unit: String, _ shift: Int) -> String {
      "WHEN abs(round(argument1 / \(1 << shift)::numeric)) < 10240 THEN round(argument1 / \(1 << shift)::numeric)::text || ' \(unit)'"
    }
    return
      "CASE WHEN abs(argument1) < 10240 THEN argument1::text || ' bytes' \(step("kB", 10)) \(step("MB", 20)) \(step("GB", 30)) \(step("TB", 40)) ELSE round(argument1 / \(1 << 50)::numeric)::text || ' PB' END"
  }()

  private static let formatType = {
    let plain: [(Int, String)] = [
      (16, "boolean"), (17, "bytea"), (18, "\"char\""), (19, "name"), (20, "bigint"), (21, "smallint"),
      (23, "integer"), (25, "text"), (26, "oid"), (114, "json"), (700, "real"), (701, "double precision"),
      (705, "unknown"), (1082, "date"), (2950, "uuid"), (3802, "jsonb"), (2249, "record"),
      (1000, "boolean[]"), (1001, "bytea[]"), (1005, "smallint[]"), (1007, "integer[]"), (1009, "text[]"),
      (1016, "bigint[]"), (1021, "real[]"), (1022, "double precision[]"), (1182, "date[]"), (1231, "numeric[]"),
      (1115, "timestamp without time zone[]"), (1185, "timestamp with time zone[]"), (1183, "time without time zone[]"),
      (1187, "interval[]"), (2951, "uuid[]"), (199, "json[]"), (3807, "jsonb[]"), (1015, "character varying[]"),
      (1014, "character[]"),
    ]
    let cases = plain.map { "WHEN \($0) THEN '\($1)'" }.joined(separator: " ")
    let digits = "CASE WHEN argument2 >= 0 THEN '(' || argument2 || ')' ELSE '' END"
    let length = "CASE WHEN argument2 >= 4 THEN '(' || (argument2 - 4) || ')' ELSE '' END"
    return
      "CASE argument1 \(cases) WHEN 1043 THEN 'character varying' || \(length) WHEN 1042 THEN CASE WHEN argument2 >= 4 THEN 'character(' || (argument2 - 4) || ')' WHEN argument2 = -1 THEN 'bpchar' ELSE 'character' END WHEN 1700 THEN 'numeric' || CASE WHEN argument2 >= 4 THEN '(' || (((argument2 - 4) >> 16) & 65535) || ',' || ((argument2 - 4) & 2047) || ')' ELSE '' END WHEN 1186 THEN 'interval' || CASE WHEN argument2 & 65535 <> 65535 THEN '(' || (argument2 & 65535) || ')' ELSE '' END WHEN 1083 THEN 'time' || \(digits) || ' without time zone' WHEN 1114 THEN 'timestamp' || \(digits) || ' without time zone' WHEN 1184 THEN 'timestamp' || \(digits) || ' with time zone' WHEN NULL THEN NULL ELSE CASE WHEN argument1 IS NULL THEN NULL ELSE COALESCE((SELECT CASE WHEN t.typelem <> 0 THEN quote_ident(substr(t.typname, 2)) || '[]' ELSE quote_ident(t.typname) END FROM pg_catalog.pg_type t WHERE t.oid = argument1), '???') END END"
  }()
}
