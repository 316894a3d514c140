import Bytes
import CKernels

/// Integers as differences to the row before, packed; each vector of 1024 starts anew from a value of its own.
struct DeltaStream {
  let count: Int
  /// The value of each vector's first row.
  let firsts: UnsafePointer<Int64>
  let isZigzag: Bool
  /// What zigzag differences are multiplied by; others have it in `deltas`.
  let multiplier: Int64
  /// A code per row; the first of each vector is not used.
  let deltas: PackedStream

  init(_ cursor: inout BlockCursor, count: Int) throws(PulsehouseError) {
    self.count = count
    let flags = try cursor.load(UInt8.self)
    guard flags <= 1 else { throw BlockCursor.damaged("a delta stream with unknown flags") }
    isZigzag = flags == 1
    try cursor.align(to: 8)
    multiplier = try cursor.load(Int64.self)
    firsts = try cursor.array(Int64.self, count: (count + 1023) >> 10)
    try cursor.align(to: 8)
    deltas = try PackedStream(&cursor, count: count)
  }

  /// Decodes a vector; `out` has room for 1024.
  @inline(__always) func decode(_ vector: Int, into out: UnsafeMutablePointer<Int64>, _ scratch: DecodeScratch) {
    deltas.decode(vector, into: out, scratch)
    if isZigzag { DeltaStream.unzigzag(out, multiplier) }
    ph_prefix_sum64(out, deltas.length(vector), firsts[vector])
  }

  /// Decodes `rows` of a vector, which are not empty, to their places in `out`, which has room for 1024; the other places
  /// mean nothing.
  @inline(__always) func decode(
    _ vector: Int, _ rows: ClosedRange<Int>, into out: UnsafeMutablePointer<Int64>, _ scratch: DecodeScratch
  ) {
    deltas.decode(vector, into: out, scratch)
    if isZigzag { DeltaStream.unzigzag(out, multiplier) }
    // What comes before needs no values of its own, only their sum, which has no chain of additions.
    var first = firsts[vector]
    var row = 1
    while row <= rows.lowerBound {
      first &+= out[row]
      row &+= 1
    }
    ph_prefix_sum64(out + rows.lowerBound, rows.count, first)
  }

  /// Undoes `zigzag` on 1024 values and multiplies them.
  @inline(__always) static func unzigzag(_ values: UnsafeMutablePointer<Int64>, _ multiplier: Int64 = 1) {
    var index = 0
    if multiplier != 1 {
      while index < 1024 {
        let code = UInt64(bitPattern: values[index])
        values[index] = Int64(bitPattern: (code &>> 1) ^ (0 &- (code & 1))) &* multiplier
        index &+= 1
      }
      return
    }
    while index < 1024 {
      let code = UInt64(bitPattern: values[index])
      values[index] = Int64(bitPattern: (code &>> 1) ^ (0 &- (code & 1)))
      index &+= 1
    }
  }

  /// Maps 0, -1, 1, -2 ... to 0, 1, 2, 3 ...
  @inline(__always) static func zigzag(_ value: Int64) -> UInt64 {
    UInt64(bitPattern: (value &<< 1) ^ (value &>> 63))
  }
}
