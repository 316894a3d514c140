import Bytes
import Vectors

/// Cuts batches of any size into row groups. One thread at a time.
///
/// ```
/// builder.append(batch)
/// while let columns = builder.next() { ... }   // full row groups
/// if let columns = builder.finish() { ... }    // the rest
/// ```
package struct RowGroupBuilder {
  package let schema: Schema
  package let rowGroupRowCount: Int

  package init(schema: Schema, rowGroupRowCount: Int = SegmentOptions().rowGroupRowCount) {
    self.schema = schema
    self.rowGroupRowCount = rowGroupRowCount
  }

  /// Takes the rows of `batch`; its vectors are kept until their row group is cut.
  package mutating func append(_ batch: Batch) {}

  /// Rows taken and not yet cut.
  package private(set) var pendingRowCount = 0

  /// Returns a full row group when there are rows enough.
  package mutating func next() -> [Vector]? { nil }

  /// Returns the last, shorter row group; nil when no row is left.
  package mutating func finish() -> [Vector]? { nil }
}
