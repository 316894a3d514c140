import CKernels
import Testing
import Vectors

@testable import Kernels

/// The fields of many days and moments are those of each.
@Suite struct FieldKernelTests {
  private static func read(
    _ kernel: (UnsafePointer<Int32>?, Int, UnsafeMutablePointer<Int32>?) -> Int32, _ days: [Int32]
  ) -> [Int32]? {
    var output = [Int32](repeating: 0, count: days.count)
    let isRead = output.withUnsafeMutableBufferPointer { output in
      days.withUnsafeBufferPointer { kernel($0.baseAddress, $0.count, output.baseAddress) }
    }
    return isRead != 0 ? output : nil
  }

  @Test func daysAreThoseOfTheCalendar() {
    var days = (-800_000...800_000).map { Int32($0) }
    days += [-10_000_000, 10_000_000, -719_528, -719_529, -719_163, -719_162]
    days += stride(from: Int32(-9_999_999), to: 9_999_999, by: 997)
    let dates = days.map { Calendar.date(fromDays: Int64($0)) }
    #expect(Self.read(ph_years, days) == dates.map { Int32($0.year > 0 ? $0.year : $0.year - 1) })
    #expect(Self.read(ph_months, days) == dates.map { Int32($0.month) })
    #expect(Self.read(ph_month_days, days) == dates.map { Int32($0.day) })
  }

