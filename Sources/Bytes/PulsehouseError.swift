/// The one error type that reaches people: a kind, words, and where it was found.
///
/// Every module throws it (or a module error that converts to it at the module's door), so the command line can turn
/// any failure into one message, one hint and one exit code.
package struct PulsehouseError: Error, Sendable, CustomStringConvertible {
  /// What went wrong, in the few kinds a caller can act on.
  package enum Kind: String, Sendable, CaseIterable {
    /// The command line was wrong.
    case usage
    /// The user's SQL, model, source or data was wrong; `sqlState` and `range` say more.
    case user
    /// Bytes on disk are not what was written: a checksum, a magic number, a length.
    case corrupt
    /// The operating system refused: a path, an errno.
    case io
    /// Somebody else changed the same thing; trying again may succeed.
    case conflict
    /// Understood, but not built.
    case unsupported
    /// The user asked to stop.
    case cancelled
    /// A promise of our own was broken.
    case `internal`
  }

  package var kind: Kind
  /// PostgreSQL's five-character SQLSTATE.
  package var sqlState: String
  package var message: String
  package var detail: String?
  package var hint: String?
  /// UTF-8 byte range into the SQL text the error speaks of, for the caret.
  package var range: Range<Int>?
  /// The file (and `line`, from 1) the error speaks of, when it is about one.
  package var file: String?
  package var line: Int?

  package init(
    _ kind: Kind, _ message: String, sqlState: String? = nil, detail: String? = nil, hint: String? = nil,
    range: Range<Int>? = nil, file: String? = nil, line: Int? = nil
  ) {
    self.kind = kind
    self.message = message
    self.sqlState = sqlState ?? kind.defaultSQLState
    self.detail = detail
    self.hint = hint
    self.range = range
    self.file = file
    self.line = line
  }

  package var description: String {
    var text = message
    if let file { text = line.map { "\(file):\($0): \(text)" } ?? "\(file): \(text)" }
    if let detail { text += "\nDETAIL: \(detail)" }
    if let hint { text += "\nHINT: \(hint)" }
    return text
  }
}

extension PulsehouseError.Kind {
  /// Returns the SQLSTATE class PostgreSQL uses for this kind when the thrower names none.
  package var defaultSQLState: String {
    switch self {
    case .usage: "42601"
    case .user: "22000"
    case .corrupt: "XX001"
    case .io: "58030"
    case .conflict: "40001"
    case .unsupported: "0A000"
    case .cancelled: "57014"
    case .internal: "XX000"
    }
  }
}
