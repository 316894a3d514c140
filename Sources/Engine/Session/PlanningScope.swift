import Bytes
import Execution
import Planning
import Segments
import Synchronization
import Vectors

/// Names and rows as one statement sees them: one snapshot, pending changes of the transaction included, plus the
/// system tables.
///
/// Each table a plan binds gets a handle here, by which its scan finds it again.
final class PlanningScope: SchemaProvider, TableSource {
  private enum Bound {
    case stored(TableState)
    case system(SystemTable, Snapshot)
    case files([TableChunk])
    /// Rows that another part of the statement gives; nil before it did.
    case pending([Batch]?)
  }

  let snapshot: Snapshot
  let searchPath: [String]
  let environment: Environment?
  private let settings: SessionSettings
  private let warehouse: Warehouse
  private let fileReader: (any FileReader)?
  private let bound = Mutex<[Bound]>([])
  private let views = Mutex<Set<TableName>>([])
  /// Earlier states that the statement reads, kept as long as it runs.
  private let pasts = Mutex<[Moment: Snapshot]>([:])
  /// What is left out of a table, to find out who needs it. Plans that are bound so are not to be run.
  private let hidden: HiddenPart?

  /// A column or a constraint of a table.
  struct HiddenPart {
    enum Part {
      case column(String)
      case constraint(String)
    }
    var table: TableName
    var part: Part
  }

  /// - Parameter environment: whose tables plain names stand for; nil is production.
  init(
    _ snapshot: Snapshot, in warehouse: Warehouse, searchPath: [String], environment: Environment? = nil,
    fileReader: (any FileReader)? = nil, settings: SessionSettings = SessionSettings(), hiding hidden: HiddenPart? = nil
  ) {
    self.hidden = hidden
    self.settings = settings
    self.snapshot = snapshot
    self.fileReader = fileReader
    self.environment = environment
    self.warehouse = warehouse
    self.searchPath = searchPath
  }

  func relation(schema: String?, name: String) throws -> Relation? {
    try relation(schema: schema, name: name, in: environment, snapshot)
  }

  func names(at moment: Moment) throws -> any SchemaProvider {
    let known = pasts.withLock { $0[moment] }
    let past = try known ?? warehouse.snapshot(at: moment)
    pasts.withLock { $0[moment] = past }
    return ScopedNames(scope: self, environment: environment, snapshot: past)
  }

  fileprivate func relation(
    schema: String?, name: String, in environment: Environment?, _ snapshot: Snapshot
  ) throws -> Relation? {
    // pg_catalog is on every path, after the user's own schemas.
    for candidate in schema.map(searchPath.schemas(named:)) ?? (searchPath + ["pg_catalog"]) {
      let full = snapshot.resolve(TableName(candidate, name), in: environment)
      if let table = snapshot.table(full) {
        guard table.definition.isPopulated else {
          throw PulsehouseError(
            .user, "materialized view \"\(name)\" has not been populated", sqlState: "55000",
            hint: "Use the REFRESH MATERIALIZED VIEW command.")
        }
        return .table(try describe(table))
      }
      if let view = snapshot.view(full) {
        views.withLock { _ = $0.insert(full) }
        return .view(
          ViewDescription(
            schema: full.schema, name: name, query: view.definition.sql,
            columnNames: view.definition.columns.map(\.name), checkOption: view.definition.checkOption,
            names: view.definition.environment.map {
              ScopedNames(scope: self, environment: $0, snapshot: snapshot)
            }))
      }
      if let sequence = try snapshot.sequence(full) { return .table(describe(sequenceTable(sequence), snapshot)) }
      if let view = SystemView.named(full) {
        return .view(ViewDescription(schema: candidate, name: name, query: view.query(snapshot)))
      }
      if let system = warehouse.systemTable(full) { return .table(describe(system, snapshot)) }
    }
    return nil
  }

  func relationNames() -> [(schema: String, name: String)] {
    let names =
      snapshot.tables.map(\.name) + snapshot.views.map(\.name) + warehouse.systemTables.map(\.name)
      + SystemView.all.map(\.name)
    return names.sorted().map { ($0.schema, $0.name) }
  }

  func data(for table: TableReference) throws -> TableData {
    let entry = bound.withLock { bound in
      table.handle < UInt64(bound.count) ? bound[Int(table.handle)] : nil
    }
    switch entry {
    case .stored(let state): return .segments(try handles(state))
    case .system(let system, let snapshot): return .batches(try system.batches(snapshot, warehouse))
    case .files(let chunks): return .chunks(chunks)
    case .pending(let batches?): return .batches(batches)
    case .pending(nil):
      throw PulsehouseError(.internal, "the rows of \(table.name) are asked for before they are there")
    case nil: throw PulsehouseError(.internal, "no table was bound as \(table.schema).\(table.name)")
    }
  }

  /// The views that were looked up, those below other views included.
  var boundViews: Set<TableName> { views.withLock { $0 } }

