import Bytes
import Vectors

/// Of each key the row that comes first: the one with the least word, and of equal words the one with the least place.
/// One thread; those of several threads are merged.
package final class BestRows {
  private let table: GroupTable
  private let types: [LogicalType]
  private var words: [UInt64] = []
  /// One for each group; no row has the greatest.
  package private(set) var places: [UInt64] = []

  package init(_ types: [LogicalType]) {
    self.types = types
    table = GroupTable(types)
  }

  package var groupCount: Int { places.count }

  package var byteCount: Int { table.byteCount + (words.capacity + places.capacity) * 8 }

  /// Adds at most `Batch.vectorSize` rows, whose places follow one another from `firstPlace`. `order` writes their words.
  package func append(
    _ keys: [Vector], count: Int, firstPlace: UInt64, order: (UnsafeMutablePointer<UInt64>) -> Void
  ) {
    precondition(count <= Batch.vectorSize, "more rows than a batch has")
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Batch.vectorSize) { scratch in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Batch.vectorSize) { groups in
        guard let word = scratch.baseAddress, let group = groups.baseAddress, count > 0 else { return }
        order(word)
        table.intern(keys, count: count, into: group)
        grow()
        words.withUnsafeMutableBufferPointer { best in
          places.withUnsafeMutableBufferPointer { places in
            var row = 0
            while row < count {
              let index = Int(group[row])
              if word[row] < best[index] || places[index] == .max {
                best[index] = word[row]
                places[index] = firstPlace &+ UInt64(truncatingIfNeeded: row)
              }
              row &+= 1
            }
          }
        }
      }
    }
  }

  /// Adds what another thread found.
  package func merge(_ other: BestRows) {
    var start = 0
    var groups = [UInt32](repeating: 0, count: Batch.vectorSize)
    while start < other.groupCount {
      let end = min(start + Batch.vectorSize, other.groupCount)
      let source = (start..<end).map { UInt32(truncatingIfNeeded: $0) }
      source.withUnsafeBufferPointer { source in
        groups.withUnsafeMutableBufferPointer { groups in
          if let base = groups.baseAddress { table.intern(groups: source, of: other.table, into: base) }
        }
      }
      grow()
      for theirs in start..<end {
        let mine = Int(groups[theirs - start])
        if (other.words[theirs], other.places[theirs]) < (words[mine], places[mine]) {
          words[mine] = other.words[theirs]
          places[mine] = other.places[theirs]
        }
      }
      start = end
    }
  }

  private func grow() {
    let missing = table.groupCount - places.count
    guard missing > 0 else { return }
    words.append(contentsOf: repeatElement(.max, count: missing))
    places.append(contentsOf: repeatElement(.max, count: missing))
  }
}
