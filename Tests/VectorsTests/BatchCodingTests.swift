import Bytes
import Testing
import Vectors

/// What is written of a batch is read again, and damage is an error.
@Suite struct BatchCodingTests {
  static let types: [LogicalType] = [
    .boolean, .smallint, .integer, .bigint, .real, .double, .text, .numeric(precision: nil, scale: nil), .interval,
    .uuid, .timestamp,
  ]

  static func value(_ type: LogicalType, _ row: Int) -> Scalar {
    if row % 7 == 3 { return .null }
    switch type.physical {
    case .boolean: return .boolean(row % 2 == 0)
    case .int16: return .integer(Int64(row % 300 - 150))
    case .int32: return .integer(row % 11 == 0 ? Int64(Int32.min) : Int64(row))
    case .int64: return .integer(row % 13 == 5 ? Int64.max : (row % 13 == 6 ? Int64.min : Int64(row) << 20))
    case .float32: return .real(Float(row) / 3)
    case .float64: return .double(row % 5 == 0 ? -0.0 : Double(row) / 7)
    case .string: return .text(row % 3 == 0 ? "a text longer than twelve bytes, \(row)" : "é\(row)")
    case .numeric: return .numeric(Numeric(mantissa: Int128(row) << 70, scale: 3))
    case .interval: return .interval(Interval(months: Int32(row), days: -1, microseconds: 5))
    case .uuid: return .uuid(UUIDValue(high: UInt64(row), low: ~0))
    }
  }

  static func batch(_ count: Int, from start: Int = 0) -> Batch {
    let columns = types.map { type in
      var builder = VectorBuilder(type, capacity: count)
      for row in 0..<count { builder.append(value(type, row + start)) }
      return builder.finish()
    }
    return Batch(columns, rowCount: count)
  }

  static func rows(_ batch: Batch) -> [[String]] {
    (0..<batch.rowCount).map { row in batch.columns.map { "\($0.scalar(at: row))" } }
  }

  @Test(arguments: [0, 1, 63, 64, 65, 2047, 2048, 5000]) func rowsComeBack(count: Int) throws {
    let batch = BatchCodingTests.batch(count)
    let bytes = BatchCoding.encode(batch)
    let again = try BatchCoding.decode(bytes, BatchCodingTests.types, rowCount: count)
    #expect(BatchCodingTests.rows(again) == BatchCodingTests.rows(batch))
  }

  @Test func constantsAndDictionariesKeepTheirForm() throws {
    let words = BatchCodingTests.batch(3, from: 4).columns[6]
    let codes = AlignedBuffer(byteCount: 40 * 4)
    for row in 0..<40 { codes.values(as: UInt32.self)[row] = UInt32(row % 3) }
    let mask = ValidityMask(count: 40, allValid: true)
    mask.set(9, valid: false)
    let coded = Vector(codes: codes, count: 40, dictionary: words, validity: mask)
    let columns = [
      coded, Vector(codes: codes, count: 40, dictionary: words), .constant(.date, .null, count: 40),
      .constant(.text, .text("always the same long text"), count: 40), .constant(.bigint, .integer(-5), count: 40),
    ]
    let batch = Batch(columns, rowCount: 40)
    let again = try BatchCoding.decode(BatchCoding.encode(batch), columns.map { $0.type }, rowCount: 40)
    #expect(again.columns.map { $0.form } == columns.map { $0.form })
    #expect(BatchCodingTests.rows(again) == BatchCodingTests.rows(batch))
  }

  @Test func shortenedAndForgedBytesAreErrors() throws {
    let batch = BatchCodingTests.batch(70)
    let bytes = BatchCoding.encode(batch)
    for length in stride(from: 0, to: bytes.byteCount, by: 16) {
      let part = AlignedBuffer(window: bytes.base, byteCount: length, owner: bytes)
      #expect(throws: PulsehouseError.self) {
        _ = try BatchCoding.decode(part, BatchCodingTests.types, rowCount: 70)
      }
    }
    // Any byte may change: rows or an error come of it, never a trap.
    for place in 0..<bytes.byteCount {
      let copy = AlignedBuffer(byteCount: bytes.byteCount)
      copy.base.copyMemory(from: bytes.base, byteCount: bytes.byteCount)
      copy.values(as: UInt8.self)[place] ^= 0xA5
      _ = try? BatchCoding.decode(copy, BatchCodingTests.types, rowCount: 70)
    }
  }
}
