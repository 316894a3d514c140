import Bytes
import Engine

/// `pulsehouse gc`: removes what no kept snapshot and no live reader names.
package enum CollectCommand: Command {
  package static let specification = CommandSpecification(
    "gc", "remove old snapshots and the files that only they name",
    options: [OptionSpecification("keep", value: "N", "how many of the newest snapshots to keep (default: 100)")])

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
    let report = try warehouse.store.collect(keeping: try arguments.count("keep") ?? 100)
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(
        JSONText.object([
          ("removed_files", .number(report.removedFileCount)), ("removed_bytes", .number(Int(report.removedByteCount))),
          ("kept_uncommitted_files", .number(report.keptUncommittedCount)),
          ("oldest_snapshot", .number(Int(report.oldestSnapshot.number))),
        ]) + "\n")
    } else {
      try output.write(
        """
        \(Decimals.grouped(report.removedFileCount)) files removed, \(ByteSize.format(Int(report.removedByteCount))); \
        snapshots from \(report.oldestSnapshot) on can be read

        """)
    }
    try output.flush()
  }
}
