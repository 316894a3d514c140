import Bytes
import Engine
import Kernels
import SQLSyntax
import Vectors

/// What came of one test.
package struct ModelTestReport: Sendable {
  package var test: ModelTest
  package var seconds: Double
  /// What differs, of the query and of each WITH query; none when it passed.
  package var differences: [RowDifference]
  /// What kept it from being run.
  package var error: PulsehouseError?

  package var isPassed: Bool { error == nil && differences.isEmpty }
}

/// Runs tests of models in a warehouse made for it: fixtures are tables under the names the model reads, and the whole
/// of it is taken back after each test.
package struct ModelTestRun {
  private let project: Project
  private let schema: ProjectSchema
  private let session: Session

  /// `session` is one of an empty warehouse.
  package init(_ project: Project, _ schema: ProjectSchema, in session: Session) {
    self.project = project
    self.schema = schema
    self.session = session
  }

  /// - Throws: `.cancelled`, `.io`; all that is wrong with the test itself is in its report.
  package func run(_ test: ModelTest) throws -> ModelTestReport {
    let start = MachineClock.seconds
    var report = ModelTestReport(test: test, seconds: 0, differences: [], error: nil)
    do {
      report.differences = try differences(test)
    } catch let error as PulsehouseError {
      if error.kind == .cancelled || error.kind == .io { throw error }
      report.error = error
    }
    report.seconds = MachineClock.seconds - start
    return report
  }

  private func differences(_ test: ModelTest) throws -> [RowDifference] {
    guard let model = project.models.first(where: { $0.name == test.model }) else {
      throw failure(
        test, "there is no model \(test.model)", test.line,
        hint: "There are \(project.models.map(\.name.description).joined(separator: ", ")).")
    }
    guard let query = model.query else {
      throw failure(test, "\(test.model) has no query to test", test.line)
    }
    if test.hasInputs {
      for name in model.reads.sorted() where !test.inputs.contains(where: { $0.name == name }) {
        throw failure(
          test, "the test has no rows for \(name), which \(test.model) reads", test.line,
          hint: "Write \(name): [] below inputs for none.")
      }
    }
    session.fixedTime = test.execution
    try session.begin()
    defer {
      session.rollback()
      session.fixedTime = nil
    }
    var schemas: Set<String> = ["fixture"]
    schemas.formUnion(test.inputs.map(\.name.schema))
    for name in schemas.sorted() { try execute("CREATE SCHEMA IF NOT EXISTS \(RelationName.quoted(name))") }
    for input in test.inputs { try make(input.name, input.rows, known: schema.fields[input.name], test) }
    let sql = try rendered(query, of: model, test)
    let parsed = try parse(sql, query, model)
    var found: [RowDifference] = []
    for table in test.commonTables {
      guard let with = parsed.with, let index = with.tables.firstIndex(where: { $0.name == table.name }) else {
        throw failure(test, "\(test.model) has no WITH query \"\(table.name)\"", table.rows.line)
      }
      let only = Self.reading(table.name, with)
      var isOrdered = false
      if case .query(let own) = with.tables[index].statement { isOrdered = !own.orderBy.isEmpty }
      found += try compare(only.sql, table.rows, "WITH query \(table.name)", isOrdered: isOrdered, test, query, model)
    }
    if let expected = test.query {
      found += try compare(
        sql, expected, "query", isOrdered: !parsed.orderBy.isEmpty, test, query, model, isModelText: true)
    }
    return found
  }

  // MARK: The model's query

  private func rendered(_ query: ModelQuery, of model: Model, _ test: ModelTest) throws -> String {
    // Where a test says nothing, SQLMesh's times are those of 1970 too.
    try query.with(
      TimeVariables.values(start: test.start ?? 0, end: test.end ?? 0, execution: test.execution ?? 0)
    ).text
  }

  private func parse(_ sql: String, _ query: ModelQuery, _ model: Model) throws -> Query {
    guard case .query(let parsed) = try PostgresParser.parseOne(sql).node else {
      throw model.error(.user, "a model's statement is a SELECT")
    }
    return parsed
  }

  /// `WITH ... SELECT * FROM name`.
  private static func reading(_ name: String, _ with: WithClause) -> Query {
    guard case .query(var query)? = try? PostgresParser.parseOne("SELECT * FROM \(RelationName.quoted(name))").node
    else {
      preconditionFailure("a query of our own does not parse")
    }
    query.with = with
    return query
  }

  // MARK: Fixtures

  /// Makes a table of the rows given, with all columns that are known of it.
  private func make(_ name: RelationName, _ rows: ModelTest.Rows, known: Schema?, _ test: ModelTest) throws {
    var columns: [(name: String, type: String)] = known?.fields.map { ($0.name, $0.type.name) } ?? []
    for column in rows.columns {
      if let index = columns.firstIndex(where: { $0.name == column.name }) {
        columns[index].type = column.type
      } else {
        columns.append(column)
      }
    }
    let isKnown = known != nil || !rows.columns.isEmpty
    switch rows.source {
    case .values(let list):
      if !isKnown {
        for row in list {
          for cell in row.cells {
            if let index = columns.firstIndex(where: { $0.name == cell.column }) {
              if columns[index].type != cell.guess, cell.text != nil {
                columns[index].type = Self.wider(columns[index].type, cell.guess)
              }
            } else {
              columns.append((cell.column, cell.guess))
            }
          }
        }
      }
      try create(name, columns, rows.line, test)
      for row in list { try insert(row, into: name, columns, test) }
    case .query(let sql):
      let given = try located(test, rows.line) { try schema.outputs(of: sql) }
      if !isKnown { columns = given.map { ($0.name, $0.type.name) } }
      for field in given where !columns.contains(where: { $0.name == field.name }) {
        throw failure(test, "\(name) has no column \"\(field.name)\"", rows.line, hint: Self.list(columns))
      }
      try create(name, columns, rows.line, test)
      let names = given.map { RelationName.quoted($0.name) }.joined(separator: ", ")
      let casts = given.map { field in
        "CAST(\(RelationName.quoted(field.name)) AS \(columns.first { $0.name == field.name }?.type ?? "text"))"
      }
      try located(test, rows.line) {
        try execute(
          "INSERT INTO \(name.sql) (\(names)) SELECT \(casts.joined(separator: ", ")) FROM (\(sql)\n) AS given")
      }
    }
  }

  private static func wider(_ first: String, _ second: String) -> String {
    let numbers = ["bigint", "double precision"]
    if numbers.contains(first), numbers.contains(second) { return "double precision" }
    return first == second ? first : "text"
  }

  private static func list(_ columns: [(name: String, type: String)]) -> String {
    "It has \(columns.map(\.name).joined(separator: ", "))."
  }

  private func create(
    _ name: RelationName, _ columns: [(name: String, type: String)], _ line: Int, _ test: ModelTest
  ) throws {
    let list = columns.map { "\(RelationName.quoted($0.name)) \($0.type)" }.joined(separator: ", ")
    try located(test, line) { try execute("CREATE TABLE \(name.sql) (\(list))") }
  }

  private func insert(
    _ row: ModelTest.Rows.Row, into name: RelationName, _ columns: [(name: String, type: String)], _ test: ModelTest
  ) throws {
    var names: [String] = []
    var values: [String] = []
    for cell in row.cells {
      guard let column = columns.first(where: { $0.name == cell.column }) else {
        throw failure(test, "\(name) has no column \"\(cell.column)\"", row.line, hint: Self.list(columns))
      }
      names.append(RelationName.quoted(cell.column))
      values.append(cell.text.map { "CAST('\($0.replacing("'", with: "''"))' AS \(column.type))" } ?? "NULL")
    }
    guard !names.isEmpty else { return }
    try located(test, row.line) {
      try execute(
        "INSERT INTO \(name.sql) (\(names.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))")
    }
  }

  // MARK: Comparing

  private func compare(
    _ sql: String, _ rows: ModelTest.Rows, _ what: String, isOrdered: Bool, _ test: ModelTest, _ query: ModelQuery,
    _ model: Model, isModelText: Bool = false
  ) throws -> [RowDifference] {
    let actual: QueryAnswer
    do {
      actual = try answer(sql)
    } catch let error as PulsehouseError {
      var error = error
      if isModelText, let located = try? query.with([:]) {
        error = located.located(error, prefixLength: 0, in: model.file)
      }
      error.range = nil
      error.file = error.file ?? model.file.path
      error.detail = error.detail ?? "In the \(what) of the test \(test.name)."
      throw error
    }
    let expectedName = RelationName("fixture", "expected")
    let columns = actual.columns.map { (name: $0.name, type: $0.type.name) }
    if try answer("SELECT table_name FROM information_schema.tables WHERE table_schema = 'fixture'").rows.count > 0 {
      try execute("DROP TABLE \(expectedName.sql)")
    }
    try make(expectedName, rows, known: Schema(actual.columns), test)
    var compared = Array(columns.indices)
    if test.isPartial {
      var named: Set<String> = []
      switch rows.source {
      case .values(let list): for row in list { named.formUnion(row.cells.map(\.column)) }
      case .query(let sql): named.formUnion(try schema.outputs(of: sql).map(\.name))
      }
      if !named.isEmpty { compared = compared.filter { named.contains(columns[$0].name) } }
    }
    let expected = try answer("SELECT * FROM \(expectedName.sql)")
    let fields = compared.map { actual.columns[$0] }
    func cut(_ rows: [[Scalar]]) -> [[Scalar]] { rows.map { row in compared.map { row[$0] } } }
    return RowDifference.find(
      what, fields, expected: cut(expected.rows), actual: cut(actual.rows), isOrdered: isOrdered
    ).map { [$0] } ?? []
  }

  private func answer(_ sql: String) throws -> QueryAnswer {
    let sink = CollectingSink()
    try session.run(sql, into: sink)
    return QueryAnswer(columns: sink.columns, rows: sink.rows)
  }

  private func execute(_ sql: String) throws { try session.run(sql, into: DiscardingSink()) }

  private func failure(_ test: ModelTest, _ message: String, _ line: Int, hint: String? = nil) -> PulsehouseError {
    PulsehouseError(.user, message, hint: hint, file: test.file, line: line)
  }

  private func located<R>(_ test: ModelTest, _ line: Int, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch var error as PulsehouseError {
      error.file = test.file
      error.line = line
      error.range = nil
      throw error
    }
  }
}
