import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// ALTER of tables, views and schemas.
extension Session {
  func alterTable(_ change: Planning.AlterTable, _ work: StatementWork) throws {
    if change.target == .schema { return try alterSchema(change, work) }
    if change.target == .view { return try alterView(change, work) }
    if change.table == nil {
      let notice = "relation \"\(change.name.name)\" does not exist, skipping"
      return try work.sink.finish(StatementOutcome("ALTER TABLE", notices: [notice]))
    }
    guard let table = change.table else { return }
    let notices = try inTransaction("ALTER TABLE \(change.name.name)") { transaction in
      let state = try work.scope.state(of: table.reference)
      var name = state.name
      var notices: [String] = []
      if let reshaping = change.reshaping {
        notices = try releaseParts(of: state.name, reshaping, transaction, work)
        try reshape(state, reshaping, transaction, work)
      }
      for action in change.actions {
        switch action {
        case .rename(let newName):
          let renamed = TableName(name.schema, newName)
          try followReferences(to: name, renamedTo: renamed, columns: [:], transaction)
          try transaction.moveComments(of: name, to: renamed)
          try transaction.apply(.renameTable(name, to: renamed))
          name = renamed
        case .setSchema(let schema):
          let renamed = TableName(ownSchema(schema), name.name)
          if renamed != name {
            try followReferences(to: name, renamedTo: renamed, columns: [:], transaction)
            try transaction.moveComments(of: name, to: renamed)
            try transaction.apply(.renameTable(name, to: renamed))
          }
          name = renamed
        case .renameColumn, .setProperties, .resetProperties:
          throw PulsehouseError(
            .unsupported, "ALTER TABLE ... SET (...) is not supported",
            hint: "CREATE TABLE new WITH (...) AS SELECT ... makes a table of the new form.",
            range: change.name.range.bytes)
        }
      }
      return notices
    }
    try work.sink.finish(StatementOutcome("ALTER TABLE", notices: notices))
  }

  /// Gives a view, or one of its columns, another name, or puts it into another schema. Its text stays.
  private func alterView(_ change: Planning.AlterTable, _ work: StatementWork) throws {
    let snapshot = work.scope.snapshot
    let found = storedName(change.name, snapshot, settings.environment)
    if found == nil, change.ifExists {
      let notice = "relation \"\(change.name.name)\" does not exist, skipping"
      return try work.sink.finish(StatementOutcome("ALTER VIEW", notices: [notice]))
    }
    guard let name = found else {
      throw PulsehouseError(
        .user, "relation \"\(change.name.name)\" does not exist", sqlState: "42P01", range: change.name.range.bytes)
    }
    guard let view = snapshot.view(name) else {
      throw PulsehouseError(
        .user, "\"\(name.name)\" is not a view", sqlState: "42809", range: change.name.range.bytes)
    }
    try work.scope.requireOwn(name)
    var (renamed, definition) = (name, view.definition)
    var columns: [String: String] = [:]
    for action in change.actions {
      switch action {
      case .rename(let new): renamed.name = new
      case .setSchema(let schema): renamed.schema = try newName(schema, name.name).schema
      case .renameColumn(let old, let new):
        guard let index = definition.columns.firstIndex(where: { $0.name == old }) else {
          throw PulsehouseError(.user, "column \"\(old)\" does not exist", sqlState: "42703")
        }
        if definition.columns.contains(where: { $0.name == new }) {
          throw PulsehouseError(
            .user, "column \"\(new)\" of relation \"\(name.name)\" already exists", sqlState: "42701")
        }
        definition.columns[index].name = new
        columns[old] = new
      case .setProperties, .resetProperties:
        throw PulsehouseError(
          .unsupported, "ALTER VIEW ... SET (...) is not supported", range: change.name.range.bytes)
      }
    }
    try inTransaction("ALTER VIEW \(name)") { transaction in
      try transaction.moveComments { target in
        guard target.kind == .column, target.owner == name, let new = columns[target.part] else { return target }
        return CommentTarget(.column, name, part: new)
      }
      if renamed != name {
        try requireFree(renamed, transaction.snapshot)
        try transaction.moveComments(of: name, to: renamed)
        try transaction.apply(.dropView(name))
      }
      try transaction.apply(.putView(renamed, definition))
    }
    try work.sink.finish(StatementOutcome("ALTER VIEW"))
  }

