import Bytes

/// Memory for the JSON that Avro is read as: pieces that rows may point into. One thread at a time.
final class AvroText {
  private let reader: AvroReader
  private var text: [UInt8] = []
  private var block = AlignedBuffer(byteCount: 0)
  private var used = 0
  private static let pieceByteCount = 1 << 20

  init(_ reader: AvroReader) { self.reader = reader }

  /// Returns where the message's JSON lies; a zero byte follows it.
  func read(_ message: UnsafeRawBufferPointer) throws(AvroReader.Fault) -> (block: AlignedBuffer, range: Range<Int>) {
    text.removeAll(keepingCapacity: true)
    try reader.append(message, to: &text)
    if used + text.count + 1 > block.byteCount {
      block = AlignedBuffer(byteCount: max(Self.pieceByteCount, text.count + 1))
      used = 0
    }
    let start = used
    text.withUnsafeBytes { raw in
      if let base = raw.baseAddress { (block.base + start).copyMemory(from: base, byteCount: raw.count) }
    }
    used += text.count
    block.base.storeBytes(of: 0, toByteOffset: used, as: UInt8.self)
    used += 1
    return (block, start..<used - 1)
  }
}
