import Bytes

/// The steps of a sort of (key, row number) pairs: into buckets by the keys' high bits, then each bucket by itself in
/// the cache. Buckets are what threads share out.
package enum BucketSort {
  /// Adds the number of keys in each bucket to `counts`; `shift` (below 64) leaves the bucket's number.
  package static func count(
    _ keys: UnsafePointer<UInt64>, _ count: Int, shift: Int, into counts: UnsafeMutablePointer<Int>
  ) {
    let shift = UInt64(shift)
    var row = 0
    while row < count {
      counts[Int(truncatingIfNeeded: keys[row] &>> shift)] &+= 1
      row &+= 1
    }
  }

  /// Moves pairs to their buckets; `places[bucket]` is where its next pair goes, and moves on. Rows are numbered from
  /// `firstNumber` on.
  package static func scatter(
    _ keys: UnsafePointer<UInt64>, _ count: Int, firstNumber: UInt32, shift: Int,
    _ places: UnsafeMutablePointer<Int>, _ toKeys: UnsafeMutablePointer<UInt64>,
    _ toRows: UnsafeMutablePointer<UInt32>
  ) {
    let shift = UInt64(shift)
    var number = firstNumber
    var row = 0
    while row < count {
      let key = keys[row]
      let bucket = Int(truncatingIfNeeded: key &>> shift)
      let place = places[bucket]
      places[bucket] = place &+ 1
      toKeys[place] = key
      toRows[place] = number
      number &+= 1
      row &+= 1
    }
  }
}

/// Sorts runs of (key, row number) pairs, keeping its memory from one to the next. One thread.
package final class PairSorter {
  private var keys = AlignedBuffer(byteCount: 0)
  private var rows = AlignedBuffer(byteCount: 0)
  private var capacity = 0
  private let histogram = AlignedBuffer(byteCount: 8 * 2048 * 4)

  package init() {}

  /// Sorts by the low `bits` bits of the keys, which are all that they have; stable.
  ///
  /// Rows that are nearly in order already, as events in order of their arrival are, cost one pass and a few moves;
  /// others a pass for each digit that is not the same in all.
  package func sort(
    _ keys: UnsafeMutablePointer<UInt64>, _ rows: UnsafeMutablePointer<UInt32>, count: Int, bits: Int
  ) {
    guard count > 1, bits > 0 else { return }
    if count <= 24 {
      _ = insert(keys, rows, count, moves: .max)
      return
    }
    if insert(keys, rows, count, moves: count / 2) { return }
    radix(keys, rows, count, bits)
  }

  /// Insertion sort; gives up, leaving a permutation, when `moves` are used up. Returns whether all is sorted.
  private func insert(
    _ keys: UnsafeMutablePointer<UInt64>, _ rows: UnsafeMutablePointer<UInt32>, _ count: Int, moves: Int
  ) -> Bool {
    var left = moves
    var row = 1
    while row < count {
      let key = keys[row]
      if key < keys[row &- 1] {
        let number = rows[row]
        var place = row
        repeat {
          keys[place] = keys[place &- 1]
          rows[place] = rows[place &- 1]
          place &-= 1
        } while place > 0 && key < keys[place &- 1]
        keys[place] = key
        rows[place] = number
        left &-= row &- place
        if left < 0 { return false }
      }
      row &+= 1
    }
    return true
  }

  private func radix(
    _ keys: UnsafeMutablePointer<UInt64>, _ rows: UnsafeMutablePointer<UInt32>, _ count: Int, _ bits: Int
  ) {
    if capacity < count {
      capacity = count + count / 4
      self.keys = AlignedBuffer(byteCount: capacity * 8)
      self.rows = AlignedBuffer(byteCount: capacity * 4)
    }
    let digit = count < 1 << 15 ? 8 : 11
    let mask = UInt64(1 << digit) &- 1
    let passes = (bits + digit - 1) / digit
    let counts = histogram.values(as: UInt32.self)
    let buckets = 1 << digit
    counts.update(repeating: 0, count: passes * buckets)
    var row = 0
    while row < count {
      var value = keys[row]
      var table = counts
      for _ in 0..<passes {
        table[Int(truncatingIfNeeded: value & mask)] &+= 1
        value &>>= UInt64(digit)
        table += buckets
      }
      row &+= 1
    }
    var (fromKeys, fromRows) = (keys, rows)
    var (toKeys, toRows) = (self.keys.values(as: UInt64.self), self.rows.values(as: UInt32.self))
    for pass in 0..<passes {
      let table = counts + pass * buckets
      let shift = UInt64(pass * digit)
      if table[Int(truncatingIfNeeded: (fromKeys[0] &>> shift) & mask)] == UInt32(truncatingIfNeeded: count) {
        continue
      }
      var sum: UInt32 = 0
      for bucket in 0..<buckets {
        let size = table[bucket]
        table[bucket] = sum
        sum &+= size
      }
      row = 0
      while row < count {
        let key = fromKeys[row]
        let bucket = Int(truncatingIfNeeded: (key &>> shift) & mask)
        let place = Int(table[bucket])
        table[bucket] &+= 1
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
}
