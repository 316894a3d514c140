import Bytes

/// A function of a model's own: `@DEF(name, (x, y) -> x + y)`, or the last argument of `@EACH` and its like.
struct MacroFunction: Hashable, Sendable {
  var parameters: [String]
  var body: String
}

/// What macro functions become. Each works on text: an argument is what its words expand to.
extension MacroExpansion {
  /// A call as it stands in the text.
  private struct Call {
    var name: String
    var start: Int
    var end: Int
    var arguments: [Range<Int>]
    var range: Range<Int> { start..<end }
  }

  mutating func function(_ name: String, at start: Int, openedAt open: Int) throws(PulsehouseError) {
    let (arguments, end) = try self.arguments(name, start, open)
    let call = Call(name: name, start: start, end: end, arguments: arguments)
    switch name.lowercased() {
    case "def": try define(call)
    case "var": try readVariable(call)
    case "if":
      guard (2...3).contains(arguments.count) else { throw expected("@IF(condition, then [, else])", call) }
      let condition = try expanded(arguments[0])
      let holds = try isTrue(condition, arguments[0])
      let chosen =
        variables == nil ? Array(arguments.dropFirst()) : holds ? [arguments[1]] : Array(arguments.dropFirst(2))
      var items: [String] = []
      for argument in chosen { items += try self.items(argument) }
      replace(call.range, byItems: items)
    case "eval":
      guard arguments.count == 1 else { throw expected("@EVAL(expression)", call) }
      let expression = try expanded(arguments[0])
      let value = try evaluate(expression, arguments[0])
      replace(call.range, byItems: [value.sqlText])
    case "each":
      let (items, function) = try itemsAndFunction(call)
      var results: [String] = []
      for item in items {
        let result = try apply(function, [item], call.range)
        results += Self.split(result)
      }
      replace(call.range, byItems: results)
    case "filter":
      let (items, function) = try itemsAndFunction(call)
      var results: [String] = []
      for item in items {
        let condition = try apply(function, [item], call.range)
        // When only names are asked for, whoever takes the items is to be looked at.
        let isKept = variables == nil ? true : try isTrue(condition, call.range)
        if isKept { results.append(item) }
      }
      replace(call.range, byItems: results)
    case "reduce":
      let (items, function) = try itemsAndFunction(call)
      guard var result = items.first else {
        if variables == nil { return replace(call.range, byItems: ["NULL"]) }
        throw PulsehouseError(.user, "@REDUCE of no items", sqlState: "42601", range: call.range)
      }
      for item in items.dropFirst() { result = try apply(function, [result, item], call.range) }
      replace(call.range, byItems: [result])
    case "and": try connect(call, by: "AND")
    case "or": try connect(call, by: "OR")
    case "sql":
      guard let first = arguments.first else { throw expected("@SQL('text')", call) }
      let text = try expanded(first)
      let result = try expanded(Self.content(text) ?? text, call.range)
      replace(call.range, byItems: [result])
    case "safe_add": try sumOfKnown(call, by: "+")
    case "safe_sub": try sumOfKnown(call, by: "-")
    case "safe_div":
      let items = try allItems(call)
      guard items.count == 2 else { throw expected("@SAFE_DIV(numerator, denominator)", call) }
      replace(call.range, byItems: ["CAST(\(items[0]) AS DOUBLE PRECISION) / NULLIF(\(items[1]), 0)"])
    case "generate_surrogate_key": try surrogateKey(call)
    default:
      guard let function = functions[name.lowercased()] else {
        throw unsupported("the macro @\(name.uppercased())", start..<open)
      }
      let items = try allItems(call)
      let result = try apply(function, items, call.range)
      replace(call.range, byItems: [result])
    }
  }

  private func expected(_ form: String, _ call: Call) -> PulsehouseError {
    PulsehouseError(.user, "expected \(form)", sqlState: "42601", range: call.range)
  }

  func unsupported(_ what: String, _ range: Range<Int>) -> PulsehouseError {
    PulsehouseError(
      .unsupported, "\(what) is not supported natively", hint: "Run this model with SQLMesh.", range: range)
  }

  // Definitions

  private mutating func define(_ call: Call) throws(PulsehouseError) {
    guard call.arguments.count == 2, let key = simpleName(words(call.arguments[0])) else {
      throw expected("@DEF(name, value)", call)
    }
    if let function = Self.function(words(call.arguments[1])) {
      functions[key] = function
    } else {
      defined[key] = .sql(try expanded(call.arguments[1]))
    }
    // The semicolon after it goes too.
    var ahead = SQLLexer(text, at: call.end)
    let next = ahead.next()
    let after = ahead.isSymbol(next, ";") ? next.end : call.end
    replace(call.start..<after, by: "")
    lexer.position = after
  }

