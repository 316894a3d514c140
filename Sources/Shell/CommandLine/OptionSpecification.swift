/// One option a command takes: `--name VALUE`, `--name=VALUE`, or a flag without value; `-x` as a short form.
package struct OptionSpecification: Sendable {
  package let name: String
  package let short: Character?
  /// What the value is called in the help; nil for a flag.
  package let value: String?
  package let help: String
  package let mayRepeat: Bool

  package init(_ name: String, short: Character? = nil, value: String? = nil, mayRepeat: Bool = false, _ help: String) {
    self.name = name
    self.short = short
    self.value = value
    self.mayRepeat = mayRepeat
    self.help = help
  }
}

/// What a command is called, takes and does, for parsing and for `--help`.
package struct CommandSpecification: Sendable {
  package let name: String
  package let summary: String
  /// Further lines of the help, after the options.
  package let discussion: String
  /// Names of the arguments without dashes, for the usage line: `[NAME...]`.
  package let operands: String
  /// The most operands it takes.
  package let maximumOperands: Int
  package let options: [OptionSpecification]

  package init(
    _ name: String, _ summary: String, operands: String = "", maximumOperands: Int = 0,
    options: [OptionSpecification] = [], discussion: String = ""
  ) {
    self.name = name
    self.summary = summary
    self.operands = operands
    self.maximumOperands = maximumOperands
    self.options = options
    self.discussion = discussion
  }

  /// Options every command takes, before or after its name.
  package static let global: [OptionSpecification] = [
    OptionSpecification("project", value: "DIR", "the project folder (default: ./warehouse, else the current folder)"),
    OptionSpecification(
      "data", value: "DIR", "where the tables live (default: $PULSEHOUSE_DATA, else <project>/data)"),
    OptionSpecification("threads", value: "N", "threads to use (default: all cores)"),
    OptionSpecification(
      "memory", value: "SIZE", "memory a query may use, such as 512MB or 4GB (default: 80% of the machine's)"),
    OptionSpecification("json", "answer in JSON where the command reports something"),
    OptionSpecification("quiet", short: "q", "no progress and no notices"),
    OptionSpecification("help", short: "h", "show this help"),
  ]
}
