import Bytes
import Vectors

/// A column of one row group as it will lie in the file. A multiple of 64 bytes long.
package struct EncodedBlock: Sendable {
  package let bytes: AlignedBuffer
  /// Outermost first.
  package let encodings: [Encoding]
}
