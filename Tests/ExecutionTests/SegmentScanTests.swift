import Bytes
import Execution
import Glibc
import Planning
import Segments
import Testing
import Vectors

/// The batches of a `PlanBuilder`'s tables, each written as a segment file.
struct SegmentTables: TableSource {
  let tables: [[SegmentHandle]]

  /// The files are unlinked as soon as they are mapped.
  init(_ builder: PlanBuilder, _ schema: Schema, rowGroupRowCount: Int) throws {
    tables = try builder.tables.map { batches in
      try batches.map { batch in
        let path =
          "/tmp/pulsehouse-scan-\(getpid())-\(UInt64(UInt(bitPattern: ObjectIdentifier(batch.columns[0]).hashValue)))"
        var options = SegmentOptions()
        options.rowGroupRowCount = rowGroupRowCount
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
          rowCount: summary.rowCount, byteCount: summary.byteCount, zoneMaps: { summary.zoneMaps }, open: { reader })
      }
    }
  }

  func data(for table: TableReference) throws -> TableData { .segments(tables[Int(table.handle)]) }
}

@Suite struct SegmentScanTests {
  static let types: [LogicalType] = [.integer, .text, .double, .bigint]
  static let schema = Schema(types.enumerated().map { Field("c\($0.offset)", $0.element) })

  static func rows(_ count: Int, _ random: inout Random) -> [[Scalar]] {
    (0..<count).map { row in
      [
        random.chance(10) ? .null : int(row / 3), random.chance(10) ? .null : .text("name \(random.below(6))"),
        random.chance(10) ? .null : .double(Double(random.below(1000)) / 4), int(row % 100 - 50),
      ]
    }
  }

  static func run(_ node: PhysicalNode, _ builder: PlanBuilder, _ tables: any TableSource, threads: Int) throws
    -> ([[Scalar]], QueryMetrics)
  {
    let context = QueryContext(tables: tables, threadCount: threads, now: 0, parameters: [int(700)])
    let batches = Box([Batch]())
    let metrics = try Executor.run(builder.plan(node), in: context) { batches.value.append($0) }
    return (
      batches.value.flatMap { batch in (0..<batch.rowCount).map { row in batch.columns.map { $0.scalar(at: row) } } },
      metrics
    )
  }

