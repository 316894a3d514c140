import Bytes
import SQLSyntax
import Vectors

/// What building a model came to.
struct BuiltModel {
  /// False when the table holds the same rows as before.
  var isChanged = true
  /// Rows written; nil for views and for nothing.
  var rowCount: Int?
  /// Intervals that were built.
  var intervals: [IntervalRange] = []
  /// The same by query, with the rows of each.
  var batches: [(range: IntervalRange, rowCount: Int)] = []
  /// A query in parentheses that gives the rows written, where that is not the whole table.
  var rows: String?
}

/// Carries out one step of a run by SQL statements of the open transaction.
///
/// A table that is built anew comes about beside the old one and takes its place only if its rows are others, so that
/// what reads it is not outdated for nothing.
struct ModelBuilder {
  private let model: Model
  private let session: any ModelSession
  private let planner: RunPlanner
  private let execution: Int64
  private let keep: Keep

  /// Told after some intervals of several: the table they lie in, what of it was built, and what is yet to be.
  typealias Keep = (_ table: RelationName, _ built: [IntervalRange], _ pending: [IntervalRange]) throws -> Void

  init(
    _ model: Model, _ session: any ModelSession, _ planner: RunPlanner, execution: Int64, keep: @escaping Keep
  ) {
    self.model = model
    self.session = session
    self.planner = planner
    self.execution = execution
    self.keep = keep
  }

  func build(_ step: ModelStep) throws -> BuiltModel {
    switch step.action {
    case .keep, .audit, .resume: return try carryOut(step)
    default: break
    }
    let query = try model.query?.with(companionVariables(step))
    for statement in query?.before ?? [] { try run(statement, of: query) }
    let built = try carryOut(step)
    for statement in query?.after ?? [] { try run(statement, of: query) }
    switch step.action {
    // What was rebuilt lies behind the rest, run after run.
    case .merge, .rebuildIntervals: try session.mergeSmallSegments(of: model.name)
    default: break
    }
    return built
  }

  private func carryOut(_ step: ModelStep) throws -> BuiltModel {
    switch (step.action, model.kind) {
    case (.keep, _), (.audit, _), (.resume, _): return BuiltModel(isChanged: false)
    case (.rebuild, .view):
      try drop()
      try run("CREATE VIEW \(model.name.sql) AS\n", planner.wholeVariables(model))
      return BuiltModel()
    case (.rebuild, .seed(let path, let csv)):
      return try replacing(step) { try load(path, csv, into: $0) }
    case (.rebuild(let range), .incrementalByTimeRange(let kind)):
      var intervals: [IntervalRange] = []
      var batches: [(range: IntervalRange, rowCount: Int)] = []
      var built = try replacing(step) { name in
        intervals = IntervalRange.batches([range].compactMap(\.self), of: kind.batchSize)
        let sample = range ?? IntervalRange(0, 0, kind.unit)
        try run(
          "CREATE TABLE \(name.sql)\(storage) AS\n", TimeVariables.values(sample, execution: execution),
          "\nWITH NO DATA")
        batches = try insert(intervals, kind, into: name)
        return batches.reduce(0) { $0 + $1.rowCount }
      }
      built.batches = batches
      built.intervals = IntervalRange.merged(intervals)
      return built
    case (.rebuild, .slowlyChanging(let kind)):
      return try replacing(step) { name in
        try run(
          "CREATE TABLE \(name.sql)\(storage) AS\n\(firstVersions(kind).prefix)", planner.wholeVariables(model),
          firstVersions(kind).suffix)
      }
    case (.rebuild, _):
      return try replacing(step) { name in
        try run("CREATE TABLE \(name.sql)\(storage) AS\n", planner.wholeVariables(model))
      }
    case (.rebuildIntervals(let ranges), .incrementalByTimeRange(let kind)): return try rebuild(ranges, kind)
    case (.merge, .incrementalByUniqueKey(let kind)) where kind.whenMatched != nil || kind.filter != nil:
      return try merge(kind)
    case (.merge, .incrementalByUniqueKey(let kind)): return try merge(replacing: kind.columns)
    case (.merge, .incrementalByPartition): return try merge(replacing: model.partitionedBy)
    case (.merge, .slowlyChanging(let kind)):
      return try replacing(step) { name in try addVersions(kind, to: name) }
    default: throw PulsehouseError(.internal, "no way to build \(model.name) by \(step.action)")
    }
  }

