import Bytes

/// Parquet's mix of run lengths and bit-packed groups, for levels and dictionary codes.
///
/// A run is a varint header: even, `count << 1` and one value in whole bytes; odd, `groups << 1 | 1` and groups of eight
/// values, each `width` bits from the least significant on.
enum HybridRunLength {
  /// Appends `values`, each below `1 << width`: as one run when all are equal, else packed.
  static func encode(_ values: UnsafeBufferPointer<UInt32>, width: Int, into output: inout [UInt8]) {
    guard let first = values.first else { return }
    if values.allSatisfy({ $0 == first }) {
      varint(UInt64(values.count) << 1, &output)
      for byte in 0..<(width + 7) / 8 { output.append(UInt8(truncatingIfNeeded: first >> UInt32(8 * byte))) }
      return
    }
    let groups = (values.count + 7) / 8
    varint(UInt64(groups) << 1 | 1, &output)
    var pending: UInt64 = 0
    var bits = 0
    for index in 0..<groups * 8 {
      pending |= UInt64(index < values.count ? values[index] : 0) << UInt64(bits)
      bits += width
      while bits >= 8 {
        output.append(UInt8(truncatingIfNeeded: pending))
        pending >>= 8
        bits -= 8
      }
    }
    if bits > 0 { output.append(UInt8(truncatingIfNeeded: pending)) }
  }

  private static func varint(_ value: UInt64, _ output: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    output.append(UInt8(rest))
  }

  /// Reads `count` values of `width` bits, 0 to 32. - Throws: `.corrupt` when the bytes end early.
  static func decode(_ input: inout ByteReader, count: Int, width: Int) throws(PulsehouseError) -> [UInt32] {
    guard (0...32).contains(width) else { throw input.corrupt("values of \(width) bits") }
    var values: [UInt32] = []
    values.reserveCapacity(count)
    let mask = width == 32 ? UInt64(UInt32.max) : (1 << UInt64(width)) - 1
    while values.count < count {
      let header = try input.readVarint()
      if header & 1 == 0 {
        let run = header >> 1
        guard run > 0 else { throw input.corrupt("an empty run") }
        let bytes = try input.readRaw((width + 7) / 8)
        var value: UInt32 = 0
        for (index, byte) in bytes.enumerated() { value |= UInt32(byte) << UInt32(8 * index) }
        values.append(contentsOf: repeatElement(value, count: Int(min(run, UInt64(count - values.count)))))
        continue
      }
      let groups = header >> 1
      guard groups > 0, groups <= UInt64(input.remaining / max(width, 1) + 1) || width == 0 else {
        throw input.corrupt("\(groups) packed groups")
      }
      if width == 0 {
        values.append(contentsOf: repeatElement(0, count: min(Int(clamping: groups) &* 8, count - values.count)))
        continue
      }
      // The last group of a page may be cut short.
      let bytes = try input.readRaw(min(Int(groups) * width, input.remaining))
      var pending: UInt64 = 0
      var bits = 0
      var next = 0
      let wanted = min(Int(groups) * 8, count - values.count)
      for _ in 0..<wanted {
        while bits < width {
          guard next < bytes.count else { throw input.corrupt("packed values end early") }
          pending |= UInt64(bytes[next]) << UInt64(bits)
          next += 1
          bits += 8
        }
        values.append(UInt32(truncatingIfNeeded: pending & mask))
        pending >>= UInt64(width)
        bits -= width
      }
    }
    return values
  }
}
