import Bytes
import Vectors

extension Block {
  /// Decodes rows `rows` to the narrowest unsigned codes that hold the whole block; nil when the block has no such form.
  ///
  /// `scratch` has room for `(rows.count + 1024) * 8` bytes. The codes lie there, or in the file itself when they are
  /// stored just so; the block must be kept alive while they are used.
  package func narrow(_ rows: Range<Int>, into output: AlignedBuffer) throws(PulsehouseError) -> NarrowColumn? {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows outside the row group")
    precondition(output.byteCount >= (rows.count + 1024) * 8, "too little room for narrow codes")
    let mask = validity?.window(rows)
    switch body {
    case .integers(let stream):
      switch type.physical {
      case .boolean, .int16, .int32, .int64: break
      default: return nil
      }
      switch stream {
      case .constant(let value, _):
        output.base.initializeMemory(as: UInt8.self, repeating: 0, count: rows.count)
        return NarrowColumn(
          width: 1, codes: UnsafeRawPointer(output.base), count: rows.count, base: value, multiplier: 1, maximumCode: 0,
          dictionary: nil, validity: mask)
      case .packed(let packed):
        let (width, codes) = narrow(packed, rows, into: output)
        return NarrowColumn(
          width: width, codes: codes, count: rows.count, base: packed.base, multiplier: packed.multiplier,
          maximumCode: packed.maximumCode, dictionary: nil, validity: mask)
      case .delta, .runLength, .keyedDelta, .linked, .tracked:
        let span = UInt64(bitPattern: header.maximum &- header.minimum)
        let width = Block.width(span)
        try subtract(stream, rows, width, into: output)
        return NarrowColumn(
          width: width, codes: UnsafeRawPointer(output.base), count: rows.count, base: header.minimum, multiplier: 1,
          maximumCode: span, dictionary: nil, validity: mask)
      }
    case .dictionary(let values, let codes):
      let maximum = UInt64(values.count - 1)
      var width = Block.width(maximum)
      var pointer = UnsafeRawPointer(output.base)
      if case .packed(let packed) = codes, packed.base == 0, packed.multiplier == 1 {
        (width, pointer) = narrow(packed, rows, into: output)
      } else {
        switch width {
        case 1: try codes.decode(rows, into: output.values(as: UInt8.self), scratch)
        case 2: try codes.decode(rows, into: output.values(as: UInt16.self), scratch)
        default:
          width = 4
          try codes.decode(rows, into: output.values(as: UInt32.self), scratch)
        }
      }
      return NarrowColumn(
        width: width, codes: pointer, count: rows.count, base: 0, multiplier: 1, maximumCode: maximum,
        dictionary: values, validity: mask)
    case .none, .decimal, .plain, .strings: return nil
    }
  }

  /// Decodes only the rows of `selection` to codes, where that is cheaper than to decode all rows around them; nil where
  /// it is not. `scratch` has room for eight bytes a row.
  package func narrow(picking selection: UnsafeBufferPointer<UInt32>, into output: AlignedBuffer)
    throws(PulsehouseError) -> NarrowColumn?
  {
    precondition(output.byteCount >= selection.count * 8, "too little room for narrow codes")
    guard case .integers(let stream) = body, validity == nil else { return nil }
    switch stream {
    case .delta, .linked: break
    case .constant, .packed, .runLength, .keyedDelta, .tracked: return nil
    }
    switch type.physical {
    case .int16, .int32, .int64: break
    default: return nil
    }
    let codes = output.values(as: Int64.self)
    try stream.decode(selection, into: codes, scratch)
    let least = header.minimum
    var index = 0
    while index < selection.count {
      codes[index] = codes[index] &- least
      index &+= 1
    }
    return NarrowColumn(
      width: 8, codes: UnsafeRawPointer(output.base), count: selection.count, base: least, multiplier: 1,
      maximumCode: UInt64(bitPattern: header.maximum &- least), dictionary: nil, validity: nil)
  }

  static func width(_ maximum: UInt64) -> Int {
    maximum <= 0xFF ? 1 : (maximum <= 0xFFFF ? 2 : (maximum <= 0xFFFF_FFFF ? 4 : 8))
  }

  private func narrow(_ packed: PackedStream, _ rows: Range<Int>, into output: AlignedBuffer)
    -> (Int, UnsafeRawPointer)
  {
    let width = max(Block.width(packed.maximumCode), 1 << packed.laneLog)
    if packed.isPlainFrame && width == 1 << packed.laneLog {
      if packed.uniformWidth == packed.laneBits { return (width, packed.data + rows.lowerBound * width) }
      if packed.uniformWidth > 0 {
        unpack(packed, rows, width, output)
        return (width, UnsafeRawPointer(output.base))
      }
    }
    switch width {
    case 1: codes(packed, rows, output.values(as: UInt8.self))
    case 2: codes(packed, rows, output.values(as: UInt16.self))
    case 4: codes(packed, rows, output.values(as: UInt32.self))
    default: codes(packed, rows, output.values(as: UInt64.self))
    }
    return (width, UnsafeRawPointer(output.base))
  }

