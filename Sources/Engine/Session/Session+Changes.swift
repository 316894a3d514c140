import Bytes
import Execution
import Kernels
import Planning
import SQLSyntax
import Segments
import Synchronization
import Vectors

// What a query reads, and what has changed of a table since an earlier snapshot: enough for the floor above to rebuild
// no more than it must.

/// What a query reads of one stored table.
package struct TableRead: Hashable, Sendable {
  package struct Condition: Hashable, Sendable {
    /// The column's position in the table.
    package var column: Int
    package var field: Field
    package var predicate: ColumnPredicate
  }

  package var table: TableName
  /// Every row the query looks at fulfils all of these; empty: it may look at any row.
  package var conditions: [Condition]
}

/// The stored tables and the views a query rests on, views followed to the tables below them.
package struct QueryReads: Hashable, Sendable {
  /// One entry for each scan; a table that is read twice has two.
  package var tables: [TableRead] = []
  package var views: Set<TableName> = []
}

/// A table's rows that came and went between two states of it, as whole segments: a row in both lists did not change.
package struct TableChanges: Sendable {
  package var added: [SegmentDescriptor] = []
  package var removed: [SegmentDescriptor] = []

  package var isEmpty: Bool { added.isEmpty && removed.isEmpty }
}

extension Session {
  /// Plans a query as the open transaction sees the warehouse and returns what it reads.
  ///
  /// Tables that the planner proved not to matter (a condition that is never true) are left out.
  /// - Throws: as running it would, before any row is read.
  package func reads(of sql: String) throws -> QueryReads {
    let scope = try planningScope()
    guard case .query(let plan) = try planner(scope).plan(try PostgresParser.parseOne(sql)) else {
      throw PulsehouseError(.internal, "asked what a statement reads that is no query")
    }
    var reads = QueryReads()
    reads.views = scope.boundViews
    func visit(_ node: PhysicalNode) throws {
      if case .scan(let scan) = node.operation, let table = scope.storedTable(of: scan.table) {
        reads.tables.append(
          TableRead(
            table: table.name,
            conditions: scan.predicates.map {
              TableRead.Condition(
                column: $0.field, field: table.definition.schema.fields[$0.field], predicate: $0.predicate)
            }))
      }
      for input in node.inputs { try visit(input) }
    }
    try visit(plan.root)
    for subquery in plan.subqueries { try visit(subquery) }
    return reads
  }

  /// The snapshot that the open transaction sees, its own changes included; the newest one outside a transaction.
  package func currentSnapshot() throws -> Snapshot { try transaction?.snapshot ?? warehouse.snapshot() }

  /// Returns how the table differs from what it was at snapshot `since`; nil when that cannot be said, because it was
  /// another table then or the snapshot is gone: everything may have changed.
  package func changes(of name: TableName, identifier: TableIdentifier, since: SnapshotID) throws -> TableChanges? {
    guard let table = try currentSnapshot().table(name), table.identifier == identifier else { return nil }
    if table.changedAt <= since { return TableChanges() }
    guard let snapshot = try? warehouse.store.snapshot(at: since),
      let before = snapshot.tables.first(where: { $0.identifier == identifier })
    else { return nil }
    let old = try before.segments()
    let new = try table.segments()
    let oldPaths = Set(old.map(\.path))
    let newPaths = Set(new.map(\.path))
    return TableChanges(
      added: new.filter { !oldPaths.contains($0.path) }, removed: old.filter { !newPaths.contains($0.path) })
  }

