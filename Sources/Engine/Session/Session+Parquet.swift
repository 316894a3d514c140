import Bytes
import Execution
import Kernels
import Parquet
import Planning
import SQLSyntax
import Vectors

/// COPY to and from Parquet files.
extension Session {
  /// Writes a query's rows as a Parquet file, which takes its name only when it is whole. Returns the number of rows.
  func writeParquet(
    _ plan: PhysicalPlan, _ fields: [Field], to path: String, _ options: ParquetOptions, _ work: StatementWork
  ) throws -> Int {
    // Labels are texts to others.
    let labelled = fields.indices.filter { if case .enumeration = fields[$0].type { true } else { false } }
    var written = fields
    for index in labelled { written[index].type = .text }
    let writer = Unchecked(try ParquetWriter(path, fields: written, options: options, in: warehouse.fileSystem))
    try Executor.run(plan, in: queryContext(work)) { batch in
      var columns = batch.columns
      for index in labelled { columns[index] = try Cast.vector(columns[index], to: .text) }
      try writer.value.append(labelled.isEmpty ? batch : Batch(columns, rowCount: batch.rowCount))
    }
    try writer.value.finish()
    return writer.value.rowCount
  }

  /// Adds the rows of Parquet files to a table: their columns in order, cast as by assignment where the types differ.
  func copyFromParquet(_ copy: CopyFrom, _ path: String, _ work: StatementWork) throws -> Int {
    let files = try ParquetFiles(path)
    let state = try work.scope.state(of: copy.table.reference)
    let names = copy.targets.map { state.definition.columns[$0].name }
    guard files.schema.count == names.count else {
      throw PulsehouseError(
        .user, "\(path) has \(files.schema.count) columns, and \(names.count) are to be filled", sqlState: "22P04")
    }
    // The casts, defaults and checks are those of INSERT.
    func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
    let insertion =
      "INSERT INTO \(quoted(state.name.schema)).\(quoted(state.name.name)) (\(names.map(quoted).joined(separator: ", "))) "
      + "SELECT * FROM read_parquet('\(path.replacing("'", with: "''"))')"
    let sink = DiscardingSink()
    do {
      try run(insertion, into: sink)
    } catch var error as PulsehouseError {
      error.range = nil
      error.file = error.file ?? path
      throw error
    }
    return sink.outcome?.rowCount ?? 0
  }
}

extension ParquetOptions {
  /// Reads the options of `COPY ... (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE n)`; nil for another format.
  init?(_ options: [StatementOption]) throws(PulsehouseError) {
    guard options.contains(where: { $0.name == "format" && $0.value == .text("parquet") }) else { return nil }
    self.init()
    for option in options {
      switch (option.name, option.value) {
      case ("format", _): break
      case ("compression", .text(let name)?) where ["zstd", "none", "uncompressed"].contains(name.lowercased()):
        isCompressed = name.lowercased() == "zstd"
      case ("compression", _):
        throw PulsehouseError(
          .unsupported, "this COMPRESSION is not supported", hint: "There are zstd and none.",
          range: option.range.bytes)
      case ("row_group_size", .integer(let size)?) where (1...1 << 24).contains(size): rowGroupSize = Int(size)
      default:
        throw PulsehouseError(
          .user, "option \"\(option.name)\" not recognized, or not with this value", sqlState: "42601",
          hint: "COPY in the format parquet takes compression and row_group_size.", range: option.range.bytes)
      }
    }
  }
}
