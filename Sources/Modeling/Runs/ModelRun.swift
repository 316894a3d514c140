import Bytes
import Glibc
import SQLSyntax
import Vectors

/// Builds all models of a project as tables nobody sees yet, audits them, and publishes them in one commit, or none.
package struct ModelRun {
  package struct Options: Sendable {
    /// `model`, `+model`, `model+`; empty for all.
    package var selection: [String] = []
    /// Failing rows kept and shown for each audit.
    package var sampleLimit = 20
    package init() {}
  }

  /// The schema in which failing rows of unpublished runs are kept.
  package static let failureSchema = "audits"

  private let project: Project
  private let session: any ModelSession
  private let options: Options
  private let progress: (RunEvent) throws -> Void

  /// Runs the project's models.
  ///
  /// Everything happens in one transaction of `session`, so readers see the old tables until the commit and all new ones
  /// after it. A blocking audit that fails ends the run: the report says so and nothing has changed but
  /// the tables of failing rows in the schema `audits`.
  ///
  /// - Throws: `.user` with file, line and range for a model whose SQL does not work, a table that is missing, models that
  ///   depend on each other; `.conflict` when another process published the same tables meanwhile; what
  ///   `progress` throws. After any error nothing has changed.
  package static func run(
    _ project: Project, in session: any ModelSession, options: Options = Options(),
    progress: @escaping (RunEvent) throws -> Void = { _ in }
  ) throws -> RunReport {
    try ModelRun(project: project, session: session, options: options, progress: progress).run()
  }

  private func run() throws -> RunReport {
    let start = Self.now()
    let graph = try ModelGraph(project)
    let models = try graph.selecting(options.selection)
    var report = RunReport()
    try session.begin()
    do {
      try requireTables(models)
      for schema in Set(models.filter { $0.kind != .external }.map(\.name.schema)).sorted() {
        try makeSchema(schema)
      }
      for (index, model) in models.enumerated() {
        try progress(.began(model.name, number: index + 1, of: models.count))
        let finished = try build(model)
        report.models.append(finished)
        try progress(.finished(finished, number: index + 1, of: models.count))
        if finished.audits.contains(where: { !$0.isPassed && $0.isBlocking }) { break }
      }
      if report.failures.contains(where: { $0.audit.isBlocking }) {
        session.rollback()
        try keepFailures(&report)
      } else {
        try progress(.publishing)
        try session.commit(message: "run: \(report.models.count) models")
        report.isPublished = true
      }
    } catch {
      session.rollback()
      throw error
    }
    report.seconds = Self.now() - start
    return report
  }

  /// Every table read is there, or is made by this run before it is read.
  private func requireTables(_ models: [Model]) throws {
    let made = Set(models.filter { $0.kind != .external }.map(\.name))
    let known = Set(project.models.map(\.name))
    for model in models {
      if model.kind == .external, try session.relationKind(model.name) == nil {
        throw model.error(
          .user, "the external table \(model.name) does not exist", sqlState: "42P01", hint: Self.ingestHint)
      }
      for name in model.upstream.sorted() where !made.contains(name) {
        guard try session.relationKind(name) == nil else { continue }
        throw model.error(
          .user, "\(model.name) reads \(name), which does not exist", sqlState: "42P01",
          hint: known.contains(name) ? "Select it too: +\(model.name)." : Self.ingestHint)
      }
    }
  }

  private static let ingestHint = "Tables of sources are made by pulsehouse ingest."

  private func makeSchema(_ name: String) throws {
    _ = try session.execute("CREATE SCHEMA IF NOT EXISTS \(RelationName.quoted(name))")
  }

  // MARK: Building

  private func build(_ model: Model) throws -> ModelReport {
    let start = Self.now()
    let rowCount: Int?
    switch model.kind {
    case .full:
      try drop(model)
      rowCount = try create(model, as: "TABLE")
    case .view:
      try drop(model)
      _ = try create(model, as: "VIEW")
      rowCount = nil
    case .seed(let path):
      try drop(model)
      rowCount = try load(model, from: path)
    case .external: rowCount = nil
    }
    let built = Self.now()
    let audits = try AuditPlan(model, in: project).run(session, sampleLimit: options.sampleLimit)
    return ModelReport(
      name: model.name, kind: model.kind.name, file: model.file.path, rowCount: rowCount, seconds: built - start,
      auditSeconds: Self.now() - built, audits: audits)
  }

  private func drop(_ model: Model) throws {
    switch try session.relationKind(model.name) {
    case .table: _ = try session.execute("DROP TABLE \(model.name.sql)")
    case .view: _ = try session.execute("DROP VIEW \(model.name.sql)")
    case nil: break
    }
  }

  private func create(_ model: Model, as kind: String) throws -> Int? {
    guard let query = model.query else { throw PulsehouseError(.internal, "a model of a query without one") }
    let prefix = "CREATE \(kind) \(model.name.sql)\(storage(model)) AS\n"
    do {
      return try session.execute(prefix + query.text)
    } catch let error as PulsehouseError where error.range != nil {
      throw query.located(error, prefixLength: prefix.utf8.count, in: model.file)
    } catch var error as PulsehouseError {
      error.file = error.file ?? model.file.path
      throw error
    }
  }

  private func storage(_ model: Model) -> String {
    if model.kind == .view { return "" }
    var properties: [String] = []
    for (name, columns) in [("partitioned_by", model.partitionedBy), ("clustered_by", model.clusteredBy)]
    where !columns.isEmpty {
      properties.append("\(name) = '\(columns.joined(separator: ", ").replacing("'", with: "''"))'")
    }
    return properties.isEmpty ? "" : " WITH (\(properties.joined(separator: ", ")))"
  }

  private func load(_ model: Model, from path: String) throws -> Int? {
    var columns: [String] = []
    for column in model.columns {
      guard column.path.count == 1, let type = column.typeText else {
        throw model.error(.user, "the columns of a seed are names with types", sqlState: "42601")
      }
      columns.append("\(RelationName.quoted(column.path[0])) \(type)")
    }
    do {
      _ = try session.execute("CREATE TABLE \(model.name.sql) (\(columns.joined(separator: ", ")))\(storage(model))")
      return try session.execute(
        "COPY \(model.name.sql) FROM '\(path.replacing("'", with: "''"))' WITH (FORMAT csv, HEADER true)")
    } catch var error as PulsehouseError {
      error.range = nil
      error.file = error.file ?? model.file.path
      throw error
    }
  }

  // MARK: Failing rows

  /// Keeps the samples of an unpublished run in tables of their own, each replaced by the next failure of its audit.
  private func keepFailures(_ report: inout RunReport) throws {
    try session.begin()
    try makeSchema(Self.failureSchema)
    for (modelIndex, model) in report.models.enumerated() {
      for (auditIndex, audit) in model.audits.enumerated() where !audit.isPassed && !audit.sample.rows.isEmpty {
        let name = RelationName(
          Self.failureSchema, "\(model.name.schema)_\(model.name.name)_\(auditIndex + 1)_\(audit.name)")
        if try session.relationKind(name) != nil { _ = try session.execute("DROP TABLE \(name.sql)") }
        _ = try session.execute(audit.sample.statement(creating: name))
        report.models[modelIndex].audits[auditIndex].keptIn = name
      }
    }
    try session.commit(message: "run: failing rows")
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