  /// Returns the buckets, `floor((value - origin) / width)`, of the rows of `changes` that really came or went: rows
  /// that only moved from one segment to another cancel out. NULLs are in no bucket. Nil when there are more than
  /// `limit` buckets.
  ///
  /// `column` is one of integers, dates or times, in the units they are stored in.
  package func buckets(
    of changes: TableChanges, column: Int, origin: Int64, width: Int64, limit: Int
  ) throws -> Set<Int64>? {
    precondition(width > 0, "a bucket has a width")
    // A bucket whose rows' hashes add up to the same on both sides has the same rows.
    let mayCancel = !changes.added.isEmpty && !changes.removed.isEmpty
    var balances: [Int64: UInt64] = [:]
    var touched: Set<Int64> = []
    func bucket(_ value: Int64) -> Int64? {
      let (distance, overflow) = value.subtractingReportingOverflow(origin)
      if overflow { return nil }
      let quotient = distance / width
      return distance % width < 0 ? quotient - 1 : quotient
    }
    let (added, removed) =
      mayCancel ? try rowGroupsThatDiffer(changes) : (try rowGroups(changes.added), try rowGroups(changes.removed))
    for (rowGroups, sign) in [(added, UInt64(1)), (removed, UInt64.max)] {
      for (segment, rowGroup) in rowGroups {
        let zoneMap = segment.zoneMap(column: column, rowGroup: rowGroup)
        if !mayCancel, case .integer(let low) = zoneMap.minimum, case .integer(let high) = zoneMap.maximum,
          let first = bucket(low), first == bucket(high)
        {
          touched.insert(first)
          continue
        }
        let reader = RowGroupReader(segment, rowGroup: rowGroup)
        for start in stride(from: 0, to: reader.rowCount, by: Batch.vectorSize) {
          let rows = start..<min(start + Batch.vectorSize, reader.rowCount)
          let values = try reader.read(column: column, rows: rows).flattened()
          let hashes =
            mayCancel
            ? Hash.rows(
              try segment.schema.fields.indices.map { try reader.read(column: $0, rows: rows) }, count: rows.count)
            : []
          // Rows near each other are mostly of one bucket: it is looked up once.
          var place: Int64?
          var balance: UInt64 = 0
          func settle() {
            guard let place else { return }
            if mayCancel { balances[place, default: 0] &+= balance } else { touched.insert(place) }
            balance = 0
          }
          for row in 0..<rows.count {
            guard case .integer(let value) = values.scalar(at: row), let now = bucket(value) else { continue }
            if now != place {
              settle()
              place = now
            }
            if mayCancel { balance &+= hashes[row] &* sign }
          }
          settle()
        }
        if max(touched.count, balances.count) > 2 * limit { return nil }
      }
    }
    for (place, balance) in balances where balance != 0 { touched.insert(place) }
    return touched.count > limit ? nil : touched
  }

  private typealias StoredRowGroup = (segment: SegmentReader, rowGroup: Int)

  private func rowGroups(_ segments: [SegmentDescriptor]) throws -> [StoredRowGroup] {
    try segments.flatMap { descriptor in
      let segment = try warehouse.segmentCache.reader(
        warehouse.absolutePath(descriptor.path), checksum: descriptor.checksum)
      return (0..<segment.rowGroupCount).map { (segment, $0) }
    }
  }

  /// The row groups of segments that came and of those that went, without those that were only copied.
  private func rowGroupsThatDiffer(_ changes: TableChanges) throws -> (
    added: [StoredRowGroup], removed: [StoredRowGroup]
  ) {
    var copies: [SegmentReader.RowGroupIdentity: Int] = [:]
    for (segment, rowGroup) in try rowGroups(changes.added) {
      copies[segment.identity(rowGroup: rowGroup), default: 0] += 1
    }
    var removed: [StoredRowGroup] = []
    var kept: [SegmentReader.RowGroupIdentity: Int] = [:]
    for (segment, rowGroup) in try rowGroups(changes.removed) {
      let identity = segment.identity(rowGroup: rowGroup)
      if let count = copies[identity], count > 0 {
        copies[identity] = count - 1
        kept[identity, default: 0] += 1
      } else {
        removed.append((segment, rowGroup))
      }
    }
    let added = try rowGroups(changes.added).filter { segment, rowGroup in
      let identity = segment.identity(rowGroup: rowGroup)
      guard let count = kept[identity], count > 0 else { return true }
      kept[identity] = count - 1
      return false
    }
    return (added, removed)
  }

  /// Returns bounds of an integer, date or time column, as stored; nil when the table has no value of it.
  package func bounds(of name: TableName, column: Int) throws -> ClosedRange<Int64>? {
    var bounds: ClosedRange<Int64>?
    for segment in try currentSnapshot().table(name)?.segments() ?? [] {
      let zoneMap = try segment.zoneMaps()[column]
      guard case .integer(let low) = zoneMap.minimum, case .integer(let high) = zoneMap.maximum else { continue }
      bounds = min(bounds?.lowerBound ?? low, low)...max(bounds?.upperBound ?? high, high)
    }
    return bounds
  }

  /// Tells whether the rows that came are those that went. Says no without looking when there are very many.
  package func cancelOut(_ changes: TableChanges) throws -> Bool {
    if changes.isEmpty { return true }
    let added = changes.added.reduce(0) { $0 + $1.rowCount }
    guard added == changes.removed.reduce(0, { $0 + $1.rowCount }), added <= Self.comparedRowLimit else { return false }
    let (different, gone) = try rowGroupsThatDiffer(changes)
    return try contentHash(of: different) == contentHash(of: gone)
  }

