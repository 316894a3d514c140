import Bytes

/// A named thing the catalog knows: a schema, a table, a view, the state of a source. What `value` means is for the
/// floor above to say.
package struct CatalogObject: Hashable, Sendable {
  /// Never used for another object, nor again after this one is gone.
  package var id: UInt64
  package var kind: UInt8
  package var name: String
  package var value: [UInt8]

  package init(id: UInt64, kind: UInt8, name: String, value: [UInt8]) {
    self.id = id
    self.kind = kind
    self.name = name
    self.value = value
  }

  /// Identifies kind, id, name and value.
  package var hash: ContentHash {
    var writer = ByteWriter(reserving: name.utf8.count + value.count + 24)
    writer.append(kind)
    writer.append(id)
    writer.append(name)
    writer.append(value)
    return ContentHash(of: writer.bytes)
  }
}

/// One of the many things an object owns: a segment of a table, an entry of a source's state.
package struct CatalogItem: Hashable, Sendable {
  package var key: String
  package var value: [UInt8]

  package init(key: String, value: [UInt8]) {
    self.key = key
    self.value = value
  }

  /// Identifies key and value.
  package var hash: ContentHash { Self.hash(key: key, value: value) }

  static func hash(key: String, value: [UInt8]) -> ContentHash {
    var writer = ByteWriter(reserving: key.utf8.count + value.count + 12)
    writer.append(key)
    writer.append(value)
    return ContentHash(of: writer.bytes)
  }
}

/// What one commit does to the catalog: the content of a commit record, in order.
package enum CatalogChange: Hashable, Sendable {
  /// Adds the object, or replaces the one of this kind and name.
  case putObject(CatalogObject)
  case removeObject(kind: UInt8, name: String)
  /// Adds the item, or replaces the one of this key.
  case putItem(owner: UInt64, CatalogItem)
  case removeItem(owner: UInt64, key: String)
  case removeAllItems(owner: UInt64)
}

/// How many items an object owns, and the sum of their hashes: equal sums mean equal sets.
package struct ItemSummary: Hashable, Sendable {
  package var count: Int
  package var hash: ContentHash

  package init(count: Int, hash: ContentHash) {
    self.count = count
    self.hash = hash
  }

  package static let empty = ItemSummary(count: 0, hash: .zero)
}

/// A commit as the catalog lists it.
package struct CatalogCommit: Hashable, Sendable {
  package var number: UInt64
  /// Hash of the commit record.
  package var recordHash: ContentHash
  /// Sum of the hashes of all objects after it.
  package var root: ContentHash
  /// Microseconds since 1970-01-01 UTC.
  package var timestamp: Int64
  /// What was done, in words for people.
  package var message: String

  package init(number: UInt64, recordHash: ContentHash, root: ContentHash, timestamp: Int64, message: String) {
    self.number = number
    self.recordHash = recordHash
    self.root = root
    self.timestamp = timestamp
    self.message = message
  }

  /// Identifies all of it.
  var hash: ContentHash {
    var writer = ByteWriter(reserving: message.utf8.count + 64)
    writer.append(number)
    writer.append(recordHash)
    writer.append(root)
    writer.append(timestamp)
    writer.append(message)
    return ContentHash(of: writer.bytes)
  }
}

/// Where the catalog stands.
package struct CatalogHead: Hashable, Sendable {
  /// Tells warehouses apart: random, drawn when the warehouse is made.
  package var warehouse: ContentHash
  package var commit: CatalogCommit
  /// The oldest commit a reader may still choose.
  package var floor: UInt64

  package init(warehouse: ContentHash, commit: CatalogCommit, floor: UInt64) {
    self.warehouse = warehouse
    self.commit = commit
    self.floor = floor
  }

  /// Identifies the head's own row.
  static func hash(warehouse: ContentHash, number: UInt64, floor: UInt64) -> ContentHash {
    var writer = ByteWriter(reserving: 32)
    writer.append(warehouse)
    writer.append(number)
    writer.append(floor)
    return ContentHash(of: writer.bytes)
  }
}

/// An object or an item together with the commits between which it can be seen, as checkpoints store them.
package struct CatalogRow: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    case object(CatalogObject)
    case item(owner: UInt64, CatalogItem)
    case commit(CatalogCommit)
  }

  package var content: Content
  /// The commit that added it.
  package var added: UInt64
  /// The commit that removed it; `CatalogRow.never` while it stands.
  package var removed: UInt64

  package static let never = UInt64(Int64.max)

  package init(_ content: Content, added: UInt64, removed: UInt64) {
    self.content = content
    self.added = added
    self.removed = removed
  }
}
