import Bytes
import Kernels
import Planning
import Vectors

extension WindowChunk {
  /// An aggregate over each row's frame, by the cheapest way that is exact: once for each partition, by differences of
  /// running sums, by a queue of candidates for min and max, growing with the frame, or row by row.
  func aggregate(_ call: CompiledWindowCall, _ arena: ColumnArena?) throws -> Vector {
    guard let compiled = call.aggregate, case .aggregate(let function) = call.function else {
      throw PulsehouseError(.internal, "not an aggregate")
    }
    let inputs = try self.inputs(call, compiled, function)
    if call.isOverPartition {
      return try overPartitions(compiled, inputs, function, call.filter != nil, arena)
    }
    let ranges = try frameRanges(call.frame)
    if ranges.exclusion == .none, !compiled.takesPosition {
      switch function {
      case .countStar, .count:
        return counts(function == .countStar && call.filter == nil ? nil : inputs[0], ranges)
      case .sum: if let result = try sums(inputs[0], ranges, .sum, call.type) { return result }
      case .avg: if let result = try sums(inputs[0], ranges, .average, call.type) { return result }
      case .min: return extremes(inputs[0], ranges, isMaximum: false)
      case .max: return extremes(inputs[0], ranges, isMaximum: true)
      default: break
      }
      if ranges.starts == partitionStarts { return try growing(compiled, inputs, ranges, function, call.filter != nil) }
    }
    return try rowByRow(compiled, inputs, ranges, function, call.filter != nil)
  }

  /// Returns the inputs; rows that the filter drops are NULL in them. count(*) with a filter counts such an input.
  private func inputs(
    _ call: CompiledWindowCall, _ compiled: CompiledAggregate, _ function: AggregateFunction
  ) throws -> [Vector] {
    var vectors: [Vector] = []
    if let filter = call.filter, let kept = try filter.select(batch, operation.run.evaluation) {
      var places = [Int32](repeating: -1, count: count)
      for (index, row) in kept.indices.enumerated() { places[Int(row)] = Int32(index) }
      let rows = Gather.rows(batch, kept)
      vectors = try places.withUnsafeBufferPointer { places in
        if compiled.inputs.isEmpty {
          let ones = Vector.constant(.boolean, .boolean(true), count: kept.count)
          return [kept.count == 0 ? .nulls(.boolean, count: count) : Gather.rows(ones, orNull: places)]
        }
        return try compiled.inputs.map { input in
          let value = try input.evaluate(rows, operation.run.evaluation)
          return Gather.rows(value, orNull: places)
        }
      }
    } else {
      vectors = try compiled.inputs.map { try evaluate($0) }
      if vectors.isEmpty { vectors = [.constant(.boolean, .boolean(true), count: count)] }
    }
    if compiled.takesPosition {
      var builder = VectorBuilder(.bigint, capacity: count)
      for row in 0..<count { builder.append(Int64(row)) }
      vectors.append(builder.finish())
    }
    return vectors.map { $0.form == .constant ? $0.flattened() : $0 }
  }

  private func makeAccumulator(
    _ compiled: CompiledAggregate, _ function: AggregateFunction, _ isFiltered: Bool
  ) throws -> Accumulator {
    function == .countStar && isFiltered ? CountAccumulator(countsRows: false) : try compiled.makeAccumulator()
  }

  private func overPartitions(
    _ compiled: CompiledAggregate, _ inputs: [Vector], _ function: AggregateFunction, _ isFiltered: Bool,
    _ arena: ColumnArena?
  ) throws -> Vector {
    let (partitionOf, partitions) = self.partitions()
    let accumulator = try makeAccumulator(compiled, function, isFiltered)
    accumulator.resize(to: partitions)
    return try partitionOf.withUnsafeBufferPointer { groups in
      try accumulator.update(inputs, groups.baseAddress, count: count)
      try accumulator.seal()
      let all = Array(0..<UInt32(truncatingIfNeeded: partitions))
      let results = try all.withUnsafeBufferPointer { try accumulator.result($0) }
      return Gather.rows(results, at: groups, into: arena)
    }
  }

