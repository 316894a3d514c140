import Bytes
import Glibc

/// Buffered standard output: bytes are collected and written in large pieces.
package struct StandardOutput: ~Copyable {
  private var buffer: [UInt8] = []
  private let descriptor: Int32

  /// Writes to `descriptor`, standard output unless said otherwise.
  package init(descriptor: Int32 = STDOUT_FILENO) {
    self.descriptor = descriptor
    buffer.reserveCapacity(1 << 16)
  }

  package mutating func write(_ text: String) throws(PulsehouseError) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= 1 << 18 { try flush() }
  }

  package mutating func write(_ bytes: [UInt8]) throws(PulsehouseError) {
    buffer.append(contentsOf: bytes)
    if buffer.count >= 1 << 18 { try flush() }
  }

  /// Writes out what is collected.
  ///
  /// - Throws: `.cancelled` when the reader closed the pipe, which is no error of anybody's; `.io` otherwise.
  package mutating func flush() throws(PulsehouseError) {
    var written = 0
    while written < buffer.count {
      let count = buffer.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, buffer.count - written) }
      if count < 0 {
        if errno == EINTR { continue }
        let code = errno
        buffer.removeAll(keepingCapacity: true)
        if code == EPIPE { throw PulsehouseError(.cancelled, "the reader closed the pipe") }
        throw PulsehouseError(.io, "writing standard output: \(String(cString: strerror(code)))")
      }
      written += count
    }
    buffer.removeAll(keepingCapacity: true)
  }
}

/// What the process knows of its terminal.
package enum Terminal {
  package static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
  package static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }
  package static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// The width in cells, or nil when standard output is not a terminal.
  package static var width: Int? {
    guard outputIsTerminal else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Writes a line on standard error.
  package static func note(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { bytes in
      var written = 0
      while written < bytes.count {
        let count = write(STDERR_FILENO, bytes.baseAddress! + written, bytes.count - written)
        if count < 0 && errno != EINTR { return }
        written += max(count, 0)
      }
    }
  }
}
