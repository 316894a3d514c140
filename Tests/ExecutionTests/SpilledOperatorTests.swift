import Bytes
import Execution
import Planning
import Testing
import Vectors

/// Joins and set operations of rows that memory does not hold give what they give in memory.
@Suite struct SpilledOperatorTests {
  static let types: [LogicalType] = [.integer, .text, .bigint]

  static func table(_ builder: PlanBuilder, _ count: Int, spread: Int, _ random: inout Random) -> PhysicalNode {
    let rows = (0..<count).map { row in
      let key = random.below(spread)
      return [
        random.chance(3) ? .null : int(key), random.chance(3) ? .null : .text("key \(key % 3) of the second column"),
        int(row),
      ] as [Scalar]
    }
    return builder.scan(builder.table(types, rows), types)
  }

  static let memory = 1 << 20

  /// Runs a plan with room and without, and checks that the second run needed the disk.
  static func check(
    _ node: PhysicalNode, _ builder: PlanBuilder, _ comment: String, memory: Int = memory
  ) throws {
    let (want, peak) = try GroupingTests.run(node, builder, threads: 2, memory: 1 << 30)
    #expect(peak > memory, "\(comment) fits the small budget: \(peak)")
    for threads in [1, 3] {
      let (rows, _) = try GroupingTests.run(node, builder, threads: threads, memory: memory)
      #expect(rows.count == want.count, "\(comment)")
      #expect(RandomPlanTests.counts(rows) == RandomPlanTests.counts(want), "\(comment), \(threads) threads")
    }
  }

  @Test(arguments: 0..<8) func joins(kind: Int) throws {
    var random = Random(seed: UInt64(kind + 1))
    let builder = PlanBuilder()
    let left = Self.table(builder, 6000, spread: 9000, &random)
    // A single match each for the join that allows no more.
    let kinds: [JoinKind] = [
      .inner, .left, .right, .full, .semi, .anti, .single, .mark(builder.column("mark", .boolean), nullAware: false),
    ]
    var right = Self.table(builder, 30_000, spread: 9000, &random)
    if kinds[kind] == .single {
      let rows = (0..<30_000).map { [int($0), .text("key \($0 % 3) of the second column"), int($0)] as [Scalar] }
      right = builder.scan(builder.table(Self.types, rows), Self.types)
    }
    let plain = builder.join(kinds[kind], left, right, on: [(0, 0), (1, 1)], nullsMatch: kind % 2 == 0)
    try Self.check(plain, builder, "\(kinds[kind])")
    let condition = Expression.compare(.less, col(left, 2), col(right, 2))
    let conditional = builder.join(kinds[kind], left, right, on: [(0, 0)], condition: condition)
    if kinds[kind] != .single { try Self.check(conditional, builder, "\(kinds[kind]) with a condition") }
  }

  /// Ties are broken by the right side's order, which the way over the disk must keep.
  @Test(arguments: [ComparisonOperator.less, .lessOrEqual, .greater, .greaterOrEqual], [true, false])
  func asOfJoins(comparison: ComparisonOperator, isOuter: Bool) throws {
    var random = Random(seed: isOuter ? 21 : 22)
    let builder = PlanBuilder()
    let left = Self.table(builder, 6000, spread: 900, &random)
    let types: [LogicalType] = [.integer, .bigint, .text]
    let rows = (0..<60_000).map { row in
      [random.chance(3) ? .null : int(random.below(900)), int(random.below(3000)), .text("row \(row)")] as [Scalar]
    }
    let table = builder.scan(builder.table(types, rows), types)
    let isDescending = comparison == .less || comparison == .lessOrEqual
    let right = builder.sort(
      table, [SortKey(col(table, 1), isDescending: isDescending), SortKey(col(table, 2), isDescending: true)])
    let nearest = Join.Nearest(left: col(left, 2), right: col(right, 1), comparison: comparison)
    let node = builder.join(.nearest(isOuter: isOuter), left, right, on: [(0, 0)], nearest: nearest)
    // Sort and join share it.
    try Self.check(node, builder, "as-of join \(comparison), outer \(isOuter)", memory: 3 << 20)
  }

