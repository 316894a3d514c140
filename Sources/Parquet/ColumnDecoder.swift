import Bytes
import Vectors

/// Reads the pages of one column chunk into a vector.
struct ColumnDecoder {
  private let column: ParquetColumn
  private let isOptional: Bool
  private let codec: Codec
  private let rowCount: Int
  private var builder: VectorBuilder
  /// The dictionary page's values, one after the other.
  private var dictionary: Vector?

  /// A page that says it is longer when unpacked is damaged.
  private static let mostPageBytes = 1 << 31

  init(_ column: ParquetColumn, isOptional: Bool, codec: Codec, rowCount: Int) {
    self.column = column
    self.isOptional = isOptional
    self.codec = codec
    self.rowCount = rowCount
    // Memory is asked for as values arrive: the row count may be damaged.
    builder = VectorBuilder(column.field.type, capacity: min(rowCount, 1 << 17))
  }

  mutating func decode(_ input: ByteReader) throws(PulsehouseError) -> Vector {
    var reader = ThriftReader(input)
    while builder.count < rowCount {
      let header = try PageHeader.decode(&reader)
      let stored = try reader.raw(header.compressedByteCount)
      guard (0...Self.mostPageBytes).contains(header.uncompressedByteCount), header.valueCount >= 0 else {
        throw reader.input.corrupt("a page of \(header.uncompressedByteCount) bytes")
      }
      let place = reader.input
      switch header.kind {
      case .index: continue
      case .dictionary:
        guard dictionary == nil else { throw reader.input.corrupt("a second dictionary") }
        let bytes = try unpack(stored, header.uncompressedByteCount, place)
        dictionary = try bytes.withRawBytes { (raw) throws(PulsehouseError) -> Vector in
          var values = VectorBuilder(column.field.type, capacity: min(header.valueCount, 1 << 16))
          var page = ByteReader(raw, source: place.source)
          try ValueDecoder(column).plain(&page, count: header.valueCount) { values.append($0) }
          return values.finish()
        }
      case .data:
        guard header.valueCount <= rowCount - builder.count else { throw reader.input.corrupt("more values than rows") }
        let bytes = try unpack(stored, header.uncompressedByteCount, place)
        try bytes.withRawBytes { (raw) throws(PulsehouseError) in
          var page = ByteReader(raw, source: place.source)
          var levels: [UInt32]?
          if isOptional {
            let length = try page.readUInt32()
            var encoded = ByteReader(try page.readRaw(Int(length)), source: place.source)
            levels = try HybridRunLength.decode(&encoded, count: header.valueCount, width: 1)
          }
          try append(&page, header, levels)
        }
      case .dataV2:
        guard header.valueCount <= rowCount - builder.count else { throw reader.input.corrupt("more values than rows") }
        guard header.repetitionByteCount == 0, (0...stored.count).contains(header.definitionByteCount),
          header.definitionByteCount <= header.uncompressedByteCount
        else { throw reader.input.corrupt("levels that make no sense") }
        var levels: [UInt32]?
        if isOptional {
          var encoded = ByteReader(
            UnsafeRawBufferPointer(rebasing: stored[..<header.definitionByteCount]), source: place.source)
          levels = try HybridRunLength.decode(&encoded, count: header.valueCount, width: 1)
        }
        let rest = UnsafeRawBufferPointer(rebasing: stored[header.definitionByteCount...])
        let length = header.uncompressedByteCount - header.definitionByteCount
        let bytes = header.isCompressed ? try unpack(rest, length, place) : Array(rest)
        try bytes.withRawBytes { (raw) throws(PulsehouseError) in
          var page = ByteReader(raw, source: place.source)
          try append(&page, header, levels)
        }
      }
    }
    return builder.finish()
  }

  private func unpack(_ stored: UnsafeRawBufferPointer, _ byteCount: Int, _ place: ByteReader) throws(PulsehouseError)
    -> [UInt8]
  {
    switch codec {
    case .zstd:
      // A frame need not say its size, so the memory is ours to bound: zstd expands no more than this.
      guard byteCount <= stored.count * 70_000 + 1024 else { throw place.corrupt("a page that unpacks to too much") }
      var failure: PulsehouseError?
      let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
        do throws(PulsehouseError) {
          try Zstd.decompress(
            stored, into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: byteCount),
            source: place.source)
          count = byteCount
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
      return bytes
    case .snappy:
      guard byteCount <= stored.count * 64 + 64 else { throw place.corrupt("a page that unpacks to too much") }
      return try Snappy.decompress(stored, byteCount: byteCount, source: place.source)
    default: return Array(stored)
    }
  }

