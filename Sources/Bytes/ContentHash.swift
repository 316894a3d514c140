/// Identifies a run of bytes by 128 bits: XXH64 under two seeds.
///
/// Not cryptographic: it finds damage, swapped files and duplicates, not forgery. Whoever may write into a warehouse
/// directory may rewrite its chain too, so SHA-256 would cost time and protect nobody.
package struct ContentHash: Hashable, Sendable, CustomStringConvertible {
  package var low: UInt64
  package var high: UInt64

  package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// All bits zero: the sum of no hashes, and the predecessor of the first record of a chain.
  package static let zero = ContentHash(low: 0, high: 0)

  /// Hashes `bytes`.
  package init(of bytes: UnsafeRawBufferPointer) {
    low = XXH64.hash(bytes, seed: 0)
    high = XXH64.hash(bytes, seed: ContentHash.secondSeed)
  }

  /// Hashes `bytes`.
  package init(of bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { ContentHash(of: $0) }
  }

  static let secondSeed: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// Adds lane by lane, wrapping. A sum of hashes identifies a set whose members come and go: `+` when one is added,
  /// `-` when it leaves, in any order.
  package static func + (left: ContentHash, right: ContentHash) -> ContentHash {
    ContentHash(low: left.low &+ right.low, high: left.high &+ right.high)
  }

  /// Undoes `+`.
  package static func - (left: ContentHash, right: ContentHash) -> ContentHash {
    ContentHash(low: left.low &- right.low, high: left.high &- right.high)
  }

  /// 32 hexadecimal digits, the high half first.
  package var description: String { hexadecimal(high) + hexadecimal(low) }

  /// Reads what `description` writes; nil for anything else.
  package init?(_ text: String) {
    guard text.utf8.count == 32, text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
      let high = UInt64(text.prefix(16), radix: 16), let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(low: low, high: high)
  }
}

/// Returns `value` as 16 lower-case hexadecimal digits.
package func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}

/// Hashes bytes that arrive in pieces into a `ContentHash`.
package struct ContentHasher: Sendable {
  private var first = XXH64(seed: 0)
  private var second = XXH64(seed: ContentHash.secondSeed)

  package init() {}

  /// Takes the next piece; how the bytes are cut into pieces does not change the hash.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    first.update(bytes)
    second.update(bytes)
  }

  /// Returns the hash of all pieces so far; more may follow.
  package func finish() -> ContentHash {
    ContentHash(low: first.finish(), high: second.finish())
  }
}
