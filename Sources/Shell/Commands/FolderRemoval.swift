import Bytes

/// Removes folders that a command made for itself.
enum FolderRemoval {
  /// Removes `path` and all that is in it, as far as that can be done.
  static func remove(_ path: String) {
    let files = LocalFileSystem()
    guard let status = try? files.status(path) else { return }
    if status.isDirectory {
      for name in (try? files.list(path)) ?? [] { remove(path + "/" + name) }
      try? files.removeDirectory(path)
    } else {
      try? files.removeFile(path)
    }
  }
}
