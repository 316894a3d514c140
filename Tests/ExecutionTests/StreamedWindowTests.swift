import Execution
import Planning
import Testing
import Vectors

/// Windows whose rows pass by in the table's order give what sorting gives, batch by batch or for whole morsels.
@Suite struct StreamedWindowTests {
  static let types: [LogicalType] = [.integer, .text, .double, .bigint, .date]
  static let schema = Schema(types.enumerated().map { Field("c\($0.offset)", $0.element) })

  /// Rows that ascend by the first column and, within it, by the fourth; the second and the last have runs of their own,
  /// which come again. Keys of about `runLength` rows; the last has NULL, where `hasNulls`.
  private static func rows(_ count: Int, runLength: Int, hasNulls: Bool, _ random: inout Random) -> [[Scalar]] {
    var rows: [[Scalar]] = []
    var (key, instant, left) = (-3, 0, 0)
    var (name, day): (Scalar, Scalar) = (.null, .null)
    for row in 0..<count {
      if left == 0 {
        key += 1 + random.below(3)
        instant = random.below(50)
        left = 1 + random.below(2 * runLength)
      }
      left -= 1
      if row == 0 || random.chance(12) {
        name = random.chance(hasNulls ? 20 : 0) ? .null : .text(random.pick(["a", "b", "a text of many bytes"]))
        day = random.chance(hasNulls ? 10 : 0) ? .null : int(19_000 + random.below(4))
      }
      instant += 1 + random.below(3)
      rows.append([
        hasNulls && count - row <= runLength / 2 ? .null : int(key), name,
        random.chance(hasNulls ? 20 : 0) ? .null : .double(Double(random.below(300))), int(instant), day,
      ])
    }
    return rows
  }

  /// Three windows above one another and an expression of few values.
  private static func plan(_ builder: PlanBuilder, over scan: PhysicalNode) -> PhysicalNode {
    func output(_ type: LogicalType) -> Column { builder.column("w", type) }
    let (name, number, instant) = (col(scan, 1), col(scan, 2), col(scan, 3))
    let neighbours = builder.window(
      scan, partition: [col(scan, 0)], order: [SortKey(instant)],
      [
        WindowCall(.lag, [number], output: output(.double)), WindowCall(.lead, [name], output: output(.text)),
        WindowCall(.lag, [.constant(int(7), .bigint)], output: output(.bigint)),
        WindowCall(.lead, [col(scan, 4)], output: output(.date)),
      ])
    let totals = builder.window(
      neighbours, partition: [col(scan, 0), name, col(scan, 4)], order: [],
      [
        WindowCall(.aggregate(.max), [number], output: output(.double)),
        WindowCall(.aggregate(.min), [instant], output: output(.bigint)),
        WindowCall(.aggregate(.avg), [number], output: output(.double)),
        WindowCall(
          .aggregate(.countStar), [], filter: .compare(.less, instant, .constant(int(20), .bigint)),
          output: output(.bigint)),
      ])
    let ranks = builder.window(
      totals, partition: [col(scan, 0), name], order: [SortKey(number, isDescending: true), SortKey(instant)],
      [
        WindowCall(.rank, [], output: output(.bigint)),
        WindowCall(.lag, [instant, .constant(int(2), .integer)], output: output(.bigint)),
        WindowCall(.lead, [instant], output: output(.bigint)),
      ])
    func part(_ field: String) -> Expression {
      .cast(
        .call(.extract, [.constant(.text(field), .text), col(scan, 4)], .numeric(precision: nil, scale: nil)), .integer)
    }
    let hundred = Expression.constant(int(100), .integer)
    let day = Expression.call(
      .add, [.call(.multiply, [part("month"), hundred], .integer), part("day")], .integer)
    return builder.project(ranks, ranks.output.map { .column($0) } + [day])
  }

  private final class Keep: RowStage {
    func take(_ batch: Batch) -> [Batch] { [batch] }
    func endMorsel() -> [Batch] { [] }
  }

  private final class Rows: @unchecked Sendable {
    // @unchecked: the executor's calls never overlap.
    var all: [[Scalar]] = []

    func add(_ batch: Batch) {
      for row in 0..<batch.rowCount { all.append(batch.columns.map { $0.scalar(at: row) }) }
    }
  }

  @Test(arguments: [1, 30, 400, 3000], [false, true]) func giveWhatSortingGives(runLength: Int, hasNulls: Bool) throws {
    try compare(runLength: runLength, hasNulls: hasNulls, isJoined: false)
  }

  /// A join that gives each row its one partner, or none, hands the order on.
  @Test(arguments: [1, 30, 3000], [false, true]) func giveWhatSortingGivesOverAJoin(runLength: Int, hasNulls: Bool)
    throws
  {
    try compare(runLength: runLength, hasNulls: hasNulls, isJoined: true)
  }

