import Bytes

/// A sequence of 64-bit integers in one of the integer encodings, opened in place.
///
/// The bytes must outlive it. Every integer-like thing in a block is one: values, dictionary codes, lengths, decimals.
enum IntegerStream {
  case constant(Int64, count: Int)
  case packed(PackedStream)
  case delta(DeltaStream)
  case runLength(RunLengthStream)
  case keyedDelta(KeyedDeltaStream)
  case linked(LinkedStream)
  case tracked(TrackedStream)

  /// Streams nest at most this deep.
  static let maximumDepth = 3

  init(_ cursor: inout BlockCursor, count: Int, depth: Int = 0, _ scratch: DecodeScratch) throws(PulsehouseError) {
    guard depth < IntegerStream.maximumDepth else { throw BlockCursor.damaged("streams nested too deep") }
    try cursor.align(to: 8)
    let raw = try cursor.load(UInt8.self)
    switch Encoding(rawValue: raw) {
    case .constant:
      try cursor.align(to: 8)
      self = .constant(try cursor.load(Int64.self), count: count)
    case .packed:
      try cursor.align(to: 8)
      self = .packed(try PackedStream(&cursor, count: count))
    case .delta: self = .delta(try DeltaStream(&cursor, count: count))
    case .runLength:
      try cursor.align(to: 4)
      self = .runLength(try RunLengthStream(&cursor, count: count, depth: depth, scratch))
    case .keyedDelta:
      guard depth == 0 else { throw BlockCursor.damaged("a keyed stream inside another") }
      try cursor.align(to: 4)
      self = .keyedDelta(try KeyedDeltaStream(&cursor, count: count))
    case .linked:
      guard depth == 0 else { throw BlockCursor.damaged("a linked stream inside another") }
      try cursor.align(to: 4)
      self = .linked(try LinkedStream(&cursor, count: count))
    case .tracked:
      guard depth == 0 else { throw BlockCursor.damaged("a tracked stream inside another") }
      try cursor.align(to: 4)
      self = .tracked(try TrackedStream(&cursor, count: count))
    default: throw BlockCursor.damaged("an integer stream of unknown encoding \(raw)")
    }
  }

  var count: Int {
    switch self {
    case .constant(_, let count): count
    case .packed(let stream): stream.count
    case .delta(let stream): stream.count
    case .runLength(let stream): stream.count
    case .keyedDelta(let stream): stream.count
    case .linked(let stream): stream.count
    case .tracked(let stream): stream.count
    }
  }

  var encodings: [Encoding] {
    switch self {
    case .constant: [.constant]
    case .packed: [.packed]
    case .delta: [.delta]
    case .runLength: [.runLength]
    case .keyedDelta: [.keyedDelta]
    case .linked: [.linked]
    case .tracked: [.tracked]
    }
  }

  /// Decodes rows `rows`, truncated to `T`, which `out` has room for. A keyed stream must have its keys.
  func decode<T: FixedWidthInteger & BitwiseCopyable>(
    _ rows: Range<Int>, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    if rows.isEmpty { return }
    switch self {
    case .constant(let value, _): out.update(repeating: T(truncatingIfNeeded: value), count: rows.count)
    case .packed(let stream):
      IntegerStream.byVector(rows, out, stream.count, scratch) { stream.decode($0, into: $1, scratch) }
    case .delta(let stream):
      IntegerStream.byVector(rows, out, stream.count, scratch) { vector, target in
        if T.bitWidth == 64 {
          stream.decode(vector, into: UnsafeMutableRawPointer(target).assumingMemoryBound(to: Int64.self), scratch)
        } else {
          stream.decode(vector, into: scratch.values, scratch)
          IntegerStream.truncate(scratch.values, target)
        }
      }
    case .runLength(let stream): try stream.decode(rows, into: out, scratch)
    case .keyedDelta(let stream): IntegerStream.copy(try stream.allValues(scratch), rows, out)
    case .tracked(let stream): IntegerStream.copy(try stream.allValues(scratch), rows, out)
    case .linked(let stream): try stream.decode(rows, into: out, scratch)
    }
  }

  private static func copy<T: FixedWidthInteger>(
    _ values: UnsafePointer<Int64>, _ rows: Range<Int>, _ out: UnsafeMutablePointer<T>
  ) {
    let source = values + rows.lowerBound
    let count = rows.count
    var index = 0
    while index < count {
      out[index] = T(truncatingIfNeeded: source[index])
      index &+= 1
    }
  }

  @inline(__always) private static func truncate<T: FixedWidthInteger>(
    _ values: UnsafeMutablePointer<Int64>, _ out: UnsafeMutablePointer<T>
  ) {
    var index = 0
    while index < 1024 {
      out[index] = T(truncatingIfNeeded: values[index])
      index &+= 1
    }
  }

