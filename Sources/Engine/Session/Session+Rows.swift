import Bytes
import Execution
import Kernels
import Planning
import Segments
import Vectors

/// Statements that add, change and remove rows.
extension Session {
  /// Runs `plan`, whose output is the table's columns, and adds its rows to the table in `transaction`. Returns how many.
  ///
  /// Rows of a partitioned or clustered table are sorted first, by partition and then by cluster columns.
  func write(
    _ plan: PhysicalPlan, to name: TableName, _ definition: TableDefinition, _ transaction: Transaction,
    checks: RowChecks = RowChecks(), returning: ReturnedRows? = nil, _ work: StatementWork
  ) throws -> Int {
    let writer = try tableWriter(name, definition, transaction)
    let box = Unchecked(writer)
    let sorted = plan.sorted(for: definition)
    let context = queryContext(work, snapshot: transaction.snapshot)
    let metrics: QueryMetrics
    if checks.isEmpty, returning?.isEmpty ?? true, definition.partitionedBy.isEmpty {
      let target = writer.target
      metrics = try Executor.run(
        sorted, in: context, stage: { RowGroupStage(target) }, sink: { try box.value.append($0) })
    } else {
      let tests = Unchecked(try CompiledChecks(checks, of: name, now: work.now, zone: settings.zone))
      let width = definition.columns.count
      let returned = Unchecked(returning)
      metrics = try Executor.run(sorted, in: context) { batch in
        let row =
          batch.columns.count == width ? batch : Batch(Array(batch.columns.prefix(width)), rowCount: batch.rowCount)
        try tests.value.test(row)
        try box.value.append(row)
        returned.value?.append(batch, from: width)
      }
    }
    readRowCount += sorted.scannedRowCount(metrics)
    try add(try finish(writer), to: name, definition, transaction, work)
    return writer.rowCount
  }

  /// Makes a writer of new segments for a table as `transaction` sees it.
  package func tableWriter(_ name: TableName, _ definition: TableDefinition, _ transaction: Transaction) throws
    -> TableWriter
  {
    guard let table = transaction.snapshot.table(name) else {
      throw PulsehouseError(.user, "relation \"\(name)\" does not exist", sqlState: "42P01")
    }
    let fields = definition.schema
    var options = SegmentOptions()
    options.properties = ["table": name.description]
    options.rowGroupRowCount = settings.rowGroupSize
    options.forcedEncoding = settings.encoding
    let sortedBy = definition.clusteredBy.compactMap { fields.index(of: $0) }
    options.sortedBy = sortedBy
    let target = TableTarget(
      name: name.name, fields: fields,
      partitionedBy: definition.partitionedBy.compactMap { fields.index(of: $0) }, sortedBy: sortedBy,
      options: options)
    let warehouse = self.warehouse
    return TableWriter(target, threadCount: settings.threadCount, fileSystem: warehouse.fileSystem) { partition in
      let relative = try transaction.newSegmentPath(table, partition: SegmentPartition.text(partition))
      return warehouse.absolutePath(relative)
    }
  }

  /// Ends a writer and describes its segments for a commit.
  package func finish(_ writer: TableWriter) throws -> [SegmentDescriptor] {
    try writer.finish().map { segment in
      SegmentDescriptor(
        path: warehouse.relativePath(segment.path), summary: segment.summary,
        partition: SegmentPartition.text(segment.partition))
    }
  }

  func insert(_ insertion: Insertion, _ work: StatementWork) throws {
    let state = try work.scope.state(of: insertion.table.reference)
    let returned = ReturnedRows(insertion.returning)
    let rows = try inTransaction("INSERT INTO \(state.name)") { transaction in
      try write(
        insertion.plan, to: state.name, state.definition, transaction, checks: insertion.checks, returning: returned,
        work)
    }
    try returned.send(to: work.sink)
    try work.sink.finish(StatementOutcome("INSERT 0 \(rows)", rowCount: rows))
    try mergeSmallSegments(of: state.name, work)
  }

