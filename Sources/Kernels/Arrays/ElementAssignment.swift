import Bytes
import Vectors

/// `SET a[i] = v` and `SET a[l:u] = v`: arrays with other elements at some places.
extension ArrayFunctions {
  /// Longer ones would be mostly NULLs that nobody asked for.
  private static let maximumLength = 1 << 24

  private static func refuse(_ message: String, _ state: String, detail: String? = nil) -> PulsehouseError {
    PulsehouseError(.user, message, sqlState: state, detail: detail)
  }

  private static var nullSubscript: PulsehouseError {
    refuse("array subscript in assignment must not be null", "22004")
  }

  /// Refuses places that the array cannot have here: those before 1, and a first element that is not at 1.
  private static func require(_ lower: Int, _ upper: Int, in elements: [[UInt8]?]) throws {
    if lower < 1 || (elements.isEmpty && lower != 1) {
      throw PulsehouseError(.unsupported, "an array that does not begin at 1 is not supported", sqlState: "0A000")
    }
    if upper > maximumLength {
      throw refuse("array size exceeds the maximum allowed (\(maximumLength))", "54000")
    }
  }

  /// `(array, index, value)`: the array with the value at a place; NULLs fill what lies between its end and there. A NULL
  /// array is an empty one, a NULL value a NULL element.
  ///
  /// - Throws: 22004 for a NULL index, 54000, 0A000.
  package static func assignElement(_ arguments: [Vector], _ type: LogicalType, count: Int) throws -> Vector {
    let elements = elements(arguments[0])
    let indices = Operand<Int32>(arguments[1])
    let values = texts(arguments[2])
    return try mapToText(type, count: count, strictIn: []) { row, out in
      guard arguments[1].isValid(row) else { throw nullSubscript }
      var array = arguments[0].isValid(row) ? try elements(row) : []
      let index = Int(indices[row])
      try require(index, index, in: array)
      while array.count < index { array.append(nil) }
      array[index - 1] = values(row)
      ArrayText.write(array, out)
      return true
    }
  }

  /// `(array, hasLower, lower, hasUpper, upper, source)`: the array with the first elements of the source at the places
  /// from `lower` to `upper`, which are its own bounds where they are not had. A NULL source changes nothing.
  ///
  /// - Throws: 22004 for a NULL bound, 2202E where the source is too short, 54000, 0A000.
  package static func assignSlice(_ arguments: [Vector], _ type: LogicalType, count: Int) throws -> Vector {
    let (elements, sources) = (elements(arguments[0]), elements(arguments[5]))
    let given = [1, 3].map { Operand<UInt8>(arguments[$0]) }
    let bounds = [2, 4].map { Operand<Int32>(arguments[$0]) }
    return try mapToText(type, count: count, strictIn: []) { row, out in
      let has = given.map { $0[row] != 0 }
      for side in 0..<2 where has[side] && !arguments[2 * side + 2].isValid(row) { throw nullSubscript }
      let isNull = !arguments[0].isValid(row)
      var array = isNull ? [] : try elements(row)
      guard arguments[5].isValid(row) else {
        ArrayText.write(array, out)
        return !isNull
      }
      if array.isEmpty, !has[0] || !has[1] {
        throw refuse(
          "array slice subscript must provide both boundaries", "2202E",
          detail: "When assigning to a slice of an empty array value, slice boundaries must be fully specified.")
      }
      let lower = has[0] ? Int(bounds[0][row]) : 1
      let upper = has[1] ? Int(bounds[1][row]) : array.count
      if upper < lower { throw refuse("upper bound cannot be less than lower bound", "2202E") }
      let source = try sources(row)
      guard source.count >= upper - lower + 1 else { throw refuse("source array too small", "2202E") }
      try require(lower, upper, in: array)
      while array.count < upper { array.append(nil) }
      for (offset, place) in ((lower - 1)..<upper).enumerated() { array[place] = source[offset] }
      ArrayText.write(array, out)
      return true
    }
  }
}
