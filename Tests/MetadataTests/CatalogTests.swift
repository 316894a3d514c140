import Bytes
import Glibc
import Metadata
import Testing

/// A path for a catalog that does not exist yet, in a directory removed afterwards.
private func withCatalogPath<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/pulsehouse-test-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw PulsehouseError(.io, "mkdtemp failed") }
  let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let local = LocalFileSystem()
  defer {
    for name in (try? local.list(directory)) ?? [] { try? local.removeFile(Path.join(directory, name)) }
    try? local.removeDirectory(directory)
  }
  return try body(Path.join(directory, "catalog.sqlite"))
}

extension Catalog {
  /// Applies changes as commit `number`, with the sums that belong to them.
  fileprivate func commit(_ number: UInt64, _ changes: CatalogChange...) throws {
    try write { transaction throws(PulsehouseError) in
      let before = try transaction.head()
      var root = before?.commit.root ?? .zero
      for change in changes { root = root + (try transaction.apply(change, at: number).root) }
      let commit = CatalogCommit(
        number: number, recordHash: ContentHash(low: number, high: 0), root: root, timestamp: Int64(number),
        message: "commit \(number)")
      try transaction.setHead(CatalogHead(warehouse: ContentHash(low: 1, high: 2), commit: commit, floor: 1))
    }
  }

  fileprivate func keys(_ owner: UInt64, at number: UInt64, _ expected: [String: [UInt8]]) throws -> [String] {
    let hash = expected.reduce(ContentHash.zero) { $0 + CatalogItem(key: $1.key, value: $1.value).hash }
    return try items(of: owner, at: number, summary: ItemSummary(count: expected.count, hash: hash)).map(\.key)
  }
}

private func object(_ name: String, _ value: [UInt8], id: UInt64 = 5) -> CatalogObject {
  CatalogObject(id: id, kind: 2, name: name, value: value)
}

private func put(_ key: String, _ value: [UInt8], owner: UInt64 = 5) -> CatalogChange {
  .putItem(owner: owner, CatalogItem(key: key, value: value))
}

@Suite struct CatalogTests {
  @Test func everyCommitCanBeRead() throws {
    try withCatalogPath { path in
      let catalog = try Catalog(path, isReadOnly: false)
      #expect(try catalog.head() == nil)
      #expect(try catalog.contents() == nil)
      try catalog.commit(1, .putObject(object("t", [1])), put("a", [1]), put("b", []))
      try catalog.commit(2, .putObject(object("t", [2])), put("a", [2]), put("c", [3]))
      try catalog.commit(3, .removeItem(owner: 5, key: "b"), .putObject(object("ü", [], id: .max)))
      try catalog.commit(4, .removeAllItems(owner: 5), .removeObject(kind: 2, name: "t"), put("d", [4]))
      #expect(try catalog.contents()?.head.commit.number == 4)
      #expect(try catalog.contents()?.objects == [object("ü", [], id: .max)])
      #expect(try catalog.contents(at: 1)?.objects == [object("t", [1])])
      #expect(try catalog.contents(at: 2)?.objects == [object("t", [2])])
      #expect(try catalog.contents(at: 3)?.objects.count == 2)
      #expect(try catalog.contents(at: 5) == nil)
      #expect(try catalog.keys(5, at: 1, ["a": [1], "b": []]) == ["a", "b"])
      #expect(try catalog.keys(5, at: 2, ["a": [2], "b": [], "c": [3]]) == ["a", "b", "c"])
      #expect(try catalog.keys(5, at: 3, ["a": [2], "c": [3]]) == ["a", "c"])
      #expect(try catalog.keys(5, at: 4, ["d": [4]]) == ["d"])
      #expect(try catalog.item(of: 5, key: "a", at: 1) == [1])
      #expect(try catalog.item(of: 5, key: "a", at: 3) == [2])
      #expect(try catalog.item(of: 5, key: "a", at: 4) == nil)
      #expect(try catalog.commits(limit: 2).map(\.message) == ["commit 4", "commit 3"])
      #expect(try catalog.itemKeys(startingWith: "") == ["a", "b", "c", "d"])
      #expect(try catalog.itemKeys(startingWith: "a") == ["a"])
      let wrong = #expect(throws: PulsehouseError.self) { try catalog.keys(5, at: 1, ["a": [1], "b": [7]]) }
      #expect(wrong?.kind == .corrupt)
    }
  }

