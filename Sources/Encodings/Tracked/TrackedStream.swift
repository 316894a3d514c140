import Bytes
import CKernels

/// Integers as steps of many walkers, each row's known by a key in another column: a row differs little from the last row
/// of its key, or lies around the mean of its key's rows so far, the key's *home*.
///
/// Each row has a class, which says from which of the two its step is taken; the steps of a class are packed together, so
/// that each class has the width it needs. Classes are chosen for several columns at once: the first of them, the leader,
/// holds the classes, the others look them up there.
///
/// As with `KeyedDeltaStream` the whole block is decoded once, unless a few rows of a few keys are wanted.
final class TrackedStream {
  let count: Int
  /// The column whose values are the keys.
  let keyColumn: Int
  /// The column that holds the classes; nil when this one does.
  let leaderColumn: Int?
  /// Where each key begins.
  let base: Int64
  /// True for each class whose steps are taken from home.
  let isFromHome: [Bool]
  /// Zigzag steps of each class.
  let steps: [PackedStream]
  private let ownClasses: RowClasses?
  private var classes: RowClasses?
  private var keys: SuppliedKeys?
  /// All values, once decoded.
  private var values: AlignedBuffer?

  static let maximumClassCount = 8
  /// What stands for the leader's column in the leader itself.
  static let isLeader = UInt32.max
  /// So many rows count for a key's home as if they were all: its mean goes on moving.
  static let memory = 32
  /// Shares of 2^16 that a step moves a home of so many rows by.
  static let shares: [Int64] = (1...memory).map { Int64(65_536 / $0) }

  init(_ cursor: inout BlockCursor, count: Int) throws(PulsehouseError) {
    self.count = count
    keyColumn = Int(try cursor.load(UInt32.self))
    let leader = try cursor.load(UInt32.self)
    leaderColumn = leader == TrackedStream.isLeader ? nil : Int(leader)
    base = try cursor.load(Int64.self)
    let classCount = try cursor.count(atMost: TrackedStream.maximumClassCount)
    guard classCount > 0 else { throw BlockCursor.damaged("a tracked stream without classes") }
    var rowCounts: [Int] = []
    for _ in 0..<classCount { rowCounts.append(try cursor.count(atMost: count)) }
    guard rowCounts.reduce(0, +) == count else { throw BlockCursor.damaged("classes that do not add up") }
    let references = try cursor.bytes(classCount)
    var isFromHome: [Bool] = []
    for index in 0..<classCount {
      let reference = references.load(fromByteOffset: index, as: UInt8.self)
      guard reference <= 1 else { throw BlockCursor.damaged("a class of steps from nowhere") }
      isFromHome.append(reference == 1)
    }
    self.isFromHome = isFromHome
    ownClasses = leaderColumn == nil ? try RowClasses(&cursor, count: count, rowCounts) : nil
    classes = ownClasses
    var steps: [PackedStream] = []
    for rowCount in rowCounts {
      try cursor.align(to: 8)
      steps.append(try PackedStream(&cursor, count: rowCount))
    }
    self.steps = steps
  }

  var hasKeys: Bool { keys != nil }
  var hasClasses: Bool { classes != nil }

  /// Takes the keys of the row group's rows.
  func supply(_ keys: SuppliedKeys) throws(PulsehouseError) { self.keys = try keys.checked(for: count) }

  /// Takes the classes of the leader, which has been validated.
  func supply(_ leader: TrackedStream) throws(PulsehouseError) {
    guard let classes = leader.ownClasses, classes.rowCounts == steps.map(\.count) else {
      throw BlockCursor.damaged("a column that has not the classes another one needs")
    }
    self.classes = classes
  }

  /// Checks what decoding relies on.
  func validate(_ scratch: DecodeScratch) throws(PulsehouseError) { try ownClasses?.validate(scratch) }

  /// Returns all values, decoding them the first time.
  func allValues(_ scratch: DecodeScratch) throws(PulsehouseError) -> UnsafePointer<Int64> {
    if let values { return UnsafePointer(values.values(as: Int64.self)) }
    guard let keys, let classes else {
      throw PulsehouseError(.internal, "a tracked block read before its keys and classes")
    }
    let output = AlignedBuffer(byteCount: (count + 1024) * 8)
    let narrow = try keys.narrow()
    switch narrow.width {
    case 1: walk(narrow.codes.assumingMemoryBound(to: UInt8.self), keys.greatest, classes, output, scratch)
    case 2: walk(narrow.codes.assumingMemoryBound(to: UInt16.self), keys.greatest, classes, output, scratch)
    case 4: walk(narrow.codes.assumingMemoryBound(to: UInt32.self), keys.greatest, classes, output, scratch)
    default: walk(narrow.codes.assumingMemoryBound(to: UInt64.self), keys.greatest, classes, output, scratch)
    }
    values = output
    return UnsafePointer(output.values(as: Int64.self))
  }

