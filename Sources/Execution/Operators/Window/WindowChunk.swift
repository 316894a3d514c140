import Bytes
import Kernels
import Planning
import Vectors

/// Some whole partitions in sorted order, and what window functions ask about them.
final class WindowChunk {
  let operation: WindowOperator
  let batch: Batch
  let count: Int
  /// 1 where a partition begins; empty when rows of a partition may lie apart.
  private let starts: [UInt8]
  /// For each row the first row of its partition, and the row after its last. Empty where no call asks.
  let partitionStarts: [Int32]
  let partitionEnds: [Int32]
  /// The same for its peers: rows of the partition that the order does not tell apart. Of the partition where no call
  /// asks for peers.
  let peerStarts: [Int32]
  let peerEnds: [Int32]
  /// Each row's partition, and how many there are, once a call has asked.
  private var numbered: (numbers: [UInt32], count: Int)?

  init(_ operation: WindowOperator, _ batch: Batch, starts: ArraySlice<UInt8>) throws {
    self.operation = operation
    self.batch = batch
    count = batch.rowCount
    self.starts = Array(starts)
    (partitionStarts, partitionEnds) = operation.needsBounds ? WindowChunk.runs(self.starts) : ([], [])
    guard operation.needsPeers else {
      (peerStarts, peerEnds) = (partitionStarts, partitionEnds)
      return
    }
    let keys = try operation.orderKeys.evaluate(batch, operation.run)
    var flags = self.starts
    flags.withUnsafeMutableBufferPointer { flags in
      guard let base = flags.baseAddress else { return }
      for key in keys { RunBoundaries.mark(key, into: base) }
    }
    (peerStarts, peerEnds) = WindowChunk.runs(flags)
  }

  /// Takes rows whose partitions may lie apart, for calls to which only the partition matters.
  init(_ operation: WindowOperator, _ batch: Batch, partitions: RunGroups) {
    precondition(operation.isOverPartitions, "calls that ask where partitions begin")
    self.operation = operation
    self.batch = batch
    count = batch.rowCount
    starts = []
    (partitionStarts, partitionEnds, peerStarts, peerEnds) = ([], [], [], [])
    numbered = (partitions.numbers, partitions.count)
  }

  /// Each row's partition, below `count`.
  func partitions() -> (numbers: [UInt32], count: Int) {
    if let numbered { return numbered }
    var last = UInt32.max
    let numbers = [UInt32](unsafeUninitializedCapacity: count) { numbers, used in
      used = count
      var row = 0
      while row < count {
        last &+= UInt32(starts[row])
        numbers[row] = last
        row &+= 1
      }
    }
    let made = (numbers, Int(last &+ 1))
    numbered = made
    return made
  }

  private static func runs(_ flags: [UInt8]) -> (starts: [Int32], ends: [Int32]) {
    let count = flags.count
    var starts = [Int32](repeating: 0, count: count)
    var ends = [Int32](repeating: 0, count: count)
    var start: Int32 = 0
    for row in 0..<count {
      if flags[row] != 0 { start = Int32(row) }
      starts[row] = start
    }
    var end = Int32(count)
    for row in stride(from: count - 1, through: 0, by: -1) {
      ends[row] = end
      if flags[row] != 0 { end = Int32(row) }
    }
    return (starts, ends)
  }

  func evaluate(_ expression: CompiledExpression) throws -> Vector {
    try expression.evaluate(batch, operation.run.evaluation)
  }

  /// Computes one call for every row; plain copies of values lie in `arena`, if there is one.
  func compute(_ call: CompiledWindowCall, into arena: ColumnArena? = nil) throws -> Vector {
    switch call.function {
    case .rowNumber: return integers { Int64($0 - Int(partitionStarts[$0]) + 1) }
    case .rank: return integers { Int64(peerStarts[$0] - partitionStarts[$0] + 1) }
    case .denseRank:
      var rank: Int64 = 0
      return integers { row in
        if Int(partitionStarts[row]) == row { rank = 0 }
        if Int(peerStarts[row]) == row { rank += 1 }
        return rank
      }
    case .percentRank:
      return doubles { row in
        let size = Int(partitionEnds[row] - partitionStarts[row])
        return size <= 1 ? 0 : Double(peerStarts[row] - partitionStarts[row]) / Double(size - 1)
      }
    case .cumulativeDistribution:
      return doubles { row in
        Double(peerEnds[row] - partitionStarts[row]) / Double(partitionEnds[row] - partitionStarts[row])
      }
    case .ntile: return try ntile(call)
    case .lag: return try shifted(call, direction: -1, arena)
    case .lead: return try shifted(call, direction: 1, arena)
    case .firstValue:
      return try framed(call) { pieces, _ in pieces.first?.lowerBound }
    case .lastValue:
      return try framed(call) { pieces, _ in pieces.last.map { $0.upperBound - 1 } }
    case .nthValue:
      let places = try integerArgument(call.arguments[1], .bigint)
      return try framed(call) { pieces, row in
        guard let place = places(row) else { return nil }
        guard place > 0 else {
          throw PulsehouseError(
            .user, "argument of nth_value must be greater than zero", sqlState: "22016")
        }
        var left = place - 1
        for piece in pieces {
          if left < Int64(piece.count) { return piece.lowerBound + Int(left) }
          left -= Int64(piece.count)
        }
        return nil
      }
    case .aggregate: return try aggregate(call, arena)
    }
  }

