import Bytes
import Vectors

/// Dates and times from text.
enum TemporalCast {
  static func fromText(
    _ vector: Vector, to type: LogicalType, now: Int64, zone: ZoneRules?
  ) throws -> Vector {
    if type == .date {
      return try mapUnaryThrowing(vector, type) { (text: StringReference) -> Int32? in
        try text.withBytes { Int32(truncatingIfNeeded: try value($0, type, now, zone)) }
      }
    }
    return try mapUnaryThrowing(vector, type) { (text: StringReference) -> Int64? in
      try text.withBytes { try value($0, type, now, zone) }
    }
  }

  /// Returns days for a date, else microseconds.
  private static func value(
    _ bytes: UnsafeRawBufferPointer, _ type: LogicalType, _ now: Int64, _ zone: ZoneRules?
  ) throws -> Int64 {
    func text() -> String { String(decoding: bytes, as: UTF8.self) }
    let fields: DateTimeParser.Fields
    do {
      fields = try DateTimeParser.parse(bytes, now: now, zone: zone, isTimeOnly: type == .time)
    } catch .syntax {
      throw Failure.invalidDateTime(type, text())
    } catch .range {
      throw Failure.fieldRange(text())
    } catch .displacement {
      throw PulsehouseError(.user, "time zone displacement out of range: \"\(text())\"", sqlState: "22009")
    } catch .zone(let name) {
      throw PulsehouseError(.user, "time zone \"\(name)\" not recognized", sqlState: "22023")
    } catch .zoneData(let error) {
      throw error
    }
    switch type {
    case .date:
      switch fields.special {
      case .epoch: return 0
      case .infinity: return Int64(Int32.max)
      case .negativeInfinity: return Int64(Int32.min)
      case nil: break
      }
      guard let day = fields.day else { throw Failure.invalidDateTime(type, text()) }
      guard day >= Calendar.minimumDay else {
        throw PulsehouseError(.user, "date out of range: \"\(text())\"", sqlState: "22008")
      }
      return day
    case .time:
      guard fields.special == nil, let time = fields.time else { throw Failure.invalidDateTime(type, text()) }
      return time
    default:
      switch fields.special {
      case .epoch: return 0
      case .infinity: return .max
      case .negativeInfinity: return .min
      case nil: break
      }
      guard let day = fields.day else { throw Failure.invalidDateTime(type, text()) }
      // A zone in a timestamp without one is ignored.
      func outOfRange() -> PulsehouseError {
        PulsehouseError(.user, "timestamp out of range: \"\(text())\"", sqlState: "22008")
      }
      var offset = 0
      if type == .timestamptz {
        if let written = fields.zone {
          offset = written
        } else if let meaning = fields.zoneMeaning ?? zone.map({ .rules($0) }) {
          guard let local = Calendar.timestamp(days: day, time: fields.time ?? 0) else { throw outOfRange() }
          offset = meaning.offset(atLocal: local)
        }
      }
      let shift = Int64(offset) * Calendar.microsecondsPerSecond
      guard let result = Calendar.timestamp(days: day, time: (fields.time ?? 0) - shift) else { throw outOfRange() }
      return result
    }
  }
}
