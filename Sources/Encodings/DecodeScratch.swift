import Bytes

/// Memory one decoding thread reuses: a vector of lanes, one of 64-bit values, and one of bits.
package final class DecodeScratch {
  /// 1024 unpacked codes of up to 8 bytes.
  let lanes: UnsafeMutableRawPointer
  /// A packed vector that is cut short, padded to full length.
  let tail: UnsafeMutableRawPointer
  /// 1024 values.
  let values: UnsafeMutablePointer<Int64>
  /// A second vector of 1024 values, for output that is only partly wanted.
  let output: UnsafeMutableRawPointer
  /// 1024 bits.
  let bits: UnsafeMutablePointer<UInt64>
  private let memory: AlignedBuffer
  /// For the streams of patches inside the streams that are being decoded, whose numbers they go by.
  private var nested: [(owner: UInt64, scratch: DecodeScratch)] = []
  private var nextNested = 0
  /// The vector of its owner that lies in `output`; -1 for none.
  var unpackedVector = -1

  /// So many columns are read by turns, each with high parts that wait for its next vector.
  private static let nestedCount = 4

  package init() {
    let vector = 1024 * 8
    memory = AlignedBuffer(byteCount: vector * 5 + 128 + 64)
    lanes = memory.base
    // Range tests may read 63 bytes past the lanes.
    tail = lanes + vector + 64
    values = (tail + vector).assumingMemoryBound(to: Int64.self)
    // The widest values are 32 bytes, but those never pass here.
    output = tail + vector * 2
    bits = (tail + vector * 3).assumingMemoryBound(to: UInt64.self)
  }

  /// Memory for the stream of patches numbered `owner`: what it left there last, unless others have taken it over.
  func nested(of owner: UInt64) -> DecodeScratch {
    for entry in nested where entry.owner == owner { return entry.scratch }
    if nested.count < DecodeScratch.nestedCount {
      nested.append((owner, DecodeScratch()))
      return nested[nested.count - 1].scratch
    }
    nextNested = (nextNested + 1) % DecodeScratch.nestedCount
    nested[nextNested].owner = owner
    nested[nextNested].scratch.unpackedVector = -1
    return nested[nextNested].scratch
  }
}

/// Values of an integer stream in one vector of the layout.
package let packedVectorSize = 1024
