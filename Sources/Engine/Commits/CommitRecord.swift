import Bytes
import Metadata

/// A file of the chain: a commit record, or a checkpoint that stands for all records up to its number.
///
/// | offset | bytes | what                                                                        |
/// |-------:|------:|-----------------------------------------------------------------------------|
/// |      0 |     8 | `PHCOMMIT` or `PHCHECKP`                                                    |
/// |      8 |     4 | format version, 1                                                           |
/// |     12 |     4 | flags: 1 when the payload is a zstd frame                                   |
/// |     16 |    16 | the warehouse's own random number                                           |
/// |     32 |     8 | commit number                                                               |
/// |     40 |    16 | commit: hash of the record before; checkpoint: hash of the record it stands for |
/// |     56 |    16 | sum of the hashes of all catalog objects after it                           |
/// |     72 |     8 | microseconds since 1970-01-01 UTC                                           |
/// |     80 |     8 | oldest commit that could still be read then                                 |
/// |     88 |     8 | payload bytes as stored                                                     |
/// |     96 |     8 | payload bytes as they are                                                   |
/// |    104 |     n | payload                                                                     |
/// | 104+n  |    16 | hash of all before: the hash of this record                                 |
/// | 120+n  |     8 | `PHRECEND`                                                                  |
///
/// All integers little-endian.
struct CommitRecord: Sendable {
  enum Kind: Sendable {
    case commit
    case checkpoint
  }

  static let formatVersion: UInt32 = 1
  private static let headerByteCount = 104
  private static let trailerByteCount = 24
  private static let end = Array("PHRECEND".utf8)
  /// No payload is longer; a damaged length cannot ask for more memory than this.
  private static let payloadLimit = 4 << 30

  var kind: Kind
  var warehouse: ContentHash
  var number: UInt64
  var previous: ContentHash
  var root: ContentHash
  var timestamp: Int64
  var floor: UInt64
  var payload: [UInt8]

  /// Returns the file's bytes and their hash, by which the next record will know this one.
  func encode() throws(PulsehouseError) -> (bytes: [UInt8], hash: ContentHash) {
    var stored = payload
    var flags: UInt32 = 0
    if payload.count >= 4096 {
      let frame = try Zstd.compress(payload)
      if frame.count < payload.count {
        stored = frame
        flags = 1
      }
    }
    var writer = ByteWriter(reserving: stored.count + Self.headerByteCount + Self.trailerByteCount)
    writer.appendRaw(Array(Self.magic(kind).utf8))
    writer.append(Self.formatVersion)
    writer.append(flags)
    writer.append(warehouse)
    writer.append(number)
    writer.append(previous)
    writer.append(root)
    writer.append(timestamp)
    writer.append(floor)
    writer.append(UInt64(stored.count))
    writer.append(UInt64(payload.count))
    writer.appendRaw(stored)
    let hash = ContentHash(of: writer.bytes)
    writer.append(hash)
    writer.appendRaw(Self.end)
    return (writer.bytes, hash)
  }

  /// Reads a record from the bytes of `path` and checks it against its own hash.
  ///
  /// - Throws: `.corrupt`; `.unsupported` when a newer version wrote it.
  static func decode(_ bytes: [UInt8], _ kind: Kind, path: String) throws(PulsehouseError)
    -> (record: CommitRecord, hash: ContentHash)
  {
    try ByteReader.reading(bytes, source: path) { reader throws(PulsehouseError) in
      guard try reader.readRaw(8).elementsEqual(magic(kind).utf8) else {
        throw PulsehouseError(.corrupt, "this is not a commit record", file: path)
      }
      let version = try reader.readUInt32()
      guard version <= formatVersion else {
        throw PulsehouseError(
          .unsupported,
          "the warehouse was written in format \(version), and this pulsehouse knows only up to \(formatVersion)",
          hint: "Use the pulsehouse that wrote it, or a newer one.", file: path)
      }
      guard version > 0 else { throw reader.corrupt("format version 0") }
      let flags = try reader.readUInt32()
      var record = CommitRecord(
        kind: kind, warehouse: try reader.readHash(), number: try reader.readUInt64(),
        previous: try reader.readHash(), root: try reader.readHash(), timestamp: try reader.readInt64(),
        floor: try reader.readUInt64(), payload: [])
      let storedCount = try reader.readUInt64()
      let payloadCount = try reader.readUInt64()
      guard bytes.count >= headerByteCount + trailerByteCount,
        storedCount == UInt64(bytes.count - headerByteCount - trailerByteCount),
        payloadCount <= UInt64(payloadLimit), flags <= 1
      else { throw reader.corrupt("a commit record whose lengths do not fit its file") }
      let stored = try reader.readRaw(Int(storedCount))
      let hash = try reader.readHash()
      guard try reader.readRaw(8).elementsEqual(end) else { throw reader.corrupt("a commit record without its end") }
      let found = bytes.withUnsafeBytes {
        ContentHash(of: UnsafeRawBufferPointer(rebasing: $0[..<(bytes.count - trailerByteCount)]))
      }
      guard found == hash else {
        throw PulsehouseError(
          .corrupt, "damaged commit record: its checksum is \(found) where \(hash) was written", file: path)
      }
      if flags == 1 {
        record.payload = try Zstd.decompress(stored, byteCount: Int(payloadCount), source: path)
      } else {
        guard storedCount == payloadCount else { throw reader.corrupt("a payload of two lengths") }
        record.payload = [UInt8](stored)
      }
      return (record, hash)
    }
  }

