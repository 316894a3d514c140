import Bytes
import Vectors

/// Orders rows.
package enum Sort {
  /// Returns the row numbers of `columns` in sorted order; equal rows keep their order (stable).
  ///
  /// Radix sort of the first word of `SortKeys`, then comparison within the runs it leaves equal.
  package static func permutation(_ columns: [Vector], orders: [SortOrder], rowCount: Int) -> [UInt32] {
    precondition(rowCount <= Int(UInt32.max), "more rows than a row number holds")
    let keys = SortKeys(columns, orders: orders, rowCount: rowCount)
    var rows = [UInt32](unsafeUninitializedCapacity: rowCount) { buffer, used in
      for row in 0..<rowCount { buffer[row] = UInt32(truncatingIfNeeded: row) }
      used = rowCount
    }
    guard rowCount > 1 else { return rows }
    let words = keys.words.values(as: UInt64.self)
    let comparator = keys.isExact ? nil : RowComparator(columns, orders: orders)
    if keys.wordsPerRow == 0 {
      if let comparator {
        rows.sort { tie(comparator, keys, $0, $1) }
      }
      return rows
    }
    let first = AlignedBuffer(byteCount: rowCount * 8)
    first.base.copyMemory(from: keys.words.base, byteCount: rowCount * 8)
    rows.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      radix(first.values(as: UInt64.self), base, count: rowCount, bits: keys.wordBits[0])
    }
    if keys.wordsPerRow == 1 && comparator == nil { return rows }
    let sorted = first.values(as: UInt64.self)
    var start = 0
    while start < rowCount {
      var end = start + 1
      while end < rowCount, sorted[end] == sorted[start] { end += 1 }
      if end - start > 1 {
        rows[start..<end].sort { left, right in
          var word = 1
          while word < keys.wordsPerRow {
            let (a, b) = (words[word &* rowCount &+ Int(left)], words[word &* rowCount &+ Int(right)])
            if a != b { return a < b }
            word &+= 1
          }
          guard let comparator else { return left < right }
          return tie(comparator, keys, left, right)
        }
      }
      start = end
    }
    return rows
  }

  private static func tie(_ comparator: RowComparator, _ keys: SortKeys, _ left: UInt32, _ right: UInt32) -> Bool {
    let order = comparator.compare(Int(left), Int(right), from: keys.exactColumns)
    return order != 0 ? order < 0 : left < right
  }

  /// Sorts `keys` ascending by their low `bits` bits and moves `rows` along; stable. Passes of 11 bits, one that would
  /// move nothing is skipped.
  package static func radix(
    _ keys: UnsafeMutablePointer<UInt64>, _ rows: UnsafeMutablePointer<UInt32>, count: Int, bits: Int
  ) {
    guard count > 1, bits > 0 else { return }
    if count < 256 {
      insertionOrMerge(keys, rows, count)
      return
    }
    let digit = 11
    let passes = (bits + digit - 1) / digit
    let buckets = 1 << digit
    let histogram = AlignedBuffer(byteCount: passes * buckets * 8, zeroed: true)
    let counts = histogram.values(as: Int.self)
    for row in 0..<count {
      var value = keys[row]
      var pass = 0
      while pass < passes {
        counts[pass &* buckets &+ Int(truncatingIfNeeded: value & UInt64(buckets &- 1))] &+= 1
        value >>= UInt64(digit)
        pass &+= 1
      }
    }
    let otherKeys = AlignedBuffer(byteCount: count * 8)
    let otherRows = AlignedBuffer(byteCount: count * 4)
    var (fromKeys, fromRows) = (keys, rows)
    var (toKeys, toRows) = (otherKeys.values(as: UInt64.self), otherRows.values(as: UInt32.self))
    for pass in 0..<passes {
      let table = counts + pass * buckets
      let shift = UInt64(pass * digit)
      if table[Int(truncatingIfNeeded: (fromKeys[0] >> shift) & UInt64(buckets - 1))] == count { continue }
      var sum = 0
      for bucket in 0..<buckets {
        let size = table[bucket]
        table[bucket] = sum
        sum &+= size
      }
      var row = 0
      while row < count {
        let key = fromKeys[row]
        let bucket = Int(truncatingIfNeeded: (key >> shift) & UInt64(buckets &- 1))
        let place = table[bucket]
        table[bucket] = place &+ 1
        toKeys[place] = key
        toRows[place] = fromRows[row]
        row &+= 1
      }
      swap(&fromKeys, &toKeys)
      swap(&fromRows, &toRows)
    }
    if fromKeys != keys {
      keys.update(from: fromKeys, count: count)
      rows.update(from: fromRows, count: count)
    }
  }

  private static func insertionOrMerge(
    _ keys: UnsafeMutablePointer<UInt64>, _ rows: UnsafeMutablePointer<UInt32>, _ count: Int
  ) {
    if count <= 32 {
      for row in 1..<count {
        let (key, index) = (keys[row], rows[row])
        var place = row
        while place > 0, keys[place - 1] > key {
          keys[place] = keys[place - 1]
          rows[place] = rows[place - 1]
          place -= 1
        }
        keys[place] = key
        rows[place] = index
      }
      return
    }
    let order = (0..<count).sorted { keys[$0] != keys[$1] ? keys[$0] < keys[$1] : $0 < $1 }
    let oldKeys = Array(UnsafeBufferPointer(start: keys, count: count))
    let oldRows = Array(UnsafeBufferPointer(start: rows, count: count))
    for (place, from) in order.enumerated() {
      keys[place] = oldKeys[from]
      rows[place] = oldRows[from]
    }
  }
}
