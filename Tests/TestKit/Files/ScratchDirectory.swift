import Bytes
import Glibc

/// Makes a fresh directory, runs `body` with its path, and removes it and all in it.
///
/// `inMemory` puts it where syncing costs nothing, if there is such a place: for small files synced many times.
package func withScratchDirectory<Result>(inMemory: Bool = false, _ body: (String) throws -> Result) throws -> Result {
  let path = try makeScratchDirectory(inMemory: inMemory)
  defer { removeTree(path) }
  return try body(path)
}

/// Makes a fresh directory, to be removed by the caller with `removeTree`.
package func makeScratchDirectory(inMemory: Bool = false) throws -> String {
  let root = inMemory && LocalFileSystem().canWrite("/dev/shm") ? "/dev/shm" : "/tmp"
  var template = Array("\(root)/pulsehouse-test-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw PulsehouseError.system("make a directory", root, code: errno) }
  return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Removes a file, or a directory with all in it; what is not there is fine.
package func removeTree(_ path: String) {
  let local = LocalFileSystem()
  guard let status = try? local.status(path) else { return }
  if status.isDirectory {
    for name in (try? local.list(path)) ?? [] { removeTree(Path.join(path, name)) }
    try? local.removeDirectory(path)
  } else {
    try? local.removeFile(path)
  }
}

/// Copies a file, or a directory with all in it.
package func copyTree(_ source: String, to destination: String) throws {
  let local = LocalFileSystem()
  if try local.status(source)?.isDirectory == true {
    try local.makeDirectory(destination)
    for name in try local.list(source) {
      try copyTree(Path.join(source, name), to: Path.join(destination, name))
    }
  } else {
    let file = try local.createFile(destination, .truncating)
    try file.write(try local.readFile(source, limit: 1 << 30))
    try file.close()
  }
}

/// Writes `bytes` to `path` in place, as nobody but a test should.
package func overwriteFile(_ path: String, _ bytes: [UInt8]) throws {
  let file = try LocalFileSystem().createFile(path, .truncating)
  try file.write(bytes)
  try file.close()
}
