import Bytes
import Planning
import SQLSyntax
import Vectors

/// CREATE, ALTER and DROP of sequences, and those that go with columns.
extension Session {
  func sequences(_ snapshot: Snapshot) -> SessionSequences {
    SessionSequences(
      snapshot, searchPath: searchPath, warehouse.store, sequenceMemory,
      isReadOnly: settings.snapshot != nil || isReadOnly)
  }

  private var files: SequenceFile { SequenceFile(store: warehouse.store) }

  func createSequence(
    _ request: SequenceRequest, _ written: QualifiedName, isTemporary: Bool, ifNotExists: Bool, _ work: StatementWork
  ) throws {
    let name =
      isTemporary
      ? try newTemporaryName(written.schema, written.name) : try newName(written.schema, written.name)
    let snapshot = work.scope.snapshot
    let isTaken = try snapshot.sequence(name) != nil || snapshot.table(name) != nil || snapshot.view(name) != nil
    if isTaken {
      guard ifNotExists else {
        throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
      }
      let notice = "relation \"\(name.name)\" already exists, skipping"
      return try work.sink.finish(StatementOutcome("CREATE SEQUENCE", notices: [notice]))
    }
    try inTransaction("CREATE SEQUENCE \(name)") { transaction in
      try ensureSchema(name.schema, transaction)
      guard transaction.snapshot.schemas.contains(name.schema) else {
        throw PulsehouseError(.user, "schema \"\(name.schema)\" does not exist", sqlState: "3F000")
      }
      var sequence = try SequenceDefinition(name, request.type, request.options)
      try takeOwner(request.options, &sequence, transaction.snapshot)
      try transaction.apply(.put(sequence))
    }
    try work.sink.finish(StatementOutcome("CREATE SEQUENCE"))
  }

  func alterSequence(_ alter: AlterSequence, _ work: StatementWork) throws {
    guard var sequence = try existingSequence(alter.name, work.scope.snapshot) else {
      guard alter.ifExists else { throw missingSequence(alter.name) }
      let notice = "relation \"\(alter.name.name)\" does not exist, skipping"
      return try work.sink.finish(StatementOutcome("ALTER SEQUENCE", notices: [notice]))
    }
    try inTransaction("ALTER SEQUENCE \(sequence.name)") { transaction in
      try takeOwner(alter.options, &sequence, transaction.snapshot)
      try change(sequence, alter.options, transaction)
    }
    try work.sink.finish(StatementOutcome("ALTER SEQUENCE"))
  }

  /// Gives a sequence other options, or lets it begin again. - Throws: 22023.
  private func change(
    _ old: SequenceDefinition, _ options: [StatementOption], _ transaction: Transaction
  ) throws {
    var sequence = old
    try sequence.apply(options, isNew: false)
    if let restart = options.first(where: { $0.name == "restart" }) {
      var value = sequence.start
      if case .integer(let given)? = restart.value { value = given }
      guard value >= sequence.minimum, value <= sequence.maximum else {
        throw PulsehouseError(
          .user,
          value < sequence.minimum
            ? "RESTART value (\(value)) cannot be less than MINVALUE (\(sequence.minimum))"
            : "RESTART value (\(value)) cannot be greater than MAXVALUE (\(sequence.maximum))", sqlState: "22023",
          range: restart.range.bytes)
      }
      try files.set(sequence, to: SequenceFile.Position(value: value, isCalled: false))
    }
    try transaction.apply(.put(sequence))
  }

  /// Changes the sequence of an identity column.
  func changeIdentity(
    _ column: ColumnDefinition, _ options: [StatementOption], _ transaction: Transaction
  ) throws {
    guard let name = column.defaultText.flatMap(DefaultValue.sequenceName) else {
      throw PulsehouseError(.internal, "the identity column \(column.name) has no sequence")
    }
    try change(try sequences(transaction.snapshot).definition(name), options, transaction)
  }

  /// `OWNED BY table.column` or `OWNED BY NONE`.
  private func takeOwner(
    _ options: [StatementOption], _ sequence: inout SequenceDefinition, _ snapshot: Snapshot
  ) throws {
    guard let option = options.first(where: { $0.name == "owned_by" }) else { return }
    var parts: [String] = []
    if case .list(let values)? = option.value {
      for case .text(let text) in values { parts.append(text) }
    }
    if parts == ["none"] {
      sequence.owner = nil
      return
    }
    guard parts.count >= 2, let column = parts.last else {
      throw PulsehouseError(
        .user, "invalid OWNED BY option", sqlState: "42601", hint: "Specify OWNED BY table.column or OWNED BY NONE.",
        range: option.range.bytes)
    }
    let written = QualifiedName(schema: parts.count > 2 ? parts[parts.count - 3] : nil, name: parts[parts.count - 2])
    let schemas = written.schema.map { [$0] } ?? searchPath
    guard let table = schemas.lazy.compactMap({ snapshot.table(TableName($0, written.name)) }).first else {
      throw PulsehouseError(
        .user, "relation \"\(written.name)\" does not exist", sqlState: "42P01", range: option.range.bytes)
    }
    guard table.definition.columns.contains(where: { $0.name == column }) else {
      throw PulsehouseError(
        .user, "column \"\(column)\" of relation \"\(table.name.name)\" does not exist", sqlState: "42703",
        range: option.range.bytes)
    }
    sequence.owner = (table.identifier, column)
  }

