import Bytes
import Engine
import Ingestion

/// The part of `status` about topics: how far each partition was read, and how far behind that is.
extension StatusCommand {
  struct Partitions {
    let states: [KafkaPartitionState]
    let ends: [String: [Int32: Int64]]
    /// By source.
    let errors: [(source: String, error: Ingest.LastError)]

    init(_ snapshot: Snapshot, _ place: Workplace, _ arguments: Arguments) throws {
      states = try Ingest.partitions(snapshot)
      var errors: [(source: String, error: Ingest.LastError)] = []
      for source in Set(states.map(\.source)).sorted() {
        let last = states.filter { $0.source == source }.map(\.committedAt).max() ?? 0
        if let error = try Ingest.lastError(of: source, snapshot, since: last) { errors.append((source, error)) }
      }
      self.errors = errors
      var options = IngestOptions()
      options.brokers = arguments.value("brokers")
      options.defaultBrokers = KafkaArguments.brokers(arguments)
      options.kafkaProperties = arguments.all("property")
      // A project that cannot be read says nothing about brokers; the warehouse is still worth a look.
      let sources = (try? Source.load(directory: Path.join(place.project, "sources"))) ?? []
      ends = states.isEmpty ? [:] : Ingest.ends(states, sources: sources, options: options)
    }

    func end(_ state: KafkaPartitionState) -> Int64? { ends[state.topic]?[state.partition] }

    func lag(_ state: KafkaPartitionState) -> Int64? { end(state).map { max(0, $0 - state.next) } }
  }

  private static let headers = [
    BoxTable.Header(name: "partition", type: "", isRightAligned: false),
    BoxTable.Header(name: "source", type: "", isRightAligned: false),
    BoxTable.Header(name: "committed", type: "", isRightAligned: true),
    BoxTable.Header(name: "end", type: "", isRightAligned: true),
    BoxTable.Header(name: "lag", type: "", isRightAligned: true),
    BoxTable.Header(name: "rows/s", type: "", isRightAligned: true),
    BoxTable.Header(name: "quarantine", type: "", isRightAligned: true),
    BoxTable.Header(name: "passed over", type: "", isRightAligned: true),
  ]

  /// The lines of the table, none when no topic was ever read.
  static func lines(_ partitions: Partitions) -> [String] {
    guard !partitions.states.isEmpty else { return [] }
    func grouped(_ number: Int64) -> String { Decimals.grouped(Int(number)) }
    let rows = partitions.states.map { state -> [String?] in
      [
        "\(state.topic)/\(state.partition)", state.source, grouped(state.next),
        partitions.end(state).map(grouped) ?? "?", partitions.lag(state).map(grouped) ?? "?",
        Decimals.grouped(Int(state.rowsPerSecond)), grouped(state.quarantinedCount), grouped(state.missingCount),
      ]
    }
    var lines = BoxTable(headers: headers, head: rows).lines(width: Terminal.width)
    if partitions.ends.isEmpty { lines.append("No broker answers, so the ends of the topics are not known.") }
    for (source, error) in partitions.errors { lines.append("last error of \(source): \(error.message)") }
    return lines
  }

  static func json(_ partitions: Partitions) -> String {
    JSONText.array(
      partitions.states.map { state in
        let error = partitions.errors.first { $0.source == state.source }?.error.message
        return JSONText.object([
          ("source", .text(state.source)), ("topic", .text(state.topic)), ("partition", .number(Int(state.partition))),
          ("offset", .number(Int(state.next))),
          ("end", partitions.end(state).map { .number(Int($0)) } ?? .null),
          ("lag", partitions.lag(state).map { .number(Int($0)) } ?? .null),
          ("rows_per_second", .decimal(state.rowsPerSecond)), ("records", .number(Int(state.recordCount))),
          ("rows", .number(Int(state.rowCount))), ("quarantined", .number(Int(state.quarantinedCount))),
          ("missing", .number(Int(state.missingCount))), ("committed_at", .number(Int(state.committedAt))),
          ("last_error", error.map { .text($0) } ?? .null),
        ])
      })
  }
}
