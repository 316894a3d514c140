import Bytes
import Engine
import Kernels
import Vectors

/// Writes the results of statements on standard output, in one of the modes.
///
/// Box mode keeps the first and the last rows only (`maximumRows` together), so a result of any size takes little
/// memory; every other mode streams.
package final class ResultPrinter: ResultSink {
  package var mode: OutputMode
  /// The most rows box mode draws; nil for all.
  package var maximumRows: Int?
  /// Whether tags such as `INSERT 0 3` and notices are written on standard error.
  package var isVerbose: Bool

  private var output = Unowned(StandardOutput())
  private var columns: [Field] = []
  private var csv: CSVWriter?
  private var head: [[String?]] = []
  private var tail: [[String?]] = []
  private var tailStart = 0
  private var rowCount = 0
  private var hasRows = false

  package init(mode: OutputMode, maximumRows: Int? = 40, isVerbose: Bool = false) {
    self.mode = mode
    self.maximumRows = maximumRows
    self.isVerbose = isVerbose
  }

  package func begin(_ columns: [Field]) throws {
    self.columns = columns
    rowCount = 0
    hasRows = true
    head = []
    tail = []
    tailStart = 0
    switch mode {
    case .box, .line, .tsv, .jsonl: break
    case .csv: csv = CSVWriter(columns, dialect: CSVDialect(hasHeader: true))
    case .json: try output.value.write("[")
    case .markdown:
      try output.value.write("| " + columns.map { escapeMarkdown($0.name) }.joined(separator: " | ") + " |\n")
      try output.value.write(
        "|" + columns.map { isRightAligned($0.type) ? "---:" : "---" }.joined(separator: "|") + "|\n")
    }
  }

  package func append(_ batch: Batch) throws {
    if mode == .csv, let writer = csv {
      try writer.append(batch)
      try writer.flush(ifLargerThan: 1 << 17) { try output.value.write(Array($0)) }
      rowCount += batch.rowCount
      return
    }
    for row in 0..<batch.rowCount {
      let cells = batch.columns.map { ValueText.text($0, row) }
      switch mode {
      case .box: keep(cells)
      case .csv: break
      case .tsv: try output.value.write(cells.map { escapeTabs($0 ?? "\\N") }.joined(separator: "\t") + "\n")
      case .json: try output.value.write((rowCount == 0 ? "\n" : ",\n") + object(cells))
      case .jsonl: try output.value.write(object(cells) + "\n")
      case .markdown:
        try output.value.write("| " + cells.map { escapeMarkdown($0 ?? "") }.joined(separator: " | ") + " |\n")
      case .line:
        let width = columns.map { DisplayWidth.of($0.name) }.max() ?? 0
        if rowCount > 0 { try output.value.write("\n") }
        for (column, cell) in zip(columns, cells) {
          try output.value.write("\(DisplayWidth.pad(column.name, to: width, onLeft: true)) = \(cell ?? "NULL")\n")
        }
      }
      rowCount += 1
    }
  }

  package func finish(_ outcome: StatementOutcome) throws {
    if hasRows {
      switch mode {
      case .box: try drawBox()
      case .csv:
        try csv?.flush(ifLargerThan: 0) { try output.value.write(Array($0)) }
        csv = nil
      case .json: try output.value.write(rowCount == 0 ? "]\n" : "\n]\n")
      default: break
      }
    }
    try output.value.flush()
    for notice in outcome.notices { Terminal.note("notice: \(notice)") }
    if isVerbose && !hasRows { Terminal.note(outcome.tag) }
    hasRows = false
  }

  /// Forgets a result that an error cut short, after writing what streamed already.
  package func abandon() {
    hasRows = false
    csv = nil
    try? output.value.flush()
  }

  private func keep(_ cells: [String?]) {
    guard let maximumRows else { return head.append(cells) }
    // A few rows more than asked for are shown rather than cut.
    let headRows = maximumRows / 2
    if head.count < headRows {
      head.append(cells)
    } else if tail.count < maximumRows - headRows {
      tail.append(cells)
    } else {
      tail[tailStart] = cells
      tailStart = (tailStart + 1) % tail.count
    }
  }

  private func drawBox() throws {
    let headers = columns.map {
      BoxTable.Header(name: $0.name, type: $0.type.name, isRightAligned: isRightAligned($0.type))
    }
    let ordered = Array(tail[tailStart...] + tail[..<tailStart])
    let omitted = rowCount - head.count - tail.count
    let table =
      omitted > 0
      ? BoxTable(headers: headers, head: head, tail: ordered, omittedRowCount: omitted)
      : BoxTable(headers: headers, head: head + ordered)
    for line in table.lines(width: Terminal.width) { try output.value.write(line + "\n") }
    let rows = rowCount == 1 ? "1 row" : "\(Decimals.grouped(rowCount)) rows"
    try output.value.write(omitted > 0 ? "\(rows), \(head.count + tail.count) shown\n" : "\(rows)\n")
  }

  private func isRightAligned(_ type: LogicalType) -> Bool { type.isNumber }

  private func object(_ cells: [String?]) -> String {
    JSONText.object(
      zip(columns, cells).map { column, cell in
        guard let cell else { return (column.name, .null) }
        switch column.type {
        case .boolean: return (column.name, .boolean(cell == "t" || cell == "true"))
        case .json, .jsonb: return (column.name, .raw(cell))
        case let type
        where type.isNumber && cell.utf8.allSatisfy({ $0 != UInt8(ascii: "N") && $0 != UInt8(ascii: "I") }):
          return (column.name, .raw(cell))
        default: return (column.name, .text(cell))
        }
      })
  }

  private func escapeTabs(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 9 || $0 == 10 || $0 == 13 || $0 == UInt8(ascii: "\\") }) else {
      return text
    }
    if text == "\\N" { return text }
    var output = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\t": output += "\\t"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\\": output += "\\\\"
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output
  }

  private func escapeMarkdown(_ text: String) -> String {
    var output = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "|": output += "\\|"
      case "\n": output += "<br>"
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output
  }
}

/// Holds a value that cannot be copied inside a class.
private final class Unowned<Value: ~Copyable> {
  var value: Value

  init(_ value: consuming Value) { self.value = value }
}

/// The text of values as PostgreSQL prints them.
package enum ValueText {
  /// Returns nil for NULL.
  package static func text(_ vector: Vector, _ row: Int) -> String? {
    guard vector.isValid(row) else { return nil }
    var bytes: [UInt8] = []
    TextFormat.append(vector, row: row, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