  // MARK: Statements

  /// The variables of the statements before and after the query: of an incremental model those of all that is built.
  private func companionVariables(_ step: ModelStep) -> [String: MacroValue] {
    guard case .incrementalByTimeRange(let kind) = model.kind else { return planner.wholeVariables(model) }
    var ranges: [IntervalRange] = []
    switch step.action {
    case .rebuild(let range): ranges = [range].compactMap(\.self)
    case .rebuildIntervals(let some): ranges = some
    default: break
    }
    let all = ranges.first.map { IntervalRange($0.first, ranges[ranges.count - 1].last, $0.unit) }
    return TimeVariables.values(all ?? IntervalRange(0, 0, kind.unit), execution: execution)
  }

  private func run(_ statement: ModelQuery.Companion, of query: ModelQuery?) throws {
    do {
      _ = try session.execute(statement.text)
    } catch let error as PulsehouseError {
      throw query?.located(error, of: statement, in: model.file) ?? error
    }
  }

  /// Runs the model's query between other words. - Throws: with places in the model's file.
  @discardableResult
  private func run(_ prefix: String, _ variables: [String: MacroValue], _ suffix: String = "") throws -> Int? {
    guard let query = try model.query?.with(variables) else {
      throw PulsehouseError(.internal, "a model of a query without one")
    }
    do {
      return try session.execute(prefix + query.text + suffix)
    } catch let error as PulsehouseError where error.range != nil {
      throw query.located(error, prefixLength: prefix.utf8.count, in: model.file)
    } catch let error as PulsehouseError {
      throw query.placed(error, in: model.file)
    }
  }

  private func drop() throws {
    switch try session.relationKind(model.name) {
    case .table: _ = try session.execute("DROP TABLE \(model.name.sql)")
    case .view: _ = try session.execute("DROP VIEW \(model.name.sql)")
    case nil: break
    }
  }

  /// Lets `make` fill a new table, which becomes the model's unless the old one has the same rows.
  private func replacing(_ step: ModelStep, _ make: (RelationName) throws -> Int?) throws -> BuiltModel {
    guard step.state != nil, try session.relationKind(model.name) == .table else {
      try drop()
      return BuiltModel(rowCount: try make(model.name))
    }
    let next = RelationName(model.name.schema, model.name.name + "__next")
    if try session.relationKind(next) != nil { _ = try session.execute("DROP TABLE \(next.sql)") }
    let rowCount = try make(next)
    if try session.haveEqualRows(model.name, next) {
      _ = try session.execute("DROP TABLE \(next.sql)")
      return BuiltModel(isChanged: false, rowCount: rowCount)
    }
    try drop()
    _ = try session.execute("ALTER TABLE \(next.sql) RENAME TO \(RelationName.quoted(model.name.name))")
    return BuiltModel(rowCount: rowCount)
  }

