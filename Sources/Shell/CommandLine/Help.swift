/// The texts of `--help`.
package enum Help {
  package static var overview: String {
    let names = CommandList.all.map { $0.specification }
    let width = names.map(\.name.count).max() ?? 0
    let lines = names.map { "  \(DisplayWidth.pad($0.name, to: width))  \($0.summary)" }
    let codes = ExitCode.allCases.map {
      "  \(DisplayWidth.pad(String($0.rawValue), to: 3, onLeft: true))  \($0.meaning)"
    }
    return """
      pulsehouse \(Program.version): a column store for heart-rate data, from lake to gold, in one program

      Usage: pulsehouse COMMAND [options]

      Commands:
      \(lines.joined(separator: "\n"))

      Options of every command, before or after its name:
      \(options(CommandSpecification.global))

      Exit codes:
      \(codes.joined(separator: "\n"))

      pulsehouse COMMAND --help shows a command's own options.
      """
  }

  package static func text(_ command: CommandSpecification) -> String {
    var text = "pulsehouse \(command.name): \(command.summary)\n\nUsage: pulsehouse \(command.name)"
    if !command.operands.isEmpty { text += " \(command.operands)" }
    if !command.options.isEmpty { text += " [options]\n\nOptions:\n\(options(command.options))" }
    text += "\n\nOptions of every command:\n\(options(CommandSpecification.global))"
    if !command.discussion.isEmpty { text += "\n\n\(command.discussion)" }
    return text
  }

  private static func options(_ options: [OptionSpecification]) -> String {
    let left = options.map { option in
      let short = option.short.map { "-\($0), " } ?? "    "
      return "  \(short)--\(option.name)" + (option.value.map { " \($0)" } ?? "")
    }
    let width = left.map(\.count).max() ?? 0
    return zip(left, options).map { "\(DisplayWidth.pad($0, to: width))  \($1.help)" }.joined(separator: "\n")
  }
}
