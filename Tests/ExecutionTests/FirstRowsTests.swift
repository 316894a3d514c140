import Execution
import Planning
import Testing
import Vectors

/// The first row of each partition, found without sorting, is the one that sorting finds.
@Suite struct FirstRowsTests {
  static let types: [LogicalType] = [.integer, .text, .double, .bigint]
  static let schema = Schema(types.enumerated().map { Field("c\($0.offset)", $0.element) })

  /// Rows in no order of their keys: two of them, one to order by, and the row's number. `repeats` percent come again.
  private static func rows(_ count: Int, repeats: Int, _ random: inout Random) -> [[Scalar]] {
    var rows: [[Scalar]] = []
    let orders: [Double] = [-0.0, 0, 1.5, -7, .nan, .infinity]
    for row in 0..<count {
      var keys: [Scalar] = [
        random.chance(5) ? .null : int(row * 7919 % 60_013 - 9000),
        random.chance(20) ? .null : .text(random.chance(30) ? "a text of more than twelve bytes" : "t\(row % 5)"),
      ]
      if row > 0, random.chance(repeats) { keys = Array(rows[random.below(row)].prefix(2)) }
      rows.append(keys + [random.chance(20) ? .null : .double(random.pick(orders)), int(row)])
    }
    return rows
  }

  private struct Case {
    let builder = PlanBuilder()
    let segments: SegmentTables
    let table: Int

    init(_ rows: [[Scalar]]) throws {
      table = builder.table(types, rows, batchSize: 9000)
      segments = try SegmentTables(builder, schema, rowGroupRowCount: 1500)
    }

    func window(
      over input: PhysicalNode, partition: [Int], order: [SortKey], by search: Windowing.FirstRowSearch?
    ) -> PhysicalNode {
      let number = builder.column("number", .bigint)
      var windowing = Windowing(
        partition: partition.map { col(input, $0) }, order: order,
        calls: [WindowCall(.rowNumber, [], output: number)], rowLimit: 1)
      windowing.firstRows = search
      return builder.node(.window(windowing), [input], input.output + [number])
    }

    func run(_ node: PhysicalNode, threads: Int, memory: Int = 1 << 30) throws -> [[Scalar]] {
      let context = QueryContext(
        tables: segments, threadCount: threads, budget: MemoryBudget(limit: memory), now: 0)
      var rows: [[Scalar]] = []
      _ = try Executor.run(builder.plan(node), in: context) { batch in
        for row in 0..<batch.rowCount { rows.append(batch.columns.map { $0.scalar(at: row) }) }
      }
      return rows
    }
  }

  private static func number(_ row: [Scalar]) -> Int {
    if case .integer(let value) = row[row.count - 2] { return Int(value) }
    return -1
  }

  @Test(arguments: [0, 15], [1, 3]) func areThoseOfASort(repeats: Int, threads: Int) throws {
    var random = Random(seed: UInt64(repeats * 10 + threads))
    let test = try Case(Self.rows(9000, repeats: repeats, &random))
    let scans = [
      test.builder.scan(test.table, Self.types),
      test.builder.scan(
        test.table, Self.types, predicates: [FieldPredicate(field: 3, .compare(.greater, int(2000)))],
        filter: { .not(.isNull(.column($0[0]))) }),
    ]
    for scan in scans {
      let kept = test.builder.filter(scan, .compare(.less, col(scan, 3), .constant(int(8800), .bigint)))
      let moved = test.builder.project(kept, [col(kept, 1), col(kept, 0), col(kept, 2), col(kept, 3)])
      for (input, order) in [
        (scan, [SortKey(col(scan, 2), isDescending: true, nullsFirst: true)]),
        (scan, [SortKey(col(scan, 2)), SortKey(col(scan, 3), isDescending: true)]),
        (moved, []),
      ] {
        let found = try test.run(
          test.window(over: input, partition: [0, 1], order: order, by: .repeats), threads: threads)
        let sorted = try test.run(
          test.window(over: input, partition: [0, 1], order: order, by: nil), threads: 1)
        #expect(RandomPlanTests.counts(found) == RandomPlanTests.counts(sorted))
        // In the table's order: nothing was sorted.
        #expect(found.map(Self.number) == found.map(Self.number).sorted())
        #expect(sorted.map(Self.number) != sorted.map(Self.number).sorted())
      }
    }
  }

