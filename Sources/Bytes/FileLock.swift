import Glibc

/// An advisory lock on a file, held until it is released or its process ends, however it ends.
///
/// Two locks taken in one process exclude each other as those of two processes do.
package final class FileLock: Sendable {
  package enum Sharing: Sendable {
    case shared
    case exclusive
  }

  package let path: String
  private let descriptor: Int32

  private init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }

  /// Takes the lock, creating the file when missing; nil when the time is over. Zero milliseconds: tries once.
  static func acquire(_ path: String, _ sharing: Sharing, timeoutMilliseconds: Int) throws(PulsehouseError)
    -> FileLock?
  {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .system("open lock file", path, code: errno) }
    let lock = FileLock(path: path, descriptor: descriptor)
    let operation = (sharing == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
    var waitedMicroseconds = 0
    var pause = 200
    while flock(descriptor, operation) != 0 {
      let code = errno
      guard code == EWOULDBLOCK || code == EINTR else { throw .system("lock", path, code: code) }
      if waitedMicroseconds >= timeoutMilliseconds &* 1000 { return nil }
      usleep(UInt32(pause))
      waitedMicroseconds += pause
      pause = Swift.min(pause * 2, 5000)
    }
    return lock
  }

  /// Replaces the content of the locked file, for others to read while the lock stands. Not durable, nor needs to be.
  package func replaceContent(_ bytes: [UInt8]) throws(PulsehouseError) {
    let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    var status = stat()
    // Most often as long as before; to cut a file costs more than to look.
    guard written == bytes.count, fstat(descriptor, &status) == 0,
      status.st_size == written || ftruncate(descriptor, off_t(written)) == 0
    else { throw .system("write lock file", path, code: errno) }
  }

  /// Returns whether `path` still names the file that is locked, and not another that replaced it.
  package var isCurrent: Bool {
    var own = stat()
    var named = stat()
    return fstat(descriptor, &own) == 0 && stat(path, &named) == 0 && own.st_ino == named.st_ino
      && own.st_dev == named.st_dev
  }
}
