import Bytes
import Execution
import Glibc
import Planning
import Testing
import Vectors

/// Groupings of many groups give the same rows in the same order however many threads there are and however little
/// memory.
@Suite struct GroupingTests {
  static let types: [LogicalType] = [.integer, .text, .integer, .double, .bigint]

  /// `spread` different first keys; runs of about `run` rows share one.
  static func table(_ builder: PlanBuilder, _ count: Int, spread: Int, run: Int, _ random: inout Random) -> PhysicalNode
  {
    var rows: [[Scalar]] = []
    rows.reserveCapacity(count)
    var key = 0
    for row in 0..<count {
      if row % run == 0 { key = run == 1 ? random.below(spread) : row / run % spread }
      rows.append([
        random.chance(2) ? .null : int(key), random.chance(5) ? .null : .text("the text with number \(key % 700)"),
        random.chance(10) ? .null : int(random.below(1000) - 500), .double(Double(random.below(4000)) / 8),
        .integer(Int64(random.below(1 << 40)) << 20),
      ])
    }
    return builder.scan(builder.table(types, rows), types)
  }

  static func simple(_ builder: PlanBuilder, _ scan: PhysicalNode) -> [AggregateCall] {
    let numeric = LogicalType.numeric(precision: nil, scale: nil)
    let positive = Expression.compare(.greater, col(scan, 2), .constant(int(0), .integer))
    return [
      builder.call(.countStar, [], .bigint), builder.call(.count, [col(scan, 2)], .bigint),
      builder.call(.sum, [col(scan, 2)], .bigint, filter: positive), builder.call(.avg, [col(scan, 2)], numeric),
      builder.call(.sum, [col(scan, 4)], numeric), builder.call(.sum, [col(scan, 3)], .double),
      builder.call(.min, [col(scan, 1)], .text), builder.call(.max, [col(scan, 3)], .double),
      builder.call(.min, [col(scan, 2)], .integer), builder.call(.bitOr, [col(scan, 4)], .bigint),
    ]
  }

  /// Aggregates whose state is not written: rows are.
  static func collecting(_ builder: PlanBuilder, _ scan: PhysicalNode) -> [AggregateCall] {
    let positive = Expression.compare(.greater, col(scan, 2), .constant(int(0), .integer))
    return [
      builder.call(.count, [col(scan, 2)], .bigint, distinct: true),
      builder.call(
        .stringAggregate, [col(scan, 1), .constant(.text(","), .text)], .text, filter: positive,
        order: [SortKey(col(scan, 2))]),
      builder.call(.standardDeviationSample, [col(scan, 3)], .double), builder.call(.countStar, [], .bigint),
    ]
  }

  static func run(_ node: PhysicalNode, _ builder: PlanBuilder, threads: Int, memory: Int, directory: String = "/tmp")
    throws -> (rows: [[Scalar]], peak: Int)
  {
    let budget = MemoryBudget(limit: memory)
    let context = QueryContext(
      tables: MemoryTables(tables: builder.tables), threadCount: threads, budget: budget, now: 0,
      temporaryDirectory: directory)
    let batches = try Executor.collect(builder.plan(node), in: context)
    let rows = batches.flatMap { batch in
      (0..<batch.rowCount).map { row in batch.columns.map { $0.scalar(at: row) } }
    }
    return (rows, budget.peak)
  }

  @Test(arguments: [(60_000, 1), (60_000, 2), (40_000, 2)]) func manyGroups(spread: Int, run: Int) throws {
    var random = Random(seed: UInt64(spread + run))
    let builder = PlanBuilder()
    let scan = Self.table(builder, 80_000, spread: spread, run: run, &random)
    let node = builder.aggregate(scan, keys: [col(scan, 0), col(scan, 1)], Self.simple(builder, scan))
    let (want, peak) = try Self.run(node, builder, threads: 1, memory: 1 << 30)
    var sums: [[Scalar]: Int64] = [:]
    for batch in builder.tables[0] {
      for row in 0..<batch.rowCount {
        sums[[batch.columns[0].scalar(at: row), batch.columns[1].scalar(at: row)], default: 0] += 1
      }
    }
    #expect(want.count == sums.count)
    #expect(want.allSatisfy { $0[2] == sums[[$0[0], $0[1]]].map { .integer($0) } })
    for threads in [2, 3] {
      #expect(try Self.run(node, builder, threads: threads, memory: 1 << 30).rows == want, "\(threads) threads")
    }
    // A budget that holds a part only.
    for threads in [1, 3] {
      let (rows, small) = try Self.run(node, builder, threads: threads, memory: peak / 3)
      #expect(rows == want, "\(threads) threads")
      #expect(small <= peak / 3)
    }
  }

  @Test func rowsGoToDiskWhereStatesCannot() throws {
    var random = Random(seed: 77)
    let builder = PlanBuilder()
    let scan = Self.table(builder, 60_000, spread: 30_000, run: 1, &random)
    let node = builder.aggregate(scan, keys: [col(scan, 0)], Self.collecting(builder, scan))
    let (want, peak) = try Self.run(node, builder, threads: 2, memory: 1 << 30)
    for threads in [1, 3] {
      let (rows, small) = try Self.run(node, builder, threads: threads, memory: peak * 2 / 3)
      // Written groups come by partition, where few groups in memory come in order of their first rows.
      #expect(RandomPlanTests.counts(rows) == RandomPlanTests.counts(want), "\(threads) threads")
      #expect(small < peak)
    }
  }

  @Test func groupingSetsGoToDisk() throws {
    var random = Random(seed: 5)
    let builder = PlanBuilder()
    let scan = Self.table(builder, 60_000, spread: 20_000, run: 1, &random)
    let node = builder.aggregate(
      scan, keys: [col(scan, 0), col(scan, 2)],
      [builder.call(.countStar, [], .bigint), builder.call(.max, [col(scan, 3)], .double)], sets: [[0, 1], [1], []])
    let (want, peak) = try Self.run(node, builder, threads: 1, memory: 1 << 30)
    let (rows, _) = try Self.run(node, builder, threads: 2, memory: peak / 3)
    #expect(RandomPlanTests.counts(rows) == RandomPlanTests.counts(want))
  }

  @Test func nothingStaysOnDisk() throws {
    let directory = "/tmp/pulsehouse-grouping-\(getpid())"
    mkdir(directory, 0o700)
    defer { rmdir(directory) }
    var random = Random(seed: 9)
    let builder = PlanBuilder()
    let scan = Self.table(builder, 60_000, spread: 50_000, run: 1, &random)
    let node = builder.aggregate(scan, keys: [col(scan, 0)], Self.simple(builder, scan))
    let (_, peak) = try Self.run(node, builder, threads: 2, memory: 1 << 30)
    _ = try Self.run(node, builder, threads: 2, memory: peak / 3, directory: directory)
    #expect(try LocalFileSystem().list(directory).isEmpty)
    // Not even spilling helps a budget that holds no table at all.
    let error = #expect(throws: PulsehouseError.self) {
      _ = try Self.run(node, builder, threads: 2, memory: 1000, directory: directory)
    }
    #expect(error?.sqlState == "53200")
    #expect(try LocalFileSystem().list(directory).isEmpty)
    // Without a place to spill to the error names it.
    let lost = #expect(throws: PulsehouseError.self) {
      _ = try Self.run(node, builder, threads: 2, memory: peak / 3, directory: directory + "/none")
    }
    #expect(lost?.kind == .io && lost?.file == directory + "/none")
  }
}