  /// Gives a schema another name. What names it in its text (views, defaults that are no plain `nextval`) does not
  /// follow.
  private func alterSchema(_ change: Planning.AlterTable, _ work: StatementWork) throws {
    let old = change.name.name
    guard case .rename(let new)? = change.actions.first else { return }
    let snapshot = work.scope.snapshot
    guard snapshot.schemas.contains(old), settings.environment == nil else {
      throw PulsehouseError(.user, "schema \"\(old)\" does not exist", sqlState: "3F000")
    }
    if let record = try EnvironmentRecord.all(in: snapshot).first(where: { $0.environment.owns(schema: old) }) {
      throw PulsehouseError(
        .user, "the schema \"\(old)\" belongs to the environment \(record.environment)", sqlState: "42939")
    }
    if old == "public" {
      throw PulsehouseError(.unsupported, "another name for the schema \"public\" is not supported")
    }
    if Self.reservedSchemas.contains(new) || new.hasPrefix("pg_") {
      throw PulsehouseError(
        .user, "unacceptable schema name \"\(new)\"", sqlState: "42939",
        detail: "The prefix \"pg_\" is reserved for system schemas.")
    }
    if snapshot.schemas.contains(new) || new == "public" {
      throw PulsehouseError(.user, "schema \"\(new)\" already exists", sqlState: "42P06")
    }
    try inTransaction("ALTER SCHEMA \(old) RENAME TO \(new)") { transaction in
      try transaction.apply(.createSchema(new))
      for var sequence in try snapshot.sequences() where sequence.name.schema == old {
        try transaction.apply(.drop(sequence))
        sequence.name.schema = new
        try transaction.apply(.put(sequence))
      }
      for table in snapshot.tables {
        // Defaults are held against what they name now.
        var definition = transaction.snapshot.table(table.name)?.definition ?? table.definition
        let before = definition
        for (index, column) in definition.columns.enumerated() {
          guard let text = column.defaultText, let written = DefaultValue.sequenceName(text),
            let sequence = try? sequences(snapshot).definition(written), sequence.name.schema == old
          else { continue }
          let sql = SequenceName.call(schema: new, name: sequence.name.name)
          guard String(text.dropFirst()) == SequenceName.call(schema: old, name: sequence.name.name) else { continue }
          definition.columns[index].defaultText = String(text.prefix(1)) + sql
        }
        if definition != before { try transaction.apply(.alterTable(table.name, definition)) }
        guard table.name.schema == old else { continue }
        let renamed = TableName(new, table.name.name)
        try followReferences(to: table.name, renamedTo: renamed, columns: [:], transaction)
        try transaction.apply(.renameTable(table.name, to: renamed))
      }
      for view in snapshot.views where view.name.schema == old {
        try transaction.apply(.dropView(view.name))
        try transaction.apply(.putView(TableName(new, view.name.name), view.definition))
      }
      for var type in try snapshot.userTypes() where type.schema == old {
        type.schema = new
        try put(type, insteadOf: nil, transaction)
      }
      try transaction.moveComments { target in
        var moved = target
        if target.owner.schema == old { moved.owner.schema = new }
        return moved
      }
      try transaction.apply(.dropSchema(old))
    }
    try work.sink.finish(StatementOutcome("ALTER SCHEMA"))
  }

  /// Throws 42P07 when a table, view or sequence has the name.
  private func requireFree(_ name: TableName, _ snapshot: Snapshot) throws {
    if try snapshot.table(name) != nil || snapshot.view(name) != nil || snapshot.sequence(name) != nil {
      throw PulsehouseError(.user, "relation \"\(name.name)\" already exists", sqlState: "42P07")
    }
  }

  /// Sees to the views that need what a table is about to lose; returns what to tell of it.
  ///
  /// - Throws: 2BP01 for what is dropped without CASCADE, 0A000 for a column that gets another type.
  func releaseParts(
    of name: TableName, _ reshaping: Planning.AlterTable.Reshaping, _ transaction: Transaction, _ work: StatementWork
  ) throws -> [String] {
    var notices: [String] = []
    for dropped in reshaping.dropped {
      let part = PlanningScope.HiddenPart(
        table: name, part: dropped.isColumn ? .column(dropped.name) : .constraint(dropped.name))
      let snapshot = transaction.snapshot
      notices += try release(
        try dependents(onPart: part, snapshot), words(part, snapshot), isCascade: dropped.isCascade, transaction, work)
    }
    for column in reshaping.retyped {
      let part = PlanningScope.HiddenPart(table: name, part: .column(column))
      guard let first = try dependents(onPart: part, transaction.snapshot).first else { continue }
      throw PulsehouseError(
        .user, "cannot alter type of a column used by a view or rule", sqlState: "0A000",
        detail: "rule _RETURN on \(first.words) depends on column \"\(column)\"")
    }
    return notices
  }

