import Bytes

/// A stretch of bytes inside a block, compressed by zstd where that pays.
enum ByteSection {
  /// Appends the bytes: their length, the stored length, then the bytes; equal lengths mean they lie as they are.
  static func write(
    _ bytes: UnsafeRawBufferPointer, isZstdEnabled: Bool, level: Int32, into writer: inout ByteWriter
  ) throws(PulsehouseError) {
    var compressed: [UInt8]?
    if isZstdEnabled && bytes.count >= 256 && paysOff(bytes, level) {
      let frame = try Zstd.compress(bytes, level: level)
      if frame.count < bytes.count - bytes.count / 10 { compressed = frame }
    }
    writer.pad(to: 8)
    writer.append(UInt64(bytes.count))
    writer.append(UInt64(compressed?.count ?? bytes.count))
    if let compressed { writer.appendRaw(compressed) } else { writer.appendRaw(bytes) }
  }

  /// Tries the first 64 KiB before all of a long section.
  private static func paysOff(_ bytes: UnsafeRawBufferPointer, _ level: Int32) -> Bool {
    let sample = 65_536
    if bytes.count <= 2 * sample { return true }
    let part = UnsafeRawBufferPointer(rebasing: bytes[0..<sample])
    guard let frame = try? Zstd.compress(part, level: 1) else { return false }
    return frame.count < sample - sample / 12
  }

  /// Steps over a section.
  static func skip(_ cursor: inout BlockCursor) throws(PulsehouseError) {
    try cursor.align(to: 8)
    _ = try cursor.load(UInt64.self)
    let stored = try cursor.load(UInt64.self)
    guard let count = Int(exactly: stored) else { throw BlockCursor.damaged("a section of \(stored) bytes") }
    _ = try cursor.bytes(count)
  }

  /// Returns the bytes in place, or decompressed into a buffer that is returned too.
  static func read(_ cursor: inout BlockCursor) throws(PulsehouseError) -> (UnsafeRawBufferPointer, AlignedBuffer?) {
    try cursor.align(to: 8)
    let length = try cursor.load(UInt64.self)
    let stored = try cursor.load(UInt64.self)
    guard stored <= length, length <= 1 << 40, let storedCount = Int(exactly: stored), let count = Int(exactly: length)
    else { throw BlockCursor.damaged("a section of \(length) bytes stored as \(stored)") }
    let source = UnsafeRawBufferPointer(start: try cursor.bytes(storedCount), count: storedCount)
    if stored == length { return (source, nil) }
    guard count / 4096 <= storedCount * 16 else {
      throw BlockCursor.damaged("a section that claims \(count) bytes in \(storedCount)")
    }
    let buffer = AlignedBuffer(byteCount: count)
    try Zstd.decompress(
      source, into: UnsafeMutableRawBufferPointer(start: buffer.base, count: count), source: "a block")
    return (UnsafeRawBufferPointer(start: buffer.base, count: count), buffer)
  }
}
