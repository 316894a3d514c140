import Bytes
import Glibc
import Testing

/// Makes a fresh directory, runs `body` with its path, and removes it and all in it.
func withScratchDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/pulsehouse-test-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw PulsehouseError(.io, "mkdtemp failed") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { removeTree(path) }
  return try body(path)
}

private func removeTree(_ path: String) {
  let local = LocalFileSystem()
  guard let status = try? local.status(path) else { return }
  if status.isDirectory {
    for name in (try? local.list(path)) ?? [] { removeTree(Path.join(path, name)) }
    try? local.removeDirectory(path)
  } else {
    try? local.removeFile(path)
  }
}

@Suite struct FileTests {
  let local = LocalFileSystem()

  @Test(arguments: [0, 1, 4095, 4096, 4097, 200_000])
  func durableFileComesBack(_ count: Int) throws {
    try withScratchDirectory { directory in
      let path = Path.join(directory, "file")
      let bytes = sampleBytes(count)
      let file = try DurableFile(path)
      try file.write(Array(bytes.prefix(count / 2)))
      try file.write(Array(bytes.dropFirst(count / 2)))
      #expect(try local.status(path) == nil)
      try file.publish()
      #expect(try local.list(directory) == ["file"])
      #expect(try local.readFile(path, limit: count) == bytes)
      let mapped = try local.map(path)
      #expect(mapped.count == count)
      #expect(Array(mapped.bytes) == bytes)
      #expect(mapped.span.byteCount == count)
      mapped.advise(.soon)
    }
  }

  @Test func abandonedFileLeavesNothing() throws {
    try withScratchDirectory { directory in
      do {
        let file = try DurableFile(Path.join(directory, "file"))
        try file.write([1, 2, 3])
        #expect(try local.list(directory).count == 1)
      }
      #expect(try local.list(directory) == [])
    }
  }

  @Test func mappingOutlivesTheName() throws {
    try withScratchDirectory { directory in
      let path = Path.join(directory, "file")
      let file = try DurableFile(path)
      try file.write(sampleBytes(10_000))
      try file.publish()
      let mapped = try local.map(path)
      try local.removeFile(path)
      #expect(Array(mapped.bytes) == sampleBytes(10_000))
    }
  }

  @Test func errorsCarryPathAndErrno() throws {
    try withScratchDirectory { directory in
      let missing = Path.join(directory, "no/such")
      let error = #expect(throws: PulsehouseError.self) { try local.map(missing) }
      #expect(error?.kind == .io)
      #expect(error?.file == missing)
      #expect(error?.message.contains("ENOENT") == true)
      #expect(error?.sqlState == "58P01")
      _ = try local.createFile(Path.join(directory, "one"), .exclusive)
      let again = #expect(throws: PulsehouseError.self) {
        try local.createFile(Path.join(directory, "one"), .exclusive)
      }
      #expect(again?.message.contains("EEXIST") == true)
      #expect(throws: PulsehouseError.self) { try local.map(directory) }
      #expect(throws: PulsehouseError.self) { try local.readFile(directory, limit: 10) }
    }
    let full = PulsehouseError.system("write file", "/x", code: ENOSPC)
    #expect(full.hint?.contains("full") == true)
    #expect(full.sqlState == "53100")
  }

  @Test func readFileStopsAtItsLimit() throws {
    try withScratchDirectory { directory in
      let path = Path.join(directory, "file")
      let file = try DurableFile(path)
      try file.write(sampleBytes(100))
      try file.publish()
      #expect(try local.readFile(path, limit: 100).count == 100)
      #expect(throws: PulsehouseError.self) { try local.readFile(path, limit: 99) }
    }
  }

  @Test func directoriesAreMadeWithTheirParents() throws {
    try withScratchDirectory { directory in
      let deep = Path.join(directory, "a/b/c")
      try local.makeDirectory(deep)
      try local.makeDirectory(deep)
      #expect(try local.status(deep)?.isDirectory == true)
      try local.syncDirectory(deep)
      let file = Path.join(directory, "a/file")
      try local.createFile(file, .exclusive).close()
      #expect(throws: PulsehouseError.self) { try local.makeDirectory(file) }
      #expect(throws: PulsehouseError.self) { try local.makeDirectory(Path.join(file, "below")) }
    }
  }

  @Test func locksExclude() throws {
    try withScratchDirectory { directory in
      let path = Path.join(directory, "lock")
      var first = try local.lock(path, .exclusive, timeoutMilliseconds: 0)
      #expect(first != nil)
      #expect(first?.isCurrent == true)
      #expect(try local.lock(path, .exclusive, timeoutMilliseconds: 5) == nil)
      #expect(try local.lock(path, .shared, timeoutMilliseconds: 0) == nil)
      try first?.replaceContent([1, 2, 3])
      #expect(try local.readFile(path, limit: 10) == [1, 2, 3])
      first = nil
      let shared = try local.lock(path, .shared, timeoutMilliseconds: 0)
      let other = try local.lock(path, .shared, timeoutMilliseconds: 0)
      #expect(shared != nil && other != nil)
      try local.removeFile(path)
      #expect(shared?.isCurrent == false)
    }
  }

  @Test func pathsSplitAndJoin() {
    #expect(Path.join("a", "b") == "a/b")
    #expect(Path.join("a/", "b") == "a/b")
    #expect(Path.join("a", "/b") == "/b")
    #expect(Path.parent("a/b/c") == "a/b")
    #expect(Path.parent("/a") == "/")
    #expect(Path.parent("a") == ".")
    #expect(Path.name("a/b") == "b")
    #expect(Path.name("b") == "b")
  }
}

@Suite struct ZstdTests {
  @Test(arguments: [0, 1, 63, 64, 65, 2048, 100_000])
  func roundTrip(_ count: Int) throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let frame = try Zstd.compress(bytes)
    let back = try frame.withRawBytes { raw throws(PulsehouseError) in
      try Zstd.decompress(raw, byteCount: count, source: "test")
    }
    #expect(back == bytes)
    if count == 100_000 { #expect(frame.count < count / 5) }
  }

  @Test func damageIsReported() throws {
    let bytes = sampleBytes(5000)
    let frame = try Zstd.compress(bytes)
    func failure(_ frame: [UInt8], _ byteCount: Int) -> PulsehouseError.Kind? {
      do {
        _ = try frame.withRawBytes { raw throws(PulsehouseError) in
          try Zstd.decompress(raw, byteCount: byteCount, source: "x")
        }
        return nil
      } catch {
        return error.kind
      }
    }
    #expect(failure(frame, 5000) == nil)
    #expect(failure(frame, 4999) == .corrupt)
    #expect(failure(frame, 1 << 60) == .corrupt)
    #expect(failure(Array(frame.dropLast()), 5000) == .corrupt)
    #expect(failure([], 10) == .corrupt)
    #expect(failure([1, 2, 3, 4, 5], 10) == .corrupt)
  }
}