  /// Gives a table other columns and constraints, and its rows the form that goes with them.
  func reshape(
    _ state: TableState, _ reshaping: Planning.AlterTable.Reshaping, _ transaction: Transaction, _ work: StatementWork
  ) throws {
    func renamed(_ names: [String]) -> [String] { names.map { reshaping.renamed[$0] ?? $0 } }
    for (column, request) in reshaping.sequences {
      let name = TableName(state.name.schema, "\(state.name.name)_\(column)_seq")
      try makeSequence(request, name, column, state.identifier, transaction)
    }
    for var sequence in try transaction.snapshot.sequences() {
      guard let owner = sequence.owner, owner.table == state.identifier else { continue }
      let column = reshaping.renamed[owner.column] ?? owner.column
      guard let kept = reshaping.columns.first(where: { $0.field.name == column }) else {
        try transaction.apply(.drop(sequence))
        continue
      }
      if column != owner.column {
        sequence.owner = (owner.table, column)
        try transaction.apply(.put(sequence))
      }
      // DROP IDENTITY takes the sequence along.
      let before = state.definition.columns.first { $0.name == owner.column }?.defaultText
      if kept.defaultValue == nil, let first = before?.first, first == "!" || first == "?" {
        try transaction.apply(.drop(sequence))
      }
    }
    var definition = state.definition
    definition.partitionedBy = renamed(definition.partitionedBy)
    definition.clusteredBy = renamed(definition.clusteredBy)
    definition.columns = reshaping.columns.map(columnDefinition)
    definition.setConstraints(reshaping.constraints)
    let known = Set(definition.columns.map(\.name))
    for name in definition.partitionedBy + definition.clusteredBy where !known.contains(name) {
      throw PulsehouseError(
        .user, "cannot drop column \"\(name)\" because the table's order depends on it", sqlState: "2BP01")
    }
    if reshaping.plan == nil {
      // Asked before the column says that it has none, which the planner would believe.
      for (old, new) in zip(state.definition.columns, definition.columns) where old.isNullable && !new.isNullable {
        let nulls = try rows(
          "SELECT 1 FROM \(state.name.sql) WHERE \(SQLPrinter.quoted(old.name)) IS NULL LIMIT 1", in: transaction, work)
        if nulls.isEmpty { continue }
        throw PulsehouseError(
          .user, "column \"\(new.name)\" of relation \"\(state.name.name)\" contains null values", sqlState: "23502")
      }
    }
    for (column, options) in reshaping.identities {
      guard let changed = definition.columns.first(where: { $0.name == column }) else { continue }
      try changeIdentity(changed, options, transaction)
    }
    try followReferences(to: state.name, renamedTo: state.name, columns: reshaping.renamed, transaction)
    let columns = Set(definition.columns.map(\.name))
    let constraints = Set(reshaping.constraints.map(\.name))
    try transaction.moveComments { target in
      guard target.owner == state.name else { return target }
      switch target.kind {
      case .column:
        let name = reshaping.renamed[target.part] ?? target.part
        return columns.contains(name) ? CommentTarget(.column, state.name, part: name) : nil
      case .constraint: return constraints.contains(target.part) ? target : nil
      default: return target
      }
    }
    try transaction.apply(.alterTable(state.name, definition))
    try requireReferencedKeys(of: state.name, definition, transaction)
    if let plan = reshaping.plan {
      try transaction.apply(.truncateTable(state.name))
      _ = try write(plan, to: state.name, definition, transaction, checks: reshaping.checks, work)
    } else if reshaping.isStricter {
      try requireRows(of: state.name, definition, reshaping.checks, transaction, work)
    }
  }

  /// Holds the rows of a table that are there already against its constraints.
  private func requireRows(
    of name: TableName, _ definition: TableDefinition, _ checks: RowChecks, _ transaction: Transaction,
    _ work: StatementWork
  ) throws {
    for constraint in try definition.constraints() {
      try requireUnique(constraint, name, definition, among: nil, transaction, work)
      guard case .check(let condition) = constraint.kind else { continue }
      let failing = try rows("SELECT 1 FROM \(name.sql) WHERE NOT (\(condition)) LIMIT 1", in: transaction, work)
      if !failing.isEmpty {
        throw PulsehouseError(
          .user, "check constraint \"\(constraint.name)\" of relation \"\(name.name)\" is violated by some row",
          sqlState: "23514")
      }
    }
    try requireReferences(of: name, definition, among: nil, transaction, work)
  }
}
