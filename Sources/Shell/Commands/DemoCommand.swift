import Bytes

/// `pulsehouse demo`: from nothing to answers, each step a command that can be typed again.
package enum DemoCommand: Command {
  package static let specification = CommandSpecification(
    "demo", "simulate watches, take what they send from lake or Kafka to gold, and answer the research questions",
    options: [
      OptionSpecification("events", value: "N", "events to simulate, such as 100k or 10m (default: 1m)")
    ] + KafkaArguments.options + SimulationArguments.options,
    discussion: """
      With --brokers the events go through Kafka: sent to the topic heartrate, and taken from there to bronze without a lake between;
      with none, the lake is filled directly. Each step is a command of this program, shown before it runs. A demo begins
      from nothing: it takes away what an earlier demo left in the data folder, and never what no demo made.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    try begin(place)
    let events = arguments.value("events") ?? "1m"
    let simulation = words(of: SimulationArguments.options, in: arguments)
    var kafka: [String] = []
    if let brokers = KafkaArguments.brokers(arguments) {
      kafka = ["--brokers", brokers] + arguments.all("property").flatMap { ["--property", $0] }
      try title("Simulate watches: users and activities as files, what they send to a topic of Kafka")
      try step(["generate", "--events", "0"] + simulation, arguments)
      try step(["produce"] + kafka + ["--count", events] + simulation, arguments)
      try title("Bronze: seeds and topic as received; what cannot be read goes to quarantine")
      try step(["ingest"] + kafka, arguments)
      try step(["status"] + kafka, arguments)
    } else {
      try title("Simulate watches: users, activities, and a lake of JSON lines")
      try step(["generate", "--events", events] + simulation, arguments)
      try title("Bronze: seeds and lake as received; what cannot be read goes to quarantine")
      try step(["ingest"], arguments)
    }
    try title("Silver and gold: the models of the project, audited, published in one commit")
    try step(["run"], arguments)
    for (heading, file) in questions {
      try title(heading)
      try step(["sql", "-f", Path.join(Path.join(place.project, "queries"), file)], arguments)
    }
    try title("The gold tables as CSV for BI tools")
    try step(["export", "--to", Path.join(place.data, "export")], arguments)
    try title("What there is now")
    try step(["status"] + kafka, arguments)
  }

  private static let questions = [
    (
      "Question 1: heart rate by activity, demographic and region",
      "1_heart_rate_by_activity_demographic_region.sql"
    ),
    ("Question 2: heart rate by season", "2_heart_rate_by_season.sql"),
    ("Question 3: how likely each activity is, by hour of day and region", "3_likeliest_activities.sql"),
  ]

  /// Names that a demo fills in the data folder, and the file that says that one did.
  private static let made = ["tables", "lake", "seeds", "export"]
  private static let mark = "made-by-demo"

  /// - Throws: `.usage` for a folder with a warehouse or a lake that no demo made.
  private static func begin(_ place: Workplace) throws(PulsehouseError) {
    let files = LocalFileSystem()
    let mark = Path.join(place.data, mark)
    let tables = try files.status(place.tables)
    let lake = try files.status(place.lake)
    if tables != nil || lake != nil {
      guard try files.status(mark) != nil else {
        throw PulsehouseError(
          .usage, "the data folder holds a warehouse that no demo made", hint: "Choose another: --data DIR.",
          file: place.data)
      }
      for name in made { FolderRemoval.remove(Path.join(place.data, name)) }
    }
    try files.makeDirectory(place.data)
    try files.createFile(mark, .truncating).close()
  }

  private static func title(_ text: String) throws(PulsehouseError) {
    var output = StandardOutput()
    try output.write("\n== \(text)\n")
    try output.flush()
  }

  /// Shows a command and runs it, in the demo's own folders.
  private static func step(_ words: [String], _ arguments: Arguments) throws {
    guard let command = CommandList.all.first(where: { $0.specification.name == words[0] }) else {
      throw PulsehouseError(.internal, "the demo knows no command \(words[0])")
    }
    var output = StandardOutput()
    try output.write("$ pulsehouse \(words.map(quoted).joined(separator: " "))\n")
    try output.flush()
    let own = Self.words(
      of: CommandSpecification.global.filter { $0.name != "json" && $0.name != "help" }, in: arguments)
    try command.run(Arguments(words + own, commands: [command.specification]))
  }

  /// The options among `options` that were given, as words.
  private static func words(of options: [OptionSpecification], in arguments: Arguments) -> [String] {
    options.flatMap { option -> [String] in
      guard option.value != nil else { return arguments.has(option.name) ? ["--\(option.name)"] : [] }
      return arguments.all(option.name).flatMap { ["--\(option.name)", $0] }
    }
  }

  /// As a shell takes it.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy {
      ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A)
        || "-_./:,=+%@".utf8.contains($0)
    }
    return isPlain && !word.isEmpty
      ? word
      : "'"
        + word.split(separator: "'", omittingEmptySubsequences: false)
        .joined(separator: "'\\''") + "'"
  }
}
