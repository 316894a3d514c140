import Kernels
import Vectors

/// Some sealed groups in order of their partitions: those of partition `p` are `members[starts[p]..<starts[p + 1]]`,
/// each partition's in order of first appearance.
///
/// A group's partition is the top bits of its keys' hash, the same in every worker.
struct PartitionedGroups {
  let state: GroupingState
  private let members: [UInt32]
  private let starts: [Int]

  /// Takes the groups of a sealed state.
  init(_ state: GroupingState, bits: Int) {
    self.state = state
    let order = state.order()
    let shift = UInt64(64 - bits)
    var partitions = [UInt16](repeating: 0, count: order.count)
    var starts = [Int](repeating: 0, count: (1 << bits) + 1)
    var start = 0
    while start < order.count {
      let part = order[start..<min(start + Batch.vectorSize, order.count)]
      let keys = part.withUnsafeBufferPointer { state.table.keyVectors($0) }
      for (row, hash) in Hash.rows(keys, count: part.count).enumerated() {
        let partition = Int(truncatingIfNeeded: hash >> shift)
        partitions[start + row] = UInt16(truncatingIfNeeded: partition)
        starts[partition + 1] += 1
      }
      start += part.count
    }
    for partition in 1..<starts.count { starts[partition] += starts[partition - 1] }
    var next = starts
    members = [UInt32](unsafeUninitializedCapacity: order.count) { buffer, used in
      for (place, group) in order.enumerated() {
        let partition = Int(partitions[place])
        buffer[next[partition]] = group
        next[partition] += 1
      }
      used = order.count
    }
    self.starts = starts
  }

  /// Takes groups that stand in order of their partitions already.
  private init(_ state: GroupingState, starts: [Int]) {
    self.state = state
    members = Array(0..<UInt32(truncatingIfNeeded: state.groupCount))
    self.starts = starts
  }

  /// Returns the same groups in `empty`, laid out by partition: who then reads a partition reads on in memory.
  func arranged(in empty: GroupingState) throws -> PartitionedGroups {
    empty.reserve(members.count)
    try empty.merge(state, members[...])
    try empty.seal()
    return PartitionedGroups(empty, starts: starts)
  }

  subscript(partition: Int) -> ArraySlice<UInt32> { members[starts[partition]..<starts[partition + 1]] }

  var byteCount: Int { state.byteCount + members.count * 4 + starts.count * 8 }
}
