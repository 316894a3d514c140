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

  /// From 0 to below 1 for each number and seed, both bigint: a hash of them. NULL for NULL.
  package static func samples(of numbers: Vector, seed: Vector) -> Vector {
    mapBinary(numbers, seed, .double) { (number: Int64, seed: Int64) -> Double in
      // The finalizer of SplitMix64. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators".
      var hash = UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: seed)
      hash = (hash ^ hash &>> 30) &* 0xBF58_476D_1CE4_E5B9
      hash = (hash ^ hash &>> 27) &* 0x94D0_49BB_1331_11EB
      return Double((hash ^ hash &>> 31) &>> 11) * 0x1p-53
    }
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
