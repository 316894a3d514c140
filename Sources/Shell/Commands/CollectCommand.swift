import Bytes
import Engine
import Modeling

/// `pulsehouse gc`: removes what no kept snapshot and no live reader names.
package enum CollectCommand: Command {
  static let retain = OptionSpecification(
    "retain", value: "TIME",
    "how long snapshots stay readable: 90m, 12h, 7d (default: snapshot_ttl of config.yaml, else 1d)")

  package static let specification = CommandSpecification(
    "gc", "remove old snapshots and the files that only they name",
    options: [retain, OptionSpecification("keep", value: "N", "keep the newest N snapshots, and nothing else")],
    discussion: """
      What stays: snapshots younger than --retain and the newest 100, for time travel; the one that `undo` of the last
      run goes back to; those up to which models have read their tables, since without them a model's next build would
      have to build everything; and whatever a running query or another process reads. What only older snapshots name is
      removed, and what killed processes left. The last run and the models count for 35 days at most. With --keep only
      the newest N count. `pulsehouse run --watch` does the same by itself.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let report: CollectionReport
    if let count = try arguments.count("keep") {
      if arguments.has("retain") { throw PulsehouseError(.usage, "--keep and --retain exclude each other") }
      let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
      report = try warehouse.store.collect(keeping: count)
    } else {
      let project = try Project.load(place.project)
      var retention = project.retention
      if let text = arguments.value("retain") { retention.seconds = try Retention.seconds(text) }
      let warehouse = try OpenWarehouse.open(place, arguments, forWriting: true)
      report = try retention.collect(warehouse, project, now: MachineClock.microsecondsSince1970)
    }
    var output = StandardOutput()
    if arguments.has("json") {
      try output.write(
        JSONText.object([
          ("removed_files", .number(report.removedFileCount)), ("removed_bytes", .number(Int(report.removedByteCount))),
          ("kept_uncommitted_files", .number(report.keptUncommittedCount)),
          ("oldest_snapshot", .number(Int(report.oldestSnapshot.number))),
        ]) + "\n")
    } else {
      try output.write(text(report) + "\n")
    }
    try output.flush()
  }

  static func text(_ report: CollectionReport) -> String {
    """
    \(Decimals.grouped(report.removedFileCount)) files removed, \(ByteSize.format(Int(report.removedByteCount))); \
    snapshots from \(report.oldestSnapshot) on can be read
    """
  }
}
