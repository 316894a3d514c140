import Bytes
import Vectors

/// Reads columns of dates and timestamps in the plain form that this and most programs write; whatever else there is,
/// or is no such day, is left to the general cast, which decides.
package enum PlainTemporal {
  /// Returns `texts`, flat text, as `type` (date or timestamp); nil when a value is not of the plain form
  /// `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS[.ffffff]`.
  package static func vector(_ texts: Vector, to type: LogicalType) -> Vector? {
    guard texts.form == .flat, texts.type.physical == .string else { return nil }
    switch type {
    case .date: return dates(texts)
    case .timestamp: return timestamps(texts)
    default: return nil
    }
  }

  private static func dates(_ texts: Vector) -> Vector? {
    let count = texts.count
    let output = AlignedBuffer(byteCount: count * 4)
    let target = output.values(as: Int32.self)
    let values = texts.values(as: StringReference.self)
    let validity = texts.validity
    var row = 0
    while row < count {
      if let validity, !validity.isValid(row) {
        target[row] = 0
      } else {
        guard values[row].count == 10, let day = day(bytes(values + row)) else { return nil }
        target[row] = Int32(truncatingIfNeeded: day)
      }
      row &+= 1
    }
    return Vector(.date, count: count, buffer: output, validity: validity)
  }

  private static func timestamps(_ texts: Vector) -> Vector? {
    let count = texts.count
    let output = AlignedBuffer(byteCount: count * 8)
    let target = output.values(as: Int64.self)
    let values = texts.values(as: StringReference.self)
    let validity = texts.validity
    var row = 0
    while row < count {
      if let validity, !validity.isValid(row) {
        target[row] = 0
      } else {
        let start = bytes(values + row)
        let length = values[row].count
        guard length >= 19, length <= 26, length != 20, let day = day(start), let time = time(start, length) else {
          return nil
        }
        target[row] = day &* Calendar.microsecondsPerDay &+ time
      }
      row &+= 1
    }
    return Vector(.timestamp, count: count, buffer: output, validity: validity)
  }

  @inline(__always) private static func bytes(_ value: UnsafePointer<StringReference>) -> UnsafePointer<UInt8> {
    let place =
      value.pointee.isInline
      ? UnsafeRawPointer(value) + 4 : UnsafeRawPointer(bitPattern: UInt(value.pointee.tail)) ?? UnsafeRawPointer(value)
    return place.assumingMemoryBound(to: UInt8.self)
  }

  /// The number of two digits; 100 or more when they are none.
  @inline(__always) private static func pair(_ p: UnsafePointer<UInt8>) -> UInt32 {
    let tens = UInt32(p[0]) &- 0x30
    let ones = UInt32(p[1]) &- 0x30
    return tens > 9 || ones > 9 ? 1000 : tens &* 10 &+ ones
  }

  @inline(__always) private static func day(_ p: UnsafePointer<UInt8>) -> Int64? {
    let century = pair(p)
    let year = pair(p + 2)
    let month = pair(p + 5)
    let day = pair(p + 8)
    let fullYear = Int(century &* 100 &+ year)
    guard century < 100, year < 100, fullYear > 0, p[4] == 0x2D, p[7] == 0x2D, month >= 1, month <= 12, day >= 1,
      day <= 28 || Int(day) <= Calendar.lastDay(year: fullYear, month: Int(month))
    else { return nil }
    return Calendar.days(year: fullYear, month: Int(month), day: Int(day))
  }

  @inline(__always) private static func time(_ p: UnsafePointer<UInt8>, _ length: Int) -> Int64? {
    let hour = pair(p + 11)
    let minute = pair(p + 14)
    let second = pair(p + 17)
    guard p[10] == 0x20, p[13] == 0x3A, p[16] == 0x3A, hour < 24, minute < 60, second < 60 else { return nil }
    var micros: Int64 = 0
    if length > 19 {
      guard p[19] == 0x2E else { return nil }
      for place in 20..<26 {
        let digit = place < length ? Int64(p[place]) &- 0x30 : 0
        guard digit >= 0, digit <= 9 else { return nil }
        micros = micros &* 10 &+ digit
      }
    }
    return Int64(hour &* 3600 &+ minute &* 60 &+ second) &* 1_000_000 &+ micros
  }
}
