import Bytes

/// The value of a header's property, kept as its words; whoever knows the property asks for the form it must have.
///
/// `(time_column ts, batch_size 30)` is a list to one property and properties to another, so the value says what it
/// can be read as rather than what it is. Every door throws `.user` with the value's range for another form.
package struct PropertyValue: Hashable, Sendable {
  /// As written in the file, comments included.
  package let text: String
  /// Bytes of the file.
  package let range: Range<Int>
  let tokens: ArraySlice<HeaderToken>

  /// `AS` words read as SQL: the text itself.
  package var sql: String { text }

  /// Whether it is one pair of parentheses or brackets and what they hold.
  package var isGroup: Bool {
    guard let first = tokens.first, first.isSymbol("(") || first.isSymbol("[") else { return false }
    return closing(of: tokens.startIndex) == tokens.index(before: tokens.endIndex)
  }

  func failure(_ wanted: String) -> PulsehouseError {
    PulsehouseError(.user, "expected \(wanted), found \"\(text)\"", sqlState: "42601", range: range)
  }

  /// Reads `(WHEN MATCHED ... THEN UPDATE SET target.a = ...)` as the clauses of PostgreSQL's MERGE, which knows whose
  /// columns are set and wants their names alone.
  package var mergeClauses: String {
    var words: [String] = []
    var depth = 0
    var isSetting = false
    var isName = false
    var rest = isGroup ? tokens.dropFirst().dropLast() : tokens
    while let token = rest.popFirst() {
      if token.isSymbol("(") || token.isSymbol("[") { depth += 1 }
      if token.isSymbol(")") || token.isSymbol("]") { depth -= 1 }
      if depth == 0, token.kind == .word {
        if token.name == "set" { (isSetting, isName) = (true, true) }
        if token.name == "when" { isSetting = false }
      }
      if isSetting, depth == 0, token.isSymbol(",") { isName = true }
      if isName, token.name == "target", rest.first?.isSymbol(".") == true {
        _ = rest.popFirst()
        isName = false
        continue
      }
      if isName, token.name != "set", !token.isSymbol(",") { isName = false }
      words.append(token.text)
    }
    return words.joined(separator: " ")
  }

  // One value

  /// Reads `a.b.c`; parts without quotes are folded to lower case. A string is one part, folded too if it is a word.
  package func name() throws(PulsehouseError) -> [String] {
    if tokens.count == 1, let string = tokens.first?.stringValue { return [string] }
    var parts: [String] = []
    var wantsName = true
    for token in tokens {
      if wantsName, let name = token.name {
        parts.append(name)
      } else if wantsName || !token.isSymbol(".") {
        throw failure("a name")
      }
      wantsName.toggle()
    }
    guard !wantsName else { throw failure("a name") }
    return parts
  }

  /// Reads one word or string, in lower case: `postgres`, `'@daily'`, `FULL`.
  package func word() throws(PulsehouseError) -> String {
    guard tokens.count == 1, let word = tokens.first?.name ?? tokens.first?.stringValue else {
      throw failure("a word")
    }
    return word.lowercased()
  }

  /// Reads a string; a bare or dotted word counts as one, in the letters written.
  package func string() throws(PulsehouseError) -> String {
    if tokens.count == 1, let token = tokens.first {
      if let string = token.stringValue { return string }
      if token.kind == .quotedIdentifier, let name = token.name { return name }
    }
    guard !tokens.isEmpty, tokens.allSatisfy({ $0.kind != .string && !$0.isSymbol("(") && !$0.isSymbol("[") }) else {
      throw failure("a string")
    }
    return text
  }

  /// Reads a whole number.
  package func integer() throws(PulsehouseError) -> Int {
    guard let value = Int(text.filter { $0 != " " && $0 != "_" }) else { throw failure("a whole number") }
    return value
  }

  /// Reads a number.
  package func number() throws(PulsehouseError) -> Double {
    guard let value = Double(text.filter { $0 != " " && $0 != "_" }), value.isFinite else { throw failure("a number") }
    return value
  }

  /// Reads `true` or `false`.
  package func boolean() throws(PulsehouseError) -> Bool {
    switch try? word() {
    case "true": return true
    case "false": return false
    default: throw failure("true or false")
    }
  }

  /// Whether it is the word `null` or `none`.
  package var isNull: Bool {
    guard tokens.count == 1, let token = tokens.first, token.kind == .word else { return false }
    return token.name == "null" || token.name == "none"
  }

  // Groups

  /// Reads `(a, b)` or `[a, b]`; any other value is a list of itself. An empty group is an empty list.
  package func list() -> [PropertyValue] {
    isGroup ? entries(of: tokens.dropFirst().dropLast()) : [self]
  }

  /// Reads `(key value, key = value, key := value)`, in order.
  package func properties() throws(PulsehouseError) -> [Property] {
    guard isGroup else { throw failure("(name value, ...)") }
    var properties: [Property] = []
    for entry in entries(of: tokens.dropFirst().dropLast()) { properties.append(try entry.property()) }
    return properties
  }

  /// Reads `key value`, `key = value`, `key := value` or `key => value`; a key alone is true.
  func property() throws(PulsehouseError) -> Property {
    guard let first = tokens.first, let name = first.name ?? first.stringValue else {
      throw failure("a property's name and value")
    }
    var rest = tokens.dropFirst()
    // Keys may be dotted, as in `physical_properties (write.format = x)`.
    var fullName = name
    while rest.count >= 2, rest[rest.startIndex].isSymbol("."), let part = rest[rest.startIndex + 1].name {
      fullName += "." + part
      rest = rest.dropFirst(2)
    }
    if let separator = rest.first, ["=", ":=", "=>", ":"].contains(where: separator.isSymbol) {
      rest = rest.dropFirst()
    }
    return Property(name: fullName, nameRange: first.range, value: rest.isEmpty ? nil : value(rest))
  }

  /// Reads `name` or `name(arguments)`, as a kind or an audit is written.
  package func call() throws(PulsehouseError) -> PropertyCall {
    var index = tokens.startIndex
    var parts: [String] = []
    while index < tokens.endIndex, let name = tokens[index].name {
      parts.append(name)
      index += 1
      guard index < tokens.endIndex, tokens[index].isSymbol(".") else { break }
      index += 1
    }
    guard let first = tokens.first, !parts.isEmpty else { throw failure("a name, or a name and arguments") }
    let rest = tokens[index...]
    let group = rest.isEmpty ? nil : value(rest)
    guard group?.isGroup ?? true else { throw failure("a name, or a name and arguments") }
    return PropertyCall(name: parts.joined(separator: "."), nameRange: first.range, group: group, range: range)
  }

  /// Reads `(a integer, "b.c" text, d.e double precision)`.
  ///
  /// - Throws: also for a type that PostgreSQL's grammar does not take.
  package func columns() throws(PulsehouseError) -> [ColumnDeclaration] {
    guard isGroup else { throw failure("(column type, ...)") }
    var columns: [ColumnDeclaration] = []
    for entry in entries(of: tokens.dropFirst().dropLast()) { columns.append(try entry.column()) }
    return columns
  }

  private func column() throws(PulsehouseError) -> ColumnDeclaration {
    var rest = tokens
    var path: [String] = []
    while let name = rest.first?.name {
      path.append(name)
      rest = rest.dropFirst()
      guard let next = rest.first, next.isSymbol(".") else { break }
      rest = rest.dropFirst()
    }
    guard let first = tokens.first, !path.isEmpty else { throw failure("a column's name and type") }
    if first.kind == .quotedIdentifier, path.count == 1 { path = path[0].split(separator: ".").map(String.init) }
    if rest.isEmpty { return ColumnDeclaration(path: path, type: nil, typeText: nil, range: range) }
    let typeValue = value(rest)
    let prefix = "NULL::"
    let expression = try PostgresParser.parseExpression(
      prefix + typeValue.text, at: typeValue.range.lowerBound - prefix.utf8.count)
    guard case .cast(_, let type) = expression.node else { throw typeValue.failure("a type") }
    return ColumnDeclaration(path: path, type: type, typeText: typeValue.text, range: range)
  }

  // Cutting

  /// Returns the index of the token that closes the group opened at `index`, nil if none does.
  private func closing(of index: Int) -> Int? {
    var depth = 0
    for position in index..<tokens.endIndex {
      let token = tokens[position]
      if token.isSymbol("(") || token.isSymbol("[") { depth += 1 }
      if token.isSymbol(")") || token.isSymbol("]") {
        depth -= 1
        if depth == 0 { return position }
      }
    }
    return nil
  }

  /// Returns what stands between the commas that no group encloses.
  private func entries(of slice: ArraySlice<HeaderToken>) -> [PropertyValue] {
    var result: [PropertyValue] = []
    var start = slice.startIndex
    var depth = 0
    for index in slice.indices {
      let token = slice[index]
      if token.isSymbol("(") || token.isSymbol("[") { depth += 1 }
      if token.isSymbol(")") || token.isSymbol("]") { depth -= 1 }
      if depth == 0, token.isSymbol(",") {
        if start < index { result.append(value(slice[start..<index])) }
        start = index + 1
      }
    }
    if start < slice.endIndex { result.append(value(slice[start..<slice.endIndex])) }
    return result
  }

  /// Returns the value of some of these tokens, which are at least one.
  private func value(_ slice: ArraySlice<HeaderToken>) -> PropertyValue {
    let start = slice.first?.range.lowerBound ?? range.lowerBound
    let end = slice.last?.range.upperBound ?? start
    let bytes = text.utf8.dropFirst(start - range.lowerBound).prefix(end - start)
    return PropertyValue(text: String(Substring(bytes)), range: start..<end, tokens: slice)
  }
}