  /// Where morsels hardly overlap by a key, each is looked at with what overlaps it: late rows, repeats far and near, and
  /// rows whose key is NULL and dropped, or not dropped.
  @Test(arguments: [0, 400], [1, 3]) func areThoseOfASortInOrderOfArrival(lateness: Int, threads: Int) throws {
    var random = Random(seed: UInt64(lateness + threads))
    var rows: [[Scalar]] = []
    for row in 0..<9000 {
      let late = random.chance(5) ? random.below(lateness + 1) : 0
      var keys: [Scalar] = [int(row / 3 - late), .text("t\(row % 7)")]
      if row > 0, random.chance(10) { keys = Array(rows[max(0, row - 1 - random.below(2 * lateness + 3))].prefix(2)) }
      rows.append(keys + [random.chance(20) ? .null : .double(Double(random.below(4))), int(row)])
    }
    for nulls in [0, 1] {
      if nulls > 0 { for row in stride(from: 5, to: 9000, by: 700) { rows[row][0] = .null } }
      let test = try Case(rows)
      // Few rows of a row group do not pass, many, and all of some.
      for predicates in [
        [], [FieldPredicate(field: 0, .isNotNull)],
        [FieldPredicate(field: 0, .isNotNull), FieldPredicate(field: 2, .isNotNull)],
        [FieldPredicate(field: 0, .isNotNull), FieldPredicate(field: 3, .between(int(1400), int(7777)))],
      ] {
        let scan = test.builder.scan(test.table, Self.types, predicates: predicates)
        let kept = test.builder.filter(scan, .compare(.notEqual, col(scan, 3), .constant(int(4501), .bigint)))
        for (input, order) in [
          (scan, []), (scan, [SortKey(col(scan, 2), isDescending: true)]),
          (kept, [SortKey(col(kept, 2)), SortKey(col(kept, 3), isDescending: true)]),
        ] {
          let found = try test.run(
            test.window(over: input, partition: [1, 0], order: order, by: .repeats), threads: threads)
          let sorted = try test.run(
            test.window(over: input, partition: [1, 0], order: order, by: nil), threads: 1)
          #expect(RandomPlanTests.counts(found) == RandomPlanTests.counts(sorted))
          #expect(found.map(Self.number) == found.map(Self.number).sorted())
        }
      }
    }
  }

  /// Of few keys the best row of each is kept, whatever it is ordered by; late rows, ties and NULLs too.
  @Test(arguments: [1, 3]) func areTheBestOfFewKeys(threads: Int) throws {
    var random = Random(seed: UInt64(threads))
    let rows = (0..<8000).map { row -> [Scalar] in
      [
        random.chance(5) ? .null : int(row / 150 - random.below(40)), random.chance(20) ? .null : .text("t\(row % 5)"),
        .double(1), random.chance(10) ? .null : int(row / 100 - random.below(70)),
      ]
    }
    let test = try Case(rows)
    let scan = test.builder.scan(test.table, Self.types)
    for order in [
      [], [SortKey(col(scan, 3))], [SortKey(col(scan, 3), isDescending: true, nullsFirst: true)],
      [SortKey(col(scan, 3), isDescending: true), SortKey(col(scan, 0))], [SortKey(col(scan, 2))],
    ] {
      for partition in [[0], [1], [0, 1]] {
        let found = test.window(over: scan, partition: partition, order: order, by: .groups)
        let sorted = test.window(over: scan, partition: partition, order: order, by: nil)
        #expect(
          RandomPlanTests.counts(try test.run(found, threads: threads))
            == RandomPlanTests.counts(try test.run(sorted, threads: 1)))
      }
    }
  }

  /// Where too many rows repeat a key, or memory does not hold what finding them takes, rows are sorted after all.
  @Test(arguments: [1, 2]) func areSortedWhereThatIsBetter(threads: Int) throws {
    var random = Random(seed: 9)
    let test = try Case(Self.rows(20_000, repeats: 95, &random))
    let scan = test.builder.scan(test.table, Self.types)
    let order = [SortKey(col(scan, 2))]
    let want = try test.run(
      test.window(over: scan, partition: [0, 1], order: order, by: nil), threads: 1)
    for memory in [1 << 30, 3 << 20] {
      let node = test.window(over: scan, partition: [0, 1], order: order, by: .repeats)
      #expect(try test.run(node, threads: threads, memory: memory).map(Self.number) == want.map(Self.number))
    }
  }

  /// Rows that lie nearly in the order of their keys are put in order.
  @Test func areInOrderWhereThatIsNear() throws {
    let rows = (0..<9000).map { [int(($0 / 3 * 3 + 2 - $0 % 3) / 2), .null, .double(1), int($0)] as [Scalar] }
    let test = try Case(rows)
    let scan = test.builder.scan(test.table, Self.types)
    let found = try test.run(test.window(over: scan, partition: [0], order: [], by: .repeats), threads: 2)
    let keys = found.map { row -> Int in if case .integer(let key) = row[0] { Int(key) } else { -1 } }
    #expect(keys == keys.sorted() && Set(keys).count == keys.count && keys.count == 4500)
  }
}
