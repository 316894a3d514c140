import Bytes
import Execution
import Planning
import Testing
import Vectors

@Suite struct OperatorTests {
  @Test(arguments: [0, 1, 2047, 2048, 2049, 70000], [1, 3])
  func scansFiltersAndProjects(count: Int, threads: Int) throws {
    let builder = PlanBuilder()
    let rows = (0..<count).map { [$0 % 7 == 3 ? .null : int($0), .text("t\($0 % 5)")] as [Scalar] }
    let table = builder.table([.integer, .text], rows, batchSize: 5000)
    let scan = builder.scan(
      table, [.integer, .text], predicates: [FieldPredicate(field: 0, .compare(.greaterOrEqual, int(10)))])
    let filter = builder.filter(scan, .compare(.equal, col(scan, 1), .constant(.text("t2"), .text)))
    let project = builder.project(
      filter, [.call(.add, [col(filter, 0), .constant(int(1), .integer)], .integer)])
    let expected = (0..<count).filter { $0 >= 10 && $0 % 7 != 3 && $0 % 5 == 2 }.map { [int($0 + 1)] }
    #expect(try builder.rows(project, threads: threads) == expected)
  }

  @Test(arguments: [1, 3]) func aggregatesWithAndWithoutKeys(threads: Int) throws {
    let builder = PlanBuilder()
    let count = 50000
    let rows = (0..<count).map { [int($0 % 11), $0 % 3 == 0 ? .null : int($0)] as [Scalar] }
    let table = builder.table([.integer, .integer], rows)
    let scan = builder.scan(table, [.integer, .integer])
    let calls: (PhysicalNode) -> [AggregateCall] = { scan in
      [
        builder.call(.countStar, [], .bigint), builder.call(.count, [col(scan, 1)], .bigint),
        builder.call(.sum, [col(scan, 1)], .bigint), builder.call(.min, [col(scan, 1)], .integer),
        builder.call(.max, [col(scan, 1)], .integer), builder.call(.count, [col(scan, 0)], .bigint, distinct: true),
      ]
    }
    func expected(_ members: [Int]) -> [Scalar] {
      let values = members.filter { $0 % 3 != 0 }
      return [
        int(members.count), int(values.count), values.isEmpty ? .null : int(values.reduce(0, +)),
        values.min().map { int($0) } ?? .null, values.max().map { int($0) } ?? .null,
        int(Set(members.map { $0 % 11 }).count),
      ]
    }
    let grouped = builder.aggregate(scan, keys: [col(scan, 0)], calls(scan))
    let want = (0..<11).map { key in [int(key)] + expected((0..<count).filter { $0 % 11 == key }) }
    #expect(try builder.rows(grouped, threads: threads) == want)
    let whole = builder.aggregate(scan, keys: [], calls(scan))
    #expect(try builder.rows(whole, threads: threads) == [expected(Array(0..<count))])
    let none = builder.scan(builder.table([.integer, .integer], []), [.integer, .integer])
    #expect(try builder.rows(builder.aggregate(none, keys: [], calls(none)), threads: threads) == [expected([])])
    #expect(try builder.rows(builder.aggregate(none, keys: [col(none, 0)], calls(none)), threads: threads) == [])
  }

  @Test(arguments: [1, 4]) func manyGroupsMergeTheSameWithAnyThreads(threads: Int) throws {
    let builder = PlanBuilder()
    let count = 120_000
    let rows = (0..<count).map { [int(($0 &* 7919) % 50000), .text("k\($0 % 3)"), .double(Double($0))] as [Scalar] }
    let types: [LogicalType] = [.bigint, .text, .double]
    let scan = builder.scan(builder.table(types, rows), types)
    let node = builder.aggregate(
      scan, keys: [col(scan, 0), col(scan, 1)],
      [builder.call(.sum, [col(scan, 2)], .double), builder.call(.countStar, [], .bigint)])
    let got = try builder.rows(node, threads: threads)
    #expect(got == (try builder.rows(node, threads: 1)))
    var sums: [[Scalar]: (Double, Int)] = [:]
    for row in rows {
      guard case .double(let value) = row[2] else { continue }
      let old = sums[[row[0], row[1]]] ?? (0, 0)
      sums[[row[0], row[1]]] = (old.0 + value, old.1 + 1)
    }
    #expect(got.count == sums.count)
    for row in got {
      let want = try #require(sums[[row[0], row[1]]])
      #expect(row[2] == .double(want.0) && row[3] == int(want.1))
    }
  }

