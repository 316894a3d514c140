/// Runs of rows in one slot each, made by laying the runs of several columns over each other.
package struct DenseRuns {
  /// Where each run ends, exclusive; ascending.
  package private(set) var ends: [UInt32] = []
  package private(set) var slots: [UInt32] = []

  package var count: Int { ends.count }

  package init() {}

  /// Starts anew with one run up to `end`, in slot 0.
  package mutating func reset(to end: Int) {
    ends.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    ends.append(UInt32(end))
    slots.append(0)
  }

  /// Starts anew with runs `first...` of a column up to `end`, less `start` rows, in slots `contributions[run]`.
  package mutating func reset(
    from start: Int, to end: Int, _ columnEnds: UnsafePointer<UInt32>, _ contributions: UnsafePointer<UInt32>,
    first: Int
  ) {
    ends.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    var run = first
    while true {
      slots.append(contributions[run])
      let runEnd = Int(columnEnds[run])
      if runEnd >= end {
        ends.append(UInt32(truncatingIfNeeded: end - start))
        return
      }
      ends.append(UInt32(truncatingIfNeeded: runEnd - start))
      run += 1
    }
  }

  /// Makes the runs in which both have one slot, and adds their slots up (modulo 2^32). Both end at the same row.
  package mutating func merge(_ left: borrowing DenseRuns, _ right: borrowing DenseRuns) {
    let most = left.count + right.count
    if ends.count < most {
      ends = [UInt32](repeating: 0, count: most * 2)
      slots = [UInt32](repeating: 0, count: most * 2)
    }
    var made = 0
    ends.withUnsafeMutableBufferPointer { ends in
      slots.withUnsafeMutableBufferPointer { slots in
        left.ends.withUnsafeBufferPointer { leftEnds in
          left.slots.withUnsafeBufferPointer { leftSlots in
            right.ends.withUnsafeBufferPointer { rightEnds in
              right.slots.withUnsafeBufferPointer { rightSlots in
                var (a, b) = (0, 0)
                while a < leftEnds.count && b < rightEnds.count {
                  let (first, second) = (leftEnds[a], rightEnds[b])
                  ends[made] = min(first, second)
                  slots[made] = leftSlots[a] &+ rightSlots[b]
                  made &+= 1
                  a &+= first <= second ? 1 : 0
                  b &+= second <= first ? 1 : 0
                }
              }
            }
          }
        }
      }
    }
    ends.removeLast(ends.count - made)
    slots.removeLast(slots.count - made)
  }

  /// Lowers slots above `limit` to it.
  package mutating func clamp(to limit: UInt32) {
    slots.withUnsafeMutableBufferPointer { slots in
      if let base = slots.baseAddress { DenseSlots.clamp(base, count: slots.count, to: limit) }
    }
  }

  /// Gives `slot` to the runs whose first row's bit in `mask` is 0.
  package mutating func drop(unset mask: UnsafePointer<UInt64>, to slot: UInt32) {
    var row = 0
    for run in ends.indices {
      if (mask[row >> 6] >> UInt64(row & 63)) & 1 == 0 { slots[run] = slot }
      row = Int(ends[run])
    }
  }
}
