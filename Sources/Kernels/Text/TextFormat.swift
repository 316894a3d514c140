import Bytes
import Vectors

/// Values as text, exactly as PostgreSQL's output functions print them: what the shell shows and CSV holds.
package enum TextFormat {
  /// Appends the value of one row; NULL appends nothing (the caller decides how NULL looks). Booleans are `t` and `f`.
  package static func append(_ vector: Vector, row: Int, into output: inout [UInt8]) {
    let buffer = TextBuffer(capacity: 128)
    append(vector, row: row, into: buffer)
    output.append(contentsOf: buffer.bytes)
  }

  /// Appends the value of one row; NULL appends nothing. For many rows prepare a `TextColumn` instead.
  package static func append(_ vector: Vector, row: Int, into output: TextBuffer) {
    TextColumn(vector).append(row, into: output)
  }

  /// Returns a boxed value of `type` as text; nil for NULL.
  package static func string(_ scalar: Scalar, _ type: LogicalType) -> String? {
    if scalar.isNull { return nil }
    var bytes: [UInt8] = []
    append(.of(type, [scalar]), row: 0, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// One vector made ready to have its rows printed.
package struct TextColumn {
  private let vector: Vector
  private let base: UnsafeRawPointer
  private let codes: UnsafePointer<UInt32>?
  private let stride: Int
  private let step: Int
  private let enumeration: EnumerationType?

  package init(_ vector: Vector) {
    self.vector = vector
    enumeration = if case .enumeration(let type) = vector.type { type } else { nil }
    stride = vector.type.physical.stride
    step = vector.form == .flat ? stride : 0
    codes = vector.form == .dictionary ? vector.codes : nil
    base = UnsafeRawPointer((vector.dictionary ?? vector).buffer.base)
  }

  package func isNull(_ row: Int) -> Bool { !vector.isValid(row) }

  /// Appends the text of a row; NULL appends nothing.
  package func append(_ row: Int, into output: TextBuffer) {
    guard vector.isValid(row) else { return }
    let place = base + (codes.map { Int($0[row]) * stride } ?? row * step)
    switch vector.type.physical {
    case .boolean: output.append(place.load(as: UInt8.self) != 0 ? 0x74 : 0x66)
    case .int16: output.append(integer: Int64(place.load(as: Int16.self)))
    case .int32:
      let value = place.load(as: Int32.self)
      if let enumeration {
        // A position without a label is of a later state of the type.
        output.append(string: enumeration.label(at: value) ?? String(value))
      } else if vector.type == .date {
        output.advance(by: TemporalText.write(date: value, to: output.reserve(TemporalText.maximumLength)))
      } else {
        output.append(integer: Int64(value))
      }
    case .int64:
      let value = place.load(as: Int64.self)
      switch vector.type {
      case .timestamp, .timestamptz:
        let target = output.reserve(TemporalText.maximumLength)
        output.advance(
          by: TemporalText.write(timestamp: value, offset: vector.type == .timestamptz ? 0 : nil, to: target))
      case .time: output.advance(by: TemporalText.write(time: value, to: output.reserve(TemporalText.maximumLength)))
      default: output.append(integer: value)
      }
    case .float32:
      let target = output.reserve(FloatText.maximumLength)
      output.advance(by: FloatText.write(place.load(as: Float.self), to: target))
    case .float64:
      let target = output.reserve(FloatText.maximumLength)
      output.advance(by: FloatText.write(place.load(as: Double.self), to: target))
    case .string:
      let reference = place.load(as: StringReference.self)
      if vector.type == .bytea {
        reference.withBytes { TextColumn.appendHex($0, into: output) }
      } else {
        reference.withBytes { output.append($0) }
      }
    case .numeric: TextColumn.append(place.load(as: Numeric.self), into: output)
    case .interval:
      let target = output.reserve(TemporalText.maximumLength)
      output.advance(by: TemporalText.write(place.load(as: Interval.self), to: target))
    case .uuid: TextColumn.append(place.load(as: UUIDValue.self), into: output)
    }
  }

  static func append(_ value: Numeric, into output: TextBuffer) {
    guard value.special == 0, let small = UInt64(exactly: value.mantissa.magnitude), value.scale <= 19 else {
      output.append(string: value.description)
      return
    }
    if value.mantissa < 0 { output.append(0x2D) }
    if value.scale <= 0 {
      output.advance(by: DecimalText.write(small, to: output.reserve(20)))
      return
    }
    let (whole, fraction) = small.quotientAndRemainder(dividingBy: PowerOfTen.uint64(value.scale))
    output.advance(by: DecimalText.write(whole, to: output.reserve(20)))
    output.append(0x2E)
    let digits = Int(value.scale)
    DecimalText.writeDigits(fraction, digits, output.reserve(digits))
    output.advance(by: digits)
  }

  static func append(_ value: UUIDValue, into output: TextBuffer) {
    let target = output.reserve(36)
    var place = 0
    for index in 0..<32 {
      if index == 8 || index == 12 || index == 16 || index == 20 {
        target[place] = 0x2D
        place += 1
      }
      let word = index < 16 ? value.high : value.low
      target[place] = hexDigit(UInt8(truncatingIfNeeded: word >> UInt64(60 - (index & 15) * 4)) & 15)
      place += 1
    }
    output.advance(by: 36)
  }

  private static func appendHex(_ bytes: UnsafeRawBufferPointer, into output: TextBuffer) {
    let target = output.reserve(2 + bytes.count * 2)
    target[0] = 0x5C
    target[1] = 0x78
    for (index, byte) in bytes.enumerated() {
      target[2 + index * 2] = hexDigit(byte >> 4)
      target[3 + index * 2] = hexDigit(byte & 15)
    }
    output.advance(by: 2 + bytes.count * 2)
  }

  @inline(__always) static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x57 + nibble }
}
