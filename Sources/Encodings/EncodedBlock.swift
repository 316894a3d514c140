import Bytes
import Vectors

/// A column of one row group as it will lie in the file. A multiple of 64 bytes long, zero padded.
package struct EncodedBlock: Sendable {
  package let bytes: AlignedBuffer
  /// Outermost first.
  package let encodings: [Encoding]
  package let checksum: UInt32

  /// Takes bytes of a block that was encoded before; its checksum has been compared.
  package init(copying bytes: UnsafeRawBufferPointer, _ encodings: [Encoding], checksum: UInt32) {
    let copy = AlignedBuffer(byteCount: bytes.count)
    if let base = bytes.baseAddress { copy.base.copyMemory(from: base, byteCount: bytes.count) }
    self.bytes = copy
    self.encodings = encodings
    self.checksum = checksum
  }

  init(_ writer: ByteWriter, _ encodings: [Encoding]) {
    let padded = (writer.count + 63) & ~63
    let bytes = AlignedBuffer(byteCount: padded)
    writer.bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { bytes.base.copyMemory(from: base, byteCount: source.count) }
    }
    (bytes.base + writer.count).initializeMemory(as: UInt8.self, repeating: 0, count: padded - writer.count)
    self.bytes = bytes
    self.encodings = encodings
    checksum = CRC32C.checksum(bytes.bytes)
  }
}
