import Bytes
import Metadata

/// Applies a transaction's changes to a state: the same code for what the transaction itself sees before it commits and
/// for the commit.
///
/// At commit it also refuses what conflicts with commits made since the transaction's snapshot. The rules: adding rows
/// conflicts with nothing but a changed definition; changing rows, definitions and names conflicts with any change of
/// the same table; an unshared state space conflicts with any change of it.
struct StateEditor {
  /// What the transaction saw when it began; nil while it is only trying its changes out on that very state.
  let seen: (state: WarehouseState, at: SnapshotID)?
  /// What stood before the first change.
  let original: WarehouseState
  private(set) var state: WarehouseState
  /// The commit these changes will be.
  let number: SnapshotID
  /// What is to be done to items, in order. Objects follow by `objectChanges`.
  private(set) var itemChanges: [CatalogChange] = []
  private var touched: Set<TableIdentifier> = []

  init(_ state: WarehouseState, number: SnapshotID, seen: (state: WarehouseState, at: SnapshotID)? = nil) {
    original = state
    self.state = state
    self.number = number
    self.seen = seen
  }

  mutating func apply(_ change: Change) throws(PulsehouseError) {
    switch change {
    case .createSchema(let name): try createSchema(name)
    case .dropSchema(let name): try dropSchema(name)
    case .createTable(let name, let identifier, let definition):
      try createTable(name, identifier, definition)
    case .alterTable(let name, let definition):
      var table = try rewritableTable(name)
      table.definition = definition
      table.definedAt = number
      table.rewrittenAt = number
      put(table)
    case .renameTable(let name, let newName):
      var table = try rewritableTable(name)
      try requireVacant(newName)
      state.tables[name] = nil
      table.name = newName
      table.definedAt = number
      table.rewrittenAt = number
      put(table)
    case .dropTable(let name):
      let table = try rewritableTable(name)
      state.tables[name] = nil
      if table.segmentCount > 0 { itemChanges.append(.removeAllItems(owner: table.identifier.rawValue)) }
    case .requireUnchanged(let name): _ = try rewritableTable(name)
    case .putView(let name, let definition): try putView(name, definition)
    case .dropView(let name):
      guard let view = state.views[name] else { throw missing("view", name, wasSeen: seen?.state.views[name] != nil) }
      try refuse(original(view)?.changedAt, "view", name)
      state.views[name] = nil
    case .addSegments(let name, let segments):
      var table = try table(name)
      try refuse(original(table)?.definedAt, "table", name)
      add(segments, to: &table)
      put(table)
    case .replaceSegments(let name, let removing, let adding, let rewrite):
      try replaceSegments(name, removing, adding, rewrite)
    case .truncateTable(let name):
      var table = try rewritableTable(name)
      if table.segmentCount > 0 { itemChanges.append(.removeAllItems(owner: table.identifier.rawValue)) }
      table.rowCount = 0
      table.byteCount = 0
      table.segmentCount = 0
      table.manifest = .empty
      table.rewrittenAt = number
      put(table)
    case .putState(let space, let key, let value):
      let owner = try writableSpace(space)
      state.pendingEntries[space, default: .init()].entries.updateValue(value, forKey: key)
      itemChanges.append(.putItem(owner: owner.rawValue, CatalogItem(key: key, value: value)))
    case .removeState(let space, let key):
      let owner = try writableSpace(space)
      state.pendingEntries[space, default: .init()].entries.updateValue(nil, forKey: key)
      itemChanges.append(.removeItem(owner: owner.rawValue, key: key))
    case .clearState(let space):
      let owner = try writableSpace(space)
      state.pendingEntries[space] = .init(isCleared: true)
      itemChanges.append(.removeAllItems(owner: owner.rawValue))
    }
  }