  @Test func forgettingKeepsWhatCanBeSeen() throws {
    try withCatalogPath { path in
      let catalog = try Catalog(path, isReadOnly: false)
      try catalog.commit(1, .putObject(object("t", [1])), put("a", [1]))
      try catalog.commit(2, .putObject(object("t", [2])), put("a", [2]))
      try catalog.commit(3, put("b", [3]))
      try catalog.write { transaction throws(PulsehouseError) in
        try transaction.setFloor(2)
        try transaction.forget(before: 2)
      }
      #expect(try catalog.contents(at: 1) == nil)
      #expect(try catalog.keys(5, at: 2, ["a": [2]]) == ["a"])
      #expect(try catalog.keys(5, at: 3, ["a": [2], "b": [3]]) == ["a", "b"])
    }
  }

  @Test func failedTransactionsLeaveNothing() throws {
    try withCatalogPath { path in
      let catalog = try Catalog(path, isReadOnly: false)
      try catalog.commit(1, put("a", [1]))
      #expect(throws: PulsehouseError.self) {
        try catalog.write { transaction throws(PulsehouseError) in
          _ = try transaction.apply(put("b", [1]), at: 2)
          throw PulsehouseError(.user, "stop")
        }
      }
      #expect(try catalog.itemKeys(startingWith: "") == ["a"])
      let missing = #expect(throws: PulsehouseError.self) { try catalog.commit(2, .removeItem(owner: 5, key: "zz")) }
      #expect(missing?.kind == .corrupt)
      try catalog.commit(2, put("b", [1]))
    }
  }

  @Test func rowsMoveToAnotherCatalog() throws {
    try withCatalogPath { path in
      let catalog = try Catalog(path, isReadOnly: false)
      try catalog.commit(1, .putObject(object("t", [1])), put("a", [1]))
      try catalog.commit(2, .putObject(object("t", [2])), put("a", [2]))
      let copy = try Catalog(inMemoryFor: path)
      try catalog.write { source throws(PulsehouseError) in
        try copy.write { target throws(PulsehouseError) in
          try source.forEachRow { row throws(PulsehouseError) in try target.restore(row) }
          if let head = try source.head() { try target.setHead(head) }
        }
      }
      #expect(try copy.contents()?.objects == [object("t", [2])])
      #expect(try copy.contents(at: 1)?.objects == [object("t", [1])])
      #expect(try copy.keys(5, at: 2, ["a": [2]]) == ["a"])
      #expect(try copy.keys(5, at: 1, ["a": [1]]) == ["a"])
    }
  }

  @Test func otherFilesAreRefusedAndReset() throws {
    try withCatalogPath { path in
      let junk = try DurableFile(path)
      try junk.write([UInt8](repeating: 65, count: 5000))
      try junk.publish()
      let error = #expect(throws: PulsehouseError.self) { try Catalog(path, isReadOnly: false) }
      #expect(error?.kind == .corrupt)
      #expect(error?.file == path)
      try Catalog.reset(path)
      let catalog = try Catalog(path, isReadOnly: false)
      #expect(try catalog.head() == nil)
      try catalog.commit(1, put("a", [1]))
      #expect(catalog.isCurrent)
      try LocalFileSystem().removeFile(path)
      #expect(!catalog.isCurrent)
    }
  }

  @Test func resetReachesOtherConnections() throws {
    try withCatalogPath { path in
      let catalog = try Catalog(path, isReadOnly: false)
      try catalog.commit(1, put("a", [1]))
      try Catalog.reset(path)
      #expect(try catalog.head() == nil)
      try catalog.commit(1, put("b", [1]))
      #expect(try Catalog(path, isReadOnly: true).itemKeys(startingWith: "") == ["b"])
    }
  }

  @Test func readersDoNotWaitForAWriter() throws {
    try withCatalogPath { path in
      let catalog = try Catalog(path, isReadOnly: false)
      try catalog.commit(1, put("a", [1]))
      let other = try Catalog(path, isReadOnly: true)
      try catalog.write { transaction throws(PulsehouseError) in
        _ = try transaction.apply(put("b", [1]), at: 2)
        #expect(try catalog.itemKeys(startingWith: "") == ["a"])
        #expect(try other.itemKeys(startingWith: "") == ["a"])
      }
      #expect(try other.itemKeys(startingWith: "") == ["a", "b"])
    }
  }
}
