/// Writes a file that is either wholly there under its name or not at all, whenever the machine stops.
///
/// The order: write to `<path>.<suffix>.tmp` in the same directory, fdatasync, rename, fsync the directory. Released
/// without `publish`, it removes what it wrote.
package final class DurableFile {
  package let path: String
  package let temporaryPath: String
  private let fileSystem: any FileSystem
  private let file: any WritableFile
  /// True once the file has its name, even when making that durable failed.
  package private(set) var isPublished = false
  /// Bytes written so far: the offset of the next write.
  package private(set) var byteCount: Int64 = 0

  /// Starts the file. `suffix` tells writers of the same path apart; whatever an earlier one left under the temporary
  /// name is overwritten.
  package init(_ path: String, suffix: String = "new", in fileSystem: any FileSystem = LocalFileSystem())
    throws(PulsehouseError)
  {
    self.path = path
    temporaryPath = "\(path).\(suffix).tmp"
    self.fileSystem = fileSystem
    file = try fileSystem.createFile(temporaryPath, .truncating)
  }

  deinit {
    if !isPublished {
      // What cannot be removed now is an orphan that garbage collection finds by its ending.
      try? file.close()
      try? fileSystem.removeFile(temporaryPath)
    }
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(PulsehouseError) {
    try file.write(bytes)
    byteCount += Int64(bytes.count)
  }

  package func write(_ bytes: [UInt8]) throws(PulsehouseError) {
    try bytes.withRawBytes { (raw) throws(PulsehouseError) in try write(raw) }
  }

  /// Makes the file safe and gives it its name. Call once, last.
  ///
  /// With `syncDirectory` false the name may vanish in a crash until somebody calls `FileSystem.syncDirectory`: for
  /// many files of one directory that are committed together, once at the end. With `isDurable` false neither content
  /// nor name is safe from a power cut: for what can be made again.
  package func publish(syncDirectory: Bool = true, isDurable: Bool = true) throws(PulsehouseError) {
    precondition(!isPublished, "a durable file is published once")
    if isDurable { try file.synchronize() }
    try file.close()
    try fileSystem.rename(temporaryPath, to: path)
    isPublished = true
    if syncDirectory && isDurable { try fileSystem.syncDirectory(Path.parent(path)) }
  }
}
