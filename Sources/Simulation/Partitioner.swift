/// Assigns keys to partitions as Kafka's default partitioner does, so that the lake and a topic agree.
///
/// Source: the 32-bit MurmurHash2 of Austin Appleby with Kafka's seed, its sign bit cleared, modulo the count.
package enum Partitioner {
  /// Returns the partition of `key`'s bytes.
  package static func partition(of key: some Collection<UInt8>, count: Int) -> Int {
    Int(hash(Array(key)) & 0x7FFF_FFFF) % count
  }

  /// Returns the partition of a user, whose key is the id in decimal digits.
  package static func partition(ofUser id: Int, count: Int = SimulationOptions.partitionCount) -> Int {
    partition(of: Array(String(id).utf8), count: count)
  }

  /// Returns MurmurHash2 of `bytes`.
  package static func hash(_ bytes: [UInt8]) -> UInt32 {
    let multiplier: UInt32 = 0x5BD1_E995
    var hash: UInt32 = 0x9747_B28C ^ UInt32(truncatingIfNeeded: bytes.count)
    var index = 0
    while index + 4 <= bytes.count {
      var word =
        UInt32(bytes[index]) | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2]) << 16
        | UInt32(bytes[index + 3]) << 24
      word = word &* multiplier
      word ^= word >> 24
      word = word &* multiplier
      hash = hash &* multiplier ^ word
      index += 4
    }
    if bytes.count - index >= 3 { hash ^= UInt32(bytes[index + 2]) << 16 }
    if bytes.count - index >= 2 { hash ^= UInt32(bytes[index + 1]) << 8 }
    if bytes.count - index >= 1 {
      hash ^= UInt32(bytes[index])
      hash = hash &* multiplier
    }
    hash ^= hash >> 13
    hash = hash &* multiplier
    return hash ^ hash >> 15
  }
}