  /// Tells whether two tables have the same columns and the same rows in any order. Says no without looking when there
  /// are very many.
  package func haveEqualRows(_ first: TableName, _ second: TableName) throws -> Bool {
    let snapshot = try currentSnapshot()
    guard let left = snapshot.table(first), let right = snapshot.table(second), left.definition == right.definition,
      left.rowCount == right.rowCount, left.rowCount <= Self.comparedRowLimit
    else { return false }
    return try contentHash(of: rowGroups(left.segments())) == contentHash(of: rowGroups(right.segments()))
  }

  /// Tells whether two tables of the same columns have the same rows in any order, however many.
  package func haveSameContent(_ first: TableName, _ second: TableName) throws -> Bool {
    let snapshot = try currentSnapshot()
    guard let left = snapshot.table(first), let right = snapshot.table(second), left.rowCount == right.rowCount else {
      return false
    }
    return try contentHash(of: rowGroups(left.segments())) == contentHash(of: rowGroups(right.segments()))
  }

  /// Comparing more rows than this costs more than what would be spared.
  private static let comparedRowLimit = 4_000_000

  /// Returns the sum of the hashes of all rows, which is the same for the same rows whatever their order. Good within
  /// this process only.
  private func contentHash(of rowGroups: [StoredRowGroup]) throws -> UInt64 {
    try hashes(of: rowGroups) { $0.reduce(0, &+) }.reduce(0, &+)
  }

  /// Hashes all rows, on as many threads as a query has, and returns what `keep` makes of each row group's, in order.
  /// - Parameter columns: the positions hashed in each row group's segment; nil for all.
  private func hashes<Kept: Sendable>(
    of rowGroups: [StoredRowGroup], columns: [Int]? = nil, keep: @escaping @Sendable ([UInt64]) -> Kept
  ) throws -> [Kept] {
    let results = Mutex<[Kept?]>([Kept?](repeating: nil, count: rowGroups.count))
    let cancellation = canceller.start()
    defer { canceller.end(cancellation) }
    try WorkerPool.shared.forEach(count: rowGroups.count, threads: settings.threadCount) { index, _ in
      try cancellation.check()
      let (segment, rowGroup) = rowGroups[index]
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      var hashes: [UInt64] = []
      hashes.reserveCapacity(reader.rowCount)
      for start in stride(from: 0, to: reader.rowCount, by: Batch.vectorSize) {
        let rows = start..<min(start + Batch.vectorSize, reader.rowCount)
        let vectors = try (columns ?? Array(segment.schema.fields.indices)).map {
          try reader.read(column: $0, rows: rows)
        }
        hashes += Hash.rows(vectors, count: rows.count)
      }
      let kept = keep(hashes)
      results.withLock { $0[index] = kept }
    }
    return results.withLock { $0.compactMap(\.self) }
  }

  // MARK: Rows apart

  /// Makes two tables, in the open transaction, of the rows that one of two tables has more often than the other, looking
  /// at `columns` alone; returns their names. Segments that both have are not read.
  ///
  /// Rows are told apart by hashes of 64 bits, so among a hundred million that differ one may be missed once in two
  /// thousand times. Nil when more than `limit` rows differ, or when the hashes would take half of the memory.
  package func rowsApart(
    _ first: TableState, _ second: TableState, columns: [String], schema: String, limit: Int
  ) throws -> [TableName]? {
    let tables = [first, second]
    guard (first.rowCount + second.rowCount) * 16 < settings.memoryLimit / 2 else { return nil }
    let segments = try tables.map { try $0.segments() }
    let paths = segments.map { Set($0.map(\.path)) }
    let positions = tables.map { table in columns.compactMap { table.definition.schema.index(of: $0) } }
    let groups = try (0..<2).map { side in
      try rowGroups(segments[side].filter { !paths[1 - side].contains($0.path) })
    }
    let found = try (0..<2).map { side in try hashes(of: groups[side], columns: positions[side]) { $0 } }
    guard let surplus = Self.surplus(found.map { $0.flatMap(\.self) }, limit: limit) else { return nil }

    let names = [TableName(schema, "first"), TableName(schema, "second")]
    try inTransaction("comparison of \(first.name) and \(second.name)") { transaction in
      if !transaction.snapshot.schemas.contains(schema) { try transaction.apply(.createSchema(schema)) }
      for side in 0..<2 {
        let definition = TableDefinition(columns: positions[side].map { tables[side].definition.columns[$0] })
        if transaction.snapshot.table(names[side]) != nil { try transaction.apply(.dropTable(names[side])) }
        try transaction.apply(.createTable(names[side], .random(), definition))
        let writer = try tableWriter(names[side], definition, transaction)
        var left = surplus[side]
        for (group, hashes) in zip(groups[side], found[side]) where !left.isEmpty {
          var rows: [UInt32] = []
          for (row, hash) in hashes.enumerated() {
            guard let count = left[hash] else { continue }
            left[hash] = count > 1 ? count - 1 : nil
            rows.append(UInt32(row))
          }
          if rows.isEmpty { continue }
          let reader = RowGroupReader(group.segment, rowGroup: group.rowGroup)
          let selection = SelectionVector(rows)
          let vectors = try positions[side].map { try reader.read(column: $0, selection: selection) }
          try writer.append(Batch(vectors, rowCount: rows.count))
        }
        try transaction.apply(.addSegments(names[side], try finish(writer)))
      }
    }
    return names
  }

