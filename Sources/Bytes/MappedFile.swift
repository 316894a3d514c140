import Glibc

/// A whole file mapped for reading, for as long as this object lives.
///
/// Only files that never change after they got their name (segments, commit records) may be mapped: were one truncated
/// by somebody else while mapped, touching the lost pages would end the process with SIGBUS. Removing or replacing the
/// name is harmless; the mapping keeps the old content.
package final class MappedFile: @unchecked Sendable {
  // Unchecked because of the pointer: the pages are read-only and live until `deinit`.

  package let path: String
  /// The file's bytes; empty for an empty file. Valid only while this object is alive.
  package let bytes: UnsafeRawBufferPointer

  package var count: Int { bytes.count }

  /// Maps the file at `path`. - Throws: `.io`.
  package init(_ path: String) throws(PulsehouseError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open file", path, code: errno) }
    defer { _ = close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw .system("look at file", path, code: errno) }
    guard information.st_mode & S_IFMT == S_IFREG else {
      throw PulsehouseError(.io, "not a regular file", file: path)
    }
    self.path = path
    let byteCount = Int(information.st_size)
    guard byteCount > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw .system("map file", path, code: errno)
    }
    bytes = UnsafeRawBufferPointer(start: base, count: byteCount)
  }

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }

  /// The file's bytes as a checked span that cannot outlive this object.
  package var span: RawSpan {
    @_lifetime(borrow self)
    get { _overrideLifetime(RawSpan(_unsafeBytes: bytes), borrowing: self) }
  }

  /// How the pages will be read next.
  package enum Access: Sendable {
    case sequential
    case random
    case soon
  }

  /// Tells the system how `range` will be read, so that it reads ahead, or not. Only advice: failure is ignored.
  package func advise(_ access: Access, _ range: Range<Int>? = nil) {
    guard let base = bytes.baseAddress else { return }
    let wanted = (range ?? 0..<count).clamped(to: 0..<count)
    let start = wanted.lowerBound & ~4095
    let advice =
      switch access {
      case .sequential: MADV_SEQUENTIAL
      case .random: MADV_RANDOM
      case .soon: MADV_WILLNEED
      }
    _ = madvise(UnsafeMutableRawPointer(mutating: base) + start, wanted.upperBound - start, advice)
  }
}