  private mutating func readVariable(_ call: Call) throws(PulsehouseError) {
    guard let key = call.arguments.first.flatMap({ simpleName(words($0)) }), call.arguments.count <= 2 else {
      throw expected("@VAR('name') or @VAR('name', default)", call)
    }
    var replacement: String
    if let known = defined[key] ?? variables?[key] {
      replacement = known.sqlText
    } else if call.arguments.count == 2 {
      replacement = try expanded(call.arguments[1])
    } else {
      replacement = try value(of: key, call.range).sqlText
    }
    replace(call.range, byItems: [replacement])
  }

  // Conditions and sums

  private mutating func connect(_ call: Call, by word: String) throws(PulsehouseError) {
    let items = try allItems(call)
    let conditions = items.filter { $0.lowercased() != "null" }
    let text = conditions.map { "(\($0))" }.joined(separator: " \(word) ")
    replace(call.range, byItems: [conditions.isEmpty ? "TRUE" : conditions.count == 1 ? text : "(\(text))"])
  }

  private mutating func sumOfKnown(_ call: Call, by sign: String) throws(PulsehouseError) {
    let items = try allItems(call)
    guard !items.isEmpty else { throw expected("@\(call.name.uppercased())(value, ...)", call) }
    let areNull = items.map { "(\($0)) IS NULL" }.joined(separator: " AND ")
    let sum = items.map { "COALESCE(\($0), 0)" }.joined(separator: " \(sign) ")
    replace(call.range, byItems: ["CASE WHEN \(areNull) THEN NULL ELSE \(sum) END"])
  }

  private mutating func surrogateKey(_ call: Call) throws(PulsehouseError) {
    var fields: [String] = []
    var hash = "MD5"
    for argument in call.arguments {
      if let value = Self.named("hash_function", words(argument)) {
        hash = Self.content(value) ?? value
      } else {
        fields += try items(argument)
      }
    }
    guard !fields.isEmpty else { throw expected("@GENERATE_SURROGATE_KEY(column, ...)", call) }
    let parts = fields.map { "COALESCE(CAST(\($0) AS TEXT), '_sqlmesh_surrogate_key_null_')" }
    let joined = "CONCAT(\(parts.joined(separator: ", '|', ")))"
    switch hash.uppercased() {
    case "MD5": replace(call.range, byItems: ["MD5(\(joined))"])
    case "SHA256": replace(call.range, byItems: ["ENCODE(SHA256(CONVERT_TO(\(joined), 'UTF8')), 'hex')"])
    default: throw unsupported("the hash function \(hash) of @GENERATE_SURROGATE_KEY", call.range)
    }
  }

  // Evaluation

  private func evaluate(_ sql: String, _ range: Range<Int>) throws(PulsehouseError) -> MacroValue {
    if variables == nil { return .null }
    switch sql.lowercased() {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "null", "none": return .null
    default: break
    }
    guard let evaluator else { throw unsupported("a macro that computes a value here", range) }
    do throws(PulsehouseError) {
      return try evaluator(sql)
    } catch {
      throw PulsehouseError(
        error.kind, "cannot compute \(sql) for a macro: \(error.message)", sqlState: error.sqlState,
        hint: "Macros compute with constants and variables; columns have no values yet.", range: range)
    }
  }

  private func isTrue(_ sql: String, _ range: Range<Int>) throws(PulsehouseError) -> Bool {
    switch try evaluate(sql, range) {
    case .boolean(let value): return value
    case .number(let digits): return Double(digits) != 0
    case .text(let text): return !text.isEmpty
    case .null: return false
    case .list(let values): return !values.isEmpty
    case .sql: return true
    }
  }

  // Arguments

