import Bytes

extension Translator {
  func declareCursor(_ message: WireMessage) throws(PulsehouseError) -> DeclareCursor {
    let options = CursorBits(rawValue: message.int(Tag.DeclareCursorStmt.options))
    func refuse(_ words: String) -> PulsehouseError {
      PulsehouseError(.user, words, sqlState: "42P11", range: statementRange.bytes)
    }
    if options.isSuperset(of: [.scroll, .noScroll]) { throw refuse("cannot specify both SCROLL and NO SCROLL") }
    if options.isSuperset(of: [.insensitive, .asensitive]) {
      throw refuse("cannot specify both INSENSITIVE and ASENSITIVE")
    }
    if options.contains(.binary) { throw unsupported("a BINARY cursor") }
    let query = try required(message.message(Tag.DeclareCursorStmt.query), "DECLARE CURSOR")
    guard case .query(let select) = try statement(query) else { throw unsupported("this form of DECLARE CURSOR") }
    return DeclareCursor(
      name: message.string(Tag.DeclareCursorStmt.portalname) ?? "",
      scrolls: options.contains(.scroll) ? true : options.contains(.noScroll) ? false : nil,
      isHeld: options.contains(.hold), query: select)
  }

  func fetch(_ message: WireMessage) throws(PulsehouseError) -> Fetch {
    let directions: [Int: Fetch.Direction] = [1: .forward, 2: .backward, 3: .absolute, 4: .relative]
    guard let direction = directions[message.int(Tag.FetchStmt.direction)] else {
      throw unsupported("this form of FETCH")
    }
    return Fetch(
      cursor: message.string(Tag.FetchStmt.portalname) ?? "", direction: direction,
      count: Int64(message.int(Tag.FetchStmt.howMany)), isMove: message.bool(Tag.FetchStmt.ismove))
  }
}
