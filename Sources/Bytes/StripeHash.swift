import CKernels

/// Hashes long runs of bytes to 64 bits as fast as memory gives them (XXH64 takes several times as long).
///
/// Stripes of 64 bytes go into eight sums, the last one filled up with zeros; the sums and the length are mixed at the
/// end. Pieces of any size give the same hash. Not cryptographic: it finds accidents, not attacks.
package struct StripeHash: Sendable {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F

  private var sums: SIMD8<UInt64> = [
    0xC2B2_AE3D, 0x9E37_79B1_85EB_CA87, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9, 0x85EB_CA77_C2B2_AE63,
    0x85EB_CA77, 0x27D4_EB2F_1656_67C5, 0x9E37_79B1,
  ]
  private var stripeCount: UInt64 = 0
  private var pending = SIMD64<UInt8>()
  private var pendingCount = 0

  package init() {}

  /// Returns the hash of `bytes`.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var state = StripeHash()
    state.update(bytes)
    return state.finish()
  }

  /// Takes the next piece.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    var offset = 0
    if pendingCount > 0 {
      offset = min(64 - pendingCount, bytes.count)
      fill(UnsafeRawBufferPointer(start: base, count: offset))
      guard pendingCount == 64 else { return }
      takePending()
    }
    let count = (bytes.count - offset) / 64
    take(base + offset, count)
    offset += count * 64
    fill(UnsafeRawBufferPointer(start: base + offset, count: bytes.count - offset))
  }

  private mutating func fill(_ bytes: UnsafeRawBufferPointer) {
    withUnsafeMutableBytes(of: &pending) {
      UnsafeMutableRawBufferPointer(rebasing: $0[pendingCount...]).copyMemory(from: bytes)
    }
    pendingCount += bytes.count
  }

  private mutating func takePending() {
    let block = pending
    withUnsafeBytes(of: block) { if let start = $0.baseAddress { take(start, 1) } }
    pending = SIMD64()
    pendingCount = 0
  }

  private mutating func take(_ stripes: UnsafeRawPointer, _ count: Int) {
    let first = stripeCount
    withUnsafeMutableBytes(of: &sums) {
      ph_hash_stripes($0.baseAddress?.assumingMemoryBound(to: UInt64.self), first, stripes, count)
    }
    stripeCount &+= UInt64(count)
  }

  /// Returns the hash of everything so far; more may follow.
  package func finish() -> UInt64 {
    var last = self
    let total = stripeCount &* 64 &+ UInt64(pendingCount)
    if pendingCount > 0 { last.takePending() }
    var hash = total &* Self.prime1
    for lane in 0..<8 {
      let (high, low) = (last.sums[lane] ^ Self.prime2 &* UInt64(lane + 1)).multipliedFullWidth(by: Self.prime1)
      hash = (hash ^ high ^ low) &* Self.prime2
      hash ^= hash >> 29
    }
    return hash ^ hash >> 32
  }
}