  @Test(arguments: [Int32.min, .max, 10_000_001, -10_000_001]) func farDaysAreRefused(day: Int32) {
    for kernel in [ph_years, ph_months, ph_month_days] { #expect(Self.read(kernel, [0, day, 1]) == nil) }
  }

  @Test func minutesAreRoundedDown() {
    let limit: Int64 = 1 << 52
    let minute: Int64 = 60_000_000
    var values: [Int64] = [0, -1, 1, limit, -limit, limit - 1, 1 - limit]
    for number in [0, 1, 1439, 1440, 28_000_000, limit / minute - 1, limit / minute] {
      for near in [-1, 0, 1] where abs(number * minute + Int64(near)) <= limit {
        values += [number * minute + Int64(near), -(number * minute + Int64(near))]
      }
    }
    for number in stride(from: -limit / minute, to: limit / minute, by: 7919) {
      values += [number * minute, number * minute + 1, (number + 1) * minute - 1]
    }
    var minutes = [Int32](repeating: 0, count: values.count)
    var hours = minutes
    var ofHour = minutes
    #expect(ph_minutes(values, values.count, &minutes) == 1)
    #expect(ph_day_hours(values, values.count, &hours) == 1 && ph_hour_minutes(values, values.count, &ofHour) == 1)
    for (row, minute) in minutes.enumerated() {
      let inDay = ((minute % 1440) + 1440) % 1440
      #expect(hours[row] == inDay / 60 && ofHour[row] == inDay % 60)
    }
    #expect(minutes == values.map { Int32(($0 - (($0 % minute) + minute) % minute) / minute) })
    for far in [Int64.min, .max, limit + 1, -limit - 1] {
      #expect(ph_minutes([0, far], 2, &minutes) == 0)
      #expect(ph_day_hours([0, far], 2, &hours) == 0 && ph_hour_minutes([0, far], 2, &ofHour) == 0)
    }
  }

  @Test(arguments: [60, 1440, 7] as [Int32]) func quotientsAreRoundedDown(divisor: Int32) {
    let values: [Int32] = [0, 1, -1, divisor, -divisor, divisor - 1, 1 - divisor, .max, .min, .min + 1, 75_000_000]
    var quotients = values
    ph_floor_divide32(values, values.count, divisor, &quotients)
    #expect(quotients == values.map { Int32((Double($0) / Double(divisor)).rounded(.down)) })
  }

  /// Many at once as one by one, near and far.
  @Test func daysOfMomentsAreThoseOfEach() throws {
    let day: Int64 = 86_400_000_000
    var moments: [Scalar] = [.null, .integer(0), .integer(-1), .integer(1_717_245_296_000_001)]
    for number in [-52_000, -1, 0, 1, 19_875, 52_000] as [Int64] {
      moments += [-1, 0, 1].map { .integer(number * day + $0) }
    }
    for far in [[], [.integer(.max), .integer(.min)], [.integer(9_000_000_000_000_000)]] as [[Scalar]] {
      let found = try Cast.vector(.of(.timestamp, moments + far), to: .date)
      for (row, moment) in (moments + far).enumerated() {
        let one = try Cast.vector(.constant(.timestamp, moment, count: 1), to: .date)
        #expect(found.scalar(at: row) == one.scalar(at: 0), "\(moment)")
      }
    }
  }

  /// As an integer, as an exact number and as a double, with NULLs and with what is infinite or far away.
  @Test func partsAgreeInAllTypes() throws {
    let moments: [Scalar] = [
      .integer(0), .null, .integer(-1), .integer(1_717_245_296_000_001), .integer(-4_000_000_000_000_001),
    ]
    let days: [Scalar] = [.integer(0), .null, .integer(-1), .integer(19_875), .integer(-719_163)]
    for field in ["minute", "hour", "day", "month", "quarter", "year", "doy", "week"] {
      let name = Vector.of(.text, [.text(field)])
      for (values, type) in [(moments, LogicalType.timestamp), (days, .date)] {
        if type == .date, field == "minute" || field == "hour" { continue }
        for far in [nil, Scalar.integer(type == .date ? 20_000_000 : 9_000_000_000_000_000)] {
          let source = Vector.of(type, values + (far.map { [$0] } ?? []))
          let names = Vector(constant: name, count: source.count)
          let exact = try TemporalFunctions.part(names, source, .numeric(precision: nil, scale: nil))
          let whole = try Cast.vector(exact, to: .bigint)
          let double = try Cast.vector(try TemporalFunctions.part(names, source, .double), to: .bigint)
          #expect(Samples.scalars(whole) == Samples.scalars(double), "\(field) of \(type)")
          if let fast = try TemporalFunctions.wholePart(names, source, as: .bigint) {
            #expect(Samples.scalars(fast) == Samples.scalars(whole), "\(field) of \(type)")
          } else {
            #expect(far != nil || field == "doy" || field == "week")
          }
        }
      }
    }
  }

  /// In one pass, or not at all, as by the product of doubles and the sum.
  @Test func momentsAreThoseOfTheProduct() throws {
    let seconds: [Scalar] = [.integer(0), .integer(-1), .null, .integer(1_717_245_296), .integer(9_007_199_254)]
    let starts: [Scalar] = [.integer(0), .integer(-62_135_596_800_000_000), .integer(.max), .integer(.max - 5), .null]
    let spans = [Interval(months: 0, days: 0, microseconds: 1_000_000), Interval(months: 0, days: 0, microseconds: -1)]
    for more in [[], [Scalar.integer(9_007_199_255)], [.integer(.max)]] {
      for type in [LogicalType.bigint, .integer] where more.isEmpty || type == .bigint {
        let numbers = Vector.of(type, type == .integer ? Array(seconds.prefix(4)) : seconds + more)
        for (start, span) in starts.flatMap({ start in spans.map { (start, $0) } }) {
          let first = Vector(constant: .of(.timestamp, [start]), count: numbers.count)
          let unit = Vector(constant: .of(.interval, [.interval(span)]), count: numbers.count)
          let fast = TemporalFunctions.moments(from: first, numbers, times: unit)
          if start == .integer(0), more.isEmpty { #expect(fast != nil) }
          if start == .null || start == .integer(.max) || more == [.integer(.max)] { #expect(fast == nil) }
          guard let fast else { continue }
          let product = try Arithmetic.binary(.multiply, try Cast.vector(numbers, to: .double), unit, .interval)
          let sum = try Arithmetic.binary(.add, first, product, .timestamp)
          #expect(Samples.scalars(fast) == Samples.scalars(sum))
        }
      }
    }
  }
}
