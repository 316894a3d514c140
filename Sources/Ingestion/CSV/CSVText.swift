/// Checks of text by the block.
enum CSVText {
  /// Returns true when the bytes are UTF-8 (a sequence may be cut off at the end) without a zero byte.
  static func isPlain(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
    guard let (index, fault) = firstFault(bytes, count) else { return true }
    if case .nulByte = fault { return false }
    return count - index < 4 && bytes.load(fromByteOffset: index, as: UInt8.self) >= 0xC2
  }

  static func fault(_ bytes: UnsafeRawPointer, _ count: Int) -> CSVFault? { firstFault(bytes, count)?.1 }

  private static func firstFault(_ bytes: UnsafeRawPointer, _ count: Int) -> (Int, CSVFault)? {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let end = bytes + count
    var p = bytes
    while p < end {
      if end - p >= 8 {
        let word = p.loadUnaligned(as: UInt64.self)
        // No byte is zero and none outside ASCII.
        if ((word &- ones) | word) & (ones &* 0x80) == 0 {
          p += 8
          continue
        }
      }
      let byte = p.load(as: UInt8.self)
      if byte == 0 { return (p - bytes, .nulByte) }
      if byte < 0x80 {
        p += 1
        continue
      }
      let length = JSONText.sequenceLength(p, end)
      if length == 0 { return (p - bytes, .invalidUTF8) }
      p += length
    }
    return nil
  }
}
