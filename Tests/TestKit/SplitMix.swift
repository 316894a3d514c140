/// Numbers by chance that a seed repeats on every machine (SplitMix64 by Steele, Lea and Flood).
package struct SplitMix {
  private var state: UInt64

  package init(state: UInt64) { self.state = state }

  /// Returns a number from 0 to before `bound`, which must be positive.
  package mutating func next(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }
}
