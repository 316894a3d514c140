import Bytes
import Engine
import Execution
import Planning
import Vectors

/// `read_csv`: files of one dialect and the same columns, in order.
enum CSVFileTable {
  static func table(_ request: FileRequest) throws -> FileTable {
    try request.allow("header", "delim", "sep", "delimiter", "quote", "escape", "nullstr", "sample_size", "all_varchar")
    let paths = try FilePaths.find(request.path, suffixes: [".csv", ".tsv"], kind: "CSV")
    var dialect = CSVDialect()
    let delimiter = try request.byte("delim") ?? request.byte("sep") ?? request.byte("delimiter")
    if let delimiter { dialect.delimiter = delimiter }
    if let quote = try request.byte("quote") {
      dialect.quote = quote
      dialect.escape = quote
    }
    if let escape = try request.byte("escape") { dialect.escape = escape }
    if let null = try request.text("nullstr") { dialect.null = Array(null.utf8) }
    try dialect.validate()
    var sample = try CSVSample(
      paths[0], dialect, hasHeader: try request.flag("header"), findsDelimiter: delimiter == nil,
      rowLimit: try request.sampleSize())
    if !request.columns.isEmpty {
      guard request.columns.count == sample.fields.count else {
        throw PulsehouseError(
          .user, "\(request.columns.count) columns are declared, and the records have \(sample.fields.count)",
          sqlState: "42804", range: request.range, file: paths[0])
      }
      sample.fields = request.columns
    } else if try request.flag("all_varchar") == true {
      sample.fields = sample.fields.map { Field($0.name, .text) }
    }
    let isDoubled = sample.dialect.escape == sample.dialect.quote
    let found = sample
    let isGuessed = request.columns.isEmpty
    var chunks: [TableChunk] = []
    for path in paths {
      for piece in try FilePiece.cut(path, .by(found.dialect.quote, isDoubled: isDoubled)) {
        chunks.append(
          TableChunk(likelyRowCount: max(1, piece.range.count / 40)) { fields, take in
            do {
              try read(piece, found, fields, take)
            } catch var error as PulsehouseError where error.kind == .user && isGuessed {
              error.hint = error.hint ?? FileRequest.guessHint("read_csv")
              throw error
            }
          })
      }
    }
    return FileTable(schema: Schema(found.fields), chunks: chunks)
  }

  private static func read(
    _ piece: FilePiece, _ sample: CSVSample, _ fields: [Int], _ take: (Batch) throws -> Void
  ) throws {
    // Something must be read for rows to be counted.
    let wanted = fields.isEmpty ? [0] : fields
    var dialect = sample.dialect
    dialect.hasHeader = dialect.hasHeader && piece.isFirst
    let reader = try CSVReader(
      try CSVInput(piece.path, range: piece.range), dialect: dialect,
      targets: wanted.map { CSVReader.Target(name: sample.fields[$0].name, type: sample.fields[$0].type) },
      byName: false, mode: .strict, columnOfField: sample.fields.indices.map { wanted.firstIndex(of: $0) ?? -1 },
      firstLine: piece.firstLine)
    while let rows = try reader.next() {
      if rows.rowCount == 0 { continue }
      try take(Batch(fields.isEmpty ? [] : rows.columns, rowCount: rows.rowCount))
    }
  }
}
