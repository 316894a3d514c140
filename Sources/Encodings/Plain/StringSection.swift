import Bytes
import Vectors

/// Strings one after the other: a stream of their lengths, then their bytes.
struct StringSection {
  let count: Int
  /// One `StringReference` per string, into the file or a decompressed buffer.
  let references: AlignedBuffer
  let owners: [AnyObject]

  /// Opens a section. One whose strings are known already is only stepped over.
  init(
    _ cursor: inout BlockCursor, count: Int, owner: AnyObject, _ scratch: DecodeScratch, isKnown: Bool = false
  ) throws(PulsehouseError) {
    self.count = count
    let lengthStream = try IntegerStream(&cursor, count: count, scratch)
    if isKnown {
      try ByteSection.skip(&cursor)
      references = AlignedBuffer(byteCount: 0)
      owners = []
      return
    }
    let (bytes, buffer) = try ByteSection.read(&cursor)
    let lengths = AlignedBuffer(byteCount: count * 8)
    try lengthStream.decode(0..<count, into: lengths.values(as: Int64.self), scratch)
    references = AlignedBuffer(byteCount: count * 16)
    owners = buffer.map { [$0] } ?? [owner]
    let length = lengths.values(as: Int64.self)
    let reference = references.values(as: StringReference.self)
    var position = 0
    for index in 0..<count {
      let size = length[index]
      guard size >= 0, size <= Int64(bytes.count - position), size <= Int64(UInt32.max) else {
        throw BlockCursor.damaged("strings longer than their bytes")
      }
      if size == 0 {
        reference[index] = StringReference()
      } else if let base = bytes.baseAddress {
        reference[index] = StringReference(base + position, count: Int(size))
      }
      position += Int(size)
    }
    guard position == bytes.count else { throw BlockCursor.damaged("strings shorter than their bytes") }
  }

  /// Appends `count` strings; nil rows of `isValid` become empty.
  static func write(
    count: Int, isZstdEnabled: Bool, level: Int32, into writer: inout ByteWriter,
    _ string: (Int) -> StringReference
  ) throws(PulsehouseError) {
    var lengths: [Int64] = []
    lengths.reserveCapacity(count)
    var total = 0
    for index in 0..<count {
      let size = string(index).count
      lengths.append(Int64(size))
      total += size
    }
    IntegerEncoder.write(lengths, into: &writer)
    let bytes = AlignedBuffer(byteCount: total)
    defer { withExtendedLifetime(bytes) {} }
    var position = 0
    for index in 0..<count {
      string(index).withBytes { source in
        if let base = source.baseAddress, source.count > 0 {
          (bytes.base + position).copyMemory(from: base, byteCount: source.count)
        }
        position += source.count
      }
    }
    try ByteSection.write(
      UnsafeRawBufferPointer(start: bytes.base, count: total), isZstdEnabled: isZstdEnabled, level: level,
      into: &writer)
  }
}
