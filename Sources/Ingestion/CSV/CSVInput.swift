import Bytes
import Glibc

/// Bytes of a CSV file or of standard input, in order.
final class CSVInput {
  /// The file's path, or `standard input`.
  let name: String
  private let descriptor: Int32
  private let isOwned: Bool
  /// Bytes that may still be read.
  private var remaining = Int.max

  /// Opens the part of a file at `range`. - Throws: `.io`.
  convenience init(_ path: String, range: Range<Int64>) throws(PulsehouseError) {
    try self.init(path)
    guard lseek(descriptor, off_t(range.lowerBound), SEEK_SET) >= 0 else { throw .system("read", path, code: errno) }
    remaining = range.count
  }

  /// Opens `path`; nil is standard input. - Throws: `.io`.
  init(_ path: String?) throws(PulsehouseError) {
    guard let path else {
      name = "standard input"
      descriptor = STDIN_FILENO
      isOwned = false
      return
    }
    name = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    isOwned = true
    guard descriptor >= 0 else { throw .system("open file", path, code: errno) }
    var information = stat()
    if fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
      throw .system("read file", path, code: EISDIR)
    }
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  deinit { if isOwned && descriptor >= 0 { _ = close(descriptor) } }

  /// Reads up to `count` bytes; fewer only at the end.
  func read(to destination: UnsafeMutableRawPointer, count: Int) throws(PulsehouseError) -> Int {
    var done = 0
    let count = min(count, remaining)
    defer { remaining -= done }
    while done < count {
      let result = Glibc.read(descriptor, destination + done, count - done)
      if result < 0 {
        if errno == EINTR { continue }
        throw .system("read", name, code: errno)
      }
      if result == 0 { break }
      done += result
    }
    return done
  }
}
