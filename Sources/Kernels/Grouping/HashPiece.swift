import Bytes
import Vectors

/// Hashes of at most 65,536 rows that follow one another, laid out by partitions of their first bits: of each row 32 bits
/// of its hash, and its place among these rows. Six bytes a row, whatever the columns are.
package final class HashPiece: @unchecked Sendable {
  // @unchecked: immutable once its builder has made it.

  /// Rows that a piece speaks of at most.
  package static let mostRows = 1 << 16

  /// Rows that were taken.
  package let rowCount: Int
  /// Where each partition's rows begin, and where the last ones end.
  fileprivate let starts: AlignedBuffer
  fileprivate let prints: AlignedBuffer
  fileprivate let places: AlignedBuffer

  fileprivate init(rowCount: Int, starts: AlignedBuffer, prints: AlignedBuffer, places: AlignedBuffer) {
    self.rowCount = rowCount
    self.starts = starts
    self.prints = prints
    self.places = places
  }

  package var byteCount: Int { starts.byteCount + prints.byteCount + places.byteCount }

  fileprivate func rows(of partition: Int) -> Range<Int> {
    let starts = self.starts.values(as: UInt32.self)
    return Int(starts[partition])..<Int(starts[partition + 1])
  }
}

/// Makes pieces of the rows of batches. One thread.
package final class HashPieceBuilder {
  /// Hashes that begin with `share` are taken, by their first `shareBits` bits; the next `partitionBits` are the partition.
  private let shareBits: Int
  private let share: UInt64
  private let partitionBits: Int
  /// Rows that the current piece speaks of, and those that were taken.
  package private(set) var rowCount = 0
  private var taken = 0
  private let hashes = AlignedBuffer(byteCount: HashPiece.mostRows * 8)
  private let places = AlignedBuffer(byteCount: HashPiece.mostRows * 2)
  private let next: AlignedBuffer

  package init(shareBits: Int, share: Int, partitionBits: Int) {
    precondition(
      shareBits >= 0 && partitionBits >= 1 && shareBits + partitionBits <= 24 && share >> shareBits == 0,
      "hashes in more parts than they have bits")
    self.shareBits = shareBits
    self.share = UInt64(share)
    self.partitionBits = partitionBits
    next = AlignedBuffer(byteCount: (1 << partitionBits + 1) * 4)
  }

  /// Bytes that a builder takes beside its pieces.
  package var byteCount: Int { hashes.byteCount + places.byteCount + next.byteCount }

  /// Adds rows by the hashes of their keys. - Precondition: the piece has room for them.
  package func append(_ keys: [Vector], count: Int) {
    precondition(rowCount + count <= HashPiece.mostRows, "more rows than a piece has")
    let hash = hashes.values(as: UInt64.self) + taken
    let place = places.values(as: UInt16.self) + taken
    Hash.rows(keys, count: count, into: hash)
    let first = UInt16(truncatingIfNeeded: rowCount)
    rowCount += count
    if shareBits == 0 {
      var row = 0
      while row < count {
        place[row] = first &+ UInt16(truncatingIfNeeded: row)
        row &+= 1
      }
      taken += count
      return
    }
    let (share, shift) = (self.share, UInt64(64 - shareBits))
    var kept = 0
    var row = 0
    while row < count {
      let value = hash[row]
      hash[kept] = value
      place[kept] = first &+ UInt16(truncatingIfNeeded: row)
      kept &+= value &>> shift == share ? 1 : 0
      row &+= 1
    }
    taken += kept
  }

  /// Makes a piece of the rows since the last; nil when there are none.
  package func finish() -> HashPiece? {
    defer { (rowCount, taken) = (0, 0) }
    if rowCount == 0 { return nil }
    let partitionCount = 1 << partitionBits
    let starts = AlignedBuffer(byteCount: (partitionCount + 1) * 4, zeroed: true)
    let start = starts.values(as: UInt32.self)
    let (hash, from) = (hashes.values(as: UInt64.self), places.values(as: UInt16.self))
    let (left, right) = (UInt64(shareBits), UInt64(64 - partitionBits))
    var row = 0
    while row < taken {
      start[Int(truncatingIfNeeded: (hash[row] &<< left) &>> right) &+ 1] &+= 1
      row &+= 1
    }
    let next = self.next.values(as: UInt32.self)
    next[0] = 0
    for partition in 0..<partitionCount {
      start[partition + 1] &+= start[partition]
      next[partition + 1] = start[partition + 1]
    }
    let prints = AlignedBuffer(byteCount: taken * 4)
    let placed = AlignedBuffer(byteCount: taken * 2)
    let (print, place) = (prints.values(as: UInt32.self), placed.values(as: UInt16.self))
    row = 0
    while row < taken {
      let value = hash[row]
      let partition = Int(truncatingIfNeeded: (value &<< left) &>> right)
      let target = Int(next[partition])
      next[partition] &+= 1
      print[target] = UInt32(truncatingIfNeeded: value)
      place[target] = from[row]
      row &+= 1
    }
    return HashPiece(rowCount: taken, starts: starts, prints: prints, places: placed)
  }
}

