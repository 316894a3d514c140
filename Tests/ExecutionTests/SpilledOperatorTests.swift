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
  static func check(_ node: PhysicalNode, _ builder: PlanBuilder, _ comment: String) throws {
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
}