  /// The sequence that a name stands for.
  func existingSequence(_ name: QualifiedName, _ snapshot: Snapshot) throws -> SequenceDefinition? {
    for schema in schemas(of: name) {
      if let found = try snapshot.sequence(TableName(schema, name.name)) { return found }
    }
    return nil
  }

  private func missingSequence(_ name: QualifiedName) -> PulsehouseError {
    PulsehouseError(
      .user, "relation \"\(name.name)\" does not exist", sqlState: "42P01", range: name.range.bytes)
  }

  /// Drops a sequence.
  ///
  /// - Throws: 2BP01 where a column's default asks it, unless CASCADE takes that default away.
  func dropSequence(
    _ written: QualifiedName, _ ifExists: Bool, isCascade: Bool, _ transaction: Transaction,
    _ notices: inout [String]
  ) throws {
    guard let sequence = try existingSequence(written, transaction.snapshot) else {
      let message = "sequence \"\(written.name)\" does not exist"
      guard ifExists else {
        throw PulsehouseError(.user, message, sqlState: "42P01", range: written.range.bytes)
      }
      notices.append(message + ", skipping")
      return
    }
    try drop(sequence, isCascade: isCascade, transaction)
  }

  func drop(_ sequence: SequenceDefinition, isCascade: Bool, _ transaction: Transaction) throws {
    let resolver = sequences(transaction.snapshot)
    for table in transaction.snapshot.tables {
      for (index, column) in table.definition.columns.enumerated() {
        guard let text = column.defaultText, let name = DefaultValue.sequenceName(text),
          let used = try? resolver.definition(name), used.identifier == sequence.identifier
        else { continue }
        guard isCascade else {
          throw PulsehouseError(
            .user, "cannot drop sequence \(sequence.name.name) because other objects depend on it", sqlState: "2BP01",
            detail: "default value for column \(column.name) of table \(table.name.name) depends on it.",
            hint: "Use DROP ... CASCADE to drop the dependent objects too.")
        }
        var definition = (transaction.snapshot.table(table.name) ?? table).definition
        definition.columns[index].defaultText = nil
        try transaction.apply(.alterTable(table.name, definition))
      }
    }
    try transaction.dropComments(of: sequence.name)
    try transaction.apply(.drop(sequence))
  }

  /// Drops the sequences that belong to a table, or to one of its columns.
  func dropOwnedSequences(of table: TableIdentifier, column: String? = nil, _ transaction: Transaction) throws {
    for sequence in try transaction.snapshot.sequences() where sequence.owner?.table == table {
      if let column, sequence.owner?.column != column { continue }
      try transaction.dropComments(of: sequence.name)
      try transaction.apply(.drop(sequence))
    }
  }

  /// Makes the sequences that new columns count by, and gives these their defaults.
  func makeSequences(
    for columns: [Planning.TableDefinition.Column], of table: TableName, _ identifier: TableIdentifier,
    _ definition: inout TableDefinition, _ transaction: Transaction
  ) throws {
    for (index, column) in columns.enumerated() {
      guard let request = column.sequence else { continue }
      var name = TableName(table.schema, "\(table.name)_\(column.field.name)_seq")
      var number = 0
      while try transaction.snapshot.sequence(name) != nil || transaction.snapshot.table(name) != nil {
        number += 1
        name.name = "\(table.name)_\(column.field.name)_seq\(number)"
      }
      try makeSequence(request, name, column.field.name, identifier, transaction)
      let sql = SequenceName.call(schema: name.schema, name: name.name)
      let value: ColumnDefault
      if case .identity(let always) = request.use {
        value = .identity(sql, always: always)
      } else {
        value = .expression(sql)
      }
      definition.columns[index].defaultText = DefaultValue.encode(value)
    }
  }

  func makeSequence(
    _ request: SequenceRequest, _ name: TableName, _ column: String, _ table: TableIdentifier,
    _ transaction: Transaction
  ) throws {
    if try transaction.snapshot.sequence(name) != nil {
      throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
    }
    var sequence = try SequenceDefinition(name, request.type, request.options)
    if let model = request.model.flatMap({ DefaultValue.sequenceName(DefaultValue.encode(.expression($0))) }) {
      let identifier = sequence.identifier
      sequence = try sequences(transaction.snapshot).definition(model)
      (sequence.name, sequence.identifier) = (name, identifier)
    }
    sequence.owner = (table, column)
    try transaction.apply(.put(sequence))
  }

  /// Lets the sequences of tables begin again.
  func restartSequences(of tables: [TableState], _ snapshot: Snapshot) throws {
    let identifiers = Set(tables.map(\.identifier))
    for sequence in try snapshot.sequences() {
      guard let owner = sequence.owner, identifiers.contains(owner.table) else { continue }
      try files.set(sequence, to: SequenceFile.Position(value: sequence.start, isCalled: false))
    }
  }
}
