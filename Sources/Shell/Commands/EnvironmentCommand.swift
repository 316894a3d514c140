import Bytes
import Engine
import Kernels
import Modeling
import Vectors

/// `pulsehouse env`: the environments there are, and away with one.
package enum EnvironmentCommand: Command {
  package static let specification = CommandSpecification(
    "env", "list the environments, or drop one", operands: "[list | drop ENV]", maximumOperands: 2,
    discussion: """
      An environment is made by pulsehouse run --env ENV. Its table of silver.events is silver__ENV.events, and plain
      names stand for its tables in pulsehouse sql --env ENV or after SET environment = 'ENV'. Rows that production has
      too are not stored twice. gc keeps whatever an environment names; drop lets go of it.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let words = arguments.operands
    switch (words.first ?? "list", words.count) {
    case ("list", ...1): try list(place, arguments)
    case ("drop", 2): try drop(try Environment(words[1]), place, arguments)
    case ("drop", _): throw PulsehouseError(.usage, "env drop needs the name of an environment")
    default: throw PulsehouseError(.usage, "env takes list or drop ENV, not \"\(words.joined(separator: " "))\"")
    }
  }

  private static func list(_ place: Workplace, _ arguments: Arguments) throws {
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: false)
    let entries = try EnvironmentSummary.all(in: try warehouse.snapshot())
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(JSONText.array(entries.map(json)) + "\n")
    } else if entries.isEmpty {
      try output.write("no environments; pulsehouse run --env NAME makes one\n")
    } else {
      let headers = [
        ("environment", false), ("created (UTC)", false), ("models", true), ("own", true), ("own bytes", true),
      ]
      .map { BoxTable.Header(name: $0.0, type: "", isRightAligned: $0.1) }
      let rows = entries.map { entry -> [String?] in
        [
          entry.environment.name, time(entry.createdAt), String(entry.modelCount), String(entry.ownModelCount),
          ByteSize.format(entry.ownByteCount),
        ]
      }
      for line in BoxTable(headers: headers, head: rows).lines(width: Terminal.width) { try output.write(line + "\n") }
    }
    try output.flush()
  }

  static func json(_ entry: EnvironmentSummary) -> String {
    JSONText.object([
      ("environment", .text(entry.environment.name)), ("created_at", .text(time(entry.createdAt) + "Z")),
      ("models", .number(entry.modelCount)), ("own_models", .number(entry.ownModelCount)),
      ("own_bytes", .number(entry.ownByteCount)),
    ])
  }

  private static func time(_ microseconds: Int64) -> String {
    String((TextFormat.string(.integer(microseconds), .timestamp) ?? "").prefix(19))
  }

  private static func drop(_ environment: Environment, _ place: Workplace, _ arguments: Arguments) throws {
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
    let count = try ModelCatalog.drop(environment, in: try OpenWarehouse.session(warehouse, arguments))
    var output = StandardOutput()
    try output.write(
      arguments.has("json")
        ? JSONText.object([("environment", .text(environment.name)), ("dropped_tables", .number(count))]) + "\n"
        : "dropped the environment \(environment) with \(count) tables and views\n")
    try output.flush()
  }
}
