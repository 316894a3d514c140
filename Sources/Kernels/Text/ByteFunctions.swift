import Bytes
import Vectors

/// Single bytes and bits of bytea, and text of a named encoding.
package enum ByteFunctions {
  /// `get_byte` and, with `isBit`, `get_bit`: the lowest bit of a byte is its first.
  package static func get(_ value: Vector, _ position: Vector, isBit: Bool) throws -> Vector {
    let places = try Cast.vector(position, to: .bigint).spread
    let values = value.spread
    if values.isConstantNull || places.isConstantNull { return .nulls(.integer, count: value.count) }
    return try mapBinaryThrowing(values, places, .integer) { (bytes: StringReference, place: Int64) -> Int32? in
      try bytes.withBytes { bytes in
        try check(place, bytes.count, isBit: isBit)
        guard isBit else { return Int32(bytes[Int(place)]) }
        return Int32(bytes[Int(place / 8)] >> UInt8(place % 8) & 1)
      }
    }
  }

  private static func check(_ place: Int64, _ count: Int, isBit: Bool) throws {
    let limit = isBit ? count * 8 : count
    guard place >= 0, place < limit else {
      throw PulsehouseError(.user, "index \(place) out of valid range, 0..\(limit - 1)", sqlState: "2202E")
    }
  }

  /// `set_byte` and `set_bit`.
  package static func set(_ arguments: [Vector], count: Int, isBit: Bool) throws -> Vector {
    let values = arguments[0].spread
    let places = try Cast.vector(arguments[1], to: .bigint).spread
    let parts = try Cast.vector(arguments[2], to: .integer).spread
    let (bytesAt, placesAt, partsAt) = (
      Operand<StringReference>(values), Operand<Int64>(places), Operand<Int32>(parts)
    )
    return try textRows([values, places, parts], count: count, .bytea) { row, out in
      let (place, part) = (placesAt[row], partsAt[row])
      try bytesAt[row].withBytes { bytes in
        try check(place, bytes.count, isBit: isBit)
        if isBit, part != 0, part != 1 { throw Failure.parameter("new bit must be 0 or 1") }
        let index = Int(isBit ? place / 8 : place)
        for (position, byte) in bytes.enumerated() {
          guard position == index else {
            out.append(byte)
            continue
          }
          let mask = UInt8(1) << UInt8(place % 8)
          out.append(isBit ? (part == 1 ? byte | mask : byte & ~mask) : UInt8(truncatingIfNeeded: part))
        }
      }
      return true
    }
  }

  /// `substring(bytea, start[, count])`, counted in bytes from 1.
  package static func substring(_ arguments: [Vector], count: Int) throws -> Vector {
    let values = arguments[0].spread
    let numbers = try arguments.dropFirst().map { try Cast.vector($0, to: .bigint).spread }
    let bytesAt = Operand<StringReference>(values)
    let numbersAt = numbers.map { Operand<Int64>($0) }
    return try textRows([values] + numbers, count: count, .bytea) { row, out in
      let start = numbersAt[0][row]
      let length = numbersAt.count > 1 ? numbersAt[1][row] : Int64(Int32.max)
      guard length >= 0 else {
        throw PulsehouseError(.user, "negative substring length not allowed", sqlState: "22011")
      }
      bytesAt[row].withBytes { bytes in
        let end = min(Int64(bytes.count), start + length - 1)
        let first = max(1, start)
        if first <= end { out.append(UnsafeRawBufferPointer(rebasing: bytes[Int(first - 1)..<Int(end)])) }
      }
      return true
    }
  }

  package static func bitCount(_ value: Vector) -> Vector {
    mapUnary(value.spread, .bigint) { (bytes: StringReference) -> Int64 in
      bytes.withBytes { $0.reduce(0) { $0 + Int64($1.nonzeroBitCount) } }
    }
  }

  /// `convert_from(bytea, encoding)` and `convert_to(text, encoding)` of UTF-8, which is what text is.
  package static func convert(_ value: Vector, _ encoding: Vector, to type: LogicalType) throws -> Vector {
    let values = value.spread
    let names = encoding.spread
    let (input, namesAt) = (Operand<StringReference>(values), Operand<StringReference>(names))
    return try textRows([values, names], count: value.count, type) { row, out in
      let name = namesAt[row].string.uppercased().filter { $0.isLetter || $0.isNumber }
      guard name == "UTF8" || name == "UNICODE" || name == "SQLASCII" else {
        throw PulsehouseError(
          .unsupported, "the encoding \"\(namesAt[row].string)\": text is UTF-8 here", sqlState: "0A000")
      }
      try input[row].withBytes { bytes in
        if type == .text, String(validating: bytes, as: UTF8.self) == nil || bytes.contains(0) {
          throw PulsehouseError(.user, "invalid byte sequence for encoding \"UTF8\"", sqlState: "22021")
        }
        out.append(bytes)
      }
      return true
    }
  }
}
