import Bytes
import Encodings
import Vectors

/// Reads a whole segment and names what is damaged.
package enum SegmentVerifier {
  /// One damaged part of a file.
  package struct Damage: Sendable, Hashable, CustomStringConvertible {
    /// `file` (head, footer or tail: nothing can be read) or `block`.
    package var part: String
    package var rowGroup: Int?
    package var column: String?
    package var offset: Int
    package var byteCount: Int
    package var expectedChecksum: UInt32?
    package var foundChecksum: UInt32?
    package var message: String

    package var description: String { message }
  }

  /// Returns all damage found, none for a sound file. Damage to head, footer or tail hides the blocks.
  ///
  /// Every block is checked anew, whatever an open reader remembers, and then opened and validated.
  package static func verify(_ file: MappedFile) -> [Damage] {
    let segment: SegmentReader
    do throws(PulsehouseError) {
      segment = try SegmentReader.open(file)
    } catch {
      return [Damage(part: "file", offset: 0, byteCount: file.count, message: error.description)]
    }
    var damage: [Damage] = []
    for rowGroup in 0..<segment.rowGroupCount {
      let reader = RowGroupReader(segment, rowGroup: rowGroup)
      for column in 0..<segment.schema.count {
        let entry = segment.footer.rowGroups[rowGroup].blocks[column]
        let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.offset..<(entry.offset + entry.byteCount)])
        let found = CRC32C.checksum(bytes)
        do throws(PulsehouseError) {
          _ = try reader.read(column: column, rows: 0..<1)
        } catch {
          damage.append(
            Damage(
              part: "block", rowGroup: rowGroup, column: segment.schema[column].name, offset: entry.offset,
              byteCount: entry.byteCount, expectedChecksum: entry.checksum, foundChecksum: found,
              message: error.description))
        }
      }
    }
    return damage
  }
}