  /// Returns whether the bytes are the beginning of a record whose rest never reached the disk, as against one that was
  /// whole and got damaged: too short for what the header promises, or without its end.
  static func isTorn(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= headerByteCount + trailerByteCount else { return true }
    let tail = bytes.suffix(8)
    let written = tail.prefix(8 - tail.reversed().prefix { $0 == 0 }.count)
    if written.count < 8, end.starts(with: written) { return true }
    var promised: UInt64 = 0
    for (index, byte) in bytes[88..<96].enumerated() { promised |= UInt64(byte) << UInt64(8 * index) }
    return promised < UInt64(payloadLimit)
      && UInt64(bytes.count) < promised + UInt64(headerByteCount + trailerByteCount)
      && !tail.elementsEqual(end)
  }

  private static func magic(_ kind: Kind) -> String {
    switch kind {
    case .commit: "PHCOMMIT"
    case .checkpoint: "PHCHECKP"
    }
  }
}

// MARK: Payloads

extension CommitRecord {
  /// A commit's payload: what was done in words, then the changes.
  static func payload(_ message: String, _ changes: [CatalogChange]) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(message)
    writer.appendCount(changes.count)
    for change in changes {
      switch change {
      case .putObject(let object):
        writer.append(UInt8(1))
        writer.append(object)
      case .removeObject(let kind, let name):
        writer.append(UInt8(2))
        writer.append(kind)
        writer.append(name)
      case .putItem(let owner, let item):
        writer.append(UInt8(3))
        writer.appendVarint(owner)
        writer.append(item.key)
        writer.append(item.value)
      case .removeItem(let owner, let key):
        writer.append(UInt8(4))
        writer.appendVarint(owner)
        writer.append(key)
      case .removeAllItems(let owner):
        writer.append(UInt8(5))
        writer.appendVarint(owner)
      }
    }
    return writer.bytes
  }

  /// Reads a commit's payload. - Throws: `.corrupt`.
  func changes(path: String) throws(PulsehouseError) -> (message: String, changes: [CatalogChange]) {
    try ByteReader.reading(payload, source: path) { reader throws(PulsehouseError) in
      let message = try reader.readString()
      var changes: [CatalogChange] = []
      for _ in 0..<(try reader.readCount(minimumByteCount: 2)) {
        switch try reader.readUInt8() {
        case 1: changes.append(.putObject(try reader.readObject()))
        case 2:
          let kind = try reader.readUInt8()
          changes.append(.removeObject(kind: kind, name: try reader.readString()))
        case 3:
          let owner = try reader.readVarint()
          changes.append(.putItem(owner: owner, try reader.readItem()))
        case 4:
          let owner = try reader.readVarint()
          changes.append(.removeItem(owner: owner, key: try reader.readString()))
        case 5: changes.append(.removeAllItems(owner: try reader.readVarint()))
        case let tag: throw reader.corrupt("an unknown change \(tag)")
        }
      }
      try reader.expectEnd()
      return (message, changes)
    }
  }

  /// Appends a row of a checkpoint's payload.
  static func append(_ row: CatalogRow, to writer: inout ByteWriter) {
    switch row.content {
    case .commit(let commit):
      writer.append(UInt8(1))
      writer.appendVarint(commit.number)
      writer.append(commit.recordHash)
      writer.append(commit.root)
      writer.append(commit.timestamp)
      writer.append(commit.message)
    case .object(let object):
      writer.append(UInt8(2))
      writer.appendVarint(row.added)
      writer.appendVarint(row.removed)
      writer.append(object)
    case .item(let owner, let item):
      writer.append(UInt8(3))
      writer.appendVarint(row.added)
      writer.appendVarint(row.removed)
      writer.appendVarint(owner)
      writer.append(item.key)
      writer.append(item.value)
    }
  }

  /// Passes every row of a checkpoint's payload to `body`. - Throws: `.corrupt`, and what `body` throws.
  func forEachRow(path: String, _ body: (CatalogRow) throws(PulsehouseError) -> Void) throws(PulsehouseError) {
    try ByteReader.reading(payload, source: path) { reader throws(PulsehouseError) in
      while !reader.isAtEnd {
        let tag = try reader.readUInt8()
        if tag == 1 {
          let number = try reader.readVarint()
          let commit = CatalogCommit(
            number: number, recordHash: try reader.readHash(), root: try reader.readHash(),
            timestamp: try reader.readInt64(), message: try reader.readString())
          try body(CatalogRow(.commit(commit), added: number, removed: CatalogRow.never))
          continue
        }
        let added = try reader.readVarint()
        let removed = try reader.readVarint()
        switch tag {
        case 2: try body(CatalogRow(.object(try reader.readObject()), added: added, removed: removed))
        case 3:
          let owner = try reader.readVarint()
          try body(CatalogRow(.item(owner: owner, try reader.readItem()), added: added, removed: removed))
        default: throw reader.corrupt("an unknown row \(tag)")
        }
      }
    }
  }
}

extension ByteWriter {
  fileprivate mutating func append(_ object: CatalogObject) {
    append(object.kind)
    append(object.id)
    append(object.name)
    append(object.value)
  }
}

extension ByteReader {
  fileprivate mutating func readObject() throws(PulsehouseError) -> CatalogObject {
    let kind = try readUInt8()
    let id = try readUInt64()
    let name = try readString()
    return CatalogObject(id: id, kind: kind, name: name, value: try readBytes())
  }

  fileprivate mutating func readItem() throws(PulsehouseError) -> CatalogItem {
    let key = try readString()
    return CatalogItem(key: key, value: try readBytes())
  }
}
