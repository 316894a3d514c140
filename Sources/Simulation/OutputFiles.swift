import Bytes
import Glibc

/// The few file operations of the generator.
enum OutputFiles {
  static func failure(_ action: String, _ path: String) -> PulsehouseError {
    let number = errno
    return PulsehouseError(.io, "cannot \(action): \(String(cString: strerror(number)))", file: path)
  }

  /// Creates `path` and its parents.
  static func makeDirectory(_ path: String) throws(PulsehouseError) {
    if mkdir(path, 0o777) == 0 { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try makeDirectory(String(path[..<slash]))
      if mkdir(path, 0o777) == 0 { return }
    }
    let reason = errno
    var status = stat()
    if reason == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    errno = reason == EEXIST ? ENOTDIR : reason
    throw failure("create the directory", path)
  }

  /// Writes a whole file, replacing what was there.
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(PulsehouseError) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    if file < 0 { throw failure("create the file", path) }
    var written = 0
    while written < bytes.count {
      let result = Glibc.write(file, bytes.baseAddress! + written, bytes.count - written)
      if result < 0 {
        if errno == EINTR { continue }
        let error = failure("write", path)
        close(file)
        throw error
      }
      written += result
    }
    if close(file) != 0 { throw failure("close", path) }
  }

  /// Removes the lake's own files below `lake`: `YYYY/MM/DD/HH/part-*.jsonl` and folders that are then empty.
  ///
  /// - Throws: `.usage` when something else is there and `replace` is false; `.io`.
  static func prepareLake(_ lake: String, replace: Bool) throws(PulsehouseError) {
    guard let names = try list(lake), !names.isEmpty else { return }
    guard replace else {
      throw PulsehouseError(
        .usage, "the lake is not empty", hint: "choose another folder, or ask for it to be replaced", file: lake)
    }
    try clear(lake, level: 0)
  }

  private static func clear(_ folder: String, level: Int) throws(PulsehouseError) {
    let digits = level == 0 ? 4 : 2
    for name in try list(folder) ?? [] {
      let path = folder + "/" + name
      if level == 4 {
        if name.hasPrefix("part-"), name.hasSuffix(".jsonl"), unlink(path) != 0 { throw failure("remove", path) }
      } else if name.utf8.count == digits, name.utf8.allSatisfy({ (48...57).contains($0) }) {
        try clear(path, level: level + 1)
        if rmdir(path) != 0, errno != ENOTEMPTY, errno != EEXIST, errno != ENOTDIR { throw failure("remove", path) }
      }
    }
  }

  /// Lists a folder's names but `.` and `..`; nil when there is no such folder.
  private static func list(_ folder: String) throws(PulsehouseError) -> [String]? {
    guard let handle = opendir(folder) else {
      if errno == ENOENT { return nil }
      throw failure("read the directory", folder)
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
