import Bytes

/// Reads structures in Thrift's compact protocol from bytes that may be damaged.
///
/// - Throws: `.corrupt` with the file and the offset.
struct ThriftReader {
  private(set) var input: ByteReader
  private var depth = 0
  /// Deeper structures than this are no Parquet.
  private static let maximumDepth = 24

  init(_ input: ByteReader) { self.input = input }

  /// A field's number and the kind of its value.
  struct Field {
    var number: Int
    var kind: UInt8
  }

  /// Calls `body` for every field of a structure; a field it does not read, by returning false, is stepped over.
  mutating func structure(_ body: (inout ThriftReader, Field) throws(PulsehouseError) -> Bool)
    throws(PulsehouseError)
  {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw input.corrupt("structures nested too deep") }
    var last = 0
    while true {
      let head = try input.readUInt8()
      if head == 0 { return }
      let step = Int(head >> 4)
      let kind = head & 15
      last = step == 0 ? Int(try zigzag()) : last + step
      let field = Field(number: last, kind: kind)
      if try !body(&self, field) { try skip(kind) }
    }
  }

  private mutating func zigzag() throws(PulsehouseError) -> Int64 {
    let value = try input.readVarint()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  private func expect(_ field: Field, _ kinds: ThriftWriter.Kind...) throws(PulsehouseError) {
    guard kinds.contains(where: { $0.rawValue == field.kind }) else {
      throw input.corrupt("field \(field.number) is of kind \(field.kind)")
    }
  }

  func bool(_ field: Field) throws(PulsehouseError) -> Bool {
    try expect(field, .yes, .no)
    return field.kind == ThriftWriter.Kind.yes.rawValue
  }

  mutating func integer(_ field: Field) throws(PulsehouseError) -> Int {
    try expect(field, .int8, .int16, .int32, .int64)
    if field.kind == ThriftWriter.Kind.int8.rawValue { return Int(Int8(bitPattern: try input.readUInt8())) }
    return Int(try zigzag())
  }

  mutating func binary(_ field: Field) throws(PulsehouseError) -> [UInt8] {
    try expect(field, .binary)
    return try input.readBytes()
  }

  mutating func text(_ field: Field) throws(PulsehouseError) -> String {
    try expect(field, .binary)
    return try input.readString()
  }

  mutating func nested(_ field: Field, _ body: (inout ThriftReader, Field) throws(PulsehouseError) -> Bool)
    throws(PulsehouseError)
  {
    try expect(field, .structure)
    try structure(body)
  }

  /// Calls `body` for each element of a list.
  mutating func list(_ field: Field, _ body: (inout ThriftReader, _ kind: UInt8) throws(PulsehouseError) -> Void)
    throws(PulsehouseError)
  {
    try expect(field, .list)
    let (count, kind) = try listHeader()
    for _ in 0..<count { try body(&self, kind) }
  }

  mutating func element(_ kind: UInt8) throws(PulsehouseError) -> Int {
    try integer(Field(number: 0, kind: kind))
  }

  mutating func textElement(_ kind: UInt8) throws(PulsehouseError) -> String {
    try text(Field(number: 0, kind: kind))
  }

  /// Returns the bytes that follow a structure.
  mutating func raw(_ count: Int) throws(PulsehouseError) -> UnsafeRawBufferPointer { try input.readRaw(count) }

  private mutating func listHeader() throws(PulsehouseError) -> (count: Int, kind: UInt8) {
    let head = try input.readUInt8()
    let count = head >> 4 == 15 ? try input.readCount() : Int(head >> 4)
    guard count <= input.remaining else { throw input.corrupt("a list of \(count) elements") }
    return (count, head & 15)
  }

  private mutating func skip(_ kind: UInt8) throws(PulsehouseError) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw input.corrupt("structures nested too deep") }
    switch kind {
    case 1, 2: break
    case 3: _ = try input.readUInt8()
    case 4, 5, 6: _ = try input.readVarint()
    case 7: _ = try input.readRaw(8)
    case 8: _ = try input.readSlice()
    case 9, 10:
      let (count, element) = try listHeader()
      for _ in 0..<count { try skipElement(element) }
    case 11:
      let count = try input.readCount()
      if count > 0 {
        let kinds = try input.readUInt8()
        for _ in 0..<count {
          try skipElement(kinds >> 4)
          try skipElement(kinds & 15)
        }
      }
    case 12: try structure { _, _ in false }
    default: throw input.corrupt("a value of unknown kind \(kind)")
    }
  }

  /// A truth value takes a byte in a list, and none as a field.
  private mutating func skipElement(_ kind: UInt8) throws(PulsehouseError) {
    if kind == 1 || kind == 2 {
      _ = try input.readUInt8()
    } else {
      try skip(kind)
    }
  }
}
