import Bytes
import Parquet
import TestKit
import Testing
import Vectors

private let everyType: [Field] = [
  Field("boolean", .boolean), Field("smallint", .smallint), Field("integer", .integer), Field("bigint", .bigint),
  Field("real", .real), Field("double", .double), Field("n4", .numeric(precision: 4, scale: 2)),
  Field("n18", .numeric(precision: 18, scale: 6)), Field("n38", .numeric(precision: 38, scale: 10)),
  Field("text", .text), Field("bytes", .bytea), Field("date", .date), Field("time", .time),
  Field("timestamp", .timestamp), Field("timestamptz", .timestamptz), Field("interval", .interval),
  Field("uuid", .uuid), Field("json", .json),
]

private func value(_ type: LogicalType, _ row: Int) -> Scalar {
  if row % 7 == 3 { return .null }
  let number = Int64(row) * 2_654_435_761 % 1_000_003 - 500_000
  switch type {
  case .boolean: return .boolean(number % 3 == 0)
  case .smallint: return .integer(number % 32_768)
  case .integer, .date: return .integer(number)
  case .bigint: return .integer(row == 1 ? .min : row == 2 ? .max : number << 20)
  case .time: return .integer((number + 500_000) * 86_000)
  case .timestamp, .timestamptz: return .integer(number * 1_000_003)
  case .real: return .real(row == 5 ? -0.0 : Float(number) / 7)
  case .double: return .double(row == 5 ? .infinity : Double(number) / 7)
  case .numeric(_, let scale):
    return .numeric(Numeric(mantissa: Int128(number % 10_000), scale: Int32(scale ?? 0)))
  case .text: return .text(row % 5 == 0 ? "" : "größe \(number % 50)")
  case .bytea: return .bytes([0, 255, UInt8(truncatingIfNeeded: row)])
  case .interval: return .interval(Interval(months: Int32(row % 12), days: 3, microseconds: Int64(row) * 1000))
  case .uuid: return .uuid(UUIDValue(high: UInt64(row) << 40, low: ~UInt64(row)))
  default: return .text("{\"a\":\(row)}")
  }
}

private func rows(_ range: Range<Int>) -> Batch {
  Batch(everyType.map { field in Vector.of(field.type, range.map { value(field.type, $0) }) }, rowCount: range.count)
}

private func write(_ path: String, _ batches: [Batch], fields: [Field] = everyType, _ options: ParquetOptions) throws {
  let writer = try ParquetWriter(path, fields: fields, options: options)
  for batch in batches { try writer.append(batch) }
  try writer.finish()
}

private func failure(_ body: () throws -> Void) -> PulsehouseError? {
  do {
    try body()
    return nil
  } catch {
    return error as? PulsehouseError
  }
}

@Suite struct ParquetTests {
  @Test(arguments: [0, 1, 8, 9, 2500], [true, false])
  func whatIsWrittenIsRead(count: Int, isCompressed: Bool) throws {
    let folder = try TemporaryDirectory()
    var options = ParquetOptions()
    options.isCompressed = isCompressed
    options.rowGroupSize = 2100
    let batches = stride(from: 0, to: count, by: 700).map { rows($0..<min($0 + 700, count)) }
    try write(folder.path + "/a.parquet", batches, options)
    let reader = try ParquetReader(folder.path + "/a.parquet")
    #expect(reader.schema.fields.map(\.name) == everyType.map(\.name))
    #expect(reader.schema.fields.map(\.type) == everyType.map(\.type))
    #expect(reader.rowCount == count)
    #expect(reader.rowGroupCount == (count + 2099) / 2100)
    var row = 0
    for group in 0..<reader.rowGroupCount {
      let columns = try reader.read(rowGroup: group, columns: Array(everyType.indices))
      for index in 0..<reader.rowCount(rowGroup: group) {
        for (column, field) in zip(columns, everyType) {
          let read = column.scalar(at: index)
          if read != value(field.type, row) { Issue.record("row \(row) of \(field.name): \(read)") }
        }
        row += 1
      }
    }
    #expect(row == count)
  }

