import Bytes
import Glibc

/// Makes a fresh directory, runs `body` with its path, and removes it and all in it.
package func withScratchDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/pulsehouse-test-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw PulsehouseError.system("make a directory", "/tmp", code: errno) }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { removeTree(path) }
  return try body(path)
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
