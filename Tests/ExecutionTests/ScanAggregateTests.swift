import Bytes
import Encodings
import Execution
import Glibc
import Planning
import Segments
import Testing
import Vectors

/// Grouping the codes of stored columns gives what grouping decoded rows gives, row for row, in the same order.
@Suite struct ScanAggregateTests {
  static let types: [LogicalType] = [
    .integer, .bigint, .text, .smallint, .timestamp, .bigint, .date, .boolean, .integer,
  ]
  static let dimensionTypes: [LogicalType] = [.integer, .text, .smallint]
  static let hour = 3_600_000_000

  /// Tables of a builder, each written as a segment file for every batch.
  private struct StoredTables: TableSource {
    var tables: [[SegmentHandle]] = []

    init(_ builder: PlanBuilder, _ types: [[LogicalType]], rowGroupRowCount: Int, _ forced: Encoding?) throws {
      for (index, batches) in builder.tables.enumerated() {
        let schema = Schema(types[index].enumerated().map { Field("c\($0.offset)", $0.element) })
        tables.append(
          try batches.enumerated().map { number, batch in
            let path =
              "/tmp/pulsehouse-codes-\(getpid())-\(UInt(bitPattern: ObjectIdentifier(builder)))-\(index)-\(number)"
            var options = SegmentOptions()
            options.rowGroupRowCount = rowGroupRowCount
            options.forcedEncoding = forced
            let writer = try SegmentWriter(path, schema: schema, options: options)
            var start = 0
            while start < batch.rowCount {
              let end = min(start + rowGroupRowCount, batch.rowCount)
              try writer.append(try writer.encodeRowGroup(batch.slice(start..<end).columns))
              start = end
            }
            let summary = try writer.finish(syncDirectory: false)
            let reader = try SegmentReader.open(try MappedFile(path))
            unlink(path)
            return SegmentHandle(
              rowCount: summary.rowCount, byteCount: summary.byteCount, zoneMaps: { summary.zoneMaps },
              open: { reader })
          })
      }
    }

    func data(for table: TableReference) throws -> TableData { .segments(tables[Int(table.handle)]) }
  }

  static func row(_ index: Int, _ random: inout Random, nulls: Int, wide: Bool) -> [Scalar] {
    func some(_ value: Scalar, _ random: inout Random) -> Scalar { random.chance(nulls) ? .null : value }
    let extremes = [Int(Int64.min), Int(Int64.max), 0, -1]
    return [
      some(int(index / 37 - 5), &random), some(int(random.below(9) - 4), &random),
      some(.text(random.chance(20) ? "a text of more than twelve bytes" : "t\(random.below(5))"), &random),
      some(int(random.below(400) - 200), &random),
      some(int((index % 97) * Self.hour / 3 - 20 * Self.hour + random.below(1000)), &random),
      some(wide ? int(random.pick(extremes)) : int(random.below(1 << 40) - 1 << 39), &random),
      some(int(index / 11 % 23 - 7), &random), some(.boolean(random.chance(40)), &random),
      some(int(index / 50 * 1000), &random),
    ]
  }

  static func dimensionRow(_ index: Int, _ key: Int, _ random: inout Random) -> [Scalar] {
    [
      random.chance(3) ? .null : int(key), random.chance(10) ? .null : .text("d\(random.below(4))"),
      int(random.below(3)),
    ]
  }

