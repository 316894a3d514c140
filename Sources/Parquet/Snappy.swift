import Bytes

/// Decompresses Snappy blocks, which most other writers of Parquet use unless told otherwise.
///
/// Source: the Snappy compressed format description.
enum Snappy {
  /// Returns the `byteCount` bytes that `block` stands for. - Throws: `.corrupt`.
  static func decompress(_ block: UnsafeRawBufferPointer, byteCount: Int, source: String) throws(PulsehouseError)
    -> [UInt8]
  {
    var input = ByteReader(block, source: source)
    guard try input.readVarint() == UInt64(byteCount) else {
      throw input.corrupt("a block that is not of \(byteCount) bytes")
    }
    var output: [UInt8] = []
    output.reserveCapacity(byteCount)
    while !input.isAtEnd {
      let tag = try input.readUInt8()
      if tag & 3 == 0 {
        var length = Int(tag >> 2)
        if length >= 60 {
          let bytes = try input.readRaw(length - 59)
          length = 0
          for (index, byte) in bytes.enumerated() { length |= Int(byte) << (8 * index) }
        }
        guard length < byteCount - output.count else { throw input.corrupt("more bytes than promised") }
        output.append(contentsOf: try input.readRaw(length + 1))
        continue
      }
      let length: Int
      let distance: Int
      switch tag & 3 {
      case 1:
        length = Int(tag >> 2 & 7) + 4
        distance = Int(tag >> 5) << 8 | Int(try input.readUInt8())
      case 2:
        length = Int(tag >> 2) + 1
        distance = Int(try input.readUInt16())
      default:
        length = Int(tag >> 2) + 1
        distance = Int(try input.readUInt32())
      }
      guard distance > 0, distance <= output.count, length <= byteCount - output.count else {
        throw input.corrupt("a copy from outside the block")
      }
      // The copy may overlap what it writes.
      let start = output.count - distance
      for index in 0..<length { output.append(output[start + index]) }
    }
    guard output.count == byteCount else { throw input.corrupt("a block that ends early") }
    return output
  }
}
