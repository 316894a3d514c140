import Bytes

/// Whether what failed is worth another try.
enum Retry: Hashable, Sendable {
  /// The same would happen again: wrong SQL, a file that is missing, a damaged one.
  case never
  /// After a while: a lock, a disk that was full or did not answer.
  case later
  /// At once, when nothing else takes memory.
  case alone

  init(_ error: PulsehouseError) {
    // A missing file, one that is in the way, and one that may not be read stay so.
    let lasting = ["58P01", "58P02", "42501"]
    self =
      switch error.kind {
      case .conflict: .later
      case .io: lasting.contains(error.sqlState) ? .never : .later
      case .user where error.sqlState == "53200": .alone
      default: .never
      }
  }
}
