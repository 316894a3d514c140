import CKernels
import Glibc
import Synchronization

/// A file without a name, for bytes that need not outlive the process: the system frees it when it is closed, however
/// the process ends.
///
/// Any number of threads may append and read at once.
package final class TemporaryFile: Sendable {
  private let descriptor: Int32
  private let directory: String
  private let end = Atomic<Int>(0)

  /// Makes an empty file in `directory`. - Throws: `.io`.
  package init(directory: String) throws(PulsehouseError) {
    self.directory = directory
    let descriptor = ph_open_nameless_file(directory)
    guard descriptor >= 0 else { throw .system("make a temporary file in", directory, code: errno) }
    self.descriptor = descriptor
  }

  /// Takes an open file that is empty and may be read and written.
  package init(descriptor: Int32, directory: String) {
    self.descriptor = descriptor
    self.directory = directory
  }

  deinit { _ = Glibc.close(descriptor) }

  /// Bytes appended so far.
  package var byteCount: Int { end.load(ordering: .relaxed) }

  /// Writes `bytes` at the end and returns where they start. - Throws: `.io`, 53100 when the disk is full.
  package func append(_ bytes: UnsafeRawBufferPointer) throws(PulsehouseError) -> Int {
    let offset = end.add(bytes.count, ordering: .relaxed).oldValue
    var written = 0
    while written < bytes.count, let base = bytes.baseAddress {
      let count = pwrite(descriptor, base + written, bytes.count - written, offset + written)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("write a temporary file in", directory, code: errno)
      }
      written += count
    }
    return offset
  }

  /// Fills `buffer` with the bytes from `offset` on. - Throws: `.io`, `.corrupt` when the file is shorter.
  package func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(PulsehouseError) {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let count = pread(descriptor, base + done, buffer.count - done, offset + done)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("read a temporary file in", directory, code: errno)
      }
      guard count > 0 else {
        throw PulsehouseError(.corrupt, "a temporary file ends before its time", file: directory)
      }
      done += count
    }
  }

  /// Gives the disk space of some bytes back; they read as zeros from then on.
  package func discard(at offset: Int, count: Int) {
    // A file system that cannot do it keeps the space until the file is closed.
    ph_discard_file_range(descriptor, Int64(offset), Int64(count))
  }
}
