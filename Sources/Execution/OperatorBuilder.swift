import Bytes
import Planning
import Vectors

/// Makes operators of plan nodes: the one switch over what an operator can be.
final class OperatorBuilder {
  private let run: QueryRun
  private var shared: [Int: Operator] = [:]
  /// Aggregations that were made to run on codes, by the ids of their nodes.
  private(set) var groupingsOfCodes: Set<Int> = []
  /// Of a turn of a recursion: its number, the rows of the turn before, and the builder of the query around it.
  private let turn: (id: Int, rows: [Batch], outer: OperatorBuilder)?

  init(_ run: QueryRun) {
    self.run = run
    turn = nil
  }

  /// Builds what one turn of a recursion runs.
  init(_ run: QueryRun, turn id: Int, rows: [Batch], outer: OperatorBuilder) {
    self.run = run
    turn = (id, rows, outer)
  }

  func build(_ node: PhysicalNode) throws -> Operator {
    if case .shared = node.operation, let existing = shared[node.id] { return existing }
    // What does not depend on the turn is computed once for all of them.
    if case .shared = node.operation, let turn, !node.reads(working: turn.id) { return try turn.outer.build(node) }
    let made = try make(node)
    if case .shared = node.operation { shared[node.id] = made }
    return made
  }

  private func make(_ node: PhysicalNode) throws -> Operator {
    switch node.operation {
    case .recursion(let id, let all):
      guard node.inputs.count == 2 else { throw PulsehouseError(.internal, "a recursion has two inputs") }
      return RecursionOperator(
        node, run, base: try build(node.inputs[0]), step: node.inputs[1], id: id, all: all, builder: self)
    case .working(let id):
      if let turn, turn.id == id { return WorkingRowsOperator(node, run, rows: turn.rows) }
      guard let outer = turn?.outer else { throw PulsehouseError(.internal, "there is no recursion \(id)") }
      return try outer.build(node)
    default: break
    }
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
      let general = { [run] (input: Operator) in
        try AggregateOperator(node, run, input: input, aggregation: aggregation)
      }
      let input = try input()
      guard run.context.groupsCodes, let shape = try ScanAggregateShape(aggregation, input, run) else {
        return try general(input)
      }
      groupingsOfCodes.insert(node.id)
      // The general operator gets inputs of its own: those of the shape may have run by the time it is needed.
      return ScanAggregateOperator(node, run, aggregation, shape) { try general(try self.build(node.inputs[0])) }
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
    case .window(let windowing):
      return try WindowOperator(node, run, input: input(), windowing: windowing) {
        try node.inputs[0].narrowed(to: $0, isCounted: $1).map { try self.build($0) }
      }
    case .expand(let expansion): return try ExpandOperator(node, run, input: input(), expansion: expansion)
    case .recursion, .working: throw PulsehouseError(.internal, "a recursion is made before its inputs")
    }
  }
}

extension PhysicalNode {
  /// Whether this or anything below reads the rows of the recursion's last turn.
  fileprivate func reads(working id: Int) -> Bool {
    if case .working(id) = operation { return true }
    return inputs.contains { $0.reads(working: id) }
  }
}
