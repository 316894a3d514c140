import CKernels
import Glibc

/// Memory of fixed size, 64-byte aligned, with 64 readable bytes past its end so vector loads need no end checks.
///
/// It either owns its bytes or is a window into bytes that `owner` keeps alive (a mapped file, a larger buffer).
/// A window has no padding promise beyond what its owner gives. Not zeroed unless asked.
package final class AlignedBuffer: @unchecked Sendable {
  // @unchecked: written only by its maker before it is handed on; read-only afterwards.

  /// Where the bytes start.
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  /// What keeps `base` alive when this is a window; nil when the bytes are owned.
  package let owner: AnyObject?

  /// Bytes that may be read (never written by others) past `byteCount` of an owned buffer.
  package static let padding = 64

  /// Allocates `byteCount` bytes, zeroed on request.
  package init(byteCount: Int, zeroed: Bool = false) {
    precondition(byteCount >= 0, "a buffer has no negative size")
    let padded = byteCount + AlignedBuffer.padding
    guard let memory = ph_buffer_allocate(padded) else { fatalError("out of memory: \(padded) bytes") }
    base = memory
    self.byteCount = byteCount
    owner = nil
    if zeroed {
      memset(base, 0, padded)
    } else {
      memset(base + byteCount, 0, AlignedBuffer.padding)
    }
  }

  /// Makes a read-only window on bytes that `owner` keeps alive.
  package init(window base: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    self.base = UnsafeMutableRawPointer(mutating: base)
    self.byteCount = byteCount
    self.owner = owner
  }

  deinit {
    if owner == nil { ph_buffer_free(base, byteCount + AlignedBuffer.padding) }
  }

  /// Lets freed memory of about `byteCount` bytes wait for the next buffers, for all threads: a large result costs less
  /// the second time.
  package static func keepFreed(upTo byteCount: Int) { ph_buffer_keep(max(0, byteCount)) }

  /// Returns the bytes as values of `T`; the buffer must be kept alive while they are used.
  @inlinable package func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeMutablePointer<T> {
    base.assumingMemoryBound(to: type)
  }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }
}
