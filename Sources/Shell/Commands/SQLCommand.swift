import Bytes
import Engine
import Ingestion
import SQLSyntax

/// `pulsehouse sql`: an interactive shell, or statements from the command line, a file or a pipe.
package enum SQLCommand: Command {
  package static let specification = CommandSpecification(
    "sql", "query the warehouse: a shell, or one statement by -c", operands: "[SQL]", maximumOperands: 1,
    options: [
      OptionSpecification("command", short: "c", value: "SQL", mayRepeat: true, "run these statements and leave"),
      OptionSpecification("file", short: "f", value: "FILE", mayRepeat: true, "run the statements of a file and leave"),
      OptionSpecification(
        "mode", value: "MODE", "how results look: \(OutputMode.allCases.map(\.rawValue).joined(separator: ", "))"),
      OptionSpecification("max-rows", value: "N", "rows that box mode draws (default: 40; 0 for all)"),
      OptionSpecification("timer", "write `seconds: X` on standard error, from SQL text to last row"),
      OptionSpecification("read-only", "open for reading only"),
      OpenWarehouse.environmentOption,
    ],
    discussion: """
      Without -c, -f or SQL, statements are read from standard input and run as they come; on a terminal that is a shell
      with history and \\? for its commands. Statements end with a semicolon. Results go to standard output, all else to standard error.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let mode = try outputMode(arguments)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: !arguments.has("read-only"))
    let session = try OpenWarehouse.session(warehouse, arguments)
    let maximumRows = try arguments.count("max-rows", minimum: 0) ?? 40
    let printer = ResultPrinter(
      mode: mode, maximumRows: maximumRows == 0 ? nil : maximumRows,
      isVerbose: Terminal.errorIsTerminal && !arguments.has("quiet"))
    let runner = StatementRunner(session: session, printer: printer, isTimed: arguments.has("timer"))
    let canceller = session.canceller
    SignalWatch.onInterrupt { canceller.cancel() }

    var texts: [(sql: String, file: String?)] = arguments.all("command").map { ($0, nil) }
    if let operand = arguments.operands.first { texts.append((operand, nil)) }
    for path in arguments.all("file") {
      let bytes = try LocalFileSystem().readFile(path, limit: 1 << 30)
      texts.append((try PostgresParser.text(ofUTF8: bytes), path))
    }
    if !texts.isEmpty {
      for text in texts { try runner.run(text.sql, file: text.file) }
    } else if Terminal.inputIsTerminal {
      try REPL(runner).run(historyPath: historyPath())
    } else {
      try StatementPipe(runner).run()
    }
  }

  static func outputMode(_ arguments: Arguments) throws(PulsehouseError) -> OutputMode {
    guard let name = arguments.value("mode") else {
      if arguments.has("json") { return .json }
      return .box
    }
    guard let mode = OutputMode(rawValue: name) else {
      throw PulsehouseError(
        .usage, "there is no mode \"\(name)\"",
        hint: Suggestion.hint(for: name, among: OutputMode.allCases.map(\.rawValue))
          ?? "Modes: \(OutputMode.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    return mode
  }

  private static func historyPath() -> String? {
    let environment = Workplace.environment
    if let named = environment["PULSEHOUSE_HISTORY"] { return named.isEmpty ? nil : named }
    return environment["HOME"].map { $0 + "/.pulsehouse_history" }
  }
}

/// Runs texts of statements for the command line and the shell: timing, error reports with carets.
package final class StatementRunner {
  package let session: Session
  package let printer: ResultPrinter
  package var isTimed: Bool

  package init(session: Session, printer: ResultPrinter, isTimed: Bool) {
    self.session = session
    self.printer = printer
    self.isTimed = isTimed
  }

  /// Runs every statement of `sql`, which begins in line `firstLine` of what it is a part of. - Throws: the first error.
  package func run(_ sql: String, file: String? = nil, firstLine: Int = 1) throws {
    let start = MachineClock.seconds
    do {
      try session.run(sql, into: printer)
    } catch var error as PulsehouseError {
      printer.abandon()
      if let file, error.file == nil {
        error.file = file
        if let range = error.range { error.line = TextPosition(ofByte: range.lowerBound, in: sql).line }
      }
      throw ReportedError(error: error, sql: sql, firstLine: firstLine)
    }
    if isTimed { StatementRunner.note(seconds: MachineClock.seconds - start) }
  }

  static func note(seconds: Double) { Terminal.note("seconds: \(Decimals.format(seconds, places: 6))") }
}

/// An error together with the SQL its range points into.
package struct ReportedError: Error {
  package var error: PulsehouseError
  package var sql: String
  /// The line in which the SQL begins, where it is a part of something longer.
  package var firstLine = 1
}
