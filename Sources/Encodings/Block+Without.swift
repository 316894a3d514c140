import Bytes
import Vectors

extension Block {
  /// Rows that are decoded at a time: they stay in the nearest cache until those between removed ones are copied.
  private static let chunkRows = 2048

  /// Decodes all rows but those at `removed`, which ascend, none twice, each inside the block. Constant and dictionary
  /// blocks give such vectors.
  package func read(without removed: UnsafeBufferPointer<UInt32>) throws(PulsehouseError) -> Vector {
    guard let last = removed.last else { return try read(0..<rowCount) }
    precondition(Int(last) < rowCount, "rows outside the row group")
    for index in 1..<removed.count { precondition(removed[index - 1] < removed[index], "rows out of order") }
    let count = rowCount - removed.count
    let mask = validity?.without(removed)
    let stride = type.physical.stride
    switch body {
    case .none: return Vector.constant(type, .null, count: count)
    case .integers(let stream):
      if case .constant(let value, _) = stream, mask == nil { return constant(value, count) }
      let output = try keep(removed, stride) { (rows, chunk) throws(PulsehouseError) in
        try self.decode(stream, rows, into: chunk)
        return UnsafeRawPointer(chunk.base)
      }
      return Vector(type, count: count, buffer: output, validity: mask)
    case .decimal(let stream):
      if type.physical == .float64, let output = try quotients(stream, without: removed) {
        return Vector(type, count: count, buffer: output, validity: mask)
      }
      let output = try keep(removed, stride) { (rows, chunk) throws(PulsehouseError) in
        if self.type.physical == .float64 {
          try stream.decodeDoubles(rows, into: chunk.values(as: Double.self), self.scratch)
        } else {
          try stream.decodeReals(rows, into: chunk.values(as: Float.self), self.scratch)
        }
        return UnsafeRawPointer(chunk.base)
      }
      return Vector(type, count: count, buffer: output, validity: mask)
    case .dictionary(let values, let codes):
      if case .constant(let code, _) = codes, mask == nil {
        return Vector(constant: values.slice(Int(code)..<(Int(code) + 1)), count: count)
      }
      let output = try keep(removed, 4) { (rows, chunk) throws(PulsehouseError) in
        try codes.decode(rows, into: chunk.values(as: UInt32.self), self.scratch)
        return UnsafeRawPointer(chunk.base)
      }
      return Vector(codes: output, count: count, dictionary: values, validity: mask)
    case .plain(let base, _):
      let output = try keep(removed, stride) { (rows, _) throws(PulsehouseError) in base + rows.lowerBound * stride }
      return Vector(type, count: count, buffer: output, validity: mask)
    case .strings:
      let all = allStrings()
      let base = UnsafeRawPointer(all.buffer.base)
      let output = try keep(removed, stride) { (rows, _) throws(PulsehouseError) in base + rows.lowerBound * stride }
      return Vector(type, count: count, buffer: output, validity: mask, owners: all.owners)
    }
  }

  /// Divides decoded digits straight to where they belong; nil where they are not decoded as a whole, or not all values
  /// have digits.
  private func quotients(
    _ stream: DecimalStream, without removed: UnsafeBufferPointer<UInt32>
  ) throws(PulsehouseError) -> AlignedBuffer? {
    guard stream.exceptionCount == 0, let digits = try stream.digits.wholeValues(scratch) else { return nil }
    let output = AlignedBuffer(byteCount: max(rowCount - removed.count, 1) * 8)
    var place = output.values(as: Double.self)
    var row = 0
    for index in 0...removed.count {
      let stop = index < removed.count ? Int(removed[index]) : rowCount
      stream.divide(digits + row, stop - row, into: place)
      place += stop - row
      row = stop + 1
    }
    // Who takes all rows at once does not come again.
    stream.digits.dropWholeValues()
    return output
  }

  /// Copies the values of `stride` bytes between the removed rows; `decode` says where those of some rows lie, which may
  /// be the memory it is given.
  private func keep(
    _ removed: UnsafeBufferPointer<UInt32>, _ stride: Int,
    _ decode: (Range<Int>, AlignedBuffer) throws(PulsehouseError) -> UnsafeRawPointer
  ) throws(PulsehouseError) -> AlignedBuffer {
    let output = AlignedBuffer(byteCount: max(rowCount - removed.count, 1) * stride)
    let chunk = AlignedBuffer(byteCount: Block.chunkRows * stride)
    var place = output.base
    var next = 0
    var start = 0
    while start < rowCount {
      let end = min(start + Block.chunkRows, rowCount)
      let source = try decode(start..<end, chunk)
      var row = start
      while row < end {
        let stop = next < removed.count ? min(Int(removed[next]), end) : end
        let byteCount = (stop - row) * stride
        place.copyMemory(from: source + (row - start) * stride, byteCount: byteCount)
        place += byteCount
        if stop < end { next += 1 }
        row = stop + 1
      }
      start = end
    }
    return output
  }
}

extension ValidityMask {
  /// Returns the mask of all rows but those at `removed`, which ascend; nil when none of them is null.
  func without(_ removed: UnsafeBufferPointer<UInt32>) -> ValidityMask? {
    let result = ValidityMask(count: count - removed.count, allValid: false)
    var place = 0
    var row = 0
    for index in 0...removed.count {
      let stop = index < removed.count ? Int(removed[index]) : count
      if stop > row { Bits.copy(words, from: row, count: stop - row, to: result.words, at: place) }
      place += stop - row
      row = stop + 1
    }
    return result.validCount == result.count ? nil : result
  }
}