  /// Unpacks lanes straight into place: nothing has to be added to them.
  private func unpack(_ packed: PackedStream, _ rows: Range<Int>, _ width: Int, _ output: AlignedBuffer) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let vector = row >> 10
      let end = min((vector + 1) << 10, rows.upperBound)
      let target = output.base + (row - rows.lowerBound) * width
      if row & 1023 == 0 && packed.length(vector) == 1024 {
        // The output has room for a whole vector past the last row.
        packed.unpack(packed.data + packed.start(vector), packed.uniformWidth, into: target)
      } else {
        let lanes = packed.lanes(vector, scratch)
        target.copyMemory(from: lanes + (row & 1023) * width, byteCount: (end - row) * width)
      }
      row = end
    }
  }

  private func codes<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ packed: PackedStream, _ rows: Range<Int>, _ out: UnsafeMutablePointer<T>
  ) {
    IntegerStream.byVector(rows, out, packed.count, scratch) { packed.codes($0, into: $1, scratch) }
  }

  private func subtract(_ stream: IntegerStream, _ rows: Range<Int>, _ width: Int, into output: AlignedBuffer)
    throws(PulsehouseError)
  {
    switch width {
    case 1: try subtract(stream, rows, output.values(as: UInt8.self))
    case 2: try subtract(stream, rows, output.values(as: UInt16.self))
    case 4: try subtract(stream, rows, output.values(as: UInt32.self))
    default: try subtract(stream, rows, output.values(as: UInt64.self))
    }
  }

  /// Decodes to values less the block's least, modulo the width, which holds the block's span.
  private func subtract<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ stream: IntegerStream, _ rows: Range<Int>, _ out: UnsafeMutablePointer<T>
  ) throws(PulsehouseError) {
    try stream.decode(rows, into: out, scratch)
    let least = T(truncatingIfNeeded: header.minimum)
    var index = 0
    let count = rows.count
    while index < count {
      out[index] = out[index] &- least
      index &+= 1
    }
  }

  private static func truncate<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafePointer<Int64>, _ count: Int, _ output: UnsafeMutablePointer<T>
  ) {
    var index = 0
    while index < count {
      output[index] = T(truncatingIfNeeded: values[index])
      index &+= 1
    }
  }

  /// Returns the runs of a run-length or constant block; nil for other encodings.
  package func runs() throws(PulsehouseError) -> RunColumn? {
    switch body {
    case .none:
      return RunColumn(count: 1, ends: wholeEnd(), values: Vector.constant(type, .null, count: 1).flattened())
    case .integers(let stream):
      if validity != nil { return nil }
      switch stream {
      case .constant(let value, _):
        return RunColumn(count: 1, ends: wholeEnd(), values: constant(value, 1).flattened())
      case .runLength(let runs):
        let output = AlignedBuffer(byteCount: runs.runCount * type.physical.stride)
        let source = try runs.values(of: 0..<runs.runCount, scratch)
        switch type.physical {
        case .boolean: Block.truncate(source, runs.runCount, output.values(as: UInt8.self))
        case .int16: Block.truncate(source, runs.runCount, output.values(as: Int16.self))
        case .int32, .float32: Block.truncate(source, runs.runCount, output.values(as: Int32.self))
        case .numeric:
          let scale = header.scale
          let numbers = output.values(as: Numeric.self)
          for run in 0..<runs.runCount { numbers[run] = Numeric(mantissa: Int128(source[run]), scale: scale) }
        default: Block.truncate(source, runs.runCount, output.values(as: Int64.self))
        }
        return RunColumn(
          count: runs.runCount, ends: runs.runEnds, values: Vector(type, count: runs.runCount, buffer: output))
      default: return nil
      }
    case .dictionary(let values, let codes):
      if validity != nil { return nil }
      let output: AlignedBuffer
      switch codes {
      case .constant(let code, _):
        output = AlignedBuffer(byteCount: 4)
        output.values(as: UInt32.self)[0] = UInt32(truncatingIfNeeded: code)
        return RunColumn(count: 1, ends: wholeEnd(), values: Vector(codes: output, count: 1, dictionary: values))
      case .runLength(let runs):
        output = AlignedBuffer(byteCount: runs.runCount * 4)
        let source = try runs.values(of: 0..<runs.runCount, scratch)
        Block.truncate(source, runs.runCount, output.values(as: UInt32.self))
        return RunColumn(
          count: runs.runCount, ends: runs.runEnds,
          values: Vector(codes: output, count: runs.runCount, dictionary: values))
      default: return nil
      }
    case .decimal, .plain, .strings: return nil
    }
  }
}
