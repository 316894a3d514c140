// Syntax trees back to SQL text. What is printed reads again as the same tree (places apart); operands that are not
// plain words stand in parentheses, so no precedence needs to be known.

extension Expression {
  /// The expression as SQL.
  package var sql: String {
    var printer = SQLPrinter()
    printer.expression(self)
    return printer.text
  }
}

extension Query {
  /// The query as SQL, on one line.
  package var sql: String {
    var printer = SQLPrinter()
    printer.query(self)
    return printer.text
  }
}

extension TypeName {
  /// The type as SQL: `integer`, `numeric(10, 2)`, `text[]`.
  package var sql: String {
    var printer = SQLPrinter()
    printer.type(self)
    return printer.text
  }
}

extension StatementNode {
  /// The statement as SQL, on one line; nil for those that are not a query, INSERT, UPDATE or DELETE.
  package var sql: String? {
    var printer = SQLPrinter()
    return printer.statement(self) ? printer.text : nil
  }
}

extension QualifiedName {
  /// The name as SQL, quoted where it must be.
  package var sql: String {
    [catalog, schema, name].compactMap(\.self).map(SQLPrinter.quoted).joined(separator: ".")
  }
}

/// Writes SQL piece by piece. Its depth is that of the tree, which is bounded.
package struct SQLPrinter {
  private(set) var text = ""

  mutating func put(_ words: String) { text += words }

  /// Writes the items with commas between.
  mutating func list<T>(_ items: [T], _ write: (inout SQLPrinter, T) -> Void) {
    for (index, item) in items.enumerated() {
      if index > 0 { put(", ") }
      write(&self, item)
    }
  }

  mutating func names(_ names: [String]) { put(names.map(SQLPrinter.quoted).joined(separator: ", ")) }

  mutating func path(_ names: [String]) { put(names.map(SQLPrinter.quoted).joined(separator: ".")) }

  mutating func expressions(_ values: [Expression]) { list(values) { $0.expression($1) } }

  /// Words that must be quoted to stand as a name wherever names stand.
  private static let keywords = Set(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
    char character check coalesce collate collation column concurrently constraint create cross current_catalog
    current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable
    desc distinct do else end escape except exclude exists extract false fetch filter float following for foreign freeze
    from full grant greatest group grouping groups having ilike in initially inner inout int integer intersect interval
    into is isnull join lateral leading least left like limit localtime localtimestamp national natural nchar none
    normalize not notnull null nullif numeric offset on only or order out outer over overlaps overlay partition placing
    position preceding precision primary range real recursive references returning right row rows select session_user
    setof similar smallint some substring symmetric table tablesample then time timestamp to trailing treat trim true
    unbounded uescape union unique user using values varchar variadic verbose when where window with within without
    xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """.split { $0 == " " || $0 == "\n" }.map(String.init))

  /// Returns the name as SQL, in quotes if it would not read as itself without.
  package static func quoted(_ name: String) -> String {
    let isPlain =
      name.utf8.first.map { ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x5F } ?? false
      && name.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F }
    if isPlain, !keywords.contains(name) { return name }
    return "\"" + name.replacing("\"", with: "\"\"") + "\""
  }

  /// Returns the text as a string constant.
  package static func constant(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

  // Types

  private static let plainTypes: [String: String] = [
    "bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real",
    "float8": "double precision", "numeric": "numeric", "varchar": "varchar", "timestamp": "timestamp", "time": "time",
  ]

  private static let typesWithoutModifiers: [String: String] = [
    "timestamptz": "timestamp with time zone", "timetz": "time with time zone", "interval": "interval",
  ]

  mutating func type(_ type: TypeName) {
    if type.isSetOf { put("SETOF ") }
    let isBuiltIn = type.names.count == 2 && type.names[0] == "pg_catalog"
    if isBuiltIn, let word = SQLPrinter.plainTypes[type.baseName] {
      put(word)
    } else if isBuiltIn, type.modifiers.isEmpty, let words = SQLPrinter.typesWithoutModifiers[type.baseName] {
      put(words)
    } else {
      path(type.names)
    }
    if type.isReference { put("%TYPE") }
    if !type.modifiers.isEmpty {
      put("(")
      expressions(type.modifiers)
      put(")")
    }
    for bound in type.arrayBounds { put(bound.map { "[\($0)]" } ?? "[]") }
  }
}
