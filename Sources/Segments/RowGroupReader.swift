import Bytes
import Encodings
import Vectors

/// Reads the columns of one row group. One thread at a time; keep it and `move(to:)` the next row group, so that its
/// scratch memory is reused.
///
/// Rows are numbered from 0 within the row group. Every read may throw `.corrupt` (the block's checksum is wrong; other
/// columns still answer) and nothing else.
package final class RowGroupReader {
  package private(set) var segment: SegmentReader
  package private(set) var rowGroup: Int
  package private(set) var rowCount: Int

  package init(_ segment: SegmentReader, rowGroup: Int) {
    self.segment = segment
    self.rowGroup = rowGroup
    rowCount = segment.rowCount(rowGroup: rowGroup)
  }

  /// Turns to another row group, of this or another segment. Vectors handed out stay valid.
  package func move(to segment: SegmentReader, rowGroup: Int) {
    self.segment = segment
    self.rowGroup = rowGroup
    rowCount = segment.rowCount(rowGroup: rowGroup)
  }

  /// Judges `predicate` by the row group's zone map.
  package func prune(column: Int, _ predicate: ColumnPredicate) -> Pruning {
    segment.zoneMap(column: column, rowGroup: rowGroup).prune(predicate)
  }

  /// Decodes rows `rows` of a column. Ascending ranges of 2,048 rows that start at multiples of 1,024 are fastest.
  ///
  /// Shape: `rows.count` rows; constant blocks give constant vectors, dictionary blocks dictionary vectors that all
  /// share one dictionary object (so operators may compare dictionaries by identity), others flat ones.
  package func read(column: Int, rows: Range<Int>) throws(PulsehouseError) -> Vector {
    throw PulsehouseError(.internal, "not ready")
  }

  /// Decodes only the rows that `selection` names, ascending, each below `rowCount`.
  package func read(column: Int, selection: UnsafeBufferPointer<UInt32>) throws(PulsehouseError) -> Vector {
    throw PulsehouseError(.internal, "not ready")
  }

  /// Decodes only the rows that `selection` names.
  package func read(column: Int, selection: SelectionVector) throws(PulsehouseError) -> Vector {
    throw PulsehouseError(.internal, "not ready")
  }

  /// Tests rows `rows` on the encoded form; bit `i` of `bitmap` becomes 1 when row `rows.lowerBound + i` passes. Returns
  /// how many do. `bitmap` has a word for every 64 rows begun; bits past the last row become 0.
  package func filter(
    column: Int, _ predicate: ColumnPredicate, rows: Range<Int>, into bitmap: UnsafeMutablePointer<UInt64>
  ) throws(PulsehouseError) -> Int {
    throw PulsehouseError(.internal, "not ready")
  }

  /// Keeps of `selection` (ascending rows) those that pass, in place.
  package func filter(column: Int, _ predicate: ColumnPredicate, selection: inout SelectionVector)
    throws(PulsehouseError)
  {
    throw PulsehouseError(.internal, "not ready")
  }

  /// Decodes rows `rows` of an integer-like or dictionary column to the narrowest codes that hold the whole block, so
  /// that aggregates run over one or two bytes a row. Nil when the block has no such form (doubles, long strings).
  ///
  /// The codes lie in `scratch`, which must hold `rows.count * 8` bytes, or in memory of the reader's that stays until
  /// it moves on.
  package func narrow(column: Int, rows: Range<Int>, scratch: AlignedBuffer) throws(PulsehouseError) -> NarrowColumn? {
    throw PulsehouseError(.internal, "not ready")
  }

  /// Returns the runs of a run-length or constant block that cover the row group; nil for other encodings. The memory
  /// is the reader's and stays until it moves on.
  package func runs(column: Int) throws(PulsehouseError) -> RunColumn? {
    throw PulsehouseError(.internal, "not ready")
  }
}

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
