import Bytes
import CKernels
import Vectors

extension Block {
  /// Checks what others rely on and a checksum does not promise: that values lie in the bounds the header claims, codes
  /// in the dictionary, and every value is one of its type. Run once when a block is first read, so that even a forged
  /// file leads nobody outside of memory. A keyed block must have its keys. O(rows).
  package func validate() throws(PulsehouseError) {
    if case .tracked(let tracked) = stream { try tracked.validate(scratch) }
    switch body {
    case .none, .strings, .decimal: break
    case .integers(let stream):
      switch type.physical {
      case .boolean, .int16, .int32, .int64: break
      case .numeric:
        guard header.scale >= 0, header.scale <= 16_383 else { throw BlockCursor.damaged("a scale that is none") }
        return
      default: return
      }
      let (least, greatest) = try validBounds(stream)
      guard least >= header.minimum, greatest <= header.maximum else {
        throw BlockCursor.damaged("values outside the bounds of their block")
      }
      let range: ClosedRange<Int64> =
        switch type.physical {
        case .boolean: 0...1
        case .int16: Int64(Int16.min)...Int64(Int16.max)
        case .int32: Int64(Int32.min)...Int64(Int32.max)
        default: Int64.min...Int64.max
        }
      guard range.contains(least), range.contains(greatest) else {
        throw BlockCursor.damaged("values that do not fit \(type.name)")
      }
    case .dictionary(let values, let codes):
      let (least, greatest) = try validBounds(codes)
      guard least >= 0, greatest < Int64(values.count) else { throw BlockCursor.damaged("a code without an entry") }
      if case .packed(let packed) = codes, packed.base == 0, packed.multiplier == 1 {
        guard packed.maximumCode < UInt64(values.count) else { throw BlockCursor.damaged("a code without an entry") }
      }
      if type.physical == .boolean { throw BlockCursor.damaged("a dictionary of truth values") }
      if type.physical == .numeric { try validateNumerics(values.buffer.base, values.count) }
    case .plain(let base, _):
      if type.physical == .boolean {
        for row in 0..<rowCount where base.load(fromByteOffset: row, as: UInt8.self) > 1 {
          throw BlockCursor.damaged("a truth value that is neither 0 nor 1")
        }
      }
      if type.physical == .numeric { try validateNumerics(base, rowCount) }
    }
  }

  private func validateNumerics(_ base: UnsafeRawPointer, _ count: Int) throws(PulsehouseError) {
    let values = base.assumingMemoryBound(to: Numeric.self)
    for index in 0..<count {
      let value = values[index]
      guard value.special >= 0, value.special <= 3, value.scale >= 0, value.scale <= 16_383 else {
        throw BlockCursor.damaged("a number that is none")
      }
    }
  }

  /// Checks what the stream claims, and returns the least and the greatest value.
  private func validBounds(_ stream: IntegerStream) throws(PulsehouseError) -> (Int64, Int64) {
    if case .packed(let packed) = stream, let bounds = try packed.validBounds(scratch) { return bounds }
    if case .integers(.delta) = body, type.physical == .int64 {
      // Who opens a block is about to read it, and would decode all of it again.
      let buffer = AlignedBuffer(byteCount: rowCount * 8)
      try stream.decode(0..<rowCount, into: buffer.values(as: Int64.self), scratch)
      checked = buffer
      var (least, greatest) = (Int64(0), Int64(0))
      ph_bounds64(buffer.values(as: Int64.self), rowCount, 0, &least, &greatest)
      return (least, greatest)
    }
    try stream.validate(scratch)
    return try bounds(stream)
  }

  private func bounds(_ stream: IntegerStream) throws(PulsehouseError) -> (Int64, Int64) {
    if case .constant(let value, _) = stream { return (value, value) }
    var least = Int64.max
    var greatest = Int64.min
    let buffer = AlignedBuffer(byteCount: 1024 * 8)
    let values = buffer.values(as: Int64.self)
    var row = 0
    while row < rowCount {
      let end = min(row + 1024, rowCount)
      try stream.decode(row..<end, into: values, scratch)
      var (low, high) = (Int64(0), Int64(0))
      ph_bounds64(values, end - row, 0, &low, &high)
      least = min(least, low)
      greatest = max(greatest, high)
      row = end
    }
    return (least, greatest)
  }
}
