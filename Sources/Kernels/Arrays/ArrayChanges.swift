import Bytes
import Vectors

/// Which elements of each array equal the value beside it, as `=` has it; NULL equals NULL.
struct ElementMatches {
  private let flags: [Bool]
  /// Where the flags of each row begin, and where the last one's end.
  private var starts: [Int] = [0]

  init(_ arrays: Vector, _ values: Vector, now: Int64) throws {
    guard case .array(let type) = arrays.type else {
      throw PulsehouseError(.internal, "\(arrays.type) is no array to look into")
    }
    let (rows, texts) = try ArrayFunctions.elements(of: arrays)
    var elements = try Cast.vector(texts, to: type, now: now)
    var wanted = Gather.rows(values, SelectionVector(rows))
    if type == .jsonb {
      (elements, wanted) = (try JSONFunctions.order(elements), try JSONFunctions.order(wanted))
    }
    let different = Compare.distinct(elements, wanted.retyped(as: elements.type)).flattened()
    let bits = different.values(as: UInt8.self)
    flags = rows.indices.map { bits[$0] == 0 }
    withExtendedLifetime(different) {}
    starts.reserveCapacity(arrays.count + 1)
    var next = 0
    for row in 0..<arrays.count {
      while next < rows.count, Int(rows[next]) == row { next += 1 }
      starts.append(next)
    }
  }

  /// A flag for each element of a row's array; none for NULL.
  subscript(row: Int) -> ArraySlice<Bool> { flags[starts[row]..<starts[row + 1]] }
}

/// Elements of arrays found, removed, replaced and filled.
extension ArrayFunctions {
  /// `array_position(array, value[, start])`, from 1; NULL finds NULLs.
  package static func position(_ arguments: [Vector], count: Int, now: Int64) throws -> Vector {
    let array = arguments[0]
    if array.isConstantNull { return .nulls(.integer, count: count) }
    let matches = try ElementMatches(array, arguments[1], now: now)
    let starts = arguments.count > 2 ? arguments[2].spread : nil
    let startsAt = starts.map { Operand<Int32>($0) }
    var builder = VectorBuilder(.integer, capacity: count)
    for row in 0..<count {
      let own = matches[row]
      if let starts, !own.isEmpty, !starts.isValid(row) {
        throw PulsehouseError(.user, "initial position must not be null", sqlState: "22004")
      }
      let skipped = own.isEmpty ? 0 : max(Int(startsAt?[row] ?? 1), 1) - 1
      if let found = own.dropFirst(skipped).firstIndex(of: true) {
        builder.append(Int32(clamping: found - own.startIndex + 1))
      } else {
        builder.appendNull()
      }
    }
    return builder.finish()
  }

  /// `array_positions(array, value)`: NULL finds NULLs.
  package static func positions(_ array: Vector, _ value: Vector, now: Int64) throws -> Vector {
    let type = LogicalType.array(.integer)
    if array.isConstantNull { return .nulls(type, count: array.count) }
    let matches = try ElementMatches(array, value, now: now)
    return mapToText(type, count: array.count, strictIn: [array]) { row, out in
      let places = matches[row].enumerated().filter(\.element).map { Array(String($0.offset + 1).utf8) as [UInt8]? }
      ArrayText.write(places, out)
      return true
    }
  }

  /// `array_remove(array, value)`.
  package static func remove(_ array: Vector, _ value: Vector, _ type: LogicalType, now: Int64) throws -> Vector {
    if array.isConstantNull { return .nulls(type, count: array.count) }
    let (elements, matches) = (elements(array), try ElementMatches(array, value, now: now))
    return try mapToText(type, count: array.count, strictIn: [array]) { row, out in
      ArrayText.write(zip(try elements(row), matches[row]).filter { !$0.1 }.map(\.0), out)
      return true
    }
  }

  /// `array_replace(array, old, new)`.
  package static func replace(_ arguments: [Vector], _ type: LogicalType, count: Int, now: Int64) throws -> Vector {
    if arguments[0].isConstantNull { return .nulls(type, count: count) }
    let elements = elements(arguments[0])
    let matches = try ElementMatches(arguments[0], arguments[1], now: now)
    let new = texts(arguments[2])
    return try mapToText(type, count: count, strictIn: [arguments[0]]) { row, out in
      let to = new(row)
      ArrayText.write(zip(try elements(row), matches[row]).map { $0.1 ? to : $0.0 }, out)
      return true
    }
  }

  /// The arrays with elements that are equal bytes where they are equal values, for comparing only.
  static func comparable(_ arrays: Vector, now: Int64) throws -> Vector {
    guard case .array(let type) = arrays.type else {
      throw PulsehouseError(.internal, "\(arrays.type) is no array to be compared")
    }
    switch type {
    case .numeric, .real, .double, .interval, .jsonb, .char: break
    default: return arrays
    }
    let (rows, texts) = try elements(of: arrays)
    let values = try Cast.vector(texts, to: type, now: now).flattened()
    return ArrayFunctions.collect(try canonical(values), arrays.type, like: arrays, rows)
  }

  /// Text that is the same for equal values; nil for NULL.
  private static func canonical(_ values: Vector) throws -> (Int) -> [UInt8]? {
    func text(_ valid: @escaping (Int) -> [UInt8]) -> (Int) -> [UInt8]? {
      { row in values.isValid(row) ? valid(row) : nil }
    }
    switch values.type {
    case .numeric:
      let numbers = Operand<Numeric>(values)
      return text { Array(numbers[$0].reduced.description.utf8) }
    case .double:
      let numbers = Operand<Double>(values)
      return text { Array("\(numbers[$0] == 0 ? 0 : numbers[$0])".utf8) }
    case .real:
      let numbers = Operand<Float>(values)
      return text { Array("\(numbers[$0] == 0 ? 0 : numbers[$0])".utf8) }
    case .interval:
      let spans = Operand<Interval>(values)
      return text { Array("\(spans[$0].span)".utf8) }
    case .jsonb: return texts(try JSONFunctions.order(values))
    default: return texts(TextLength.unpadded(values))
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
