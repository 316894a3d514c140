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
  /// For the streams of patches inside the stream that is being decoded.
  private(set) lazy var nested = DecodeScratch()

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
}

/// Values of an integer stream in one vector of the layout.
package let packedVectorSize = 1024
