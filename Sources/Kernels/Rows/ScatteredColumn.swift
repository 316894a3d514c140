import Bytes
import Vectors

/// A column that is filled in any order: each row once, by any thread, then read in the order of the rows.
///
/// Values have a fixed width; strings, whose bytes somebody must keep, have no place here.
package final class ScatteredColumn: @unchecked Sendable {
  // @unchecked: writers fill different rows, and readers come after all of them.
  private let type: LogicalType
  private let count: Int
  private let values: AlignedBuffer
  /// 1 for each row that is not NULL: a byte, so that threads do not share one.
  private let valid: AlignedBuffer

  /// Bytes a column of so many rows takes.
  package static func byteCount(_ type: LogicalType, rows: Int) -> Int { rows * (type.physical.stride + 1) }

  package init(_ type: LogicalType, count: Int) {
    precondition(type.physical != .string, "strings are not scattered")
    self.type = type
    self.count = count
    values = AlignedBuffer(byteCount: count * type.physical.stride)
    valid = AlignedBuffer(byteCount: count)
  }

  /// Stores row i of `vector` as row `rows[i]`; all of them are below the column's count.
  package func put(_ vector: Vector, at rows: [UInt32]) {
    precondition(vector.count == rows.count && vector.type.physical == type.physical, "a vector of another column")
    let flat = vector.flattened()
    switch type.physical.stride {
    case 1: put(flat, rows, as: UInt8.self)
    case 2: put(flat, rows, as: UInt16.self)
    case 4: put(flat, rows, as: UInt32.self)
    case 8: put(flat, rows, as: UInt64.self)
    default: putBytes(flat, rows)
    }
    let target = valid.values(as: UInt8.self)
    guard let mask = flat.validity else {
      rows.withUnsafeBufferPointer { rows in
        for row in rows { target[Int(row)] = 1 }
      }
      return
    }
    let words = mask.words
    rows.withUnsafeBufferPointer { rows in
      var index = 0
      while index < rows.count {
        target[Int(rows[index])] = UInt8(truncatingIfNeeded: (words[index &>> 6] &>> UInt64(index & 63)) & 1)
        index &+= 1
      }
    }
  }

  private func put<T: BitwiseCopyable>(_ vector: Vector, _ rows: [UInt32], as: T.Type) {
    let source = vector.buffer.values(as: T.self)
    let target = values.values(as: T.self)
    rows.withUnsafeBufferPointer { rows in
      var index = 0
      while index < rows.count {
        let row = Int(rows[index])
        precondition(row < count, "a row beyond the column")
        target[row] = source[index]
        index &+= 1
      }
    }
  }

  private func putBytes(_ vector: Vector, _ rows: [UInt32]) {
    let stride = type.physical.stride
    for (index, row) in rows.enumerated() {
      precondition(Int(row) < count, "a row beyond the column")
      (values.base + Int(row) * stride).copyMemory(from: vector.buffer.base + index * stride, byteCount: stride)
    }
  }

  /// Returns the rows of `range`, all of which have been put.
  package func slice(_ range: Range<Int>) -> Vector {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "rows beyond the column")
    let stride = type.physical.stride
    let buffer = AlignedBuffer(byteCount: range.count * stride)
    buffer.base.copyMemory(from: values.base + range.lowerBound * stride, byteCount: range.count * stride)
    let flags = valid.values(as: UInt8.self) + range.lowerBound
    var all: UInt8 = 1
    for row in 0..<range.count { all &= flags[row] }
    if all == 1 { return Vector(type, count: range.count, buffer: buffer) }
    let mask = ValidityMask(count: range.count, allValid: false)
    let words = mask.words
    for row in 0..<range.count { words[row &>> 6] |= UInt64(flags[row]) &<< UInt64(row & 63) }
    return Vector(type, count: range.count, buffer: buffer, validity: mask)
  }
}
