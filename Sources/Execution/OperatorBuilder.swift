import Bytes
import Planning

/// Makes operators of plan nodes: the one switch over what an operator can be.
final class OperatorBuilder {
  private let run: QueryRun
  private var shared: [Int: Operator] = [:]

  init(_ run: QueryRun) { self.run = run }

  func build(_ node: PhysicalNode) throws -> Operator {
    if case .shared = node.operation, let existing = shared[node.id] { return existing }
    let made = try make(node)
    if case .shared = node.operation { shared[node.id] = made }
    return made
  }

  private func make(_ node: PhysicalNode) throws -> Operator {
    let inputs = try node.inputs.map { try build($0) }
    func input() throws -> Operator {
      guard let first = inputs.first else { throw PulsehouseError(.internal, "operator \(node.id) has no input") }
      return first
    }
    switch node.operation {
    case .scan(let planned):
      let scan = try RuntimePredicates.apply(to: planned, node, run)
      switch try run.context.tables.data(for: scan.table) {
      case .batches(let batches): return BatchScanOperator(node, run, scan: scan, batches: batches)
      case .segments(let segments): return try SegmentScanOperator(node, run, scan: scan, segments: segments)
      case .chunks(let chunks): return try ChunkScanOperator(node, run, scan: scan, chunks: chunks)
      }
    case .values(let rows): return ValuesOperator(node, run, rows: rows)
    case .series(let arguments): return SeriesOperator(node, run, arguments: arguments)
    case .filter(let condition): return try FilterOperator(node, run, input: input(), condition: condition)
    case .project(let expressions): return try ProjectOperator(node, run, input: input(), expressions: expressions)
    case .aggregate(let aggregation):
      return try AggregateOperator(node, run, input: input(), aggregation: aggregation)
    case .limit(let count, let offset):
      return try LimitOperator(node, run, input: input(), count: count, offset: offset)
    case .concatenate: return ConcatenateOperator(node, run, inputs: inputs)
    case .shared: return SharedOperator(node, run, input: try input())
    case .join(let join):
      guard inputs.count == 2 else { throw PulsehouseError(.internal, "a join has two inputs") }
      return try JoinOperator(node, run, left: inputs[0], right: inputs[1], join: join)
    case .sort(let keys): return try SortOperator(node, run, input: input(), keys: keys)
    case .topN(let keys, let count, let offset, let withTies):
      return try TopNOperator(
        node, run, input: input(), keys: keys, count: count, offset: offset, withTies: withTies)
    case .setOperation(let operation, let all):
      guard inputs.count == 2 else { throw PulsehouseError(.internal, "a set operation has two inputs") }
      return SetOperationOperator(node, run, left: inputs[0], right: inputs[1], operation, all: all)
    case .distinctOn(let keys): return try DistinctOnOperator(node, run, input: input(), keys: keys)
    case .window(let windowing): return try WindowOperator(node, run, input: input(), windowing: windowing)
    }
  }
}
