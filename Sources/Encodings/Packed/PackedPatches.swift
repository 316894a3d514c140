import Bytes
import CKernels
import Synchronization

/// The codes of a packed stream that did not fit their width: where they are, and the bits above.
///
/// Positions are a list where patches are few and a bitmap where they are many. High bits are a packed stream of their
/// own, which may have patches in turn: a column whose values come in two or three sizes costs little more than each
/// size would alone.
struct PackedPatches {
  let count: Int
  /// Which patches are in a vector: `starts[vector] ..< starts[vector + 1]`.
  private let starts: UnsafePointer<UInt32>
  /// Positions in their vectors, ascending, or nil.
  private let positions: UnsafePointer<UInt16>?
  /// Sixteen words a vector, or nil.
  private let bitmap: UnsafePointer<UInt64>?
  private let highs: Highs?

  /// The high bits of all patches in order, boxed because a packed stream holds patches.
  private final class Highs: Sendable {
    nonisolated(unsafe) let stream: PackedStream
    /// Of no other stream as long as the program runs.
    let number: UInt64
    private static let count = Atomic<UInt64>(0)

    // The stream's pointers are read-only, and the block that opened it keeps its bytes.
    init(_ stream: PackedStream) {
      self.stream = stream
      number = Highs.count.add(1, ordering: .relaxed).newValue
    }
  }

  /// Streams of patches nest at most this deep.
  static let maximumDepth = 4

  init(_ cursor: inout BlockCursor, count: Int, rowCount: Int, isBitmap: Bool, depth: Int) throws(PulsehouseError) {
    self.count = count
    if count == 0 {
      starts = cursor.base.assumingMemoryBound(to: UInt32.self)
      highs = nil
      positions = nil
      bitmap = nil
      return
    }
    guard depth < PackedPatches.maximumDepth else { throw BlockCursor.damaged("patches nested too deep") }
    let vectors = (rowCount + 1023) >> 10
    let starts = try cursor.array(UInt32.self, count: vectors + 1)
    guard starts[0] == 0, Int(starts[vectors]) == count else {
      throw BlockCursor.damaged("patches that do not add up")
    }
    for vector in 0..<vectors
    where starts[vector] > starts[vector + 1] || starts[vector + 1] - starts[vector] > 1024 {
      throw BlockCursor.damaged("patches that do not add up")
    }
    self.starts = starts
    if isBitmap {
      let bitmap = try cursor.array(UInt64.self, count: vectors * 16)
      for vector in 0..<vectors {
        var bits = 0
        for word in (vector * 16)..<(vector * 16 + 16) { bits += bitmap[word].nonzeroBitCount }
        guard bits == Int(starts[vector + 1] - starts[vector]) else {
          throw BlockCursor.damaged("patches that do not add up")
        }
      }
      self.bitmap = bitmap
      positions = nil
    } else {
      let positions = try cursor.array(UInt16.self, count: count)
      for index in 0..<count where positions[index] >= 1024 {
        throw BlockCursor.damaged("a patch outside its vector")
      }
      self.positions = positions
      bitmap = nil
    }
    try cursor.align(to: 8)
    highs = Highs(try PackedStream(&cursor, count: count, depth: depth + 1))
  }

  /// Unpacks the high bits (not yet shifted) of a vector's patches; nil when it has none. They lie in nested scratch, with
  /// room for as many as kernels read past them.
  private func highs(_ vector: Int, _ scratch: DecodeScratch) -> UnsafePointer<UInt64>? {
    let range = Int(starts[vector])..<Int(starts[vector + 1])
    guard let highs, !range.isEmpty else { return nil }
    let nested = scratch.nested(of: highs.number)
    let unpacked = nested.output.assumingMemoryBound(to: UInt64.self)
    let high = UnsafeMutableRawPointer(nested.values).assumingMemoryBound(to: UInt64.self)
    var row = range.lowerBound
    while row < range.upperBound {
      // A vector of high parts serves several vectors of codes, one after the other.
      if nested.unpackedVector != row >> 10 {
        highs.stream.codes(row >> 10, into: unpacked, nested)
        nested.unpackedVector = row >> 10
      }
      let end = min((row >> 10 + 1) << 10, range.upperBound)
      (high + (row - range.lowerBound)).update(from: unpacked + (row & 1023), count: end - row)
      row = end
    }
    return UnsafePointer(high)
  }

