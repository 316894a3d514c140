import Bytes
import Vectors

/// Values that differ from row to row, from the system's generator.
package enum RandomValues {
  /// From 0 to below 1.
  package static func doubles(count: Int) -> Vector {
    let buffer = AlignedBuffer(byteCount: count * 8)
    let output = buffer.values(as: Double.self)
    for row in 0..<count { output[row] = Double.random(in: 0..<1) }
    return Vector(.double, count: count, buffer: buffer)
  }

  /// UUIDs of version 4. Source: RFC 4122.
  package static func uuids(count: Int) -> Vector {
    let buffer = AlignedBuffer(byteCount: count * 16)
    let output = buffer.values(as: UUIDValue.self)
    for row in 0..<count {
      let high = UInt64.random(in: 0 ... .max) & ~0xF000 | 0x4000
      let low = UInt64.random(in: 0 ... .max) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
      output[row] = UUIDValue(high: high, low: low)
    }
    return Vector(.uuid, count: count, buffer: buffer)
  }
}
