import Bytes
import Execution
import Planning
import SQLSyntax
import Vectors

/// Tables that exist only for the planner: names, types and statistics.
struct FixtureSchema: SchemaProvider {
  static let shared = FixtureSchema()

  private let tables: [String: TableDescription]
  private let views = [
    "big_t": "SELECT a, b + 1 AS b1 FROM t WHERE c = 'x'",
    "self": "SELECT * FROM self",
    "ping": "SELECT * FROM pong",
    "pong": "SELECT * FROM ping",
    "broken": "SELECT nosuch FROM t",
  ]

  private init() {
    let list = [
      FixtureSchema.table(
        "events", schema: "silver", rows: 1_000_000,
        [
          ("user_id", .bigint, 10_001...19_999, 9_999),
          ("event_ts", .timestamp, 1_704_067_200_000_000...1_735_689_600_000_000, 900_000),
          ("event_date", .date, 19_723...20_089, 366),
          ("activity_id", .integer, 20_000...21_000, 23),
          ("heart_rate", .smallint, 40...205, 165),
          ("latitude", .double, nil, nil),
        ]),
      FixtureSchema.table(
        "users", schema: "silver", rows: 9_999,
        [
          ("user_id", .bigint, 10_001...19_999, 9_999), ("country", .text, nil, 14),
          ("sex", .varchar(length: 1), nil, 2), ("height", .numeric(precision: 5, scale: 1), nil, nil),
        ]),
      FixtureSchema.table(
        "activities", schema: "silver", rows: 23,
        [("activity_id", .integer, 20_000...21_000, 23), ("name", .text, nil, nil)]),
      FixtureSchema.table(
        "t", schema: "public", rows: 1000,
        [("a", .integer, 0...100, 100), ("b", .integer, nil, nil), ("c", .text, nil, nil), ("j", .json, nil, nil)]),
      FixtureSchema.table(
        "u", schema: "public", rows: 100,
        [("a", .integer, 0...100, 100), ("x", .integer, nil, nil), ("y", .double, nil, nil)]),
      FixtureSchema.table(
        "v", schema: "public", rows: 10_000, [("a", .integer, 0...9_999, 10_000), ("z", .integer, nil, nil)]),
      FixtureSchema.table(
        "s", schema: "public", rows: 10, TypeGoldens.columns.map { ($0.0, $0.1, nil, nil) }),
    ]
    var tables = Dictionary(uniqueKeysWithValues: list.map { ($0.reference.name, $0) })
    tables["t"]?.defaults = [1: .constant(.integer(7))]
    self.tables = tables
  }

  private static func table(
    _ name: String, schema: String, rows: Int, _ columns: [(String, LogicalType, ClosedRange<Int64>?, Double?)]
  ) -> TableDescription {
    TableDescription(
      reference: Planning.TableReference(schema: schema, name: name, handle: 1),
      fields: Schema(columns.map { Field($0.0, $0.1) }), rowCount: rows,
      statistics: columns.map {
        FieldStatistics(
          minimum: $0.2.map { .integer($0.lowerBound) }, maximum: $0.2.map { .integer($0.upperBound) }, nullCount: nil,
          distinctCount: $0.3)
      })
  }

  func relation(schema: String?, name: String) throws -> Relation? {
    if let table = tables[name] { return schema == nil || schema == table.reference.schema ? .table(table) : nil }
    if let query = views[name] { return .view(ViewDescription(schema: "public", name: name, query: query)) }
    return nil
  }

  func relationNames() -> [(schema: String, name: String)] {
    tables.values.map { ($0.reference.schema, $0.reference.name) }.sorted { $0 < $1 }
  }
}

/// Plans `sql` over the fixture's tables.
func plan(_ sql: String) throws -> PlannedStatement {
  let planner = Planner(schema: FixtureSchema.shared) { try ConstantEvaluator.value(of: $0) }
  return try planner.plan(try PostgresParser.parseOne(sql))
}

/// The plan that a query, or the rows of a change, runs.
func physicalPlan(_ sql: String) throws -> PhysicalPlan {
  switch try plan(sql) {
  case .query(let plan): return plan
  case .insert(let insertion): return insertion.plan
  case .delete(let deletion): return deletion.plan
  case .update(let update): return update.plan
  case .createTableAs(_, let plan?): return plan
  default: throw PulsehouseError(.internal, "\(sql) has no plan")
  }
}

/// EXPLAIN's lines without estimates, which goldens of rules need not fix.
func explain(_ sql: String) throws -> String {
  PlanPrinter.lines(try physicalPlan(sql)).map { line in
    guard let end = line.range(ofEstimate: "  (rows=") else { return line }
    return String(line[..<end])
  }.joined(separator: "\n")
}

extension String {
  fileprivate func range(ofEstimate mark: String) -> Index? {
    var index = startIndex
    while index < endIndex {
      if self[index...].hasPrefix(mark) { return index }
      index = self.index(after: index)
    }
    return nil
  }
}

/// The error that planning `sql` raises, and the text it points at.
func failure(_ sql: String) -> (error: PulsehouseError, at: String?)? {
  do {
    _ = try plan(sql)
    return nil
  } catch let error as PulsehouseError {
    let bytes = Array(sql.utf8)
    let at = error.range.flatMap { range in
      range.upperBound <= bytes.count ? String(decoding: bytes[range], as: UTF8.self) : nil
    }
    return (error, at)
  } catch {
    return nil
  }
}
