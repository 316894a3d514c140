import Bytes
import Engine
import Ingestion
import Kernels
import Modeling
import Vectors

/// `pulsehouse trace`: rows of a table back to the messages and lines they came from.
package enum TraceCommand: Command {
  package static let specification = CommandSpecification(
    "trace", "follow rows of a table back to the message or the file and line they came from",
    operands: "TABLE", maximumOperands: 1,
    options: [
      OptionSpecification("where", value: "SQL", "which rows: a condition over the table's columns"),
      OptionSpecification("limit", value: "N", "rows shown of those a row was made from (default: 20)"),
      OptionSpecification("lake", value: "DIR", "where the lake lies, instead of where its source says"),
    ],
    discussion: """
      Each model's query is asked once more for the row alone, with the rows it reads beside it, down to bronze; there
      the partition and offset, or the file, line and byte offset are shown, and the raw record where its file is
      still there. A row of a group comes from all rows of the group, as many as --limit shows. Not followed: rows that
      only decide (EXISTS, IN, scalar subqueries), a window's other rows, WITH RECURSIVE; and views are passed through.
      Example: pulsehouse trace gold.fct_heart_rate --where "user_key = 5 AND event_ts = '2024-03-01 10:00:00'"
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    guard let operand = arguments.operands.first else {
      throw PulsehouseError(.usage, "trace the rows of which table?", hint: "pulsehouse trace --help shows an example.")
    }
    guard let condition = arguments.value("where") else {
      throw PulsehouseError(.usage, "which rows? --where says so", hint: "pulsehouse trace --help shows an example.")
    }
    let tables = try ProjectTables(place, arguments)
    let table: RelationName
    switch try tables.lineage().subject(operand) {
    case .table(let name): table = name
    default: throw PulsehouseError(.usage, "trace takes a table, not a column")
    }
    let session = try OpenWarehouse.session(
      try OpenWarehouse.open(place, arguments, forWriting: false), arguments)
    SignalWatch.onInterrupt { [canceller = session.canceller] in canceller.cancel() }
    var trace = ModelTrace(tables.project, in: session, limit: try arguments.count("limit") ?? 20)
    let (rows, hasMore) = try trace.trace(table, where: condition)
    var options = IngestOptions()
    options.dataDirectory = place.data
    options.lakePath = arguments.value("lake")
    let printer = TracePrinter(sources: tables.sources, options: options)
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(JSONText.array(try rows.map(printer.json)) + "\n")
    } else {
      for row in rows { try output.write(try printer.text(row)) }
      if hasMore { try output.write("... and more rows; --limit shows more, a closer --where fewer\n") }
    }
    try output.flush()
  }
}

/// A trace as a tree, or as JSON.
struct TracePrinter {
  let sources: [Source]
  let options: IngestOptions

  func text(_ row: TracedModelRow) throws -> String { try lines(row, "", "").joined(separator: "\n") + "\n" }

  private func lines(_ row: TracedModelRow, _ first: String, _ rest: String) throws -> [String] {
    let title = "\(row.table)" + (row.kind.map { " (\($0))" } ?? "")
    var lines = [first + title + "  " + values(row)]
    var notes: [String] = []
    if let position = position(row) {
      notes.append("at " + position)
      notes.append(try record(row).map { "record: " + $0 } ?? "the record itself is not at hand")
    }
    if let note = row.note { notes.append(note) }
    let bar = row.sources.isEmpty ? "   " : "│  "
    lines += notes.map { rest + bar + $0 }
    for (index, source) in row.sources.enumerated() {
      let isLast = index == row.sources.count - 1 && row.omittedCount == 0
      lines += try self.lines(source, rest + (isLast ? "└─ " : "├─ "), rest + (isLast ? "   " : "│  "))
    }
    if row.omittedCount > 0 {
      let atLeast = row.isCut ? "at least " : ""
      lines.append(rest + "└─ ... and \(atLeast)\(Decimals.grouped(row.omittedCount)) rows more")
    }
    return lines
  }

  private func values(_ row: TracedModelRow) -> String {
    zip(row.fields, row.values).filter { !$0.0.name.hasPrefix("_") }
      .map { "\($0.name)=\(TextFormat.string($1, $0.type) ?? "NULL")" }.joined(separator: " ")
  }

  private func number(_ row: TracedModelRow, _ column: String) -> Int64? {
    if case .integer(let value)? = row[column] { return value }
    return nil
  }

  private func file(_ row: TracedModelRow) -> String? {
    if case .text(let text)? = row["_file"] { return text }
    return nil
  }

  /// Where the row was read, in words; nil for one that does not say.
  private func position(_ row: TracedModelRow) -> String? {
    if row.kind != nil { return nil }
    if let partition = number(row, "_partition"), let offset = number(row, "_offset") {
      var topic = ""
      if let source = source(row), case .kafka(let kafka) = source.kind { topic = "topic \(kafka.topic), " }
      if let source = source(row), case .lake(let lake) = source.kind, let name = lake.topic {
        topic = "topic \(name), "
      }
      return "\(topic)partition \(partition), offset \(offset)"
    }
    guard let file = file(row) else { return nil }
    var text = "file \(file)"
    if let line = number(row, "_line") { text += ", line \(line)" }
    if let offset = number(row, "_offset") { text += ", byte \(offset)" }
    return text
  }

  private func source(_ row: TracedModelRow) -> Source? { sources.first { $0.name == row.table.description } }

  private func record(_ row: TracedModelRow) throws -> String? {
    guard let source = source(row), let file = file(row) else { return nil }
    let bytes = try RawRecord.line(
      of: source, file: file, offset: number(row, "_offset"), line: number(row, "_line"), options: options)
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  func json(_ row: TracedModelRow) throws -> String {
    let values = zip(row.fields, row.values).map { field, value in
      (field.name, TextFormat.string(value, field.type).map { JSONText.Value.text($0) } ?? .null)
    }
    return JSONText.object([
      ("table", .text(row.table.description)), ("kind", row.kind.map { .text($0) } ?? .null),
      ("values", .raw(JSONText.object(values))), ("note", row.note.map { .text($0) } ?? .null),
      ("position", position(row).map { .text($0) } ?? .null),
      ("record", try record(row).map { .text($0) } ?? .null), ("omitted", .number(row.omittedCount)),
      ("sources", .raw(JSONText.array(try row.sources.map(json)))),
    ])
  }
}
