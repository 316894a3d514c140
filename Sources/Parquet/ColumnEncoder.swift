import Bytes
import Vectors

/// Turns one column of a row group into its pages.
///
/// Text is written by dictionary while the dictionary stays small; everything else plain. Pages hold up to
/// `pageRowCount` rows.
struct ColumnEncoder {
  private(set) var bytes: [UInt8] = []
  private(set) var chunk = ColumnChunk()
  /// The digits behind the point of a numeric column.
  private(set) var scale: Int?

  private let column: ParquetColumn
  private let options: ParquetOptions
  private var bounds = ColumnBounds()

  private static let pageRowCount = 32_768

  init(_ column: ParquetColumn, _ vectors: [Vector], scale: Int?, _ options: ParquetOptions)
    throws(PulsehouseError)
  {
    self.column = column
    self.options = options
    self.scale = scale
    if case .numeric(_, let declared) = column.field.type {
      self.scale = declared ?? scale ?? Self.widestScale(vectors)
    }
    chunk.path = [column.field.name]
    chunk.type = column.stored
    chunk.codec = options.isCompressed ? .zstd : .none
    chunk.valueCount = vectors.reduce(0) { $0 + $1.count }
    chunk.nullCount = vectors.reduce(0) { $0 + $1.nullCount }
    var pages: [[Vector]] = []
    var rows = 0
    for vector in vectors {
      if pages.isEmpty || rows + vector.count > Self.pageRowCount {
        pages.append([])
        rows = 0
      }
      pages[pages.count - 1].append(vector)
      rows += vector.count
    }
    if column.stored == .byteArray, let dictionary = TextDictionary(vectors) {
      try writeDictionary(dictionary)
      chunk.dataPageOffset = bytes.count
      for page in pages { try write(page, dictionary) }
      chunk.encodings = [.plain, .runLength, .runLengthDictionary]
    } else {
      for page in pages { try write(page) }
      chunk.encodings = [.plain, .runLength]
    }
    chunk.minimum = bounds.minimum
    chunk.maximum = bounds.maximum
  }

  private static func widestScale(_ vectors: [Vector]) -> Int? {
    var widest: Int?
    for vector in vectors {
      for row in 0..<vector.count {
        if case .numeric(let value) = vector.scalar(at: row), value.special == 0 {
          widest = max(widest ?? 0, Int(value.scale))
        }
      }
    }
    return widest
  }

  // MARK: Pages

  private mutating func writeDictionary(_ dictionary: TextDictionary) throws(PulsehouseError) {
    chunk.dictionaryPageOffset = 0
    var header = PageHeader()
    header.kind = .dictionary
    header.valueCount = dictionary.count
    for entry in 0..<dictionary.count { dictionary.withEntry(entry) { bounds.note(text: $0) } }
    try emit(dictionary.plainBytes, &header)
  }

  private mutating func write(_ vectors: [Vector], _ dictionary: TextDictionary) throws(PulsehouseError) {
    var body = levels(vectors)
    let width = dictionary.count <= 1 ? 0 : Int.bitWidth - (dictionary.count - 1).leadingZeroBitCount
    var codes: [UInt32] = []
    for vector in vectors { dictionary.codes(of: vector, into: &codes) }
    body.append(UInt8(width))
    codes.withUnsafeBufferPointer { HybridRunLength.encode($0, width: width, into: &body) }
    var header = PageHeader()
    header.valueCount = vectors.reduce(0) { $0 + $1.count }
    header.encoding = .runLengthDictionary
    try emit(body, &header)
  }

  private mutating func write(_ vectors: [Vector]) throws(PulsehouseError) {
    var body = levels(vectors)
    if column.stored == .boolean {
      appendBooleans(vectors, &body)
    } else {
      for vector in vectors { try append(vector, &body) }
    }
    var header = PageHeader()
    header.valueCount = vectors.reduce(0) { $0 + $1.count }
    try emit(body, &header)
  }

  private mutating func emit(_ body: [UInt8], _ header: inout PageHeader) throws(PulsehouseError) {
    let stored = options.isCompressed ? try Zstd.compress(body) : body
    header.uncompressedByteCount = body.count
    header.compressedByteCount = stored.count
    let head = header.encode()
    bytes.append(contentsOf: head)
    bytes.append(contentsOf: stored)
    chunk.uncompressedByteCount += head.count + body.count
    chunk.compressedByteCount += head.count + stored.count
  }

