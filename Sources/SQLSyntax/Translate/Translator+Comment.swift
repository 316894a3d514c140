import Bytes

extension Translator {
  func comment(_ message: WireMessage) throws(PulsehouseError) -> Comment {
    let object = try required(message.message(Tag.CommentStmt.object), "COMMENT")
    let target: Comment.Target
    switch ObjectCode(rawValue: message.int(Tag.CommentStmt.objtype)) {
    case .table: target = .relation(.table, try objectName(object))
    case .view: target = .relation(.view, try objectName(object))
    case .materializedView: target = .relation(.materializedView, try objectName(object))
    case .index: target = .relation(.index, try objectName(object))
    case .sequence: target = .relation(.sequence, try objectName(object))
    case .column:
      let (part, owner) = try partName(object)
      target = .column(part, of: owner)
    case .tableConstraint:
      let (part, owner) = try partName(object)
      target = .constraint(part, of: owner)
    case .schema: target = .schema(try objectName(object).name)
    case .type: target = .type(try objectName(object), isDomain: false)
    case .domain: target = .type(try objectName(object), isDomain: true)
    default: throw unsupported(commentWords())
    }
    let text = message.string(Tag.CommentStmt.comment)
    return Comment(target: target, text: text?.isEmpty == false ? text : nil)
  }

  /// The last part of a name, and what it is a part of.
  private func partName(_ object: WireMessage) throws(PulsehouseError) -> (String, QualifiedName) {
    var parts = names(items(object))
    guard parts.count > 1, let last = parts.popLast() else {
      throw SyntaxFailure.user("column name must be qualified", statementRange)
    }
    return (last, try objectName(parts: parts))
  }

  /// `COMMENT ON` and the kind of thing, for messages.
  private func commentWords() -> String {
    var lexer = SQLLexer(text, at: statementStart)
    var words: [String] = []
    while words.count < 3 {
      let token = lexer.next()
      guard token.kind == .word else { break }
      words.append(lexer.string(token).uppercased())
    }
    return words.joined(separator: " ")
  }
}
