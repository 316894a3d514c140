import Bytes
import Kernels
import Testing
import Vectors

/// Kernels over runs of equal neighbours.
@Suite struct RunTests {
  private static func integers(_ type: LogicalType, _ values: [Int64?]) -> Vector {
    .of(type, values.map { $0.map { .integer($0) } ?? .null })
  }

  private static func scalars(_ vector: Vector) -> [Scalar] { (0..<vector.count).map { vector.scalar(at: $0) } }

  @Test(arguments: [0, 1, 2, 63, 64, 65, 129, 2048]) func neighboursAreOfTheSameRun(count: Int) {
    let values: [Int64?] = (0..<count).map { row in row % 5 == 3 ? nil : Int64(row) }
    let starts: [UInt8] = (0..<count).map { row in row % 7 == 2 || row % 64 == 0 ? 1 : 0 }
    let flat = Self.integers(.integer, values)
    let codes: [Int64?] = (0..<count).map { row in Int64(row % 3) }
    let text = Vector.of(.text, (0..<count).map { .text("a text of many bytes \($0)") })
    let one = Vector.constant(.bigint, .integer(4), count: count)
    let none = Vector.constant(.bigint, .null, count: count)
    for vector in [flat, Self.integers(.smallint, codes), text, one, none] {
      starts.withUnsafeBufferPointer { flags in
        let before = RunNeighbours.before(vector, starts: flags)
        let after = RunNeighbours.after(vector, starts: flags)
        for row in 0..<count {
          #expect(before.scalar(at: row) == (starts[row] == 1 ? .null : vector.scalar(at: row - 1)))
          let isLast = row + 1 == count || starts[row + 1] == 1
          #expect(after.scalar(at: row) == (isLast ? .null : vector.scalar(at: row + 1)))
        }
      }
    }
  }

  @Test(arguments: [1, 2, 64, 500]) func groupsAreThoseOfEqualKeys(count: Int) {
    let numbers: [Int64?] = (0..<count).map { row in
      let number = row / 9 % 4
      return number == 1 ? nil : Int64(number)
    }
    let texts: [Scalar] = (0..<count).map { row in
      let number = row / 20 % 3
      return number == 2 ? .null : .text("\(number)")
    }
    let zeros: [Scalar] = (0..<count).map { row in .double(row / 5 % 2 == 0 ? 0 : -0.0) }
    let keys = [Self.integers(.bigint, numbers), Vector.of(.text, texts), Vector.of(.double, zeros)]
    let groups = RunGroups(keys, rowCount: count)
    var known: [String: UInt32] = [:]
    for row in 0..<count {
      let key = "\(keys[0].scalar(at: row)) \(keys[1].scalar(at: row))"
      #expect(known[key] ?? groups.numbers[row] == groups.numbers[row])
      known[key] = groups.numbers[row]
      #expect(groups.numbers[row] < groups.count)
    }
    #expect(known.count == groups.count)
    #expect(Set(known.values).count == groups.count)
  }

  @Test func runsOfIntegersSpread() throws {
    for (count, length) in [(1, 1), (64, 8), (2048, 5), (2048, 2048), (1000, 333)] {
      let column = Self.integers(.date, (0..<count).map { Int64($0 / length % 7) })
      let runs = try #require(IntegerRuns(column, most: (count + length - 1) / length))
      #expect(runs.values.count == (count + length - 1) / length)
      #expect(Self.scalars(runs.spread(runs.values)) == Self.scalars(column))
      #expect(IntegerRuns(column, most: (count + length - 1) / length - 1) == nil)
    }
    #expect(IntegerRuns(Self.integers(.bigint, [1, nil, nil]), most: 3) == nil)
    #expect(IntegerRuns(Vector.constant(.bigint, .integer(1), count: 9), most: 9) == nil)
  }

  @Test func productsThatDoNotFitAreErrors() throws {
    for (type, least, most) in [
      (LogicalType.smallint, Int64(Int16.min), Int64(Int16.max)), (.integer, Int64(Int32.min), Int64(Int32.max)),
      (.bigint, Int64.min, Int64.max),
    ] {
      for (left, right) in [(least, Int64(1)), (most, -1), (most / 2, 2), (least / 2, 2), (0, least)] {
        let column = Self.integers(type, [left, nil])
        for factor in [Self.integers(type, [right, least]), .constant(type, .integer(right), count: 2)] {
          for (first, second) in [(column, factor), (factor, column)] {
            let product = try Arithmetic.binary(.multiply, first, second, type)
            #expect(Self.scalars(product) == [.integer(left * right), .null])
          }
        }
      }
      for (left, right) in [(least, Int64(-1)), (most, 2), (least, 2), (most / 2 + 1, 2), (least, least)] {
        #expect(throws: PulsehouseError.self) {
          try Arithmetic.binary(.multiply, Self.integers(type, [left]), Self.integers(type, [right]), type)
        }
        #expect(throws: PulsehouseError.self) {
          try Arithmetic.binary(
            .multiply, Self.integers(type, [1, left]), .constant(type, .integer(right), count: 2), type)
        }
      }
    }
  }
}
