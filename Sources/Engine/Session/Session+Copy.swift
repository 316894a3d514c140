import Bytes
import Execution
import Kernels
import Parquet
import Planning
import SQLSyntax
import Vectors

/// COPY to and from CSV files.
extension Session {
  func copyFrom(_ copy: CopyFrom, _ work: StatementWork) throws {
    if try ParquetOptions(copy.options) != nil {
      guard let path = try path(copy.place) else {
        throw PulsehouseError(.unsupported, "COPY of Parquet from STDIN", hint: "Name a file.")
      }
      let rows = try copyFromParquet(copy, path, work)
      return try work.sink.finish(StatementOutcome("COPY \(rows)", rowCount: rows))
    }
    guard let copyReader else { throw PulsehouseError(.unsupported, "COPY FROM in this session") }
    let path = try path(copy.place)
    let dialect = try CSVDialect(copy.options)
    let state = try work.scope.state(of: copy.table.reference)
    let fields = state.definition.schema
    let moments = MomentsOfFile(copy.targets.map { fields[$0] }, settings.zone, path)
    let rows = try inTransaction("COPY \(state.name)") { transaction in
      let writer = try tableWriter(state.name, state.definition, transaction)
      let computed = try copy.computed.map { ($0.field, try CompiledExpression($0.value, input: copy.columns)) }
      let context = EvaluationContext(
        now: work.now, zone: settings.zone, sequences: sequences(transaction.snapshot))
      let checks = try CompiledChecks(copy.checks, of: state.name, now: work.now, zone: settings.zone)
      try copyReader.read(path, fields: moments.fields, dialect: dialect, threads: settings.threadCount) { batch in
        try work.cancellation.check()
        let batch = try moments.read(batch)
        var columns = fields.fields.enumerated().map { index, field in
          if let source = copy.targets.firstIndex(of: index) { return batch.columns[source] }
          return Vector.constant(field.type, copy.defaults[index] ?? .null, count: batch.rowCount)
        }
        for (field, value) in computed {
          columns[field] = try value.evaluate(Batch(columns, rowCount: batch.rowCount), context)
        }
        let rows = Batch(columns, rowCount: batch.rowCount)
        try checks.test(rows)
        try writer.append(rows)
      }
      try add(try finish(writer), to: state.name, state.definition, transaction, work)
      return writer.rowCount
    }
    try work.sink.finish(StatementOutcome("COPY \(rows)", rowCount: rows))
  }

  func copyTo(_ copy: CopyTo, _ work: StatementWork) throws {
    if let options = try ParquetOptions(copy.options) {
      guard let path = try path(copy.place) else {
        throw PulsehouseError(.unsupported, "COPY of Parquet to STDOUT", hint: "Name a file.")
      }
      let fields = zip(copy.plan.columnNames, copy.plan.root.output).map { Field($0, $1.type) }
      let rows = try writeParquet(copy.plan, fields, to: path, options, work)
      return try work.sink.finish(StatementOutcome("COPY \(rows)", rowCount: rows))
    }
    let dialect = try CSVDialect(copy.options)
    let fields = zip(copy.plan.columnNames, copy.plan.root.output).map { Field($0, $1.type) }
    let rows: Int
    if let path = try path(copy.place) {
      rows = try writeCSV(copy.plan, fields, to: path, dialect, work)
    } else {
      guard let standardOutput else { throw PulsehouseError(.unsupported, "COPY TO STDOUT in this session") }
      rows = try writeCSV(copy.plan, fields, dialect, work, to: standardOutput)
    }
    try work.sink.finish(StatementOutcome("COPY \(rows)", rowCount: rows))
  }

  /// Writes a query's rows as a CSV file, which takes its name only when it is whole. Returns the number of rows.
  func writeCSV(
    _ plan: PhysicalPlan, _ fields: [Field], to path: String, _ dialect: CSVDialect, _ work: StatementWork
  ) throws -> Int {
    let file = try DurableFile(path, in: warehouse.fileSystem)
    let rows = try writeCSV(plan, fields, dialect, work) { try file.write($0) }
    // The file is for other programs and can be written again, so nobody waits for the disk.
    try file.publish(isDurable: false)
    return rows
  }

