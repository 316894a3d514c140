import Bytes
import Glibc
import Vectors

extension TemporalFunctions {
  /// `make_date(year, month, day)`; a negative year is BC.
  package static func makeDate(_ arguments: [Vector]) throws -> Vector {
    let parts = try integers(arguments)
    let count = parts[0].count
    let (years, months, days) = (Operand<Int32>(parts[0]), Operand<Int32>(parts[1]), Operand<Int32>(parts[2]))
    return try mapRows(.date, count: count, parts) { row -> Int32 in
      let (year, month, day) = (Int(years[row]), Int(months[row]), Int(days[row]))
      guard let value = dayNumber(year, month, day) else {
        throw outOfRange(year, month, day)
      }
      return Int32(truncatingIfNeeded: value)
    }
  }

  /// `make_time(hour, minute, seconds)`.
  package static func makeTime(_ arguments: [Vector]) throws -> Vector {
    let parts = try integers(Array(arguments.prefix(2))) + [try Cast.vector(arguments[2], to: .double).spread]
    let (hours, minutes, seconds) = (Operand<Int32>(parts[0]), Operand<Int32>(parts[1]), Operand<Double>(parts[2]))
    return try mapRows(.time, count: parts[0].count, parts) { row -> Int64 in
      try time(Int(hours[row]), Int(minutes[row]), seconds[row])
    }
  }

  /// `make_timestamp(year, month, day, hour, minute, seconds)`.
  package static func makeTimestamp(_ arguments: [Vector], _ type: LogicalType) throws -> Vector {
    let parts = try integers(Array(arguments.prefix(5))) + [try Cast.vector(arguments[5], to: .double).spread]
    let fields = parts.prefix(5).map { Operand<Int32>($0) }
    let seconds = Operand<Double>(parts[5])
    return try mapRows(type, count: parts[0].count, parts) { row -> Int64 in
      let (year, month, day) = (Int(fields[0][row]), Int(fields[1][row]), Int(fields[2][row]))
      guard let days = dayNumber(year, month, day) else {
        throw outOfRange(year, month, day)
      }
      let time = try time(Int(fields[3][row]), Int(fields[4][row]), seconds[row])
      guard let result = Calendar.timestamp(days: days, time: time) else { throw Failure.timestampRange }
      return result
    }
  }

  /// `make_interval(years, months, weeks, days, hours, minutes, seconds)`, any number of them.
  package static func makeInterval(_ arguments: [Vector], count: Int) throws -> Vector {
    var parts = try integers(Array(arguments.prefix(6)))
    while parts.count < 6 { parts.append(.constant(.integer, .integer(0), count: count)) }
    let seconds =
      arguments.count > 6
      ? try Cast.vector(arguments[6], to: .double).spread : .constant(.double, .double(0), count: count)
    parts.append(seconds)
    let fields = parts.prefix(6).map { Operand<Int32>($0) }
    let secondsAt = Operand<Double>(seconds)
    return try mapRows(.interval, count: count, parts) { row -> Interval in
      let values = fields.map { Int64($0[row]) }
      let second = (secondsAt[row] * 1e6).rounded(.toNearestOrEven)
      guard let months = Int32(exactly: values[0] * 12 + values[1]),
        let days = Int32(exactly: values[2] * 7 + values[3]),
        let micros = Int64(exactly: second)
      else { throw Failure.intervalRange }
      let (sum, overflow) = micros.addingReportingOverflow(
        (values[4] * 60 + values[5]) * Calendar.microsecondsPerMinute)
      guard !overflow else { throw Failure.intervalRange }
      return Interval(months: months, days: days, microseconds: sum)
    }
  }

  private static func integers(_ arguments: [Vector]) throws -> [Vector] {
    try arguments.map { try Cast.vector($0, to: .integer).spread }
  }

  private static func outOfRange(_ year: Int, _ month: Int, _ day: Int) -> PulsehouseError {
    let shown = year < 0 ? year + 1 : year
    return PulsehouseError(
      .user, "date field value out of range: \(shown)-\(two(month))-\(two(day))", sqlState: "22008")
  }

  private static func two(_ value: Int) -> String { value >= 0 && value < 10 ? "0\(value)" : "\(value)" }

  /// At least two characters, six significant digits.
  private static func printed(_ seconds: Double) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
      guard let base = buffer.baseAddress else { return "" }
      let length = withVaList([seconds]) { vsnprintf(base, 32, "%02g", $0) }
      return String(decoding: UnsafeRawBufferPointer(start: base, count: Int(length)), as: UTF8.self)
    }
  }

  private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int64? {
    guard year != 0, year.magnitude <= 5_874_897, month >= 1, month <= 12, day >= 1 else { return nil }
    let astronomical = year > 0 ? year : year + 1
    guard day <= Calendar.lastDay(year: astronomical, month: month) else { return nil }
    let result = Calendar.days(year: astronomical, month: month, day: day)
    return result >= Calendar.minimumDay ? result : nil
  }

  private static func time(_ hour: Int, _ minute: Int, _ seconds: Double) throws -> Int64 {
    let micros = (seconds * 1e6).rounded(.toNearestOrEven)
    guard hour >= 0, hour <= 24, minute >= 0, minute < 60, seconds >= 0, micros <= 60e6,
      hour < 24 || (minute == 0 && micros == 0)
    else {
      throw PulsehouseError(
        .user,
        "time field value out of range: \(hour):\(two(minute)):\(printed(seconds))",
        sqlState: "22008")
    }
    return Int64(hour * 60 + minute) * Calendar.microsecondsPerMinute + Int64(micros)
  }
}
