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

  /// Of all sizes and types, close together and far apart, at the ends of what fits.
  @Test(arguments: [1, 2, 63, 64, 65, 2048, 9000], [1, 3, 40, 100_000]) func groupsOfIntegersAreThoseOfEqualKeys(
    count: Int, span: Int64
  ) {
    var random = SeededGenerator(UInt64(count) &* 31 &+ UInt64(span))
    func values(_ least: Int64, _ greatest: Int64) -> [Int64] {
      (0..<count).map { _ in Int64.random(in: least...greatest, using: &random) }
    }
    let days = values(-span, span).sorted()
    let small = values(Int64(Int16.min), Int64(Int16.min) + min(span, 5))
    let high = values(Int64.max - span, Int64.max)
    let wide = values(Int64.min, Int64.max)
    let sets: [[(LogicalType, [Int64])]] = [
      [(.date, days)], [(.bigint, high), (.smallint, small)], [(.smallint, small), (.date, days), (.bigint, high)],
      [(.date, days), (.bigint, wide)], [],
    ]
    for set in sets {
      let keys = set.map { Self.integers($0.0, $0.1) } + [Vector.constant(.text, .text("one"), count: count)]
      let groups = RunGroups(keys, rowCount: count)
      var known: [[Int64]: UInt32] = [:]
      for row in 0..<count {
        let key = set.map { $0.1[row] }
        #expect(known[key] ?? groups.numbers[row] == groups.numbers[row])
        known[key] = groups.numbers[row]
      }
      #expect(known.count == groups.count)
      #expect(Set(known.values) == Set(0..<UInt32(groups.count)))
    }
  }

  @Test func rowsOfARangeAreThoseInside() {
    for count in [0, 1, 63, 64, 65, 128, 200, 2049] {
      for (type, least, greatest) in [
        (LogicalType.smallint, Int64(Int16.min), Int64(Int16.max)), (.date, -1_000_000, 1_000_000),
        (.timestamp, Int64.min / 2, Int64.max / 2),
      ] {
        let step = greatest / Int64(max(count, 1)) - least / Int64(max(count, 1))
        let values: [Int64] = (0..<count).map { row in
          row % 70 == 69 ? greatest - Int64(row) : least + Int64(row) * step
        }
        let withNulls: [Int64?] = values.enumerated().map { $0.offset % 31 == 7 ? nil : $0.element }
        let middle = count > 2 ? values[count / 3] : 0
        let ends = [(least, greatest), (middle, middle), (middle, greatest), (least, middle), (middle / 2, middle / 2)]
        for range in ends.map({ $0.0...$0.1 }) {
          let expected = values.indices.filter { range.contains(values[$0]) }.map { UInt32($0) }
          #expect(RangeRows.rows(Self.integers(type, values), within: range) == expected)
          let notNull = expected.filter { withNulls[Int($0)] != nil }
          #expect(RangeRows.rows(Self.integers(type, withNulls), within: range) == notNull)
        }
      }
      let one = Vector.constant(.bigint, .integer(4), count: count)
      #expect(RangeRows.rows(one, within: 4...9) == (0..<UInt32(count)).map { $0 })
      #expect(RangeRows.rows(one, within: 5...9) == [])
      #expect(RangeRows.rows(.nulls(.bigint, count: count), within: 0...9) == [])
    }
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
