import Bytes

/// Turns the C library's tree into the typed one. One instance serves one text, on one thread.
///
/// The extensions follow the AST: `+Expression`, `+Function`, `+Query`, `+From`, `+DataChange`, `+DataDefinition`,
/// `+Statement`.
final class Translator {
  let text: UnsafeBufferPointer<UInt8>
  /// What is added to every offset: where the text stands in a larger one, less what was put before it.
  private let rangeOffset: Int
  private var depth = 0
  /// The statement being translated, to point at when a form has no place of its own.
  var statementRange = SourceRange.unknown
  /// Where the statement starts in the parsed text.
  var statementStart = 0

  init(_ text: UnsafeBufferPointer<UInt8>, rangeOffset: Int) {
    self.text = text
    self.rangeOffset = rangeOffset
  }

  /// Enters a level of nesting; the caller leaves it by `leave` in a `defer`.
  func enter(_ levels: Int = 1) throws(PulsehouseError) {
    depth += levels
    if depth > PostgresParser.maximumDepth {
      depth -= levels
      throw SyntaxFailure.tooDeep(statementRange)
    }
  }

  func leave(_ levels: Int = 1) { depth -= levels }

  /// Returns the range of the token at a location of the tree; a negative location is unknown.
  func range(_ location: Int) -> SourceRange {
    guard location >= 0, location <= text.count else { return .unknown }
    return place(location, SyntaxFailure.tokenEnd(in: text, at: location))
  }

  /// Returns the range of these offsets of the parsed text.
  func place(_ start: Int, _ end: Int) -> SourceRange {
    SourceRange(max(0, start + rangeOffset), max(0, end + rangeOffset))
  }

  func unsupported(_ what: String, _ range: SourceRange = .unknown, hint: String? = nil) -> PulsehouseError {
    SyntaxFailure.unsupported(what, range.isKnown ? range : statementRange, hint: hint)
  }

  /// Translates each message, in order.
  func each<T>(
    _ messages: [WireMessage], _ translate: (WireMessage) throws(PulsehouseError) -> T
  ) throws(PulsehouseError) -> [T] {
    var result: [T] = []
    result.reserveCapacity(messages.count)
    for message in messages { result.append(try translate(message)) }
    return result
  }

  /// Returns the strings of a list of string nodes; other nodes are passed over.
  func names(_ nodes: [WireMessage]) -> [String] {
    nodes.compactMap(string)
  }

  /// Returns the string of a string node.
  func string(_ node: WireMessage) -> String? {
    guard let (kind, message) = node.choice, kind == Tag.Node.string else { return nil }
    return message.message(Tag.String.sval)?.text ?? ""
  }

  func operatorName(_ nodes: [WireMessage]) -> OperatorName {
    let names = names(nodes)
    return OperatorName(names.last ?? "", schema: names.count > 1 ? names[names.count - 2] : nil)
  }

  func optionalExpression(_ node: WireMessage?) throws(PulsehouseError) -> Expression? {
    guard let node else { return nil }
    return try expression(node)
  }

  func expressions(_ nodes: [WireMessage]) throws(PulsehouseError) -> [Expression] {
    try each(nodes, expression)
  }

  /// Returns the items of a list node; a node of another kind is its own only item.
  func items(_ node: WireMessage) -> [WireMessage] {
    guard let (kind, message) = node.choice, kind == Tag.Node.list else { return [node] }
    return message.messages(Tag.List.items)
  }
}