  private func words(_ range: Range<Int>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: text[range]), as: UTF8.self)
  }

  /// What an argument expands to; `@EACH` and its like give several items.
  private mutating func items(_ range: Range<Int>) throws(PulsehouseError) -> [String] {
    let text = try expanded(range)
    return Self.split(text)
  }

  private mutating func allItems(_ call: Call) throws(PulsehouseError) -> [String] {
    var items: [String] = []
    for argument in call.arguments {
      let more = try self.items(argument)
      items += more
    }
    return items
  }

  /// Reads `([a, b], x -> ...)` or `(a, b, x -> ...)`.
  private mutating func itemsAndFunction(_ call: Call) throws(PulsehouseError) -> ([String], MacroFunction) {
    guard let last = call.arguments.last, call.arguments.count >= 2 else {
      throw expected("@\(call.name.uppercased())([item, ...], x -> ...)", call)
    }
    var function = Self.function(words(last))
    if function == nil {
      // A function of @DEF by its name.
      function = simpleName(words(last)).flatMap { functions[$0] }
    }
    guard let function else { throw expected("@\(call.name.uppercased())([item, ...], x -> ...)", call) }
    var items: [String] = []
    for argument in call.arguments.dropLast() { items += try self.items(argument) }
    if items.count == 1, let inner = Self.group(items[0]) { items = Self.split(inner) }
    return (items, function)
  }

  /// The function's body with its parameters replaced.
  private mutating func apply(_ function: MacroFunction, _ arguments: [String], _ range: Range<Int>)
    throws(PulsehouseError) -> String
  {
    var arguments = arguments
    // `(x, y) -> ...` over pairs.
    if arguments.count == 1, function.parameters.count > 1, let inner = Self.group(arguments[0]) {
      arguments = Self.split(inner)
    }
    guard arguments.count == function.parameters.count else {
      throw PulsehouseError(
        .user, "a macro function of \(function.parameters.count) parameters is given \(arguments.count)",
        sqlState: "42601", range: range)
    }
    let outer = parameters
    for (name, argument) in zip(function.parameters, arguments) {
      parameters[name] = Self.content(argument).map { .text($0) } ?? .sql(argument)
    }
    defer { parameters = outer }
    return try expanded(function.body, range)
  }

  // Expanding parts

  /// Expands a part of the text on its own, with what is defined so far.
  private mutating func expanded(_ range: Range<Int>) throws(PulsehouseError) -> String {
    do throws(PulsehouseError) {
      return try expanded(UnsafeBufferPointer(rebasing: text[range]), range)
    } catch {
      var shifted = error
      shifted.range = error.range.map { ($0.lowerBound + range.lowerBound)..<($0.upperBound + range.lowerBound) }
      throw shifted
    }
  }

  /// Expands a text that a macro made; what is wrong in it is said of the macro's place.
  private mutating func expanded(_ words: String, _ range: Range<Int>) throws(PulsehouseError) -> String {
    var words = words
    let result: Result<String, PulsehouseError> = words.withUTF8 { bytes in
      do throws(PulsehouseError) {
        return .success(try expanded(bytes, range))
      } catch {
        var placed = error
        placed.range = range
        return .failure(placed)
      }
    }
    return try result.get()
  }

  private mutating func expanded(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>)
    throws(PulsehouseError) -> String
  {
    guard depth < Self.maximumDepth else {
      throw PulsehouseError(.user, "macros nest too deep", sqlState: "54001", range: 0..<bytes.count)
    }
    var inner = MacroExpansion(bytes, body, variables, evaluator, depth: depth + 1)
    inner.defined = defined
    inner.functions = functions
    inner.parameters = parameters
    inner.used = used
    let result = try inner.run()
    used = inner.used
    guard result.text.utf8.count <= Self.maximumByteCount else {
      throw PulsehouseError(.user, "macros make too much SQL", sqlState: "54000", range: 0..<bytes.count)
    }
    return result.text
  }

  // Words

  /// Returns the ranges of the arguments within the parentheses opened at `open`, and the end of the call.
  private func arguments(
    _ name: String, _ start: Int, _ open: Int
  ) throws(PulsehouseError) -> (arguments: [Range<Int>], end: Int) {
    var inner = SQLLexer(text, at: open)
    var depth = 0
    var argument: Range<Int>?
    var arguments: [Range<Int>] = []
    while true {
      let token = inner.next()
      guard token.kind != .end, token.isTerminated else {
        throw PulsehouseError(
          .user, "the parenthesis after @\(name) is never closed", sqlState: "42601", range: start..<open)
      }
      if inner.isSymbol(token, "(") || inner.isSymbol(token, "[") {
        depth += 1
        if depth == 1 { continue }
      }
      if inner.isSymbol(token, ")") || inner.isSymbol(token, "]") { depth -= 1 }
      if depth == 0 || (depth == 1 && inner.isSymbol(token, ",")) {
        if let argument { arguments.append(argument) }
        argument = nil
        if depth == 0 { return (arguments, token.end) }
      } else {
        argument = (argument?.lowerBound ?? token.start)..<token.end
      }
    }
  }

  /// Returns the name in `name`, `'name'` or `@name`, in lower case.
  private func simpleName(_ words: String) -> String? {
    var name = Substring(words)
    if name.first == "'", name.last == "'", name.utf8.count > 2 { name = name.dropFirst().dropLast() }
    if name.first == "@" { name = name.dropFirst() }
    guard let first = name.utf8.first, SQLLexer.isIdentifierStart(first),
      name.utf8.allSatisfy(SQLLexer.isIdentifierPart)
    else { return nil }
    return name.lowercased()
  }

  /// Reads `x -> ...` or `(x, y) -> ...`; nil for anything else.
  private static func function(_ words: String) -> MacroFunction? {
    var words = words
    return words.withUTF8 { bytes in
      var lexer = SQLLexer(bytes)
      var parameters: [String] = []
      var token = lexer.next()
      let isGroup = lexer.isSymbol(token, "(")
      if isGroup { token = lexer.next() }
      while token.kind == .word {
        parameters.append(lexer.string(token).lowercased())
        token = lexer.next()
        guard isGroup, lexer.isSymbol(token, ",") else { break }
        token = lexer.next()
      }
      if isGroup {
        guard lexer.isSymbol(token, ")") else { return nil }
        token = lexer.next()
      }
      // An operator may go on into the `@` of a macro.
      guard !parameters.isEmpty, token.kind == .operator, token.end - token.start >= 2, bytes[token.start] == 0x2D,
        bytes[token.start + 1] == 0x3E, token.end - token.start == 2 || bytes[token.start + 2] == 0x40
      else { return nil }
      lexer.position = token.start + 2
      lexer.skipTrivia()
      let body = UnsafeBufferPointer(rebasing: bytes[lexer.position...])
      return MacroFunction(parameters: parameters, body: String(decoding: body, as: UTF8.self))
    }
  }

  /// The value in `name := value`.
  private static func named(_ name: String, _ words: String) -> String? {
    var words = words
    return words.withUTF8 { bytes in
      var lexer = SQLLexer(bytes)
      let first = lexer.next()
      let separator = lexer.next()
      guard first.kind == .word, lexer.string(first).lowercased() == name,
        [":=", "=>"].contains(lexer.string(separator))
      else { return nil }
      lexer.skipTrivia()
      return String(decoding: UnsafeBufferPointer(rebasing: bytes[lexer.position...]), as: UTF8.self)
    }
  }

  /// Cuts text at the commas that stand in no parentheses or quotes; blanks around the parts go.
  private static func split(_ words: String) -> [String] {
    var words = words
    return words.withUTF8 { bytes in
      var lexer = SQLLexer(bytes)
      var depth = 0
      var part: Range<Int>?
      var parts: [String] = []
      while true {
        let token = lexer.next()
        if lexer.isSymbol(token, "(") || lexer.isSymbol(token, "[") { depth += 1 }
        if lexer.isSymbol(token, ")") || lexer.isSymbol(token, "]") { depth -= 1 }
        if token.kind == .end || depth == 0 && lexer.isSymbol(token, ",") {
          if let part {
            parts.append(String(decoding: UnsafeBufferPointer(rebasing: bytes[part]), as: UTF8.self))
          }
          part = nil
          if token.kind == .end { return parts }
        } else {
          part = (part?.lowerBound ?? token.start)..<token.end
        }
      }
    }
  }

  /// What stands in `[...]` or `(...)` that hold all of the text, or in `ARRAY[...]`.
  private static func group(_ words: String) -> String? {
    var words = words
    return words.withUTF8 { bytes in
      var lexer = SQLLexer(bytes)
      var first = lexer.next()
      if lexer.isWord(first, "array") { first = lexer.next() }
      guard lexer.isSymbol(first, "(") || lexer.isSymbol(first, "[") else { return nil }
      var depth = 1
      while depth > 0 {
        let token = lexer.next()
        if token.kind == .end { return nil }
        if lexer.isSymbol(token, "(") || lexer.isSymbol(token, "[") { depth += 1 }
        if lexer.isSymbol(token, ")") || lexer.isSymbol(token, "]") { depth -= 1 }
        if depth == 0 {
          let end = token.start
          guard lexer.next().kind == .end else { return nil }
          return String(decoding: UnsafeBufferPointer(rebasing: bytes[first.end..<end]), as: UTF8.self)
        }
      }
      return nil
    }
  }

  /// The characters of a text constant that is all of the text.
  private static func content(_ words: String) -> String? {
    var words = words
    let isOne = words.withUTF8 { bytes in
      var lexer = SQLLexer(bytes)
      let first = lexer.next()
      return first.kind == .string && first.isTerminated && bytes[first.start] == 0x27 && lexer.next().kind == .end
    }
    guard isOne else { return nil }
    let trimmed = words.split(separator: "'", maxSplits: 1, omittingEmptySubsequences: false)
    guard trimmed.count == 2, let last = trimmed[1].lastIndex(of: "'") else { return nil }
    return String(trimmed[1][..<last]).replacing("''", with: "'")
  }
}
