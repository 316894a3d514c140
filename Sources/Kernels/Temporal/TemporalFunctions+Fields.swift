import Bytes
import CKernels
import Vectors

/// Fields of dates and times, and moments of numbers.
extension TemporalFunctions {
  /// `extract(field from source)`, numeric, or `date_part(field, source)`, double precision, as `type` says.
  ///
  /// `zone` is whose clocks a moment is read by; nil is UTC.
  package static func part(
    _ field: Vector, _ source: Vector, _ type: LogicalType, zone: ZoneRules? = nil
  ) throws -> Vector {
    if type == .double && source.type == .date {
      return try part(field, try Cast.vector(source, to: .timestamp), type)
    }
    if field.isConstantNull || source.isConstantNull { return .nulls(type, count: source.count) }
    let wantsDouble = type == .double
    let names = field.spread
    // One field for all rows is the usual case: it is looked up once.
    let fixed: DateField?
    if names.form == .constant {
      let name = names.values(as: StringReference.self)[0]
      guard let known = DateField(name) else { throw DateField.unknown(name, source.type) }
      fixed = known
    } else {
      fixed = nil
    }
    func lookUp(_ name: StringReference) throws -> DateField {
      if let fixed { return fixed }
      guard let known = DateField(name) else { throw DateField.unknown(name, source.type) }
      return known
    }
    if zone == nil || source.type != .timestamptz, !wantsDouble, let fixed,
      let result = wholeField(fixed, source, type)
    {
      return result
    }
    func map<T: BitwiseCopyable>(_: T.Type, _ read: (DateField, T) -> FieldValue?) throws -> Vector {
      if wantsDouble {
        return try mapBinaryThrowing(names, source, type) { (name: StringReference, value: T) -> Double? in
          guard let result = read(try lookUp(name), value) else { throw DateField.unsupported(name, source.type) }
          return result.double
        }
      }
      return try mapBinaryThrowing(names, source, type) { (name: StringReference, value: T) -> Numeric? in
        guard let result = read(try lookUp(name), value) else { throw DateField.unsupported(name, source.type) }
        return result.numeric
      }
    }
    switch source.type {
    case .date:
      return try map(Int32.self) { field, days in
        if days == .max || days == .min {
          switch field {
          case .year, .decade, .century, .millennium, .isoYear, .epoch, .julian:
            return .infinite(isNegative: days == .min)
          default: return FieldReader.day(field, 0) == nil ? nil : .missing
          }
        }
        if field == .epoch { return .decimal(Int64(days) * 86400, scale: 0) }
        return FieldReader.day(field, Int64(days))
      }
    case .timestamp: return try map(Int64.self) { FieldReader.timestamp($0, $1, hasZone: false) }
    case .timestamptz: return try map(Int64.self) { FieldReader.timestamp($0, $1, hasZone: true, zone) }
    case .time:
      return try map(Int64.self) { field, time in
        field == .epoch ? .decimal(time, scale: 6) : FieldReader.timeOfDay(field, time)
      }
    case .interval where wantsDouble:
      return try map(Interval.self) { field, value in
        guard field == .epoch else { return FieldReader.interval(field, value) }
        // The sum of doubles, in this order, as PostgreSQL has it.
        var result = Double(value.microseconds) / 1_000_000
        result += 365.25 * 86400 * Double(value.months / 12)
        result += 30 * 86400 * Double(value.months % 12)
        return .approximate(result + 86400 * Double(value.days))
      }
    case .interval: return try map(Interval.self) { FieldReader.interval($0, $1) }
    default: throw Failure.noOperator("extract", [source.type])
    }
  }

  /// Hour, minute and the fields of a day, which are whole numbers, of dates and timestamps; nil for anything else and
  /// where a value is infinite. Days that follow one another are often the same, and read once.
  private static func wholeField(_ field: DateField, _ source: Vector, _ type: LogicalType) -> Vector? {
    guard source.form == .flat else { return nil }
    if let numbers = wholeNumbers(field, source) {
      let number = numbers.values(as: Int32.self)
      let buffer = AlignedBuffer(byteCount: source.count * MemoryLayout<Numeric>.stride)
      let output = buffer.values(as: Numeric.self)
      for row in 0..<source.count { output[row] = Numeric(mantissa: Int128(number[row]), scale: 0) }
      return Vector(type, count: source.count, buffer: buffer, validity: source.validity)
    }
    let isDate = source.type == .date
    guard isDate || source.type == .timestamp || source.type == .timestamptz else { return nil }
    let count = source.count
    switch field {
    case .day, .month, .quarter, .year, .weekday, .isoWeekday, .dayOfYear, .week, .isoYear: break
    default: return nil
    }
    let buffer = AlignedBuffer(byteCount: count * MemoryLayout<Numeric>.stride)
    let output = buffer.values(as: Numeric.self)
    var lastDay = Int64.min
    var last = Numeric(mantissa: 0, scale: 0)
    @inline(__always) func put(_ day: Int64, _ row: Int) -> Bool {
      if day != lastDay {
        guard case .decimal(let mantissa, 0)? = FieldReader.day(field, day) else { return false }
        last = Numeric(mantissa: Int128(mantissa), scale: 0)
        lastDay = day
      }
      output[row] = last
      return true
    }
    if isDate {
      let values = source.values(as: Int32.self)
      for row in 0..<count {
        let value = values[row]
        if value == .max || value == .min || !put(Int64(value), row) { return nil }
      }
    } else {
      let values = source.values(as: Int64.self)
      for row in 0..<count {
        let value = values[row]
        if value == .max || value == .min || !put(Calendar.split(value).days, row) { return nil }
      }
    }
    return Vector(type, count: count, buffer: buffer, validity: source.validity)
  }