  static func key(_ scan: PhysicalNode, _ dimensions: [PhysicalNode], _ random: inout Random) -> Expression {
    func extract(_ field: String) -> Expression {
      .call(.extract, [.constant(.text(field), .text), col(scan, 4)], .numeric(precision: nil, scale: nil))
    }
    func whole(_ function: ScalarFunction, _ value: Expression, _ number: Int) -> Expression {
      .call(function, [value, .constant(int(number), value.type)], value.type)
    }
    if let dimension = dimensions.randomElement(&random), random.chance(50) {
      let attribute = col(dimension, 1)
      return random.chance(70)
        ? (random.chance(60) ? attribute : col(dimension, 2))
        : .coalesce([attribute, .constant(.text("none"), .text)], .text)
    }
    switch random.below(14) {
    case 0, 1: return col(scan, 0)
    case 2: return col(scan, 1)
    case 3: return col(scan, 2)
    case 4: return col(scan, 6)
    case 5: return col(scan, 7)
    case 6: return extract("hour")
    case 7: return .call(.dateTrunc, [.constant(.text("day"), .text), col(scan, 4)], .timestamp)
    case 8: return .call(.modulo, [col(scan, 1), .constant(int(3), .bigint)], .bigint)
    case 9: return .call(.upper, [col(scan, 2)], .text)
    // The ninth column has no negative values, the first has some.
    case 10: return whole(.divide, col(scan, 8), 7000)
    case 11: return .cast(whole(.divide, whole(.modulo, col(scan, 8), 12_000), 3000), .bigint)
    case 12: return whole(.divide, col(scan, 0), 10)
    default: return .cast(col(scan, 6), .text)
    }
  }

  static func call(_ builder: PlanBuilder, _ scan: PhysicalNode, _ random: inout Random) -> AggregateCall {
    let numeric = LogicalType.numeric(precision: nil, scale: nil)
    let field = random.pick([0, 1, 3, 4, 5, 6, 8])
    let value = col(scan, field)
    let whole = random.pick([0, 1, 3, 8])
    switch random.below(9) {
    case 0: return builder.call(.countStar, [], .bigint)
    case 1: return builder.call(.count, [value], .bigint)
    case 2: return builder.call(.min, [value], value.type)
    case 3: return builder.call(.max, [value], value.type)
    case 4:
      let number = random.pick([0, 1, 3, 5, 8])
      return builder.call(.sum, [col(scan, number)], col(scan, number).type == .bigint ? numeric : .bigint)
    case 5:
      let number = random.pick([0, 1, 3, 5, 8])
      return builder.call(.avg, [col(scan, number)], numeric)
    case 6: return builder.call(.count, [col(scan, whole)], .bigint, distinct: true)
    case 7:
      let fraction = Expression.constant(.double(random.pick([0, 0.3, 0.5, 1])), .double)
      let order = [SortKey(col(scan, random.pick([0, 3])), isDescending: random.chance(30))]
      if random.chance(50) {
        return builder.call(.percentileDiscrete, [fraction], order[0].expression.type, order: order)
      }
      let double = [SortKey(.cast(order[0].expression, .double), isDescending: order[0].isDescending)]
      return builder.call(.percentileContinuous, [fraction], .double, order: double)
    default:
      return random.chance(50)
        ? builder.call(.avg, [.cast(col(scan, 3), .double)], .double)
        : builder.call(random.pick([.booleanAnd, .booleanOr]), [col(scan, 7)], .boolean)
    }
  }

  static func predicates(_ random: inout Random) -> [FieldPredicate] {
    var result: [FieldPredicate] = []
    if random.chance(30) {
      let low = random.below(60) - 10
      result.append(FieldPredicate(field: 0, .between(int(low), int(low + random.below(20)))))
    }
    if random.chance(25) { result.append(FieldPredicate(field: 3, .compare(.greater, int(random.below(380) - 190)))) }
    if random.chance(15) { result.append(FieldPredicate(field: 6, .compare(.equal, int(random.below(23) - 7)))) }
    if random.chance(10) { result.append(FieldPredicate(field: 2, .isNotNull)) }
    return result
  }

  static func rows(
    _ node: PhysicalNode, _ builder: PlanBuilder, _ tables: any TableSource, threads: Int, codes: Bool,
    mostDenseSlots: Int = 1 << 20
  ) throws -> (rows: [[Scalar]], groupedCodes: Bool) {
    let context = QueryContext(
      tables: tables, threadCount: threads, now: 0, groupsCodes: codes, mostDenseSlots: mostDenseSlots)
    let rows = Rows()
    let metrics = try Executor.run(builder.plan(node), in: context) { batch in
      for row in 0..<batch.rowCount { rows.values.append(batch.columns.map { $0.scalar(at: row) }) }
    }
    return (rows.values, metrics[node.id]?.groupedCodes ?? false)
  }

  private final class Rows {
    var values: [[Scalar]] = []
  }

