import Bytes
import Vectors

/// Hashes of rows' keys, to be held against others that are made here of keys of the same types. One thread.
package final class KeyHashes {
  /// Rows that were added.
  package private(set) var count = 0
  private var buffer = AlignedBuffer(byteCount: 0)

  package init() {}

  /// A hash for each row; valid until rows are added.
  package var values: UnsafePointer<UInt64> { UnsafePointer(buffer.values(as: UInt64.self)) }

  package func removeAll() { count = 0 }

  /// Adds the hashes of `rowCount` rows by their keys.
  package func append(_ keys: [Vector], count rowCount: Int) {
    Hash.alike(keys, count: rowCount, into: grow(by: rowCount))
  }

  /// Adds hashes that were made for others.
  package func append(_ others: KeyHashes) {
    grow(by: others.count).update(from: others.values, count: others.count)
  }

  /// Adds hashes of `others` at `rows`, which ascend, the last below their count.
  package func append(_ others: KeyHashes, at rows: [UInt32]) {
    precondition(rows.last.map { Int($0) < others.count } ?? true, "a row that is not there")
    let output = grow(by: rows.count)
    let input = others.values
    rows.withUnsafeBufferPointer { rows in
      var place = 0
      while place < rows.count {
        output[place] = input[Int(rows[place])]
        place &+= 1
      }
    }
  }

  /// Returns memory for the hashes of so many more rows.
  private func grow(by rowCount: Int) -> UnsafeMutablePointer<UInt64> {
    precondition(rowCount >= 0 && count + rowCount < 1 << 31, "more rows than numbers")
    if buffer.byteCount < (count + rowCount) * 8 {
      let grown = AlignedBuffer(byteCount: max(count + rowCount, 2 * count, 1 << 12) * 8)
      grown.base.copyMemory(from: buffer.base, byteCount: count * 8)
      buffer = grown
    }
    defer { count += rowCount }
    return buffer.values(as: UInt64.self) + count
  }
}
