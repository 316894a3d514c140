import Bytes
import Vectors

/// Elements of arrays replaced, found and filled.
extension ArrayFunctions {
  /// `array_positions(array, value)`: NULL finds NULLs.
  package static func positions(_ array: Vector, _ value: Vector) throws -> Vector {
    let type = LogicalType.array(.integer)
    if array.isConstantNull { return .nulls(type, count: array.count) }
    let (elements, texts) = (elements(array), texts(value))
    return try mapToText(type, count: array.count, strictIn: [array]) { row, out in
      let wanted = texts(row)
      let places = try elements(row).enumerated().filter { $0.element == wanted }.map {
        Array(String($0.offset + 1).utf8) as [UInt8]?
      }
      ArrayText.write(places, out)
      return true
    }
  }

  /// `array_replace(array, old, new)`.
  package static func replace(_ arguments: [Vector], _ type: LogicalType, count: Int) throws -> Vector {
    if arguments[0].isConstantNull { return .nulls(type, count: count) }
    let elements = elements(arguments[0])
    let (old, new) = (texts(arguments[1]), texts(arguments[2]))
    return try mapToText(type, count: count, strictIn: [arguments[0]]) { row, out in
      let (from, to) = (old(row), new(row))
      ArrayText.write(try elements(row).map { $0 == from ? to : $0 }, out)
      return true
    }
  }

  /// `array_fill(value, ARRAY[size])`.
  package static func fill(_ value: Vector, _ size: Vector, _ type: LogicalType, count: Int) throws -> Vector {
    if size.isConstantNull { return .nulls(type, count: count) }
    let (texts, sizes) = (texts(value), elements(size))
    return try mapToText(type, count: count, strictIn: [size]) { row, out in
      let own = try sizes(row)
      guard own.count <= 1 else {
        throw PulsehouseError(.unsupported, "an array of several dimensions is not supported", sqlState: "0A000")
      }
      guard let first = own.first else {
        ArrayText.write([], out)
        return true
      }
      guard let digits = first, let number = Int(String(decoding: digits, as: UTF8.self)) else {
        throw PulsehouseError(.user, "dimension values cannot be null", sqlState: "22004")
      }
      guard number >= 0, number <= 134_217_727 else {
        throw PulsehouseError(.user, "array size exceeds the maximum allowed (134217727)", sqlState: "54000")
      }
      ArrayText.write([[UInt8]?](repeating: texts(row), count: number), out)
      return true
    }
  }

  /// `trim_array(array, n)`: without the last n.
  package static func trim(_ array: Vector, _ number: Vector, _ type: LogicalType) throws -> Vector {
    if array.isConstantNull || number.isConstantNull { return .nulls(type, count: array.count) }
    let elements = elements(array)
    let numbers = Operand<Int32>(number)
    return try mapToText(type, count: array.count, strictIn: [array, number]) { row, out in
      let all = try elements(row)
      let count = Int(numbers[row])
      guard count >= 0, count <= all.count else {
        throw PulsehouseError(
          .user, "number of elements to trim must be between 0 and \(all.count)", sqlState: "2202E")
      }
      ArrayText.write(Array(all.dropLast(count)), out)
      return true
    }
  }

  /// `width_bucket(value, bounds)`: how many of the ascending bounds are not above the value.
  package static func widthBucket(_ value: Vector, _ bounds: Vector) throws -> Vector {
    guard case .array(let type) = bounds.type else {
      throw PulsehouseError(.internal, "width_bucket of \(bounds.type)")
    }
    if value.isConstantNull || bounds.isConstantNull { return .nulls(.integer, count: value.count) }
    let (rows, texts) = try elements(of: bounds)
    let limits = try Cast.vector(texts, to: type)
    if limits.validity != nil {
      throw PulsehouseError(.user, "thresholds array must not contain NULLs", sqlState: "22004")
    }
    let left = Gather.rows(value, SelectionVector(rows))
    let answers = Compare.vectors(.greaterOrEqual, left, limits.retyped(as: left.type)).flattened()
    let bits = answers.values(as: UInt8.self)
    var counts = [Int32](repeating: 0, count: value.count)
    for (index, row) in rows.enumerated() where answers.isValid(index) && bits[index] != 0 { counts[Int(row)] += 1 }
    var builder = VectorBuilder(.integer, capacity: value.count)
    for row in 0..<value.count {
      if value.isValid(row), bounds.isValid(row) { builder.append(counts[row]) } else { builder.appendNull() }
    }
    return builder.finish()
  }
}
