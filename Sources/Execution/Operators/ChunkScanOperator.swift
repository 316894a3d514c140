import Bytes
import Kernels
import Planning
import Vectors

/// Scans files that others wrote, a chunk a morsel: what the plan's conditions and columns need is read, and no more.
final class ChunkScanOperator: Operator {
  private let chunks: [TableChunk]
  private let filter: CompiledPredicate?
  private let predicate: CompiledPredicate?
  /// The fields that are read: outputs first, then those only predicates look at.
  private let fields: [Int]
  private let sources: [Int]
  private let tested: [Int]

  init(_ node: PhysicalNode, _ run: QueryRun, scan: TableScan, chunks: [TableChunk]) throws {
    self.chunks = chunks
    var fields: [Int] = []
    func place(_ field: Int) -> Int {
      if let known = fields.firstIndex(of: field) { return known }
      fields.append(field)
      return fields.count - 1
    }
    sources = try scan.sources.map { source in
      guard case .field(let field) = source else {
        throw PulsehouseError(.user, "the rows of a file cannot be changed", sqlState: "42809")
      }
      return place(field)
    }
    tested = scan.predicates.map { place($0.field) }
    let columns = zip(scan.predicates, tested).enumerated().map { index, pair in
      let field = scan.fields.count > pair.0.field ? scan.fields[pair.0.field] : Field("field", .unknown)
      return Column(id: -1 - index, name: field.name, type: field.type)
    }
    let conditions = zip(scan.predicates, columns).map { $0.predicate.expression(over: $1) }
    predicate = try conditions.first.map {
      try CompiledPredicate(conditions.count == 1 ? $0 : .and(conditions), input: columns)
    }
    filter = try scan.filter.map { try CompiledPredicate($0, input: node.output) }
    self.fields = fields
    super.init(node, run)
  }

  override func morselCount(phase: Int) throws -> Int? { phase == 0 ? chunks.count : nil }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  private final class Worker: OperatorWorker {
    let operation: ChunkScanOperator

    init(_ operation: ChunkScanOperator) { self.operation = operation }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      try operation.chunks[morsel].read(operation.fields) { try take($0, emit) }
    }

    private func take(_ read: Batch, _ emit: Emit) throws {
      let run = operation.run
      for start in stride(from: 0, to: read.rowCount, by: Batch.vectorSize) {
        try run.checkpoint()
        let rows = start..<min(start + Batch.vectorSize, read.rowCount)
        let window = read.columns.map { $0.slice(rows) }
        var output = Batch(
          zip(operation.sources, operation.columns).map { window[$0].retyped(as: $1.type) }, rowCount: rows.count)
        if let predicate = operation.predicate,
          let selection = try predicate.select(
            Batch(operation.tested.map { window[$0] }, rowCount: rows.count), run.evaluation)
        {
          output = Gather.rows(output, selection)
        }
        if output.rowCount > 0, let filter = operation.filter,
          let selection = try filter.select(output, run.evaluation)
        {
          output = Gather.rows(output, selection)
        }
        if output.rowCount > 0 { try emit(output) }
      }
    }
  }
}