  private func integers(_ make: (Int) -> Int64) -> Vector {
    let buffer = AlignedBuffer(byteCount: count * 8)
    let output = buffer.values(as: Int64.self)
    for row in 0..<count { output[row] = make(row) }
    return Vector(.bigint, count: count, buffer: buffer)
  }

  private func doubles(_ make: (Int) -> Double) -> Vector {
    let buffer = AlignedBuffer(byteCount: count * 8)
    let output = buffer.values(as: Double.self)
    for row in 0..<count { output[row] = make(row) }
    return Vector(.double, count: count, buffer: buffer)
  }

  /// Returns a way to read an integer argument row by row, nil for NULL.
  private func integerArgument(_ expression: CompiledExpression, _ type: LogicalType) throws -> (Int) -> Int64? {
    let vector = try evaluate(expression)
    return { row in
      guard case .integer(let value) = vector.scalar(at: row) else { return nil }
      return value
    }
  }

  private func ntile(_ call: CompiledWindowCall) throws -> Vector {
    let buckets = try integerArgument(call.arguments[0], .integer)
    let output = AlignedBuffer(byteCount: count * 4)
    let values = output.values(as: Int32.self)
    var mask: ValidityMask?
    var row = 0
    while row < count {
      let end = Int(partitionEnds[row])
      let size = end - row
      let start = row
      // The first row of the partition decides.
      guard let wanted = buckets(start) else {
        if mask == nil { mask = ValidityMask(count: count, allValid: true) }
        while row < end {
          values[row] = 0
          mask?.set(row, valid: false)
          row += 1
        }
        continue
      }
      guard wanted > 0 else {
        throw PulsehouseError(.user, "argument of ntile must be greater than zero", sqlState: "22014")
      }
      let number = Int(wanted)
      let (each, extra) = (size / number, size % number)
      while row < end {
        let place = row - start
        let bucket =
          place < extra * (each + 1) ? place / (each + 1) : extra + (place - extra * (each + 1)) / max(each, 1)
        values[row] = Int32(truncatingIfNeeded: bucket + 1)
        row += 1
      }
    }
    return Vector(.integer, count: count, buffer: output, validity: mask)
  }

  /// lag and lead.
  private func shifted(_ call: CompiledWindowCall, direction: Int64, _ arena: ColumnArena?) throws -> Vector {
    let value = try evaluate(call.arguments[0])
    if call.isOfNeighbour {
      return starts.withUnsafeBufferPointer { starts in
        direction < 0
          ? RunNeighbours.before(value, starts: starts, into: arena)
          : RunNeighbours.after(value, starts: starts, into: arena)
      }
    }
    let offsets = call.arguments.count > 1 ? try evaluate(call.arguments[1]) : nil
    let isConstant = offsets?.form == .constant || offsets == nil
    let constant: Int64?
    if let offsets, isConstant, count > 0 {
      if case .integer(let number) = offsets.scalar(at: 0) { constant = number } else { constant = nil }
    } else {
      constant = 1
    }
    if isConstant, call.arguments.count < 3, let constant, abs(constant) <= Int64(count) {
      let step = Int(constant * direction)
      let places = [Int32](unsafeUninitializedCapacity: count) { places, used in
        used = count
        for row in 0..<count {
          let place = row &+ step
          let isInside = place >= Int(partitionStarts[row]) && place < Int(partitionEnds[row])
          places[row] = isInside ? Int32(truncatingIfNeeded: place) : -1
        }
      }
      return places.withUnsafeBufferPointer { Gather.rows(value, orNull: $0) }
    }
    var places = [Int32](repeating: -1, count: count)
    // Rows whose offset is NULL give NULL, not the default.
    var isOutside = [Bool](repeating: false, count: call.arguments.count > 2 ? count : 0)
    for row in 0..<count {
      var offset = constant
      if !isConstant, let offsets {
        if case .integer(let number) = offsets.scalar(at: row) { offset = number } else { offset = nil }
      }
      guard let offset else { continue }
      let (step, stepOverflow) = offset.multipliedReportingOverflow(by: direction)
      let (place, overflow) = Int64(row).addingReportingOverflow(step)
      if !stepOverflow, !overflow, place >= Int64(partitionStarts[row]), place < Int64(partitionEnds[row]) {
        places[row] = Int32(truncatingIfNeeded: place)
      } else if !isOutside.isEmpty {
        isOutside[row] = true
      }
    }
    if call.arguments.count > 2 {
      let fallback = try evaluate(call.arguments[2])
      let both = Concat.vectors([value.flattened(), fallback.flattened()], type: value.type)
      for row in 0..<count where isOutside[row] { places[row] = Int32(truncatingIfNeeded: count + row) }
      return places.withUnsafeBufferPointer { Gather.rows(both, orNull: $0) }
    }
    return places.withUnsafeBufferPointer { Gather.rows(value, orNull: $0) }
  }

  /// A value of one row of the frame.
  private func framed(
    _ call: CompiledWindowCall, _ choose: ([Range<Int>], Int) throws -> Int?
  ) throws -> Vector {
    let value = try evaluate(call.arguments[0])
    let ranges = try frameRanges(call.frame)
    var places = [Int32](repeating: -1, count: count)
    var pieces: [Range<Int>] = []
    for row in 0..<count {
      pieces.removeAll(keepingCapacity: true)
      forEachPiece(ranges, row) { pieces.append($0) }
      if let place = try choose(pieces, row) { places[row] = Int32(truncatingIfNeeded: place) }
    }
    return places.withUnsafeBufferPointer { Gather.rows(value, orNull: $0) }
  }
}
