import Bytes
import Encodings
import Synchronization
import Vectors

/// A segment file, mapped and ready to answer. Shared by threads; each reads rows through its own `RowGroupReader`.
///
/// Opening checks magic, version and the footer's checksum; a block's checksum is checked when it is first read and the
/// result remembered.
package final class SegmentReader: Sendable {
  package let schema: Schema
  package let rowCount: Int
  package let rowGroupCount: Int
  /// Columns the rows of each row group (and of the whole segment) are sorted by.
  package let sortedBy: [Int]
  package let properties: [String: String]
  /// The footer's CRC-32C, as in `SegmentSummary`.
  package let checksum: UInt32
  package let file: MappedFile
  let footer: SegmentFooter
  private let memory: Mutex<Memory>

  /// What is remembered of blocks that have been read.
  private struct Memory: ~Copyable {
    var isSound: [Bool]
    var dictionaries: [Int: Vector] = [:]
  }

  /// Dictionaries larger than this are built anew by each reader.
  private static let largestKeptDictionary = 1 << 18

  /// Opens a mapped segment. - Throws: `.corrupt` for damage, `.unsupported` for a newer format.
  package static func open(_ file: MappedFile) throws(PulsehouseError) -> SegmentReader {
    let (footer, checksum) = try readFooter(file)
    return SegmentReader(file, footer, checksum)
  }

  private init(_ file: MappedFile, _ footer: SegmentFooter, _ checksum: UInt32) {
    self.file = file
    self.footer = footer
    self.checksum = checksum
    schema = footer.schema
    rowGroupCount = footer.rowGroups.count
    rowCount = footer.rowGroups.reduce(0) { $0 + $1.rowCount }
    sortedBy = footer.sortedBy
    properties = footer.properties
    memory = Mutex(Memory(isSound: Array(repeating: false, count: footer.rowGroups.count * footer.schema.count)))
  }

  private static func readFooter(_ file: MappedFile) throws(PulsehouseError) -> (SegmentFooter, UInt32) {
    let bytes = file.bytes
    var head = ByteReader(bytes, source: file.path)
    let headMagic = try head.readRaw(min(8, head.remaining))
    guard headMagic.elementsEqual(SegmentFormat.headMagic) else { throw head.corrupt("not a segment file") }
    guard bytes.count >= SegmentFormat.headByteCount + SegmentFormat.tailByteCount else {
      throw head.corrupt("a segment file that ends early")
    }
    let version = try head.readUInt32()
    let headBytes = UnsafeRawBufferPointer(rebasing: bytes[0..<(SegmentFormat.headByteCount - 4)])
    try head.seek(to: SegmentFormat.headByteCount - 4)
    guard CRC32C.checksum(headBytes) == (try head.readUInt32()) else { throw head.corrupt("a damaged segment head") }
    guard version <= SegmentFormat.version else {
      throw PulsehouseError(
        .unsupported, "segment format \(version) is newer than \(SegmentFormat.version), the newest this program reads",
        hint: "Use a newer pulsehouse.", file: file.path)
    }
    guard version >= 1 else { throw head.corrupt("segment format \(version) never was") }

    let tailOffset = bytes.count - SegmentFormat.tailByteCount
    var tail = ByteReader(
      UnsafeRawBufferPointer(rebasing: bytes[tailOffset...]), source: file.path, baseOffset: tailOffset)
    let footerOffset = try tail.readUInt64()
    let footerByteCount = try tail.readUInt64()
    let expected = try tail.readUInt32()
    let tailVersion = try tail.readUInt32()
    let tailBytes = UnsafeRawBufferPointer(
      rebasing: bytes[tailOffset..<(tailOffset + SegmentFormat.tailByteCount - 12)])
    try tail.seek(to: SegmentFormat.tailByteCount - 12)
    guard CRC32C.checksum(tailBytes) == (try tail.readUInt32()),
      (try tail.readRaw(8)).elementsEqual(SegmentFormat.tailMagic), tailVersion == version
    else { throw tail.corrupt("a damaged segment tail, or a file that ends early") }
    guard footerOffset >= UInt64(SegmentFormat.headByteCount), footerOffset <= UInt64(tailOffset),
      footerByteCount == UInt64(tailOffset) - footerOffset
    else { throw tail.corrupt("a footer outside its file") }
    let footerBytes = UnsafeRawBufferPointer(rebasing: bytes[Int(footerOffset)..<tailOffset])
    let found = CRC32C.checksum(footerBytes)
    guard found == expected else {
      throw PulsehouseError(
        .corrupt,
        "the segment's footer at offset \(footerOffset) is damaged: "
          + "checksum \(hexadecimal(found)) where \(hexadecimal(expected)) was written", file: file.path)
    }
    var reader = ByteReader(footerBytes, source: file.path, baseOffset: Int(footerOffset))
    return (try SegmentFooter.decode(&reader, footerOffset: Int(footerOffset)), found)
  }

  package func rowCount(rowGroup: Int) -> Int { footer.rowGroups[rowGroup].rowCount }

  /// Returns the zone map of a column over the whole segment.
  package func zoneMap(column: Int) -> ZoneMap { footer.zoneMaps[column] }

  /// Returns the zone map of a column in one row group.
  package func zoneMap(column: Int, rowGroup: Int) -> ZoneMap { footer.rowGroups[rowGroup].blocks[column].zoneMap }

  /// Returns the bytes a column takes in the file, in one row group or in all.
  package func byteCount(column: Int, rowGroup: Int? = nil) -> Int {
    if let rowGroup { return footer.rowGroups[rowGroup].blocks[column].byteCount }
    return footer.rowGroups.reduce(0) { $0 + $1.blocks[column].byteCount }
  }

  /// Returns how a column is encoded in a row group, outermost first: `decimal`, `keyed delta`.
  package func encodings(column: Int, rowGroup: Int) -> [Encoding] {
    footer.rowGroups[rowGroup].blocks[column].encodings
  }

  /// What row groups with the same bytes share, and others do not: rows, and of each block its length and checksum.
  package struct RowGroupIdentity: Hashable, Sendable {
    let rowCount: Int
    let lengths: [Int]
    let checksums: [UInt32]
  }

  package func identity(rowGroup: Int) -> RowGroupIdentity {
    let entry = footer.rowGroups[rowGroup]
    return RowGroupIdentity(
      rowCount: entry.rowCount, lengths: entry.blocks.map(\.byteCount), checksums: entry.blocks.map(\.checksum))
  }

  /// Returns a row group as it lies in the file, to be written to another one. - Throws: `.corrupt`.
  package func encodedRowGroup(_ rowGroup: Int) throws(PulsehouseError) -> EncodedRowGroup {
    let entry = footer.rowGroups[rowGroup]
    var blocks: [EncodedBlock] = []
    for (column, block) in entry.blocks.enumerated() {
      let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[block.offset..<(block.offset + block.byteCount)])
      let found = CRC32C.checksum(bytes)
      guard found == block.checksum else {
        throw damaged(
          column, rowGroup, "checksum \(hexadecimal(found)) where \(hexadecimal(block.checksum)) was written")
      }
      blocks.append(EncodedBlock(copying: bytes, block.encodings, checksum: block.checksum))
    }
    return EncodedRowGroup(rowCount: entry.rowCount, blocks: blocks, zoneMaps: entry.blocks.map(\.zoneMap))
  }

  /// Opens a block, checking its checksum unless that has been done. Its keys are not supplied, and it is not validated
  /// until `finishOpening`.
  func openBlock(column: Int, rowGroup: Int, _ scratch: DecodeScratch) throws(PulsehouseError) -> Block {
    let entry = footer.rowGroups[rowGroup].blocks[column]
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[entry.offset..<(entry.offset + entry.byteCount)])
    let index = rowGroup * schema.count + column
    let (isSound, dictionary) = memory.withLock { ($0.isSound[index], $0.dictionaries[index]) }
    if !isSound {
      let found = CRC32C.checksum(bytes)
      guard found == entry.checksum else {
        throw damaged(
          column, rowGroup,
          "checksum \(hexadecimal(found)) where \(hexadecimal(entry.checksum)) was written")
      }
    }
    do throws(PulsehouseError) {
      return try Block(
        bytes, type: schema[column].type, rowCount: rowCount(rowGroup: rowGroup), owner: file,
        knownDictionary: dictionary, scratch: scratch)
    } catch {
      throw named(error, column, rowGroup)
    }
  }

  /// Validates a block that has its keys, unless that has been done, and remembers that it is sound.
  func finishOpening(_ block: Block, column: Int, rowGroup: Int) throws(PulsehouseError) {
    let index = rowGroup * schema.count + column
    if memory.withLock({ $0.isSound[index] }) { return }
    do throws(PulsehouseError) { try block.validate() } catch { throw named(error, column, rowGroup) }
    let dictionary = block.dictionary.flatMap {
      $0.byteCount <= SegmentReader.largestKeptDictionary ? $0 : nil
    }
    memory.withLock {
      $0.isSound[index] = true
      $0.dictionaries[index] = dictionary
    }
  }

  /// Adds the block's name to an error about its bytes.
  func named(_ error: PulsehouseError, _ column: Int, _ rowGroup: Int) -> PulsehouseError {
    error.kind == .corrupt && error.file != file.path ? damaged(column, rowGroup, error.message) : error
  }

  private func damaged(_ column: Int, _ rowGroup: Int, _ what: String) -> PulsehouseError {
    let entry = footer.rowGroups[rowGroup].blocks[column]
    return PulsehouseError(
      .corrupt,
      "column \(schema[column].name) of row group \(rowGroup), \(entry.byteCount) bytes at offset \(entry.offset), "
        + "is damaged: \(what)",
      hint: "Other columns and row groups can still be read; `pulsehouse verify` lists all damage.", file: file.path)
  }
}

/// Returns a checksum as people read it.
func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
}