  private final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
  }

  @Test(arguments: [0, 1, 2047, 2049, 9000], [1, 3]) func segmentsScanAsBatchesDo(count: Int, threads: Int) throws {
    var random = Random(seed: UInt64(count + threads))
    let builder = PlanBuilder()
    let table = builder.table(Self.types, Self.rows(count, &random), batchSize: 4000)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 1500)
    let memory = MemoryTables(tables: builder.tables)
    let predicates: [[FieldPredicate]] = [
      [], [FieldPredicate(field: 0, .compare(.less, int(500)))],
      [FieldPredicate(field: 0, .between(int(100), int(1100)))],
      [FieldPredicate(field: 1, .isIn([.text("name 2"), .text("name 5")])), FieldPredicate(field: 3, .isNotNull)],
      [FieldPredicate(field: 2, .isNull)], [FieldPredicate(field: 0, .compare(.greater, int(100_000)))],
      [
        FieldPredicate(field: 3, .compare(.equal, int(7))),
        FieldPredicate(field: 1, .compare(.notEqual, .text("name 1"))),
      ],
    ]
    let filters: [(([Column]) -> Expression)?] = [
      nil, { .compare(.greater, .column($0[2]), .constant(.double(100), .double)) },
      { .and([.compare(.lessOrEqual, .column($0[0]), .parameter(1, .integer)), .not(.isNull(.column($0[1])))]) },
    ]
    for tests in predicates {
      for filter in filters {
        let scan = builder.scan(table, Self.types, predicates: tests, filter: filter)
        let (want, _) = try Self.run(scan, builder, memory, threads: 1)
        let (got, _) = try Self.run(scan, builder, segments, threads: threads)
        #expect(got == want, "\(tests)")
      }
    }
  }

  /// A key in runs as long as several windows and as short as a row, whose rows are found without testing them.
  @Test(arguments: [1, 3]) func longRunsScanAsBatchesDo(threads: Int) throws {
    var random = Random(seed: 77)
    let builder = PlanBuilder()
    var rows: [[Scalar]] = []
    for run in 0..<24 {
      let length = [1, 5000, 300, 2048, 700, 9000][run % 6]
      for _ in 0..<length {
        rows.append([
          int(run / 2 % 5), .text("name \(run % 4)"),
          random.chance(10) ? .null : .double(Double(random.below(1000)) / 4), int(random.below(100)),
        ])
      }
    }
    let table = builder.table(Self.types, rows, batchSize: 40_000)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 30_000)
    let memory = MemoryTables(tables: builder.tables)
    let second = FieldPredicate(field: 3, .compare(.less, int(60)))
    for first in [
      FieldPredicate(field: 0, .compare(.equal, int(2))), FieldPredicate(field: 0, .compare(.notEqual, int(2))),
      FieldPredicate(field: 1, .compare(.equal, .text("name 1"))), FieldPredicate(field: 0, .isIn([int(0), int(4)])),
    ] {
      for tests in [[first], [second, first]] {
        for filter: (([Column]) -> Expression)? in [
          nil, { .compare(.greater, .column($0[2]), .constant(.double(100), .double)) },
        ] {
          let scan = builder.scan(table, Self.types, predicates: tests, filter: filter)
          let (want, _) = try Self.run(scan, builder, memory, threads: 1)
          let (got, _) = try Self.run(scan, builder, segments, threads: threads)
          #expect(!want.isEmpty && got == want, "\(tests)")
        }
      }
    }
  }

  /// Rows nearly in order of a key, some of them late: groups of the key are complete row group by row group, but for
  /// those that the zone maps cannot vouch for.
  @Test(arguments: [0, 3, 40]) func clusteredKeysGroupAsOthersDo(latePercent: Int) throws {
    var random = Random(seed: 31)
    let builder = PlanBuilder()
    let count = 36_000
    let rows = (0..<count).map { row in
      let late = row % 9000 > 7000 && random.chance(latePercent)
      let key: Scalar = random.chance(1) ? .null : int(late ? random.below(count / 7) : row / 7)
      return [key, .text("name \(random.below(6))"), .double(Double(random.below(1000)) / 4), int(row % 100 - 50)]
        as [Scalar]
    }
    let table = builder.table(Self.types, rows, batchSize: 9000)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 1024)
    let memory = MemoryTables(tables: builder.tables)
    for predicates in [[], [FieldPredicate(field: 3, .compare(.less, int(20)))]] {
      let scan = builder.scan(table, Self.types, predicates: predicates)
      let moved = builder.project(scan, [3, 0, 1, 2].map { col(scan, $0) })
      let node = builder.aggregate(
        moved, keys: [col(moved, 2), col(moved, 1)],
        [
          builder.call(.countStar, [], .bigint), builder.call(.sum, [col(moved, 3)], .double),
          builder.call(.count, [col(moved, 0)], .bigint, distinct: true),
        ])
      let (want, _) = try Self.run(node, builder, memory, threads: 1)
      let (one, _) = try Self.run(node, builder, segments, threads: 1)
      let (many, _) = try Self.run(node, builder, segments, threads: 3)
      #expect(one == many)
      #expect(RandomPlanTests.counts(one) == RandomPlanTests.counts(want))
    }
  }

  @Test(arguments: [1, 2]) func zoneMapsSkipAndAnswer(threads: Int) throws {
    var random = Random(seed: 5)
    let builder = PlanBuilder()
    let table = builder.table(Self.types, Self.rows(9000, &random), batchSize: 3000)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 1000)
    let memory = MemoryTables(tables: builder.tables)
    let first = builder.scan(table, Self.types, predicates: [FieldPredicate(field: 0, .compare(.less, int(300)))])
    let (_, metrics) = try Self.run(first, builder, segments, threads: threads)
    let scan = try #require(metrics[first.id])
    #expect(scan.segmentsSkipped == 2 && scan.rowGroupsSkipped == 2 && scan.rowGroupsRead == 1)
    #expect(scan.bytesRead > 0 && scan.bytesSkipped > scan.bytesRead)

    // The whole table's figures are known without reading it; with a filter they are not.
    for filter in [nil, { (columns: [Column]) in Expression.not(.isNull(.column(columns[1]))) }] {
      let all = builder.scan(table, Self.types, filter: filter)
      let calls = [
        builder.call(.countStar, [], .bigint), builder.call(.count, [col(all, 1)], .bigint),
        builder.call(.min, [col(all, 0)], .integer), builder.call(.max, [col(all, 2)], .double),
        builder.call(.sum, [col(all, 3)], .numeric(precision: nil, scale: nil)),
        builder.call(.avg, [col(all, 0)], .numeric(precision: nil, scale: nil)),
      ]
      let node = builder.aggregate(all, keys: [], calls)
      let (want, _) = try Self.run(node, builder, memory, threads: 1)
      let (got, figures) = try Self.run(node, builder, segments, threads: threads)
      #expect(got == want)
      #expect((figures[all.id]?.rowGroupsRead == 0) == (filter == nil))
    }
  }

  @Test(arguments: [1, 2]) func rowIdentifiersNameSegmentAndRow(threads: Int) throws {
    var random = Random(seed: 6)
    let builder = PlanBuilder()
    let table = builder.table(Self.types, Self.rows(5000, &random), batchSize: 2500)
    let segments = try SegmentTables(builder, Self.schema, rowGroupRowCount: 1000)
    let output = [builder.column("row", .bigint), builder.column("c3", .bigint)]
    let scan = TableScan(
      table: TableReference(schema: "public", name: "t", handle: UInt64(table)), sources: [.rowIdentifier, .field(3)],
      predicates: [FieldPredicate(field: 3, .compare(.equal, int(11)))])
    let (got, _) = try Self.run(builder.node(.scan(scan), [], output), builder, segments, threads: threads)
    var want: [[Scalar]] = []
    for row in 0..<5000 where row % 100 == 61 {
      let identifier = Int64(row / 2500) << 40 | Int64(row % 2500)
      want.append([.integer(identifier), int(11)])
    }
    #expect(got == want)
  }
}
