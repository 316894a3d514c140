import CZstd
import Glibc

/// Compresses and decompresses by Zstandard, with one context per thread kept for reuse.
package enum Zstd {
  /// Returns the most bytes that compressing `count` bytes can take.
  package static func compressedBound(_ count: Int) -> Int { ZSTD_compressBound(count) }

  /// Compresses `source` at `level` (1 fast to 19 small) into a frame that records its size.
  package static func compress(_ source: UnsafeRawBufferPointer, level: Int32 = 3) throws(PulsehouseError) -> [UInt8] {
    var failure: PulsehouseError?
    let frame = [UInt8](unsafeUninitializedCapacity: compressedBound(source.count)) { buffer, count in
      do throws(PulsehouseError) {
        count = try compress(source, into: UnsafeMutableRawBufferPointer(buffer), level: level)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return frame
  }

  /// Compresses `source` at `level`.
  package static func compress(_ source: [UInt8], level: Int32 = 3) throws(PulsehouseError) -> [UInt8] {
    try source.withRawBytes { (raw) throws(PulsehouseError) in try compress(raw, level: level) }
  }

  /// Compresses into memory of the caller's, at least `compressedBound` long, and returns how much was used.
  package static func compress(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, level: Int32 = 3
  ) throws(PulsehouseError) -> Int {
    let contexts = try ThreadContexts.current()
    let size = ZSTD_compressCCtx(
      contexts.compression, target.baseAddress, target.count, source.baseAddress, source.count, level)
    guard ZSTD_isError(size) == 0 else {
      throw PulsehouseError(.internal, "zstd cannot compress: \(String(cString: ZSTD_getErrorName(size)))")
    }
    return size
  }

  /// Decompresses one frame into `target`, which it must fill exactly.
  ///
  /// - Throws: `.corrupt`, naming `source`, when the frame is damaged or its size is another.
  package static func decompress(
    _ frame: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer, source: String
  ) throws(PulsehouseError) {
    let contexts = try ThreadContexts.current()
    let size = ZSTD_decompressDCtx(
      contexts.decompression, target.baseAddress, target.count, frame.baseAddress, frame.count)
    guard ZSTD_isError(size) == 0 else {
      throw PulsehouseError(
        .corrupt, "damaged compressed data: \(String(cString: ZSTD_getErrorName(size)))", file: source)
    }
    guard size == target.count else {
      throw PulsehouseError(
        .corrupt, "compressed data gave \(size) bytes where \(target.count) were promised", file: source)
    }
  }

  /// Decompresses one frame, whose size must be `byteCount`; checks the size the frame itself names before it asks for
  /// memory.
  package static func decompress(_ frame: UnsafeRawBufferPointer, byteCount: Int, source: String)
    throws(PulsehouseError) -> [UInt8]
  {
    let recorded = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
    guard byteCount >= 0, recorded == UInt64(byteCount) else {
      throw PulsehouseError(
        .corrupt, "compressed data does not hold the \(byteCount) bytes that were promised", file: source)
    }
    var failure: PulsehouseError?
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      do throws(PulsehouseError) {
        try decompress(
          frame, into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: byteCount), source: source)
        count = byteCount
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}

/// A thread's zstd contexts, freed when the thread ends.
private final class ThreadContexts {
  let compression: OpaquePointer
  let decompression: OpaquePointer

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let result = pthread_key_create(&key) { pointer in
      if let pointer { Unmanaged<ThreadContexts>.fromOpaque(pointer).release() }
    }
    precondition(result == 0, "no thread-specific keys left")
    return key
  }()

  private init(compression: OpaquePointer, decompression: OpaquePointer) {
    self.compression = compression
    self.decompression = decompression
  }

  deinit {
    ZSTD_freeCCtx(compression)
    ZSTD_freeDCtx(decompression)
  }

  static func current() throws(PulsehouseError) -> ThreadContexts {
    if let pointer = pthread_getspecific(key) {
      return Unmanaged<ThreadContexts>.fromOpaque(pointer).takeUnretainedValue()
    }
    let outOfMemory = PulsehouseError(.io, "no memory for a zstd context", sqlState: "53200")
    guard let compression = ZSTD_createCCtx() else { throw outOfMemory }
    guard let decompression = ZSTD_createDCtx() else {
      ZSTD_freeCCtx(compression)
      throw outOfMemory
    }
    let contexts = ThreadContexts(compression: compression, decompression: decompression)
    pthread_setspecific(key, Unmanaged.passRetained(contexts).toOpaque())
    return contexts
  }
}