  @Test func manyTextsAreWrittenPlain() throws {
    let folder = try TemporaryDirectory()
    let texts = (0..<50_000).map { Scalar.text("text number \($0)") }
    let field = Field("t", .text)
    try write(
      folder.path + "/a.parquet", [Batch([Vector.of(.text, texts)], rowCount: texts.count)], fields: [field],
      ParquetOptions())
    let read = try ParquetReader(folder.path + "/a.parquet").read(rowGroup: 0, columns: [0])[0]
    for row in stride(from: 0, to: texts.count, by: 997) { #expect(read.scalar(at: row) == texts[row]) }
  }

  @Test func numericsWithoutScaleTakeThatOfTheFirstRows() throws {
    let folder = try TemporaryDirectory()
    let field = Field("n", .numeric(precision: nil, scale: nil))
    func numbers(_ scales: [Int32]) -> Batch {
      Batch(
        [Vector.of(field.type, scales.map { .numeric(Numeric(mantissa: 15, scale: $0)) })], rowCount: scales.count)
    }
    try write(folder.path + "/a.parquet", [numbers([0, 2, 1])], fields: [field], ParquetOptions())
    let reader = try ParquetReader(folder.path + "/a.parquet")
    #expect(reader.schema[0].type == .numeric(precision: 38, scale: 2))
    let column = try reader.read(rowGroup: 0, columns: [0])[0]
    #expect(column.scalar(at: 0) == .numeric(Numeric(mantissa: 1500, scale: 2)))
    var options = ParquetOptions()
    options.rowGroupSize = 1
    let error = failure {
      try write(folder.path + "/b.parquet", [numbers([0, 2])], fields: [field], options)
    }
    #expect(error?.kind == .user)
    #expect(error?.hint?.contains("numeric(p, s)") == true)
    #expect(try LocalFileSystem().status(folder.path + "/b.parquet") == nil)
  }

  /// Whatever is done to a file's bytes is answered by an error or by values, never by a trap.
  @Test(arguments: [true, false])
  func damageIsAnErrorOrAValue(isCompressed: Bool) throws {
    let folder = try TemporaryDirectory()
    var options = ParquetOptions()
    options.isCompressed = isCompressed
    let path = folder.path + "/a.parquet"
    try write(path, [rows(0..<12)], options)
    let files = LocalFileSystem()
    let whole = try files.readFile(path, limit: 1 << 20)
    func read(_ bytes: [UInt8]) throws {
      let file = try files.createFile(path, .truncating)
      try file.write(bytes)
      try file.close()
      let error = failure {
        let reader = try ParquetReader(path)
        for group in 0..<reader.rowGroupCount {
          for column in reader.schema.fields.indices {
            _ = failure { _ = try reader.read(rowGroup: group, columns: [column]) }
          }
        }
      }
      if let error { #expect([.corrupt, .unsupported].contains(error.kind), "\(error)") }
    }
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= [0x01, 0x80, 0xFF, 0x10][position % 4]
      try read(bytes)
    }
    for length in stride(from: 0, to: whole.count, by: 13) { try read(Array(whole[..<length])) }
  }

  @Test func whatIsNoParquetIsSaidSo() throws {
    let folder = try TemporaryDirectory()
    let file = try LocalFileSystem().createFile(folder.path + "/a.parquet", .truncating)
    try file.write(Array("a,b\n1,2\n3,4\n5,6\n".utf8))
    try file.close()
    #expect(
      failure { _ = try ParquetReader(folder.path + "/a.parquet") }?.message.hasPrefix("not a Parquet file") == true)
    #expect(failure { _ = try ParquetReader(folder.path + "/none.parquet") }?.kind == .io)
  }
}
