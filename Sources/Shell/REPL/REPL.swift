import Bytes
import Engine
import SQLSyntax

/// The interactive shell: reads statements line by line until they are complete, and backslash commands.
package struct REPL {
  private let runner: StatementRunner

  package init(_ runner: StatementRunner) { self.runner = runner }

  /// Runs at a terminal until `\q` or the end of the input. Errors are shown and the shell goes on.
  package func run(historyPath: String?) throws {
    let editor = LineEditor(historyPath: historyPath)
    print("pulsehouse \(Program.version): \\? for help, \\q to leave")
    var pending = ""
    while true {
      let prompt = pending.isEmpty ? "pulsehouse> " : "        ... "
      guard let line = editor.readLine(prompt: prompt) else {
        print("")
        return
      }
      if pending.isEmpty {
        if line.allSatisfy(\.isWhitespace) { continue }
        if line.first == "\\" {
          editor.remember(line)
          if try !backslash(line) { return }
          continue
        }
      }
      pending += pending.isEmpty ? line : "\n" + line
      guard case .complete = StatementSplitter.completeness(pending) else { continue }
      editor.remember(pending)
      runReporting(pending)
      pending = ""
    }
  }

  private func runReporting(_ sql: String) {
    defer { SignalWatch.reset() }
    do {
      try runner.run(sql)
    } catch let reported as ReportedError {
      ErrorReport.print(reported.error, sql: reported.sql)
    } catch let error as PulsehouseError {
      ErrorReport.print(error)
    } catch {
      Terminal.note("internal error: \(error)")
    }
  }

  /// Runs a backslash command; returns false to leave.
  private func backslash(_ line: String) throws -> Bool {
    let words = line.split(separator: " ").map(String.init)
    let argument = words.count > 1 ? words[1] : nil
    switch words[0] {
    case "\\q", "\\quit", "\\exit": return false
    case "\\?", "\\h", "\\help":
      print(
        """
        \\d              list tables and views         \\d NAME      describe one
        \\dn             list schemas                  \\ds          storage by column
        \\mode MODE      \(OutputMode.allCases.map(\.rawValue).joined(separator: ", "))
        \\timing         time statements, on or off    \\rows N      rows a box shows; 0 for all
        \\i FILE         run a file                    \\q           leave

        Statements end with a semicolon; Ctrl-C stops a running one.
        """)
    case "\\d", "\\dt", "\\dv":
      runReporting(argument.map(describe) ?? DescribeQuery.relations)
    case "\\dn": runReporting("SELECT schema_name FROM information_schema.schemata ORDER BY 1")
    case "\\ds":
      runReporting(
        "SELECT table_schema, table_name, column_name, encodings, byte_count, bytes_per_row FROM sys.column_storage")
    case "\\timing":
      runner.isTimed = argument.map { $0 == "on" } ?? !runner.isTimed
      print("timing is \(runner.isTimed ? "on" : "off")")
    case "\\mode":
      guard let argument, let mode = OutputMode(rawValue: argument) else {
        Terminal.note("modes: \(OutputMode.allCases.map(\.rawValue).joined(separator: ", "))")
        break
      }
      runner.printer.mode = mode
    case "\\rows":
      guard let argument, let rows = Int(argument), rows >= 0 else {
        Terminal.note("\\rows wants a number")
        break
      }
      runner.printer.maximumRows = rows == 0 ? nil : rows
    case "\\i":
      guard let argument else {
        Terminal.note("\\i wants a file")
        break
      }
      do {
        let bytes = try LocalFileSystem().readFile(argument, limit: 1 << 30)
        runReporting(try PostgresParser.text(ofUTF8: bytes))
      } catch { ErrorReport.print(error) }
    default:
      Terminal.note("no command \(words[0]); \\? lists them")
    }
    return true
  }

  private func describe(_ name: String) -> String { DescribeQuery.columns(of: name) }
}

/// The queries behind `\d`.
enum DescribeQuery {
  static let relations = """
    SELECT i.table_schema, i.table_name, i.table_type, t.row_count, t.byte_count, t.bytes_per_row
    FROM information_schema.tables i LEFT JOIN sys.tables t
    ON t.table_schema = i.table_schema AND t.table_name = i.table_name
    WHERE i.table_type <> 'SYSTEM VIEW' ORDER BY 1, 2
    """

  static func columns(of name: String) -> String {
    let parts = name.split(separator: ".").map { $0.replacing("'", with: "''") }
    let table = parts.last ?? ""
    let schema = parts.count > 1 ? "AND table_schema = '\(parts[0])' " : ""
    return """
      SELECT table_schema, column_name, CASE WHEN data_type = 'ARRAY' THEN substr(udt_name, 2) || '[]'
        WHEN character_maximum_length IS NOT NULL THEN format('%s(%s)', data_type, character_maximum_length)
        WHEN data_type = 'numeric' AND numeric_precision IS NOT NULL
        THEN format('numeric(%s,%s)', numeric_precision, numeric_scale) ELSE data_type END AS data_type, is_nullable,
        column_default FROM information_schema.columns
      WHERE table_name = '\(table)' \(schema)ORDER BY table_schema, ordinal_position
      """
  }
}