  private var storage: String {
    var properties: [String] = []
    for (name, columns) in [("partitioned_by", model.partitionedBy), ("clustered_by", model.clusteredBy)]
    where !columns.isEmpty {
      properties.append("\(name) = '\(columns.joined(separator: ", ").replacing("'", with: "''"))'")
    }
    return properties.isEmpty ? "" : " WITH (\(properties.joined(separator: ", ")))"
  }

  private func load(_ path: String, _ csv: Model.CSVSettings, into name: RelationName) throws -> Int? {
    let settings = [("DELIMITER", csv.delimiter), ("QUOTE", csv.quote), ("ESCAPE", csv.escape), ("NULL", csv.null)]
      .compactMap { word, value in value.map { ", \(word) '\($0.replacing("'", with: "''"))'" } }.joined()
    var columns: [String] = []
    for column in model.columns {
      guard column.path.count == 1, let type = column.typeText else {
        throw model.error(.user, "the columns of a seed are names with types", sqlState: "42601")
      }
      columns.append("\(RelationName.quoted(column.path[0])) \(type)")
    }
    do {
      _ = try session.execute("CREATE TABLE \(name.sql) (\(columns.joined(separator: ", ")))\(storage)")
      return try session.execute(
        "COPY \(name.sql) FROM '\(path.replacing("'", with: "''"))' WITH (FORMAT csv, HEADER true\(settings))")
    } catch var error as PulsehouseError {
      error.range = nil
      error.file = error.file ?? model.file.path
      throw error
    }
  }

  // MARK: Intervals

  /// The type of the model's time column in a table that is there.
  private func timeType(_ kind: Model.TimeRange, _ name: RelationName) throws -> LogicalType {
    let columns = try session.query("SELECT * FROM \(name.sql) LIMIT 0").columns
    guard let column = columns.first(where: { $0.name == kind.column }) else {
      throw model.error(
        .user, "\(model.name) has no column \"\(kind.column)\", which its kind names as the time", sqlState: "42703",
        hint: "It has \(columns.map(\.name).joined(separator: ", ")).")
    }
    switch column.type {
    case .date, .timestamp, .timestamptz, .text, .varchar: return column.type
    case .integer where kind.format.isNumber, .bigint where kind.format.isNumber: return column.type
    default:
      throw model.error(
        .unsupported, "the time column \"\(kind.column)\" is of type \(column.type.name)",
        hint: "Make it a date, a timestamp, or text, or with a format such as '%Y%m%d' a whole number.")
    }
  }

  /// The condition that a row belongs to an interval.
  private static func condition(_ kind: Model.TimeRange, _ type: LogicalType, _ range: IntervalRange) -> String {
    let column = RelationName.quoted(kind.column)
    let start = CalendarText.timestamp(seconds: range.startSeconds)
    if type == .date {
      let first = CalendarText.timestamp(seconds: range.startSeconds).prefix { $0 != " " }
      let last = CalendarText.timestamp(seconds: range.endSeconds - 1).prefix { $0 != " " }
      return "\(column) BETWEEN CAST('\(first)' AS DATE) AND CAST('\(last)' AS DATE)"
    }
    switch type {
    case .timestamp, .timestamptz: break
    case .text, .varchar:
      let (first, last) = (
        kind.format.string(seconds: range.startSeconds), kind.format.string(seconds: range.endSeconds - 1)
      )
      return "\(column) BETWEEN '\(first.replacing("'", with: "''"))' AND '\(last.replacing("'", with: "''"))'"
    default:
      let (first, last) = (
        kind.format.string(seconds: range.startSeconds), kind.format.string(seconds: range.endSeconds - 1)
      )
      return "\(column) BETWEEN \(first) AND \(last)"
    }
    let end = CalendarText.timestamp(seconds: range.endSeconds)
    let zone = type == .timestamptz ? "TIMESTAMP WITH TIME ZONE" : "TIMESTAMP"
    let offset = type == .timestamptz ? "+00" : ""
    return "\(column) >= CAST('\(start)\(offset)' AS \(zone)) AND \(column) < CAST('\(end)\(offset)' AS \(zone))"
  }

  /// A date cannot tell hours apart, so hours grow to whole days.
  private static func whole(_ ranges: [IntervalRange], _ kind: Model.TimeRange, _ type: LogicalType) -> [IntervalRange]
  {
    switch type {
    case .date: break
    case .timestamp, .timestamptz: return ranges
    default: if kind.format.hasHours { return ranges }
    }
    return IntervalRange.merged(
      ranges.map { range in
        guard range.unit == .hour else { return range }
        func floor(_ hour: Int64) -> Int64 { hour >= 0 ? hour / 24 : (hour - 23) / 24 }
        return IntervalRange(floor(range.first) * 24, floor(range.last) * 24 + 23, .hour)
      })
  }

  private func insert(_ ranges: [IntervalRange], _ kind: Model.TimeRange, into name: RelationName) throws
    -> [(range: IntervalRange, rowCount: Int)]
  {
    let type = try timeType(kind, name)
    return try ranges.enumerated().map { index, range in
      if index > 0 { try keep(name, Array(ranges[..<index]), Array(ranges[index...])) }
      let rowCount =
        try run(
          "INSERT INTO \(name.sql)\nSELECT * FROM (\n", TimeVariables.values(range, execution: execution),
          "\n) AS built WHERE \(Self.condition(kind, type, range))") ?? 0
      return (range, rowCount)
    }
  }

  private func rebuild(_ stale: [IntervalRange], _ kind: Model.TimeRange) throws -> BuiltModel {
    let type = try timeType(kind, model.name)
    let ranges = IntervalRange.batches(Self.whole(stale, kind, type), of: kind.batchSize)
    var deleted = 0
    for range in ranges {
      deleted +=
        try session.execute("DELETE FROM \(model.name.sql) WHERE \(Self.condition(kind, type, range))") ?? 0
    }
    let batches = try insert(ranges, kind, into: model.name)
    let inserted = batches.reduce(0) { $0 + $1.rowCount }
    let conditions = ranges.map { "(\(Self.condition(kind, type, $0)))" }
    return BuiltModel(
      isChanged: deleted + inserted > 0, rowCount: inserted, intervals: ranges, batches: batches,
      rows: "(SELECT * FROM \(model.name.sql) WHERE \(conditions.joined(separator: " OR ")))")
  }

  // MARK: Merging

  /// Replaces the rows whose `columns` are among those of the query's rows by the query's rows.
  private func merge(replacing columns: [String]) throws -> BuiltModel {
    let next = try incoming()
    defer { _ = try? session.execute("DROP TABLE \(next.sql)") }
    let deleted =
      try session.execute(
        "DELETE FROM \(model.name.sql) AS target WHERE EXISTS (SELECT 1 FROM \(next.sql) AS source WHERE "
          + "\(Self.sameKey(columns)))") ?? 0
    let inserted = try session.execute("INSERT INTO \(model.name.sql) SELECT * FROM \(next.sql)") ?? 0
    return BuiltModel(isChanged: deleted + inserted > 0, rowCount: inserted)
  }

  /// Merges the query's rows as the model's own clauses say; those that match none are added.
  private func merge(_ kind: Model.UniqueKey) throws -> BuiltModel {
    let next = try incoming()
    defer { _ = try? session.execute("DROP TABLE \(next.sql)") }
    let columns = try session.query("SELECT * FROM \(next.sql) LIMIT 0").columns.map { RelationName.quoted($0.name) }
    let updates = columns.map { "\($0) = source.\($0)" }.joined(separator: ", ")
    let filter = kind.filter.map { " AND (\($0))" } ?? ""
    let values = columns.map { "source.\($0)" }.joined(separator: ", ")
    do {
      let count = try session.execute(
        """
        MERGE INTO \(model.name.sql) AS target USING \(next.sql) AS source
        ON \(Self.sameKey(kind.columns))\(filter)
        \(kind.whenMatched ?? "WHEN MATCHED THEN UPDATE SET \(updates)")
        WHEN NOT MATCHED THEN INSERT (\(columns.joined(separator: ", "))) VALUES (\(values))
        """)
      return BuiltModel(isChanged: count != 0, rowCount: count)
    } catch let error as PulsehouseError {
      // The statement is ours; what is wrong with it stands in the header.
      throw model.error(error.kind, error.message, sqlState: error.sqlState, hint: error.hint)
    }
  }

  /// Writes the query's rows to a table beside the model's and returns its name.
  private func incoming() throws -> RelationName {
    let next = RelationName(model.name.schema, model.name.name + "__next")
    if try session.relationKind(next) != nil { _ = try session.execute("DROP TABLE \(next.sql)") }
    try run("CREATE TABLE \(next.sql) AS\n", planner.wholeVariables(model))
    return next
  }

  /// The condition that rows `source` and `target` have one key; NULL is like NULL.
  private static func sameKey(_ columns: [String]) -> String {
    columns.map { column in
      let name = RelationName.quoted(column)
      return "(source.\(name) = target.\(name) OR (source.\(name) IS NULL AND target.\(name) IS NULL))"
    }.joined(separator: " AND ")
  }

  // MARK: Versions

  private static let always = "CAST('1970-01-01 00:00:00' AS TIMESTAMP)"
  private var now: String {
    "CAST('\(TimeVariables.executionValues(execution)["execution_ts"]?.bareText ?? "")' AS TIMESTAMP)"
  }

  /// One row for each key: the last by the time of change, so that two of one key never both hold.
  private func distinct(_ kind: Model.SlowlyChanging) -> (prefix: String, suffix: String) {
    let key = kind.key.map(RelationName.quoted).joined(separator: ", ")
    let order = kind.updatedAt.map { ", \(RelationName.quoted($0)) DESC" } ?? ""
    return ("SELECT DISTINCT ON (\(key)) * FROM (\n", "\n) AS received ORDER BY \(key)\(order)")
  }

  /// The words around the query that make the first version of each key.
  private func firstVersions(_ kind: Model.SlowlyChanging) -> (prefix: String, suffix: String) {
    let one = distinct(kind)
    let from =
      kind.startsWhenSeen
      ? kind.updatedAt.map { "CAST(\(RelationName.quoted($0)) AS TIMESTAMP)" } ?? now : Self.always
    return (
      "SELECT seen.*, \(from) AS \(RelationName.quoted(kind.validFrom)), "
        + "CAST(NULL AS TIMESTAMP) AS \(RelationName.quoted(kind.validTo)) FROM (\(one.prefix)",
      "\(one.suffix)) AS seen"
    )
  }

  /// Writes the model's old versions, ended where they no longer hold, and the new ones to `name`.
  private func addVersions(_ kind: Model.SlowlyChanging, to name: RelationName) throws -> Int? {
    let from = RelationName.quoted(kind.validFrom)
    let until = RelationName.quoted(kind.validTo)
    let own = try session.query("SELECT * FROM \(model.name.sql) LIMIT 0").columns.map(\.name)
      .filter { $0 != kind.validFrom && $0 != kind.validTo }
    func list(_ table: String) -> String { own.map { "\(table).\(RelationName.quoted($0))" }.joined(separator: ", ") }
    let same = kind.key.map { "seen.\(RelationName.quoted($0)) = held.\(RelationName.quoted($0))" }
      .joined(separator: " AND ")
    let isMissing = "seen.\(RelationName.quoted(kind.key[0])) IS NULL"
    let isNew = "held.\(RelationName.quoted(kind.key[0])) IS NULL"
    let isOther: String
    let since: String
    if let updatedAt = kind.updatedAt.map(RelationName.quoted) {
      isOther = "seen.\(updatedAt) > held.\(updatedAt)"
      since = "CAST(seen.\(updatedAt) AS TIMESTAMP)"
    } else {
      let watched = kind.columns.isEmpty ? own.filter { !kind.key.contains($0) } : kind.columns
      isOther =
        watched.isEmpty
        ? "FALSE"
        : watched.map { "seen.\(RelationName.quoted($0)) IS DISTINCT FROM held.\(RelationName.quoted($0))" }
          .joined(separator: " OR ")
      since = now
    }
    // A key that comes back holds from then on, and not before its last version ended. One never seen holds from 1970,
    // or, compared by columns, from the run that sees it: only a first load knows of no time before.
    let ended =
      "(SELECT MAX(earlier.\(until)) FROM \(model.name.sql) AS earlier WHERE "
      + kind.key.map { "earlier.\(RelationName.quoted($0)) = seen.\(RelationName.quoted($0))" }
      .joined(separator: " AND ") + ")"
    let first: String
    if kind.updatedAt == nil {
      first = since
    } else if kind.startsWhenSeen {
      first = "GREATEST(\(since), \(ended))"
    } else {
      first = "CASE WHEN \(ended) IS NULL THEN \(Self.always) ELSE GREATEST(\(since), \(ended)) END"
    }
    let one = distinct(kind)
    return try run(
      "CREATE TABLE \(name.sql)\(storage) AS\nWITH seen AS (\(one.prefix)", planner.wholeVariables(model),
      """
      \(one.suffix)), held AS (SELECT * FROM \(model.name.sql) WHERE \(until) IS NULL)
      SELECT * FROM \(model.name.sql) WHERE \(until) IS NOT NULL
      UNION ALL
      SELECT \(list("held")), held.\(from),
        CASE WHEN \(isMissing) THEN \(kind.endsMissing ? now : "NULL") WHEN \(isOther) THEN \(since) END
      FROM held LEFT JOIN seen ON \(same)
      UNION ALL
      SELECT \(list("seen")), CASE WHEN \(isNew) THEN \(first) ELSE \(since) END, CAST(NULL AS TIMESTAMP)
      FROM seen LEFT JOIN held ON \(same) WHERE \(isNew) OR \(isOther)
      """)
  }
}