  func truncate(_ tables: [TableDescription], restartsIdentity: Bool, _ work: StatementWork) throws {
    let states = try tables.map { try work.scope.state(of: $0.reference) }
    try inTransaction("TRUNCATE \(states.map(\.name.description).joined(separator: ", "))") { transaction in
      let names = Set(states.map(\.name))
      for state in states {
        for (child, _, _) in try transaction.snapshot.foreignKeys(to: state.name) where !names.contains(child) {
          throw PulsehouseError(
            .user, "cannot truncate a table referenced in a foreign key constraint", sqlState: "0A000",
            detail: "Table \"\(child.name)\" references \"\(state.name.name)\".",
            hint: "Truncate table \"\(child.name)\" at the same time.")
        }
        try transaction.apply(.truncateTable(state.name))
      }
      if restartsIdentity { try restartSequences(of: states, transaction.snapshot) }
    }
    try work.sink.finish(StatementOutcome("TRUNCATE TABLE"))
  }

  func delete(_ deletion: Deletion, _ work: StatementWork) throws {
    let state = try work.scope.state(of: deletion.table.reference)
    if deletion.returning.isEmpty, deletion.followed.isEmpty, let whole = try wholeSegments(deletion.plan, state) {
      if !whole.isEmpty {
        try inTransaction("DELETE FROM \(state.name)") { transaction in
          try transaction.apply(.replaceSegments(state.name, removing: whole, adding: [], .rows))
          try requireReferenced(state.name, transaction, work)
        }
      }
      let rowCount = whole.reduce(0) { $0 + $1.rowCount }
      try work.sink.finish(StatementOutcome("DELETE \(rowCount)", rowCount: rowCount))
      return
    }
    let returned = ReturnedRows(deletion.returning)
    let count = try inTransaction("DELETE FROM \(state.name)") { transaction in
      try following(deletion.followed, transaction, work) { work in
        try remove(deletion, from: state, returned, transaction, work)
      }
    }
    try returned.send(to: work.sink)
    try work.sink.finish(StatementOutcome("DELETE \(count)", rowCount: count))
  }

  /// Removes the rows that a plan finds. Returns how many.
  func remove(
    _ deletion: Deletion, from state: TableState, _ returned: ReturnedRows, _ transaction: Transaction,
    _ work: StatementWork
  ) throws -> Int {
    let doomed = RowSet()
    let shown = Unchecked(returned)
    let keys = Unchecked<[Batch]>([])
    try Executor.run(deletion.plan, in: queryContext(work)) { batch in
      doomed.insert(batch.columns[0])
      shown.value.append(batch, from: 1)
      if deletion.followed.isEmpty { return }
      keys.value.append(Batch(batch.columns.suffix(deletion.followed.count), rowCount: batch.rowCount))
    }
    guard doomed.count > 0 else { return 0 }
    let writer = try tableWriter(state.name, state.definition, transaction)
    let removed = try rewrite(state, without: doomed, writer, work)
    try transaction.apply(.replaceSegments(state.name, removing: removed, adding: try finish(writer), .rows))
    work.references?.follow(state, deletion.followed, from: keys.value, to: nil)
    try requireReferenced(state.name, transaction, work)
    return doomed.count
  }

  /// The segments that a DELETE takes whole, when zone maps say of every segment that all or none of its rows go; nil when
  /// one must be looked into. This is how a day goes from a table partitioned by days.
  private func wholeSegments(_ plan: PhysicalPlan, _ state: TableState) throws -> [SegmentDescriptor]? {
    var node = plan.root
    while case .project(let expressions) = node.operation,
      expressions.allSatisfy({ if case .column = $0 { true } else { false } })
    {
      node = node.inputs[0]
    }
    guard case .scan(let scan) = node.operation, scan.filter == nil, plan.subqueries.isEmpty else { return nil }
    var whole: [SegmentDescriptor] = []
    for segment in try state.segments() {
      let zoneMaps = try segment.zoneMaps()
      var goes = true
      for predicate in scan.predicates {
        guard predicate.field < zoneMaps.count else { return nil }
        switch zoneMaps[predicate.field].prune(predicate.predicate) {
        case .none: goes = false
        case .all: continue
        case .some: return nil
        }
        break
      }
      if goes { whole.append(segment) }
    }
    return whole
  }

