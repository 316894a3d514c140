import Bytes
import Engine
import Segments
import Vectors

/// Takes what an ingest of one source makes (row groups, refused records, the source's new state) and commits it
/// together: rows and state become visible in one step or not at all. One thread at a time.
final class SourceWriter {
  let source: Source
  let bronze: BronzeTable
  let quarantine: BronzeTable
  /// The source's state as of the last commit, without the table's own entry.
  private(set) var entries: [String: [UInt8]]

  private let warehouse: Warehouse
  private let space: StateSpace
  private var base: Snapshot
  /// True when the state speaks of a table that is no more.
  private(set) var mustClearState: Bool
  private var refused: [Quarantine.Entry] = []
  private var refusedByteCount = 0
  /// New values by key; nil removes the entry.
  private var stateChanges: [String: [UInt8]?] = [:]
  /// New values in other spaces than the source's own.
  private var spaceChanges: [StateSpace: (key: String, value: [UInt8])] = [:]
  private let time: Int64
  /// Entries whose name no file has: the identifier of the table the state is about.
  static let tableKey = ".table"

  private static let refusedByteLimit = 64 << 20

  /// `lineage` are the columns that say where a row came from. With `adoptsTypes`, the table may have other types than
  /// the source now declares: its first commit, which must replace its rows, gives it those.
  init(
    _ source: Source, lineage: [ColumnDefinition], quarantine layout: TableDefinition = Quarantine.definition,
    adoptsTypes: Bool = false, in warehouse: Warehouse
  ) throws(PulsehouseError) {
    self.source = source
    self.warehouse = warehouse
    base = try warehouse.snapshot()
    space = .source(source.name)
    let columns = source.columns.map { ColumnDefinition(name: $0.name, type: $0.type) } + lineage
    var properties = ["source": source.name]
    if let file = source.file { properties["declared_in"] = Path.name(file) }
    bronze = try BronzeTable(
      TableName(source.schema, source.table), TableDefinition(columns: columns, properties: properties),
      keyColumn: source.columns.first?.type.isInteger == true ? 0 : nil, adoptsTypes: adoptsTypes, in: warehouse, base)
    quarantine = try BronzeTable(
      Quarantine.tableName(of: source), layout, keyColumn: nil, in: warehouse, base)
    entries = try base.entries(of: space)
    // Rows of a table that was dropped are gone, so its files have to be read again.
    let owner = entries.removeValue(forKey: Self.tableKey)
    mustClearState = owner != nil && owner != Self.tableEntry(bronze)
    if mustClearState { entries = [:] }
    if owner == nil || mustClearState { stateChanges[Self.tableKey] = Self.tableEntry(bronze) }
    time = MachineClock.microsecondsSince1970
  }

  private static func tableEntry(_ table: BronzeTable) -> [UInt8] { Array(table.identifier.description.utf8) }

  /// Adds a refused record. - Throws: `.user` naming its place when the source's policy is to fail.
  func refuse(_ file: String, _ record: RejectedRecord) throws(PulsehouseError) {
    if source.onError == .fail {
      throw PulsehouseError(.user, record.reason, sqlState: "22P04", file: file, line: Int(record.line))
    }
    try keepRefused(Quarantine.Entry(file: file, record: record, time: time))
  }

  /// Adds a record to quarantine whatever the source's policy: one that was there before.
  func keepRefused(_ entry: Quarantine.Entry) throws(PulsehouseError) {
    let record = entry.record
    refused.append(entry)
    refusedByteCount += record.raw.count + 64
    if refusedByteCount > Self.refusedByteLimit || refused.count == 65_536 { try flushRefused() }
  }

  private func flushRefused() throws(PulsehouseError) {
    guard !refused.isEmpty else { return }
    let columns = Quarantine.columns(refused, source: source.name)
    try quarantine.append(
      SegmentWriter.encodeRowGroup(columns, schema: Quarantine.definition.schema, options: quarantine.options))
    refused = []
    refusedByteCount = 0
  }

  /// Sets an entry of the source's state, as of the rows added so far.
  func setState(_ key: String, _ value: [UInt8]) { stateChanges[key] = .some(value) }

  /// Removes an entry of the source's state.
  func removeState(_ key: String) { stateChanges[key] = .some(nil) }

  /// Returns an entry of another state space as of the last commit; nil when there is none, or when it speaks of a table
  /// that was dropped.
  func entry(of space: StateSpace, key: String) throws(PulsehouseError) -> [UInt8]? {
    mustClearState ? nil : try base.entry(of: space, key: key)
  }

  /// Sets an entry of another state space, as of the rows added so far.
  func setState(in space: StateSpace, key: String, _ value: [UInt8]) {
    spaceChanges[space] = (key, value)
  }

  /// Adds rows of the quarantine's own columns.
  func refuse(columns: [Vector]) throws(PulsehouseError) {
    try quarantine.append(
      SegmentWriter.encodeRowGroup(columns, schema: quarantine.definition.schema, options: quarantine.options))
  }

  /// True while somebody else committed since this writer looked.
  func isBehind() throws(PulsehouseError) -> Bool { try warehouse.snapshot().id != base.id }

  /// Commits everything since the last commit. With `replacing`, the rows take the place of all rows of the table and
  /// of its quarantine; with `replacingQuarantine`, of its quarantine alone. Returns false when there was nothing to
  /// commit.
  ///
  /// - Throws: `.conflict` when another process ingests the same source; `.io`.
  func commit(
    _ message: String, replacing: Bool = false, replacingQuarantine: Bool = false
  ) throws(PulsehouseError) -> Bool {
    try flushRefused()
    var madeSchemas: Set<String> = []
    var changes: [Change] = []
    if mustClearState { changes.append(.clearState(space)) }
    changes += try bronze.takeChanges(replacing: replacing, madeSchemas: &madeSchemas)
    changes += try quarantine.takeChanges(
      replacing: replacing || replacingQuarantine || mustClearState, madeSchemas: &madeSchemas)
    for (key, value) in stateChanges.sorted(by: { $0.key < $1.key }) {
      changes.append(value.map { .putState(space, key: key, value: $0) } ?? .removeState(space, key: key))
    }
    for (space, entry) in spaceChanges.sorted(by: { $0.key.name < $1.key.name }) {
      changes.append(.putState(space, key: entry.key, value: entry.value))
    }
    guard !changes.isEmpty else { return false }
    base = try warehouse.store.commit(changes, basedOn: base, message: message)
    bronze.committed()
    quarantine.committed()
    for (key, value) in stateChanges where key != Self.tableKey { entries[key] = value }
    stateChanges = [:]
    spaceChanges = [:]
    mustClearState = false
    return true
  }

  /// Removes the files of rows that were not committed.
  func discard() {
    bronze.discard()
    quarantine.discard()
  }
}