/// A name and a value within a header.
package struct Property: Hashable, Sendable {
  /// In lower case unless it was quoted.
  package var name: String
  package var nameRange: Range<Int>
  /// Nil if only the name was written.
  package var value: PropertyValue?
}

/// `name` or `name(...)`: a kind with its properties, or an audit with its arguments.
package struct PropertyCall: Hashable, Sendable {
  package struct Argument: Hashable, Sendable {
    /// The name of `name := value`, nil for an argument by position.
    package var name: String?
    package var value: PropertyValue
  }
  /// In lower case, with its dots.
  package var name: String
  package var nameRange: Range<Int>
  /// What stands in parentheses, these included.
  package var group: PropertyValue?
  package var range: Range<Int>

  /// Reads `(a, name := value, name => value, name = value)`.
  package var arguments: [Argument] {
    (group?.list() ?? []).map { entry in
      let tokens = entry.tokens
      if tokens.count >= 3, let name = tokens.first?.name {
        let separator = tokens[tokens.startIndex + 1]
        if separator.isSymbol(":=") || separator.isSymbol("=>"), let property = try? entry.property(),
          let value = property.value
        {
          return Argument(name: name, value: value)
        }
      }
      return Argument(name: nil, value: entry)
    }
  }

  /// Returns the argument of this name, nil if none has it.
  package subscript(_ name: String) -> PropertyValue? {
    arguments.first { $0.name == name }?.value
  }

  /// Reads `(key value, ...)`; none without parentheses.
  package func properties() throws(PulsehouseError) -> [Property] { try group?.properties() ?? [] }
}

/// One column of `columns (...)`.
package struct ColumnDeclaration: Hashable, Sendable {
  /// The names from the record's top: `meta.location.latitude`, quoted as one or not, has three.
  package var path: [String]
  /// Nil if no type was written.
  package var type: TypeName?
  package var typeText: String?
  /// Bytes of the file.
  package var range: Range<Int>
}
