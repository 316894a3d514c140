import Bytes
import Planning
import SQLSyntax
import Vectors

/// What reads a table or view, which must not lose it unasked.
///
/// Views are texts, so what they read is found by looking up the names in them; which columns, by reading them once more
/// without the column in question.
extension Session {
  /// A thing that needs another.
  struct Dependent {
    enum Kind {
      case table, view, materializedView, sequence, type
      /// A foreign key of the table named.
      case foreignKey(String)
    }
    var kind: Kind
    var name: TableName
    /// As the message names them: `view v`, `table t`.
    var words: String
    var needed: String

    var sentence: String { "\(words) depends on \(needed)" }
  }

  /// Everything that reads one of `targets`, or what reads them, each once and after what it reads; the foreign keys
  /// that refer to them come first.
  func dependents(of targets: [TableName], _ snapshot: Snapshot) throws -> [Dependent] {
    var found: [Dependent] = []
    for target in targets where snapshot.table(target) != nil {
      for (child, constraint, _) in try snapshot.foreignKeys(to: target) where !targets.contains(child) {
        found.append(
          Dependent(
            kind: .foreignKey(constraint), name: child,
            words: "constraint \(TableName.quotedIfNeeded(constraint)) on \(words(child, snapshot))",
            needed: words(target, snapshot)))
      }
    }
    let readers = try readers(snapshot)
    var seen = Set(targets)
    for target in targets { collect(target, words(target, snapshot), readers, &seen, &found, snapshot) }
    return found
  }

  /// The views whose query changes or fails when a column, or a constraint, of a table is not there, and what reads
  /// these.
  func dependents(
    onPart hidden: PlanningScope.HiddenPart, _ snapshot: Snapshot
  ) throws -> [Dependent] {
    let table = hidden.table
    let readers = try readers(snapshot)
    var seen: Set<TableName> = [table]
    var found: [Dependent] = []
    let needed = words(hidden, snapshot)
    for reader in readers[table] ?? [] where !seen.contains(reader) {
      guard let whole = try? columns(of: reader, snapshot, hiding: nil) else { continue }
      if let part = try? columns(of: reader, snapshot, hiding: hidden), part == whole { continue }
      seen.insert(reader)
      found.append(reading(reader, needed, snapshot))
      collect(reader, words(reader, snapshot), readers, &seen, &found, snapshot)
    }
    return found
  }

  /// Refuses to let go what others need, or with `isCascade` drops them; returns what to tell of it.
  ///
  /// - Throws: 2BP01.
  func release(
    _ dependents: [Dependent], _ what: String, isCascade: Bool, _ transaction: Transaction, _ work: StatementWork
  ) throws -> [String] {
    guard let first = dependents.first else { return [] }
    guard isCascade else {
      throw PulsehouseError(
        .user, "cannot drop \(what) because other objects depend on \(what.hasPrefix("desired") ? "them" : "it")",
        sqlState: "2BP01", detail: dependents.map(\.sentence).joined(separator: "\n"),
        hint: "Use DROP ... CASCADE to drop the dependent objects too.")
    }
    for dependent in dependents.reversed() {
      try work.scope.requireOwn(dependent.name)
      switch dependent.kind {
      case .view:
        try transaction.dropComments(of: dependent.name)
        try transaction.apply(.dropView(dependent.name))
      case .materializedView:
        try transaction.dropComments(of: dependent.name)
        try transaction.apply(.dropTable(dependent.name))
      // Whoever drops what they belong to takes them along.
      case .foreignKey, .table, .sequence, .type: break
      }
    }
    if dependents.count == 1 { return ["drop cascades to \(first.words)"] }
    let all = dependents.map { "drop cascades to \($0.words)" }.joined(separator: "\n")
    return ["drop cascades to \(dependents.count) other objects\ndetail: \(all)"]
  }

