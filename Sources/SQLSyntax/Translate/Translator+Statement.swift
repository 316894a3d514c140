import Bytes

extension Translator {
  /// Translates the whole tree: every statement of the text.
  func statements(_ tree: WireMessage) throws(PulsehouseError) -> [Statement] {
    var result: [Statement] = []
    for raw in tree.messages(Tag.ParseResult.stmts) {
      guard let node = raw.message(Tag.RawStmt.stmt) else { continue }
      let start = max(0, raw.int(Tag.RawStmt.stmtLocation))
      let length = raw.int(Tag.RawStmt.stmtLen)
      let end = length > 0 ? min(text.count, start + length) : text.count
      statementStart = start
      statementRange = trimmed(start, end)
      result.append(Statement(node: try statement(node), range: statementRange))
    }
    return result
  }

  /// Returns the range from the first token at or after `start` to the last before `end`.
  private func trimmed(_ start: Int, _ end: Int) -> SourceRange {
    var lexer = SQLLexer(UnsafeBufferPointer(rebasing: text[..<max(start, end)]), at: start)
    let first = lexer.next()
    var last = first.end
    while true {
      let token = lexer.next()
      if token.kind == .end || lexer.isSymbol(token, ";") { break }
      last = token.end
    }
    return place(first.start, last)
  }

  func statement(_ node: WireMessage) throws(PulsehouseError) -> StatementNode {
    try enter()
    defer { leave() }
    guard let (kind, message) = node.choice else { throw unsupported("an empty statement") }
    switch kind {
    case Tag.Node.selectStmt:
      if let into = message.message(Tag.SelectStmt.intoClause) { return .createTableAs(try selectInto(message, into)) }
      return .query(try query(message))
    case Tag.Node.vacuumStmt: return maintenance(message)
    case Tag.Node.insertStmt: return .insert(try insert(message))
    case Tag.Node.updateStmt: return .update(try update(message))
    case Tag.Node.deleteStmt: return .delete(try delete(message))
    case Tag.Node.mergeStmt: return .merge(try merge(message))
    case Tag.Node.truncateStmt: return .truncate(try truncate(message))
    case Tag.Node.copyStmt: return .copy(try copy(message))
    case Tag.Node.createStmt: return .createTable(try createTable(message))
    case Tag.Node.createTableAsStmt: return .createTableAs(try createTableAs(message))
    case Tag.Node.viewStmt: return .createView(try createView(message))
    case Tag.Node.createSchemaStmt: return .createSchema(try createSchema(message))
    case Tag.Node.createSeqStmt: return .createSequence(try createSequence(message))
    case Tag.Node.alterSeqStmt: return .alterSequence(try alterSequence(message))
    case Tag.Node.refreshMatViewStmt:
      let relation = try required(message.message(Tag.RefreshMatViewStmt.relation), "REFRESH")
      return .refresh(qualifiedName(relation), withData: !message.bool(Tag.RefreshMatViewStmt.skipData))
    case Tag.Node.indexStmt: return .createIndex(try createIndex(message))
    case Tag.Node.dropStmt: return .drop(try drop(message))
    case Tag.Node.alterTableStmt: return .alterTable(try alterTable(message))
    case Tag.Node.renameStmt:
      if let type = try renameType(message) { return .type(type) }
      return .alterTable(try rename(message))
    case Tag.Node.alterObjectSchemaStmt:
      if let type = try setTypeSchema(message) { return .type(type) }
      return .alterTable(try setSchema(message))
    case Tag.Node.createDomainStmt: return .type(try createDomain(message))
    case Tag.Node.declareCursorStmt: return .declareCursor(try declareCursor(message))
    case Tag.Node.fetchStmt: return .fetch(try fetch(message))
    case Tag.Node.closePortalStmt:
      let name = message.string(Tag.ClosePortalStmt.portalname) ?? ""
      return .closeCursor(name.isEmpty ? nil : name)
    case Tag.Node.commentStmt: return .comment(try comment(message))
    case Tag.Node.createEnumStmt: return .type(try createEnum(message))
    case Tag.Node.alterEnumStmt: return .type(try alterEnum(message))
    case Tag.Node.alterDomainStmt: return .type(try alterDomain(message))
    case Tag.Node.explainStmt: return .explain(try explain(message))
    case Tag.Node.transactionStmt: return .transaction(try transaction(message))
    case Tag.Node.prepareStmt: return .prepare(try prepare(message))
    case Tag.Node.executeStmt:
      return .execute(
        Execute(
          name: message.string(Tag.ExecuteStmt.name) ?? "",
          arguments: try expressions(message.messages(Tag.ExecuteStmt.params))))
    case Tag.Node.deallocateStmt: return .deallocate(message.string(Tag.DeallocateStmt.name))
    case Tag.Node.lockStmt:
      return .lock(
        message.messages(Tag.LockStmt.relations).compactMap { node in
          node.choice.flatMap { kind, relation in kind == Tag.Node.rangeVar ? qualifiedName(relation) : nil }
        })
    case Tag.Node.discardStmt:
      let targets: [Int: DiscardTarget] = [1: .all, 2: .plans, 3: .sequences, 4: .temporaryTables]
      guard let target = targets[message.int(Tag.DiscardStmt.target)] else { throw unsupported("this form of DISCARD") }
      return .discard(target)
    case Tag.Node.variableSetStmt: return try variableSet(message)
    case Tag.Node.variableShowStmt:
      let name = message.string(Tag.VariableShowStmt.name) ?? ""
      return .show(name == "all" ? nil : name)
    default: throw unsupported(statementWords())
    }
  }

