import Bytes
import Execution
import Planning
import SQLSyntax
import Synchronization
import Vectors

/// One conversation with a warehouse: runs SQL statements, each in a transaction of its own or between BEGIN and COMMIT.
///
/// One thread at a time, except `canceller`, which any thread may use. Reads see one snapshot per
/// transaction and never wait for writers.
package final class Session {
  package let warehouse: Warehouse
  package var settings = SessionSettings()
  /// Reads CSV for COPY FROM; the floor above provides it.
  package var copyReader: (any CopyReader)?
  /// Reads CSV and JSON files in FROM; the floor above provides it.
  package var fileReader: (any FileReader)?
  /// Takes the bytes of COPY TO STDOUT; nil refuses it.
  package var standardOutput: ((UnsafeRawBufferPointer) throws -> Void)?

  /// Rows that were read of tables to be written to others, so far.
  package internal(set) var readRowCount = 0

  /// Whether tables and views are dropped whoever reads them: for statements of models' runs, which put others in their
  /// places.
  package var replacesBelowViews = false

  /// The time that statements go by, microseconds since 1970 UTC; nil for the clock's. For tests of models.
  package var fixedTime: Int64?

  var open: OpenTransaction?
  var prepared: [String: Prepare] = [:]
  var cursors: [String: Cursor] = [:]
  /// Stops the running statement from any thread.
  package let canceller: Canceller

  /// A transaction between BEGIN and COMMIT.
  struct OpenTransaction {
    var transaction: Transaction
    var startTime: Int64
    /// After an error everything but ROLLBACK is refused.
    var hasFailed = false
    /// Whether it was begun READ ONLY.
    var isReadOnly = false
    /// SERIALIZABLE: what it read must not have changed when it is committed, if it changed anything itself.
    var isSerializable = false
    /// The tables its statements named so far.
    var tables: Set<TableName> = []
    /// What the settings were when it began, and what they will be when it is committed (SET LOCAL ends then); nil where
    /// it was not begun by SQL.
    var settings: (before: SessionSettings, after: SessionSettings)?
    /// Oldest first; a name may stand several times, and the newest one counts.
    var savepoints: [(name: String, mark: Transaction.Mark)] = []
  }

  /// What was taken of sequences.
  let sequenceMemory = SequenceMemory()

  /// The schema of the session's temporary tables, once it made one.
  var temporarySchema: String?

  package init(_ warehouse: Warehouse) {
    self.warehouse = warehouse
    canceller = Canceller()
  }

  /// A session for a branch of another one's transaction.
  private init(_ other: Session, _ branch: OpenTransaction) {
    warehouse = other.warehouse
    canceller = other.canceller
    settings = other.settings
    copyReader = other.copyReader
    fileReader = other.fileReader
    fixedTime = other.fixedTime
    open = branch
  }

  deinit {
    guard temporarySchema != nil else { return }
    rollback()
    dropTemporaryTables()
  }

  package var isInTransaction: Bool { open != nil }

  /// Whether the open transaction was begun READ ONLY.
  var isReadOnly: Bool { open?.isReadOnly == true }

  /// Runs every statement of `sql` in turn, each one's results going to `sink`; stops at the first error.
  ///
  /// - Throws: `PulsehouseError`, with a range into `sql` where a place is to blame.
  package func run(_ sql: String, into sink: any ResultSink, parameters: [Scalar] = []) throws {
    let statements: [Statement]
    do {
      statements = try PostgresParser.parse(sql)
    } catch {
      open?.hasFailed = true
      throw error
    }
    for statement in statements {
      let number = warehouse.queryLog.begin(statement.text(in: sql, limit: QueryLog.textLimit))
      let start = ContinuousClock.now
      let logged = LoggedSink(sink)
      do {
        let shown: any ResultSink = settings.zone.map { ZonedSink(logged, $0) } ?? logged
        try run(statement, text: sql, into: shown, parameters: parameters)
        warehouse.queryLog.end(number, after: ContinuousClock.now - start, rows: logged.rowCount)
      } catch {
        let known = error as? PulsehouseError
        warehouse.queryLog.end(
          number, after: ContinuousClock.now - start, rows: nil, sqlState: known?.sqlState ?? "XX000",
          message: known?.message ?? "\(error)")
        throw error
      }
    }
  }

  /// Runs a query and returns its rows, for small answers.
  package func rows(_ sql: String) throws -> [[Scalar]] {
    let sink = CollectingSink()
    try run(sql, into: sink)
    return sink.rows
  }

  private func run(
    _ statement: Statement, text: String, into sink: any ResultSink, parameters: [Scalar]
  ) throws {
    let cancellation = canceller.start(settings.statementTimeout)
    defer { canceller.end(cancellation) }
    if open?.hasFailed == true {
      switch statement.node {
      case .transaction(.commit), .transaction(.rollback), .transaction(.rollbackTo): break
      default:
        throw PulsehouseError(
          .user, "current transaction is aborted, commands ignored until end of transaction block",
          sqlState: "25P02", hint: "ROLLBACK ends it.", range: statement.range.bytes)
      }
    }
    do {
      let scope = try planningScope(readsPast: statement.node.readsTables)
      let planned = try planner(scope, parameters).plan(statement)
      try noteTables(of: scope)
      let work = StatementWork(
        scope: scope, text: text, sink: sink, cancellation: cancellation,
        now: statementTime, parameters: parameters)
      try perform(planned, work)
    } catch {
      open?.hasFailed = true
      throw error
    }
  }

  // MARK: What a statement works with

  /// The start of the transaction a statement belongs to, microseconds since 1970-01-01 UTC.
  var statementTime: Int64 { fixedTime ?? open?.startTime ?? MachineClock.microsecondsSince1970 }

  /// With `readsPast` the state is the one that the setting `snapshot` names.
  func planningScope(readsPast: Bool = true) throws -> PlanningScope {
    let snapshot = try open?.transaction.snapshot ?? (readsPast ? past() : nil) ?? warehouse.snapshot()
    return PlanningScope(
      snapshot, in: warehouse, searchPath: searchPath,
      environment: readsPast ? try checkedEnvironment(snapshot) : nil, fileReader: fileReader, settings: settings)
  }

  /// The earlier state that the setting `snapshot` names; nil when it names none.
  private func past() throws -> Snapshot? { try settings.snapshot.map { try warehouse.snapshot(at: $0) } }

  func planner(_ scope: PlanningScope, _ parameters: [Scalar] = []) -> Planner {
    let context = EvaluationContext(
      parameters: parameters, now: statementTime, zone: settings.zone, sequences: sequences(scope.snapshot))
    return Planner(schema: scope) { expression in try ConstantEvaluator.value(of: expression, context) }
  }

  /// `snapshot`: where the sequences are, when a statement has just made one for its own rows.
  func queryContext(_ work: StatementWork, isTimed: Bool = false, snapshot: Snapshot? = nil) -> QueryContext {
    QueryContext(
      tables: work.scope, threadCount: settings.threadCount, budget: MemoryBudget(limit: settings.memoryLimit),
      cancellation: work.cancellation, now: work.now, zone: settings.zone,
      sequences: sequences(snapshot ?? open?.transaction.snapshot ?? work.scope.snapshot), parameters: work.parameters,
      temporaryDirectory: settings.temporaryDirectory, isTimed: isTimed,
      prunes: settings.prunes)
  }

  /// Runs `body` in the open transaction, or in one of its own that is committed after it.
  @discardableResult
  func inTransaction<Result>(_ message: String, _ body: (Transaction) throws -> Result) throws -> Result {
    if let open {
      if open.isReadOnly {
        throw PulsehouseError(.user, "cannot change anything in a read-only transaction", sqlState: "25006")
      }
      return try body(open.transaction)
    }
    guard settings.snapshot == nil else {
      throw PulsehouseError(
        .user, "the past cannot be changed", sqlState: "25006", hint: "RESET snapshot returns to the newest state.")
    }
    let transaction = try warehouse.begin()
    do {
      let result = try body(transaction)
      try endTemporaryTables(transaction)
      try transaction.commit(message: message)
      return result
    } catch {
      transaction.rollback()
      throw error
    }
  }

  /// Runs several statements in the open transaction, or in one of their own that is committed after them.
  func together(_ message: String, _ body: () throws -> Void) throws {
    if open != nil { return try body() }
    try begin()
    do {
      try body()
    } catch {
      rollback()
      throw error
    }
    try commit(message: message)
  }

  /// Remembers which tables the open transaction reads; a serializable one holds on to them.
  func noteTables(of scope: PlanningScope) throws {
    guard let transaction = open?.transaction else { return }
    for table in scope.storedTables {
      guard open?.tables.insert(table.name).inserted == true, open?.isSerializable == true,
        transaction.snapshot.table(table.name)?.identifier == table.identifier
      else { continue }
      try transaction.apply(.requireUnchanged(table.name))
    }
  }

  // MARK: Transactions

  /// Begins a transaction. - Throws: 25001 when one is open.
  package func begin() throws {
    guard open == nil else {
      throw PulsehouseError(.user, "there is already a transaction in progress", sqlState: "25001")
    }
    guard settings.snapshot == nil else {
      throw PulsehouseError(
        .user, "a transaction cannot begin in the past", sqlState: "25006",
        hint: "RESET snapshot returns to the newest state.")
    }
    open = OpenTransaction(transaction: try warehouse.begin(), startTime: MachineClock.microsecondsSince1970)
    open?.isSerializable = settings.isolation == .serializable
  }

  /// Commits the open transaction, all of it or, on an error, nothing. - Throws: `.conflict` 40001, `.io`.
  package func commit(message: String = "COMMIT") throws {
    guard let ending = open else { return }
    open = nil
    var isCommitted = false
    defer { endCursors(isCommitted: isCommitted) }
    guard !ending.hasFailed else {
      ending.transaction.rollback()
      return
    }
    do {
      try endTemporaryTables(ending.transaction)
    } catch {
      ending.transaction.rollback()
      throw error
    }
    try ending.transaction.commit(message: message)
    isCommitted = true
  }

  /// Forgets what the open transaction did.
  package func rollback() {
    open?.transaction.rollback()
    open = nil
    endCursors(isCommitted: false)
  }

  /// Forgets what the open transaction did, but for the tables named, and begins another in which they take the places
  /// of any there were under their names. Their schemas are made where they are missing.
  package func restart(keeping names: [TableName]) throws {
    guard let ending = open else { return }
    let kept = try KeptTables(names, in: ending.transaction.snapshot)
    open = nil
    ending.transaction.rollback(keeping: kept.paths)
    try begin()
    try kept.add(to: self)
  }

  // MARK: Branches

  /// Returns a session whose transaction begins with what the open one has done so far. Another thread may use it,
  /// also while this session goes on; what either does the other does not see. `adopt` or `discard` ends it.
  ///
  /// - Throws: 25P01 outside a transaction.
  package func branch() throws -> Session {
    guard let open else {
      throw PulsehouseError(.user, "there is no transaction to branch from", sqlState: "25P01")
    }
    return Session(self, OpenTransaction(transaction: open.transaction.branch(), startTime: open.startTime))
  }

  /// Does in the open transaction what a branch of it did.
  ///
  /// - Throws: `.user` when it cannot be done any more, since this session did the same thing meanwhile.
  package func adopt(_ branch: Session) throws {
    guard let open, let other = branch.open else { return }
    try open.transaction.adopt(other.transaction)
    readRowCount += branch.readRowCount
    branch.open = nil
  }

  /// Forgets what a branch did, but for the tables named, which the open transaction takes over as `restart` does.
  package func discard(_ branch: Session, keeping names: [TableName] = []) throws {
    guard let open, let other = branch.open else { return }
    let kept = try KeptTables(names, in: other.transaction.snapshot)
    branch.open = nil
    other.transaction.rollback(keeping: kept.paths)
    open.transaction.own(kept.paths)
    try kept.add(to: self)
  }

  /// Tables that outlive the transaction that made them.
  private struct KeptTables {
    private let tables: [TableState]
    private let segments: [[SegmentDescriptor]]

    init(_ names: [TableName], in snapshot: Snapshot) throws {
      tables = names.compactMap { snapshot.table($0) }
      segments = try tables.map { try $0.segments() }
    }

    var paths: Set<String> { Set(segments.joined().map(\.path)) }

    func add(to session: Session) throws {
      for (table, segments) in zip(tables, segments) {
        try session.remove(table.name)
        try session.inTransaction("") { transaction in
          if !transaction.snapshot.schemas.contains(table.name.schema) {
            try transaction.apply(.createSchema(table.name.schema))
          }
          try transaction.apply([
            .createTable(table.name, table.identifier, table.definition), .addSegments(table.name, segments),
          ])
        }
      }
    }
  }

  /// The open transaction, for state that travels with its commit (sources, runs); nil outside one.
  package var transaction: Transaction? { open?.transaction }

  // MARK: Statements

  func perform(_ planned: PlannedStatement, _ work: StatementWork) throws {
    switch planned {
    case .query(let plan): try query(plan, work)
    case .explain(let explanation): try explain(explanation, work)
    case .createTable(let definition): try createTable(definition, work)
    case .createTableAs(let definition, let plan): try createTableAs(definition, plan, work)
    case .createTableAsExecute(let create, let name, let arguments):
      try createTableAs(create, prepared: name, arguments, work)
    case .createView(let definition): try createView(definition, work)
    case .createSchema(let name, let ifNotExists, let elements):
      try createSchema(name, ifNotExists, elements, work)
    case .createSequence(let request, let name, let isTemporary, let ifNotExists):
      try createSequence(request, name, isTemporary: isTemporary, ifNotExists: ifNotExists, work)
    case .alterSequence(let alter): try alterSequence(alter, work)
    case .refresh(let name, let withData): try refresh(name, withData: withData, work)
    case .locking(let tables, let query):
      // Outside a transaction the lock would end with the statement.
      if open != nil { try lock(tables, work) }
      try perform(query, work)
    case .lock(let tables):
      guard open != nil else {
        throw PulsehouseError(.user, "LOCK TABLE can only be used in transaction blocks", sqlState: "25P01")
      }
      try lock(tables, work)
      try work.sink.finish(StatementOutcome("LOCK TABLE"))
    case .discard(let target): try discard(target, work)
    case .declareCursor(let name, let scrolls, let isHeld, let query):
      try declareCursor(name, scrolls: scrolls, isHeld: isHeld, query, work)
    case .fetch(let fetch): try self.fetch(fetch, work)
    case .closeCursor(let name): try closeCursor(name, work)
    case .withChanges(let changes, let last): try withChanges(changes, then: last, work)
    case .createIndex(let index): try createIndex(index, work)
    case .comment(let comment): try self.comment(comment, work)
    case .type(let change): try self.change(change, work)
    case .drop(let drop): try self.drop(drop, work)
    case .alterTable(let change): try alterTable(change, work)
    case .insert(let insertion): try insert(insertion, work)
    case .delete(let deletion): try delete(deletion, work)
    case .update(let update): try self.update(update, work)
    case .merge(let merge): try self.merge(merge, work)
    case .truncate(let tables, let restarts): try truncate(tables, restartsIdentity: restarts, work)
    case .copyFrom(let copy): try copyFrom(copy, work)
    case .copyTo(let copy): try copyTo(copy, work)
    case .transaction(let change): try changeTransaction(change, work)
    case .prepare(let prepare):
      guard prepared[prepare.name] == nil else {
        throw PulsehouseError(
          .user, "prepared statement \"\(prepare.name)\" already exists", sqlState: "42P05")
      }
      prepared[prepare.name] = prepare
      try work.sink.finish(StatementOutcome("PREPARE"))
    case .execute(let name, let arguments): try execute(try preparedStatement(name), arguments, work)
    case .deallocate(let name):
      if let name {
        guard prepared.removeValue(forKey: name) != nil else {
          throw PulsehouseError(.user, "prepared statement \"\(name)\" does not exist", sqlState: "26000")
        }
      } else {
        prepared = [:]
      }
      try work.sink.finish(StatementOutcome("DEALLOCATE"))
    case .maintenance(let verb): try work.sink.finish(StatementOutcome(verb))
    case .set(let name, let values, let isLocal):
      var notices = SessionSettings.isWithoutEffect(name) ? ["\(name) has no effect here"] : []
      if name == "transaction_isolation" {
        notices += try setIsolation(values)
      } else if isLocal, open == nil {
        // Nothing is left of it when the statement ends.
        var tried = settings
        try tried.set(name, to: values)
        notices.append("SET LOCAL can only be used in transaction blocks")
      } else {
        try settings.set(name, to: values)
        if !isLocal { try open?.settings?.after.set(name, to: values) }
      }
      try work.sink.finish(StatementOutcome("SET", notices: notices))
    case .setConfig(let name, let values, let isLocal, let column):
      try setConfig(name, values, isLocal: isLocal, column, work)
    case .show(let name): try show(name, work)
    case .reset(let name):
      if let name { try settings.set(name, to: nil) } else { settings = SessionSettings() }
      if let name { try open?.settings?.after.set(name, to: nil) } else { open?.settings?.after = SessionSettings() }
      try work.sink.finish(StatementOutcome("RESET"))
    }
  }

  private func query(_ plan: PhysicalPlan, _ work: StatementWork) throws {
    let fields = zip(plan.columnNames, plan.root.output).map { Field($0, $1.type, isNullable: $1.isNullable) }
    try work.sink.begin(fields)
    let count = RowCounter()
    let sink = work.sink
    try Executor.run(plan, in: queryContext(work)) { batch in
      count.rows += batch.rowCount
      try sink.append(batch)
    }
    try sink.finish(StatementOutcome("SELECT \(count.rows)", rowCount: count.rows))
  }

  private func show(_ name: String?, _ work: StatementWork) throws {
    if let name {
      let value =
        switch name {
        case "transaction_isolation" where open?.isSerializable == true: SessionSettings.Isolation.serializable.rawValue
        case "transaction_read_only" where isReadOnly: "on"
        default: try settings.value(of: name)
        }
      let shown = ["timezone": "TimeZone", "datestyle": "DateStyle", "intervalstyle": "IntervalStyle"][name] ?? name
      try work.sink.begin([Field(shown, .text)])
      try work.sink.append(Batch([Vector.of(.text, [.text(value)])], rowCount: 1))
    } else {
      let all = SessionSettings.names
      let values = try all.map { try settings.value(of: $0.name) }
      try work.sink.begin([Field("name", .text), Field("setting", .text), Field("description", .text)])
      try work.sink.append(
        Batch(
          [
            Vector.of(.text, all.map { .text($0.name) }), Vector.of(.text, values.map { .text($0) }),
            Vector.of(.text, all.map { .text($0.help) }),
          ], rowCount: all.count))
    }
    try work.sink.finish(StatementOutcome("SHOW"))
  }
}