  // MARK: Values of a page

  private mutating func append(_ page: inout ByteReader, _ header: PageHeader, _ levels: [UInt32]?)
    throws(PulsehouseError)
  {
    let count = levels.map { $0.reduce(0) { $0 + Int($1 & 1) } } ?? header.valueCount
    var values: [Scalar] = []
    values.reserveCapacity(count)
    let decoder = ValueDecoder(column)
    switch header.encoding {
    case .plain: try decoder.plain(&page, count: count) { values.append($0) }
    case .plainDictionary, .runLengthDictionary:
      guard let dictionary else { throw page.corrupt("codes without a dictionary") }
      let width = count == 0 && page.isAtEnd ? 0 : Int(try page.readUInt8())
      for code in try HybridRunLength.decode(&page, count: count, width: width) {
        guard code < dictionary.count else { throw page.corrupt("code \(code) of \(dictionary.count) entries") }
        values.append(dictionary.scalar(at: Int(code)))
      }
    case .runLength where column.stored == .boolean:
      let length = try page.readUInt32()
      var encoded = ByteReader(try page.readRaw(Int(length)), source: page.source)
      for bit in try HybridRunLength.decode(&encoded, count: count, width: 1) { values.append(.boolean(bit == 1)) }
    case .deltaBinaryPacked:
      for number in try DeltaDecoder.integers(&page, atMost: count) { values.append(try decoder.scalar(number, page)) }
    case .deltaLengthByteArray:
      for bytes in try DeltaDecoder.byteArrays(&page, atMost: count) { values.append(try decoder.scalar(bytes, page)) }
    case .deltaByteArray:
      for bytes in try DeltaDecoder.prefixedByteArrays(&page, atMost: count) {
        values.append(try decoder.scalar(bytes, page))
      }
    case .byteStreamSplit:
      let bytes = try decoder.unsplit(&page, count: count)
      try bytes.withRawBytes { (raw) throws(PulsehouseError) in
        var plain = ByteReader(raw, source: page.source)
        try decoder.plain(&plain, count: count) { values.append($0) }
      }
    default: throw page.corrupt("values in the encoding \(header.encoding)")
    }
    guard values.count == count else { throw page.corrupt("\(values.count) values where \(count) are due") }
    guard let levels else {
      for value in values { builder.append(value) }
      return
    }
    var next = 0
    for level in levels {
      if level & 1 == 1 {
        builder.append(values[next])
        next += 1
      } else {
        builder.appendNull()
      }
    }
  }
}

/// Turns stored values into ours.
struct ValueDecoder {
  private let column: ParquetColumn

  init(_ column: ParquetColumn) { self.column = column }

  /// Reads `count` plain values.
  func plain(_ page: inout ByteReader, count: Int, _ body: (Scalar) -> Void) throws(PulsehouseError) {
    switch column.stored {
    case .boolean:
      let bytes = try page.readRaw((count + 7) / 8)
      for index in 0..<count { body(.boolean(bytes[index / 8] >> UInt8(index % 8) & 1 == 1)) }
    case .int32: for _ in 0..<count { body(try scalar(Int64(try page.readInt32()), page)) }
    case .int64: for _ in 0..<count { body(try scalar(try page.readInt64(), page)) }
    case .int96:
      for _ in 0..<count {
        let nanoseconds = try page.readInt64()
        let julianDay = Int64(try page.readInt32())
        let days = julianDay - 2_440_588
        guard abs(days) < 100_000_000, (0...86_400_000_000_000).contains(nanoseconds) else {
          throw page.corrupt("a time out of range")
        }
        body(.integer(days * 86_400_000_000 + nanoseconds / 1000))
      }
    case .float: for _ in 0..<count { body(.real(Float(bitPattern: try page.readUInt32()))) }
    case .double: for _ in 0..<count { body(.double(try page.readDouble())) }
    case .byteArray:
      for _ in 0..<count {
        let length = try page.readUInt32()
        body(try scalar(try page.readRaw(Int(length)), page))
      }
    case .fixedByteArray: for _ in 0..<count { body(try scalar(try page.readRaw(column.length), page)) }
    }
  }

