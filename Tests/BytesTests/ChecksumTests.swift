import Bytes
import Testing

/// Bytes that look random and are the same every time.
func sampleBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state >> 24)
  }
}

@Suite struct ChecksumTests {
  @Test func crc32cKnownVectors() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(Array(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.checksum([]) == 0)
  }

  @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65, 1024, 3071, 3072, 3073, 6144, 10_000, 70_001])
  func crc32cHardwareEqualsTable(_ count: Int) {
    let bytes = sampleBytes(count)
    bytes.withUnsafeBytes { raw in
      #expect(CRC32C.checksum(raw) == CRC32C.tableChecksum(raw))
      // A piece that starts off any boundary, continued from the piece before it.
      let cut = count / 3
      let first = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[..<cut]))
      #expect(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: raw[cut...]), seed: first) == CRC32C.checksum(raw))
    }
  }

  @Test func xxh64KnownVectors() {
    #expect(XXH64.hash([]) == 0xEF46_DB37_51D8_E999)
    #expect(XXH64.hash(Array("a".utf8)) == 0xD24E_C4F1_A98C_6E5B)
    #expect(XXH64.hash(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
    #expect(XXH64.hash(Array("Nobody inspects the spammish repetition".utf8)) == 0xFBCE_A83C_8A37_8BF1)
  }

  @Test(arguments: [0, 1, 63, 64, 65, 127, 128, 1023, 1024, 1025, 5000])
  func stripesHashTheSameInAnyPieces(_ count: Int) {
    let bytes = sampleBytes(count)
    bytes.withUnsafeBytes { raw in
      let whole = StripeHash.hash(raw)
      for cut in [0, count / 3, count / 2, max(count - 1, 0)] {
        var hash = StripeHash()
        hash.update(UnsafeRawBufferPointer(rebasing: raw[..<cut]))
        // Asking in between changes nothing.
        _ = hash.finish()
        hash.update(UnsafeRawBufferPointer(rebasing: raw[cut...]))
        #expect(hash.finish() == whole)
      }
    }
  }

  @Test func stripesTellAccidentsApart() {
    let bytes = sampleBytes(4096)
    var seen: Set<UInt64> = [bytes.withUnsafeBytes { StripeHash.hash($0) }]
    func note(_ changed: [UInt8]) { seen.insert(changed.withUnsafeBytes { StripeHash.hash($0) }) }
    for position in stride(from: 0, to: 4096, by: 7) {
      var flipped = bytes
      flipped[position] ^= 1 << UInt8(position % 8)
      note(flipped)
    }
    #expect(seen.count == 1 + 586)
    // Stripes that change places, and zeros at the end.
    for stripe in 1..<64 {
      note(Array(bytes[(stripe * 64)..<(stripe * 64 + 64)] + bytes[64..<(stripe * 64)] + bytes[(stripe * 64 + 64)...]))
    }
    for zeros in 1...64 { note(bytes + [UInt8](repeating: 0, count: zeros)) }
    #expect(seen.count == 1 + 586 + 63 + 64)
    // The hash stands in the states of files, so it is what it is for ever.
    #expect([UInt8]("every byte counts".utf8).withUnsafeBytes { StripeHash.hash($0) } == 13_390_794_119_646_030_837)
  }

  @Test(arguments: [0, 1, 3, 4, 8, 31, 32, 33, 63, 64, 65, 1000])
  func hashDoesNotDependOnThePieces(_ count: Int) {
    let bytes = sampleBytes(count)
    let whole = ContentHash(of: bytes)
    for piece in [1, 5, 31, 32, 33, 100] {
      var hasher = ContentHasher()
      var offset = 0
      while offset < count {
        let end = min(offset + piece, count)
        bytes[offset..<end].withUnsafeBytes { hasher.update($0) }
        offset = end
      }
      #expect(hasher.finish() == whole)
    }
    #expect(ContentHash(whole.description) == whole)
  }

  @Test func sumOfHashesIgnoresOrder() {
    let hashes = (0..<5).map { ContentHash(of: sampleBytes(10, seed: UInt64($0 + 1))) }
    let forward = hashes.reduce(.zero, +)
    #expect(hashes.reversed().reduce(.zero, +) == forward)
    #expect(forward - hashes[2] == hashes[0] + hashes[1] + hashes[3] + hashes[4])
  }
}