  /// The definition levels, 1 for a value and 0 for NULL, behind their length.
  private func levels(_ vectors: [Vector]) -> [UInt8] {
    var levels: [UInt32] = []
    for vector in vectors {
      if vector.validity == nil {
        levels.append(contentsOf: repeatElement(1, count: vector.count))
      } else {
        for row in 0..<vector.count { levels.append(vector.isValid(row) ? 1 : 0) }
      }
    }
    var encoded: [UInt8] = []
    levels.withUnsafeBufferPointer { HybridRunLength.encode($0, width: 1, into: &encoded) }
    return Self.little(UInt32(encoded.count)) + encoded
  }

  // MARK: Values

  static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private mutating func appendBooleans(_ vectors: [Vector], _ body: inout [UInt8]) {
    var byte: UInt8 = 0
    var bits = 0
    for vector in vectors {
      for row in 0..<vector.count {
        guard case .boolean(let value) = vector.scalar(at: row) else { continue }
        bounds.note([value ? 1 : 0], orderedBy: value ? 1 : 0)
        if value { byte |= 1 << UInt8(bits) }
        bits += 1
        if bits == 8 {
          body.append(byte)
          byte = 0
          bits = 0
        }
      }
    }
    if bits > 0 { body.append(byte) }
  }

  private mutating func append(_ vector: Vector, _ body: inout [UInt8]) throws(PulsehouseError) {
    switch (vector.type.physical, column.stored) {
    case (.int16, .int32): return appendIntegers(vector.flattened(), Int16.self, as: Int32.self, &body)
    case (.int32, .int32): return appendIntegers(vector.flattened(), Int32.self, as: Int32.self, &body)
    case (.int64, .int64): return appendIntegers(vector.flattened(), Int64.self, as: Int64.self, &body)
    case (.float64, .double): return appendDoubles(vector.flattened(), &body)
    default: break
    }
    for row in 0..<vector.count {
      let scalar = vector.scalar(at: row)
      switch (scalar, column.stored) {
      case (.null, _): continue
      case (.integer(let value), .int32):
        let encoded = Self.little(Int32(truncatingIfNeeded: value))
        bounds.note(encoded, orderedBy: Int128(value))
        body.append(contentsOf: encoded)
      case (.integer(let value), .int64):
        let encoded = Self.little(value)
        bounds.note(encoded, orderedBy: Int128(value))
        body.append(contentsOf: encoded)
      case (.real(let value), .float):
        bounds.note(real: Double(value), encoded: Self.little(value.bitPattern))
        body.append(contentsOf: Self.little(value.bitPattern))
      case (.double(let value), .double):
        bounds.note(real: value, encoded: Self.little(value.bitPattern))
        body.append(contentsOf: Self.little(value.bitPattern))
      case (.text(let text), .byteArray):
        let utf8 = Array(text.utf8)
        bounds.note(text: utf8)
        body.append(contentsOf: Self.little(UInt32(utf8.count)))
        body.append(contentsOf: utf8)
      case (.bytes(let value), .byteArray):
        bounds.note(text: value)
        body.append(contentsOf: Self.little(UInt32(value.count)))
        body.append(contentsOf: value)
      case (.numeric(let value), _): try append(value, &body)
      case (.interval(let value), _): try append(value, &body)
      case (.uuid(let value), _):
        let encoded = Self.big(value.high) + Self.big(value.low)
        bounds.note(text: encoded)
        body.append(contentsOf: encoded)
      default: throw PulsehouseError(.internal, "a \(scalar) in a Parquet column of \(column.field.type)")
      }
    }
  }

  private mutating func appendIntegers<Source: FixedWidthInteger & BitwiseCopyable, Target: FixedWidthInteger>(
    _ vector: Vector, _ source: Source.Type, as target: Target.Type, _ body: inout [UInt8]
  ) {
    let values = vector.values(as: source)
    var least = Source.max
    var greatest = Source.min
    var row = 0
    while row < vector.count {
      if vector.validity == nil || vector.isValid(row) {
        let value = values[row]
        least = min(least, value)
        greatest = max(greatest, value)
        withUnsafeBytes(of: Target(truncatingIfNeeded: value).littleEndian) { body.append(contentsOf: $0) }
      }
      row += 1
    }
    guard least <= greatest else { return }
    bounds.note(Self.little(Target(truncatingIfNeeded: least)), orderedBy: Int128(least))
    bounds.note(Self.little(Target(truncatingIfNeeded: greatest)), orderedBy: Int128(greatest))
  }

