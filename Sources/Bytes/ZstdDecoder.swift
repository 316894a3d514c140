import CZstd

/// Decompresses a run of zstd frames that arrives in pieces, in bounded memory. One thread at a time.
package final class ZstdDecoder {
  /// What one call took and gave.
  package struct Step: Hashable, Sendable {
    /// Bytes of the input that were used up.
    package var consumedCount: Int
    /// Bytes that were written to the output.
    package var producedCount: Int
    /// True when these bytes end a frame, whose checksum (if it has one) is right. The next call starts a frame.
    package var endsFrame: Bool
  }

  private let context: OpaquePointer

  /// - Throws: `.io` when there is no memory.
  package init() throws(PulsehouseError) {
    guard let context = ZSTD_createDCtx() else {
      throw PulsehouseError(.io, "no memory for a zstd context", sqlState: "53200")
    }
    self.context = context
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Decompresses until the input is used up, the output is full or a frame ends, whatever comes first.
  ///
  /// - Throws: `.corrupt`, without a place, when the bytes are no zstd or damaged.
  package func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(PulsehouseError) -> Step {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    while true {
      let result = ZSTD_decompressStream(context, &target, &source)
      guard ZSTD_isError(result) == 0 else {
        throw PulsehouseError(.corrupt, "damaged zstd: \(String(cString: ZSTD_getErrorName(result)))")
      }
      if result == 0 || target.pos == target.size || source.pos == source.size {
        return Step(consumedCount: source.pos, producedCount: target.pos, endsFrame: result == 0)
      }
    }
  }
}
