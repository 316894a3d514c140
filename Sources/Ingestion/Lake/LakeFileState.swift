import Bytes

/// How far a lake's file has been read: part of the commit that holds the rows read from it.
///
/// The hash is of every byte read so far, not of a sample: before a file that grew is read on, the part already read is
/// read again and must hash the same, so no rewriting goes unnoticed. That costs a tenth of a nanosecond a byte, and
/// only for files whose size or time changed; all others are passed over unopened.
///
/// Of a compressed file, size and time are those of the file on disk; position, lines and hash are of the text in it. So
/// a file that is compressed after it was read hashes the same, and nothing is read twice.
struct LakeFileState: Hashable, Sendable {
  /// Size and time of modification when it was last read to its end; zero in between.
  var byteCount: Int64 = 0
  var modifiedNanoseconds: Int64 = 0
  /// Bytes read: the next line starts here.
  var position: Int64 = 0
  /// Newlines among them.
  var lineCount: Int64 = 0
  /// The books of this file.
  var recordCount: Int64 = 0
  var rowCount: Int64 = 0
  var quarantinedCount: Int64 = 0
  /// `StripeHash` of the bytes before `position`; XXH64 in states of the first version.
  var hash: UInt64 = 0
  var isXXH64 = false
  /// True when what follows `position` is part of a record.
  var endsInRecord = false

  private static let version: UInt8 = 2

  func encode() -> [UInt8] {
    var writer = ByteWriter(reserving: 48)
    writer.append(isXXH64 ? 1 : Self.version)
    writer.append(endsInRecord)
    writer.append(hash)
    writer.append(modifiedNanoseconds)
    for number in [byteCount, position, lineCount, recordCount, rowCount, quarantinedCount] {
      writer.appendVarint(UInt64(bitPattern: number))
    }
    return writer.bytes
  }

  init() {}

  /// Reads what `encode` wrote. - Throws: `.corrupt`.
  init(decoding bytes: [UInt8], file: String) throws(PulsehouseError) {
    self = try ByteReader.reading(bytes, source: "state of \(file)") { reader throws(PulsehouseError) in
      var state = LakeFileState()
      let version = try reader.readUInt8()
      guard version == Self.version || version == 1 else {
        throw PulsehouseError(.unsupported, "the state of this file was written by a newer version", file: file)
      }
      state.isXXH64 = version == 1
      state.endsInRecord = try reader.readBool()
      state.hash = try reader.readUInt64()
      state.modifiedNanoseconds = try reader.readInt64()
      func number() throws(PulsehouseError) -> Int64 {
        let value = try reader.readVarint()
        guard value < 1 << 62 else { throw reader.corrupt("a count of \(value)") }
        return Int64(value)
      }
      state.byteCount = try number()
      state.position = try number()
      state.lineCount = try number()
      state.recordCount = try number()
      state.rowCount = try number()
      state.quarantinedCount = try number()
      try reader.expectEnd()
      return state
    }
  }
}

/// The hash of a file's bytes from its start: to go on with, and to hold against what a state says of them.
struct PrefixHash: Sendable {
  private var stripes = StripeHash()
  /// Set while the bytes of a state of the first version are read again.
  private var old: XXH64?

  /// Starts before the first byte of a file whose bytes read so far are those of `state`.
  init(_ state: LakeFileState? = nil) { if state?.isXXH64 ?? false { old = XXH64() } }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    stripes.update(bytes)
    old?.update(bytes)
  }

  /// True when the bytes so far are those `state` was made of.
  func matches(_ state: LakeFileState) -> Bool { (old?.finish() ?? stripes.finish()) == state.hash }

  func finish() -> UInt64 { stripes.finish() }
}