  /// What an integer of the file stands for.
  func scalar(_ value: Int64, _ page: ByteReader) throws(PulsehouseError) -> Scalar {
    switch (column.stored, column.annotation) {
    case (_, .decimal(_, let scale)): return .numeric(Numeric(mantissa: Int128(value), scale: Int32(scale)))
    case (_, .time(let unit)): return .integer(try microseconds(value, unit, page))
    case (_, .timestamp(let unit, _)): return .integer(try microseconds(value, unit, page))
    case (.int32, .integer(let bits, false)):
      let unsigned = Int64(UInt32(truncatingIfNeeded: value))
      return .integer(bits >= 32 ? unsigned : unsigned & ((1 << Int64(bits)) - 1))
    case (.int32, .integer(8, true)): return .integer(Int64(Int8(truncatingIfNeeded: value)))
    case (.int32, .integer(16, true)): return .integer(Int64(Int16(truncatingIfNeeded: value)))
    case (.int64, .integer(64, false)):
      return .numeric(Numeric(mantissa: Int128(UInt64(bitPattern: value)), scale: 0))
    case (.boolean, _), (.float, _), (.double, _), (.byteArray, _), (.fixedByteArray, _), (.int96, _):
      throw page.corrupt("integers in a column of \(column.field.type)")
    default: return .integer(value)
    }
  }

  private func microseconds(_ value: Int64, _ unit: Annotation.Unit, _ page: ByteReader) throws(PulsehouseError)
    -> Int64
  {
    switch unit {
    case .microseconds: return value
    case .nanoseconds: return value >= 0 ? value / 1000 : (value - 999) / 1000
    case .milliseconds:
      let (result, overflow) = value.multipliedReportingOverflow(by: 1000)
      if overflow { throw page.corrupt("a time out of range") }
      return result
    }
  }

  /// What bytes of the file stand for.
  func scalar(_ bytes: some Collection<UInt8>, _ page: ByteReader) throws(PulsehouseError) -> Scalar {
    switch column.field.type {
    case .text, .json:
      guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
        throw page.corrupt("text that is not UTF-8")
      }
      return .text(text)
    case .numeric(_, let scale):
      guard bytes.count <= 16 || bytes.dropLast(16).allSatisfy({ $0 == 0 || $0 == 0xFF }), !bytes.isEmpty else {
        throw page.corrupt("a decimal of \(bytes.count) bytes")
      }
      var mantissa: Int128 = (bytes.first ?? 0) & 0x80 != 0 ? -1 : 0
      for byte in bytes { mantissa = mantissa << 8 | Int128(byte) }
      return .numeric(Numeric(mantissa: mantissa, scale: Int32(scale ?? 0)))
    case .uuid:
      guard bytes.count == 16 else { throw page.corrupt("a UUID of \(bytes.count) bytes") }
      var halves = (UInt64(0), UInt64(0))
      for (index, byte) in bytes.enumerated() {
        if index < 8 { halves.0 = halves.0 << 8 | UInt64(byte) } else { halves.1 = halves.1 << 8 | UInt64(byte) }
      }
      return .uuid(UUIDValue(high: halves.0, low: halves.1))
    case .interval:
      guard bytes.count == 12 else { throw page.corrupt("an interval of \(bytes.count) bytes") }
      var parts: [UInt32] = [0, 0, 0]
      for (index, byte) in bytes.enumerated() { parts[index / 4] |= UInt32(byte) << UInt32(index % 4 * 8) }
      guard let months = Int32(exactly: parts[0]), let days = Int32(exactly: parts[1]) else {
        throw page.corrupt("an interval out of range")
      }
      return .interval(Interval(months: months, days: days, microseconds: Int64(parts[2]) * 1000))
    case .real:
      guard bytes.count == 2 else { throw page.corrupt("a half of \(bytes.count) bytes") }
      var bits: UInt16 = 0
      for (index, byte) in bytes.enumerated() { bits |= UInt16(byte) << UInt16(8 * index) }
      return .real(Self.half(bits))
    case .bytea: return .bytes(Array(bytes))
    default: throw page.corrupt("bytes in a column of \(column.field.type)")
    }
  }

  /// The value of a 16-bit float.
  private static func half(_ bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 31)
    let fraction = Float(bits & 1023) / 1024
    switch exponent {
    case 0: return sign * fraction * Float(sign: .plus, exponent: -14, significand: 1)
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
    }
  }

  /// Puts the bytes of split values together again: all first bytes lie first, then all second ones, ...
  func unsplit(_ page: inout ByteReader, count: Int) throws(PulsehouseError) -> [UInt8] {
    let width: Int
    switch column.stored {
    case .float, .int32: width = 4
    case .double, .int64: width = 8
    case .fixedByteArray: width = column.length
    default: throw page.corrupt("split values of \(column.field.type)")
    }
    let (total, overflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow else { throw page.corrupt("\(count) split values") }
    let bytes = try page.readRaw(total)
    var output = [UInt8](repeating: 0, count: total)
    for index in 0..<count {
      for byte in 0..<width { output[index * width + byte] = bytes[byte * count + index] }
    }
    return output
  }
}