  /// The stored tables that were bound.
  var storedTables: [TableState] {
    bound.withLock { $0.compactMap { if case .stored(let state) = $0 { state } else { nil } } }
  }

  /// The stored table that a plan bound; nil for a system table.
  func storedTable(of table: TableReference) -> TableState? {
    bound.withLock { bound in
      guard table.handle < UInt64(bound.count), case .stored(let state) = bound[Int(table.handle)] else { return nil }
      return state
    }
  }

  /// The state of a table that a plan bound to change it.
  ///
  /// - Throws: `.user` for a system table, and for one that is not the session's environment's own.
  func state(of table: TableReference) throws -> TableState {
    guard let state = storedTable(of: table) else {
      throw PulsehouseError(
        .user, "cannot change system table \"\(table.schema).\(table.name)\"", sqlState: "42809")
    }
    try requireOwn(state.name)
    return state
  }

  /// Throws 25006 for what an environment only reads.
  func requireOwn(_ name: TableName) throws(PulsehouseError) {
    guard let environment, !environment.owns(schema: name.schema), !name.schema.hasPrefix(Session.temporaryPrefix)
    else { return }
    throw PulsehouseError(
      .user, "\(name) is not of the environment \(environment), which only reads it", sqlState: "25006",
      hint: "RESET environment returns to production.")
  }

  private func handles(_ table: TableState) throws -> [SegmentHandle] {
    let warehouse = self.warehouse
    return try table.segments().map { descriptor in
      SegmentHandle(
        rowCount: descriptor.rowCount, byteCount: descriptor.byteCount,
        zoneMaps: { try warehouse.segmentCache.zoneMaps(of: descriptor) },
        open: {
          try warehouse.segmentCache.reader(
            warehouse.absolutePath(descriptor.path), checksum: descriptor.checksum)
        })
    }
  }

  private func bind(_ entry: Bound) -> UInt64 {
    bound.withLock { bound in
      bound.append(entry)
      return UInt64(bound.count - 1)
    }
  }

  private func describe(_ table: TableState) throws -> TableDescription {
    let fields = table.definition.schema
    var defaults: [Int: ColumnDefault] = [:]
    for (index, column) in table.definition.columns.enumerated() {
      if let text = column.defaultText { defaults[index] = try DefaultValue.decode(text, column.type) }
    }
    var description = TableDescription(
      reference: TableReference(schema: table.name.schema, name: table.name.name, handle: bind(.stored(table))),
      fields: fields, rowCount: table.rowCount,
      statistics: try warehouse.statistics.statistics(of: table),
      clusteredBy: table.segmentCount == 1
        ? table.definition.clusteredBy.compactMap { fields.index(of: $0) } : [], defaults: defaults,
      constraints: try table.definition.constraints())
    description.materializedQuery = table.definition.materializedQuery
    if let hidden, hidden.table == table.name { return description.hiding(hidden.part) }
    return description
  }

  func schemaNames() -> [String] { CatalogObjects(snapshot, warehouse).schemas }

  func schema(ofRelation name: String, in schema: String?) -> String? {
    let objects = CatalogObjects(snapshot, warehouse)
    for candidate in schema.map(searchPath.schemas(named:)) ?? (searchPath + ["pg_catalog"]) {
      if objects.relations.contains(where: { $0.name == TableName(candidate, name) }) { return candidate }
    }
    return nil
  }

  func userType(schema: String?, name: String) throws -> UserType? {
    try userType(schema: schema, name: name, in: environment)
  }

  fileprivate func userType(schema: String?, name: String, in environment: Environment?) throws -> UserType? {
    try snapshot.userType(schema.map(searchPath.schemas(named:)) ?? searchPath, name, in: environment)
  }

  func userType(identifier: UInt64) throws -> UserType? {
    try snapshot.userTypes().first { $0.identifier == identifier }
  }

  func setting(_ name: String) -> String? { try? settings.value(of: name.lowercased()) }

  func followedColumns(of table: TableReference) throws -> [String] {
    guard let state = storedTable(of: table) else { return [] }
    var names: [String] = []
    for (_, _, key) in try snapshot.foreignKeys(to: state.name) where key.onDelete != nil || key.onUpdate != nil {
      names += key.referencedColumns.filter { !names.contains($0) }
    }
    return names
  }

  func pendingTable(_ name: String, _ fields: [Field]) throws -> TableDescription {
    TableDescription(
      reference: TableReference(schema: "", name: name, handle: bind(.pending(nil))), fields: Schema(fields),
      rowCount: 1000)
  }

  /// Gives the rows of a pending table.
  func provide(_ batches: [Batch], for table: TableReference) throws {
    bound.withLock { $0[Int(table.handle)] = .pending(batches) }
  }

