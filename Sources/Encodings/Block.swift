import Bytes
import Vectors

/// A block opened in place: one column of one row group, ready to be decoded, tested and looked into.
///
/// One thread at a time (its streams share the reader's scratch memory). The bytes stay where they are, kept alive by
/// `owner`. Whoever opens a block has checked its checksum; `validate` checks what a checksum cannot promise, once.
package final class Block {
  package let type: LogicalType
  package let rowCount: Int
  let header: BlockHeader
  /// Nil when no row is null.
  package let validity: ValidityMask?
  let body: Body
  let owner: AnyObject
  let scratch: DecodeScratch
  private let end: AlignedBuffer
  /// A plain string block's values, built when first asked for.
  private var strings: Vector?
  /// All values of a delta block of 64-bit integers, where checking it has decoded them.
  var checked: AlignedBuffer?

  enum Body {
    case none
    case integers(IntegerStream)
    case decimal(DecimalStream)
    /// `values` ascend and are not null; codes index them.
    case dictionary(Vector, codes: IntegerStream)
    case plain(UnsafeRawPointer, AlignedBuffer?)
    case strings(StringSection)
  }

  /// Opens `bytes`, which `owner` keeps alive. `knownDictionary` is one an earlier opening of this block built.
  ///
  /// - Throws: `.corrupt` when the bytes are no block of `type` with `rowCount` rows.
  package init(
    _ bytes: UnsafeRawBufferPointer, type: LogicalType, rowCount: Int, owner: AnyObject,
    knownDictionary: Vector? = nil, scratch: DecodeScratch
  ) throws(PulsehouseError) {
    var cursor = try BlockCursor(bytes)
    let header = try BlockHeader(&cursor)
    guard header.rowCount == rowCount, rowCount > 0 else {
      throw BlockCursor.damaged("a block of \(header.rowCount) rows where \(rowCount) were promised")
    }
    guard header.physical == type.physical else { throw BlockCursor.damaged("a block of another type than its column") }
    self.header = header
    self.type = type
    self.rowCount = rowCount
    self.owner = owner
    self.scratch = scratch
    end = AlignedBuffer(byteCount: 4)
    end.values(as: UInt32.self)[0] = UInt32(rowCount)
    validity = try header.validity.read(&cursor, count: rowCount, owner: owner, scratch)
    switch header.layout {
    case .none: body = .none
    case .integers:
      switch type.physical {
      case .string, .interval, .uuid: throw BlockCursor.damaged("integers in a column of \(type.name)")
      default: body = .integers(try IntegerStream(&cursor, count: rowCount, scratch))
      }
    case .decimal:
      guard type.physical == .float64 || type.physical == .float32 else {
        throw BlockCursor.damaged("decimals in a column of \(type.name)")
      }
      body = .decimal(try DecimalStream(&cursor, count: rowCount, scratch))
    case .dictionary:
      let entryCount = try cursor.count(atMost: rowCount)
      guard entryCount > 0 else { throw BlockCursor.damaged("a dictionary without entries") }
      try cursor.align(to: 16)
      let values: Vector
      if type.physical == .string {
        let section = try StringSection(
          &cursor, count: entryCount, owner: owner, scratch, isKnown: knownDictionary != nil)
        values =
          knownDictionary
          ?? Vector(type, count: entryCount, buffer: section.references, owners: section.owners)
      } else {
        let entries = try cursor.bytes(entryCount * type.physical.stride)
        values =
          knownDictionary
          ?? Vector(
            type, count: entryCount,
            buffer: AlignedBuffer(window: entries, byteCount: entryCount * type.physical.stride, owner: owner))
      }
      guard values.count == entryCount else { throw BlockCursor.damaged("a dictionary of another length") }
      body = .dictionary(values, codes: try IntegerStream(&cursor, count: rowCount, scratch))
    case .plain:
      try cursor.align(to: 16)
      if type.physical == .string {
        body = .strings(try StringSection(&cursor, count: rowCount, owner: owner, scratch))
      } else {
        let (bytes, buffer) = try ByteSection.read(&cursor)
        guard bytes.count == rowCount * type.physical.stride, let base = bytes.baseAddress else {
          throw BlockCursor.damaged("a plain block of \(bytes.count) bytes for \(rowCount) rows")
        }
        body = .plain(base, buffer)
      }
    }
  }

  /// The end of a run over the whole block.
  func wholeEnd() -> UnsafePointer<UInt32> { UnsafePointer(end.values(as: UInt32.self)) }

  /// The dictionary all vectors of this block share.
  package var dictionary: Vector? {
    if case .dictionary(let values, _) = body { return values }
    return nil
  }

  /// How the block is encoded, outermost first.
  package var encodings: [Encoding] {
    switch body {
    case .none: [.constant]
    case .integers(let stream): stream.encodings
    case .decimal(let stream): [.decimal] + stream.digits.encodings
    case .dictionary(_, let codes): [.dictionary] + codes.encodings
    case .plain, .strings: [.plain]
    }
  }

  var stream: IntegerStream? {
    switch body {
    case .integers(let stream): stream
    case .decimal(let stream): stream.digits
    case .dictionary(_, let codes): codes
    case .none, .plain, .strings: nil
    }
  }

  // MARK: - Reading

  /// Decodes rows `rows`, which must lie inside the block. Constant and dictionary blocks give such vectors.
  /// What is decoded lies in `arena`, if there is one.
  package func read(_ rows: Range<Int>, into arena: ColumnArena? = nil) throws(PulsehouseError) -> Vector {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows outside the row group")
    let count = rows.count
    let mask = validity?.window(rows)
    switch body {
    case .none: return Vector.constant(type, .null, count: count)
    case .integers(let stream):
      if case .constant(let value, _) = stream, mask == nil { return constant(value, count) }
      if let checked, count == rowCount { return Vector(type, count: count, buffer: checked, validity: mask) }
      let output = ColumnArena.memory(count, stride: type.physical.stride, in: arena)
      try decode(stream, rows, into: output)
      return Vector(type, count: count, buffer: output, validity: mask)
    case .decimal(let stream):
      let output = ColumnArena.memory(count, stride: type.physical.stride, in: arena)
      if type.physical == .float64 {
        try stream.decodeDoubles(rows, into: output.values(as: Double.self), scratch)
      } else {
        try stream.decodeReals(rows, into: output.values(as: Float.self), scratch)
      }
      return Vector(type, count: count, buffer: output, validity: mask)
    case .dictionary(let values, let codes):
      if case .constant(let code, _) = codes, mask == nil {
        return Vector(constant: values.slice(Int(code)..<(Int(code) + 1)), count: count)
      }
      let output = ColumnArena.memory(count, stride: 4, in: arena)
      try codes.decode(rows, into: output.values(as: UInt32.self), scratch)
      return Vector(codes: output, count: count, dictionary: values, validity: mask)
    case .plain(let base, let buffer):
      let stride = type.physical.stride
      let window = AlignedBuffer(
        window: base + rows.lowerBound * stride, byteCount: count * stride, owner: buffer ?? owner)
      return Vector(type, count: count, buffer: window, validity: mask)
    case .strings: return allStrings().slice(rows)
    }
  }

  /// Decodes only the rows of `selection`, ascending and inside the block.
  package func read(_ selection: UnsafeBufferPointer<UInt32>) throws(PulsehouseError) -> Vector {
    let count = selection.count
    if let last = selection.last { precondition(Int(last) < rowCount, "rows outside the row group") }
    let mask = validity?.gathered(selection)
    switch body {
    case .none: return Vector.constant(type, .null, count: count)
    case .integers(let stream):
      if case .constant(let value, _) = stream, mask == nil { return constant(value, count) }
      let output = AlignedBuffer(byteCount: count * type.physical.stride)
      if let checked {
        gather(UnsafeRawPointer(checked.base), selection, type.physical.stride, into: output)
      } else {
        try decode(stream, selection, into: output)
      }
      return Vector(type, count: count, buffer: output, validity: mask)
    case .decimal(let stream):
      let output = AlignedBuffer(byteCount: count * type.physical.stride)
      if type.physical == .float64 {
        try stream.decodeDoubles(selection, into: output.values(as: Double.self), scratch)
      } else {
        try stream.decodeReals(selection, into: output.values(as: Float.self), scratch)
      }
      return Vector(type, count: count, buffer: output, validity: mask)
    case .dictionary(let values, let codes):
      if case .constant(let code, _) = codes, mask == nil {
        return Vector(constant: values.slice(Int(code)..<(Int(code) + 1)), count: count)
      }
      let output = AlignedBuffer(byteCount: count * 4)
      try codes.decode(selection, into: output.values(as: UInt32.self), scratch)
      return Vector(codes: output, count: count, dictionary: values, validity: mask)
    case .plain(let base, _):
      let output = AlignedBuffer(byteCount: count * type.physical.stride)
      gather(base, selection, type.physical.stride, into: output)
      return Vector(type, count: count, buffer: output, validity: mask)
    case .strings:
      let all = allStrings()
      let output = AlignedBuffer(byteCount: count * 16)
      gather(UnsafeRawPointer(all.buffer.base), selection, 16, into: output)
      return Vector(type, count: count, buffer: output, validity: mask, owners: all.owners)
    }
  }

  private func gather(
    _ base: UnsafeRawPointer, _ selection: UnsafeBufferPointer<UInt32>, _ stride: Int, into output: AlignedBuffer
  ) {
    for (index, row) in selection.enumerated() {
      (output.base + index * stride).copyMemory(from: base + Int(row) * stride, byteCount: stride)
    }
  }

  func constant(_ value: Int64, _ count: Int) -> Vector {
    let one = AlignedBuffer(byteCount: type.physical.stride, zeroed: true)
    switch type.physical {
    case .boolean: one.values(as: UInt8.self)[0] = UInt8(truncatingIfNeeded: value & 1)
    case .int16: one.values(as: Int16.self)[0] = Int16(truncatingIfNeeded: value)
    case .int32, .float32: one.values(as: Int32.self)[0] = Int32(truncatingIfNeeded: value)
    case .numeric: one.values(as: Numeric.self)[0] = Numeric(mantissa: Int128(value), scale: header.scale)
    default: one.values(as: Int64.self)[0] = value
    }
    return Vector(constant: Vector(type, count: 1, buffer: one), count: count)
  }

  /// Decodes rows `rows`, as values of the block's type, into `output`, which has room for them.
  func decode(_ stream: IntegerStream, _ rows: Range<Int>, into output: AlignedBuffer) throws(PulsehouseError) {
    switch type.physical {
    case .boolean: try stream.decode(rows, into: output.values(as: UInt8.self), scratch)
    case .int16: try stream.decode(rows, into: output.values(as: Int16.self), scratch)
    case .int32, .float32: try stream.decode(rows, into: output.values(as: Int32.self), scratch)
    case .numeric:
      let mantissas = AlignedBuffer(byteCount: rows.count * 8)
      try stream.decode(rows, into: mantissas.values(as: Int64.self), scratch)
      scale(mantissas, rows.count, into: output)
    default:
      let values = output.values(as: Int64.self)
      if let checked {
        values.update(from: checked.values(as: Int64.self) + rows.lowerBound, count: rows.count)
      } else {
        try stream.decode(rows, into: values, scratch)
      }
    }
  }

  private func decode(
    _ stream: IntegerStream, _ selection: UnsafeBufferPointer<UInt32>, into output: AlignedBuffer
  ) throws(PulsehouseError) {
    switch type.physical {
    case .boolean: try stream.decode(selection, into: output.values(as: UInt8.self), scratch)
    case .int16: try stream.decode(selection, into: output.values(as: Int16.self), scratch)
    case .int32, .float32: try stream.decode(selection, into: output.values(as: Int32.self), scratch)
    case .numeric:
      let mantissas = AlignedBuffer(byteCount: selection.count * 8)
      try stream.decode(selection, into: mantissas.values(as: Int64.self), scratch)
      scale(mantissas, selection.count, into: output)
    default: try stream.decode(selection, into: output.values(as: Int64.self), scratch)
    }
  }

  private func scale(_ mantissas: AlignedBuffer, _ count: Int, into output: AlignedBuffer) {
    let source = mantissas.values(as: Int64.self)
    let target = output.values(as: Numeric.self)
    for row in 0..<count { target[row] = Numeric(mantissa: Int128(source[row]), scale: header.scale) }
  }

  /// The whole column of a plain string block, built once.
  func allStrings() -> Vector {
    if let strings { return strings }
    guard case .strings(let section) = body else { preconditionFailure("only string blocks have strings") }
    let built = Vector(
      type, count: rowCount, buffer: section.references, validity: validity, owners: section.owners)
    strings = built
    return built
  }
}
