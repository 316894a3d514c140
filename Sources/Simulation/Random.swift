/// A stream of pseudo-random numbers that is the same on every machine: SplitMix64 over a mixed key.
///
/// Streams are addressed by what they are for (`seed`, purpose, user, day), so no stream's numbers depend on how much
/// another stream consumed, nor on the order or thread in which streams are read. Only integer arithmetic, and
/// the correctly rounded operations of IEEE 754, so no bit depends on a mathematics library.
///
/// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
struct RandomStream {
  private var state: UInt64

  init(seed: UInt64, purpose: UInt64, _ first: Int = 0, _ second: Int = 0) {
    var key = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    key = Self.mix(key ^ (purpose &* 0xD1B5_4A32_D192_ED03))
    key = Self.mix(key ^ (UInt64(bitPattern: Int64(first)) &* 0xAEF1_7502_108E_F2D9))
    state = Self.mix(key ^ (UInt64(bitPattern: Int64(second)) &* 0x8CB9_2BA7_2F3D_8DD7))
  }

  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed &>> 31)
  }

  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// Returns a number in `0..<bound`, nearly uniform (bias below 2^-32 for bounds that fit 32 bits).
  @inline(__always)
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: bound)).high)
  }

  @inline(__always)
  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound &+ below(range.upperBound &- range.lowerBound &+ 1)
  }

  /// Returns true `thousandths` times in a thousand.
  @inline(__always)
  mutating func chance(thousandths: Int) -> Bool { below(1000) < thousandths }

  /// Returns a bell-shaped number of mean 0 and standard deviation 1024: four uniform 16-bit numbers added.
  ///
  /// Never beyond 3.5 deviations, which suits measurements that must stay plausible.
  @inline(__always)
  mutating func bell() -> Int {
    let bits = next()
    let sum =
      (bits & 0xFFFF) &+ (bits &>> 16 & 0xFFFF) &+ (bits &>> 32 & 0xFFFF) &+ (bits &>> 48)
    // The sum's mean is 131070 and its deviation 37837.
    return (Int(truncatingIfNeeded: sum) &- 131_070) &* 1024 / 37_837
  }

  /// Returns a normal number of mean 0 and deviation 1: twelve uniform numbers of 21 bits added.
  mutating func normal() -> Double {
    var sum = 0
    for _ in 0..<4 {
      let bits = next()
      sum += Int(bits & 0x1F_FFFF) + Int(bits >> 21 & 0x1F_FFFF) + Int(bits >> 42 & 0x1F_FFFF)
    }
    return Double(sum - 6 * 0x1F_FFFF) / Double(0x20_0000)
  }

  /// Returns a position in `weights`, each as likely as its weight.
  mutating func choose(_ weights: [Int]) -> Int {
    var remainder = below(weights.reduce(0, +))
    for (index, weight) in weights.enumerated() {
      remainder -= weight
      if remainder < 0 { return index }
    }
    return weights.count - 1
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
