import Bytes
import Glibc

/// A file that others may be writing to, read by position. Never mapped: were it truncated meanwhile, touching lost
/// pages would end the process.
final class InputFile: @unchecked Sendable {
  // @unchecked: an open descriptor, which any thread may pread.

  let path: String
  private let descriptor: Int32

  /// Opens the file; nil when there is none. - Throws: `.io`.
  init?(_ path: String) throws(PulsehouseError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    self.path = path
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .system("open file", path, code: errno)
    }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  deinit { if descriptor >= 0 { _ = close(descriptor) } }

  /// Reads `count` bytes at `position` to `destination`; fewer only where the file ends.
  func read(to destination: UnsafeMutableRawPointer, count: Int, at position: Int64) throws(PulsehouseError) -> Int {
    var done = 0
    while done < count {
      let result = pread(descriptor, destination + done, count - done, off_t(position) + off_t(done))
      if result < 0 {
        if errno == EINTR { continue }
        throw .system("read file", path, code: errno)
      }
      if result == 0 { break }
      done += result
    }
    return done
  }
}