  @Test(arguments: 0..<8) func codesGroupAsRowsDo(part: Int) throws {
    var (grouped, partitioned) = (0, 0)
    for number in 0..<12 {
      let seed = UInt64(part * 100 + number + 1)
      var random = Random(seed: seed)
      let builder = PlanBuilder()
      let count = random.pick([0, 1, 63, 1500, 4000, 9000])
      let nulls = random.pick([0, 0, 7, 100])
      let wide = random.chance(20)
      let rowGroup = random.pick([64, 700, 1024, 5000])
      let table = builder.table(
        Self.types, (0..<count).map { Self.row($0, &random, nulls: nulls, wide: wide) }, batchSize: 4500)
      let repeats = random.chance(10)
      let dimension = builder.table(
        Self.dimensionTypes,
        (0..<40).map { Self.dimensionRow($0, repeats ? $0 / 2 : ($0 * 7) % 40 - 6, &random) })
      let forced = random.chance(50) ? random.pick(Encoding.allCases) : nil
      let stored = try StoredTables(
        builder, [Self.types, Self.dimensionTypes], rowGroupRowCount: rowGroup, forced)
      for _ in 0..<6 {
        let scan = builder.scan(table, Self.types, predicates: Self.predicates(&random))
        var input = scan
        var dimensions: [PhysicalNode] = []
        var hasLeftJoin = false
        for _ in 0..<random.pick([0, 0, 1, 2]) {
          let right = builder.scan(
            dimension, Self.dimensionTypes,
            predicates: random.chance(30) ? [FieldPredicate(field: 2, .compare(.less, int(2)))] : [])
          let kind = random.pick([JoinKind.inner, .left, .semi, .anti])
          input = builder.join(kind, input, right, on: [(random.pick([0, 8]), 0)])
          if kind == .inner || kind == .left { dimensions.append(right) }
          hasLeftJoin = hasLeftJoin || kind == .left
        }
        let keys = (0..<random.below(4)).map { _ in Self.key(scan, dimensions, &random) }
        let calls = (0..<(1 + random.below(4))).map { _ in Self.call(builder, scan, &random) }
        let node = builder.aggregate(input, keys: keys, calls)
        let want = Result { try Self.rows(node, builder, stored, threads: 1, codes: false) }
        let slots = random.pick([2, 16, 64])
        let one = Result {
          try Self.rows(node, builder, stored, threads: 1, codes: true, mostDenseSlots: slots)
        }
        let several = Result {
          try Self.rows(node, builder, stored, threads: 3, codes: true, mostDenseSlots: slots)
        }
        switch (want, one, several) {
        case (.success(let expected), .success(let result), .success(let other)):
          partitioned += result.groupedCodes && !keys.isEmpty ? 1 : 0
          #expect(result.rows == other.rows || hasLeftJoin, "seed \(seed): the order depends on the threads")
          if RandomPlanTests.counts(result.rows) != RandomPlanTests.counts(expected.rows)
            || RandomPlanTests.counts(other.rows) != RandomPlanTests.counts(expected.rows)
          {
            Issue.record("seed \(seed), by partitions of \(slots): \(RandomPlanTests.describe(node))")
            return
          }
        case (.failure(let wanted), .failure(let error), .failure):
          #expect((wanted as? PulsehouseError)?.sqlState == (error as? PulsehouseError)?.sqlState, "seed \(seed)")
        default: Issue.record("seed \(seed): \(one), not \(want): \(RandomPlanTests.describe(node))")
        }
        for threads in [1, 3] {
          let got = Result { try Self.rows(node, builder, stored, threads: threads, codes: true) }
          switch (want, got) {
          case (.success(let expected), .success(let result)):
            grouped += result.groupedCodes ? 1 : 0
            if result.rows == expected.rows { continue }
            // A left join gives the rows without a match after the others of their batch, so groups start elsewhere.
            if hasLeftJoin, RandomPlanTests.counts(result.rows) == RandomPlanTests.counts(expected.rows) { continue }
            let place = zip(result.rows, expected.rows).enumerated().first { $1.0 != $1.1 }
            Issue.record(
              """
              seed \(seed), \(threads) threads, on codes \(result.groupedCodes), \(result.rows.count) rows, not \
              \(expected.rows.count); first difference \(String(describing: place)): \(RandomPlanTests.describe(node))
              """)
            return
          case (.failure(let wanted), .failure(let error)):
            #expect((wanted as? PulsehouseError)?.sqlState == (error as? PulsehouseError)?.sqlState, "seed \(seed)")
          default: Issue.record("seed \(seed): \(got), not \(want): \(RandomPlanTests.describe(node))")
          }
        }
      }
    }
    #expect(grouped > 40, "only \(grouped) of 144 queries ran on codes")
    #expect(partitioned > 10, "only \(partitioned) of 72 queries ran on codes by partitions")
  }

