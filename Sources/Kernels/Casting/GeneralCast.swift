import Bytes
import CKernels
import Vectors

/// Casts that go through numeric, text, dates and times.
enum GeneralCast {
  static func vector(
    _ vector: Vector, to type: LogicalType, now: Int64, zone: ZoneRules?
  ) throws -> Vector {
    if case .array = type {
      switch vector.type {
      case .array: break
      case _ where vector.type.isStringLike: break
      default: throw Cast.noCast(vector.type, type)
      }
      return try ArrayFunctions.cast(vector, to: type, now: now, zone: zone)
    }
    if case .array(let element) = vector.type {
      guard type.isStringLike else { throw Cast.noCast(vector.type, type) }
      if let zone, element == .timestamptz {
        let texts = try ArrayFunctions.cast(vector, to: .array(.text), now: now, zone: zone)
        return try TextLength.limited(texts.flattened().retyped(as: .text), to: type, isExplicit: true)
      }
      return try TextLength.limited(vector.flattened().retyped(as: .text), to: type, isExplicit: true)
    }
    if vector.type.isStringLike && !(vector.type == .bytea && type.isText) {
      return try fromText(vector, to: type, now: now, zone: zone)
    }
    if let zone { if let result = try ZonedCast.vector(vector, to: type, zone) { return result } }
    switch type {
    case .text, .varchar, .char, .unknown: return try toText(vector, type)
    case .numeric(let precision, let scale): return try toNumeric(vector, type, precision, scale)
    default: break
    }
    if case .enumeration(let from) = vector.type, case .enumeration(let wanted) = type,
      from.identifier == wanted.identifier
    {
      return vector.retyped(as: type)
    }
    switch vector.type {
    case .numeric: return try fromNumeric(vector, to: type)
    case .date: return try fromDate(vector, to: type)
    case .timestamp, .timestamptz: return try fromTimestamp(vector, to: type)
    case .time where type == .interval:
      return mapUnary(vector, type) { (time: Int64) in Interval(months: 0, days: 0, microseconds: time) }
    case .interval where type == .time:
      return mapUnary(vector, type) { (interval: Interval) in Calendar.split(interval.microseconds).time }
    case .boolean where type == .integer: return mapUnary(vector, type) { (value: UInt8) in Int32(value) }
    default: throw Cast.noCast(vector.type, type)
    }
  }

  // MARK: To text

  private static func toText(_ vector: Vector, _ type: LogicalType) throws -> Vector {
    if vector.form == .dictionary { return try toText(vector.flattened(), type) }
    if vector.form == .constant {
      return Vector(constant: try toText(vector.firstRow, type).flattened(), count: vector.count)
    }
    let column = TextColumn(vector)
    let isBoolean = vector.type == .boolean
    let text = mapToText(.text, count: vector.count, strictIn: [vector]) { row, out in
      if isBoolean {
        out.append(vector.values(as: UInt8.self)[row] != 0 ? "true" : "false" as StaticString)
      } else {
        column.append(row, into: out)
      }
      return true
    }
    return try TextLength.limited(text, to: type, isExplicit: true)
  }

  // MARK: Numbers

  private static func toNumeric(
    _ vector: Vector, _ type: LogicalType, _ precision: Int?, _ scale: Int?
  ) throws -> Vector {
    func constrained(_ value: Numeric) throws -> Numeric {
      try NumericArithmetic.constrain(value, precision: precision, scale: scale)
    }
    switch vector.type {
    case .numeric:
      if precision == nil { return vector.retyped(as: type) }
      return try mapUnaryThrowing(vector, type) { (a: Numeric) -> Numeric? in try constrained(a) }
    case .smallint:
      return try mapUnaryThrowing(vector, type) { (a: Int16) -> Numeric? in
        try constrained(NumericArithmetic.make(Int64(a)))
      }
    case .integer:
      return try mapUnaryThrowing(vector, type) { (a: Int32) -> Numeric? in
        try constrained(NumericArithmetic.make(Int64(a)))
      }
    case .bigint:
      return try mapUnaryThrowing(vector, type) { (a: Int64) -> Numeric? in try constrained(NumericArithmetic.make(a)) }
    case .real:
      return try mapUnaryThrowing(vector, type) { (a: Float) -> Numeric? in try constrained(NumericArithmetic.make(a)) }
    case .double:
      return try mapUnaryThrowing(vector, type) { (a: Double) -> Numeric? in
        try constrained(NumericArithmetic.make(a))
      }
    default: throw Cast.noCast(vector.type, type)
    }
  }

