import Kernels
import Planning
import Vectors

/// Gives rows on with every moment as text, as a zone's clocks show it.
final class ZonedSink: ResultSink {
  private let sink: any ResultSink
  private let zone: ZoneRules
  private var shown: [Bool] = []

  init(_ sink: any ResultSink, _ zone: ZoneRules) {
    self.sink = sink
    self.zone = zone
  }

  func begin(_ columns: [Field]) throws {
    shown = columns.map { $0.type.showsZone }
    try sink.begin(zip(columns, shown).map { $1 ? Field($0.name, .text, isNullable: $0.isNullable) : $0 })
  }

  func append(_ batch: Batch) throws {
    guard shown.contains(true) else { return try sink.append(batch) }
    let columns = try zip(batch.columns, shown).map { column, isShown in
      isShown ? try Cast.vector(column, to: .text, zone: zone) : column
    }
    try sink.append(Batch(columns, rowCount: batch.rowCount))
  }

  func finish(_ outcome: StatementOutcome) throws { try sink.finish(outcome) }
}

extension LogicalType {
  /// True for moments and arrays of them, whose text depends on a zone.
  var showsZone: Bool { self == .timestamptz || self == .array(.timestamptz) }
}
