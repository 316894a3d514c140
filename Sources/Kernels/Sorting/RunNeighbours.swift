import Bytes
import Vectors

/// Takes each row's value from the row beside it in the same run.
package enum RunNeighbours {
  /// Returns each row's value in the row before it; NULL in the first row of a run.
  ///
  /// Shape: `starts` has a byte for each row, 1 where a run begins, else 0. Keeps dictionaries; copies no string bytes.
  /// The values lie in `arena`, if there is one.
  package static func before(
    _ vector: Vector, starts: UnsafeBufferPointer<UInt8>, into arena: ColumnArena? = nil
  ) -> Vector {
    moved(vector, starts, arena) { source, target, stride, count in
      // The first row has none; any value will do under its NULL.
      target.copyMemory(from: source, byteCount: stride)
      (target + stride).copyMemory(from: source, byteCount: (count - 1) * stride)
    } mask: { row, starts in
      starts[row] == 0 ? row - 1 : nil
    }
  }

  /// Returns each row's value in the row behind it; NULL in the last row of a run. As `before` else.
  package static func after(
    _ vector: Vector, starts: UnsafeBufferPointer<UInt8>, into arena: ColumnArena? = nil
  ) -> Vector {
    moved(vector, starts, arena) { source, target, stride, count in
      target.copyMemory(from: source + stride, byteCount: (count - 1) * stride)
      (target + (count - 1) * stride).copyMemory(from: source + (count - 1) * stride, byteCount: stride)
    } mask: { row, starts in
      row + 1 < starts.count && starts[row + 1] == 0 ? row + 1 : nil
    }
  }

  @inline(__always) private static func moved(
    _ vector: Vector, _ starts: UnsafeBufferPointer<UInt8>, _ arena: ColumnArena?,
    _ copy: (_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ stride: Int, _ count: Int) -> Void,
    mask place: (_ row: Int, _ starts: UnsafeBufferPointer<UInt8>) -> Int?
  ) -> Vector {
    let count = vector.count
    precondition(starts.count == count, "a flag for every row")
    guard count > 0 else { return vector }
    let vector = vector.form == .constant ? vector.flattened() : vector
    let stride = vector.form == .dictionary ? 4 : vector.type.physical.stride
    let output = ColumnArena.memory(count, stride: stride, in: arena)
    copy(UnsafeRawPointer(vector.buffer.base), output.base, stride, count)
    let words = AlignedBuffer(byteCount: ValidityMask.wordCount(count) * 8)
    let word = words.values(as: UInt64.self)
    let source = vector.validity
    var row = 0
    while row < count {
      let end = min(row &+ 64, count)
      let first = row
      var bits: UInt64 = 0
      while row < end {
        if let place = place(row, starts), source?.isValid(place) ?? true { bits |= 1 &<< UInt64(row &- first) }
        row &+= 1
      }
      word[first >> 6] = bits
    }
    let mask = ValidityMask(buffer: words, count: count)
    if let dictionary = vector.dictionary {
      return Vector(codes: output, count: count, dictionary: dictionary, validity: mask)
    }
    return Vector(vector.type, count: count, buffer: output, validity: mask, owners: vector.owners)
  }
}
