import Bytes

/// What the process answers when it ends; documented in the README and printed by `pulsehouse help exit-codes`.
package enum ExitCode: Int32, CaseIterable, Sendable {
  case success = 0
  case internalError = 1
  case usage = 2
  case user = 3
  case corrupt = 4
  case io = 5
  case conflict = 6
  case unsupported = 7
  case cancelled = 130

  package init(_ kind: PulsehouseError.Kind) {
    self =
      switch kind {
      case .usage: .usage
      case .user: .user
      case .corrupt: .corrupt
      case .io: .io
      case .conflict: .conflict
      case .unsupported: .unsupported
      case .cancelled: .cancelled
      case .internal: .internalError
      }
  }

  package var meaning: String {
    switch self {
    case .success: "everything asked for was done"
    case .internalError: "a promise of the program itself was broken; please report it"
    case .usage: "the command line was wrong"
    case .user: "the SQL, a model, an audit, a source or the data was wrong"
    case .corrupt: "a file of the warehouse is damaged; the message names it"
    case .io: "the operating system refused: disk full, no permission, no such file"
    case .conflict: "another process changed the same table; run it again"
    case .unsupported: "understood, but not supported; the message names it"
    case .cancelled: "stopped by Ctrl-C or a signal"
    }
  }
}