  /// Returns what is to be done to objects once `effects` tells, by owner, what the item changes did, together with
  /// the state that results.
  ///
  /// - Throws: `.corrupt` when the items were not what the state took them for.
  func finish(_ effects: [UInt64: CatalogTransaction.Effect]) throws(PulsehouseError)
    -> (changes: [CatalogChange], state: WarehouseState)
  {
    var changes: [CatalogChange] = []
    var result = state
    result.pendingEntries = [:]
    for name in original.tables.keys.sorted() where state.tables[name] == nil {
      changes.append(.removeObject(kind: ObjectKind.table.rawValue, name: name.catalogName))
    }
    for name in original.views.keys.sorted() where state.views[name] == nil {
      changes.append(.removeObject(kind: ObjectKind.view.rawValue, name: name.catalogName))
    }
    for name in original.schemas.keys.sorted() where state.schemas[name] == nil {
      changes.append(.removeObject(kind: ObjectKind.schema.rawValue, name: name))
    }
    for (name, identifier) in state.schemas.sorted(by: { $0.key < $1.key }) where touched.contains(identifier) {
      changes.append(
        .putObject(
          CatalogObject(id: identifier.rawValue, kind: ObjectKind.schema.rawValue, name: name, value: [])))
    }
    for (name, current) in state.tables.sorted(by: { $0.key < $1.key }) where touched.contains(current.identifier) {
      var table = current
      if let effect = effects[table.identifier.rawValue] {
        table.summary = ItemSummary(
          count: table.summary.count + effect.itemCount, hash: table.summary.hash + effect.items)
      }
      guard table.summary.count == table.segmentCount else {
        throw PulsehouseError(
          .corrupt, "table \(name) would have \(table.summary.count) segments where \(table.segmentCount) are due")
      }
      result.tables[name] = table
      changes.append(.putObject(table.catalogObject))
    }
    for (_, view) in state.views.sorted(by: { $0.key < $1.key }) where touched.contains(view.identifier) {
      changes.append(.putObject(view.catalogObject))
    }
    for (key, current) in state.spaces.sorted(by: { $0.key.description < $1.key.description })
    where touched.contains(current.identifier) {
      var space = current
      if let effect = effects[space.identifier.rawValue] {
        space.summary = ItemSummary(
          count: space.summary.count + effect.itemCount, hash: space.summary.hash + effect.items)
      }
      result.spaces[key] = space
      changes.append(.putObject(space.catalogObject))
    }
    return (changes, result)
  }

  // MARK: Schemas and names

  private mutating func createSchema(_ name: String) throws(PulsehouseError) {
    guard state.schemas[name] == nil else {
      if let seen, seen.state.schemas[name] == nil { throw conflict("schema \"\(name)\" was created") }
      throw PulsehouseError(.user, "schema \"\(name)\" already exists", sqlState: "42P06")
    }
    let identifier = TableIdentifier.random()
    state.schemas[name] = identifier
    touched.insert(identifier)
  }

  private mutating func dropSchema(_ name: String) throws(PulsehouseError) {
    try requireSchema(name)
    if let inside = state.tables.keys.filter({ $0.schema == name }).min()
      ?? state.views.keys.filter({ $0.schema == name }).min()
    {
      throw PulsehouseError(
        .user, "cannot drop schema \"\(name)\" because other objects depend on it", sqlState: "2BP01",
        detail: "\(inside) is in it.")
    }
    state.schemas[name] = nil
  }

  private func requireSchema(_ name: String) throws(PulsehouseError) {
    guard state.schemas[name] == nil else { return }
    if let seen, seen.state.schemas[name] != nil { throw conflict("schema \"\(name)\" was dropped") }
    throw PulsehouseError(.user, "schema \"\(name)\" does not exist", sqlState: "3F000")
  }

  /// Throws unless a table or view of this name may be made.
  private func requireVacant(_ name: TableName) throws(PulsehouseError) {
    try requireSchema(name.schema)
    guard state.tables[name] == nil, state.views[name] == nil else {
      if let seen, seen.state.tables[name] == nil, seen.state.views[name] == nil {
        throw conflict("\(name) was created")
      }
      throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
    }
  }

  // MARK: Tables and views

  private mutating func createTable(_ name: TableName, _ identifier: TableIdentifier, _ definition: TableDefinition)
    throws(PulsehouseError)
  {
    try requireVacant(name)
    put(
      TableState(
        identifier: identifier, name: name, definition: definition, rowCount: 0, byteCount: 0, segmentCount: 0,
        createdAt: number, definedAt: number, rewrittenAt: number, changedAt: number, summary: .empty,
        manifest: .empty))
  }

  private mutating func putView(_ name: TableName, _ definition: ViewDefinition) throws(PulsehouseError) {
    try requireSchema(name.schema)
    if state.tables[name] != nil {
      if let seen, seen.state.tables[name] == nil { throw conflict("table \(name) was created") }
      throw PulsehouseError(.user, "\"\(name.name)\" is not a view", sqlState: "42809")
    }
    var identifier = TableIdentifier.random()
    if let old = state.views[name] {
      try refuse(original(old)?.changedAt, "view", name)
      identifier = old.identifier
    }
    state.views[name] = ViewState(identifier: identifier, name: name, definition: definition, changedAt: number)
    touched.insert(identifier)
  }

