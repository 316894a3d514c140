import CKernels
import Vectors

/// Codes of `width` bytes; a row's value is `base + multiplier * code`, or `dictionary[code]`.
package struct NarrowColumn {
  /// 1, 2, 4 or 8. Codes are unsigned.
  package var width: Int
  package var codes: UnsafeRawPointer
  package var count: Int
  package var base: Int64
  /// At least 1.
  package var multiplier: Int64
  /// No code of the block is greater, so a dense table needs `maximumCode + 1` slots.
  package var maximumCode: UInt64
  /// Set when codes are indices into it; `base` is then 0 and `multiplier` 1. Its values ascend.
  package var dictionary: Vector?
  /// Nil when no row is null; codes of null rows are readable and meaningless.
  package var validity: ValidityMask?
}

extension NarrowColumn {
  /// The code of a row.
  func code(at row: Int) -> UInt64 {
    switch width {
    case 1: UInt64(codes.load(fromByteOffset: row, as: UInt8.self))
    case 2: UInt64(codes.load(fromByteOffset: row * 2, as: UInt16.self))
    case 4: UInt64(codes.load(fromByteOffset: row * 4, as: UInt32.self))
    default: codes.load(fromByteOffset: row * 8, as: UInt64.self)
    }
  }

  /// Sets the bits of those of the first `count` rows that have `code`, and clears the others.
  func mark(_ code: UInt64, _ count: Int, _ words: UnsafeMutablePointer<UInt64>) {
    switch width {
    case 1:
      let code = UInt8(truncatingIfNeeded: code)
      _ = ph_between8(codes.assumingMemoryBound(to: UInt8.self), count, code, code, words)
    case 2:
      let code = UInt16(truncatingIfNeeded: code)
      _ = ph_between16(codes.assumingMemoryBound(to: UInt16.self), count, code, code, words)
    case 4:
      let code = UInt32(truncatingIfNeeded: code)
      _ = ph_between32(codes.assumingMemoryBound(to: UInt32.self), count, code, code, words)
    default: _ = ph_between64(codes.assumingMemoryBound(to: UInt64.self), count, code, code, words)
    }
  }
}

/// Runs of equal rows; run `i` covers rows from `ends[i - 1]` (0 for the first) to before `ends[i]`.
package struct RunColumn {
  package var count: Int
  package var ends: UnsafePointer<UInt32>
  /// The runs' values as a flat vector of `count` rows, or a dictionary one; null runs are null in it.
  package var values: Vector
}
