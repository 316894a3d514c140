import Bytes

/// Tables that a long transaction leaves behind in case it never ends: committed under other names while it goes on.
extension Session {
  /// The schema of such tables.
  package static let asideSchema = "unfinished"

  /// Commits tables as the open transaction has made them so far, each under its name aside, with entries of a state
  /// space that say what they are. The open transaction goes on as it was, but their files are the commit's from now on.
  package func setAside(
    _ tables: [(name: TableName, aside: TableName)], entries: [(key: String, value: [UInt8])], in space: StateSpace,
    message: String
  ) throws {
    guard let transaction else {
      throw PulsehouseError(.user, "there is no transaction to set tables aside from", sqlState: "25P01")
    }
    let beside = try warehouse.begin()
    var paths: Set<String> = []
    for (name, aside) in tables {
      guard let table = transaction.snapshot.table(name) else {
        throw PulsehouseError(.internal, "\(name) is to be set aside and is no table")
      }
      let segments = try table.segments()
      paths.formUnion(segments.map(\.path))
      try beside.apply(
        Self.removal(of: aside, from: beside.snapshot) + Self.schemaCreation(aside.schema, in: beside.snapshot)
          + [.createTable(aside, .random(), table.definition), .addSegments(aside, segments)])
    }
    for entry in entries { try beside.apply(.putState(space, key: entry.key, value: entry.value)) }
    try beside.commit(message: message)
    transaction.release(paths)
  }

  /// Makes `name`, in the open transaction, the table that lies aside, with the identity it had where it was made.
  package func takeBack(_ aside: TableName, as name: TableName, _ identifier: TableIdentifier) throws {
    try inTransaction("\(name) is taken back") { transaction in
      let snapshot = transaction.snapshot
      guard let table = snapshot.table(aside) else {
        throw PulsehouseError(.internal, "\(aside) is to be taken back and is gone")
      }
      if let current = snapshot.table(name), current.identifier == identifier, current.definition == table.definition {
        try transaction.apply(try Self.changes(giving: current, theRowsOf: table))
      } else {
        try transaction.apply(
          Self.removal(of: name, from: snapshot) + Self.schemaCreation(name.schema, in: snapshot)
            + [.createTable(name, identifier, table.definition), .addSegments(name, try table.segments())])
      }
    }
  }
}

extension Warehouse {
  /// Removes tables that were set aside, and what was said of them, in one commit; nothing where there are none.
  package func forgetAside(_ entries: [(aside: TableName, key: String)], in space: StateSpace) throws {
    guard !entries.isEmpty else { return }
    let transaction = try begin()
    for (aside, key) in entries {
      try transaction.apply(Session.removal(of: aside, from: transaction.snapshot) + [.removeState(space, key: key)])
    }
    let schema = Session.asideSchema
    let isEmpty = !transaction.snapshot.tables.contains { $0.name.schema == schema }
    if isEmpty, transaction.snapshot.schemas.contains(schema) { try transaction.apply(.dropSchema(schema)) }
    try transaction.commit(message: "what an unfinished run left is done with")
  }
}