  /// `extract(field from source)` as an integer type, where the field is one for all rows and always a whole number, and
  /// no value is infinite or far away; nil otherwise.
  ///
  /// `zone` is whose clocks a moment is read by; nil is UTC.
  package static func wholePart(
    _ field: Vector, _ source: Vector, as type: LogicalType, zone: ZoneRules? = nil
  ) throws -> Vector? {
    let names = field.spread
    guard !field.isConstantNull, names.form == .constant, source.form == .flat,
      zone == nil || source.type != .timestamptz,
      let known = DateField(names.values(as: StringReference.self)[0]), let numbers = wholeNumbers(known, source)
    else { return nil }
    let whole = Vector(.integer, count: source.count, buffer: numbers, validity: source.validity)
    return type == .integer ? whole : try Cast.vector(whole, to: type)
  }

  /// Minute, hour, day, month, quarter or year of each row of a flat vector, as 32 bits; nil for other fields and types,
  /// and where a value is infinite or far away.
  private static func wholeNumbers(_ field: DateField, _ source: Vector) -> AlignedBuffer? {
    let count = source.count
    let output = AlignedBuffer(byteCount: count * 4)
    let number = output.values(as: Int32.self)
    let days: UnsafePointer<Int32>
    switch (field, source.type) {
    case (.minute, .timestamp), (.minute, .timestamptz):
      return ph_hour_minutes(source.values(as: Int64.self), count, number) != 0 ? output : nil
    case (.hour, .timestamp), (.hour, .timestamptz):
      return ph_day_hours(source.values(as: Int64.self), count, number) != 0 ? output : nil
    case (.day, .timestamp), (.day, .timestamptz), (.month, .timestamp), (.month, .timestamptz),
      (.quarter, .timestamp), (.quarter, .timestamptz), (.year, .timestamp), (.year, .timestamptz):
      if ph_minutes(source.values(as: Int64.self), count, number) == 0 { return nil }
      ph_floor_divide32(number, count, 1440, number)
      days = UnsafePointer(number)
    case (.day, .date), (.month, .date), (.quarter, .date), (.year, .date): days = source.values(as: Int32.self)
    default: return nil
    }
    switch field {
    case .day: return ph_month_days(days, count, number) != 0 ? output : nil
    case .year: return ph_years(days, count, number) != 0 ? output : nil
    default:
      if ph_months(days, count, number) == 0 { return nil }
      if field == .quarter { for row in 0..<count { number[row] = (number[row] &+ 2) / 3 } }
      return output
    }
  }

  /// `start + numbers * span` in one pass, of a constant timestamp, integers, and a constant interval of microseconds alone:
  /// moments of numbers that count seconds or the like. Nil where it is not that, and where what PostgreSQL computes by
  /// doubles might be another number or an error.
  package static func moments(from start: Vector, _ numbers: Vector, times span: Vector) -> Vector? {
    guard start.form == .constant, start.validity == nil, span.form == .constant, span.validity == nil,
      numbers.form == .flat, numbers.type.isInteger
    else { return nil }
    let first = start.values(as: Int64.self)[0]
    let unit = span.values(as: Interval.self)[0]
    let exact: Int64 = 1 << 53
    guard unit.months == 0, unit.days == 0, unit.microseconds.magnitude < exact,
      first >= Calendar.minimumTimestamp + exact, first < .max - exact
    else { return nil }
    let limit = exact / max(abs(unit.microseconds), 1)
    let buffer = AlignedBuffer(byteCount: numbers.count * 8)
    let output = buffer.values(as: Int64.self)
    var isFar = false
    func fill<T: FixedWidthInteger & BitwiseCopyable>(_ values: UnsafePointer<T>) {
      let (count, microseconds) = (numbers.count, unit.microseconds)
      var (least, greatest) = (Int64(0), Int64(0))
      var row = 0
      while row < count {
        let number = Int64(values[row])
        least = number < least ? number : least
        greatest = number > greatest ? number : greatest
        output[row] = first &+ number &* microseconds
        row &+= 1
      }
      isFar = greatest > limit || least < -limit
    }
    switch numbers.type.physical {
    case .int16: fill(numbers.values(as: Int16.self))
    case .int32: fill(numbers.values(as: Int32.self))
    default:
      let values = numbers.values(as: Int64.self)
      isFar = ph_moments(values, numbers.count, first, unit.microseconds, limit, output) == 0
    }
    return isFar ? nil : Vector(start.type, count: numbers.count, buffer: buffer, validity: numbers.validity)
  }
}
