import Bytes
import Encodings
import Vectors

/// How a segment is written. Readers need none of it.
package struct SegmentOptions: Sendable {
  /// Rows of a full row group, the morsel of a scan.
  package var rowGroupRowCount = 131_072
  /// Uses this encoding for every block that can have it; the others are chosen. For tests.
  package var forcedEncoding: Encoding?
  /// Compresses strings and wide values where that saves more than a tenth. Numbers never are.
  package var isZstdEnabled = true
  package var zstdLevel: Int32 = 3
  /// The column whose last row with the same value predicts numbers of other columns (a user's last event predicts the
  /// next); kept where it makes them smaller. Nil lets the writer look for one that predicts floats.
  package var keyColumn: Int?
  /// Columns the rows are sorted by, most significant first; recorded so that readers need no sort.
  package var sortedBy: [Int] = []
  /// What else the file says of itself: its table, its partition.
  package var properties: [String: String] = [:]

  package init() {}
}

/// What a finished segment is, for the manifest that names it.
package struct SegmentSummary: Sendable, Hashable {
  package var rowCount: Int
  package var byteCount: Int
  package var rowGroupCount: Int
  /// One per column, over the whole segment.
  package var zoneMaps: [ZoneMap]
  /// The footer's CRC-32C. The footer holds every block's checksum, so this one stands for the whole file.
  package var checksum: UInt32

  package init(rowCount: Int, byteCount: Int, rowGroupCount: Int, zoneMaps: [ZoneMap], checksum: UInt32) {
    self.rowCount = rowCount
    self.byteCount = byteCount
    self.rowGroupCount = rowGroupCount
    self.zoneMaps = zoneMaps
    self.checksum = checksum
  }
}

/// A row group as it will lie in the file, made by `SegmentWriter.encodeRowGroup`.
package struct EncodedRowGroup: Sendable {
  package let rowCount: Int
  let blocks: [EncodedBlock]
  let zoneMaps: [ZoneMap]

  /// Bytes it will take, footer entry aside.
  package var byteCount: Int { blocks.reduce(0) { $0 + $1.bytes.byteCount } }
}
