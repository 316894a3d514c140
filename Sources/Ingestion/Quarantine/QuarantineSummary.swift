import Bytes
import Engine
import SQLSyntax
import Vectors

/// What is in a source's quarantine.
package struct QuarantineSummary: Sendable, Hashable {
  /// Records refused for the same reason, wherever in the record it was found.
  package struct Reason: Sendable, Hashable {
    package var words: String
    package var count: Int64
    /// The first of them in the order of arrival.
    package var sample: Sample
  }

  package struct Sample: Sendable, Hashable {
    package var file: String
    package var line: Int64
    package var offset: Int64
    package var raw: [UInt8]
  }

  package var source: String
  package var count: Int64
  /// The most frequent first.
  package var reasons: [Reason]

  /// Looks at the quarantine of `source`; nil when nothing was ever refused.
  package static func make(_ source: Source, in warehouse: Warehouse) throws -> QuarantineSummary? {
    let table = Quarantine.tableName(of: source)
    let snapshot = try warehouse.snapshot()
    guard let known = snapshot.table(table) else { return nil }
    let isOfKafka = known.definition.columns.contains { $0.name == "_topic" }
    let session = Session(warehouse)
    var reasons: [String: Reason] = [:]
    // The place within the record is part of the reason's words, so there are more words than reasons.
    for row in try session.rows("SELECT reason, count(*) FROM \(table) GROUP BY reason") {
      guard case .text(let words) = row[0], case .integer(let count) = row[1] else { continue }
      let reason = withoutPlace(words)
      if reasons[reason] == nil {
        reasons[reason] = Reason(
          words: reason, count: 0, sample: try sample(words, table, isOfKafka: isOfKafka, session))
      }
      reasons[reason]?.count += count
    }
    let sorted = reasons.values.sorted { ($1.count, $0.words) < ($0.count, $1.words) }
    guard !sorted.isEmpty else { return nil }
    return QuarantineSummary(source: source.name, count: sorted.reduce(0) { $0 + $1.count }, reasons: sorted)
  }

  /// Returns the reason's words up to what tells one record from another.
  static func withoutPlace(_ reason: String) -> String {
    if reason.hasPrefix("a record of ") { return "a record too long to be read" }
    for mark in [", at byte ", " at byte "] {
      if let found = reason.firstRange(of: mark) { return String(reason[..<found.lowerBound]) }
    }
    return reason
  }

  private static func sample(
    _ words: String, _ table: TableName, isOfKafka: Bool, _ session: Session
  ) throws -> Sample {
    // Messages of Kafka stand in a partition, lines in a file.
    let place = isOfKafka ? "_topic || '/' || _partition, CAST(0 AS bigint)" : "_file, _line"
    let rows = try session.rows(
      "SELECT \(place), _offset, coalesce(raw, '') FROM \(table) WHERE reason = \(SQLPrinter.constant(words)) LIMIT 1")
    guard let row = rows.first, case .text(let file) = row[0], case .integer(let line) = row[1],
      case .integer(let offset) = row[2]
    else { throw PulsehouseError(.internal, "a reason without a record") }
    var raw: [UInt8] = []
    if case .bytes(let bytes) = row[3] { raw = bytes }
    return Sample(file: file, line: line, offset: offset, raw: raw)
  }
}