  /// Names the statement by its first words, in capitals: one, or two after CREATE, ALTER and DROP.
  func statementWords() -> String {
    var lexer = SQLLexer(text, at: statementStart)
    var words: [String] = []
    let passedOver: Set = ["OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE"]
    let longer: Set = ["CREATE", "ALTER", "DROP", "MATERIALIZED", "FOREIGN", "EVENT", "TEXT", "USER"]
    while words.count < 3 {
      let token = lexer.next()
      guard token.kind == .word else { break }
      let word = lexer.string(token).uppercased()
      if words.first == "CREATE", passedOver.contains(word) { continue }
      words.append(word)
      if !longer.contains(word) { break }
    }
    return words.isEmpty ? "this statement" : words.joined(separator: " ")
  }

  func option(_ node: WireMessage) throws(PulsehouseError) -> StatementOption {
    guard let (kind, message) = node.choice, kind == Tag.Node.defElem else {
      throw unsupported("this form of option")
    }
    let place = range(message.int(Tag.DefElem.location))
    var name = message.string(Tag.DefElem.defname) ?? ""
    if let namespace = message.string(Tag.DefElem.defnamespace) { name = namespace + "." + name }
    let value = try message.message(Tag.DefElem.arg).map { node throws(PulsehouseError) in try optionValue(node, place)
    }
    return StatementOption(name: name, value: value, range: place)
  }

  private func optionValue(_ node: WireMessage, _ place: SourceRange) throws(PulsehouseError) -> OptionValue {
    try enter()
    defer { leave() }
    guard let (kind, message) = node.choice else { throw unsupported("an empty option", place) }
    switch kind {
    case Tag.Node.string: return .text(message.message(Tag.String.sval)?.text ?? "")
    case Tag.Node.integer: return .integer(Int64(message.int(Tag.Integer.ival)))
    case Tag.Node.float:
      let digits = message.string(Tag.Float.fval) ?? "0"
      return Int64(digits).map(OptionValue.integer) ?? .numeric(digits)
    case Tag.Node.boolean: return .boolean(message.bool(Tag.Boolean.boolval))
    case Tag.Node.aStar: return .star
    case Tag.Node.typeName: return .text(names(message.messages(Tag.TypeName.names)).last ?? "")
    case Tag.Node.list:
      var values: [OptionValue] = []
      for item in message.messages(Tag.List.items) { values.append(try optionValue(item, place)) }
      return .list(values)
    case Tag.Node.aConst:
      guard case .literal(let literal) = try expression(node).node else { break }
      switch literal {
      case .null: return .text("null")
      case .boolean(let value): return .boolean(value)
      case .integer(let value): return .integer(value)
      case .numeric(let digits): return .numeric(digits)
      case .string(let text), .bits(let text), .hexadecimal(let text): return .text(text)
      }
    default: break
    }
    throw unsupported("this form of option", place)
  }

  private func explain(_ message: WireMessage) throws(PulsehouseError) -> Explain {
    Explain(
      options: try each(message.messages(Tag.ExplainStmt.options), option),
      statement: try statement(try required(message.message(Tag.ExplainStmt.query), "EXPLAIN")))
  }

  private func transaction(_ message: WireMessage) throws(PulsehouseError) -> Transaction {
    let name = message.string(Tag.TransactionStmt.savepointName) ?? ""
    let andChain = message.bool(Tag.TransactionStmt.chain)
    switch TransactionCode(rawValue: message.int(Tag.TransactionStmt.kind)) {
    case .begin, .start: return .begin(try each(message.messages(Tag.TransactionStmt.options), option))
    case .commit: return .commit(andChain: andChain)
    case .rollback: return .rollback(andChain: andChain)
    case .savepoint: return .savepoint(name)
    case .release: return .release(name)
    case .rollbackTo: return .rollbackTo(name)
    case nil: throw unsupported("two-phase commit")
    }
  }

  private func prepare(_ message: WireMessage) throws(PulsehouseError) -> Prepare {
    var types: [TypeName] = []
    for node in message.messages(Tag.PrepareStmt.argtypes) {
      if let (kind, type) = node.choice, kind == Tag.Node.typeName { types.append(try typeName(type)) }
    }
    return Prepare(
      name: message.string(Tag.PrepareStmt.name) ?? "", types: types,
      statement: try statement(try required(message.message(Tag.PrepareStmt.query), "PREPARE")))
  }

  private func variableSet(_ message: WireMessage) throws(PulsehouseError) -> StatementNode {
    let name = message.string(Tag.VariableSetStmt.name) ?? ""
    let isLocal = message.bool(Tag.VariableSetStmt.isLocal)
    switch VariableSetCode(rawValue: message.int(Tag.VariableSetStmt.kind)) {
    case .value:
      let values = try expressions(message.messages(Tag.VariableSetStmt.args))
      return .set(SetVariable(name: name, values: values, isLocal: isLocal))
    case .defaultValue: return .set(SetVariable(name: name, values: nil, isLocal: isLocal))
    case .reset: return .reset(name)
    case .resetAll: return .reset(nil)
    case .multi:
      var level: Expression?
      for option in try each(message.messages(Tag.VariableSetStmt.args), option) {
        guard option.name == "transaction_isolation", case .text(let text)? = option.value else {
          throw unsupported("SET \(name)", option.range)
        }
        level = Expression(.literal(.string(text)), option.range)
      }
      let isLocal = name == "TRANSACTION"
      return .set(
        SetVariable(
          name: isLocal ? "transaction_isolation" : "default_transaction_isolation", values: level.map { [$0] },
          isLocal: isLocal))
    case .current, nil: throw unsupported("this form of SET")
    }
  }
}
