import Bytes
import Kafka
import Kernels
import Vectors

/// Where records say when their event was.
package struct EventTime: Sendable, Hashable {
  /// What a number counts, since 1970 UTC.
  package enum Unit: String, Sendable, Hashable, CaseIterable {
    case seconds, milliseconds, microseconds, nanoseconds

    fileprivate var perHour: Int64 {
      switch self {
      case .seconds: 3600
      case .milliseconds: 3_600_000
      case .microseconds: 3_600_000_000
      case .nanoseconds: 3_600_000_000_000
      }
    }
  }

  package var path: [String]
  /// What the records hold there: an integer, a double, or text that spells a timestamp.
  package var type: LogicalType
  package var unit: Unit

  package init(path: [String], type: LogicalType = .bigint, unit: Unit = .seconds) {
    self.path = path
    self.type = type
    self.unit = unit
  }
}

/// Reads the hour of the event out of records, many at a time. One thread at a time.
final class EventClock {
  private let time: EventTime
  private let builder: JSONBatchBuilder
  private let avro: AvroRecords?
  /// The most records at a time.
  static let batchLimit = 16_384
  /// From 1970 to the end of 9999: what a folder's name can say.
  private static let hours: Range<Int64> = 0..<70_389_528

  /// `avro` is the schema of messages that are not JSON. - Throws: `.user` for a type that tells no time.
  init(_ time: EventTime, avro: AvroSchema? = nil) throws(PulsehouseError) {
    var time = time
    switch time.type {
    case .bigint, .double, .timestamptz: break
    case .smallint, .integer: time.type = .bigint
    case .real: time.type = .double
    case .timestamp: time.type = .timestamptz
    default:
      throw PulsehouseError(
        .user, "\(time.path.joined(separator: ".")) is no event time: its type is \(time.type.name)", sqlState: "42804",
        hint: "An event time is a number or a timestamp.")
    }
    self.time = time
    let builder = try JSONBatchBuilder(fields: [JSONField(time.path, time.type)], capacity: Self.batchLimit)
    self.builder = builder
    self.avro = try avro.map { (schema) throws(PulsehouseError) in try AvroRecords(schema, into: builder) }
  }

  /// Returns for each message the hour of its event since 1970 UTC; nil where it cannot be read.
  func hours(_ batch: KafkaBatch) -> [Int64?] {
    precondition(batch.count <= Self.batchLimit, "too many messages at a time")
    defer { withExtendedLifetime(batch) {} }
    var rows = [Int32](repeating: -1, count: batch.count)
    for (index, message) in batch.messages.enumerated() {
      guard let value = message.value, !value.isEmpty else { continue }
      let row = builder.rowCount
      let isTaken: Bool
      if let avro {
        isTaken = avro.append(value, offset: 0, line: 0)
      } else {
        let place = batch.place(of: value)
        isTaken = builder.append(record: batch.bytes, from: place.lowerBound, to: place.upperBound, offset: 0, line: 0)
      }
      if isTaken { rows[index] = Int32(row) }
    }
    builder.rejected.removeAll(keepingCapacity: true)
    guard builder.rowCount > 0 else { return rows.map { _ in nil } }
    let times = builder.finish().fields[0].flattened()
    return rows.map { $0 < 0 || !times.isValid(Int($0)) ? nil : hour(times, Int($0)) }
  }

  private func hour(_ times: Vector, _ row: Int) -> Int64? {
    let hour: Int64
    switch time.type {
    case .double:
      let value = (times.values(as: Double.self)[row] / Double(time.unit.perHour)).rounded(.down)
      guard value >= 0, value < Double(Self.hours.upperBound) else { return nil }
      hour = Int64(value)
    case .timestamptz:
      let value = times.values(as: Int64.self)[row]
      hour = value < 0 ? -1 : value / EventTime.Unit.microseconds.perHour
    default:
      let value = times.values(as: Int64.self)[row]
      hour = value < 0 ? -1 : value / time.unit.perHour
    }
    return Self.hours.contains(hour) ? hour : nil
  }
}