  private static func fromNumeric(_ vector: Vector, to type: LogicalType) throws -> Vector {
    switch type {
    case .smallint: return try whole(vector, type, as: Int16.self)
    case .integer: return try whole(vector, type, as: Int32.self)
    case .bigint: return try whole(vector, type, as: Int64.self)
    case .double: return mapUnary(vector, type) { (a: Numeric) in NumericArithmetic.double(a) }
    case .real:
      let doubles = mapUnary(vector, .double) { (a: Numeric) in NumericArithmetic.double(a) }
      return try NumberCast.vector(doubles, to: .real)
    default: throw Cast.noCast(vector.type, type)
    }
  }

  @inline(__always) private static func whole<R: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ type: LogicalType, as: R.Type
  ) throws -> Vector {
    try mapUnaryChecked(
      vector, type,
      { (a: Numeric) -> (R, Bool) in
        // A whole number as it is, the usual case.
        if a.special | a.scale == 0 {
          let result = R(truncatingIfNeeded: a.mantissa)
          return (result, Int128(result) != a.mantissa)
        }
        guard a.special == 0, let value = NumericArithmetic.integer(a), let result = R(exactly: value) else {
          return (0, true)
        }
        return (result, false)
      },
      { a in
        guard a.special != 0 else { return Failure.outOfRange(type) }
        let what = a.special == 1 ? "NaN" : "infinity"
        return PulsehouseError(.user, "cannot convert \(what) to \(type.name)", sqlState: "0A000")
      })
  }

  // MARK: Dates and times

  private static func fromDate(_ vector: Vector, to type: LogicalType) throws -> Vector {
    guard type == .timestamp || type == .timestamptz else { throw Cast.noCast(vector.type, type) }
    return try mapUnaryChecked(
      vector, type,
      { (days: Int32) in
        if days == .max { return (Int64.max, false) }
        if days == .min { return (Int64.min, false) }
        let (value, overflow) = Int64(days).multipliedReportingOverflow(by: Calendar.microsecondsPerDay)
        return (value, overflow || value < Calendar.minimumTimestamp)
      },
      { _ in PulsehouseError(.user, "date out of range for timestamp", sqlState: "22008") })
  }

  private static func fromTimestamp(_ vector: Vector, to type: LogicalType) throws -> Vector {
    switch type {
    case .timestamp, .timestamptz: return vector.retyped(as: type)
    case .date:
      if let days = days(vector) { return days }
      return mapUnary(vector, type) { (value: Int64) -> Int32 in
        if value == .max { return Int32.max }
        if value == .min { return Int32.min }
        return Int32(truncatingIfNeeded: Calendar.split(value).days)
      }
    case .time:
      return try mapUnaryThrowing(vector, type) { (value: Int64) -> Int64? in
        value == .max || value == .min ? nil : Calendar.split(value).time
      }
    default: throw Cast.noCast(vector.type, type)
    }
  }

  /// The days of moments that none lies far from 1970; nil where one does.
  private static func days(_ vector: Vector) -> Vector? {
    guard vector.form == .flat else { return nil }
    let buffer = AlignedBuffer(byteCount: vector.count * 4)
    let days = buffer.values(as: Int32.self)
    guard ph_days(vector.values(as: Int64.self), vector.count, days) != 0 else { return nil }
    return Vector(.date, count: vector.count, buffer: buffer, validity: vector.validity)
  }

  // MARK: From text

  private static func fromText(
    _ vector: Vector, to type: LogicalType, now: Int64, zone: ZoneRules?
  ) throws -> Vector {
    if type.isStringLike && type != .bytea && vector.type != .bytea {
      return try textToText(vector, type)
    }
    guard vector.type != .bytea else { throw Cast.noCast(vector.type, type) }
    if vector.type == .jsonb { return try JSONFunctions.scalar(vector, to: type) }
    switch type {
    case .smallint: return try integers(vector, type, as: Int16.self)
    case .integer: return try integers(vector, type, as: Int32.self)
    case .bigint: return try integers(vector, type, as: Int64.self)
    case .double:
      return try parse(vector, type) { bytes -> Double? in
        switch NumberParse.double(bytes) {
        case .value(let value): return value
        case .outOfRange: throw floatRange(bytes, type)
        case .invalid: return nil
        }
      }
    case .real:
      return try parse(vector, type) { bytes -> Float? in
        switch NumberParse.real(bytes) {
        case .value(let value): return Float(value)
        case .outOfRange: throw floatRange(bytes, type)
        case .invalid: return nil
        }
      }
    case .boolean: return try parse(vector, type) { bytes -> UInt8? in NumberParse.boolean(bytes).map { bit($0) } }
    case .numeric(let precision, let scale):
      return try parse(vector, type) { bytes -> Numeric? in
        try NumericArithmetic.parse(bytes).map {
          try NumericArithmetic.constrain($0, precision: precision, scale: scale)
        }
      }
    case .uuid: return try parse(vector, type) { NumberParse.uuid($0) }
    case .date, .time, .timestamp, .timestamptz:
      return try TemporalCast.fromText(vector, to: type, now: now, zone: zone)
    case .interval:
      return try parse(vector, type) { bytes -> Interval? in try TemporalFunctions.interval(bytes) }
    case .bytea: return try bytea(vector)
    case .enumeration(let labels):
      let positions = Dictionary(
        labels.labels.map { ($0.text, $0.position) }, uniquingKeysWith: { first, _ in first })
      return try parse(vector, type) { bytes -> Int32? in positions[String(decoding: bytes, as: UTF8.self)] }
    default: throw Cast.noCast(vector.type, type)
    }
  }

  private static func textToText(_ vector: Vector, _ type: LogicalType) throws -> Vector {
    switch (vector.type, type) {
    case (_, .json), (_, .jsonb):
      if vector.type == .jsonb { return vector.retyped(as: type) }
      return try JSONFunctions.cast(vector, to: type)
    case (.char, .text), (.char, .varchar):
      return try TextLength.limited(TextLength.unpadded(vector), to: type, isExplicit: true)
    default: return try TextLength.limited(vector, to: type, isExplicit: true)
    }
  }

  private static func floatRange(_ bytes: UnsafeRawBufferPointer, _ type: LogicalType) -> PulsehouseError {
    let text = String(decoding: bytes, as: UTF8.self)
    return PulsehouseError(.user, "\"\(text)\" is out of range for type \(type.name)", sqlState: "22003")
  }

  @inline(__always) private static func integers<R: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ type: LogicalType, as: R.Type
  ) throws -> Vector {
    try parse(vector, type) { bytes -> R? in
      guard let (value, overflow) = NumberParse.integer(bytes) else { return nil }
      guard !overflow, let result = R(exactly: value) else {
        throw Failure.valueRange(type, String(decoding: bytes, as: UTF8.self))
      }
      return result
    }
  }

  @inline(__always) private static func parse<R: BitwiseCopyable>(
    _ vector: Vector, _ type: LogicalType, _ body: (UnsafeRawBufferPointer) throws -> R?
  ) throws -> Vector {
    try mapUnaryThrowing(vector, type) { (text: StringReference) -> R? in
      try text.withBytes { bytes in
        if let value = try body(bytes) { return value }
        throw Failure.invalidInput(type, String(decoding: bytes, as: UTF8.self))
      }
    }
  }

  private static func bytea(_ vector: Vector) throws -> Vector {
    try mapText(vector, .bytea) { text, out in
      try text.withBytes { bytes in
        if bytes.count >= 2, bytes[0] == 0x5C, bytes[1] == 0x78 {
          var high: UInt8?
          for byte in bytes.dropFirst(2) where !TextCursor.isBlank(byte) {
            guard let nibble = NumberParse.hexValue(byte) else {
              throw Failure.parameter(
                "invalid hexadecimal digit: \"\(String(decoding: CollectionOfOne(byte), as: UTF8.self))\"")
            }
            if let first = high {
              out.append(first << 4 | nibble)
              high = nil
            } else {
              high = nibble
            }
          }
          if high != nil { throw Failure.parameter("invalid hexadecimal data: odd number of digits") }
          return true
        }
        try escaped(bytes, out)
        return true
      }
    }
  }

  /// `\\` is a backslash, `\ooo` an octal byte, everything else itself.
  private static func escaped(_ bytes: UnsafeRawBufferPointer, _ out: TextBuffer) throws {
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      guard byte == 0x5C else {
        out.append(byte)
        index += 1
        continue
      }
      if index + 1 < bytes.count, bytes[index + 1] == 0x5C {
        out.append(0x5C)
        index += 2
        continue
      }
      guard index + 3 < bytes.count else { throw Failure.invalidInput(.bytea, String(decoding: bytes, as: UTF8.self)) }
      let digits = (1...3).map { Int(bytes[index + $0]) - 0x30 }
      guard digits[0] >= 0, digits[0] <= 3, digits[1] >= 0, digits[1] <= 7, digits[2] >= 0, digits[2] <= 7 else {
        throw Failure.invalidInput(.bytea, String(decoding: bytes, as: UTF8.self))
      }
      out.append(UInt8(digits[0] * 64 + digits[1] * 8 + digits[2]))
      index += 4
    }
  }
}

extension LogicalType {
  var isStringLike: Bool { physical == .string }
}

extension Vector {
  /// The one row of a constant vector, flat.
  var firstRow: Vector { Vector(type, count: 1, buffer: buffer, validity: validity, owners: owners) }
}
