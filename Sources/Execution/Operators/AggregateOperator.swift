import Kernels
import Planning
import Synchronization
import Vectors

/// GROUP BY: every worker groups its own rows, then the workers' groups are merged, by partitions when they are many.
///
/// Groups come out in the order of their first rows; more than `partitionedGroups` of them by partition of the key's
/// hash and then in that order. Both are the same for any number of threads.
final class AggregateOperator: RowsOperator {
  private let input: Operator
  private let aggregation: Aggregation
  private let keys: [CompiledExpression]
  private let aggregates: [CompiledAggregate]
  private let sets: [[Int]]

  /// Beyond this many groups the output is made by partitions, in parallel.
  private static let partitionedGroups = 1 << 15
  private static let partitionBits = 6

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, aggregation: Aggregation) throws {
    self.input = input
    self.aggregation = aggregation
    keys = try aggregation.keys.map { try CompiledExpression($0, input: input.columns) }
    aggregates = try aggregation.aggregates.map { try CompiledAggregate($0, input: input.columns, run) }
    sets = aggregation.groupingSets ?? [Array(aggregation.keys.indices)]
    super.init(node, run)
  }

  override func prepare() throws {
    if let row = try ZoneMapAnswer.row(aggregation, input, types) {
      rows = [row]
      return
    }
    let reservation = run.reservation(for: "GROUP BY")
    self.reservation = reservation
    var sinks = try Pipeline.run(input) { _ in try AggregateSink(self) }
    if sinks.isEmpty { sinks = [try AggregateSink(self)] }
    for (index, set) in sets.enumerated() {
      var states = sinks.map { $0.states[index] }
      if set.isEmpty { states[0].openSingleGroup() }
      for state in states { try state.seal() }
      states = states.filter { $0.groupCount > 0 }
      try output(states, set)
    }
    let held = sinks.reduce(0) { $0 + $1.reservation.byteCount }
    metrics.memoryCounter.store(held, ordering: .relaxed)
    var size = BatchSize()
    try reservation.resize(to: rows.reduce(0) { $0 + size.byteCount($1) })
  }

  fileprivate func makeState(_ set: [Int]) throws -> GroupingState {
    let bounds = aggregation.keyBounds
    return try GroupingState(
      set.map { aggregation.keys[$0].type }, hints: set.map { $0 < bounds.count ? bounds[$0] : nil }, aggregates)
  }

  private func output(_ states: [GroupingState], _ set: [Int]) throws {
    guard let first = states.first else { return }
    let total = states.reduce(0) { $0 + $1.groupCount }
    var target = first
    if total <= AggregateOperator.partitionedGroups || set.isEmpty {
      if states.count > 1 {
        target = try makeState(set)
        for state in states { try target.merge(state, Array(0..<UInt32(truncatingIfNeeded: state.groupCount))) }
        try target.seal()
      }
      // The sum over workers depends on their number, so the number of merged groups decides.
      if target.groupCount <= AggregateOperator.partitionedGroups || set.isEmpty {
        rows += try batches(target, target.order(), set)
        return
      }
    }
    if states.count == 1 || target !== first {
      try outputPartitions([target], set, merging: false)
    } else {
      try outputPartitions(states, set, merging: true)
    }
  }

  /// Makes the output partition by partition, on all threads.
  private func outputPartitions(_ states: [GroupingState], _ set: [Int], merging: Bool) throws {
    let count = 1 << AggregateOperator.partitionBits
    let members = Box(states.map { _ in [[UInt32]]() })
    let shared = Box(states)
    try WorkerPool.shared.forEach(count: states.count, threads: run.threadCount) { index, _ in
      let lists = AggregateOperator.partition(shared.value[index], count)
      members.value[index] = lists
    }
    let results = Box([[Batch]](repeating: [], count: count))
    let finished = Box([GroupingState?](repeating: nil, count: count))
    let this = Box(self)
    try WorkerPool.shared.forEach(count: count, threads: run.threadCount) { partition, _ in
      try this.value.run.checkpoint()
      if merging {
        let target = try this.value.makeState(set)
        for (index, state) in shared.value.enumerated() { try target.merge(state, members.value[index][partition]) }
        try target.seal()
        finished.value[partition] = target
        results.value[partition] = try this.value.batches(target, target.order(), set)
      } else {
        let state = shared.value[0]
        results.value[partition] = try this.value.batches(state, members.value[0][partition], set)
      }
    }
    let merged = finished.value.reduce(0) { $0 + ($1?.groupCount ?? 0) }
    if merging, merged <= AggregateOperator.partitionedGroups {
      // Many workers had the same few groups: bring them into the order that one worker would give.
      var ordered: [(first: UInt64, partition: Int, row: Int)] = []
      for (partition, state) in finished.value.enumerated() {
        guard let state else { continue }
        for (row, group) in state.order().enumerated() { ordered.append((state.firsts[Int(group)], partition, row)) }
      }
      ordered.sort { $0.first < $1.first }
      var bases: [Int] = []
      var base = 0
      for batches in results.value {
        bases.append(base)
        base += batches.reduce(0) { $0 + $1.rowCount }
      }
      let all = Concat.batches(results.value.flatMap { $0 }, types: types)
      let order = ordered.map { UInt32(truncatingIfNeeded: bases[$0.partition] + $0.row) }
      rows.append(order.withUnsafeBufferPointer { Gather.rows(all, at: $0) })
      return
    }
    rows += results.value.flatMap { $0 }
  }

  /// Splits a state's groups, in order of first appearance, by the top bits of their keys' hash, which is the same in
  /// every worker.
  private static func partition(_ state: GroupingState, _ count: Int) -> [[UInt32]] {
    var lists = [[UInt32]](repeating: [], count: count)
    let shift = UInt64(64 - partitionBits)
    let order = state.order()
    var start = 0
    while start < order.count {
      let groups = order[start..<min(start + Batch.vectorSize, order.count)]
      let keys = groups.withUnsafeBufferPointer { state.table.keyVectors($0) }
      let hashes = Hash.rows(keys, count: groups.count)
      for (hash, group) in zip(hashes, groups) { lists[Int(hash >> shift)].append(group) }
      start += groups.count
    }
    return lists
  }

  /// Makes the output rows of `groups`: keys, aggregates, and the bits of the keys that the set leaves out.
  private func batches(_ state: GroupingState, _ groups: [UInt32], _ set: [Int]) throws -> [Batch] {
    var result: [Batch] = []
    let size = 1 << 16
    var start = 0
    while start < groups.count {
      let end = min(start + size, groups.count)
      result.append(try groups[start..<end].withUnsafeBufferPointer { try batch(state, $0, set) })
      start = end
    }
    return result
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
    if let all = aggregation.groupingSets, all.count > 1 {
      var bits: Int64 = 0
      for key in aggregation.keys.indices where !set.contains(key) {
        bits |= 1 << Int64(aggregation.keys.count - 1 - key)
      }
      output.append(.constant(.bigint, .integer(bits), count: groups.count))
    }
    return Batch(output, rowCount: groups.count)
  }

  private final class AggregateSink: Sink {
    let operation: AggregateOperator
    let states: [GroupingState]
    let reservation: MemoryReservation
    private var position: UInt64 = 0
    private let takesPosition: Bool

    init(_ operation: AggregateOperator) throws {
      self.operation = operation
      states = try operation.sets.map { try operation.makeState($0) }
      reservation = operation.run.reservation(for: "GROUP BY")
      takesPosition = operation.aggregates.contains { $0.takesPosition }
    }

    override func begin(ordinal: Int) { position = UInt64(ordinal) << 32 }

    override func consume(_ batch: Batch) throws {
      let context = operation.run.evaluation
      let count = batch.rowCount
      let keys = try operation.keys.map { try $0.evaluate(batch, context) }
      var positions: Vector?
      if takesPosition {
        var builder = VectorBuilder(.bigint, capacity: count)
        let values = builder.values(as: Int64.self)
        for row in 0..<count { values[row] = Int64(bitPattern: position &+ UInt64(row)) }
        builder.advance(by: count)
        positions = builder.finish()
      }
      var inputs: [[Vector]] = []
      var filters: [SelectionVector?] = []
      for aggregate in operation.aggregates {
        let filter = try aggregate.filter?.select(batch, context)
        var vectors: [Vector] = []
        for input in aggregate.inputs {
          // Arguments of rows that the filter drops must not be computed: they may be errors.
          vectors.append(try AggregateSink.evaluate(input, batch, filter, context))
        }
        if aggregate.takesPosition, let positions { vectors.append(positions) }
        inputs.append(vectors)
        filters.append(filter)
      }
      for (state, set) in zip(states, operation.sets) {
        try state.update(
          keys: set.count == keys.count && operation.sets.count == 1 ? keys : set.map { keys[$0] }, inputs: inputs,
          filters: filters, count: count, position: position)
      }
      position &+= UInt64(count)
      try reservation.resize(to: states.reduce(0) { $0 + $1.byteCount })
    }

    private static func evaluate(
      _ expression: CompiledExpression, _ batch: Batch, _ filter: SelectionVector?, _ context: EvaluationContext
    ) throws -> Vector {
      guard let filter else { return try expression.evaluate(batch, context) }
      let kept = try expression.evaluate(Gather.rows(batch, filter), context)
      // Back to the batch's rows; those left out are not looked at.
      var places = [Int32](repeating: -1, count: batch.rowCount)
      for (index, row) in filter.indices.enumerated() { places[Int(row)] = Int32(index) }
      return places.withUnsafeBufferPointer { Gather.rows(kept, orNull: $0) }
    }
  }
}