/// Parquet's delta encodings.
enum DeltaDecoder {
  /// Reads DELTA_BINARY_PACKED: a header (block size, miniblocks, count, first value), then blocks of a least delta, bit
  /// widths, and packed distances from the least delta.
  static func integers(_ page: inout ByteReader, atMost limit: Int) throws(PulsehouseError) -> [Int64] {
    let blockSize = try page.readVarint()
    let miniblocks = try page.readVarint()
    let total = try page.readVarint()
    guard (1...1 << 20).contains(blockSize), (1...512).contains(miniblocks), blockSize % miniblocks == 0,
      blockSize / miniblocks % 8 == 0, total <= UInt64(limit)
    else { throw page.corrupt("a delta header that makes no sense") }
    let perMiniblock = Int(blockSize / miniblocks)
    var values: [Int64] = []
    if total == 0 {
      _ = try zigzag(&page)
      return values
    }
    var value = try zigzag(&page)
    values.append(value)
    while values.count < Int(total) {
      let least = try zigzag(&page)
      let widths = Array(try page.readRaw(Int(miniblocks)))
      for width in widths {
        // Miniblocks past the last value are not stored.
        if values.count >= Int(total) { break }
        guard width <= 64 else { throw page.corrupt("packed values of \(width) bits") }
        let bytes = try page.readRaw(perMiniblock * Int(width) / 8)
        for index in 0..<min(perMiniblock, Int(total) - values.count) {
          var distance: UInt64 = 0
          let firstBit = index * Int(width)
          var bit = 0
          while bit < Int(width) {
            let position = firstBit + bit
            let take = min(8 - position % 8, Int(width) - bit)
            let part = UInt64(bytes[position / 8]) >> UInt64(position % 8) & ((1 << UInt64(take)) - 1)
            distance |= part << UInt64(bit)
            bit += take
          }
          value = value &+ least &+ Int64(bitPattern: distance)
          values.append(value)
        }
      }
    }
    return values
  }

  private static func zigzag(_ page: inout ByteReader) throws(PulsehouseError) -> Int64 {
    let value = try page.readVarint()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// Reads DELTA_LENGTH_BYTE_ARRAY: all lengths as deltas, then all bytes.
  static func byteArrays(_ page: inout ByteReader, atMost limit: Int) throws(PulsehouseError) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for length in try integers(&page, atMost: limit) {
      guard let count = Int(exactly: length) else { throw page.corrupt("a length of \(length)") }
      result.append(Array(try page.readRaw(count)))
    }
    return result
  }

  /// Reads DELTA_BYTE_ARRAY: lengths of the prefixes shared with the value before, then the rest of each.
  static func prefixedByteArrays(_ page: inout ByteReader, atMost limit: Int) throws(PulsehouseError) -> [[UInt8]] {
    let prefixes = try integers(&page, atMost: limit)
    let suffixes = try byteArrays(&page, atMost: limit)
    guard prefixes.count == suffixes.count else { throw page.corrupt("prefixes and rests differ in number") }
    var result: [[UInt8]] = []
    var previous: [UInt8] = []
    var total = 0
    for (prefix, suffix) in zip(prefixes, suffixes) {
      guard (0...Int64(previous.count)).contains(prefix) else { throw page.corrupt("a prefix of \(prefix) bytes") }
      previous = Array(previous.prefix(Int(prefix))) + suffix
      total += previous.count
      // A prefix costs no bytes, so it must not be a way to fill all memory.
      guard total < 1 << 31 else { throw page.corrupt("values that unpack to too much") }
      result.append(previous)
    }
    return result
  }
}