  /// How many more there are of each value in one list than in the other, for both; nil when they are too many.
  private static func surplus(_ lists: [[UInt64]], limit: Int) -> [[UInt64: Int]]? {
    let first = lists[0].sorted()
    let second = lists[1].sorted()
    var surplus: [[UInt64: Int]] = [[:], [:]]
    var (left, right, count) = (0, 0, 0)
    while left < first.count || right < second.count {
      if left < first.count, right < second.count, first[left] == second[right] {
        left += 1
        right += 1
        continue
      }
      count += 1
      if count > limit { return nil }
      if right == second.count || left < first.count && first[left] < second[right] {
        surplus[0][first[left], default: 0] += 1
        left += 1
      } else {
        surplus[1][second[right], default: 0] += 1
        right += 1
      }
    }
    return surplus
  }

  // MARK: State

  /// Returns the entries of a state space and the commit that last changed it; nil when nothing was ever written.
  package func state(of space: StateSpace) throws -> (entries: [String: [UInt8]], changedAt: SnapshotID)? {
    let snapshot = try currentSnapshot()
    guard let changedAt = snapshot.changedAt(of: space) else { return nil }
    return (try snapshot.entries(of: space), changedAt)
  }

  /// Writes an entry in the open transaction, or in one of its own.
  package func putState(_ space: StateSpace, key: String, value: [UInt8]) throws {
    try inTransaction("state of \(space)") { transaction in
      try transaction.apply(.putState(space, key: key, value: value))
    }
  }

  // MARK: Going back

  /// Brings tables, views and state spaces back to what they were at `snapshot`, in the open transaction or in one of
  /// its own; what was not there then is removed. Nothing is copied: the same segments are named again.
  ///
  /// - Throws: `.user` 22023 when the snapshot is gone.
  package func restore(relations: [TableName], spaces: [StateSpace], to snapshot: SnapshotID, message: String) throws {
    let before = try warehouse.store.snapshot(at: snapshot)
    try inTransaction(message) { transaction in
      for name in relations {
        try transaction.apply(try Self.changes(bringing: name, from: transaction.snapshot, to: before))
      }
      for space in spaces {
        var changes: [Change] = [.clearState(space)]
        for (key, value) in try before.entries(of: space).sorted(by: { $0.key < $1.key }) {
          changes.append(.putState(space, key: key, value: value))
        }
        try transaction.apply(changes)
      }
    }
  }

  private static func changes(bringing name: TableName, from now: Snapshot, to before: Snapshot) throws -> [Change] {
    var changes: [Change] = []
    let old = before.table(name)
    if let current = now.table(name) {
      if let old, old.identifier == current.identifier, old.definition == current.definition {
        let oldSegments = try old.segments()
        let segments = try current.segments()
        let oldPaths = Set(oldSegments.map(\.path))
        let paths = Set(segments.map(\.path))
        let removing = segments.filter { !oldPaths.contains($0.path) }
        let adding = oldSegments.filter { !paths.contains($0.path) }
        if removing.isEmpty && adding.isEmpty { return [] }
        return [.replaceSegments(name, removing: removing, adding: adding, .rows)]
      }
      changes.append(.dropTable(name))
    } else if let view = now.view(name) {
      if let oldView = before.view(name), oldView.definition == view.definition { return [] }
      changes.append(.dropView(name))
    }
    if let old {
      if !now.schemas.contains(name.schema) { changes.append(.createSchema(name.schema)) }
      // A table that was dropped comes back with its old files, and as the one that others remember having read.
      let isTaken = now.tables.contains { $0.identifier == old.identifier && $0.name != name }
      changes.append(.createTable(name, isTaken ? .random() : old.identifier, old.definition))
      changes.append(.addSegments(name, try old.segments()))
    } else if let view = before.view(name) {
      if !now.schemas.contains(name.schema) { changes.append(.createSchema(name.schema)) }
      changes.append(.putView(name, view.definition))
    }
    return changes
  }
}
