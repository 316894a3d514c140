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

/// Runs of equal rows; run `i` covers rows from `ends[i - 1]` (0 for the first) to before `ends[i]`.
package struct RunColumn {
  package var count: Int
  package var ends: UnsafePointer<UInt32>
  /// The runs' values as a flat vector of `count` rows, or a dictionary one; null runs are null in it.
  package var values: Vector
}