  /// The frame grows from the partition's start: each row's rows are added once.
  private func growing(
    _ compiled: CompiledAggregate, _ inputs: [Vector], _ ranges: FrameRanges, _ function: AggregateFunction,
    _ isFiltered: Bool
  ) throws -> Vector {
    var parts: [Vector] = []
    var row = 0
    let zero: [UInt32] = [0]
    while row < count {
      let partitionEnd = Int(partitionEnds[row])
      let accumulator = try makeAccumulator(compiled, function, isFiltered)
      accumulator.resize(to: 1)
      var taken = row
      while row < partitionEnd {
        let end = Int(ranges.ends[row])
        if end > taken {
          try accumulator.update(inputs.map { $0.slice(taken..<end) }, nil, count: end - taken)
          taken = end
        }
        let start = row
        while row < partitionEnd, Int(ranges.ends[row]) == end { row += 1 }
        let value = try zero.withUnsafeBufferPointer { try accumulator.result($0) }
        parts.append(row - start == 1 ? value : Vector(constant: value.flattened(), count: row - start))
      }
      try operation.run.checkpoint()
    }
    return Concat.vectors(parts.map { $0.flattened() }, type: parts.first?.type ?? .unknown)
  }

  private func rowByRow(
    _ compiled: CompiledAggregate, _ inputs: [Vector], _ ranges: FrameRanges, _ function: AggregateFunction,
    _ isFiltered: Bool
  ) throws -> Vector {
    let accumulator = try makeAccumulator(compiled, function, isFiltered)
    accumulator.resize(to: count)
    var groups: [UInt32] = []
    for row in 0..<count {
      if row & 255 == 0 { try operation.run.checkpoint() }
      try forEachPiece(ranges, row) { piece in
        groups.removeAll(keepingCapacity: true)
        groups.append(contentsOf: repeatElement(UInt32(row), count: piece.count))
        try groups.withUnsafeBufferPointer { groups in
          try accumulator.update(inputs.map { $0.slice(piece) }, groups.baseAddress, count: piece.count)
        }
      }
    }
    try accumulator.seal()
    let all = Array(0..<UInt32(count))
    return try all.withUnsafeBufferPointer { try accumulator.result($0) }
  }

  // MARK: Differences of running sums

  private func runningCounts(_ vector: Vector?) -> [Int64] {
    var total: Int64 = 0
    var result = [Int64](repeating: 0, count: count + 1)
    let mask = vector?.rowValidity
    for row in 0..<count {
      total += mask.map { $0.isValid(row) ? 1 : 0 } ?? 1
      result[row + 1] = total
    }
    return result
  }

  private func counts(_ vector: Vector?, _ ranges: FrameRanges) -> Vector {
    let running = runningCounts(vector)
    let buffer = AlignedBuffer(byteCount: count * 8)
    let output = buffer.values(as: Int64.self)
    for row in 0..<count { output[row] = running[Int(ranges.ends[row])] - running[Int(ranges.starts[row])] }
    return Vector(.bigint, count: count, buffer: buffer)
  }

  /// Returns nil where differences would not be exact: infinities, NaN, numerics of several scales.
  private func sums(
    _ vector: Vector, _ ranges: FrameRanges, _ kind: SumResult, _ type: LogicalType
  ) throws -> Vector? {
    guard let running = RunningSums(vector, partitionStarts: partitionStarts) else { return nil }
    return try running.differences(ranges.starts, ranges.ends, runningCounts(vector), kind, type)
  }

  // MARK: Queue of candidates

  /// min and max: the frame's ends only move forward in a partition, so rows that a later better one hides are dropped.
  private func extremes(_ vector: Vector, _ ranges: FrameRanges, isMaximum: Bool) -> Vector {
    let comparator = RowComparator([vector], orders: [SortOrder()])
    var places = [Int32](repeating: -1, count: count)
    var queue: [Int32] = []
    var head = 0
    var taken = 0
    for row in 0..<count {
      if Int(partitionStarts[row]) == row {
        queue.removeAll(keepingCapacity: true)
        head = 0
        taken = row
      }
      let (start, end) = (Int(ranges.starts[row]), Int(ranges.ends[row]))
      while taken < end {
        if vector.isValid(taken) {
          while queue.count > head {
            let order = comparator.compare(taken, Int(queue[queue.count - 1]))
            guard isMaximum ? order >= 0 : order <= 0 else { break }
            queue.removeLast()
          }
          queue.append(Int32(taken))
        }
        taken += 1
      }
      while head < queue.count, Int(queue[head]) < start { head += 1 }
      if head < queue.count, start < end { places[row] = queue[head] }
    }
    return places.withUnsafeBufferPointer { Gather.rows(vector, orNull: $0) }
  }
}