  @Test func errorsAndStops() throws {
    let builder = PlanBuilder()
    let rows = (0..<10000).map { [int($0)] as [Scalar] }
    let scan = builder.scan(builder.table([.integer], rows), [.integer])
    let divide = builder.project(
      scan,
      [
        .call(
          .divide,
          [.constant(int(1), .integer), .call(.subtract, [col(scan, 0), .constant(int(9000), .integer)], .integer)],
          .integer)
      ])
    #expect(throws: PulsehouseError.self) { try builder.rows(divide) }
    // The error lies behind the limit, so it is never met.
    let limit = builder.node(
      .limit(count: .constant(int(5), .bigint), offset: .constant(int(2), .bigint)), [divide], divide.output)
    #expect(try builder.rows(limit, threads: 1).count == 5)
    struct Full: Error {}
    #expect(throws: Full.self) {
      try Executor.run(builder.plan(scan), in: builder.context()) { _ in throw Full() }
    }
    let context = builder.context()
    context.cancellation.cancel()
    let error = #expect(throws: PulsehouseError.self) { try Executor.collect(builder.plan(scan), in: context) }
    #expect(error?.kind == .cancelled)
    let small = builder.sort(scan, [SortKey(col(scan, 0))])
    let memory = #expect(throws: PulsehouseError.self) { try builder.rows(small, memory: 1000) }
    #expect(memory?.sqlState == "53200")
  }

  /// An error must win over the workers that only stopped because of it, and lose to a LIMIT met before it.
  @Test(arguments: [2, 4]) func lateErrorsAreNeitherLostNorEarly(threads: Int) throws {
    let builder = PlanBuilder()
    let rows = (0..<200_000).map { [int($0)] as [Scalar] }
    let scan = builder.scan(builder.table([.integer], rows), [.integer])
    let distance = Expression.call(.subtract, [col(scan, 0), .constant(int(170_000), .integer)], .integer)
    let divide = builder.project(scan, [.call(.divide, [.constant(int(1), .integer), distance], .integer)])
    let limit = builder.node(
      .limit(count: .constant(int(100_000), .bigint), offset: nil), [divide], divide.output)
    for _ in 0..<30 {
      let error = #expect(throws: PulsehouseError.self) {
        try Executor.collect(builder.plan(divide), in: builder.context(threads: threads))
      }
      #expect(error?.sqlState == "22012")
      #expect(
        try Executor.collect(builder.plan(limit), in: builder.context(threads: threads)).reduce(0) { $0 + $1.rowCount }
          == 100_000)
    }
  }

  /// Workers that wait for the consumer's turn end too, whenever the flag is set.
  @Test(arguments: [2, 4]) func cancellingEndsEveryWorker(threads: Int) throws {
    let builder = PlanBuilder()
    let series = builder.node(
      .series([.constant(int(1), .bigint), .constant(int(20_000_000), .bigint)]), [], [builder.column("n", .bigint)])
    for stop in [1, 7, 40, 700] {
      let context = builder.context(threads: threads)
      var seen = 0
      let error = #expect(throws: PulsehouseError.self) {
        try Executor.run(builder.plan(series), in: context) { _ in
          seen += 1
          if seen == stop { context.cancellation.cancel() }
        }
      }
      #expect(error?.kind == .cancelled)
    }
  }
}
