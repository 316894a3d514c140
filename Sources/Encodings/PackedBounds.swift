import Bytes
import CKernels

extension PackedStream {
  /// Finds the least and the greatest code above the block's base, and says whether no code wraps around: then what is
  /// computed from codes lies between what is computed from these two. O(count), at the width of the lanes where no code
  /// is patched.
  func codeBounds(_ scratch: DecodeScratch) -> (least: UInt64, greatest: UInt64, areWhole: Bool) {
    var (least, greatest, areWhole) = (UInt64.max, UInt64(0), true)
    for vector in 0..<vectorCount {
      let length = length(vector)
      var (low, high): (UInt64, UInt64)
      if patches.count > 0 {
        let codes = UnsafeMutableRawPointer(scratch.values).assumingMemoryBound(to: UInt64.self)
        self.codes(vector, into: codes, scratch)
        (low, high) = PackedStream.bounds(codes, length)
      } else {
        (low, high) = (0, 0)
        if width(vector) > 0 {
          let lanes = lanes(vector, scratch)
          switch laneLog {
          case 0: (low, high) = PackedStream.bounds(lanes.assumingMemoryBound(to: UInt8.self), length)
          case 1: (low, high) = PackedStream.bounds(lanes.assumingMemoryBound(to: UInt16.self), length)
          case 2: (low, high) = PackedStream.bounds(lanes.assumingMemoryBound(to: UInt32.self), length)
          default: (low, high) = PackedStream.bounds(lanes.assumingMemoryBound(to: UInt64.self), length)
          }
        }
        let wraps: Bool
        (high, wraps) = high.addingReportingOverflow(frame(vector))
        if wraps { areWhole = false }
        low = low &+ frame(vector)
      }
      least = min(least, low)
      greatest = max(greatest, high)
    }
    return (least, greatest, areWhole)
  }

  @inline(__always) private static func bounds<Lane: FixedWidthInteger & UnsignedInteger>(
    _ codes: UnsafePointer<Lane>, _ count: Int
  ) -> (UInt64, UInt64) {
    var (least, greatest) = (Lane.max, Lane.min)
    var index = 0
    while index < count {
      let code = codes[index]
      least = code < least ? code : least
      greatest = code > greatest ? code : greatest
      index &+= 1
    }
    return (UInt64(least), UInt64(greatest))
  }

  /// Checks `maximumCode` as `validate` does, and returns the least and the greatest value; nil where values may wrap
  /// around, so that only decoding tells.
  func validBounds(_ scratch: DecodeScratch) throws(PulsehouseError) -> (least: Int64, greatest: Int64)? {
    let codes = codeBounds(scratch)
    guard codes.areWhole else { return nil }
    guard codes.greatest <= maximumCode else {
      throw BlockCursor.damaged("a code of \(codes.greatest) above \(maximumCode)")
    }
    let least = Int128(base) + Int128(multiplier) * Int128(codes.least)
    let greatest = Int128(base) + Int128(multiplier) * Int128(codes.greatest)
    guard let least = Int64(exactly: least), let greatest = Int64(exactly: greatest) else { return nil }
    return (least, greatest)
  }
}