  /// The kind of a relation and its name, with the schema where it would not be found without.
  func words(_ name: TableName, _ snapshot: Snapshot) -> String {
    let kind: String
    if let table = snapshot.table(name) {
      kind = table.definition.materializedQuery == nil ? "table" : "materialized view"
    } else {
      kind = snapshot.view(name) == nil ? "sequence" : "view"
    }
    let plain = storedName(QualifiedName(name: name.name, range: .unknown), snapshot, settings.environment)
    return "\(kind) \(plain == name || kind == "sequence" ? TableName.quotedIfNeeded(name.name) : name.description)"
  }

  /// A part of a table as messages name it: `column b of table t`.
  func words(_ part: PlanningScope.HiddenPart, _ snapshot: Snapshot) -> String {
    switch part.part {
    case .column(let name): "column \(TableName.quotedIfNeeded(name)) of \(words(part.table, snapshot))"
    case .constraint(let name): "constraint \(TableName.quotedIfNeeded(name)) on \(words(part.table, snapshot))"
    }
  }

  /// The table or view that a name stands for.
  func storedName(_ name: QualifiedName, _ snapshot: Snapshot, _ environment: Environment?) -> TableName? {
    for schema in schemas(of: name) {
      let full = snapshot.resolve(TableName(schema, name.name), in: environment)
      if snapshot.table(full) != nil || snapshot.view(full) != nil { return full }
    }
    return nil
  }

  /// Which views and materialized views read a table or view by name, the oldest first.
  private func readers(_ snapshot: Snapshot) throws -> [TableName: [TableName]] {
    var queries: [(age: SnapshotID, name: TableName, sql: String, environment: Environment?)] = snapshot.views.map {
      ($0.changedAt, $0.name, $0.definition.sql, $0.definition.environment)
    }
    for table in snapshot.tables {
      guard let sql = table.definition.materializedQuery else { continue }
      let environment = settings.environment.flatMap { $0.owns(schema: table.name.schema) ? $0 : nil }
      queries.append((table.createdAt, table.name, sql, environment))
    }
    var readers: [TableName: [TableName]] = [:]
    for query in queries.sorted(by: { ($0.age, $0.name) < ($1.age, $1.name) }) {
      // One that is no SQL any more reads nothing, and can be dropped.
      guard let statement = try? PostgresParser.parseOne(query.sql) else { continue }
      for read in statement.tablesRead {
        guard let name = storedName(read, snapshot, query.environment) else { continue }
        if readers[name]?.last != query.name { readers[name, default: []].append(query.name) }
      }
    }
    return readers
  }

  private func collect(
    _ name: TableName, _ needed: String, _ readers: [TableName: [TableName]], _ seen: inout Set<TableName>,
    _ found: inout [Dependent], _ snapshot: Snapshot
  ) {
    var open = (readers[name] ?? []).reversed().map { (reader: $0, needed: needed) }
    while let next = open.popLast() {
      guard seen.insert(next.reader).inserted else { continue }
      let dependent = reading(next.reader, next.needed, snapshot)
      found.append(dependent)
      open += (readers[next.reader] ?? []).reversed().map { (reader: $0, needed: dependent.words) }
    }
  }

  private func reading(_ name: TableName, _ needed: String, _ snapshot: Snapshot) -> Dependent {
    Dependent(
      kind: snapshot.view(name) == nil ? .materializedView : .view, name: name, words: words(name, snapshot),
      needed: needed)
  }

  /// The columns that the query of a view or materialized view gives.
  private func columns(
    of name: TableName, _ snapshot: Snapshot, hiding hidden: PlanningScope.HiddenPart?
  ) throws -> [Field] {
    let environment =
      snapshot.view(name)?.definition.environment
      ?? settings.environment.flatMap { $0.owns(schema: name.schema) ? $0 : nil }
    let scope = PlanningScope(
      snapshot, in: warehouse, searchPath: searchPath, environment: environment, fileReader: fileReader,
      settings: settings, hiding: hidden)
    let sql = snapshot.view(name)?.definition.sql ?? snapshot.table(name)?.definition.materializedQuery
    guard let sql else { return [] }
    return try planner(scope).columns(of: try PostgresParser.parseOne(sql))
  }
}