  /// The reference evaluator shares no code with any path.
  @Test(arguments: [1, 3], [1 << 20, 16]) func codesGroupAsTheReferenceDoes(threads: Int, slots: Int) throws {
    var random = Random(seed: 77)
    let builder = PlanBuilder()
    let table = builder.table(
      Self.types, (0..<3000).map { Self.row($0, &random, nulls: 7, wide: false) }, batchSize: 2000)
    let dimension = builder.table(
      Self.dimensionTypes, (0..<40).map { Self.dimensionRow($0, ($0 * 7) % 40 - 6, &random) })
    let stored = try StoredTables(builder, [Self.types, Self.dimensionTypes], rowGroupRowCount: 900, nil)
    for kind in [JoinKind.inner, .left, .semi, .anti] {
      let scan = builder.scan(table, Self.types, predicates: [FieldPredicate(field: 3, .compare(.less, int(150)))])
      let right = builder.scan(dimension, Self.dimensionTypes)
      let input = builder.join(kind, scan, right, on: [(0, 0)])
      var keys = [col(scan, 2), col(scan, 7)]
      if kind == .inner || kind == .left { keys.append(col(right, 1)) }
      let calls = [
        builder.call(.countStar, [], .bigint), builder.call(.sum, [col(scan, 3)], .bigint),
        builder.call(.min, [col(scan, 3)], .smallint), builder.call(.max, [col(scan, 4)], .timestamp),
        builder.call(.count, [col(scan, 1)], .bigint, distinct: true), builder.call(.count, [col(scan, 0)], .bigint),
      ]
      let node = builder.aggregate(input, keys: keys, calls)
      let want = try ReferenceEvaluator(tables: builder.tables).rows(node)
      let got = try Self.rows(node, builder, stored, threads: threads, codes: true, mostDenseSlots: slots)
      #expect(got.groupedCodes)
      #expect(RandomPlanTests.counts(got.rows) == RandomPlanTests.counts(want))
    }
  }

  /// A window over groups by partitions takes them in the order of their slots, and need not sort them.
  @Test(arguments: [1, 3], [true, false]) func windowsOverGroupsNeedNoSort(threads: Int, codes: Bool) throws {
    var random = Random(seed: 78)
    let builder = PlanBuilder()
    let table = builder.table(
      Self.types, (0..<6000).map { Self.row($0, &random, nulls: 7, wide: false) }, batchSize: 2000)
    let stored = try StoredTables(builder, [Self.types], rowGroupRowCount: 900, nil)
    let scan = builder.scan(table, Self.types)
    let groups = builder.aggregate(
      scan, keys: [col(scan, 6), col(scan, 0)], [builder.call(.countStar, [], .bigint)])
    let node = builder.window(
      groups, partition: [col(groups, 1)], order: [SortKey(col(groups, 0))],
      [WindowCall(.lag, [col(groups, 2)], output: builder.column("before", .bigint))])
    let want = try ReferenceEvaluator(tables: builder.tables).rows(node)
    for slots in [16, 1 << 20] {
      let got = try Self.rows(node, builder, stored, threads: threads, codes: codes, mostDenseSlots: slots)
      #expect(RandomPlanTests.counts(got.rows) == RandomPlanTests.counts(want))
    }
  }
}

extension Array {
  fileprivate func randomElement(_ random: inout Random) -> Element? { isEmpty ? nil : random.pick(self) }
}
