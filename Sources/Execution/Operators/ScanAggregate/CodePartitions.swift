import Kernels
import Vectors

/// The rows of all workers of a partitioned scan aggregation: its output, a morsel some partitions that follow each other.
final class CodePartitions {
  private let plan: ScanAggregatePlan
  private let shift: Int
  private let pieces: CodePieces
  private let columns: GroupColumns
  private let run: QueryRun
  /// Holds the memory of pieces and tables.
  private let reservations: [MemoryReservation]
  let morsels: [Range<Int>]

  /// Rows of a morsel, about.
  private static let morselRows = 1 << 17

  init(
    _ plan: ScanAggregatePlan, shift: Int, _ rows: [CodeRows], _ keys: [PartKeys],
    outputs: [ScanAggregateShape.Output], types: [LogicalType], _ run: QueryRun, _ tables: MemoryReservation
  ) {
    self.plan = plan
    self.shift = shift
    self.run = run
    pieces = CodePieces(rows.flatMap { $0.pieces }, measureCount: plan.measures.count)
    reservations = rows.map { $0.reservation } + [tables]
    columns = GroupColumns(plan, keys, outputs, types)
    var morsels: [Range<Int>] = []
    var (start, count) = (0, 0)
    for partition in 0..<plan.partitionCount {
      count += pieces.rowCount(of: partition)
      if count >= CodePartitions.morselRows || partition == plan.partitionCount - 1 {
        if count > 0 { morsels.append(start..<partition + 1) }
        (start, count) = (partition + 1, 0)
      }
    }
    self.morsels = morsels
  }

  var byteCount: Int { reservations.reduce(0) { $0 + $1.byteCount } }

  final class Worker: OperatorWorker {
    private let source: CodePartitions
    private let tables: CodePartitionTables

    init(_ source: CodePartitions) {
      self.source = source
      tables = CodePartitionTables(source.plan, shift: source.shift)
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      for partition in source.morsels[morsel] {
        try source.run.checkpoint()
        try tables.run(source.pieces, partition: partition) { groups in
          var start = 0
          while start < groups.count {
            let end = min(start + Batch.vectorSize, groups.count)
            try emit(
              try source.columns.batch(
                UnsafeBufferPointer(rebasing: groups[start..<end]), tables.measures, tables.rows,
                firstSlot: UInt32(truncatingIfNeeded: partition << source.shift)))
            start = end
          }
        }
      }
    }
  }
}
