import Bytes
import Engine
import Modeling

/// `pulsehouse promote`: an environment's tables become everybody's.
package enum PromoteCommand: Command {
  package static let specification = CommandSpecification(
    "promote", "make an environment's tables production's, in one commit and without copying", operands: "ENV",
    maximumOperands: 1,
    discussion: """
      The environment must be up to date: if pulsehouse run --env ENV would do something, nothing is promoted. Models
      that the project no longer has are removed from production. pulsehouse undo takes a promotion back.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    guard let name = arguments.operands.first else {
      throw PulsehouseError(.usage, "promote needs the name of an environment", hint: "pulsehouse env list shows them.")
    }
    let environment = try Environment(name)
    let project = try RunSelection.project(place)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
    let session = try OpenWarehouse.session(warehouse, arguments)
    session.settings.environment = environment
    let report = try EnvironmentPromotion.promote(project, in: session)
    var output = StandardOutput()
    if arguments.has("json") {
      let models = report.models.map {
        JSONText.object([("model", .text($0.name.description)), ("action", .text($0.action.rawValue))])
      }
      try output.write(
        JSONText.object([
          ("environment", .text(environment.name)), ("run", report.number.map { .number($0) } ?? .null),
          ("seconds", .decimal(report.seconds)), ("models", .raw(JSONText.array(models))),
        ]) + "\n")
    } else if let number = report.number {
      for model in report.models { try output.write("\(model.action.rawValue) \(model.name)\n") }
      let milliseconds = Decimals.format(report.seconds * 1000, places: 1)
      try output.write(
        "run \(number): \(environment) is production now: \(report.models.count) models in one commit, \(milliseconds) ms\n"
      )
    } else {
      try output.write("nothing to promote: \(environment) is the same as production\n")
    }
    try output.flush()
  }
}
