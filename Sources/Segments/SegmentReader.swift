import Bytes
import Encodings
import Vectors

/// A segment file, mapped and ready to answer. Shared by threads; each reads rows through its own `RowGroupReader`.
///
/// Opening checks magic, version and the footer's checksum; a block's checksum is checked when it is first read and the
/// result remembered.
package final class SegmentReader: Sendable {
  package let schema: Schema
  package let rowCount: Int
  package let rowGroupCount: Int
  /// Columns the rows of each row group (and of the whole segment) are sorted by.
  package let sortedBy: [Int]
  package let properties: [String: String]
  /// The footer's CRC-32C, as in `SegmentSummary`.
  package let checksum: UInt32

  /// Opens a mapped segment. - Throws: `.corrupt` for damage, `.unsupported` for a newer format.
  package static func open(_ file: MappedFile) throws(PulsehouseError) -> SegmentReader {
    throw PulsehouseError(.internal, "not ready")
  }

  init() {
    schema = Schema([])
    rowCount = 0
    rowGroupCount = 0
    sortedBy = []
    properties = [:]
    checksum = 0
  }

  package func rowCount(rowGroup: Int) -> Int { 0 }

  /// Returns the zone map of a column over the whole segment.
  package func zoneMap(column: Int) -> ZoneMap { .empty }

  /// Returns the zone map of a column in one row group.
  package func zoneMap(column: Int, rowGroup: Int) -> ZoneMap { .empty }

  /// Returns the bytes a column takes in the file, in one row group or in all.
  package func byteCount(column: Int, rowGroup: Int? = nil) -> Int { 0 }

  /// Returns how a column is encoded in a row group, outermost first: `decimal`, `keyed delta`.
  package func encodings(column: Int, rowGroup: Int) -> [Encoding] { [] }
}