  private mutating func appendDoubles(_ vector: Vector, _ body: inout [UInt8]) {
    let values = vector.values(as: Double.self)
    var least = Double.infinity
    var greatest = -Double.infinity
    var nan: Double?
    var isEmpty = true
    var row = 0
    while row < vector.count {
      if vector.validity == nil || vector.isValid(row) {
        let value = values[row]
        if value.isNaN { nan = value }
        if value < least { least = value }
        if value > greatest { greatest = value }
        isEmpty = false
        withUnsafeBytes(of: value.bitPattern.littleEndian) { body.append(contentsOf: $0) }
      }
      row += 1
    }
    if isEmpty { return }
    for value in [nan, least, greatest].compactMap(\.self) {
      bounds.note(real: value, encoded: Self.little(value.bitPattern))
    }
  }

  private static func big<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }

  private mutating func append(_ value: Numeric, _ body: inout [UInt8]) throws(PulsehouseError) {
    func failure(_ hint: String) -> PulsehouseError {
      PulsehouseError(
        .user, "the value \(value) of column \"\(column.field.name)\" cannot be written as a Parquet decimal",
        sqlState: "22003", hint: hint)
    }
    guard value.special == 0 else { throw failure("Parquet's decimals know no \(value); cast the column to text.") }
    let wanted = Int32(scale ?? 0)
    var mantissa = value.mantissa
    var have = value.scale
    while have < wanted {
      let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
      if overflow { throw failure("It has more than 38 digits; cast the column to numeric(p, s) or text.") }
      mantissa = product
      have += 1
    }
    while have > wanted {
      guard mantissa % 10 == 0 else {
        throw failure(
          "The column's first rows have \(wanted) digits behind the point; cast it to numeric(p, s).")
      }
      mantissa /= 10
      have -= 1
    }
    let encoded: [UInt8]
    switch column.stored {
    case .int32: encoded = Self.little(Int32(truncatingIfNeeded: mantissa))
    case .int64: encoded = Self.little(Int64(truncatingIfNeeded: mantissa))
    default: encoded = Self.big(mantissa)
    }
    bounds.note(encoded, orderedBy: mantissa)
    body.append(contentsOf: encoded)
  }

  private func append(_ value: Interval, _ body: inout [UInt8]) throws(PulsehouseError) {
    guard value.months >= 0, value.days >= 0, value.microseconds >= 0, value.microseconds % 1000 == 0,
      let milliseconds = UInt32(exactly: value.microseconds / 1000)
    else {
      throw PulsehouseError(
        .user, "an interval of column \"\(column.field.name)\" cannot be written as Parquet's", sqlState: "22008",
        hint: "Parquet's intervals are whole milliseconds and not negative; cast the column to text.")
    }
    body.append(contentsOf: Self.little(UInt32(value.months)) + Self.little(UInt32(value.days)))
    body.append(contentsOf: Self.little(milliseconds))
  }
}

/// The least and greatest value of a column chunk, as its statistics show them.
private struct ColumnBounds {
  private(set) var minimum: [UInt8]?
  private(set) var maximum: [UInt8]?
  private var least: Int128 = 0
  private var greatest: Int128 = 0
  private var leastReal = 0.0
  private var greatestReal = 0.0
  private var hasNaN = false
  private var isTooLong = false

  /// Longer text than this is no use as a bound.
  private static let longestText = 64

  mutating func note(_ encoded: [UInt8], orderedBy value: Int128) {
    if minimum == nil || value < least { (minimum, least) = (encoded, value) }
    if maximum == nil || value > greatest { (maximum, greatest) = (encoded, value) }
  }

  mutating func note(real value: Double, encoded: [UInt8]) {
    // Statistics do not say where a NaN stands, so there are none with one.
    if value.isNaN { hasNaN = true }
    if hasNaN {
      (minimum, maximum) = (nil, nil)
      return
    }
    if minimum == nil || value < leastReal { (minimum, leastReal) = (encoded, value) }
    if maximum == nil || value > greatestReal { (maximum, greatestReal) = (encoded, value) }
    // Zero has two signs, and a bound must stand for both.
    if leastReal == 0, let width = minimum?.count { minimum?[width - 1] |= 0x80 }
    if greatestReal == 0, let width = maximum?.count { maximum?[width - 1] &= 0x7F }
  }

  mutating func note(text: [UInt8]) {
    if text.count > Self.longestText { isTooLong = true }
    if isTooLong {
      (minimum, maximum) = (nil, nil)
      return
    }
    if minimum.map({ text.lexicographicallyPrecedes($0) }) ?? true { minimum = text }
    if maximum.map({ $0.lexicographicallyPrecedes(text) }) ?? true { maximum = text }
  }
}