  func update(_ update: RowUpdate, _ work: StatementWork) throws {
    let state = try work.scope.state(of: update.table.reference)
    let returned = ReturnedRows(update.returning)
    let count = try inTransaction("UPDATE \(state.name)") { transaction in
      try following(update.followed, transaction, work) { work in
        try change(update, of: state, returned, transaction, work)
      }
    }
    try returned.send(to: work.sink)
    try work.sink.finish(StatementOutcome("UPDATE \(count)", rowCount: count))
  }

  /// Gives the rows that a plan finds their new values. Returns how many.
  func change(
    _ update: RowUpdate, of state: TableState, _ returned: ReturnedRows, _ transaction: Transaction,
    _ work: StatementWork
  ) throws -> Int {
    let replaced = RowSet()
    let shown = Unchecked(returned)
    let tests = Unchecked(try CompiledChecks(update.checks, of: state.name, now: work.now, zone: settings.zone))
    let width = state.definition.columns.count
    let places = update.followed.compactMap { name in state.definition.columns.firstIndex { $0.name == name } }
    let (old, new) = (Unchecked<[Batch]>([]), Unchecked<[Batch]>([]))
    let writer = try tableWriter(state.name, state.definition, transaction)
    let box = Unchecked(writer)
    try Executor.run(update.plan, in: queryContext(work)) { batch in
      replaced.insert(batch.columns[0])
      let row = Batch(Array(batch.columns[1...width]), rowCount: batch.rowCount)
      try tests.value.test(row)
      try box.value.append(row)
      shown.value.append(batch, from: width + 1)
      if places.isEmpty { return }
      old.value.append(Batch(batch.columns.suffix(places.count), rowCount: batch.rowCount))
      new.value.append(Batch(places.map { row.columns[$0] }, rowCount: batch.rowCount))
    }
    guard replaced.count > 0 else { return 0 }
    let removed = try rewrite(state, without: replaced, writer, work)
    work.references?.follow(state, update.followed, from: old.value, to: new.value)
    try add(try finish(writer), to: state.name, removing: removed, state.definition, transaction, work)
    return replaced.count
  }

  /// Copies the rows of every segment that has rows in `doomed`, those rows left out, to `writer`; returns the segments
  /// so replaced.
  func rewrite(_ state: TableState, without doomed: RowSet, _ writer: TableWriter, _ work: StatementWork) throws
    -> [SegmentDescriptor]
  {
    let segments = try state.segments()
    var removed: [SegmentDescriptor] = []
    for (index, rows) in doomed.rowsBySegment.sorted(by: { $0.key < $1.key }) {
      guard segments.indices.contains(index) else {
        throw PulsehouseError(.internal, "a row identifier names segment \(index) of \(segments.count)")
      }
      let descriptor = segments[index]
      removed.append(descriptor)
      let segment = try warehouse.segmentCache.reader(
        warehouse.absolutePath(descriptor.path), checksum: descriptor.checksum)
      var firstRow = 0
      for rowGroup in 0..<segment.rowGroupCount {
        try work.cancellation.check()
        let range = firstRow..<firstRow + segment.rowCount(rowGroup: rowGroup)
        firstRow = range.upperBound
        let kept = rows.absent(in: range)
        if kept.isEmpty { continue }
        if kept.count == range.count, writer.takesRowGroups(of: segment.schema) {
          try writer.append(segment.encodedRowGroup(rowGroup))
          continue
        }
        let reader = RowGroupReader(segment, rowGroup: rowGroup)
        let selection = SelectionVector(kept)
        let columns = try state.definition.columns.indices.map { try reader.read(column: $0, selection: selection) }
        try writer.append(Batch(columns, rowCount: kept.count))
      }
    }
    return removed
  }
}