extension Statement {
  /// Its own part of a text, cut at `limit` bytes.
  fileprivate func text(in whole: String, limit: Int) -> String {
    let bytes = whole.utf8
    guard let range = range.bytes, range.lowerBound >= 0, range.upperBound <= bytes.count else { return "" }
    let start = bytes.index(bytes.startIndex, offsetBy: range.lowerBound)
    let part = bytes[start...].prefix(min(range.count, limit))
    return String(decoding: part, as: UTF8.self)
  }
}

extension StatementNode {
  /// False for statements about the session alone, which must work whatever its settings name.
  fileprivate var readsTables: Bool {
    switch self {
    case .set, .show, .reset, .transaction, .deallocate, .discard: false
    default: true
    }
  }
}

/// What one statement runs with.
struct StatementWork {
  var scope: PlanningScope
  /// The text the statement's ranges point into.
  var text: String
  var sink: any ResultSink
  var cancellation: Cancellation
  var now: Int64
  var parameters: [Scalar]
  /// Set while rows follow the keys that they refer to: foreign keys are looked at when all of them have.
  var references: ReferenceActions?
}

/// Counts rows from inside a closure; calls are serialised by the executor.
final class RowCounter: @unchecked Sendable {
  // @unchecked: the executor never overlaps calls of a sink.
  var rows = 0
}

/// Reads the rows of a file for COPY FROM.
package protocol CopyReader: Sendable {
  /// Reads `path` (nil: standard input) and hands its rows over in batches of `fields`, in order. Calls of `rows` never
  /// overlap, but may come from different threads.
  ///
  /// - Throws: `.user` with the file and line of the first row that does not fit.
  func read(
    _ path: String?, fields: Schema, dialect: CSVDialect, threads: Int, rows: @escaping (Batch) throws -> Void
  ) throws
}