  func fileTable(_ request: FileRequest) throws -> TableDescription? {
    let table: FileTable
    if request.function == "read_parquet" {
      try request.allow()
      guard request.columns.isEmpty else {
        throw PulsehouseError(
          .user, "Parquet files say themselves what their columns are", sqlState: "42601", range: request.range)
      }
      let files = try ParquetFiles(request.path)
      table = FileTable(schema: files.schema, chunks: files.chunks)
    } else {
      guard let fileReader else { return nil }
      table = try fileReader.table(request)
    }
    return TableDescription(
      reference: TableReference(schema: "", name: request.function, handle: bind(.files(table.chunks))),
      fields: table.schema, rowCount: table.chunks.reduce(0) { $0 + $1.rowCount })
  }

  /// A sequence as the table of one row that PostgreSQL shows.
  private func sequenceTable(_ sequence: SequenceDefinition) -> SystemTable {
    let fields = [Field("last_value", .bigint), Field("log_cnt", .bigint), Field("is_called", .boolean)]
    return SystemTable(name: sequence.name, fields: Schema(fields)) { _, warehouse in
      let position = try SequenceFile(store: warehouse.store).position(of: sequence)
      return [[.integer(position.value), .integer(0), .boolean(position.isCalled)]]
    }
  }

  private func describe(_ system: SystemTable, _ snapshot: Snapshot) -> TableDescription {
    TableDescription(
      reference: TableReference(
        schema: system.name.schema, name: system.name.name, handle: bind(.system(system, snapshot))),
      fields: system.fields, rowCount: 1000)
  }
}

extension TableDescription {
  /// The table without a part, as far as names go.
  fileprivate func hiding(_ part: PlanningScope.HiddenPart.Part) -> TableDescription {
    var rest = constraints
    var fields = self.fields.fields
    switch part {
    case .constraint(let name): rest.removeAll { $0.name == name }
    case .column(let name):
      rest.removeAll { $0.columns.contains(name) }
      fields.removeAll { $0.name == name }
    }
    return TableDescription(
      reference: reference, fields: Schema(fields), rowCount: rowCount, constraints: rest)
  }
}

/// The names that a view of an environment means, whoever reads it; or those of an earlier snapshot.
private struct ScopedNames: SchemaProvider {
  let scope: PlanningScope
  let environment: Environment?
  let snapshot: Snapshot

  func relation(schema: String?, name: String) throws -> Relation? {
    try scope.relation(schema: schema, name: name, in: environment, snapshot)
  }

  func names(at moment: Moment) throws -> any SchemaProvider { try scope.names(at: moment) }

  func relationNames() -> [(schema: String, name: String)] { scope.relationNames() }

  func fileTable(_ request: FileRequest) throws -> TableDescription? { try scope.fileTable(request) }

  func setting(_ name: String) -> String? { scope.setting(name) }

  func userType(schema: String?, name: String) throws -> UserType? {
    try scope.userType(schema: schema, name: name, in: environment)
  }

  func userType(identifier: UInt64) throws -> UserType? { try scope.userType(identifier: identifier) }

  func schemaNames() -> [String] { scope.schemaNames() }

  func schema(ofRelation name: String, in schema: String?) -> String? {
    scope.schema(ofRelation: name, in: schema)
  }

  func pendingTable(_ name: String, _ fields: [Field]) throws -> TableDescription {
    try scope.pendingTable(name, fields)
  }
}

/// What zone maps say of each table's columns, worked out once for each state of a table.
package final class TableStatistics: Sendable {
  private struct Key: Hashable {
    var table: TableIdentifier
    var changedAt: SnapshotID
    var segmentCount: Int
    var rowCount: Int
  }

  private let known = Mutex<[Key: [FieldStatistics]]>([:])

  package init() {}

  func statistics(of table: TableState) throws -> [FieldStatistics] {
    let key = Key(
      table: table.identifier, changedAt: table.changedAt, segmentCount: table.segmentCount,
      rowCount: table.rowCount)
    if let ready = known.withLock({ $0[key] }) { return ready }
    var merged = [ZoneMap](repeating: .empty, count: table.definition.columns.count)
    for segment in try table.segments() {
      for (index, zoneMap) in try segment.zoneMaps().enumerated() where index < merged.count {
        merged[index] = merged[index].merged(with: zoneMap)
      }
    }
    let result = merged.map { zoneMap in
      FieldStatistics(
        minimum: zoneMap.hasBounds ? zoneMap.minimum : nil, maximum: zoneMap.hasBounds ? zoneMap.maximum : nil,
        nullCount: zoneMap.nullCount, distinctCount: zoneMap.distinctEstimate.map(Double.init))
    }
    known.withLock { known in
      if known.count > 4096 { known.removeAll() }
      known[key] = result
    }
    return result
  }

  /// Forgets other tables, and of these all states but the last ones asked for.
  func keep(_ tables: Set<TableIdentifier>) {
    known.withLock { known in
      var newest: [TableIdentifier: SnapshotID] = [:]
      for key in known.keys { newest[key.table] = max(newest[key.table] ?? key.changedAt, key.changedAt) }
      known = known.filter { tables.contains($0.key.table) && newest[$0.key.table] == $0.key.changedAt }
    }
  }
}
