import Bytes
import Execution
import Kernels
import Planning
import Vectors

/// MERGE and INSERT ... ON CONFLICT: rows added, changed and removed in one step.
extension Session {
  func merge(_ merge: RowMerge, _ work: StatementWork) throws {
    let state = try work.scope.state(of: merge.table.reference)
    let returned = Unchecked(ReturnedRows(merge.returning))
    let count = try inTransaction("\(merge.verb) INTO \(state.name)") { transaction in
      let writer = try tableWriter(state.name, state.definition, transaction)
      let sorter = Unchecked(
        RowSorter(merge, try CompiledChecks(merge.checks, of: state.name, now: work.now, zone: settings.zone)))
      let box = Unchecked(writer)
      let width = state.definition.columns.count
      try Executor.run(merge.plan, in: queryContext(work)) { batch in
        if let start = merge.proposed {
          let rows = Batch(Array(batch.columns[start..<start + width]), rowCount: batch.rowCount)
          try box.value.requireValues(rows.columns)
          try sorter.value.checks.test(rows)
        }
        try sorter.value.take(batch)
        let (stored, shown) = (sorter.value.stored, sorter.value.shown)
        if !stored.isEmpty {
          let rows = Batch(
            batch.columns[2..<(2 + width)].map { Gather.rows($0, SelectionVector(stored)) }, rowCount: stored.count)
          try sorter.value.checks.test(rows)
          try box.value.append(rows)
        }
        if !merge.returning.isEmpty, !shown.isEmpty {
          let rows = Batch(
            batch.columns.dropFirst(merge.returningStart).map { Gather.rows($0, SelectionVector(shown)) },
            rowCount: shown.count)
          returned.value.append(rows, from: 0)
        }
      }
      let doomed = sorter.value.doomed
      let removed = doomed.count > 0 ? try rewrite(state, without: doomed, writer, work) : []
      try add(try finish(writer), to: state.name, removing: removed, state.definition, transaction, work)
      return sorter.value.changedCount
    }
    try returned.value.send(to: work.sink)
    let tag = merge.verb == "INSERT" ? "INSERT 0 \(count)" : "\(merge.verb) \(count)"
    try work.sink.finish(StatementOutcome(tag, rowCount: count))
    try mergeSmallSegments(of: state.name, work)
  }
}

/// Decides row by row what the statement's plan asks for, and minds rows that it names twice.
private final class RowSorter {
  let checks: CompiledChecks
  /// Rows of the table that go: changed or removed.
  let doomed = RowSet()
  private(set) var changedCount = 0
  /// Of the batch last taken: rows whose values are written, and rows that RETURNING shows.
  private(set) var stored: [UInt32] = []
  private(set) var shown: [UInt32] = []
  private let merge: RowMerge
  private var seen: [Set<[Scalar]>]

  init(_ merge: RowMerge, _ checks: CompiledChecks) {
    self.merge = merge
    self.checks = checks
    seen = merge.keys.map { _ in [] }
  }

  func take(_ batch: Batch) throws {
    stored = []
    shown = []
    for row in 0..<batch.rowCount {
      guard case .integer(let code) = batch.columns[0].scalar(at: row), let action = RowMerge.Action(rawValue: code)
      else { throw PulsehouseError(.internal, "a row of \(merge.verb) without an action") }
      switch action {
      case .nothing: continue
      case .insert: if try !isNew(batch, row) { continue }
      case .update, .delete:
        guard case .integer(let identifier) = batch.columns[1].scalar(at: row) else {
          throw PulsehouseError(.internal, "a row of \(merge.verb) without an identifier")
        }
        guard doomed.insert(identifier) else { throw repeated }
      }
      changedCount += 1
      shown.append(UInt32(row))
      if action != .delete { stored.append(UInt32(row)) }
    }
  }

  /// Tells whether no earlier new row of the statement has any of this one's keys.
  private func isNew(_ batch: Batch, _ row: Int) throws -> Bool {
    let keys = merge.keys.map { key in
      key.map { KeyValue.normal(batch.columns[2 + $0].scalar(at: row)) }
    }
    for (index, key) in keys.enumerated() where seen[index].contains(key) {
      if merge.repetition == .isRefused { throw repeated }
      return false
    }
    for (index, key) in keys.enumerated() where !key.contains(.null) { seen[index].insert(key) }
    return true
  }

  private var repeated: PulsehouseError {
    merge.verb == "INSERT"
      ? PulsehouseError(
        .user, "ON CONFLICT DO UPDATE command cannot affect row a second time", sqlState: "21000",
        hint: "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
      : PulsehouseError(
        .user, "MERGE command cannot affect row a second time", sqlState: "21000",
        hint: "Ensure that not more than one source row matches any one target row.")
  }
}

/// Values by which equal keys are equal scalars.
private enum KeyValue {
  static func normal(_ scalar: Scalar) -> Scalar {
    switch scalar {
    case .numeric(let value): .numeric(withoutTrailingZeros(value))
    case .double(let value): .double(value == 0 ? 0 : value)
    case .real(let value): .real(value == 0 ? 0 : value)
    default: scalar
    }
  }

  private static func withoutTrailingZeros(_ value: Numeric) -> Numeric {
    var result = value
    while result.scale > 0, result.mantissa % 10 == 0 {
      result.mantissa /= 10
      result.scale -= 1
    }
    return result
  }
}
