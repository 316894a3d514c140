import Bytes
import Engine
import Ingestion
import Modeling

/// `pulsehouse status`: what is in the warehouse.
package enum StatusCommand: Command {
  package static let specification = CommandSpecification(
    "status", "tables, rows, bytes, the books (read = bronze + quarantine), and how far topics were read",
    options: KafkaArguments.options,
    discussion: """
      The books come from the committed state of the sources, not from the tables they speak of. Of each partition of a
      topic: the offset to be read next, where the topic ends and the lag when a broker answers, and the rows per second of
      the last commit.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: false)
    let snapshot = try warehouse.snapshot()
    let partitions = try Partitions(snapshot, place, arguments)
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(try json(place, snapshot, partitions) + "\n")
    } else {
      try output.write("\(place.tables), snapshot \(snapshot.id)\n")
      for line in BoxTable(headers: headers, head: rows(snapshot)).lines(width: Terminal.width) {
        try output.write(line + "\n")
      }
      let books = try Ingest.books(snapshot)
      if !books.isEmpty {
        let rows = books.map { Self.row($0) }
        for line in BoxTable(headers: bookHeaders, head: rows).lines(width: Terminal.width) {
          try output.write(line + "\n")
        }
      }
      for entry in try EnvironmentSummary.all(in: snapshot) {
        try output.write(
          "environment \(entry.environment): \(entry.ownModelCount) of \(entry.modelCount) models are not production's, "
            + "\(ByteSize.format(entry.ownByteCount)) of its own\n")
      }
      for line in lines(partitions) { try output.write(line + "\n") }
    }
    try output.flush()
  }

  private static let headers = [
    BoxTable.Header(name: "table", type: "", isRightAligned: false),
    BoxTable.Header(name: "rows", type: "", isRightAligned: true),
    BoxTable.Header(name: "segments", type: "", isRightAligned: true),
    BoxTable.Header(name: "bytes", type: "", isRightAligned: true),
    BoxTable.Header(name: "bytes/row", type: "", isRightAligned: true),
  ]

  private static let bookHeaders = [
    BoxTable.Header(name: "source", type: "", isRightAligned: false),
    BoxTable.Header(name: "files", type: "", isRightAligned: true),
    BoxTable.Header(name: "bytes", type: "", isRightAligned: true),
    BoxTable.Header(name: "read", type: "", isRightAligned: true),
    BoxTable.Header(name: "bronze", type: "", isRightAligned: true),
    BoxTable.Header(name: "quarantine", type: "", isRightAligned: true),
  ]

  private static func row(_ books: SourceBooks) -> [String?] {
    [
      books.name,
      books.partitionCount == 0
        ? Decimals.grouped(books.fileCount)
        : "\(books.partitionCount) partition\(books.partitionCount == 1 ? "" : "s")",
      ByteSize.format(Int(books.byteCount)),
      Decimals.grouped(Int(books.recordCount)), Decimals.grouped(Int(books.rowCount)),
      Decimals.grouped(Int(books.quarantinedCount)),
    ]
  }

  private static func rows(_ snapshot: Snapshot) -> [[String?]] {
    let tables = snapshot.tables.map { table -> [String?] in
      let perRow = table.rowCount == 0 ? 0 : Double(table.byteCount) / Double(table.rowCount)
      return [
        "\(table.name)", Decimals.grouped(table.rowCount), Decimals.grouped(table.segmentCount),
        ByteSize.format(table.byteCount), table.rowCount == 0 ? "" : Decimals.format(perRow, places: 2),
      ]
    }
    return tables + snapshot.views.map { ["\($0.name) (view)", "", "", "", ""] }
  }

  private static func json(_ place: Workplace, _ snapshot: Snapshot, _ partitions: Partitions) throws -> String {
    let tables = snapshot.tables.map { table in
      JSONText.object([
        ("name", .text("\(table.name.schema).\(table.name.name)")), ("rows", .number(table.rowCount)),
        ("segments", .number(table.segmentCount)), ("bytes", .number(table.byteCount)),
      ])
    }
    let sources = try Ingest.books(snapshot).map { books in
      JSONText.object([
        ("name", .text(books.name)), ("files", .number(books.fileCount)),
        ("partitions", .number(books.partitionCount)), ("bytes", .number(Int(books.byteCount))),
        ("records", .number(Int(books.recordCount))), ("rows", .number(Int(books.rowCount))),
        ("quarantined", .number(Int(books.quarantinedCount))),
        ("incomplete_files", .number(books.incompleteFileCount)),
      ])
    }
    return JSONText.object([
      ("directory", .text(place.tables)), ("snapshot", .number(Int(snapshot.id.number))),
      ("tables", .raw(JSONText.array(tables))), ("sources", .raw(JSONText.array(sources))),
      ("partitions", .raw(json(partitions))),
      ("environments", .raw(JSONText.array(try EnvironmentSummary.all(in: snapshot).map(EnvironmentCommand.json)))),
    ])
  }
}
