import Bytes
import CKernels
import Kernels
import Vectors

/// Casts columns of plain numbers, dates and timestamps fast; whatever is unusual is left to the general cast, which decides.
enum CSVFastCast {
  /// Returns `texts`, flat text as `CSVReader` makes it, as `type`; nil when it cannot tell.
  static func vector(_ texts: Vector, to type: LogicalType) -> Vector? {
    switch type {
    case .smallint: integers(texts, as: Int16.self, type)
    case .integer: integers(texts, as: Int32.self, type)
    case .bigint: integers(texts, as: Int64.self, type)
    case .double: doubles(texts)
    case .date, .timestamp: PlainTemporal.vector(texts, to: type)
    default: nil
    }
  }

  /// The bytes of a value: in place behind the length, or where the reference points. At least 8 bytes after them are
  /// readable: the next value or the buffer's padding, the rest of the block.
  @inline(__always)
  private static func bytes(_ value: UnsafePointer<StringReference>) -> UnsafeRawPointer {
    value.pointee.isInline
      ? UnsafeRawPointer(value) + 4
      : UnsafeRawPointer(bitPattern: UInt(value.pointee.tail)) ?? UnsafeRawPointer(value)
  }

  private static func integers<Value: FixedWidthInteger & BitwiseCopyable>(
    _ texts: Vector, as _: Value.Type, _ type: LogicalType
  ) -> Vector? {
    let count = texts.count
    let output = AlignedBuffer(byteCount: count * MemoryLayout<Value>.stride)
    let target = output.values(as: Value.self)
    let values = texts.values(as: StringReference.self)
    let hasNulls = texts.validity != nil
    var row = 0
    while row < count {
      if hasNulls, !texts.isValid(row) {
        target[row] = 0
        row &+= 1
        continue
      }
      var p = bytes(values + row)
      var length = values[row].count
      let isNegative = p.load(as: UInt8.self) == UInt8(ascii: "-")
      if isNegative {
        p += 1
        length &-= 1
      }
      var mantissa: UInt64 = 0
      let digits = ph_read_digits(p, &mantissa)
      guard digits == length, digits >= 1, digits <= 18 else { return nil }
      let number = Int64(truncatingIfNeeded: mantissa)
      guard let value = Value(exactly: isNegative ? 0 &- number : number) else { return nil }
      target[row] = value
      row &+= 1
    }
    return Vector(type, count: count, buffer: output, validity: texts.validity)
  }

  private static func doubles(_ texts: Vector) -> Vector? {
    let count = texts.count
    let output = AlignedBuffer(byteCount: count * 8)
    let target = output.values(as: Double.self)
    let values = texts.values(as: StringReference.self)
    let hasNulls = texts.validity != nil
    var row = 0
    while row < count {
      if hasNulls, !texts.isValid(row) {
        target[row] = 0
        row &+= 1
        continue
      }
      let start = bytes(values + row)
      let end = start + values[row].count
      var p = start
      let isNegative = p.load(as: UInt8.self) == UInt8(ascii: "-")
      p += isNegative ? 1 : 0
      var mantissa: UInt64 = 0
      var digits = ph_read_digits(p, &mantissa)
      p += digits
      var fraction = 0
      if p < end, p.load(as: UInt8.self) == UInt8(ascii: ".") {
        p += 1
        fraction = ph_read_digits(p, &mantissa)
        p += fraction
        digits &+= fraction
      }
      var value = 0.0
      guard p == end, digits >= 1, digits <= 19,
        ph_decimal_to_double(mantissa, Int32(truncatingIfNeeded: 0 &- fraction), &value) != 0
      else { return nil }
      target[row] = isNegative ? -value : value
      row &+= 1
    }
    return Vector(.double, count: count, buffer: output, validity: texts.validity)
  }
}
