import Bytes
import CKernels

/// Finds the steps of a key's rows, which come in ascending order.
final class Chain {
  private let stream: TrackedStream
  private let classes: RowClasses
  private let scratch: DecodeScratch
  private let classCount: Int
  /// Many rows of a key lie together: then steps are unpacked by the vector, else picked one by one.
  private let isDense: Bool
  private let memory: AlignedBuffer
  /// The classes of a vector's rows; range tests may read 63 bytes past them, and write a bit for each to `bits`.
  private let ofRow: UnsafeMutablePointer<UInt8>
  private let bits: UnsafeMutablePointer<UInt64>
  /// Rows of each class before the next one; which vector of each class is unpacked; 1 for steps from home.
  private let counts: UnsafeMutablePointer<Int>
  private let unpacked: UnsafeMutablePointer<Int>
  private let references: UnsafeMutablePointer<Int>
  /// A vector of steps of each class.
  private let steps: UnsafeMutablePointer<UInt64>
  private var vector = -1
  private var counted = 0

  private static let denseRowCount = 192

  init(_ stream: TrackedStream, _ classes: RowClasses, rowCount: Int, _ scratch: DecodeScratch) {
    self.stream = stream
    self.classes = classes
    self.scratch = scratch
    classCount = classes.rowCounts.count
    isDense = rowCount > Chain.denseRowCount
    let most = TrackedStream.maximumClassCount
    memory = AlignedBuffer(byteCount: 1024 + 64 + 128 + most * 24 + (isDense ? classCount * 8192 : 0))
    ofRow = memory.values(as: UInt8.self)
    bits = (memory.base + 1088).assumingMemoryBound(to: UInt64.self)
    counts = (memory.base + 1216).assumingMemoryBound(to: Int.self)
    unpacked = counts + most
    references = unpacked + most
    steps = UnsafeMutableRawPointer(references + most).assumingMemoryBound(to: UInt64.self)
    for index in 0..<most {
      unpacked[index] = -1
      references[index] = index < classCount && stream.isFromHome[index] ? 1 : 0
    }
  }

  /// Returns a row's zigzag step, and whether it is from home.
  @inline(__always) func step(_ row: Int) -> (UInt64, reference: Int) {
    if row >> 10 != vector { open(row >> 10) }
    let index = row & 1023
    if index &- counted < 32 {
      while counted < index {
        counts[Int(ofRow[counted]) & (TrackedStream.maximumClassCount &- 1)] &+= 1
        counted &+= 1
      }
    } else {
      count(to: index)
    }
    let rowClass = Int(ofRow[index]) & (TrackedStream.maximumClassCount &- 1)
    let rank = counts[rowClass]
    if !isDense { return (pick(rowClass, rank), references[rowClass]) }
    if unpacked[rowClass] != rank >> 10 { unpack(rowClass, rank >> 10) }
    return (steps[rowClass << 10 | rank & 1023], references[rowClass])
  }

  private func open(_ vector: Int) {
    self.vector = vector
    classes.codes.codes(vector, into: ofRow, scratch)
    counted = 0
    for index in 0..<classCount { counts[index] = classes.starts[vector * classCount + index] }
  }

  private func count(to index: Int) {
    for rowClass in 0..<classCount {
      let code = UInt8(truncatingIfNeeded: rowClass)
      counts[rowClass] &+= ph_between8(ofRow + counted, index - counted, code, code, bits)
    }
    counted = index
  }

  private func unpack(_ rowClass: Int, _ vector: Int) {
    stream.steps[rowClass].codes(vector, into: steps + rowClass << 10, scratch)
    unpacked[rowClass] = vector
  }

  private func pick(_ rowClass: Int, _ rank: Int) -> UInt64 { stream.steps[rowClass].code(at: rank) }
}

/// Walks the rows of a key where they lie next to each other, in ranges: the steps of each class are unpacked end to end
/// and walked at once.
final class RangeChain {
  private let stream: TrackedStream
  private let classes: RowClasses
  private let scratch: DecodeScratch
  private let track: Tracks
  private let memory: AlignedBuffer
  /// The classes of a vector's rows.
  private let ofRow: UnsafeMutablePointer<UInt8>
  private let bits: UnsafeMutablePointer<UInt64>
  /// The one key there is, for each row of a vector.
  private let keys: UnsafeMutablePointer<UInt32>
  private let output: UnsafeMutablePointer<Int64>
  /// Two vectors of steps for each class.
  private let steps: UnsafeMutablePointer<UInt64>
  private let references: [UInt8]
  private var vector = -1
  /// Rows of the vector that `ranks` has counted.
  private var counted = 0
  /// Rows of each class before them.
  private var ranks: [Int]
  /// Which vector of each class lies first in `steps`, -1 for none, and whether the next one lies behind it.
  private var unpacked: [Int]
  private var hasNext: [Bool]

