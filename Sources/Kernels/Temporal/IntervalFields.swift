import Bytes
import Vectors

/// The fields of a type such as `interval day to minute`, in PostgreSQL's mask: a bit for each field.
package struct IntervalFields: Equatable, Sendable {
  package let mask: Int64

  package init(mask: Int64) { self.mask = mask }

  static let all = IntervalFields(mask: 0x7FFF)
  static let minuteToSecond = IntervalFields(mask: 1 << 11 | 1 << 12)

  /// The least field, which is the unit of a number that has none.
  var lastUnit: IntervalParser.Unit {
    let units: [(bit: Int64, unit: IntervalParser.Unit)] = [
      (12, .second), (11, .minute), (10, .hour), (3, .day), (1, .month), (2, .year),
    ]
    return units.first { mask & (1 << $0.bit) != 0 }?.unit ?? .second
  }
}

extension TemporalFunctions {
  /// Reads intervals of a type with fields; what is less than the last field is not cut off yet.
  package static func readInterval(_ text: Vector, fields: IntervalFields) throws -> Vector {
    try mapUnaryThrowing(text, .interval) { (text: StringReference) -> Interval? in
      try text.withBytes { try interval($0, fields) }
    }
  }

  /// Reads an interval, with PostgreSQL's errors.
  static func interval(_ bytes: UnsafeRawBufferPointer, _ fields: IntervalFields = .all) throws -> Interval {
    do throws(IntervalParser.Failure) {
      return try IntervalParser.parse(bytes, fields: fields)
    } catch {
      let text = String(decoding: bytes, as: UTF8.self)
      switch error {
      case .syntax: throw Failure.invalidDateTime(.interval, text)
      case .range:
        throw PulsehouseError(.user, "interval field value out of range: \"\(text)\"", sqlState: "22015")
      case .total: throw Failure.intervalRange
      }
    }
  }
}
