import Bytes
import Vectors

/// Functions of dates, times and intervals over whole vectors.
package enum TemporalFunctions {
  /// `date_trunc(field, source)`; a date is taken as the timestamp it becomes.
  ///
  /// `zone` is by whose clocks a moment is cut; nil is UTC.
  package static func truncate(
    _ field: Vector, _ source: Vector, _ type: LogicalType, zone: ZoneRules? = nil
  ) throws -> Vector {
    if source.type == .date {
      return try truncate(field, try Cast.vector(source, to: type, zone: zone), type, zone: zone)
    }
    if let zone, source.type == .timestamptz {
      return try truncate(field, source) {
        zone.offset(atLocal: $0)
      } before: {
        zone.period(atMoment: $0).offset
      }
    }
    let names = field.spread
    if names.form == .constant, names.validity == nil, source.type == .timestamp || source.type == .timestamptz {
      let name = names.values(as: StringReference.self)[0]
      let unit: Int64? =
        switch DateField(name) {
        case .day: Calendar.microsecondsPerDay
        case .hour: Calendar.microsecondsPerHour
        case .minute: Calendar.microsecondsPerMinute
        case .second: Calendar.microsecondsPerSecond
        default: nil
        }
      if let unit {
        return mapUnary(source, source.type) { (value: Int64) -> Int64 in
          if value == .max || value == .min { return value }
          let rest = value % unit
          return value &- rest &- (rest < 0 ? unit : 0)
        }
      }
    }
    switch source.type {
    case .timestamp, .timestamptz:
      return try mapBinaryThrowing(names, source, source.type) { (name: StringReference, value: Int64) -> Int64? in
        if value == .max || value == .min { return value }
        guard let known = DateField(name), known.isUnit else { throw DateField.unknown(name, source.type) }
        guard let result = truncated(known, value) else { throw DateField.unsupported(name, source.type) }
        return result
      }
    case .interval:
      return try mapBinaryThrowing(names, source, .interval) { (name: StringReference, value: Interval) -> Interval? in
        guard let known = DateField(name), known.isUnit else { throw DateField.unknown(name, source.type) }
        guard let result = truncated(known, value) else { throw DateField.unsupported(name, source.type) }
        return result
      }
    default: throw Failure.noOperator("date_trunc", [field.type, source.type])
    }
  }

  /// `date_trunc(field, source, zone)`, the zone by name.
  package static func truncate(_ field: Vector, _ source: Vector, zone: Vector) throws -> Vector {
    if zone.isConstantNull { return .nulls(.timestamptz, count: source.count) }
    let zones = zone.spread
    guard zones.form == .constant else {
      throw PulsehouseError(.unsupported, "date_trunc in a zone that differs from row to row is not supported")
    }
    let meaning = try Zones.meaning(zones.values(as: StringReference.self)[0].string)
    return try truncate(field, source) {
      meaning.offset(atLocal: $0)
    } before: {
      meaning.offset(atMoment: $0)
    }
  }

  /// Cuts moments by local clocks. Units below a day keep the offset they had, as in PostgreSQL.
  private static func truncate(
    _ field: Vector, _ source: Vector, after: (Int64) -> Int, before: (Int64) -> Int
  ) throws -> Vector {
    try mapBinaryThrowing(field.spread, source, .timestamptz) { (name: StringReference, value: Int64) -> Int64? in
      if value == .max || value == .min { return value }
      guard let known = DateField(name), known.isUnit else { throw DateField.unknown(name, .timestamptz) }
      let offset = Int64(before(value)) * Calendar.microsecondsPerSecond
      guard let local = truncated(known, value &+ offset) else { throw DateField.unsupported(name, .timestamptz) }
      switch known {
      case .microseconds, .milliseconds, .second, .minute, .hour: return local &- offset
      default: return local &- Int64(after(local)) * Calendar.microsecondsPerSecond
      }
    }
  }

  private static func truncated(_ field: DateField, _ value: Int64) -> Int64? {
    let (days, time) = Calendar.split(value)
    func start(_ year: Int, _ month: Int = 1) -> Int64 {
      Calendar.days(year: year, month: month, day: 1) &* Calendar.microsecondsPerDay
    }
    func floored(_ unit: Int64) -> Int64 { days &* Calendar.microsecondsPerDay &+ time / unit * unit }
    let date = Calendar.date(fromDays: days)
    switch field {
    case .microseconds: return value
    case .milliseconds: return floored(1000)
    case .second: return floored(Calendar.microsecondsPerSecond)
    case .minute: return floored(Calendar.microsecondsPerMinute)
    case .hour: return floored(Calendar.microsecondsPerHour)
    case .day: return days &* Calendar.microsecondsPerDay
    case .week: return (days &- Int64((Calendar.weekday(days) + 6) % 7)) &* Calendar.microsecondsPerDay
    case .month: return start(date.year, date.month)
    case .quarter: return start(date.year, (date.month - 1) / 3 * 3 + 1)
    case .year: return start(date.year)
    case .decade: return start(date.year > 0 ? date.year / 10 * 10 : -((8 - (date.year - 1)) / 10) * 10)
    case .century:
      return start(date.year > 0 ? (date.year + 99) / 100 * 100 - 99 : -((99 - (date.year - 1)) / 100) * 100 + 1)
    case .millennium:
      return start(date.year > 0 ? (date.year + 999) / 1000 * 1000 - 999 : -((999 - (date.year - 1)) / 1000) * 1000 + 1)
    default: return nil
    }
  }

  private static func truncated(_ field: DateField, _ value: Interval) -> Interval? {
    func months(_ unit: Int32) -> Interval { Interval(months: value.months / unit * unit, days: 0, microseconds: 0) }
    func time(_ unit: Int64) -> Interval {
      Interval(months: value.months, days: value.days, microseconds: value.microseconds / unit * unit)
    }
    switch field {
    case .microseconds: return value
    case .milliseconds: return time(1000)
    case .second: return time(Calendar.microsecondsPerSecond)
    case .minute: return time(Calendar.microsecondsPerMinute)
    case .hour: return time(Calendar.microsecondsPerHour)
    case .day: return Interval(months: value.months, days: value.days, microseconds: 0)
    case .month: return months(1)
    case .quarter: return months(3)
    case .year: return months(12)
    case .decade: return months(120)
    case .century: return months(1200)
    case .millennium: return months(12000)
    default: return nil
    }
  }

  /// `date_bin(stride, source, origin)`.
  package static func bin(_ stride: Vector, _ source: Vector, _ origin: Vector) throws -> Vector {
    let strides = stride.spread
    let sources = source.spread
    let origins = origin.spread
    let count = sources.count
    let (stridesAt, sourcesAt, originsAt) = (
      Operand<Interval>(strides), Operand<Int64>(sources), Operand<Int64>(origins)
    )
    return try mapRows(source.type, count: count, [strides, sources, origins]) { row -> Int64 in
      let span = stridesAt[row]
      guard span.months == 0 else {
        throw PulsehouseError(
          .user, "timestamps cannot be binned into intervals containing months or years", sqlState: "0A000")
      }
      let (days, overflow) = Int64(span.days).multipliedReportingOverflow(by: Calendar.microsecondsPerDay)
      let (length, carry) = days.addingReportingOverflow(span.microseconds)
      guard !overflow, !carry else { throw Failure.intervalRange }
      guard length > 0 else { throw PulsehouseError(.user, "stride must be greater than zero", sqlState: "22008") }
      let (value, start) = (sourcesAt[row], originsAt[row])
      if value == .max || value == .min { return value }
      let (distance, wide) = value.subtractingReportingOverflow(start)
      guard !wide, start != .max, start != .min else { throw Failure.timestampRange }
      let rest = distance % length
      return value &- rest &- (rest < 0 ? length : 0)
    }
  }

  /// `age(later, earlier)`: whole years, months and days, then time.
  ///
  /// Moments are compared by the clocks of `zone`; nil is UTC.
  package static func age(_ left: Vector, _ right: Vector, zone: ZoneRules? = nil) throws -> Vector {
    if let zone, left.type == .timestamptz, right.type == .timestamptz {
      return try age(ZonedCast.local(left, zone), ZonedCast.local(right, zone))
    }
    let first = try Cast.vector(left, to: left.type == .date ? .timestamp : left.type)
    let second = try Cast.vector(right, to: right.type == .date ? .timestamp : right.type)
    return try mapBinaryThrowing(first, second, .interval) { (a: Int64, b: Int64) -> Interval? in
      guard a != .max, a != .min, b != .max, b != .min else {
        throw PulsehouseError(.user, "cannot subtract infinite timestamps", sqlState: "22008")
      }
      return age(a, b)
    }
  }

  /// `age(timestamp)`: from midnight of the current day.
  package static func age(_ operand: Vector, now: Int64) throws -> Vector {
    let today = Calendar.split(now).days &* Calendar.microsecondsPerDay
    return try age(.constant(.timestamp, .integer(today), count: operand.count), operand)
  }

  private static func age(_ first: Int64, _ second: Int64) -> Interval {
    let isNegative = first < second
    let (later, earlier) = isNegative ? (second, first) : (first, second)
    let (laterDays, laterTime) = Calendar.split(later)
    let (earlierDays, earlierTime) = Calendar.split(earlier)
    let (a, b) = (Calendar.date(fromDays: laterDays), Calendar.date(fromDays: earlierDays))
    var time = laterTime - earlierTime
    var days = a.day - b.day
    var months = a.month - b.month
    var years = a.year - b.year
    if time < 0 {
      time += Calendar.microsecondsPerDay
      days -= 1
    }
    while days < 0 {
      days += Calendar.lastDay(year: b.year, month: b.month)
      months -= 1
    }
    while months < 0 {
      months += 12
      years -= 1
    }
    let sign: Int64 = isNegative ? -1 : 1
    return Interval(
      months: Int32(truncatingIfNeeded: sign * Int64(years * 12 + months)),
      days: Int32(truncatingIfNeeded: sign * Int64(days)), microseconds: sign * time)
  }

  /// `justify_days`, `justify_hours`, `justify_interval`.
  package static func justify(_ operand: Vector, days: Bool, hours: Bool) throws -> Vector {
    try mapUnaryThrowing(operand, .interval) { (value: Interval) -> Interval? in
      var months = Int64(value.months)
      var dayCount = Int64(value.days)
      var time = value.microseconds
      if hours {
        dayCount += time / Calendar.microsecondsPerDay
        time %= Calendar.microsecondsPerDay
      }
      if days {
        months += dayCount / 30
        dayCount %= 30
      }
      if days {
        if months > 0 && (dayCount < 0 || (dayCount == 0 && time < 0 && hours)) {
          dayCount += 30
          months -= 1
        } else if months < 0 && (dayCount > 0 || (dayCount == 0 && time > 0 && hours)) {
          dayCount -= 30
          months += 1
        }
      }
      if hours {
        if dayCount > 0 && time < 0 {
          time += Calendar.microsecondsPerDay
          dayCount -= 1
        } else if dayCount < 0 && time > 0 {
          time -= Calendar.microsecondsPerDay
          dayCount += 1
        }
      }
      guard let finalMonths = Int32(exactly: months), let finalDays = Int32(exactly: dayCount) else {
        throw Failure.intervalRange
      }
      return Interval(months: finalMonths, days: finalDays, microseconds: time)
    }
  }

  /// Rounds to so many digits of the second, halves away from 2000-01-01, as PostgreSQL does.
  package static func roundSeconds(_ value: Vector, digits: Vector) throws -> Vector {
    let digits = try Cast.vector(digits, to: .bigint)
    if value.type == .interval {
      return try mapBinaryThrowing(value, digits, value.type) { (span: Interval, digits: Int64) -> Interval? in
        var unit: UInt64 = 1
        for _ in 0..<(6 - min(6, max(0, digits))) { unit *= 10 }
        let size = (span.microseconds.magnitude + unit / 2) / unit * unit
        guard let rounded = Int64(exactly: Int128(size) * (span.microseconds < 0 ? -1 : 1)) else {
          throw Failure.intervalRange
        }
        return Interval(months: span.months, days: span.days, microseconds: rounded)
      }
    }
    let epoch: Int64 = value.type == .time ? 0 : 946_684_800_000_000
    return try mapBinaryThrowing(value, digits, value.type) { (time: Int64, digits: Int64) -> Int64? in
      if value.type != .time, time == .max || time == .min { return time }
      var unit: Int64 = 1
      for _ in 0..<(6 - min(6, max(0, digits))) { unit *= 10 }
      let distance = time &- epoch
      let size = (Int64(bitPattern: distance.magnitude) &+ unit / 2) / unit * unit
      return epoch &+ (distance < 0 ? -size : size)
    }
  }

  package static func isFinite(_ operand: Vector) throws -> Vector {
    switch operand.type {
    case .date: return mapUnary(operand, .boolean) { (a: Int32) in bit(a != .max && a != .min) }
    case .timestamp, .timestamptz: return mapUnary(operand, .boolean) { (a: Int64) in bit(a != .max && a != .min) }
    case .interval: return mapUnary(operand, .boolean) { (_: Interval) in 1 as UInt8 }
    default: throw Failure.noOperator("isfinite", [operand.type])
    }
  }

  /// `to_timestamp(seconds since 1970)`.
  package static func fromEpoch(_ operand: Vector) throws -> Vector {
    let seconds = try Cast.vector(operand, to: .double)
    return try mapUnaryThrowing(seconds, .timestamptz) { (value: Double) -> Int64? in
      if value.isInfinite { return value > 0 ? Int64.max : Int64.min }
      // Rounded at the distance from 2000-01-01, as PostgreSQL does.
      let micros = ((value - 946_684_800) * 1e6).rounded(.toNearestOrEven)
      if value.isNaN { throw PulsehouseError(.user, "timestamp cannot be NaN", sqlState: "22008") }
      guard let whole = Int64(exactly: micros), whole < Int64.max - 946_684_800_000_000,
        whole + 946_684_800_000_000 >= Calendar.minimumTimestamp
      else {
        var text: [UInt8] = []
        TextFormat.append(.of(.double, [.double(value)]), row: 0, into: &text)
        throw PulsehouseError(
          .user, "timestamp out of range: \"\(String(decoding: text, as: UTF8.self))\"", sqlState: "22008")
      }
      return whole + 946_684_800_000_000
    }
  }

  /// `timezone(zone, value)`: AT TIME ZONE. A date is its midnight by the clocks of `session`; nil is UTC.
  package static func atZone(_ zone: Vector, _ value: Vector, session: ZoneRules? = nil) throws -> Vector {
    let value = value.type == .date ? try Cast.vector(value, to: .timestamptz, zone: session) : value
    let type: LogicalType = value.type == .timestamptz ? .timestamp : .timestamptz
    let sign: Int64 = type == .timestamp ? 1 : -1
    func shifted(_ timestamp: Int64, _ offset: Int64) throws -> Int64 {
      if timestamp == .max || timestamp == .min { return timestamp }
      let (sum, overflow) = timestamp.addingReportingOverflow(sign * offset)
      guard !overflow, sum >= Calendar.minimumTimestamp else { throw Failure.timestampRange }
      return sum
    }
    if zone.type == .interval {
      return try mapBinaryThrowing(zone, value, type) { (span: Interval, timestamp: Int64) -> Int64? in
        guard span.months == 0, span.days == 0, span.microseconds.magnitude < 1 << 50 else {
          throw Failure.parameter("interval time zone must not include months or days")
        }
        return try shifted(timestamp, span.microseconds)
      }
    }
    let isToLocal = type == .timestamp
    func offset(_ meaning: Zones.Meaning, _ timestamp: Int64) -> Int64 {
      if timestamp == .max || timestamp == .min { return 0 }
      let seconds = isToLocal ? meaning.offset(atMoment: timestamp) : meaning.offset(atLocal: timestamp)
      return Int64(seconds) * Calendar.microsecondsPerSecond
    }
    let zones = zone.spread
    if zones.isConstantNull { return .nulls(type, count: value.count) }
    if zones.form == .constant {
      // One zone for all rows is the usual case: it is looked up once.
      if value.count == 0 { return .nulls(type, count: 0) }
      let meaning = try Zones.meaning(zones.values(as: StringReference.self)[0].string)
      return try mapUnaryThrowing(value, type) { (timestamp: Int64) -> Int64? in
        try shifted(timestamp, offset(meaning, timestamp))
      }
    }
    return try mapBinaryThrowing(zones, value, type) { (name: StringReference, timestamp: Int64) -> Int64? in
      try shifted(timestamp, offset(try Zones.meaning(name.string), timestamp))
    }
  }
}

/// Makes a flat vector row by row from any number of operands; a row where one is NULL is NULL.
@inline(__always) func mapRows<R: BitwiseCopyable>(
  _ type: LogicalType, count: Int, _ operands: [Vector], _ body: (Int) throws -> R?
) throws -> Vector {
  if operands.contains(where: { $0.isConstantNull }) { return .nulls(type, count: count) }
  let isConstant = operands.allSatisfy { $0.form == .constant }
  let rows = isConstant ? min(count, 1) : count
  let buffer = AlignedBuffer(byteCount: rows * type.physical.stride, zeroed: true)
  let output = buffer.values(as: R.self)
  let mask = ValidityMask(count: rows, allValid: true)
  for row in 0..<rows {
    if operands.allSatisfy({ $0.isValid(row) }), let value = try body(row) {
      output[row] = value
    } else {
      mask.set(row, valid: false)
    }
  }
  withExtendedLifetime(operands) {}
  let result = Vector(type, count: rows, buffer: buffer, validity: mask.nullCount == 0 ? nil : mask)
  return isConstant && count > 0 ? Vector(constant: result, count: count) : result
}