  /// Unpacking a vector costs about as much as picking a dozen codes one by one.
  private static let mostPicked = 12

  init(_ stream: TrackedStream, _ classes: RowClasses, _ scratch: DecodeScratch) {
    self.stream = stream
    self.classes = classes
    self.scratch = scratch
    track = Tracks(keyCount: 1, base: stream.base)
    let most = TrackedStream.maximumClassCount
    // Range tests may read 63 bytes past the classes.
    memory = AlignedBuffer(byteCount: 1024 + 64 + 128 + 1024 * 4 + 1024 * 8 + classes.rowCounts.count * 2048 * 8)
    ofRow = memory.values(as: UInt8.self)
    bits = (memory.base + 1088).assumingMemoryBound(to: UInt64.self)
    keys = (memory.base + 1216).assumingMemoryBound(to: UInt32.self)
    output = UnsafeMutableRawPointer(keys + 1024).assumingMemoryBound(to: Int64.self)
    steps = UnsafeMutableRawPointer(output + 1024).assumingMemoryBound(to: UInt64.self)
    keys.update(repeating: 0, count: 1024)
    references = (0..<most).map { $0 < stream.isFromHome.count && stream.isFromHome[$0] ? 1 : 0 }
    ranks = Array(repeating: 0, count: most)
    unpacked = Array(repeating: -1, count: most)
    hasNext = Array(repeating: false, count: most)
  }

  /// Returns the values of the key's next rows, which lie in one vector.
  func values(of rows: Range<Int>) -> UnsafePointer<Int64> {
    if rows.lowerBound >> 10 != vector { open(rows.lowerBound >> 10) }
    let first = rows.lowerBound & 1023
    var next = [Int](repeating: 0, count: TrackedStream.maximumClassCount)
    for rowClass in 0..<classes.rowCounts.count {
      if first > counted { ranks[rowClass] += count(rowClass, counted..<first) }
      let found = count(rowClass, first..<first + rows.count)
      next[rowClass] = rowClass * 2048 + unpack(rowClass, ranks[rowClass], found)
      ranks[rowClass] += found
    }
    counted = first + rows.count
    ph_walk_tracks(keys, ofRow + first, rows.count, steps, &next, references, track.share, track.words, output)
    return UnsafePointer(output)
  }

  private func open(_ vector: Int) {
    self.vector = vector
    classes.codes.codes(vector, into: ofRow, scratch)
    counted = 0
    let classCount = classes.rowCounts.count
    for index in 0..<classCount { ranks[index] = classes.starts[vector * classCount + index] }
  }

  private func count(_ rowClass: Int, _ rows: Range<Int>) -> Int {
    let code = UInt8(truncatingIfNeeded: rowClass)
    return ph_between8(ofRow + rows.lowerBound, rows.count, code, code, bits)
  }

  /// Makes `count` steps of a class from number `rank` on lie end to end, and returns where in the class's memory.
  private func unpack(_ rowClass: Int, _ rank: Int, _ count: Int) -> Int {
    if count == 0 { return 0 }
    let target = steps + rowClass * 2048
    let source = stream.steps[rowClass]
    let wanted = rank >> 10
    if unpacked[rowClass] != wanted && count <= RangeChain.mostPicked {
      for index in 0..<count { target[index] = source.code(at: rank + index) }
      unpacked[rowClass] = -1
      return 0
    }
    if unpacked[rowClass] != wanted {
      if hasNext[rowClass] && unpacked[rowClass] == wanted - 1 {
        target.update(from: target + 1024, count: 1024)
      } else {
        source.codes(wanted, into: target, scratch)
      }
      unpacked[rowClass] = wanted
      hasNext[rowClass] = false
    }
    if (rank + count - 1) >> 10 > wanted && !hasNext[rowClass] {
      source.codes(wanted + 1, into: target + 1024, scratch)
      hasNext[rowClass] = true
    }
    return rank & 1023
  }
}
