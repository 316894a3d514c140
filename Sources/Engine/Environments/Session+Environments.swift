import Bytes

/// Tables that stand for the rows of other tables: the same segments under another name, nothing copied.
extension Session {
  /// The environment this session is in. - Throws: `.user` 42704 when it is not there any more.
  func checkedEnvironment(_ snapshot: Snapshot) throws -> Environment? {
    guard let environment = settings.environment else { return nil }
    guard try EnvironmentRecord.find(environment, in: snapshot) != nil else {
      throw try EnvironmentRecord.missing(environment, in: snapshot)
    }
    return environment
  }

  /// Makes `name` the table or view that `target` is now, in the open transaction. Returns whether anything changed.
  ///
  /// A table of the same columns and layout keeps its identity, so that its readers see which of its rows changed.
  /// - Parameter environment: whose tables a view made so reads under their plain names; nil: everybody's.
  package func point(_ name: TableName, at target: TableName, readingIn environment: Environment?) throws -> Bool {
    try inTransaction("\(name) becomes \(target)") { transaction in
      let snapshot = transaction.snapshot
      let changes: [Change]
      if let table = snapshot.table(target) {
        if let current = snapshot.table(name), current.definition == table.definition {
          changes = try Self.changes(giving: current, theRowsOf: table)
        } else {
          changes =
            Self.removal(of: name, from: snapshot) + Self.schemaCreation(name.schema, in: snapshot)
            + [
              .createTable(name, .random(), table.definition), .addSegments(name, try table.segments()),
            ]
        }
      } else if let view = snapshot.view(target) {
        var definition = view.definition
        definition.environment = environment
        if snapshot.view(name)?.definition == definition { return false }
        let isOther = snapshot.table(name) != nil
        changes =
          (isOther ? Self.removal(of: name, from: snapshot) : []) + Self.schemaCreation(name.schema, in: snapshot)
          + [.putView(name, definition)]
      } else {
        changes = Self.removal(of: name, from: snapshot)
      }
      try transaction.apply(changes)
      return !changes.isEmpty
    }
  }

  /// Makes two tables of the segments that only one of two tables of the same columns has, in the open transaction;
  /// returns their names. They are for looking at, and go with the transaction.
  package func segmentsApart(_ first: TableState, _ second: TableState, schema: String) throws -> [TableName] {
    let segments = try [first, second].map { try $0.segments() }
    let paths = segments.map { Set($0.map(\.path)) }
    let names = [TableName(schema, "first"), TableName(schema, "second")]
    try inTransaction("comparison of \(first.name) and \(second.name)") { transaction in
      if !transaction.snapshot.schemas.contains(schema) { try transaction.apply(.createSchema(schema)) }
      for (index, name) in names.enumerated() {
        if transaction.snapshot.table(name) != nil { try transaction.apply(.dropTable(name)) }
        let own = segments[index].filter { !paths[1 - index].contains($0.path) }
        try transaction.apply([
          .createTable(name, .random(), index == 0 ? first.definition : second.definition), .addSegments(name, own),
        ])
      }
    }
    return names
  }

  /// Removes the table or view of this name, if there is one, in the open transaction.
  package func remove(_ name: TableName) throws {
    try inTransaction("DROP \(name)") { try $0.apply(Self.removal(of: name, from: $0.snapshot)) }
  }

  /// Removes a schema that has become empty.
  package func removeEmptySchema(_ name: String) throws {
    try inTransaction("DROP SCHEMA \(name)") { transaction in
      let snapshot = transaction.snapshot
      let isEmpty =
        !snapshot.tables.contains { $0.name.schema == name } && !snapshot.views.contains { $0.name.schema == name }
      if isEmpty, snapshot.schemas.contains(name) { try transaction.apply(.dropSchema(name)) }
    }
  }

  package func removeState(_ space: StateSpace, key: String) throws {
    try inTransaction("state of \(space)") { try $0.apply(.removeState(space, key: key)) }
  }

  static func removal(of name: TableName, from snapshot: Snapshot) -> [Change] {
    if snapshot.table(name) != nil { return [.dropTable(name)] }
    return snapshot.view(name) != nil ? [.dropView(name)] : []
  }

  static func schemaCreation(_ name: String, in snapshot: Snapshot) -> [Change] {
    snapshot.schemas.contains(name) ? [] : [.createSchema(name)]
  }

  static func changes(giving current: TableState, theRowsOf table: TableState) throws -> [Change] {
    let old = try current.segments()
    let new = try table.segments()
    let oldPaths = Set(old.map(\.path))
    let newPaths = Set(new.map(\.path))
    let removing = old.filter { !newPaths.contains($0.path) }
    let adding = new.filter { !oldPaths.contains($0.path) }
    if removing.isEmpty && adding.isEmpty { return [] }
    return [.replaceSegments(current.name, removing: removing, adding: adding, .rows)]
  }
}

extension TableState {
  /// Returns whether two tables have the same columns, layout and segments, without reading a row.
  package func isSame(as other: TableState) throws -> Bool {
    guard definition == other.definition, rowCount == other.rowCount, segmentCount == other.segmentCount else {
      return false
    }
    let paths = Set(try segments().map(\.path))
    return try other.segments().allSatisfy { paths.contains($0.path) }
  }
}

extension ViewDefinition {
  private static let environmentKey = "environment"

  /// Whose tables the view reads under plain names; nil: everybody's.
  package var environment: Environment? {
    get { properties[Self.environmentKey].flatMap { try? Environment($0) } }
    set { properties[Self.environmentKey] = newValue?.name }
  }
}
