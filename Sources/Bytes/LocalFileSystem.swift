import CKernels
import Glibc
import Synchronization

/// The file system of this machine.
package struct LocalFileSystem: FileSystem {
  package let isDurable: Bool

  /// With `isDurable` false nothing is synced: what was written survives the process, but a power cut may leave the
  /// directory as it never was. Only for what is made for one run and then removed.
  package init(isDurable: Bool = true) { self.isDurable = isDurable }

  package func createFile(_ path: String, _ creation: FileCreation) throws(PulsehouseError) -> any WritableFile {
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (creation == .exclusive ? O_EXCL : O_TRUNC)
    return LocalWritableFile(
      path: path, isDurable: isDurable, descriptor: try retrying("create file", path) { Glibc.open(path, flags, 0o666) }
    )
  }

  package func readFile(_ path: String, limit: Int) throws(PulsehouseError) -> [UInt8] {
    let descriptor = try retrying("open file", path) { Glibc.open(path, O_RDONLY | O_CLOEXEC) }
    defer { _ = Glibc.close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw .system("read file", path, code: errno) }
    guard information.st_mode & S_IFMT != S_IFDIR else { throw .system("read file", path, code: EISDIR) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Swift.min(limit, Swift.max(Int(information.st_size), 0)))
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)
    defer { chunk.deallocate() }
    while true {
      let count = Glibc.read(descriptor, chunk.baseAddress, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("read file", path, code: errno)
      }
      if count == 0 { return bytes }
      guard bytes.count + count <= limit else {
        throw PulsehouseError(.io, "the file is longer than \(limit) bytes", sqlState: "54000", file: path)
      }
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
    }
  }

  package func map(_ path: String) throws(PulsehouseError) -> MappedFile {
    try MappedFile(path)
  }

  package func rename(_ source: String, to destination: String) throws(PulsehouseError) {
    guard Glibc.rename(source, destination) == 0 else {
      throw .system("rename to \(destination)", source, code: errno)
    }
  }

  package func removeFile(_ path: String) throws(PulsehouseError) {
    guard unlink(path) == 0 else { throw .system("remove file", path, code: errno) }
  }

  package func makeDirectory(_ path: String) throws(PulsehouseError) {
    if mkdir(path, 0o777) == 0 { return }
    let code = errno
    switch code {
    case EEXIST:
      guard try status(path)?.isDirectory == true else { throw .system("make directory", path, code: EEXIST) }
    case ENOENT where Path.parent(path) != path && Path.parent(path) != ".":
      try makeDirectory(Path.parent(path))
      guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw .system("make directory", path, code: errno) }
    default:
      throw .system("make directory", path, code: code)
    }
  }

  package func removeDirectory(_ path: String) throws(PulsehouseError) {
    guard rmdir(path) == 0 else { throw .system("remove directory", path, code: errno) }
  }

  package func syncDirectory(_ path: String) throws(PulsehouseError) {
    guard isDurable else { return }
    let descriptor = try retrying("open directory", path) { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { _ = Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("sync directory", path, code: errno) }
  }

  package func writingSpan(_ directory: String) throws(PulsehouseError) -> (any WritingSpan)? {
    guard Self.tellsFailedWrites else { return nil }
    let descriptor = try retrying("open directory", directory) {
      Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    return LocalWritingSpan(directory, descriptor: descriptor, isDurable: isDurable)
  }

  /// Since Linux 5.8, `syncfs` tells of writes that failed since its descriptor was opened; before, of none.
  private static let tellsFailedWrites: Bool = {
    var name = utsname()
    guard uname(&name) == 0 else { return false }
    let release = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    return numbers.count == 2 && (numbers[0], numbers[1]) >= (5, 8)
  }()

  package func list(_ path: String) throws(PulsehouseError) -> [String] {
    guard let directory = opendir(path) else { throw .system("list directory", path, code: errno) }
    defer { _ = closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw .system("list directory", path, code: errno) }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package func status(_ path: String) throws(PulsehouseError) -> FileStatus? {
    var information = stat()
    guard stat(path, &information) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .system("look at", path, code: errno)
    }
    return FileStatus(
      isDirectory: information.st_mode & S_IFMT == S_IFDIR, byteCount: Int64(information.st_size),
      modifiedNanoseconds: Int64(information.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(information.st_mtim.tv_nsec),
      device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
  }

  package func canWrite(_ path: String) -> Bool { access(path, W_OK) == 0 }

  package func lock(_ path: String, _ sharing: FileLock.Sharing, timeoutMilliseconds: Int) throws(PulsehouseError)
    -> FileLock?
  {
    try FileLock.acquire(path, sharing, timeoutMilliseconds: timeoutMilliseconds)
  }
}

/// Runs a system call again while a signal interrupts it; throws when it returns a negative number.
private func retrying(_ action: String, _ path: String, _ call: () -> Int32) throws(PulsehouseError) -> Int32 {
  while true {
    let result = call()
    if result >= 0 { return result }
    if errno != EINTR { throw .system(action, path, code: errno) }
  }
}

/// A file of this machine, open for writing.
private final class LocalWritableFile: WritableFile {
  let path: String
  private let isDurable: Bool
  private let descriptor: Atomic<Int32>
  /// Bytes written, and how many of them are on their way to the disk: so that it writes while more is being made, and
  /// `synchronize` need not wait for all of them.
  private let byteCount = Atomic<Int64>(0)
  private let sentByteCount = Atomic<Int64>(0)
  private static let sendByteCount: Int64 = 2 << 20

  init(path: String, isDurable: Bool, descriptor: Int32) {
    self.path = path
    self.isDurable = isDurable
    self.descriptor = Atomic(descriptor)
  }

  deinit {
    let open = descriptor.load(ordering: .relaxed)
    if open >= 0 { _ = Glibc.close(open) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(PulsehouseError) {
    let open = descriptor.load(ordering: .relaxed)
    var rest = bytes
    while rest.count > 0 {
      // One call takes at most 2 GiB; a gigabyte at a time stays clear of it.
      let count = Glibc.write(open, rest.baseAddress, Swift.min(rest.count, 1 << 30))
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("write file", path, code: errno)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    let end = byteCount.add(Int64(bytes.count), ordering: .relaxed).newValue
    let sent = sentByteCount.load(ordering: .relaxed)
    guard isDurable, end - sent >= Self.sendByteCount else { return }
    ph_start_writing_back(open, sent, end - sent)
    sentByteCount.store(end, ordering: .relaxed)
  }

  func synchronize() throws(PulsehouseError) {
    guard !isDurable || fdatasync(descriptor.load(ordering: .relaxed)) == 0 else {
      throw .system("sync file", path, code: errno)
    }
  }

  func close() throws(PulsehouseError) {
    let open = descriptor.exchange(-1, ordering: .relaxed)
    guard open >= 0 else { return }
    guard Glibc.close(open) == 0 || errno == EINTR else { throw .system("close file", path, code: errno) }
  }
}

/// A file system of this machine, by a descriptor that was opened before what is to be made safe was written.
private final class LocalWritingSpan: WritingSpan {
  private let directory: String
  private let descriptor: Int32
  private let isDurable: Bool

  init(_ directory: String, descriptor: Int32, isDurable: Bool) {
    self.directory = directory
    self.descriptor = descriptor
    self.isDurable = isDurable
  }

  deinit { _ = Glibc.close(descriptor) }

  func synchronize() throws(PulsehouseError) {
    guard !isDurable || ph_sync_file_system(descriptor) == 0 else {
      throw .system("sync file system", directory, code: errno)
    }
  }
}
