/// Moves and sets runs of bits in little-endian 64-bit words.
enum Bits {
  @inline(__always) static func wordCount(_ count: Int) -> Int { (count + 63) >> 6 }

  @inline(__always) static func set(_ words: UnsafeMutablePointer<UInt64>, _ index: Int, _ value: Bool) {
    let bit: UInt64 = 1 << UInt64(index & 63)
    if value { words[index >> 6] |= bit } else { words[index >> 6] &= ~bit }
  }

  /// Sets bits `range` to `value`; the others stay.
  static func fill(_ words: UnsafeMutablePointer<UInt64>, _ range: Range<Int>, with value: Bool) {
    var index = range.lowerBound
    while index < range.upperBound {
      let bit = index & 63
      let length = min(64 - bit, range.upperBound - index)
      let ones: UInt64 = length == 64 ? ~0 : (1 << UInt64(length)) &- 1
      let mask = ones << UInt64(bit)
      if value { words[index >> 6] |= mask } else { words[index >> 6] &= ~mask }
      index += length
    }
  }

  /// Clears the bits past `count` in its last word.
  @inline(__always) static func clearTail(_ words: UnsafeMutablePointer<UInt64>, _ count: Int) {
    if count & 63 != 0 { words[count >> 6] &= (1 << UInt64(count & 63)) &- 1 }
  }

  /// Copies `count` bits; those of `target` around them stay.
  static func copy(
    _ source: UnsafePointer<UInt64>, from start: Int, count: Int, to target: UnsafeMutablePointer<UInt64>, at place: Int
  ) {
    if start & 63 == 0 && place & 63 == 0 {
      let words = count >> 6
      (target + place >> 6).update(from: source + start >> 6, count: words)
      let rest = count & 63
      if rest > 0 {
        let mask: UInt64 = (1 << UInt64(rest)) &- 1
        let word = target + place >> 6 + words
        word.pointee = (word.pointee & ~mask) | (source[start >> 6 + words] & mask)
      }
      return
    }
    var done = 0
    while done < count {
      let from = start + done
      let to = place + done
      let length = min(64 - from & 63, 64 - to & 63, count - done)
      let mask: UInt64 = length == 64 ? ~0 : (1 << UInt64(length)) &- 1
      let bits = (source[from >> 6] >> UInt64(from & 63)) & mask
      let shift = UInt64(to & 63)
      target[to >> 6] = (target[to >> 6] & ~(mask << shift)) | bits << shift
      done += length
    }
  }

  /// Fills `bits` by `body` for each range and keeps what passed any.
  @inline(__always) static func union(
    _ ranges: [ClosedRange<Int64>], _ count: Int, _ bits: UnsafeMutablePointer<UInt64>,
    _ body: (ClosedRange<Int64>, UnsafeMutablePointer<UInt64>) -> Void
  ) {
    guard let first = ranges.first else { return fill(bits, 0..<count, with: false) }
    body(first, bits)
    if ranges.count == 1 { return }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 16) { other in
      guard let base = other.baseAddress else { return }
      for range in ranges.dropFirst() {
        body(range, base)
        for word in 0..<wordCount(count) { bits[word] |= base[word] }
      }
    }
  }

  static func count(_ words: UnsafePointer<UInt64>, _ count: Int) -> Int {
    var total = 0
    for word in 0..<wordCount(count) { total += words[word].nonzeroBitCount }
    return total
  }
}