  /// Adds the shifted high bits of a vector's patches to its 1024 values.
  @inline(__always) func add<T: FixedWidthInteger>(
    _ vector: Int, shift: Int, multiplier: Int64, to values: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) {
    if T.bitWidth == 64, let bitmap {
      guard let high = highs(vector, scratch) else { return }
      let value = UnsafeMutableRawPointer(values).assumingMemoryBound(to: UInt64.self)
      ph_patch64(value, bitmap + vector * 16, high, UInt32(shift), UInt64(bitPattern: multiplier))
      return
    }
    forEach(vector, scratch) { position, high in
      let shifted = Int64(truncatingIfNeeded: high << UInt64(shift))
      values[position] &+= T(truncatingIfNeeded: shifted &* multiplier)
    }
  }

  /// Calls `body` with the position and the high bits (not yet shifted) of each patch of a vector; positions are below
  /// 1024.
  func forEach(_ vector: Int, _ scratch: DecodeScratch, _ body: (Int, UInt64) -> Void) {
    guard let high = highs(vector, scratch) else { return }
    let range = Int(starts[vector])..<Int(starts[vector + 1])
    var index = 0
    if let bitmap {
      let words = bitmap + vector * 16
      var word = 0
      while word < 16 {
        var bits = words[word]
        while bits != 0 {
          body(word &<< 6 | bits.trailingZeroBitCount, high[index])
          bits &= bits &- 1
          index &+= 1
        }
        word &+= 1
      }
    } else if let positions {
      let position = positions + range.lowerBound
      while index < range.count {
        body(Int(position[index]), high[index])
        index &+= 1
      }
    }
  }

  /// The high bits of one row of a vector; nil when it is not patched.
  func high(_ vector: Int, at position: Int) -> UInt64? {
    guard let highs else { return nil }
    var index = Int(starts[vector])
    if let bitmap {
      let words = bitmap + vector * 16
      let word = position >> 6
      let bit: UInt64 = 1 << UInt64(position & 63)
      guard words[word] & bit != 0 else { return nil }
      for before in 0..<word { index += words[before].nonzeroBitCount }
      index += (words[word] & (bit - 1)).nonzeroBitCount
      return highs.stream.code(at: index)
    }
    guard let positions else { return nil }
    var total: UInt64?
    while index < Int(starts[vector + 1]) {
      if Int(positions[index]) == position { total = (total ?? 0) &+ highs.stream.code(at: index) }
      index += 1
    }
    return total
  }

  /// Appends patches: `starts` per vector and one more, positions ascending in each vector. Signed ones lie in frames
  /// that begin below zero.
  static func write(
    starts: [UInt32], positions: UnsafePointer<UInt16>, highs: UnsafePointer<UInt64>, areSigned: Bool, isBitmap: Bool,
    depth: Int, into writer: inout ByteWriter
  ) {
    let count = Int(starts[starts.count - 1])
    writer.appendArray(starts)
    if isBitmap {
      var words = [UInt64](repeating: 0, count: (starts.count - 1) * 16)
      for vector in 0..<(starts.count - 1) {
        for index in Int(starts[vector])..<Int(starts[vector + 1]) {
          words[vector * 16 + Int(positions[index] >> 6)] |= 1 << UInt64(positions[index] & 63)
        }
      }
      writer.appendArray(words)
    } else {
      writer.appendArray(positions, count: count)
    }
    let encoder = PackedEncoder(
      codes: highs, count: count, base: 0, multiplier: 1, depth: depth + 1, isSigned: areSigned)
    encoder.write(encoder.plan(), into: &writer)
  }
}
