/// The one door to files that must survive a crash. `LocalFileSystem` is the real one; tests use one that fails.
///
/// Paths are absolute or relative to the working directory. Every method throws `.io` with the path and errno.
package protocol FileSystem: Sendable {
  /// False when writes are not made to survive a power cut: for warehouses that are thrown away.
  var isDurable: Bool { get }

  /// Opens a file for writing from its first byte.
  func createFile(_ path: String, _ creation: FileCreation) throws(PulsehouseError) -> any WritableFile

  /// Reads a whole file of at most `limit` bytes; a longer one throws.
  func readFile(_ path: String, limit: Int) throws(PulsehouseError) -> [UInt8]

  /// Maps a whole file for reading.
  func map(_ path: String) throws(PulsehouseError) -> MappedFile

  /// Gives `source` the name `destination`, replacing what had it, in one step for whoever looks. Durable only after
  /// `syncDirectory`.
  func rename(_ source: String, to destination: String) throws(PulsehouseError)

  /// Removes a file. Durable only after `syncDirectory`.
  func removeFile(_ path: String) throws(PulsehouseError)

  /// Makes a directory and those above it that are missing; one that is there already is fine.
  func makeDirectory(_ path: String) throws(PulsehouseError)

  /// Removes an empty directory.
  func removeDirectory(_ path: String) throws(PulsehouseError)

  /// Returns when the names in a directory are as safe as the disk can make them.
  func syncDirectory(_ path: String) throws(PulsehouseError)

  /// Begins a span of writing in the file system that has `directory`, all of which can then be made safe together; nil
  /// where the system cannot do that and tell whether it worked.
  func writingSpan(_ directory: String) throws(PulsehouseError) -> (any WritingSpan)?

  /// Returns the names in a directory, in byte order, without `.` and `..`.
  func list(_ path: String) throws(PulsehouseError) -> [String]

  /// Returns what is at `path`, following links; nil when nothing is.
  func status(_ path: String) throws(PulsehouseError) -> FileStatus?

  /// Returns whether this process may change the directory at `path`.
  func canWrite(_ path: String) -> Bool

  /// Takes an advisory lock on `path`, which is created when missing. Returns nil when another holder has it and the
  /// waiting time is over. The lock goes when the `FileLock` does, or its process, however it ends.
  func lock(_ path: String, _ sharing: FileLock.Sharing, timeoutMilliseconds: Int) throws(PulsehouseError) -> FileLock?
}

extension FileSystem {
  package var isDurable: Bool { true }

  package func writingSpan(_ directory: String) throws(PulsehouseError) -> (any WritingSpan)? { nil }
}

/// All that is written in one file system since a moment: made safe together, which for hundreds of files is much faster
/// than one by one. What others write there meanwhile is waited for, too. One thread at a time.
package protocol WritingSpan: AnyObject, Sendable {
  /// Returns when every file written, made or renamed since the span began is as safe, by its name, as the disk can make
  /// it. - Throws: `.io` also for what failed to be written before this call; what came before is then not known to be
  /// safe.
  func synchronize() throws(PulsehouseError)
}

/// What to do when the file to be created exists.
package enum FileCreation: Sendable {
  /// Throw.
  case exclusive
  /// Empty it first.
  case truncating
}

/// What `FileSystem.status` found.
package struct FileStatus: Hashable, Sendable {
  package var isDirectory: Bool
  package var byteCount: Int64
  /// Nanoseconds since 1970-01-01 UTC.
  package var modifiedNanoseconds: Int64
  /// Device and inode: two paths with the same pair are the same file.
  package var device: UInt64
  package var inode: UInt64

  package init(isDirectory: Bool, byteCount: Int64, modifiedNanoseconds: Int64, device: UInt64, inode: UInt64) {
    self.isDirectory = isDirectory
    self.byteCount = byteCount
    self.modifiedNanoseconds = modifiedNanoseconds
    self.device = device
    self.inode = inode
  }
}

/// A file being written from start to end. One thread at a time; closed when released.
package protocol WritableFile: AnyObject, Sendable {
  var path: String { get }
  /// Writes all of `bytes` after what was written before.
  func write(_ bytes: UnsafeRawBufferPointer) throws(PulsehouseError)
  /// Returns when all that was written is as safe as the disk can make it (fdatasync).
  func synchronize() throws(PulsehouseError)
  /// Closes the file; closing again does nothing.
  func close() throws(PulsehouseError)
}

extension WritableFile {
  /// Writes all of `bytes`.
  package func write(_ bytes: [UInt8]) throws(PulsehouseError) {
    try bytes.withRawBytes { (raw) throws(PulsehouseError) in try write(raw) }
  }
}

/// Splits and joins paths by text alone.
package enum Path {
  /// Returns `name` inside `directory`; an absolute `name` stays itself.
  package static func join(_ directory: String, _ name: String) -> String {
    if name.hasPrefix("/") || directory.isEmpty { return name }
    return directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }

  /// Returns the directory that holds `path`: `.` for a bare name, `/` for something in the root.
  package static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Returns what follows the last slash.
  package static func name(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return path }
    return String(path[path.index(after: slash)...])
  }
}
