import Bytes
import Vectors

/// Finds rows that are not alone with the hash of their keys, among rows few of which are such. One thread.
///
/// A bit for each hash seen, in a table that fits the cache, leaves few rows in doubt: those that find their bit set, and
/// those whose bit they found. Only their whole hashes are compared.
package final class HashRepeats {
  /// Of the rows that were added.
  package let hashes = KeyHashes()
  /// Rows in doubt.
  private var doubtful = AlignedBuffer(byteCount: 0)
  private var seen = AlignedBuffer(byteCount: 0)
  private var again = AlignedBuffer(byteCount: 0)
  private var slots = AlignedBuffer(byteCount: 0)

  /// Log2 of the bits in a table: so many for each row in one, and at most.
  private static let seenBits = 4
  private static let againBits = 1
  private static let mostBits = 23

  package init() {}

  /// Returns, ascending and counted from the first that was added to `hashes`, the rows that are not alone with their
  /// hash, and begins anew. Rows of equal keys are among them all; others may be.
  package func take() -> [Int] {
    defer { hashes.removeAll() }
    return repeats(among: doubtfulCount())
  }

  /// Leaves the rows in doubt, ascending, in `doubtful` and returns how many they are.
  private func doubtfulCount() -> Int {
    let count = hashes.count
    if doubtful.byteCount < count * 4 { doubtful = AlignedBuffer(byteCount: max(count, 1 << 11) * 5) }
    let row = doubtful.values(as: UInt32.self)
    let hash = hashes.values
    // The second table is asked by other bits of the hash, and holds few.
    let (first, firstShift) = HashRepeats.table(&seen, HashRepeats.seenBits, count)
    let (second, secondShift) = HashRepeats.table(&again, HashRepeats.againBits, count)
    var found = 0
    var index = 0
    while index < count {
      let place = hash[index] &>> firstShift
      let word = first[Int(truncatingIfNeeded: place &>> 6)]
      first[Int(truncatingIfNeeded: place &>> 6)] = word | 1 &<< (place & 63)
      row[found] = UInt32(truncatingIfNeeded: index)
      found &+= Int(truncatingIfNeeded: word &>> (place & 63)) & 1
      index &+= 1
    }
    if found == 0 { return 0 }
    index = 0
    while index < found {
      let place = (hash[Int(row[index])] &<< 32) &>> secondShift
      second[Int(truncatingIfNeeded: place &>> 6)] |= 1 &<< (place & 63)
      index &+= 1
    }
    found = 0
    index = 0
    while index < count {
      let place = (hash[index] &<< 32) &>> secondShift
      row[found] = UInt32(truncatingIfNeeded: index)
      found &+= Int(truncatingIfNeeded: second[Int(truncatingIfNeeded: place &>> 6)] &>> (place & 63)) & 1
      index &+= 1
    }
    return found
  }

  /// Returns a table of zeros, and the shift that leaves of a hash the number of a bit.
  private static func table(_ buffer: inout AlignedBuffer, _ bits: Int, _ count: Int) -> (
    UnsafeMutablePointer<UInt64>, UInt64
  ) {
    let width = min(max(Int.bitWidth - max(count - 1, 1).leadingZeroBitCount + bits, 6), mostBits)
    let byteCount = 1 << width / 8
    if buffer.byteCount < byteCount { buffer = AlignedBuffer(byteCount: byteCount) }
    buffer.base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return (buffer.values(as: UInt64.self), UInt64(64 - width))
  }

  /// Compares the hashes of the first rows in doubt.
  private func repeats(among count: Int) -> [Int] {
    if count < 2 { return [] }
    var size = 64
    while size < 2 * count { size *= 2 }
    if slots.byteCount < size * 4 + count { slots = AlignedBuffer(byteCount: size * 4 + count) }
    slots.base.initializeMemory(as: UInt8.self, repeating: 0, count: size * 4 + count)
    // A slot is one more than the number of the first row in doubt that had its hash; 0 is free.
    let slot = slots.values(as: UInt32.self)
    let isRepeated = (slots.base + size * 4).assumingMemoryBound(to: UInt8.self)
    let row = UnsafePointer(doubtful.values(as: UInt32.self))
    let hash = hashes.values
    let mask = size - 1
    var found = 0
    var index = 0
    while index < count {
      let value = hash[Int(row[index])]
      var place = Int(truncatingIfNeeded: value &>> 20) & mask
      while slot[place] != 0, hash[Int(row[Int(slot[place]) &- 1])] != value { place = (place &+ 1) & mask }
      if slot[place] == 0 {
        slot[place] = UInt32(truncatingIfNeeded: index &+ 1)
      } else {
        let first = Int(slot[place]) &- 1
        found &+= 2 &- Int(isRepeated[first])
        isRepeated[first] = 1
        isRepeated[index] = 1
      }
      index &+= 1
    }
    return [Int](unsafeUninitializedCapacity: found) { rows, used in
      for index in 0..<count where isRepeated[index] != 0 {
        rows.initializeElement(at: used, to: Int(row[index]))
        used += 1
      }
    }
  }
}
