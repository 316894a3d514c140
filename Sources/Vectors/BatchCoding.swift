import Bytes

/// Batches as bytes, for rows that wait on disk within one query: compact, quick, and of this process only.
///
/// Column after column, each at a multiple of 16:
///
/// | bytes | content |
/// |------:|---------|
/// | 1 | form: 0 flat, 1 constant, 2 dictionary, 3 all NULL |
/// | 1 | bytes of a stored value: less than the type's when all values of an integer lie close together |
/// | 1 | 1 when a validity mask follows |
/// | 5 | zeros |
/// | 8 | what stored values of a narrowed integer count from |
/// | 8 | count of the dictionary's values, 0 without one |
/// | 8 | bytes of long strings |
/// | ... | each padded to 16: the mask's words, the values or codes, the long strings, the dictionary as a column |
///
/// A string keeps its 16 bytes; where its bytes are not in them, their offset among the long strings is.
package enum BatchCoding {
  /// Returns the bytes of `batch`. Values under NULL rows are not kept.
  package static func encode(_ batch: Batch) -> AlignedBuffer {
    var output = Output()
    for column in batch.columns { encode(column, into: &output) }
    return output.finish()
  }

  /// Makes the batch again. String values and wide columns are windows into `bytes`.
  ///
  /// - Throws: `.corrupt` when the bytes are not those of a batch of `types`.
  package static func decode(_ bytes: AlignedBuffer, _ types: [LogicalType], rowCount: Int) throws -> Batch {
    var input = Input(bytes)
    let columns = try types.map { try decode(&input, $0, rowCount) }
    guard input.offset == bytes.byteCount else { throw Input.damage }
    return Batch(columns, rowCount: rowCount)
  }

  // MARK: Encoding

  private enum Form { static let flat: UInt8 = 0, constant: UInt8 = 1, dictionary: UInt8 = 2, null: UInt8 = 3 }

  private static func encode(_ vector: Vector, into output: inout Output) {
    switch vector.form {
    case .constant:
      if vector.validity != nil { return output.header(Form.null) }
      let one = Vector(vector.type, count: 1, buffer: vector.buffer, owners: vector.owners)
      encodeFlat(one, Form.constant, into: &output)
    case .dictionary:
      guard let dictionary = vector.dictionary, dictionary.count * 2 <= vector.count else {
        return encodeFlat(vector.flattened(), Form.flat, into: &output)
      }
      let width = dictionary.count <= 1 << 8 ? 1 : (dictionary.count <= 1 << 16 ? 2 : 4)
      output.header(
        Form.dictionary, width: width, hasMask: vector.validity != nil, dictionaryCount: dictionary.count)
      output.append(vector.validity, vector.count)
      output.append(count: vector.count, width: width) { base in
        let codes = vector.codes
        switch width {
        case 1: narrow(codes, vector.count, 0, into: base.assumingMemoryBound(to: UInt8.self))
        case 2: narrow(codes, vector.count, 0, into: base.assumingMemoryBound(to: UInt16.self))
        default: narrow(codes, vector.count, 0, into: base.assumingMemoryBound(to: UInt32.self))
        }
      }
      encodeFlat(dictionary, Form.flat, into: &output)
    case .flat: encodeFlat(vector, Form.flat, into: &output)
    }
  }

  private static func encodeFlat(_ vector: Vector, _ form: UInt8, into output: inout Output) {
    switch vector.type.physical {
    case .int16: encodeInteger(vector, form, as: Int16.self, into: &output)
    case .int32: encodeInteger(vector, form, as: Int32.self, into: &output)
    case .int64: encodeInteger(vector, form, as: Int64.self, into: &output)
    case .string: encodeStrings(vector, form, into: &output)
    case .boolean, .float32, .float64, .numeric, .interval, .uuid:
      let stride = vector.type.physical.stride
      output.header(form, width: stride, hasMask: vector.validity != nil)
      output.append(vector.validity, vector.count)
      output.append(count: vector.count, width: stride) {
        $0.copyMemory(from: vector.buffer.base, byteCount: vector.count * stride)
      }
    }
  }

  @inline(__always) private static func encodeInteger<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ form: UInt8, as type: T.Type, into output: inout Output
  ) {
    let count = vector.count
    let values = vector.values(as: T.self)
    var low = count > 0 ? values[0] : 0
    var high = low
    var row = 0
    while row < count {
      low = min(low, values[row])
      high = max(high, values[row])
      row &+= 1
    }
    let base = Int64(truncatingIfNeeded: low)
    let span = UInt64(bitPattern: Int64(truncatingIfNeeded: high) &- base)
    let needed = span <= 0xFF ? 1 : (span <= 0xFFFF ? 2 : (span <= 0xFFFF_FFFF ? 4 : 8))
    let width = min(needed, MemoryLayout<T>.size)
    output.header(form, width: width, hasMask: vector.validity != nil, base: base)
    output.append(vector.validity, count)
    output.append(count: count, width: width) { target in
      switch width {
      case 1: narrow(values, count, low, into: target.assumingMemoryBound(to: UInt8.self))
      case 2: narrow(values, count, low, into: target.assumingMemoryBound(to: UInt16.self))
      case 4: narrow(values, count, low, into: target.assumingMemoryBound(to: UInt32.self))
      default: narrow(values, count, low, into: target.assumingMemoryBound(to: UInt64.self))
      }
    }
  }

  @inline(__always) private static func narrow<T: FixedWidthInteger, U: FixedWidthInteger>(
    _ values: UnsafePointer<T>, _ count: Int, _ base: T, into output: UnsafeMutablePointer<U>
  ) {
    var row = 0
    while row < count {
      output[row] = U(truncatingIfNeeded: values[row] &- base)
      row &+= 1
    }
  }

  private static func encodeStrings(_ vector: Vector, _ form: UInt8, into output: inout Output) {
    let values = vector.values(as: StringReference.self)
    func isLong(_ row: Int) -> Bool { !values[row].isInline && vector.isValid(row) }
    var longBytes = 0
    for row in 0..<vector.count where isLong(row) { longBytes += values[row].count }
    output.header(form, width: 16, hasMask: vector.validity != nil, longBytes: longBytes)
    output.append(vector.validity, vector.count)
    var next = 0
    output.append(count: vector.count, width: 16) { base in
      let references = base.assumingMemoryBound(to: StringReference.self)
      for row in 0..<vector.count {
        let value = values[row]
        if value.isInline {
          references[row] = value
        } else if vector.isValid(row) {
          references[row] = StringReference(head: value.head, tail: UInt64(next))
          next += value.count
        } else {
          references[row] = StringReference()
        }
      }
    }
    next = 0
    output.append(count: longBytes, width: 1) { base in
      for row in 0..<vector.count where isLong(row) {
        values[row].withBytes { bytes in
          if let source = bytes.baseAddress { (base + next).copyMemory(from: source, byteCount: bytes.count) }
          next += bytes.count
        }
      }
    }
  }

  /// Bytes that grow, every part padded to 16.
  private struct Output {
    private var buffer = AlignedBuffer(byteCount: 1 << 12)
    private var count = 0

    mutating func header(
      _ form: UInt8, width: Int = 0, hasMask: Bool = false, base: Int64 = 0, dictionaryCount: Int = 0,
      longBytes: Int = 0
    ) {
      append(count: 32, width: 1) { target in
        target.storeBytes(of: UInt64(form) | UInt64(width) << 8 | (hasMask ? 1 << 16 : 0), as: UInt64.self)
        target.storeBytes(of: base, toByteOffset: 8, as: Int64.self)
        target.storeBytes(of: UInt64(dictionaryCount), toByteOffset: 16, as: UInt64.self)
        target.storeBytes(of: UInt64(longBytes), toByteOffset: 24, as: UInt64.self)
      }
    }

    mutating func append(_ mask: ValidityMask?, _ rowCount: Int) {
      guard let mask else { return }
      let words = ValidityMask.wordCount(rowCount)
      append(count: words, width: 8) { $0.copyMemory(from: mask.words, byteCount: words * 8) }
    }

    mutating func append(count items: Int, width: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
      let size = items * width
      let padded = (size + 15) & ~15
      if count + padded > buffer.byteCount {
        let bigger = AlignedBuffer(byteCount: max(count + padded, buffer.byteCount * 2))
        bigger.base.copyMemory(from: buffer.base, byteCount: count)
        buffer = bigger
      }
      fill(buffer.base + count)
      (buffer.base + count + size).initializeMemory(as: UInt8.self, repeating: 0, count: padded - size)
      count += padded
    }

    func finish() -> AlignedBuffer { AlignedBuffer(window: buffer.base, byteCount: count, owner: buffer) }
  }

  // MARK: Decoding

  private static func decode(_ input: inout Input, _ type: LogicalType, _ rowCount: Int) throws -> Vector {
    let header = try input.take(32, 1)
    let word = header.base.load(as: UInt64.self)
    let form = UInt8(truncatingIfNeeded: word)
    let width = Int((word >> 8) & 0xFF)
    let base = header.base.load(fromByteOffset: 8, as: Int64.self)
    let dictionaryCount = try Input.count(header.base.load(fromByteOffset: 16, as: UInt64.self))
    let longBytes = try Input.count(header.base.load(fromByteOffset: 24, as: UInt64.self))
    if form == Form.null { return .constant(type, .null, count: rowCount) }
    let count = form == Form.constant ? 1 : rowCount
    var mask: ValidityMask?
    if word >> 16 == 1 {
      mask = ValidityMask(buffer: try input.take(ValidityMask.wordCount(count), 8), count: count)
    }
    if form == Form.dictionary {
      guard width == 1 || width == 2 || width == 4 else { throw Input.damage }
      let codes = try widen(try input.take(count, width), count, width, base: Int32(0))
      let dictionary = try decode(&input, type, dictionaryCount)
      guard dictionary.form == .flat, dictionary.validity == nil else { throw Input.damage }
      let values = codes.values(as: UInt32.self)
      for row in 0..<count where Int(values[row]) >= dictionary.count { throw Input.damage }
      return Vector(codes: codes, count: count, dictionary: dictionary, validity: mask)
    }
    guard form == Form.flat || form == Form.constant else { throw Input.damage }
    let vector: Vector
    switch type.physical {
    case .int16, .int32, .int64:
      guard width == 1 || width == 2 || width == 4 || width == 8, width <= type.physical.stride else {
        throw Input.damage
      }
      let stored = try input.take(count, width)
      let buffer: AlignedBuffer =
        switch type.physical {
        case .int16: try widen(stored, count, width, base: Int16(truncatingIfNeeded: base))
        case .int32: try widen(stored, count, width, base: Int32(truncatingIfNeeded: base))
        default: try widen(stored, count, width, base: base)
        }
      vector = Vector(type, count: count, buffer: buffer, validity: mask)
    case .string:
      guard width == 16 else { throw Input.damage }
      let references = try input.take(count, 16).values(as: StringReference.self)
      let long = try input.take(longBytes, 1)
      let buffer = AlignedBuffer(byteCount: count * 16)
      let output = buffer.values(as: StringReference.self)
      for row in 0..<count {
        let value = references[row]
        guard !value.isInline else {
          output[row] = value
          continue
        }
        guard value.tail <= UInt64(longBytes), value.count <= longBytes - Int(value.tail) else { throw Input.damage }
        output[row] = StringReference(long.base + Int(value.tail), count: value.count)
      }
      vector = Vector(type, count: count, buffer: buffer, validity: mask, owners: [input.bytes])
    case .boolean, .float32, .float64, .numeric, .interval, .uuid:
      guard width == type.physical.stride else { throw Input.damage }
      vector = Vector(type, count: count, buffer: try input.take(count, width), validity: mask)
    }
    return form == Form.constant ? Vector(constant: vector, count: rowCount) : vector
  }

  @inline(__always) private static func widen<T: FixedWidthInteger & BitwiseCopyable>(
    _ stored: AlignedBuffer, _ count: Int, _ width: Int, base: T
  ) throws -> AlignedBuffer {
    let output = AlignedBuffer(byteCount: count * MemoryLayout<T>.stride)
    let target = output.values(as: T.self)
    switch width {
    case 1: add(stored.values(as: UInt8.self), count, base, into: target)
    case 2: add(stored.values(as: UInt16.self), count, base, into: target)
    case 4: add(stored.values(as: UInt32.self), count, base, into: target)
    default: add(stored.values(as: UInt64.self), count, base, into: target)
    }
    return output
  }

  @inline(__always) private static func add<T: FixedWidthInteger, U: FixedWidthInteger>(
    _ stored: UnsafeMutablePointer<U>, _ count: Int, _ base: T, into output: UnsafeMutablePointer<T>
  ) {
    var row = 0
    while row < count {
      output[row] = base &+ T(truncatingIfNeeded: stored[row])
      row &+= 1
    }
  }

  private struct Input {
    let bytes: AlignedBuffer
    var offset = 0

    init(_ bytes: AlignedBuffer) { self.bytes = bytes }

    static var damage: PulsehouseError { PulsehouseError(.corrupt, "spilled rows are damaged") }

    static func count(_ value: UInt64) throws -> Int {
      guard value < 1 << 40 else { throw damage }
      return Int(value)
    }

    /// Takes the next part: `count` items of `width` bytes.
    mutating func take(_ count: Int, _ width: Int) throws -> AlignedBuffer {
      let padded = (count * width + 15) & ~15
      guard padded <= bytes.byteCount - offset else { throw Input.damage }
      defer { offset += padded }
      return AlignedBuffer(window: bytes.base + offset, byteCount: count * width, owner: bytes)
    }
  }
}
