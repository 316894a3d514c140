import Bytes

extension Translator {
  /// Returns the table that a statement writes to.
  private func target(_ message: WireMessage?, _ form: String) throws(PulsehouseError) -> NamedTable {
    namedTable(try required(message, form))
  }

  func insert(_ message: WireMessage) throws(PulsehouseError) -> Insert {
    let with = try withClause(message.message(Tag.InsertStmt.withClause))
    var source = Insert.Source.defaultValues
    if let node = message.message(Tag.InsertStmt.selectStmt) {
      source = .query(try subquery(node, .unknown))
    }
    let overridings: [Int: Insert.Overriding] = [2: .user, 3: .system]
    return Insert(
      with: with, table: try target(message.message(Tag.InsertStmt.relation), "INSERT"),
      columns: try each(message.messages(Tag.InsertStmt.cols), assignmentTarget), source: source,
      overriding: overridings[message.int(Tag.InsertStmt.override)] ?? .none,
      onConflict: try onConflict(message.message(Tag.InsertStmt.onConflictClause)),
      returning: try each(message.messages(Tag.InsertStmt.returningList), selectItem))
  }

  private func assignmentTarget(_ node: WireMessage) throws(PulsehouseError) -> AssignmentTarget {
    guard let (kind, message) = node.choice, kind == Tag.Node.resTarget else {
      throw unsupported("this form of assignment")
    }
    let place = range(message.int(Tag.ResTarget.location))
    let subscripts = try each(message.messages(Tag.ResTarget.indirection)) {
      (node: WireMessage) throws(PulsehouseError) in
      guard let (kind, indices) = node.choice, kind == Tag.Node.aIndices else {
        throw unsupported("assigning to a field of a column", place)
      }
      return try arraySubscript(indices)
    }
    return AssignmentTarget(name: message.string(Tag.ResTarget.name) ?? "", subscripts: subscripts, range: place)
  }

  private func onConflict(_ message: WireMessage?) throws(PulsehouseError) -> OnConflict? {
    guard let message else { return nil }
    let place = range(message.int(Tag.OnConflictClause.location))
    var target = OnConflict.Target.any
    if let infer = message.message(Tag.OnConflictClause.infer) {
      if let name = infer.string(Tag.InferClause.conname) {
        target = .constraint(name)
      } else {
        target = .columns(
          try each(infer.messages(Tag.InferClause.indexElems), indexElement),
          predicate: try optionalExpression(infer.message(Tag.InferClause.whereClause)))
      }
    }
    guard message.int(Tag.OnConflictClause.action) == 3 else {
      return OnConflict(target: target, action: .nothing, range: place)
    }
    let assignments = try self.assignments(message.messages(Tag.OnConflictClause.targetList))
    let predicate = try optionalExpression(message.message(Tag.OnConflictClause.whereClause))
    return OnConflict(target: target, action: .update(assignments, predicate: predicate), range: place)
  }

  func indexElement(_ node: WireMessage) throws(PulsehouseError) -> Expression {
    guard let (kind, message) = node.choice, kind == Tag.Node.indexElem else {
      throw unsupported("this form of index key")
    }
    if !message.messages(Tag.IndexElem.collation).isEmpty { throw unsupported("COLLATE of an index key") }
    if !message.messages(Tag.IndexElem.opclass).isEmpty { throw unsupported("an operator class") }
    if let expression = try optionalExpression(message.message(Tag.IndexElem.expr)) { return expression }
    return Expression(.column([message.string(Tag.IndexElem.name) ?? ""]), .unknown)
  }

  /// Translates `SET`; the columns of one `(a, b) = ...` arrive as neighbours that share their source.
  func assignments(_ nodes: [WireMessage]) throws(PulsehouseError) -> [Assignment] {
    var result: [Assignment] = []
    var index = 0
    while index < nodes.count {
      let target = try assignmentTarget(nodes[index])
      let value = nodes[index].choice?.message.message(Tag.ResTarget.val)
      if let (kind, reference) = value?.choice, kind == Tag.Node.multiAssignRef {
        let count = max(1, reference.int(Tag.MultiAssignRef.ncolumns))
        guard index + count <= nodes.count else { throw unsupported("this form of SET", target.range) }
        var targets = [target]
        for offset in 1..<max(1, count) { targets.append(try assignmentTarget(nodes[index + offset])) }
        let source = try optionalExpression(reference.message(Tag.MultiAssignRef.source))
        result.append(.multiple(targets, try required(source, "SET")))
        index += count
      } else {
        result.append(.single(target, try required(try optionalExpression(value), "SET")))
        index += 1
      }
    }
    return result
  }