/// Rows of a table by their identifiers (`TableScan.Source.rowIdentifier`).
final class RowSet: @unchecked Sendable {
  // @unchecked: filled by the executor's serialised sink calls, read after the run.
  private(set) var rowsBySegment: [Int: RowBits] = [:]
  private(set) var count = 0

  /// Adds one row; returns false when it is there already.
  func insert(_ identifier: Int64) -> Bool {
    let isNew = rowsBySegment[Int(identifier >> 40), default: RowBits()].insert(Int(identifier & 0xff_ffff_ffff))
    if isNew { count += 1 }
    return isNew
  }

  func insert(_ identifiers: Vector) {
    let flat = identifiers.flattened()
    let values = flat.values(as: Int64.self)
    for row in 0..<flat.count where flat.isValid(row) {
      _ = insert(values[row])
    }
  }
}

/// Rows of one segment: a bit for each.
struct RowBits {
  private var words: [UInt64] = []

  /// Adds a row; returns false when it is there already.
  mutating func insert(_ row: Int) -> Bool {
    let word = row >> 6
    if word >= words.count { words.append(contentsOf: repeatElement(0, count: word - words.count + 1)) }
    let bit = UInt64(1) << UInt64(row & 63)
    defer { words[word] |= bit }
    return words[word] & bit == 0
  }

  func contains(_ row: Int) -> Bool {
    row >> 6 < words.count && words[row >> 6] & (1 << UInt64(row & 63)) != 0
  }

  /// Returns the rows of `range` that were not added, counted from its start.
  func absent(in range: Range<Int>) -> [UInt32] {
    var rows: [UInt32] = []
    rows.reserveCapacity(range.count)
    for row in range where !contains(row) { rows.append(UInt32(truncatingIfNeeded: row - range.lowerBound)) }
    return rows
  }
}

/// A value that serialised calls from several threads use in turn.
final class Unchecked<Value>: @unchecked Sendable {
  // @unchecked: the executor never overlaps calls of a sink.
  var value: Value

  init(_ value: Value) { self.value = value }
}

/// How a partition's values are written in a segment's description.
package enum SegmentPartition {
  /// Joins the values by commas; nil when the table has no partitions.
  package static func text(_ values: [String?]) -> String? {
    values.isEmpty ? nil : values.map { $0 ?? "null" }.joined(separator: ",")
  }
}

extension PhysicalPlan {
  /// The rows that the plan's scans gave.
  fileprivate func scannedRowCount(_ metrics: QueryMetrics) -> Int {
    func count(_ node: PhysicalNode) -> Int {
      var rows = 0
      if case .scan = node.operation { rows = metrics[node.id]?.rowCount ?? 0 }
      return node.inputs.reduce(rows) { $0 + count($1) }
    }
    return subqueries.reduce(count(root)) { $0 + count($1) }
  }

  /// Returns the plan with its rows in the order `definition` stores them, or itself when that is any order.
  fileprivate func sorted(for definition: TableDefinition) -> PhysicalPlan {
    let order =
      definition.partitionedBy + definition.clusteredBy.filter { !definition.partitionedBy.contains($0) }
    let keys = order.compactMap { name in
      definition.columns.firstIndex { $0.name == name }.map { SortKey(.column(root.output[$0])) }
    }
    if keys.isEmpty { return self }
    if case .sort(let existing) = root.operation, existing.starts(with: keys) { return self }
    var plan = self
    plan.root = PhysicalNode(
      id: highestNodeID + 1, .sort(keys), inputs: [root], output: root.output,
      estimatedRowCount: root.estimatedRowCount)
    return plan
  }

  var highestNodeID: Int {
    func highest(_ node: PhysicalNode) -> Int { node.inputs.reduce(node.id) { max($0, highest($1)) } }
    return subqueries.reduce(highest(root)) { max($0, highest($1)) }
  }
}