  /// Writes a query's rows as CSV, formatted by all threads. Returns the number of rows.
  private func writeCSV(
    _ plan: PhysicalPlan, _ fields: [Field], _ dialect: CSVDialect, _ work: StatementWork,
    to output: @escaping (UnsafeRawBufferPointer) throws -> Void
  ) throws -> Int {
    let header = CSVWriter(fields, dialect: dialect)
    try header.flush(ifLargerThan: 0, to: output)
    let count = RowCounter()
    let plan = settings.zone == nil ? plan : plan.showingZone
    func encoder() -> any TextEncoder { CSVWriter(fields, dialect: dialect, writesHeader: false) }
    try TextRun.run(plan, in: queryContext(work), encoder: encoder) { text, rows in
      count.rows += rows
      try output(text)
    }
    return count.rows
  }

  private func path(_ place: Copy.Place) throws -> String? {
    switch place {
    case .file(let path): return path
    case .standard: return nil
    case .program: throw PulsehouseError(.unsupported, "COPY with PROGRAM")
    }
  }
}

/// Moments of a text file, which say what they are only together with the session's zone: without one they are read as
/// text, and cast here. One batch at a time.
private final class MomentsOfFile {
  /// What is to be read from the file.
  let fields: Schema
  private let wanted: [Field]
  private let zone: ZoneRules?
  private let path: String?
  private var recordCount = 0

  init(_ wanted: [Field], _ zone: ZoneRules?, _ path: String?) {
    self.wanted = wanted
    self.zone = zone
    self.path = path
    fields = Schema(
      wanted.map { zone != nil && $0.type.showsZone ? Field($0.name, .text, isNullable: $0.isNullable) : $0 })
  }

  /// - Throws: `.user` with the record of the file whose text is no moment.
  func read(_ batch: Batch) throws -> Batch {
    defer { recordCount += batch.rowCount }
    guard let zone else { return batch }
    let columns = try zip(batch.columns, wanted).map { column, field in
      field.type.showsZone ? try cast(column, field, zone) : column
    }
    return Batch(columns, rowCount: batch.rowCount)
  }

  private func cast(_ column: Vector, _ field: Field, _ zone: ZoneRules) throws -> Vector {
    do {
      return try Cast.vector(column, to: field.type, zone: zone)
    } catch let error as PulsehouseError {
      throw misfit(column, field, zone) ?? error
    }
  }

  /// The first text that is no moment, and its place.
  private func misfit(_ column: Vector, _ field: Field, _ zone: ZoneRules) -> PulsehouseError? {
    for row in 0..<column.count {
      do {
        _ = try Cast.vector(column.slice(row..<row + 1), to: field.type, zone: zone)
      } catch let error as PulsehouseError {
        return PulsehouseError(
          error.kind, "record \(recordCount + row + 1), column \(field.name): \(error.message)",
          sqlState: error.sqlState, file: path)
      } catch {}
    }
    return nil
  }
}

extension PhysicalPlan {
  /// The plan with its moments as text, which the session's zone makes of them.
  fileprivate var showingZone: PhysicalPlan {
    guard root.output.contains(where: { $0.type.showsZone }) else { return self }
    var plan = self
    let expressions = root.output.map { column -> Planning.Expression in
      column.type.showsZone ? .cast(.column(column), .text) : .column(column)
    }
    let output = root.output.enumerated().map { index, column in
      column.type.showsZone ? Column(id: -1 - index, name: column.name, type: .text) : column
    }
    plan.root = PhysicalNode(
      id: highestNodeID + 1, .project(expressions), inputs: [root], output: output,
      estimatedRowCount: root.estimatedRowCount)
    return plan
  }
}