  func update(_ message: WireMessage) throws(PulsehouseError) -> Update {
    Update(
      with: try withClause(message.message(Tag.UpdateStmt.withClause)),
      table: try target(message.message(Tag.UpdateStmt.relation), "UPDATE"),
      assignments: try assignments(message.messages(Tag.UpdateStmt.targetList)),
      from: try each(message.messages(Tag.UpdateStmt.fromClause), tableReference),
      predicate: try optionalExpression(message.message(Tag.UpdateStmt.whereClause)),
      returning: try each(message.messages(Tag.UpdateStmt.returningList), selectItem))
  }

  func delete(_ message: WireMessage) throws(PulsehouseError) -> Delete {
    Delete(
      with: try withClause(message.message(Tag.DeleteStmt.withClause)),
      table: try target(message.message(Tag.DeleteStmt.relation), "DELETE"),
      using: try each(message.messages(Tag.DeleteStmt.usingClause), tableReference),
      predicate: try optionalExpression(message.message(Tag.DeleteStmt.whereClause)),
      returning: try each(message.messages(Tag.DeleteStmt.returningList), selectItem))
  }

  func merge(_ message: WireMessage) throws(PulsehouseError) -> Merge {
    Merge(
      with: try withClause(message.message(Tag.MergeStmt.withClause)),
      table: try target(message.message(Tag.MergeStmt.relation), "MERGE"),
      source: try tableReference(try required(message.message(Tag.MergeStmt.sourceRelation), "MERGE")),
      condition: try expression(try required(message.message(Tag.MergeStmt.joinCondition), "MERGE")),
      clauses: try each(message.messages(Tag.MergeStmt.mergeWhenClauses), mergeClause))
  }

  private func mergeClause(_ node: WireMessage) throws(PulsehouseError) -> Merge.Clause {
    guard let (kind, message) = node.choice, kind == Tag.Node.mergeWhenClause else {
      throw unsupported("this form of MERGE")
    }
    let targets = message.messages(Tag.MergeWhenClause.targetList)
    let action: Merge.Action
    switch CommandCode(rawValue: message.int(Tag.MergeWhenClause.commandType)) {
    case .nothing: action = .nothing
    case .delete: action = .delete
    case .update: action = .update(try assignments(targets))
    case .insert:
      if message.int(Tag.MergeWhenClause.override) > 1 { throw unsupported("OVERRIDING in MERGE") }
      let values = message.messages(Tag.MergeWhenClause.values)
      action = .insert(
        columns: try each(targets, assignmentTarget), values: values.isEmpty ? nil : try expressions(values))
    case nil: throw unsupported("this form of MERGE")
    }
    return Merge.Clause(
      isMatched: message.bool(Tag.MergeWhenClause.matched),
      condition: try optionalExpression(message.message(Tag.MergeWhenClause.condition)), action: action)
  }

  func truncate(_ message: WireMessage) throws(PulsehouseError) -> Truncate {
    var tables: [QualifiedName] = []
    for node in message.messages(Tag.TruncateStmt.relations) {
      if let (kind, table) = node.choice, kind == Tag.Node.rangeVar { tables.append(qualifiedName(table)) }
    }
    return Truncate(
      tables: tables, restartsIdentity: message.bool(Tag.TruncateStmt.restartSeqs),
      isCascade: message.int(Tag.TruncateStmt.behavior) == 2)
  }

  func copy(_ message: WireMessage) throws(PulsehouseError) -> Copy {
    let subject: Copy.Subject
    if let table = message.message(Tag.CopyStmt.relation) {
      subject = .table(qualifiedName(table), columns: names(message.messages(Tag.CopyStmt.attlist)))
    } else {
      subject = .query(try statement(try required(message.message(Tag.CopyStmt.query), "COPY")))
    }
    var place = Copy.Place.standard
    if let path = message.string(Tag.CopyStmt.filename) {
      place = message.bool(Tag.CopyStmt.isProgram) ? .program(path) : .file(path)
    }
    return Copy(
      subject: subject, isFrom: message.bool(Tag.CopyStmt.isFrom), place: place,
      options: try each(message.messages(Tag.CopyStmt.options), option),
      predicate: try optionalExpression(message.message(Tag.CopyStmt.whereClause)))
  }
}
