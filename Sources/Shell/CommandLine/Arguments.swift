import Bytes

/// A parsed command line: the command's name, its options and operands.
package struct Arguments: Sendable {
  package let command: String?
  package let operands: [String]
  private let values: [String: [String]]

  /// Parses the words after the program's name. Options may stand before or after the command's name; `--` ends them.
  ///
  /// - Throws: `.usage` for an unknown command or option (with the nearest known one), a missing or unwanted value, an
  ///   option given twice, too many operands.
  package init(_ words: [String], commands: [CommandSpecification]) throws(PulsehouseError) {
    var command: CommandSpecification?
    var operands: [String] = []
    var values: [String: [String]] = [:]
    // The command decides which options exist, so it is found first: the first word that is no option or its value.
    let name = Arguments.commandName(words)
    if let name {
      guard let found = commands.first(where: { $0.name == name }) else {
        throw PulsehouseError(
          .usage, "there is no command \"\(name)\"",
          hint: Suggestion.hint(for: name, among: commands.map(\.name)) ?? "pulsehouse --help lists the commands.")
      }
      command = found
    }
    let known = CommandSpecification.global + (command?.options ?? [])
    var index = 0
    var sawCommand = false
    var optionsEnded = false
    func take(_ option: OptionSpecification, attached: String?) throws(PulsehouseError) {
      var text = attached
      if option.value != nil {
        if text == nil {
          guard index < words.count else {
            throw PulsehouseError(.usage, "--\(option.name) needs a value: \(option.value ?? "")")
          }
          text = words[index]
          index += 1
        }
      } else if text != nil {
        throw PulsehouseError(.usage, "--\(option.name) takes no value")
      }
      if values[option.name] != nil && !option.mayRepeat {
        throw PulsehouseError(.usage, "--\(option.name) is given twice")
      }
      values[option.name, default: []].append(text ?? "")
    }
    while index < words.count {
      let word = words[index]
      index += 1
      if optionsEnded || word == "-" || !word.hasPrefix("-") {
        if !sawCommand && command != nil && word == command?.name {
          sawCommand = true
        } else {
          operands.append(word)
        }
        continue
      }
      if word == "--" {
        optionsEnded = true
        continue
      }
      if word.hasPrefix("--") {
        let body = word.dropFirst(2)
        let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let optionName = String(parts.first ?? "")
        guard let option = known.first(where: { $0.name == optionName }) else {
          throw PulsehouseError(
            .usage, "\(command.map { "pulsehouse \($0.name)" } ?? "pulsehouse") has no option --\(optionName)",
            hint: Suggestion.hint(for: optionName, among: known.map(\.name)).map { $0.replacingQuotes() }
              ?? "Add --help to see its options.")
        }
        try take(option, attached: parts.count > 1 ? String(parts[1]) : nil)
      } else {
        let letter = word[word.index(after: word.startIndex)]
        guard let option = known.first(where: { $0.short == letter }) else {
          throw PulsehouseError(
            .usage, "\(command.map { "pulsehouse \($0.name)" } ?? "pulsehouse") has no option -\(letter)",
            hint: "Add --help to see its options.")
        }
        let rest = word.dropFirst(2)
        try take(option, attached: rest.isEmpty ? nil : String(rest))
      }
    }
    if let command, operands.count > command.maximumOperands, values["help"] == nil {
      throw PulsehouseError(
        .usage, "pulsehouse \(command.name) does not know what to do with \"\(operands[command.maximumOperands])\"",
        hint: "Usage: pulsehouse \(command.name) \(command.operands) [options]".replacingDoubleSpaces())
    }
    self.command = command?.name
    self.operands = operands
    self.values = values
  }

  /// The first word that is neither an option nor a global option's value.
  private static func commandName(_ words: [String]) -> String? {
    var index = 0
    while index < words.count {
      let word = words[index]
      index += 1
      if word == "--" { return nil }
      if !word.hasPrefix("-") || word == "-" { return word }
      let name = word.drop { $0 == "-" }
      if let option = CommandSpecification.global.first(where: { $0.name == name }), option.value != nil { index += 1 }
    }
    return nil
  }

  package func has(_ option: String) -> Bool { values[option] != nil }

  package func value(_ option: String) -> String? { values[option]?.last }

  package func all(_ option: String) -> [String] { values[option] ?? [] }

  /// Returns a whole number of at least `minimum`, or nil when the option is not given. Underscores and the suffixes
  /// k, m, b (thousand, million, billion) are understood.
  package func count(_ option: String, minimum: Int = 1) throws(PulsehouseError) -> Int? {
    guard let text = value(option) else { return nil }
    var digits = text.filter { $0 != "_" }.lowercased()
    var factor = 1
    if let last = digits.last, let scale = ["k": 1_000, "m": 1_000_000, "b": 1_000_000_000][String(last)] {
      factor = scale
      digits.removeLast()
    }
    guard let number = Int(digits), !number.multipliedReportingOverflow(by: factor).overflow, number * factor >= minimum
    else {
      throw PulsehouseError(.usage, "--\(option) wants a whole number of at least \(minimum), not \"\(text)\"")
    }
    return number * factor
  }

  /// Returns a share from 0 to 1, written `0.01` or `1%`.
  package func share(_ option: String) throws(PulsehouseError) -> Double? {
    guard let text = value(option) else { return nil }
    let isPercent = text.hasSuffix("%")
    guard let number = Double(isPercent ? String(text.dropLast()) : text), number.isFinite else {
      throw PulsehouseError(.usage, "--\(option) wants a share such as 0.01 or 1%, not \"\(text)\"")
    }
    let share = isPercent ? number / 100 : number
    guard share >= 0 && share <= 1 else {
      throw PulsehouseError(.usage, "--\(option) wants a share between 0 and 1, not \"\(text)\"")
    }
    return share
  }

  /// Returns a number of bytes, written `512MB`, `4GB`, `1GiB` or plain bytes.
  package func byteCount(_ option: String) throws(PulsehouseError) -> Int? {
    guard let text = value(option) else { return nil }
    guard let bytes = ByteSize.parse(text) else {
      throw PulsehouseError(.usage, "--\(option) wants a size such as 512MB or 4GB, not \"\(text)\"")
    }
    return bytes
  }
}

extension String {
  fileprivate func replacingDoubleSpaces() -> String {
    split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
  }

  /// Turns a hint's quoted option name into its dashed form.
  fileprivate func replacingQuotes() -> String {
    guard let open = firstIndex(of: "\"") else { return self }
    var text = self
    text.replaceSubrange(open...open, with: "\"--")
    return text
  }
}