  func dropValues() { values = nil }

  @inline(__always) private func walk<Key: FixedWidthInteger & UnsignedInteger>(
    _ keys: UnsafePointer<Key>, _ maximumKey: UInt64, _ classes: RowClasses, _ output: AlignedBuffer,
    _ scratch: DecodeScratch
  ) {
    let keyCount = Int(maximumKey) + 1
    let tracks = Tracks(keyCount: keyCount, base: base)
    // The steps of all classes, one after the other, each with room for the whole of its last vector.
    var starts: [Int] = []
    var room = 0
    for stream in steps {
      starts.append(room)
      room += (stream.count + 1023) & ~1023
    }
    let unpacked = AlignedBuffer(byteCount: max(room, 1) * 8)
    let step = unpacked.values(as: UInt64.self)
    for (stream, start) in zip(steps, starts) {
      for vector in 0..<stream.vectorCount { stream.decode(vector, into: step + start + vector << 10, scratch) }
    }
    let values = output.values(as: Int64.self)
    let classCount = TrackedStream.maximumClassCount
    var cursors = starts + Array(repeating: 0, count: classCount - starts.count)
    let references = isFromHome.map { $0 ? 1 : 0 } + Array(repeating: UInt8(0), count: classCount - starts.count)
    let ofRow = scratch.output.assumingMemoryBound(to: UInt8.self)
    let walkers = UnsafeMutableRawPointer(scratch.values).assumingMemoryBound(to: UInt32.self)
    let greatest = UInt32(truncatingIfNeeded: maximumKey)
    for vector in 0..<classes.codes.vectorCount {
      classes.codes.codes(vector, into: ofRow, scratch)
      let start = vector << 10
      let length = classes.codes.length(vector)
      var index = 0
      while index < length {
        // Supplied keys are far below 32 bits.
        walkers[index] = min(UInt32(truncatingIfNeeded: keys[start &+ index]), greatest)
        index &+= 1
      }
      ph_walk_tracks(
        walkers, ofRow, length, UnsafePointer(step), &cursors, references, tracks.share, tracks.words, values + start)
    }
    withExtendedLifetime((unpacked, tracks)) {}
  }

  /// Decodes the selected rows (ascending) by following the rows of their keys; false when there are too many keys or all
  /// values are there already.
  func followChains<T: FixedWidthInteger>(
    _ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) -> Bool {
    guard values == nil, let keys, let classes, let last = selection.last, selection.count <= count / 16,
      let wanted = keys.few(of: selection)
    else { return false }
    let rowCount = Int(last) + 1
    for key in wanted {
      switch keys.rows(of: key, below: rowCount) {
      case .ranges(let ranges):
        let chain = RangeChain(self, classes, scratch)
        KeyRows.byVector(ranges, selection) {
          chain.values(of: $0)
        } take: {
          out[$0] = T(truncatingIfNeeded: $1)
        }
      case .bits(let bitmap):
        let chain = Chain(self, classes, rowCount: bitmap.count, scratch)
        let track = Tracks(keyCount: 1, base: base)
        bitmap.forEach(selection) { row in
          let (code, reference) = chain.step(row)
          return track.step(0, Int64(bitPattern: (code &>> 1) ^ (0 &- (code & 1))), reference)
        } take: {
          out[$0] = T(truncatingIfNeeded: $1)
        }
        withExtendedLifetime((chain, track)) {}
      }
    }
    return true
  }
}

extension IntegerStream {
  /// Returns all values of a stream that is only decoded as a whole; nil of others.
  func wholeValues(_ scratch: DecodeScratch) throws(PulsehouseError) -> UnsafePointer<Int64>? {
    switch self {
    case .keyedDelta(let stream): try stream.allValues(scratch)
    case .tracked(let stream): try stream.allValues(scratch)
    default: nil
    }
  }

  /// Gives back the memory of `wholeValues`, which are decoded anew when they are asked for again.
  func dropWholeValues() {
    switch self {
    case .keyedDelta(let stream): stream.dropValues()
    case .tracked(let stream): stream.dropValues()
    default: break
    }
  }
}

/// Where each key is: its last value, and its home.
struct Tracks {
  /// The last value, the home, and how many rows made it, of each key; a fourth word for the sake of addresses.
  private let memory: AlignedBuffer
  private let shares = TrackShares()
  let words: UnsafeMutablePointer<Int64>

  var share: UnsafePointer<Int64> { shares.share }

  init(keyCount: Int, base: Int64) {
    memory = AlignedBuffer(byteCount: keyCount * 32)
    words = memory.values(as: Int64.self)
    for key in 0..<keyCount {
      words[key &* 4] = base
      words[key &* 4 &+ 1] = base
      words[key &* 4 &+ 2] = 0
    }
  }