  @Test func oneKeyTooLargeIsAnError() throws {
    let builder = PlanBuilder()
    let rows = (0..<40_000).map { [int(7), .text("the same text for all"), int($0)] as [Scalar] }
    let right = builder.scan(builder.table(Self.types, rows), Self.types)
    let left = builder.scan(builder.table(Self.types, Array(rows[..<3])), Self.types)
    let node = builder.join(.semi, left, right, on: [(0, 0)])
    let error = #expect(throws: PulsehouseError.self) {
      _ = try GroupingTests.run(node, builder, threads: 2, memory: Self.memory)
    }
    #expect(error?.sqlState == "53200")
  }

  @Test(arguments: [SetOperation.intersect, .except], [false, true])
  func setOperations(operation: SetOperation, all: Bool) throws {
    var random = Random(seed: all ? 3 : 4)
    let builder = PlanBuilder()
    for (first, second) in [(40_000, 40_000), (40_000, 500), (500, 40_000)] {
      let nodes = [first, second].map { Self.table(builder, $0, spread: 9000, &random) }
        .map { builder.project($0, [col($0, 0), col($0, 1)]) }
      let node = builder.node(.setOperation(operation, all: all), nodes, nodes[0].output)
      try Self.check(node, builder, "\(operation) \(all) of \(first) and \(second)")
    }
  }

  /// As `check`, with more rows and a budget that batches of 2,048 rows fit several times; the order counts too.
  static func checkOrder(_ node: PhysicalNode, _ builder: PlanBuilder, memory: Int = 2 << 20, _ comment: String) throws
  {
    let (want, peak) = try GroupingTests.run(node, builder, threads: 2, memory: 1 << 30)
    #expect(peak > memory, "\(comment) fits the small budget: \(peak)")
    for threads in [1, 2] {
      let (rows, small) = try GroupingTests.run(node, builder, threads: threads, memory: memory)
      #expect(rows == want, "\(comment), \(threads) threads")
      #expect(small <= memory)
    }
  }

  /// `count` rows of a key that repeats, a text, a number and the row's number.
  static func longTable(_ builder: PlanBuilder, _ count: Int, spread: Int, seed: UInt64) -> PhysicalNode {
    var random = Random(seed: seed)
    return table(builder, count, spread: spread, &random)
  }

  @Test(arguments: [(50_000, 45_000), (50_000, 7)]) func sorts(count: Int, spread: Int) throws {
    let builder = PlanBuilder()
    let scan = Self.longTable(builder, count, spread: spread, seed: 11)
    try Self.checkOrder(builder.sort(scan, [SortKey(col(scan, 0))]), builder, "one key")
    let text = [SortKey(col(scan, 1), isDescending: true, nullsFirst: true), SortKey(col(scan, 0))]
    try Self.checkOrder(builder.sort(scan, text), builder, "text and a key")
  }

  @Test func windows() throws {
    let builder = PlanBuilder()
    let scan = Self.longTable(builder, 50_000, spread: 9000, seed: 12)
    let calls = [
      WindowCall(.rowNumber, [], output: builder.column("number", .bigint)),
      WindowCall(.lag, [col(scan, 2)], output: builder.column("before", .bigint)),
      WindowCall(.rank, [], output: builder.column("rank", .bigint)),
    ]
    let order = [SortKey(col(scan, 1)), SortKey(col(scan, 2), isDescending: true)]
    let node = builder.window(scan, partition: [col(scan, 0)], order: order, calls)
    try Self.checkOrder(node, builder, "windows")
    let limited = builder.node(
      .window(Windowing(partition: [col(scan, 0)], order: order, calls: [calls[0]], rowLimit: 2)), [scan],
      scan.output + [calls[0].output])
    try Self.checkOrder(limited, builder, "first rows")
  }

  @Test func rowsThatAreKept() throws {
    let builder = PlanBuilder()
    let scan = Self.longTable(builder, 50_000, spread: 9000, seed: 13)
    let shared = builder.node(.shared, [scan], scan.output)
    let both = builder.node(.concatenate, [shared, shared], scan.output)
    try Self.checkOrder(both, builder, memory: 1 << 20, "WITH")
    let limit = builder.node(
      .limit(count: .constant(int(48_000), .bigint), offset: .constant(int(100), .bigint)), [scan], scan.output)
    let over = builder.project(limit, [col(limit, 1), col(limit, 2)])
    try Self.checkOrder(over, builder, memory: 1 << 20, "LIMIT")
    let sorted = builder.sort(scan, [SortKey(col(scan, 2))])
    try Self.checkOrder(
      builder.node(.distinctOn([col(sorted, 2)]), [sorted], sorted.output), builder, "DISTINCT ON")
  }

  @Test(arguments: [false, true], [false, true]) func notIn(hasNulls: Bool, isMark: Bool) throws {
    var random = Random(seed: 14)
    let builder = PlanBuilder()
    let left = Self.table(builder, 6000, spread: 12_000, &random)
    let rows = (0..<30_000).map { row in
      [
        hasNulls && row == 17_000 ? .null : int(random.below(9000)), .text("key \(row % 3) of the second column"),
        int(row),
      ] as [Scalar]
    }
    let right = builder.scan(builder.table(Self.types, rows), Self.types)
    let kind: JoinKind = isMark ? .mark(builder.column("mark", .boolean), nullAware: true) : .antiNullAware
    try Self.check(builder.join(kind, left, right, on: [(0, 0)]), builder, "NOT IN, \(hasNulls), \(isMark)")
  }
}
