import CZstd

/// Compresses a stream that arrives in pieces into zstd frames with checksums. One thread at a time.
package final class ZstdEncoder {
  private let context: OpaquePointer
  private let chunk: UnsafeMutableRawBufferPointer

  /// `level` is 1 (fast) to 19 (small). - Throws: `.io` when there is no memory.
  package init(level: Int32 = 3) throws(PulsehouseError) {
    guard let context = ZSTD_createCCtx() else {
      throw PulsehouseError(.io, "no memory for a zstd context", sqlState: "53200")
    }
    self.context = context
    chunk = .allocate(byteCount: ZSTD_CStreamOutSize(), alignment: 64)
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit {
    ZSTD_freeCCtx(context)
    chunk.deallocate()
  }

  /// Takes more bytes; hands compressed ones to `write` as they are made.
  package func compress(
    _ bytes: UnsafeRawBufferPointer, write: (UnsafeRawBufferPointer) throws(PulsehouseError) -> Void
  ) throws(PulsehouseError) {
    try run(bytes, ZSTD_e_continue, write)
  }

  /// Ends the frame; what comes later starts another.
  package func finish(write: (UnsafeRawBufferPointer) throws(PulsehouseError) -> Void) throws(PulsehouseError) {
    try run(UnsafeRawBufferPointer(start: nil, count: 0), ZSTD_e_end, write)
  }

  /// Returns `bytes` as one frame.
  package static func frame(_ bytes: [UInt8], level: Int32 = 3) throws(PulsehouseError) -> [UInt8] {
    let encoder = try ZstdEncoder(level: level)
    var frame: [UInt8] = []
    try bytes.withRawBytes { (raw) throws(PulsehouseError) in try encoder.compress(raw) { frame += $0 } }
    try encoder.finish { frame += $0 }
    return frame
  }

  private func run(
    _ bytes: UnsafeRawBufferPointer, _ directive: ZSTD_EndDirective,
    _ write: (UnsafeRawBufferPointer) throws(PulsehouseError) -> Void
  ) throws(PulsehouseError) {
    var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    while true {
      var target = ZSTD_outBuffer(dst: chunk.baseAddress, size: chunk.count, pos: 0)
      let left = ZSTD_compressStream2(context, &target, &source, directive)
      guard ZSTD_isError(left) == 0 else {
        throw PulsehouseError(.internal, "zstd cannot compress: \(String(cString: ZSTD_getErrorName(left)))")
      }
      if target.pos > 0 { try write(UnsafeRawBufferPointer(rebasing: chunk[..<target.pos])) }
      if directive == ZSTD_e_end ? left == 0 : source.pos == source.size { return }
    }
  }
}
