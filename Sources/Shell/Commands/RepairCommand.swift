import Bytes
import Engine

/// `pulsehouse repair`: makes a warehouse open again whose catalog or commit records are damaged.
package enum RepairCommand: Command {
  package static let specification = CommandSpecification(
    "repair", "make the catalog anew, and put damaged commit records right",
    options: [OptionSpecification("discard", "go back to the last readable commit when later ones cannot be saved")],
    discussion: "Damaged files are renamed, never removed. Without --discard nothing is given up.")

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let report = try SnapshotStore.repair(
      place.tables, discardingDamaged: arguments.has("discard"), notice: { Terminal.note("notice: \($0)") })
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(
        JSONText.object([
          ("snapshot", .number(Int(report.newest.number))),
          ("discarded_from", report.discardedFrom.map { .number(Int($0.number)) } ?? .null),
          ("put_aside", .raw(JSONText.array(report.putAside.map { JSONText.quote($0) }))),
        ]) + "\n")
    } else {
      for path in report.putAside { try output.write("put aside: \(path)\n") }
      if let from = report.discardedFrom { try output.write("given up: commit \(from) and all after it\n") }
      try output.write("the warehouse stands at commit \(report.newest)\n")
    }
    try output.flush()
  }
}