/// Finds rows whose hashes agree, a partition at a time, in a table that fits the cache. One thread.
package final class RepeatedHashes {
  private var prints = AlignedBuffer(byteCount: 0)
  private var rows = AlignedBuffer(byteCount: 0)
  private var slots = AlignedBuffer(byteCount: 0)
  private var seen: [Bool] = []

  package init() {}

  /// Appends the rows of a partition that are not alone with their hash, in no order, each once: the number of its piece
  /// times 65,536 and its place there. Rows of equal keys are among them all; others may be.
  package func find(in pieces: [HashPiece], partition: Int, into found: inout [UInt64]) {
    precondition(pieces.count < 1 << 31, "more pieces than a number tells")
    let count = pieces.reduce(0) { $0 + $1.rows(of: partition).count }
    if count < 2 { return }
    precondition(count < 1 << 31, "a partition of too many rows")
    if prints.byteCount < count * 4 {
      prints = AlignedBuffer(byteCount: (count + count / 8) * 4)
      rows = AlignedBuffer(byteCount: (count + count / 8) * 8)
    }
    var size = 64
    while size < 2 * count { size *= 2 }
    if slots.byteCount < size * 8 { slots = AlignedBuffer(byteCount: size * 8) }
    gather(pieces, partition)
    slots.base.initializeMemory(as: UInt8.self, repeating: 0, count: size * 8)
    let print = prints.values(as: UInt32.self)
    let number = rows.values(as: UInt64.self)
    // A slot is a hash's print, and one more than the number of the first row that had it; 0 is free.
    let slot = slots.values(as: UInt64.self)
    let mask = size - 1
    var again: [(first: UInt32, row: UInt32)] = []
    var row = 0
    while row < count {
      let value = print[row]
      let entry = UInt64(value) &<< 32 | UInt64(truncatingIfNeeded: row &+ 1)
      var place = Int(truncatingIfNeeded: value) & mask
      while true {
        let there = slot[place]
        if there == 0 {
          slot[place] = entry
          break
        }
        if UInt32(truncatingIfNeeded: there &>> 32) == value {
          again.append((UInt32(truncatingIfNeeded: there) &- 1, UInt32(truncatingIfNeeded: row)))
          break
        }
        place = (place &+ 1) & mask
      }
      row &+= 1
    }
    if again.isEmpty { return }
    if seen.count < count { seen = Array(repeating: false, count: count) }
    for (first, row) in again {
      if !seen[Int(first)] {
        seen[Int(first)] = true
        found.append(number[Int(first)])
      }
      found.append(number[Int(row)])
    }
    for (first, _) in again { seen[Int(first)] = false }
  }

  private func gather(_ pieces: [HashPiece], _ partition: Int) {
    var print = prints.values(as: UInt32.self)
    var number = rows.values(as: UInt64.self)
    for (index, piece) in pieces.enumerated() {
      let range = piece.rows(of: partition)
      let first = UInt64(index) &<< 16
      let source = piece.prints.values(as: UInt32.self) + range.lowerBound
      let place = piece.places.values(as: UInt16.self) + range.lowerBound
      let count = range.count
      var row = 0
      while row < count {
        print[row] = source[row]
        number[row] = first | UInt64(place[row])
        row &+= 1
      }
      print += count
      number += count
    }
  }
}
