import Bytes
import Engine
import Execution

/// Takes a published run back: its models are again what they were before it, in one commit.
package enum RunUndo {
  /// Undoes run `number`; nil: the last published one that was not undone yet. Returns that run's record.
  ///
  /// Segments are named again, not copied, so it takes milliseconds whatever their size. What others committed
  /// meanwhile to other tables stays. A later `run` does the work again.
  ///
  /// - Throws: `.user` when there is no such run, it published nothing, it was undone already, its snapshot is gone, or
  ///   something it made was changed since; `.conflict` 40001.
  package static func undo(_ number: Int?, in session: Session) throws -> RunRecord {
    try session.begin()
    do {
      let snapshot = try session.currentSnapshot()
      let records = try RunRecord.all(in: snapshot)
      let target = try target(number, records)
      let names = target.changedRelations
      try requireUntouched(names, by: target, records, session)
      try session.restore(
        relations: names, spaces: names.map { .model(RelationName($0).description) }, to: target.snapshotBefore,
        message: "")
      try fixMarks(names, at: target.snapshotBefore, session)
      let next = (records.last?.number ?? 0) + 1
      let record = RunRecord(
        number: next, outcome: .undo, startedAt: MachineClock.microsecondsSince1970, seconds: 0,
        snapshotBefore: snapshot.id,
        models: [], environment: target.environment, undoneRun: target.number)
      try session.putRun(record)
      try session.commit(message: "run \(next): undo of run \(target.number)")
      return target
    } catch {
      session.rollback()
      throw error
    }
  }

  /// A mark that says "the commit this was written in" must go on meaning that one, not the undo's.
  private static func fixMarks(_ names: [TableName], at snapshot: SnapshotID, _ session: Session) throws {
    let before = try session.warehouse.store.snapshot(at: snapshot)
    for name in names.map({ RelationName($0) }) {
      let space = StateSpace.model(name.description)
      guard let writtenAt = before.changedAt(of: space),
        let bytes = try before.entry(of: space, key: ModelState.key)
      else { continue }
      var state = try ModelState.decode(bytes, of: name)
      for (read, mark) in state.reads where mark.snapshot == nil { state.reads[read]?.snapshot = writtenAt.number }
      try session.putState(space, key: ModelState.key, value: state.encode())
    }
  }

  private static func target(_ number: Int?, _ records: [RunRecord]) throws(PulsehouseError) -> RunRecord {
    let undone = Set(records.compactMap(\.undoneRun))
    if let number {
      guard let record = records.first(where: { $0.number == number }) else {
        throw PulsehouseError(
          .user, "there is no run \(number)", sqlState: "22023", hint: "pulsehouse history lists the runs.")
      }
      guard record.hasPublished else {
        throw PulsehouseError(.user, "run \(number) published nothing, so there is nothing to undo", sqlState: "22023")
      }
      guard !undone.contains(number) else {
        throw PulsehouseError(.user, "run \(number) was undone already", sqlState: "22023")
      }
      return record
    }
    // Without a number what everybody sees is meant, not what an environment tried.
    guard
      let last = records.last(where: {
        $0.hasPublished && ($0.environment == nil || $0.outcome == .promoted) && !undone.contains($0.number)
      })
    else {
      throw PulsehouseError(.user, "there is no run to undo", sqlState: "22023")
    }
    return last
  }

  /// What the run made is as the run left it.
  private static func requireUntouched(
    _ names: [TableName], by target: RunRecord, _ records: [RunRecord], _ session: Session
  ) throws {
    let undone = Set(records.compactMap(\.undoneRun))
    let later = records.last { record in
      record.number > target.number && record.hasPublished && !undone.contains(record.number)
        && record.changedRelations.contains { names.contains($0) }
    }
    if let later {
      throw PulsehouseError(
        .user, "run \(later.number) built on run \(target.number)", sqlState: "55000",
        hint: "Undo the later runs first, the last one first.")
    }
    let snapshot = try session.currentSnapshot()
    let commits = try session.warehouse.store.history()
    let prefix = "run \(target.number):"
    guard
      let commit = commits.last(where: { $0.id > target.snapshotBefore && $0.message.hasPrefix(prefix) })
    else {
      throw PulsehouseError(
        .user, "the snapshot of run \(target.number) is gone", sqlState: "22023",
        detail: "Garbage collection keeps the newest snapshots only.")
    }
    // An undo of a later run names old segments anew: the rows are the same, the commit is not.
    let undos = records.filter { $0.outcome == .undo && ($0.undoneRun ?? 0) > target.number }.map(\.number)
    let allowed = Set(
      [commit.id] + commits.filter { entry in undos.contains { entry.message.hasPrefix("run \($0):") } }.map(\.id))
    for name in names {
      guard let changedAt = snapshot.table(name)?.changedAt ?? snapshot.view(name)?.changedAt else { continue }
      guard allowed.contains(changedAt) || changedAt <= commit.id else {
        throw PulsehouseError(
          .user, "\(name) was changed after run \(target.number)", sqlState: "55000",
          detail: "It was last changed by snapshot \(changedAt), the run was snapshot \(commit.id).",
          hint: "Undoing the run would lose that change.")
      }
    }
  }
}
