import Kernels
import Planning
import Synchronization
import Vectors

/// GROUP BY, in one of three ways:
///
/// - Few groups: every worker groups its own rows, then the workers' groups are merged. Groups come out in the order of
///   their first rows.
/// - More than `AggregateOperator.manyGroups`: workers hand their groups over in pieces (`GroupingSink`), which are
///   merged partition by partition of the keys' hash while they are read, on all threads, and wait on disk where memory
///   does not hold them. Groups come out by partition, and in a partition in the order of their first rows.
/// - The table is stored in the order of a key: `ClusteredGrouping`.
///
/// The way and the order depend on the data and the plan alone, not on the number of threads. Only a partition that is
/// too large for memory comes out in parts.
final class AggregateOperator: Operator {
  let input: Operator
  let aggregation: Aggregation
  let keys: [CompiledExpression]
  let aggregates: [CompiledAggregate]
  let sets: [[Int]]
  let partitionBits: Int
  private var clustered: ClusteredGrouping?
  /// What each set's output comes from, and its morsels.
  private var outputs: [Output] = []
  private var morsels: [(output: Int, part: Int)] = []
  private var reservation: MemoryReservation?

  private enum Output {
    /// The one row of an aggregation without keys that the zone maps gave.
    case row(Batch)
    /// Groups of a sealed state in their order.
    case groups(GroupingState, [UInt32], set: [Int])
    case partitions(GroupMerge, set: [Int])
  }

  /// Beyond this many groups output comes by partitions.
  static let manyGroups = 1 << 15
  private static let morselGroups = 16 * Batch.vectorSize

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, aggregation: Aggregation) throws {
    self.input = input
    self.aggregation = aggregation
    keys = try aggregation.keys.map { try CompiledExpression($0, input: input.columns) }
    aggregates = try aggregation.aggregates.map { try CompiledAggregate($0, input: input.columns, run) }
    sets = aggregation.groupingSets ?? [Array(aggregation.keys.indices)]
    partitionBits = AggregateOperator.partitionBits(
      rows: input.node.estimatedRowCount, groups: node.estimatedRowCount)
    super.init(node, run)
  }

  /// Partitions are for many threads and small tables: 64 of them up to 32 million rows, if there are few groups, and
  /// 1,024 at most.
  private static func partitionBits(rows: Double, groups: Double) -> Int {
    var bits = 6
    while bits < 10, rows > Double(1 << (bits + 19)) || groups > Double(1 << (bits + 14)) { bits += 1 }
    return bits
  }

  override func prepare() throws {
    if let row = try ZoneMapAnswer.row(aggregation, input, types) {
      outputs = [.row(row)]
      return
    }
    if aggregation.groupingSets == nil, !keys.isEmpty, let key = try ClusteredKey.find(aggregation.keys, input) {
      key.scan.keepsRowGroups = true
      clustered = ClusteredGrouping(self, key)
      return try input.prepareOnce()
    }
    let reservation = run.reservation(for: "GROUP BY")
    self.reservation = reservation
    var sinks = try Pipeline.run(input) { _ in try GroupingSink(self) }
    if sinks.isEmpty { sinks = [try GroupingSink(self)] }
    metrics.memoryCounter.store(sinks.reduce(0) { $0 + $1.reservation.byteCount }, ordering: .relaxed)
    for (index, set) in sets.enumerated() { outputs.append(try output(sinks.map { $0.groupings[index] }, set)) }
  }

  func makeState(_ set: [Int]) throws -> GroupingState {
    let bounds = aggregation.keyBounds
    return try GroupingState(
      set.map { aggregation.keys[$0].type }, hints: set.map { $0 < bounds.count ? bounds[$0] : nil }, aggregates)
  }

  private func output(_ groupings: [WorkerGrouping], _ set: [Int]) throws -> Output {
    if set.isEmpty { groupings[0].state.openSingleGroup() }
    let hasPieces = groupings.contains { $0.hasPieces }
    if hasPieces {
      for grouping in groupings { try grouping.finish() }
      return .partitions(GroupMerge(self, groupings, set), set: set)
    }
    let states = groupings.map { $0.state }.filter { $0.groupCount > 0 }
    for state in states { try state.seal() }
    guard var target = states.first else { return .groups(groupings[0].state, [], set: set) }
    if states.count > 1 {
      target = try makeState(set)
      for state in states { try target.merge(state) }
      try target.seal()
    }
    guard target.groupCount > AggregateOperator.manyGroups else { return .groups(target, target.order(), set: set) }
    let partitioned = PartitionedGroups(target, bits: partitionBits)
    return .groups(target, (0..<(1 << partitionBits)).flatMap { partitioned[$0] }, set: set)
  }

  override func morselCount(phase: Int) throws -> Int? {
    if let clustered { return try clustered.morselCount(phase: phase) }
    guard phase == 0 else { return nil }
    morsels.removeAll()
    for (index, output) in outputs.enumerated() {
      let count =
        switch output {
        case .row: 1
        case .groups(_, let order, _):
          (order.count + AggregateOperator.morselGroups - 1) / AggregateOperator.morselGroups
        case .partitions: 1 << partitionBits
        }
      morsels += (0..<count).map { (index, $0) }
    }
    return morsels.count
  }

  override func makeWorker() throws -> OperatorWorker {
    if let clustered { return try clustered.makeWorker() }
    return Worker(self)
  }

  override func finish() {
    if clustered != nil { input.finish() }
    clustered = nil
    outputs = []
    reservation = nil
  }

  private final class Worker: OperatorWorker {
    let operation: AggregateOperator

    init(_ operation: AggregateOperator) { self.operation = operation }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let (output, part) = operation.morsels[morsel]
      switch operation.outputs[output] {
      case .row(let row): try emit(row)
      case .groups(let state, let order, let set):
        let start = part * AggregateOperator.morselGroups
        let end = min(start + AggregateOperator.morselGroups, order.count)
        try operation.emit(state, order[start..<end], set, emit)
      case .partitions(let merge, let set):
        try merge.run(partition: part) { try operation.emit($0, $0.order()[...], set, emit) }
      }
    }
  }

  // MARK: Rows

  /// Hands on the output rows of `groups`: keys, aggregates, and the bits of the keys that the set leaves out.
  func emit(_ state: GroupingState, _ groups: ArraySlice<UInt32>, _ set: [Int], _ emit: Emit) throws {
    var start = groups.startIndex
    while start < groups.endIndex {
      let end = min(start + Batch.vectorSize, groups.endIndex)
      try emit(try groups[start..<end].withUnsafeBufferPointer { try batch(state, $0, set) })
      start = end
    }
  }

  private func batch(_ state: GroupingState, _ groups: UnsafeBufferPointer<UInt32>, _ set: [Int]) throws -> Batch {
    let keyVectors = state.table.keyVectors(groups)
    let types = self.types
    var output: [Vector] = []
    for key in aggregation.keys.indices {
      if let place = set.firstIndex(of: key) {
        output.append(keyVectors[place].retyped(as: types[key]))
      } else {
        output.append(.nulls(types[key], count: groups.count))
      }
    }
    for accumulator in state.accumulators {
      output.append(try accumulator.result(groups).retyped(as: types[output.count]))
    }
    if aggregation.groupingSets != nil, output.count < types.count {
      var bits: Int64 = 0
      for key in aggregation.keys.indices where !set.contains(key) {
        bits |= 1 << Int64(aggregation.keys.count - 1 - key)
      }
      output.append(.constant(.bigint, .integer(bits), count: groups.count))
    }
    return Batch(output, rowCount: groups.count)
  }
}
