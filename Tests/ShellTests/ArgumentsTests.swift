import Bytes
import Shell
import Testing

@Suite struct ArgumentsTests {
  static let commands = [
    CommandSpecification(
      "sql", "query", operands: "[SQL]", maximumOperands: 1,
      options: [
        OptionSpecification("command", short: "c", value: "SQL", mayRepeat: true, "run"),
        OptionSpecification("timer", "time"),
      ]),
    CommandSpecification("run", "run"),
  ]

  func parse(_ words: String...) throws -> Arguments { try Arguments(words, commands: ArgumentsTests.commands) }

  @Test func optionsStandBeforeOrAfterTheCommand() throws {
    for words in [
      ["--data", "d", "sql", "--timer"], ["sql", "--data=d", "--timer"], ["sql", "--timer", "--data", "d"],
    ] {
      let arguments = try Arguments(words, commands: ArgumentsTests.commands)
      #expect(arguments.command == "sql")
      #expect(arguments.value("data") == "d")
      #expect(arguments.has("timer"))
      #expect(arguments.operands.isEmpty)
    }
  }

  @Test func aValueMayLookLikeACommand() throws {
    let arguments = try parse("--project", "run", "sql", "-c", "select 1", "-cselect 2", "--command=a=b")
    #expect(arguments.command == "sql")
    #expect(arguments.value("project") == "run")
    #expect(arguments.all("command") == ["select 1", "select 2", "a=b"])
  }

  @Test func twoDashesEndTheOptions() throws {
    #expect(try parse("sql", "--", "--timer").operands == ["--timer"])
    #expect(try parse("sql", "-").operands == ["-"])
  }

  @Test(arguments: [
    ["sqll"], ["sql", "--timr"], ["sql", "--timer=1"], ["sql", "--data"], ["sql", "--data", "a", "--data", "b"],
    ["sql", "a", "b"], ["sql", "-x"], ["run", "--timer"],
  ]) func mistakesAreUsageErrors(words: [String]) {
    let error = #expect(throws: PulsehouseError.self) { try Arguments(words, commands: ArgumentsTests.commands) }
    #expect(error?.kind == .usage)
  }

  @Test func mistypedNamesAreGuessed() {
    let command = #expect(throws: PulsehouseError.self) { try parse("sqll") }
    #expect(command?.hint == "Did you mean \"sql\"?")
    let option = #expect(throws: PulsehouseError.self) { try parse("sql", "--timr") }
    #expect(option?.hint == "Did you mean \"--timer\"?")
  }

  @Test(arguments: [("1", 1), ("10k", 10_000), ("2m", 2_000_000), ("1_000", 1000), ("3B", 3_000_000_000)])
  func countsTakeSuffixes(text: String, value: Int) throws {
    #expect(try parse("run", "--threads", text).count("threads") == value)
  }

  @Test(arguments: ["0", "-1", "x", "1.5", "", "9223372036854775807k"]) func countsRefuseNonsense(text: String) {
    #expect(throws: PulsehouseError.self) { try parse("run", "--threads=" + text).count("threads") }
  }

  @Test(arguments: [("512MB", 512_000_000), ("1GiB", 1 << 30), ("4 gb", 4_000_000_000), ("77", 77)])
  func sizesTakeUnits(text: String, value: Int) throws {
    #expect(try parse("run", "--memory", text).byteCount("memory") == value)
  }

  @Test(arguments: ["0", "MB", "-1GB", "1XB", "1e400GB", "nan"]) func sizesRefuseNonsense(text: String) {
    #expect(throws: PulsehouseError.self) { try parse("run", "--memory=" + text).byteCount("memory") }
  }
}

@Suite struct ReadableNumberTests {
  @Test func numbersAreGroupedAndRounded() {
    #expect(Decimals.grouped(0) == "0")
    #expect(Decimals.grouped(999) == "999")
    #expect(Decimals.grouped(-1000) == "-1,000")
    #expect(Decimals.grouped(1_234_567) == "1,234,567")
    #expect(Decimals.format(2.005, places: 1) == "2.0")
    #expect(Decimals.format(-0.04, places: 1) == "0.0")
    #expect(Decimals.format(-1.25, places: 1) == "-1.3")
    #expect(ByteSize.format(999) == "999 B")
    #expect(ByteSize.format(1_500) == "1.50 kB")
    #expect(ByteSize.format(123_456_789) == "123 MB")
  }
}
