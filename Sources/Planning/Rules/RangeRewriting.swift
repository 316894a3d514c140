import Vectors

/// Turns a comparison of a column's cast or truncation with a constant into one of the column itself, which zone maps
/// and encoded blocks can answer: `hr::int > 100`, `ts::date = d`, `date_trunc('hour', ts) = t`.
struct RangeRewriting {
  private let evaluate: Planner.ConstantEvaluator

  init(_ evaluate: @escaping Planner.ConstantEvaluator) { self.evaluate = evaluate }

  /// Returns an equal condition on what stands within `left`; nil where there is none.
  func rewrite(_ op: ComparisonOperator, _ left: Expression, _ right: Expression) -> Expression? {
    guard let value = right.scalar, !value.isNull else { return nil }
    switch left {
    case .cast(let inner, let type): return rewriteCast(op, inner, type, value)
    case .call(.dateTrunc, let operands, .timestamp) where operands.count == 2:
      return rewriteTruncation(op, operands[0], operands[1], value)
    case .call(.extract, let operands, _), .call(.datePart, let operands, _):
      return operands.count == 2 ? rewriteYear(op, operands[0], operands[1], value) : nil
    default: return nil
    }
  }

  private func rewriteCast(
    _ op: ComparisonOperator, _ inner: Expression, _ type: LogicalType, _ value: Scalar
  ) -> Expression? {
    switch (inner.type, type) {
    case (let from, let to) where from.isInteger && (to.isInteger || to.isNumeric || to == .double):
      return rewriteNumber(op, inner, value)
    case (.varchar, .text): return .compare(op, inner, .constant(value, inner.type))
    case (.date, .timestamp): return rewriteDate(op, inner, value)
    case (.timestamp, .date):
      guard case .integer(let day) = value, let start = midnight(day), let next = midnight(day + 1) else { return nil }
      return period(op, inner, start, next)
    default: return nil
    }
  }

  // MARK: Numbers

  private func rewriteNumber(_ op: ComparisonOperator, _ inner: Expression, _ value: Scalar) -> Expression? {
    guard let (floor, isExact) = floored(value) else { return nil }
    let bounds: ClosedRange<Int64>
    switch inner.type {
    case .smallint: bounds = Int64(Int16.min)...Int64(Int16.max)
    case .integer: bounds = Int64(Int32.min)...Int64(Int32.max)
    default: bounds = Int64.min...Int64.max
    }
    guard bounds.contains(floor) else { return nil }
    let constant = Expression.constant(.integer(floor), inner.type)
    if isExact { return .compare(op, inner, constant) }
    switch op {
    case .greater, .greaterOrEqual: return .compare(.greater, inner, constant)
    case .less, .lessOrEqual: return .compare(.lessOrEqual, inner, constant)
    case .equal, .notEqual: return nil
    }
  }

  /// The largest whole number that is not above the value, and whether it is the value.
  private func floored(_ value: Scalar) -> (Int64, isExact: Bool)? {
    switch value {
    case .integer(let number): return (number, true)
    case .double(let number):
      // Beyond 2^53 several bigints are one double.
      guard number.magnitude < 9_007_199_254_740_992 else { return nil }
      let floor = number.rounded(.down)
      return (Int64(floor), floor == number)
    case .numeric(let number):
      guard number.special == 0, (0...38).contains(number.scale) else { return nil }
      var divisor: Int128 = 1
      for _ in 0..<number.scale {
        let (product, overflow) = divisor.multipliedReportingOverflow(by: 10)
        if overflow { return nil }
        divisor = product
      }
      var (quotient, remainder) = number.mantissa.quotientAndRemainder(dividingBy: divisor)
      let isExact = remainder == 0
      if remainder < 0 { quotient -= 1 }
      remainder = 0
      guard let result = Int64(exactly: quotient) else { return nil }
      return (result, isExact)
    default: return nil
    }
  }

  // MARK: Time

  private static let day: Int64 = 86_400_000_000

