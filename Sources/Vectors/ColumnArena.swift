import Bytes

/// Memory for the values of one column whose vectors will be joined: those that are made one after the other lie end to
/// end in it, and `Vector.joined(endToEnd:)` has them as one without a copy. One thread.
package final class ColumnArena {
  private let rowCapacity: Int
  private var buffer: AlignedBuffer?
  private var stride = 0
  private var used = 0

  /// Makes an arena that gets memory for `rowCapacity` rows at a time.
  package init(rowCapacity: Int) {
    precondition(rowCapacity > 0, "an arena has room")
    self.rowCapacity = rowCapacity
  }

  /// Lets what was handed out belong to its vectors alone: what comes next begins anew.
  package func reset() { buffer = nil }

  /// Returns memory for `count` values of `stride` bytes, behind that handed out last as long as there is room.
  package func take(_ count: Int, stride: Int) -> AlignedBuffer {
    let byteCount = count * stride
    if let buffer, stride == self.stride, used + byteCount <= buffer.byteCount { return window(of: buffer, byteCount) }
    let made = AlignedBuffer(byteCount: max(rowCapacity, count) * stride)
    (buffer, self.stride, used) = (made, stride, 0)
    return window(of: made, byteCount)
  }

  /// Returns memory for `count` values of `stride` bytes: of `arena`, or where there is none of its own.
  package static func memory(_ count: Int, stride: Int, in arena: ColumnArena?) -> AlignedBuffer {
    arena?.take(count, stride: stride) ?? AlignedBuffer(byteCount: count * stride)
  }

  private func window(of buffer: AlignedBuffer, _ byteCount: Int) -> AlignedBuffer {
    defer { used += byteCount }
    return AlignedBuffer(window: buffer.base + used, byteCount: byteCount, owner: buffer)
  }
}

/// An arena for each column of some rows, by a number that tells the columns apart. One thread.
package final class RowArena {
  private let rowCapacity: Int
  private var columns: [Int: ColumnArena] = [:]

  /// Makes arenas that get memory for `rowCapacity` rows at a time.
  package init(rowCapacity: Int) { self.rowCapacity = rowCapacity }

  package func column(_ number: Int) -> ColumnArena {
    if let known = columns[number] { return known }
    let made = ColumnArena(rowCapacity: rowCapacity)
    columns[number] = made
    return made
  }

  /// Lets what was handed out belong to its vectors alone: what comes next begins anew.
  package func reset() { for column in columns.values { column.reset() } }
}

extension Vector {
  /// Returns parts that lie end to end in one buffer as that; nil when they do not, are constant, or flat strings.
  package static func joined(endToEnd parts: [Vector]) -> Vector? {
    guard let first = parts.first, let owner = first.buffer.owner as? AlignedBuffer, first.form != .constant else {
      return nil
    }
    let stride = first.form == .dictionary ? 4 : first.type.physical.stride
    if first.form == .flat, first.type.physical == .string { return nil }
    var end = first.buffer.base
    for part in parts {
      guard part.form == first.form, part.dictionary === first.dictionary,
        part.buffer.owner === owner, part.buffer.base == end
      else { return nil }
      end += part.count * stride
    }
    let count = parts.reduce(0) { $0 + $1.count }
    let buffer = AlignedBuffer(window: first.buffer.base, byteCount: count * stride, owner: owner)
    let mask = ValidityMask.joined(parts.map { ($0.validity, $0.count) })
    if let dictionary = first.dictionary {
      return Vector(codes: buffer, count: count, dictionary: dictionary, validity: mask)
    }
    return Vector(first.type, count: count, buffer: buffer, validity: mask)
  }
}