  private mutating func replaceSegments(
    _ name: TableName, _ removing: [SegmentDescriptor], _ adding: [SegmentDescriptor], _ rewrite: Change.Rewrite
  ) throws(PulsehouseError) {
    var table = try table(name)
    switch rewrite {
    case .rows: try refuse(original(table)?.changedAt, "table", name)
    case .layout: try refuse(original(table)?.rewrittenAt, "table", name)
    }
    let removedRows = removing.reduce(0) { $0 + $1.rowCount }
    if rewrite == .layout {
      guard adding.reduce(0, { $0 + $1.rowCount }) == removedRows else {
        throw PulsehouseError(.internal, "compaction of \(name) would change its number of rows")
      }
    }
    for segment in removing {
      itemChanges.append(.removeItem(owner: table.identifier.rawValue, key: segment.path))
    }
    table.rowCount -= removedRows
    table.byteCount -= removing.reduce(0) { $0 + $1.byteCount }
    table.segmentCount -= removing.count
    guard table.rowCount >= 0, table.byteCount >= 0, table.segmentCount >= 0 else {
      throw PulsehouseError(.internal, "more segments removed from \(name) than it has")
    }
    table.manifest = table.manifest.editing(removing: removing, adding: [])
    table.rewrittenAt = number
    add(adding, to: &table)
    put(table)
  }

  private mutating func add(_ segments: [SegmentDescriptor], to table: inout TableState) {
    for segment in segments {
      itemChanges.append(
        .putItem(
          owner: table.identifier.rawValue, CatalogItem(key: segment.path, value: segment.encode())))
      table.rowCount += segment.rowCount
      table.byteCount += segment.byteCount
    }
    table.segmentCount += segments.count
    table.manifest = table.manifest.editing(removing: [], adding: segments)
  }

  private mutating func put(_ table: TableState) {
    var table = table
    table.changedAt = number
    touched.insert(table.identifier)
    state.tables[table.name] = table
  }

  private func table(_ name: TableName) throws(PulsehouseError) -> TableState {
    guard let table = state.tables[name] else {
      throw missing("table", name, wasSeen: seen?.state.tables[name] != nil)
    }
    if let seen, let before = seen.state.tables[name], before.identifier != table.identifier,
      original.tables[name]?.identifier == table.identifier
    {
      throw conflict("table \(name) was replaced")
    }
    return table
  }

  /// Returns the table, to be changed in a way that tolerates no other change since the snapshot.
  private func rewritableTable(_ name: TableName) throws(PulsehouseError) -> TableState {
    let table = try table(name)
    try refuse(original(table)?.changedAt, "table", name)
    return table
  }

  /// Returns the table as it stood before this transaction changed it; nil when this transaction made it.
  private func original(_ table: TableState) -> TableState? {
    if let same = original.tables[table.name], same.identifier == table.identifier { return same }
    return original.tables.values.first { $0.identifier == table.identifier }
  }

  /// Returns the view as it stood before this transaction changed it; nil when this transaction made it.
  private func original(_ view: ViewState) -> ViewState? {
    original.views[view.name].flatMap { $0.identifier == view.identifier ? $0 : nil }
  }

  // MARK: State spaces

  private mutating func writableSpace(_ space: StateSpace) throws(PulsehouseError) -> TableIdentifier {
    if var known = state.spaces[space] {
      if !space.isShared, !touched.contains(known.identifier), let seen, known.changedAt > seen.at {
        throw conflict("the state of \(space) was changed")
      }
      known.changedAt = number
      touched.insert(known.identifier)
      state.spaces[space] = known
      return known.identifier
    }
    let identifier = TableIdentifier.random()
    state.spaces[space] = SpaceState(identifier: identifier, space: space, changedAt: number, summary: .empty)
    touched.insert(identifier)
    return identifier
  }

  // MARK: Errors

  /// Throws a conflict when others changed the thing after the transaction's snapshot; nil: nobody else knows it.
  private func refuse(_ changedAt: SnapshotID?, _ kind: String, _ name: TableName) throws(PulsehouseError) {
    guard let changedAt, let seen, changedAt > seen.at else { return }
    throw conflict("\(kind) \(name) was changed")
  }

  private func conflict(_ what: String) -> PulsehouseError {
    PulsehouseError(
      .conflict, "could not serialize access: \(what) by another transaction", sqlState: "40001",
      hint: "Nothing was written; run it again.")
  }

  private func missing(_ kind: String, _ name: TableName, wasSeen: Bool) -> PulsehouseError {
    if wasSeen { return conflict("\(kind) \(name) was dropped") }
    return PulsehouseError(.user, "relation \"\(name)\" does not exist", sqlState: "42P01")
  }
}