  private func midnight(_ day: Int64) -> Int64? {
    guard day > Int64(Int32.min), day < Int64(Int32.max) else { return nil }
    let (result, overflow) = day.multipliedReportingOverflow(by: RangeRewriting.day)
    return overflow ? nil : result
  }

  /// A date that is compared as a timestamp.
  private func rewriteDate(_ op: ComparisonOperator, _ inner: Expression, _ value: Scalar) -> Expression? {
    guard case .integer(let moment) = value, moment != .min, moment != .max else { return nil }
    let (quotient, remainder) = moment.quotientAndRemainder(dividingBy: RangeRewriting.day)
    let floor = remainder < 0 ? quotient - 1 : quotient
    let constant = Expression.constant(.integer(floor), .date)
    if remainder == 0 { return .compare(op, inner, constant) }
    switch op {
    case .greater, .greaterOrEqual: return .compare(.greater, inner, constant)
    case .less, .lessOrEqual: return .compare(.lessOrEqual, inner, constant)
    case .equal, .notEqual: return nil
    }
  }

  /// The comparison of a period's name with one period, as one of the moments in it.
  private func period(_ op: ComparisonOperator, _ inner: Expression, _ start: Int64, _ next: Int64) -> Expression? {
    func moment(_ value: Int64) -> Expression { .constant(.integer(value), inner.type) }
    switch op {
    case .equal:
      return .and([.compare(.greaterOrEqual, inner, moment(start)), .compare(.less, inner, moment(next))])
    case .notEqual:
      return .or([.compare(.less, inner, moment(start)), .compare(.greaterOrEqual, inner, moment(next))])
    case .less: return .compare(.less, inner, moment(start))
    case .lessOrEqual: return .compare(.less, inner, moment(next))
    case .greater: return .compare(.greaterOrEqual, inner, moment(next))
    case .greaterOrEqual: return .compare(.greaterOrEqual, inner, moment(start))
    }
  }

  private func rewriteTruncation(
    _ op: ComparisonOperator, _ unit: Expression, _ inner: Expression, _ value: Scalar
  ) -> Expression? {
    guard case .text(let name)? = unit.scalar, inner.type == .timestamp, case .integer(let moment) = value,
      moment != .min, moment != .max
    else { return nil }
    let step: Interval
    switch name.lowercased() {
    case "second": step = Interval(months: 0, days: 0, microseconds: 1_000_000)
    case "minute": step = Interval(months: 0, days: 0, microseconds: 60_000_000)
    case "hour": step = Interval(months: 0, days: 0, microseconds: 3_600_000_000)
    case "day": step = Interval(months: 0, days: 1, microseconds: 0)
    case "week": step = Interval(months: 0, days: 7, microseconds: 0)
    case "month": step = Interval(months: 1, days: 0, microseconds: 0)
    case "quarter": step = Interval(months: 3, days: 0, microseconds: 0)
    case "year": step = Interval(months: 12, days: 0, microseconds: 0)
    default: return nil
    }
    let start = Expression.constant(value, .timestamp)
    guard case .integer(moment)? = try? evaluate(.call(.dateTrunc, [unit, start], .timestamp)),
      case .integer(let next)? = try? evaluate(.call(.add, [start, .constant(.interval(step), .interval)], .timestamp))
    else { return nil }
    return period(op, inner, moment, next)
  }

  /// `extract(year FROM x) = 2024`.
  private func rewriteYear(
    _ op: ComparisonOperator, _ unit: Expression, _ inner: Expression, _ value: Scalar
  ) -> Expression? {
    guard case .text(let name)? = unit.scalar, name.lowercased() == "year", let (year, isExact) = floored(value),
      isExact, (1...9998).contains(year), inner.type == .date || inner.type == .timestamp
    else { return nil }
    func start(_ year: Int64) -> Int64? {
      let date = Expression.call(
        .makeDate, [year, 1, 1].map { .constant(.integer($0), .integer) }, .date)
      guard case .integer(let day)? = try? evaluate(date) else { return nil }
      return inner.type == .date ? day : midnight(day)
    }
    guard let first = start(year), let next = start(year + 1) else { return nil }
    return period(op, inner, first, next)
  }
}
