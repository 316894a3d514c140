import Bytes
import Glibc

// Shell: what people type. `Program.main` parses the words, finds the command and turns any error into a message, a
// hint and an exit code. Each command is a file in `Commands/`; results are drawn in `Results/`; the interactive shell
// is `REPL/`.

package enum Program {
  package static let version = "0.1.0"

  /// Runs the program with the words after its name and returns the process's exit code.
  package static func main(_ words: [String]) -> ExitCode {
    signal(SIGPIPE, SIG_IGN)
    do {
      try run(words)
      return .success
    } catch let error as PulsehouseError {
      if error.kind == .cancelled && error.message == "the reader closed the pipe" { return .success }
      ErrorReport.print(error)
      return ExitCode(error.kind)
    } catch let reported as ReportedError {
      if reported.error.kind == .cancelled && reported.error.message == "the reader closed the pipe" { return .success }
      ErrorReport.print(reported.error, sql: reported.sql, firstLine: reported.firstLine)
      return ExitCode(reported.error.kind)
    } catch {
      Terminal.note("internal error: \(error)")
      return .internalError
    }
  }

  private static func run(_ words: [String]) throws {
    if words.first == "--version" {
      print("pulsehouse \(version)")
      return
    }
    let arguments = try Arguments(words, commands: CommandList.all.map { $0.specification })
    guard let name = arguments.command,
      let command = CommandList.all.first(where: { $0.specification.name == name })
    else {
      print(Help.overview)
      if !arguments.has("help") && !words.isEmpty {
        throw PulsehouseError(.usage, "which command?")
      }
      return
    }
    if arguments.has("help") {
      print(Help.text(command.specification))
      return
    }
    try command.run(arguments)
  }
}