  private func compare(runLength: Int, hasNulls: Bool, isJoined: Bool) throws {
    var random = Random(seed: UInt64(runLength) + (hasNulls ? 1 : 0))
    let rows = Self.rows(9000, runLength: runLength, hasNulls: hasNulls, &random)
    let builder = PlanBuilder()
    // In several files, whose last row group is short.
    let table = builder.table(Self.types, rows, batchSize: 4100)
    let partners = (0..<5000).filter { $0 % 4 != 1 }.map { key -> [Scalar] in
      [int(key), key % 5 == 0 ? .null : .text("partner \(key % 3)"), .double(Double(key)), int(-key), .null]
    }
    let other = builder.table(Self.types, partners, batchSize: 4100)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 500)
    let scan = builder.scan(table, Self.types)
    let input = isJoined ? builder.join(.left, scan, builder.scan(other, Self.types), on: [(0, 0)]) : scan
    let node = Self.plan(builder, over: input)
    let sorted = RandomPlanTests.counts(try builder.rows(node, threads: 1))
    for threads in [1, 3] {
      for isTimed in [false, true] {
        let context = QueryContext(tables: segments, threadCount: threads, now: 0, isTimed: isTimed)
        let (streamed, staged) = (Rows(), Rows())
        let metrics = try Executor.run(builder.plan(node), in: context) { streamed.add($0) }
        _ = try Executor.run(builder.plan(node), in: context, stage: { Keep() }, sink: { staged.add($0) })
        // Compared apart, for a failure not to print all rows.
        let isSame = RandomPlanTests.counts(streamed.all) == sorted
        let isSameStaged = staged.all == streamed.all
        let isInOrder = streamed.all.map { Array($0.prefix(5)) } == rows
        #expect(isSame && isSameStaged)
        // Nothing was sorted: the rows come as they lie.
        #expect(isInOrder)
        // Each window says how many rows it gave.
        var window = node.inputs[0]
        while case .window = window.operation {
          #expect(metrics[window.id]?.rowCount == rows.count)
          window = window.inputs[0]
        }
      }
    }
  }

  /// Rows that are equal in all columns of the order but the last, in the middle of a row group, at its end or at a
  /// file's: that one decides, and where it falls, rows are not in order.
  @Test(arguments: [nil, 1, 100, 500, 2048, 4100, 8999], [false, true]) func theLastColumnDecides(
    tie: Int?, falls: Bool
  ) throws {
    let rows = (0..<9000).map { row -> [Scalar] in
      let isSecond = row == tie
      let day = isSecond ? (falls ? 1 : 9) : row + 1 == tie ? 5 : row * 7919 % 100
      return [int(row / 3000), .null, .null, int(isSecond ? row - 1 : row), int(day)]
    }
    let builder = PlanBuilder()
    let table = builder.table(Self.types, rows, batchSize: 4100)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 500)
    let scan = builder.scan(table, Self.types)
    let node = builder.window(
      scan, partition: [col(scan, 0)], order: [SortKey(col(scan, 3)), SortKey(col(scan, 4))],
      [WindowCall(.rowNumber, [], output: builder.column("n", .bigint))])
    let expected = rows.enumerated().map { row, values in
      let isTurned = falls && tie.map { row == $0 || row + 1 == $0 } ?? false
      let place = row % 3000 + 1 + (isTurned ? (row == tie ? -1 : 1) : 0)
      return values + [int(place)]
    }
    for threads in [1, 3] {
      let found = Rows()
      let context = QueryContext(tables: segments, threadCount: threads, now: 0)
      _ = try Executor.run(builder.plan(node), in: context) { found.add($0) }
      let isSame = RandomPlanTests.counts(found.all) == RandomPlanTests.counts(expected)
      #expect(isSame)
      // What is in order is not sorted.
      let isInOrder = found.all == expected
      #expect(isInOrder || falls)
    }
  }

  /// As the reference has it, row by row.
  @Test func giveWhatTheReferenceGives() throws {
    var random = Random(seed: 3)
    let builder = PlanBuilder()
    let table = builder.table(Self.types, Self.rows(300, runLength: 40, hasNulls: true, &random), batchSize: 300)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 64)
    let node = Self.plan(builder, over: builder.scan(table, Self.types))
    let streamed = Rows()
    _ = try Executor.run(
      builder.plan(node), in: QueryContext(tables: segments, threadCount: 1, now: 0), stage: { Keep() },
      sink: { streamed.add($0) })
    let reference = try ReferenceEvaluator(tables: builder.tables).rows(node)
    let isSame = RandomPlanTests.counts(streamed.all) == RandomPlanTests.counts(reference)
    #expect(isSame)
  }
}
