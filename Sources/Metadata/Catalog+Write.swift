import Bytes

extension Catalog {
  /// Runs `body` in one transaction that holds SQLite's write lock from its start: all of it is kept, or, when `body`
  /// throws, nothing.
  ///
  /// With `isSynced` it is safe from a power cut when this returns; else the catalog may then be found behind.
  package func write<Result>(
    isSynced: Bool = false, _ body: (CatalogTransaction) throws(PulsehouseError) -> Result
  ) throws(PulsehouseError) -> Result {
    try writing { connection throws(PulsehouseError) in
      let mustSync = isSynced && isDurable
      if mustSync { try connection.execute("PRAGMA synchronous = FULL") }
      defer { if mustSync { try? connection.execute("PRAGMA synchronous = NORMAL") } }
      try connection.execute("BEGIN IMMEDIATE")
      do throws(PulsehouseError) {
        let result = try body(CatalogTransaction(connection))
        try connection.execute("COMMIT")
        return result
      } catch {
        // A failed COMMIT has often rolled back by itself; then there is nothing to roll back.
        try? connection.execute("ROLLBACK")
        throw error
      }
    }
  }
}

/// A catalog transaction in progress. What it reads includes what it wrote.
package struct CatalogTransaction {
  private let connection: Connection

  init(_ connection: Connection) { self.connection = connection }

  /// Returns where the catalog stands; nil when nothing was ever indexed.
  package func head() throws(PulsehouseError) -> CatalogHead? { try connection.head() }

  /// Returns all objects as they stand.
  package func objects() throws(PulsehouseError) -> [CatalogObject] {
    try connection.objects(at: CatalogRow.never - 1)
  }

  /// Returns an object as it stands; nil when there is none. - Throws: `.corrupt` when its row is damaged.
  package func object(kind: UInt8, name: String) throws(PulsehouseError) -> CatalogObject? {
    let statement = try connection.prepare(
      "SELECT id, kind, name, value, hash FROM objects WHERE removed = ?1 AND kind = ?2 AND name = ?3")
    defer { statement.reset() }
    statement.bind(1, Int64.max).bind(2, Int64(kind)).bind(3, name)
    guard try statement.step() else { return nil }
    let object = try statement.object()
    guard object.hash == (try statement.hash(4)) else { throw statement.damage() }
    return object
  }

  /// What a change did to the sums that commits carry.
  package struct Effect: Sendable {
    /// To be added to the root.
    package var root = ContentHash.zero
    /// To be added to the owner's item count.
    package var itemCount = 0
    /// To be added to the owner's item hash.
    package var items = ContentHash.zero

    package init() {}
  }

  /// Applies one change as of commit `number`.
  ///
  /// - Throws: `.corrupt` when what it replaces is damaged or missing.
  package func apply(_ change: CatalogChange, at number: UInt64) throws(PulsehouseError) -> Effect {
    let at = try signed(number)
    var effect = Effect()
    switch change {
    case .putObject(let object):
      if let old = try self.object(kind: object.kind, name: object.name) {
        effect.root = effect.root - old.hash
        try retireObject(kind: object.kind, name: object.name, at: at)
      }
      try insert(object, added: at, removed: .max)
      effect.root = effect.root + object.hash
    case .removeObject(let kind, let name):
      guard let old = try self.object(kind: kind, name: name) else {
        throw PulsehouseError(.corrupt, "the catalog lacks \"\(name)\", which is to be removed", file: connection.path)
      }
      effect.root = effect.root - old.hash
      try retireObject(kind: kind, name: name, at: at)
    case .putItem(let owner, let item):
      if let old = try liveItemHash(owner: owner, key: item.key) {
        effect.items = effect.items - old
        effect.itemCount -= 1
        try retireItem(owner: owner, key: item.key, at: at)
      }
      try insert(item, owner: owner, added: at, removed: .max)
      effect.items = effect.items + item.hash
      effect.itemCount += 1
    case .removeItem(let owner, let key):
      guard let old = try liveItemHash(owner: owner, key: key) else {
        throw PulsehouseError(.corrupt, "the catalog lacks \"\(key)\", which is to be removed", file: connection.path)
      }
      effect.items = effect.items - old
      effect.itemCount -= 1
      try retireItem(owner: owner, key: key, at: at)
    case .removeAllItems(let owner):
      for hash in try liveItemHashes(owner: owner) {
        effect.itemCount -= 1
        effect.items = effect.items - hash
      }
      let drop = try connection.prepare("DELETE FROM items WHERE owner = ?1 AND removed = ?2 AND added = ?3")
      try drop.bind(1, Int64(bitPattern: owner)).bind(2, Int64.max).bind(3, at).run()
      let retire = try connection.prepare("UPDATE items SET removed = ?3 WHERE owner = ?1 AND removed = ?2")
      try retire.bind(1, Int64(bitPattern: owner)).bind(2, Int64.max).bind(3, at).run()
    }
    return effect
  }

  /// Returns an item's value as it stands; nil when there is none.
  package func item(of owner: UInt64, key: String) throws(PulsehouseError) -> [UInt8]? {
    let statement = try connection.prepare(
      "SELECT value, hash FROM items WHERE owner = ?1 AND removed = ?2 AND key = ?3")
    defer { statement.reset() }
    statement.bind(1, Int64(bitPattern: owner)).bind(2, Int64.max).bind(3, key)
    guard try statement.step() else { return nil }
    let value = try statement.blob(0)
    guard CatalogItem.hash(key: key, value: value) == (try statement.hash(1)) else { throw statement.damage() }
    return value
  }

  /// Makes `head` the place where the catalog stands, and lists its commit.
  package func setHead(_ head: CatalogHead) throws(PulsehouseError) {
    try insert(head.commit)
    let hash = CatalogHead.hash(warehouse: head.warehouse, number: head.commit.number, floor: head.floor)
    let statement = try connection.prepare(
      "INSERT OR REPLACE INTO head (only, warehouse, number, floor, hash) VALUES (1, ?1, ?2, ?3, ?4)")
    try statement.bind(1, head.warehouse).bind(2, signed(head.commit.number)).bind(3, signed(head.floor))
      .bind(4, hash).run()
  }

  /// Publishes the oldest commit that readers may choose from now on.
  package func setFloor(_ floor: UInt64) throws(PulsehouseError) {
    guard var head = try head() else { return }
    head.floor = floor
    try setHead(head)
  }

  /// Forgets every row that no commit from `floor` on can see.
  package func forget(before floor: UInt64) throws(PulsehouseError) {
    let at = try signed(floor)
    try connection.prepare("DELETE FROM objects WHERE removed <= ?1").bind(1, at).run()
    try connection.prepare("DELETE FROM items WHERE removed <= ?1").bind(1, at).run()
    try connection.prepare("DELETE FROM commits WHERE number < ?1").bind(1, at).run()
  }

  /// Forgets everything, so that the catalog can be rebuilt in place.
  package func forgetEverything() throws(PulsehouseError) {
    try connection.execute("DELETE FROM head; DELETE FROM commits; DELETE FROM objects; DELETE FROM items;")
  }

  /// Passes every row to `body`: commits, then objects, then items.
  package func forEachRow(_ body: (CatalogRow) throws(PulsehouseError) -> Void) throws(PulsehouseError) {
    let commits = try connection.prepare(
      "SELECT number, record_hash, root, timestamp, message, hash FROM commits ORDER BY number")
    defer { commits.reset() }
    while try commits.step() {
      let commit = try commits.commit()
      try body(CatalogRow(.commit(commit), added: commit.number, removed: CatalogRow.never))
    }
    let objects = try connection.prepare("SELECT id, kind, name, value, hash, added, removed FROM objects")
    defer { objects.reset() }
    while try objects.step() {
      let object = try objects.object()
      guard object.hash == (try objects.hash(4)) else { throw objects.damage() }
      try body(CatalogRow(.object(object), added: objects.unsigned(5), removed: objects.unsigned(6)))
    }
    let items = try connection.prepare("SELECT owner, key, value, hash, added, removed FROM items")
    defer { items.reset() }
    while try items.step() {
      let item = CatalogItem(key: try items.text(1), value: try items.blob(2))
      guard item.hash == (try items.hash(3)) else { throw items.damage() }
      try body(
        CatalogRow(
          .item(owner: UInt64(bitPattern: items.integer(0)), item), added: items.unsigned(4),
          removed: items.unsigned(5)))
    }
  }

  /// Adds a row as a checkpoint holds it.
  package func restore(_ row: CatalogRow) throws(PulsehouseError) {
    let added = try signed(row.added)
    let removed = try signed(row.removed)
    switch row.content {
    case .commit(let commit): try insert(commit)
    case .object(let object): try insert(object, added: added, removed: removed)
    case .item(let owner, let item): try insert(item, owner: owner, added: added, removed: removed)
    }
  }

  private func insert(_ commit: CatalogCommit) throws(PulsehouseError) {
    let statement = try connection.prepare(
      """
      INSERT OR REPLACE INTO commits (number, record_hash, root, timestamp, message, hash)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      """)
    try statement.bind(1, signed(commit.number)).bind(2, commit.recordHash).bind(3, commit.root)
      .bind(4, commit.timestamp).bind(5, commit.message).bind(6, commit.hash).run()
  }

  private func insert(_ object: CatalogObject, added: Int64, removed: Int64) throws(PulsehouseError) {
    let statement = try connection.prepare(
      """
      INSERT INTO objects (removed, kind, name, added, id, value, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
      """)
    try statement.bind(1, removed).bind(2, Int64(object.kind)).bind(3, object.name).bind(4, added)
      .bind(5, Int64(bitPattern: object.id)).bind(6, object.value).bind(7, object.hash).run()
  }

  private func insert(_ item: CatalogItem, owner: UInt64, added: Int64, removed: Int64) throws(PulsehouseError) {
    let statement = try connection.prepare(
      "INSERT INTO items (owner, removed, key, added, value, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    try statement.bind(1, Int64(bitPattern: owner)).bind(2, removed).bind(3, item.key).bind(4, added)
      .bind(5, item.value).bind(6, item.hash).run()
  }

  private func retireObject(kind: UInt8, name: String, at: Int64) throws(PulsehouseError) {
    // What this very commit added was never seen by anybody.
    let drop = try connection.prepare(
      "DELETE FROM objects WHERE removed = ?1 AND kind = ?2 AND name = ?3 AND added = ?4")
    try drop.bind(1, Int64.max).bind(2, Int64(kind)).bind(3, name).bind(4, at).run()
    if connection.changedRowCount > 0 { return }
    let retire = try connection.prepare(
      "UPDATE objects SET removed = ?4 WHERE removed = ?1 AND kind = ?2 AND name = ?3")
    try retire.bind(1, Int64.max).bind(2, Int64(kind)).bind(3, name).bind(4, at).run()
  }

  private func retireItem(owner: UInt64, key: String, at: Int64) throws(PulsehouseError) {
    let drop = try connection.prepare(
      "DELETE FROM items WHERE owner = ?1 AND removed = ?2 AND key = ?3 AND added = ?4")
    try drop.bind(1, Int64(bitPattern: owner)).bind(2, Int64.max).bind(3, key).bind(4, at).run()
    if connection.changedRowCount > 0 { return }
    let retire = try connection.prepare(
      "UPDATE items SET removed = ?4 WHERE owner = ?1 AND removed = ?2 AND key = ?3")
    try retire.bind(1, Int64(bitPattern: owner)).bind(2, Int64.max).bind(3, key).bind(4, at).run()
  }

  private func liveItemHash(owner: UInt64, key: String) throws(PulsehouseError) -> ContentHash? {
    try item(of: owner, key: key).map { CatalogItem.hash(key: key, value: $0) }
  }

  private func liveItemHashes(owner: UInt64) throws(PulsehouseError) -> [ContentHash] {
    let statement = try connection.prepare("SELECT hash FROM items WHERE owner = ?1 AND removed = ?2")
    defer { statement.reset() }
    statement.bind(1, Int64(bitPattern: owner)).bind(2, Int64.max)
    var hashes: [ContentHash] = []
    while try statement.step() { hashes.append(try statement.hash(0)) }
    return hashes
  }
}
