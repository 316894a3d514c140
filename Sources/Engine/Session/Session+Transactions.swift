import Bytes
import SQLSyntax
import Vectors

/// BEGIN, COMMIT, ROLLBACK and savepoints as statements.
extension Session {
  func changeTransaction(_ change: SQLSyntax.Transaction, _ work: StatementWork) throws {
    switch change {
    case .begin(let options):
      if open == nil {
        let isolation = options.first { $0.name == "transaction_isolation" }?.value
        try begin()
        if let isolation { open?.isSerializable = isolation == .text(SessionSettings.Isolation.serializable.rawValue) }
        open?.isReadOnly = options.contains { $0.name == "transaction_read_only" && $0.value == .integer(1) }
        open?.settings = (settings, settings)
        try work.sink.finish(StatementOutcome("BEGIN"))
      } else {
        try work.sink.finish(
          StatementOutcome("BEGIN", notices: ["there is already a transaction in progress"]))
      }
    case .commit(let andChain):
      let notices = open == nil ? ["there is no transaction in progress"] : []
      let hadFailed = open?.hasFailed == true
      let kept = open?.settings
      let ended = open
      do {
        try commit()
      } catch {
        if let kept { settings = kept.before }
        throw error
      }
      if let kept { settings = hadFailed ? kept.before : kept.after }
      if andChain { try chain(after: ended, "COMMIT") }
      try work.sink.finish(StatementOutcome(hadFailed ? "ROLLBACK" : "COMMIT", notices: notices))
    case .rollback(let andChain):
      let notices = open == nil ? ["there is no transaction in progress"] : []
      if let kept = open?.settings { settings = kept.before }
      let ended = open
      rollback()
      if andChain { try chain(after: ended, "ROLLBACK") }
      try work.sink.finish(StatementOutcome("ROLLBACK", notices: notices))
    case .savepoint(let name): try savepoint(name, work)
    case .release(let name):
      try releaseSavepoint(name, rollback: false)
      try work.sink.finish(StatementOutcome("RELEASE"))
    case .rollbackTo(let name):
      try releaseSavepoint(name, rollback: true)
      try work.sink.finish(StatementOutcome("ROLLBACK"))
    }
  }

  /// Begins a transaction that is as the one before it was. - Throws: 25P01 when there was none.
  private func chain(after ended: OpenTransaction?, _ verb: String) throws {
    guard let ended else {
      throw PulsehouseError(
        .user, "\(verb) AND CHAIN can only be used in transaction blocks", sqlState: "25P01")
    }
    try begin()
    open?.isSerializable = ended.isSerializable
    open?.isReadOnly = ended.isReadOnly
    open?.settings = (settings, settings)
  }

  /// SET TRANSACTION ISOLATION LEVEL; returns what to tell of it.
  ///
  /// - Throws: 25001 when the transaction has read a table already.
  func setIsolation(_ values: [Scalar]?) throws -> [String] {
    let level = try SessionSettings.isolation(values, "transaction_isolation") ?? settings.isolation
    guard let open else { return ["SET TRANSACTION can only be used in transaction blocks"] }
    guard open.tables.isEmpty else {
      throw PulsehouseError(
        .user, "SET TRANSACTION ISOLATION LEVEL must be called before any query", sqlState: "25001")
    }
    self.open?.isSerializable = level == .serializable
    return []
  }

  private func savepoint(_ name: String, _ work: StatementWork) throws {
    guard let transaction = open?.transaction else {
      throw PulsehouseError(.user, "SAVEPOINT can only be used in transaction blocks", sqlState: "25P01")
    }
    open?.savepoints.append((name, transaction.mark))
    try work.sink.finish(StatementOutcome("SAVEPOINT"))
  }

  /// Forgets a savepoint and those after it; with `rollback` also what was done since, and the savepoint stays.
  private func releaseSavepoint(_ name: String, rollback: Bool) throws {
    guard let current = open else {
      throw PulsehouseError(
        .user, "\(rollback ? "ROLLBACK TO" : "RELEASE") SAVEPOINT can only be used in transaction blocks",
        sqlState: "25P01")
    }
    guard let index = current.savepoints.lastIndex(where: { $0.name == name }) else {
      throw PulsehouseError(.user, "savepoint \"\(name)\" does not exist", sqlState: "3B001")
    }
    if rollback {
      try current.transaction.rollback(to: current.savepoints[index].mark)
      open?.savepoints.removeSubrange((index + 1)...)
      cursors = cursors.filter { $0.value.savepointCount.map { $0 <= index } ?? true }
      open?.hasFailed = false
    } else {
      open?.savepoints.removeSubrange(index...)
      // What was made since belongs to what stands around.
      for name in cursors.keys where (cursors[name]?.savepointCount ?? 0) > index {
        cursors[name]?.savepointCount = index
      }
    }
  }
}
