import Bytes
import Testing
import Vectors

@testable import Kernels

@Suite struct ArrayTests {
  static let integers = LogicalType.array(.integer)
  static let numerics = LogicalType.array(.numeric(precision: nil, scale: nil))

  static func texts(_ vector: Vector) -> [String] {
    (0..<vector.count).map { TextFormat.string(vector.scalar(at: $0), vector.type) ?? "NULL" }
  }

  @Test func aConstantArrayMeetsEachRowsValue() throws {
    let array = Vector.constant(Self.integers, .text("{1,2,3,2,NULL}"), count: 4)
    let values = Vector.of(.integer, [.integer(2), .integer(9), .null, .integer(1)])
    #expect(Self.texts(try ArrayFunctions.position([array, values], count: 4, now: 0)) == ["2", "NULL", "5", "1"])
    #expect(Self.texts(try ArrayFunctions.positions(array, values, now: 0)) == ["{2,4}", "{}", "{5}", "{1}"])
    #expect(
      Self.texts(try ArrayFunctions.remove(array, values, Self.integers, now: 0))
        == ["{1,3,NULL}", "{1,2,3,2,NULL}", "{1,2,3,2}", "{2,3,2,NULL}"])
    let new = Vector.constant(.integer, .integer(7), count: 4)
    #expect(
      Self.texts(try ArrayFunctions.replace([array, values, new], Self.integers, count: 4, now: 0))
        == ["{1,7,3,7,NULL}", "{1,2,3,2,NULL}", "{1,2,3,2,7}", "{7,2,3,2,NULL}"])
  }

  @Test func elementsAreFoundByValue() throws {
    let array = Vector.of(Self.numerics, [.text("{1.00,2}"), .text("{}"), .null, .text("{2.50,1}")])
    let one = Vector.constant(
      .numeric(precision: nil, scale: nil), .numeric(Numeric(mantissa: 10, scale: 1)), count: 4)
    #expect(Self.texts(try ArrayFunctions.position([array, one], count: 4, now: 0)) == ["1", "NULL", "NULL", "2"])
    let other = Vector.constant(Self.numerics, .text("{1.0,2.0,2.5}"), count: 4)
    #expect(Self.texts(try ArrayFunctions.contains(other, array, now: 0)) == ["t", "t", "NULL", "t"])
    #expect(Self.texts(try ArrayFunctions.overlaps(other, array, now: 0)) == ["t", "f", "NULL", "t"])
  }

  @Test func theSearchBeginsWhereItIsTold() throws {
    let array = Vector.constant(Self.integers, .text("{2,1,2}"), count: 3)
    let value = Vector.constant(.integer, .integer(2), count: 3)
    let starts = Vector.of(.integer, [.integer(2), .integer(-5), .integer(4)])
    #expect(
      Self.texts(try ArrayFunctions.position([array, value, starts], count: 3, now: 0)) == ["3", "1", "NULL"])
    let unknown = Vector.constant(.integer, .null, count: 3)
    #expect(throws: PulsehouseError.self) {
      try ArrayFunctions.position([array, value, unknown], count: 3, now: 0)
    }
  }

  @Test(arguments: [
    ("~~", true, ["t", "NULL", "NULL", "f"]), ("~~", false, ["f", "f", "NULL", "t"]),
    ("!~~", true, ["t", "t", "NULL", "f"]), ("~*", true, ["f", "NULL", "NULL", "f"]),
  ])
  func patternsOfAnArray(_ symbol: String, _ isAny: Bool, _ answers: [String]) throws {
    let value = Vector.of(.text, [.text("one"), .text("two"), .null, .text("three")])
    let array = Vector.of(
      .array(.text), [.text("{o%,x}"), .text("{o%,NULL}"), .text("{a}"), .text("{}")])
    #expect(Self.texts(try ArrayFunctions.quantified(value, array, symbol, isAny: isAny, now: 0)) == answers)
  }

  @Test func subscriptsOfTheFirstDimensionOnly() throws {
    let array = Vector.of(Self.integers, [.text("{7,8}"), .text("{}"), .null, .text("{9}")])
    let one = Vector.constant(.integer, .integer(1), count: 4)
    let back = Vector.of(.boolean, [.boolean(true), .boolean(true), .boolean(true), .null])
    let found = try ArrayFunctions.subscripts([array, one], count: 4)
    #expect(found.rows == [0, 0, 3])
    #expect(Self.texts(found.values) == ["1", "2", "1"])
    let reversed = try ArrayFunctions.subscripts([array, one, back], count: 4)
    #expect(Self.texts(reversed.values) == ["2", "1"])
    let two = Vector.constant(.integer, .integer(2), count: 4)
    #expect(try ArrayFunctions.subscripts([array, two], count: 4).rows.isEmpty)
  }
}