  /// Runs `body` for each vector that `rows` touch: straight into `out` where all 1024 rows are wanted, through scratch
  /// memory where only some are.
  @inline(__always) static func byVector<T: BitwiseCopyable>(
    _ rows: Range<Int>, _ out: UnsafeMutablePointer<T>, _ count: Int, _ scratch: DecodeScratch,
    _ body: (Int, UnsafeMutablePointer<T>) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let vector = row >> 10
      let start = vector << 10
      let end = min(start + 1024, rows.upperBound)
      let target = out + (row - rows.lowerBound)
      if row == start && end == start + 1024 {
        body(vector, target)
      } else {
        let partial = scratch.output.assumingMemoryBound(to: T.self)
        body(vector, partial)
        target.update(from: partial + (row - start), count: end - row)
      }
      row = end
    }
  }

  /// Whether rows next to each other are best decoded together, as they are where none needs rows far before it.
  private var isLocal: Bool {
    switch self {
    case .constant, .packed, .delta, .runLength: true
    case .keyedDelta, .tracked, .linked: false
    }
  }

  /// Fewer rows are picked one by one.
  private static let fewestNeighbours = 32

  /// Decodes only the rows of `selection`, ascending, none twice, and below `count`.
  func decode<T: FixedWidthInteger & BitwiseCopyable>(
    _ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) throws(PulsehouseError) {
    if isLocal, selection.count >= IntegerStream.fewestNeighbours, let first = selection.first,
      let last = selection.last, Int(last - first) + 1 == selection.count
    {
      return try decode(Int(first)..<Int(last) + 1, into: out, scratch)
    }
    switch self {
    case .constant(let value, _): out.update(repeating: T(truncatingIfNeeded: value), count: selection.count)
    case .packed(let stream):
      IntegerStream.bySelection(selection) { vector, picks in
        let target = out + picks.lowerBound
        // Unpacking a vector costs about as much as picking a dozen codes one by one.
        if picks.count <= 12 {
          for pick in picks { out[pick] = T(truncatingIfNeeded: stream.value(at: Int(selection[pick]))) }
        } else {
          let values = scratch.output.assumingMemoryBound(to: T.self)
          stream.decode(vector, into: values, scratch)
          for (offset, pick) in picks.enumerated() { target[offset] = values[Int(selection[pick] & 1023)] }
        }
      }
    case .delta(let stream):
      IntegerStream.bySelection(selection) { vector, picks in
        let first = Int(selection[picks.lowerBound] & 1023)
        let last = Int(selection[picks.upperBound - 1] & 1023)
        stream.decode(vector, first...last, into: scratch.values, scratch)
        for pick in picks { out[pick] = T(truncatingIfNeeded: scratch.values[Int(selection[pick] & 1023)]) }
      }
    case .runLength(let stream):
      guard let first = selection.first, let last = selection.last else { return }
      let ends = stream.runEnds
      let runs = stream.runs(of: Int(first)..<Int(last) + 1)
      let values = try stream.values(of: runs, scratch)
      var run = runs.lowerBound
      for (index, row) in selection.enumerated() {
        if ends[run] <= row {
          run += 1
          if ends[run] <= row { run = stream.run(at: Int(row)) }
        }
        out[index] = T(truncatingIfNeeded: values[run])
      }
    case .keyedDelta(let stream):
      if stream.followChains(selection, into: out, scratch) { return }
      let source = try stream.allValues(scratch)
      for (index, row) in selection.enumerated() { out[index] = T(truncatingIfNeeded: source[Int(row)]) }
    case .tracked(let stream):
      if stream.followChains(selection, into: out, scratch) { return }
      let source = try stream.allValues(scratch)
      for (index, row) in selection.enumerated() { out[index] = T(truncatingIfNeeded: source[Int(row)]) }
    case .linked(let stream): try stream.decode(selection, into: out, scratch)
    }
  }

  /// Calls `body` with each vector that has selected rows, and which of the selection they are.
  @inline(__always) static func bySelection(
    _ selection: UnsafeBufferPointer<UInt32>, _ body: (Int, Range<Int>) -> Void
  ) {
    var index = 0
    while index < selection.count {
      let vector = Int(selection[index] >> 10)
      var end = index + 1
      while end < selection.count && Int(selection[end] >> 10) == vector { end += 1 }
      body(vector, index..<end)
      index = end
    }
  }

  /// Checks what the stream claims and others rely on. O(count).
  func validate(_ scratch: DecodeScratch) throws(PulsehouseError) {
    switch self {
    case .packed(let stream): try stream.validate(scratch)
    case .linked(let stream): try stream.rest.validate(scratch)
    default: break
    }
  }
}