  @inline(__always) func last(_ key: Int) -> Int64 { words[key &* 4] }
  @inline(__always) func home(_ key: Int) -> Int64 { words[key &* 4 &+ 1] }
  @inline(__always) func reference(_ key: Int, _ reference: Int) -> Int64 { words[key &* 4 &+ reference] }

  /// Takes a step from a key's last value (`reference` 0) or its home (1), which then moves, and returns the value.
  @inline(__always) func step(_ key: Int, _ step: Int64, _ reference: Int) -> Int64 {
    let track = words + key &* 4
    let value = track[reference] &+ step
    track[0] = value
    let rows = Int(track[2])
    // Only a step from home moves it.
    track[1] &+= (step &* shares.share[rows]) &>> 16 & (0 &- Int64(reference))
    track[2] = Int64(min(rows &+ reference, TrackedStream.memory &- 1))
    return value
  }
}

/// The shares of `TrackedStream.shares` where loops read them fastest.
struct TrackShares {
  private let memory: AlignedBuffer
  let share: UnsafePointer<Int64>

  init() {
    memory = AlignedBuffer(byteCount: TrackedStream.memory * 8)
    let table = memory.values(as: Int64.self)
    for (index, part) in TrackedStream.shares.enumerated() { table[index] = part }
    share = UnsafePointer(table)
  }
}

/// A class for each row of a block, and where in its class each vector's rows begin.
final class RowClasses {
  let codes: PackedStream
  /// Rows of each class.
  let rowCounts: [Int]
  /// Rows of each class in each vector.
  private let vectorCounts: UnsafePointer<UInt16>
  /// Rows of each class before each vector, once asked for.
  private(set) lazy var starts: [Int] = {
    let classCount = rowCounts.count
    let count = codes.vectorCount * classCount
    return [Int](unsafeUninitializedCapacity: count) { starts, initialized in
      for index in 0..<min(classCount, count) { starts.initializeElement(at: index, to: 0) }
      for index in stride(from: classCount, to: count, by: 1) {
        let before = index &- classCount
        starts.initializeElement(at: index, to: starts[before] &+ Int(vectorCounts[before]))
      }
      initialized = count
    }
  }()

  init(_ cursor: inout BlockCursor, count: Int, _ rowCounts: [Int]) throws(PulsehouseError) {
    self.rowCounts = rowCounts
    vectorCounts = try cursor.array(UInt16.self, count: rowCounts.count * ((count + 1023) >> 10))
    try cursor.align(to: 8)
    codes = try PackedStream(&cursor, count: count)
  }

  /// Throws unless rows have classes that are, as many in each vector and in all as was said.
  func validate(_ scratch: DecodeScratch) throws(PulsehouseError) {
    guard codes.base == 0, codes.multiplier == 1 else { throw BlockCursor.damaged("classes that are none") }
    if codes.isPlainFrame && codes.laneLog == 0 { return try validateLanes(scratch) }
    var sums = [Int](repeating: 0, count: rowCounts.count)
    for vector in 0..<codes.vectorCount {
      codes.codes(vector, into: scratch.values, scratch)
      var found = [Int](repeating: 0, count: rowCounts.count)
      for index in 0..<codes.length(vector) {
        let code = scratch.values[index]
        guard code >= 0, code < rowCounts.count else { throw BlockCursor.damaged("a class that is none") }
        found[Int(code)] += 1
      }
      for index in found.indices {
        guard found[index] == Int(vectorCounts[vector * rowCounts.count + index]) else {
          throw BlockCursor.damaged("classes that do not add up")
        }
        sums[index] += found[index]
      }
    }
    guard sums == rowCounts else { throw BlockCursor.damaged("classes that do not add up") }
  }

  /// Does the same where lanes are classes: counts one class after the other.
  private func validateLanes(_ scratch: DecodeScratch) throws(PulsehouseError) {
    var sums = [Int](repeating: 0, count: rowCounts.count)
    for vector in 0..<codes.vectorCount {
      let length = codes.length(vector)
      let lanes = codes.lanes(vector, scratch).assumingMemoryBound(to: UInt8.self)
      var total = 0
      for index in sums.indices {
        let code = UInt8(truncatingIfNeeded: index)
        let found = ph_between8(lanes, length, code, code, scratch.bits)
        guard found == Int(vectorCounts[vector * rowCounts.count + index]) else {
          throw BlockCursor.damaged("classes that do not add up")
        }
        total += found
        sums[index] += found
      }
      guard total == length else { throw BlockCursor.damaged("a class that is none") }
    }
    guard sums == rowCounts else { throw BlockCursor.damaged("classes that do not add up") }
  }
}
