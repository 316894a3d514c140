import Bytes
import Engine

/// `pulsehouse verify`: reads every byte that the newest snapshot rests on and names what is damaged.
package enum VerifyCommand: Command {
  package static let specification = CommandSpecification(
    "verify", "check every record, every catalog entry and every block of every segment",
    discussion: "Changes nothing. Damage is listed file by file, and the exit code says that there is some.")

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: false)
    let report = try warehouse.store.verify()
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(
        JSONText.object([
          ("records", .number(report.recordCount)), ("checkpoints", .number(report.checkpointCount)),
          ("tables", .number(report.tableCount)), ("segments", .number(report.segmentCount)),
          ("bytes", .number(report.byteCount)),
          (
            "problems",
            .raw(
              JSONText.array(
                report.problems.map {
                  JSONText.object([("file", .text($0.file ?? "")), ("message", .text($0.message))])
                }))
          ),
        ]) + "\n")
    } else {
      for problem in report.problems { try output.write("\(problem)\n") }
      try output.write(
        """
        \(Decimals.grouped(report.tableCount)) tables, \(Decimals.grouped(report.segmentCount)) segments, \
        \(ByteSize.format(report.byteCount)), \(Decimals.grouped(report.recordCount)) commit records: \
        \(report.problems.isEmpty ? "all sound" : "\(report.problems.count) damaged")

        """)
    }
    try output.flush()
    if let first = report.problems.first {
      throw PulsehouseError(
        .corrupt, "the warehouse is damaged",
        hint: "Damaged commit records are put right by `pulsehouse repair`; a damaged segment must come from a backup.",
        file: first.file)
    }
  }
}
