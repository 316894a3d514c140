import Bytes

/// CREATE and ALTER of domains and enumerated types.
extension Translator {
  func createDomain(_ message: WireMessage) throws(PulsehouseError) -> TypeStatement {
    let type = try required(message.message(Tag.CreateDomainStmt.typeName), "CREATE DOMAIN")
    var constraints: [Constraint] = []
    for node in message.messages(Tag.CreateDomainStmt.constraints) {
      if let (kind, element) = node.choice, kind == Tag.Node.constraint { constraints.append(try constraint(element)) }
    }
    return .createDomain(
      CreateDomain(
        name: try objectName(message.messages(Tag.CreateDomainStmt.domainname)), type: try typeName(type),
        collation: names(
          message.message(Tag.CreateDomainStmt.collClause)?.messages(Tag.CollateClause.collname) ?? []),
        constraints: constraints))
  }

  func createEnum(_ message: WireMessage) throws(PulsehouseError) -> TypeStatement {
    .createEnum(
      try objectName(message.messages(Tag.CreateEnumStmt.typeName)),
      labels: names(message.messages(Tag.CreateEnumStmt.vals)))
  }

  func alterEnum(_ message: WireMessage) throws(PulsehouseError) -> TypeStatement {
    let new = message.string(Tag.AlterEnumStmt.newVal) ?? ""
    let neighbour = message.string(Tag.AlterEnumStmt.newValNeighbor)
    let action: AlterType.Action
    let old = message.string(Tag.AlterEnumStmt.oldVal) ?? ""
    let isAfter = message.bool(Tag.AlterEnumStmt.newValIsAfter)
    // The tree leaves out what is empty; a plain ADD VALUE counts as one after all others.
    if !old.isEmpty || (neighbour == nil && !isAfter) {
      action = .renameValue(old, to: new)
    } else {
      action = .addValue(
        new, ifNotExists: message.bool(Tag.AlterEnumStmt.skipIfNewValExists), neighbour: neighbour, isAfter: isAfter)
    }
    return .alter(
      AlterType(name: try objectName(message.messages(Tag.AlterEnumStmt.typeName)), isDomain: false, action: action))
  }

  func alterDomain(_ message: WireMessage) throws(PulsehouseError) -> TypeStatement {
    let name = message.string(Tag.AlterDomainStmt.name) ?? ""
    let definition = message.message(Tag.AlterDomainStmt.def)
    let action: AlterType.Action
    switch message.string(Tag.AlterDomainStmt.subtype) {
    case "T": action = try optionalExpression(definition).map(AlterType.Action.setDefault) ?? .dropDefault
    case "N": action = .dropNotNull
    case "O": action = .setNotNull
    case "C":
      guard let (kind, element) = definition?.choice, kind == Tag.Node.constraint else {
        throw unsupported("this form of ADD CONSTRAINT")
      }
      action = .addConstraint(try constraint(element))
    case "X": action = .dropConstraint(name, ifExists: message.bool(Tag.AlterDomainStmt.missingOk))
    case "V": action = .validateConstraint(name)
    default: throw unsupported("this form of ALTER DOMAIN")
    }
    return .alter(
      AlterType(name: try objectName(message.messages(Tag.AlterDomainStmt.typeName)), isDomain: true, action: action))
  }

  /// `ALTER TYPE | DOMAIN ... RENAME`; nil where something else is renamed.
  func renameType(_ message: WireMessage) throws(PulsehouseError) -> TypeStatement? {
    let new = message.string(Tag.RenameStmt.newname) ?? ""
    let kind = ObjectCode(rawValue: message.int(Tag.RenameStmt.renameType))
    let action: AlterType.Action
    switch kind {
    case .type, .domain: action = .rename(to: new)
    case .domainConstraint: action = .renameConstraint(message.string(Tag.RenameStmt.subname) ?? "", to: new)
    default: return nil
    }
    let object = try required(message.message(Tag.RenameStmt.object), "RENAME")
    return .alter(AlterType(name: try objectName(object), isDomain: kind != .type, action: action))
  }

  /// `ALTER TYPE | DOMAIN ... SET SCHEMA`; nil for something else.
  func setTypeSchema(_ message: WireMessage) throws(PulsehouseError) -> TypeStatement? {
    let kind = ObjectCode(rawValue: message.int(Tag.AlterObjectSchemaStmt.objectType))
    guard kind == .type || kind == .domain else { return nil }
    let object = try required(message.message(Tag.AlterObjectSchemaStmt.object), "SET SCHEMA")
    return .alter(
      AlterType(
        name: try objectName(object), isDomain: kind == .domain,
        action: .setSchema(message.string(Tag.AlterObjectSchemaStmt.newschema) ?? "")))
  }

  /// Reads a name that the tree holds as strings.
  private func objectName(_ nodes: [WireMessage]) throws(PulsehouseError) -> QualifiedName {
    try objectName(parts: names(nodes))
  }
}
