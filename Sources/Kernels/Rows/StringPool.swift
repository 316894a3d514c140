import Bytes
import Glibc
import Vectors

/// Gives strings numbers, so that stored rows hold four bytes for a string of any length. Any thread may add.
///
/// Entries are not made distinct: a dictionary's entries get numbers once for each dictionary, those of a flat vector
/// once for each row.
package final class StringPool: @unchecked Sendable {
  // @unchecked: `parts`, `starts` and `entryCount` are touched under `lock` until `entries` is asked for, then read only.

  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let type: LogicalType
  /// Flat vectors without nulls, and the number of the first entry of each.
  private var parts: [Vector] = []
  private var starts: [ObjectIdentifier: UInt32] = [:]
  package private(set) var entryCount = 0
  private var all: Vector?

  package init(_ type: LogicalType) {
    precondition(type.physical == .string, "a pool of strings")
    self.type = type
    pthread_mutex_init(lock, nil)
  }

  deinit {
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  /// Returns the number of the first of `values`' entries, which follow one another. `isShared`: the same object comes
  /// again (a dictionary), and gets the same numbers.
  package func add(_ values: Vector, isShared: Bool) -> UInt32 {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    if isShared, let known = starts[ObjectIdentifier(values)] { return known }
    precondition(entryCount + values.count <= Int(UInt32.max), "more strings than numbers for them")
    let start = UInt32(entryCount)
    entryCount += values.count
    parts.append(values)
    if isShared { starts[ObjectIdentifier(values)] = start }
    return start
  }

  /// All entries by number: asked for when nothing is added any more.
  package var entries: Vector {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    if let all { return all }
    let buffer = AlignedBuffer(byteCount: max(entryCount, 1) * 16, zeroed: entryCount == 0)
    var row = 0
    for part in parts {
      (buffer.base + row * 16).copyMemory(from: part.buffer.base, byteCount: part.count * 16)
      row += part.count
    }
    let made = Vector(type, count: entryCount, buffer: buffer, owners: parts)
    all = made
    return made
  }

  /// Bytes that the pool itself holds, beside the vectors it was given.
  package var byteCount: Int { entryCount * 16 }

  private var ranks: [UInt32]?

  /// Returns for each entry the rank of its value among all: equal strings have equal ranks. Call from one thread.
  package func ranked() -> [UInt32] {
    if let ranks { return ranks }
    let entries = self.entries
    let comparator = RowComparator([entries], orders: [SortOrder()])
    let order = Sort.permutation([entries], orders: [SortOrder()], rowCount: entryCount)
    var result = [UInt32](repeating: 0, count: max(entryCount, 1))
    var rank: UInt32 = 0
    for place in order.indices {
      if place > 0, comparator.compare(Int(order[place - 1]), Int(order[place])) != 0 { rank += 1 }
      result[Int(order[place])] = rank
    }
    ranks = result
    return result
  }
}
