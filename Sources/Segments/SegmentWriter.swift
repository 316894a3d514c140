import Bytes
import Encodings
import Vectors

/// Writes one segment file: whole row groups in, a durable file out.
///
/// Encoding is a pure function that worker threads may run side by side; appending and finishing belong to one thread.
/// The file lies under a temporary name until `finish`; a writer released before that removes it.
package final class SegmentWriter {
  package let schema: Schema
  package let options: SegmentOptions

  /// Starts the file. `path` is where it will be after `finish`. - Throws: `.io`.
  package init(
    _ path: String, schema: Schema, options: SegmentOptions = SegmentOptions(),
    in fileSystem: any FileSystem = LocalFileSystem()
  ) throws(PulsehouseError) {
    self.schema = schema
    self.options = options
  }

  /// Encodes the rows of one row group. Safe to call from any thread, several at once.
  ///
  /// Shape: one vector per column of the schema, of equal length, any form, at least one row and at most
  /// `rowGroupRowCount`. - Throws: `.internal` for vectors that do not fit the schema.
  package static func encodeRowGroup(_ columns: [Vector], schema: Schema, options: SegmentOptions)
    throws(PulsehouseError) -> EncodedRowGroup
  {
    throw PulsehouseError(.internal, "not ready")
  }

  /// Writes an encoded row group after those before it. - Throws: `.io`.
  package func append(_ rowGroup: EncodedRowGroup) throws(PulsehouseError) {}

  /// Writes the footer and gives the file its name, durably. Call once, last. A segment without rows is fine.
  ///
  /// With `syncDirectory` false the caller syncs the directory once for many files. - Throws: `.io`.
  package func finish(syncDirectory: Bool = true) throws(PulsehouseError) -> SegmentSummary {
    throw PulsehouseError(.internal, "not ready")
  }
}
