import Bytes
import Engine
import Modeling

/// `pulsehouse undo`: back to the snapshot before a run.
package enum UndoCommand: Command {
  package static let specification = CommandSpecification(
    "undo", "take a run back: its models are again what they were before it", operands: "[RUN]", maximumOperands: 1,
    discussion: """
      Without operand the last published run. Nothing is copied, so it takes no time; what was ingested since stays.
      The next run does the work again. Snapshots that gc has removed cannot be gone back to.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    var number: Int?
    if let operand = arguments.operands.first {
      guard let value = Int(operand) else {
        throw PulsehouseError(
          .usage, "\"\(operand)\" is not the number of a run", hint: "pulsehouse history lists them.")
      }
      number = value
    }
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
    let session = try OpenWarehouse.session(warehouse, arguments)
    let undone = try RunUndo.undo(number, in: session)
    let names = undone.models.filter { $0.action != "unchanged" }.map(\.name.description)
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(
        JSONText.object([
          ("undone_run", .number(undone.number)), ("models", .raw(JSONText.array(names.map(JSONText.quote)))),
        ]) + "\n")
    } else {
      try output.write("took back run \(undone.number): \(names.joined(separator: ", "))\n")
    }
    try output.flush()
  }
}
