import Bytes
import Vectors

/// Casts that depend on the session's zone, where that is not UTC.
enum ZonedCast {
  /// Returns nil for casts that depend on no zone.
  static func vector(_ vector: Vector, to type: LogicalType, _ zone: ZoneRules) throws -> Vector? {
    switch (vector.type, type) {
    case (.timestamptz, .timestamp): return local(vector, zone)
    case (.timestamptz, .date), (.timestamptz, .time): return try Cast.vector(local(vector, zone), to: type)
    case (.timestamp, .timestamptz): return try moments(vector, zone)
    case (.date, .timestamptz): return try moments(try Cast.vector(vector, to: .timestamp), zone)
    case (.timestamptz, _) where type.isStringLike:
      let texts = texts(vector, zone, isISO: false)
      return try TextLength.limited(texts, to: type, isExplicit: true)
    default: return nil
    }
  }

  /// What the zone's clocks show at each moment.
  static func local(_ moments: Vector, _ zone: ZoneRules) -> Vector {
    mapUnary(moments, .timestamp) { (moment: Int64) in zone.local(moment) }
  }

  /// The moments at which the zone's clocks show these times.
  static func moments(_ local: Vector, _ zone: ZoneRules) throws -> Vector {
    try mapUnaryThrowing(local, .timestamptz) { (time: Int64) -> Int64? in
      guard let moment = zone.moment(time) else { throw Failure.timestampRange }
      return moment
    }
  }

  /// Moments as the zone's clocks show them, with the offset; `isISO` with its minutes, as JSON has it.
  static func texts(_ moments: Vector, _ zone: ZoneRules, isISO: Bool) -> Vector {
    let flat = moments.flattened()
    let values = flat.values(as: Int64.self)
    let result = mapToText(.text, count: flat.count, strictIn: [flat]) { row, out in
      let moment = values[row]
      let target = out.reserve(TemporalText.maximumLength)
      let offset = moment == .max || moment == .min ? 0 : zone.period(atMoment: moment).offset
      out.advance(
        by: TemporalText.write(timestamp: zone.local(moment), offset: offset, hasMinutes: isISO, to: target))
      return true
    }
    withExtendedLifetime(flat) {}
    return result
  }
}
