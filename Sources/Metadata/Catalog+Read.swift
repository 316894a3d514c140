import Bytes

/// A consistent view of the catalog's small part: where it stands, and every object of that commit.
package struct CatalogContents: Sendable {
  package var head: CatalogHead
  package var objects: [CatalogObject]
}

extension Catalog {
  /// Returns where the catalog stands; nil when nothing was ever indexed.
  package func head() throws(PulsehouseError) -> CatalogHead? {
    try reading { connection throws(PulsehouseError) in try connection.head() }
  }

  /// Returns the head and all objects of commit `number` (nil: the newest), read at one instant; nil when nothing was
  /// ever indexed or `number` is not there any more.
  ///
  /// - Throws: `.corrupt` when the objects are not those whose hashes the commit sums up.
  package func contents(at number: UInt64? = nil) throws(PulsehouseError) -> CatalogContents? {
    try reading { connection throws(PulsehouseError) in
      try connection.execute("BEGIN")
      defer { try? connection.execute("COMMIT") }
      guard var head = try connection.head() else { return nil }
      if let number, number != head.commit.number {
        guard number >= head.floor, number < head.commit.number else { return nil }
        guard let commit = try connection.commit(number) else {
          throw PulsehouseError(.corrupt, "the catalog lacks commit \(number)", file: path)
        }
        head.commit = commit
      }
      let objects = try connection.objects(at: head.commit.number)
      guard objects.reduce(ContentHash.zero, { $0 + $1.hash }) == head.commit.root else {
        throw PulsehouseError(
          .corrupt, "the catalog's tables are not those of commit \(head.commit.number)", file: path)
      }
      return CatalogContents(head: head, objects: objects)
    }
  }

  /// Returns what `owner` had at commit `number`, in byte order of the keys.
  ///
  /// - Throws: `.corrupt` unless the items are exactly those that `summary` sums up.
  package func items(of owner: UInt64, at number: UInt64, summary: ItemSummary) throws(PulsehouseError)
    -> [CatalogItem]
  {
    let items = try reading { connection throws(PulsehouseError) in
      try connection.items(of: owner, at: number)
    }
    guard items.count == summary.count, items.reduce(ContentHash.zero, { $0 + $1.hash }) == summary.hash else {
      throw PulsehouseError(
        .corrupt, "the catalog lists \(items.count) entries that are not the \(summary.count) committed ones",
        file: path)
    }
    return items
  }

  /// Returns the value `owner` had under `key` at commit `number`; nil when there was none.
  ///
  /// Checks the row itself, but not that no row is missing; `items` does.
  package func item(of owner: UInt64, key: String, at number: UInt64) throws(PulsehouseError) -> [UInt8]? {
    try reading { connection throws(PulsehouseError) in
      let statement = try connection.prepare(
        "SELECT value, hash FROM items WHERE owner = ?1 AND removed > ?2 AND key = ?3 AND added <= ?2")
      defer { statement.reset() }
      statement.bind(1, Int64(bitPattern: owner)).bind(2, try signed(number)).bind(3, key)
      guard try statement.step() else { return nil }
      let value = try statement.blob(0)
      guard CatalogItem.hash(key: key, value: value) == (try statement.hash(1)) else { throw statement.damage() }
      return value
    }
  }

  /// Returns the commits that are still listed, newest first, at most `limit`.
  package func commits(limit: Int) throws(PulsehouseError) -> [CatalogCommit] {
    try reading { connection throws(PulsehouseError) in
      let statement = try connection.prepare(
        "SELECT number, record_hash, root, timestamp, message, hash FROM commits ORDER BY number DESC LIMIT ?1")
      defer { statement.reset() }
      statement.bind(1, Int64(limit))
      var commits: [CatalogCommit] = []
      while try statement.step() { commits.append(try statement.commit()) }
      return commits
    }
  }

  /// Returns every item key that starts with `prefix` and that any commit still listed can see.
  package func itemKeys(startingWith prefix: String) throws(PulsehouseError) -> Set<String> {
    try reading { connection throws(PulsehouseError) in
      let statement = try connection.prepare("SELECT DISTINCT key FROM items WHERE substr(key, 1, ?1) = ?2")
      defer { statement.reset() }
      statement.bind(1, Int64(prefix.unicodeScalars.count)).bind(2, prefix)
      var keys: Set<String> = []
      while try statement.step() { keys.insert(try statement.text(0)) }
      return keys
    }
  }
}

extension Connection {
  func head() throws(PulsehouseError) -> CatalogHead? {
    let statement = try prepare("SELECT warehouse, number, floor, hash FROM head")
    defer { statement.reset() }
    guard try statement.step() else { return nil }
    let warehouse = try statement.hash(0)
    let number = try statement.unsigned(1)
    let floor = try statement.unsigned(2)
    guard CatalogHead.hash(warehouse: warehouse, number: number, floor: floor) == (try statement.hash(3)),
      let commit = try commit(number)
    else { throw statement.damage() }
    return CatalogHead(warehouse: warehouse, commit: commit, floor: floor)
  }

  func commit(_ number: UInt64) throws(PulsehouseError) -> CatalogCommit? {
    let statement = try prepare(
      "SELECT number, record_hash, root, timestamp, message, hash FROM commits WHERE number = ?1")
    defer { statement.reset() }
    statement.bind(1, try signed(number))
    return try statement.step() ? try statement.commit() : nil
  }

  func objects(at number: UInt64) throws(PulsehouseError) -> [CatalogObject] {
    let statement = try prepare("SELECT id, kind, name, value FROM objects WHERE removed > ?1 AND added <= ?1")
    defer { statement.reset() }
    statement.bind(1, try signed(number))
    var objects: [CatalogObject] = []
    while try statement.step() { objects.append(try statement.object()) }
    return objects
  }

  func items(of owner: UInt64, at number: UInt64) throws(PulsehouseError) -> [CatalogItem] {
    let statement = try prepare(
      "SELECT key, value FROM items WHERE owner = ?1 AND removed > ?2 AND added <= ?2 ORDER BY key")
    defer { statement.reset() }
    statement.bind(1, Int64(bitPattern: owner)).bind(2, try signed(number))
    var items: [CatalogItem] = []
    while try statement.step() {
      items.append(CatalogItem(key: try statement.text(0), value: try statement.blob(1)))
    }
    return items
  }
}

extension Statement {
  /// Reads columns number, record_hash, root, timestamp, message, hash.
  func commit() throws(PulsehouseError) -> CatalogCommit {
    let commit = CatalogCommit(
      number: try unsigned(0), recordHash: try hash(1), root: try hash(2), timestamp: integer(3),
      message: try text(4))
    guard commit.hash == (try hash(5)) else { throw damage() }
    return commit
  }

  /// Reads columns id, kind, name, value.
  func object() throws(PulsehouseError) -> CatalogObject {
    guard let kind = UInt8(exactly: integer(1)) else { throw damage() }
    return CatalogObject(
      id: UInt64(bitPattern: integer(0)), kind: kind, name: try text(2), value: try blob(3))
  }
}

/// Returns a commit number as SQLite stores it.
func signed(_ number: UInt64) throws(PulsehouseError) -> Int64 {
  guard let value = Int64(exactly: number) else {
    throw PulsehouseError(.internal, "commit number \(number) is out of range")
  }
  return value
}
