import Bytes
import Planning
import SQLSyntax
import Vectors

/// Statements about the session itself: what it holds to, gives up and is set to.
extension Session {
  /// Lets the transaction fail where others change one of the tables before it ends.
  func lock(_ tables: [Planning.TableReference], _ work: StatementWork) throws {
    for table in tables {
      guard let state = work.scope.storedTable(of: table) else { continue }
      try inTransaction("LOCK") { try $0.apply(.requireUnchanged(state.name)) }
    }
  }

  func discard(_ target: DiscardTarget, _ work: StatementWork) throws {
    if target == .all {
      guard open == nil else {
        throw PulsehouseError(.user, "DISCARD ALL cannot run inside a transaction block", sqlState: "25001")
      }
      settings = SessionSettings()
      prepared = [:]
      cursors = [:]
    }
    if target == .all || target == .sequences { sequenceMemory.forget() }
    if target == .all || target == .temporaryTables { try discardTemporaryTables() }
    try work.sink.finish(StatementOutcome(target == .all ? "DISCARD ALL" : "DISCARD \(target.rawValue)"))
  }

  func setConfig(
    _ name: String, _ values: [Scalar]?, isLocal: Bool, _ column: String, _ work: StatementWork
  ) throws {
    var changed = settings
    try changed.set(name, to: values)
    // Outside a transaction nothing is left of what is local when the statement ends.
    if !isLocal || open != nil { settings = changed }
    if !isLocal { try open?.settings?.after.set(name, to: values) }
    try work.sink.begin([Field(column, .text)])
    try work.sink.append(Batch([Vector.of(.text, [.text(try changed.value(of: name))])], rowCount: 1))
    try work.sink.finish(StatementOutcome("SELECT 1", rowCount: 1))
  }
}
