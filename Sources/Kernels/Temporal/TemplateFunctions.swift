import Bytes
import Vectors

/// `to_char`, `to_date` and `to_timestamp` with a format.
package enum TemplateFunctions {
  /// `to_char(value, format)` of a date, time stamp, interval or number; moments by the clocks of `zone` (nil is UTC).
  package static func format(_ value: Vector, _ format: Vector, zone: ZoneRules? = nil) throws -> Vector {
    let formats = format.spread
    if formats.isConstantNull || value.isConstantNull { return .nulls(.text, count: value.count) }
    if value.type.isNumber { return try NumberTemplate.format(value, formats) }
    let values = value.type == .date ? try Cast.vector(value, to: .timestamp).spread : value.spread
    let texts = Operand<StringReference>(formats)
    var compiled: DateTemplate?
    if formats.form == .constant { compiled = try DateTemplate(texts[0]) }
    let operands = [values, formats]
    switch values.type {
    case .timestamp, .timestamptz:
      let input = Operand<Int64>(values)
      let hasZone = values.type == .timestamptz
      return try textRows(operands, count: value.count) { row, out in
        let timestamp = input[row]
        // Infinities have no fields.
        if timestamp == .max || timestamp == .min { return false }
        let template = try compiled ?? DateTemplate(texts[row])
        let period = hasZone ? zone?.period(atMoment: timestamp) ?? .utc : nil
        let local = hasZone ? zone?.local(timestamp) ?? timestamp : timestamp
        try template.format(TemplateValue(timestamp: local, period: period), into: out)
        return true
      }
    case .interval:
      let input = Operand<Interval>(values)
      return try textRows(operands, count: value.count) { row, out in
        let template = try compiled ?? DateTemplate(texts[row])
        try template.format(TemplateValue(input[row]), into: out)
        return true
      }
    default: throw Failure.noOperator("to_char", [value.type, format.type])
    }
  }

  /// `to_date(text, format)` or `to_timestamp(text, format)`, as `type` says; times are those of `zone` (nil is UTC).
  package static func parse(
    _ text: Vector, _ format: Vector, _ type: LogicalType, zone: ZoneRules? = nil
  ) throws -> Vector {
    let (texts, formats) = (text.spread, format.spread)
    if texts.isConstantNull || formats.isConstantNull { return .nulls(type, count: text.count) }
    let formatsAt = Operand<StringReference>(formats)
    var compiled: DateTemplate?
    if formats.form == .constant { compiled = try DateTemplate(formatsAt[0]) }
    func timestamp(_ text: StringReference, _ format: StringReference) throws -> (local: Int64, offset: Int?) {
      let template = try compiled ?? DateTemplate(format)
      return try text.withBytes { try TemplateReading.read($0, template) }
    }
    if type == .date {
      return try mapBinaryThrowing(texts, formats, type) { (text: StringReference, format: StringReference) -> Int32? in
        Int32(truncatingIfNeeded: Calendar.split(try timestamp(text, format).local).days)
      }
    }
    return try mapBinaryThrowing(texts, formats, type) { (text: StringReference, format: StringReference) -> Int64? in
      let (local, offset) = try timestamp(text, format)
      if let offset {
        let moment = local - Int64(offset) * 1_000_000
        guard moment >= Calendar.minimumTimestamp else { throw Failure.timestampRange }
        return moment
      }
      guard let zone else { return local }
      guard let moment = zone.moment(local) else { throw Failure.timestampRange }
      return moment
    }
  }
}
