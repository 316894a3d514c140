import Bytes
import Kernels
import Vectors

/// Turns batches into CSV bytes as PostgreSQL's COPY writes them: values are quoted only where they must be, NULL is
/// the dialect's null text, an empty string is quoted so that it stays apart from NULL. One thread at a time.
package final class CSVWriter {
  private let fields: [Field]
  private let dialect: CSVDialect
  private let buffer = TextBuffer(capacity: 1 << 18)
  /// Set for each byte that makes a value need quotes.
  private let special: [Bool]

  /// Starts with the header when the dialect has one.
  package init(_ fields: [Field], dialect: CSVDialect) {
    self.fields = fields
    self.dialect = dialect
    var special = [Bool](repeating: false, count: 256)
    for byte in [dialect.delimiter, dialect.quote, 10, 13] { special[Int(byte)] = true }
    self.special = special
    if dialect.hasHeader {
      for (index, field) in fields.enumerated() {
        if index > 0 { buffer.append(dialect.delimiter) }
        var name = field.name
        name.withUTF8 { appendText(UnsafeRawBufferPointer($0)) }
      }
      buffer.append(10)
    }
  }

  /// Adds the rows of `batch`, one column for each field. - Throws: `.internal` for another number of columns.
  package func append(_ batch: Batch) throws(PulsehouseError) {
    guard batch.columns.count == fields.count else {
      throw PulsehouseError(.internal, "\(batch.columns.count) columns for \(fields.count) fields of a CSV file")
    }
    let columns = batch.columns.map { TextColumn($0) }
    let needsCare = batch.columns.map { $0.type.physical == .string }
    let hasNulls = batch.columns.map { $0.validity != nil }
    for row in 0..<batch.rowCount {
      for index in columns.indices {
        if index > 0 { buffer.append(dialect.delimiter) }
        if hasNulls[index], columns[index].isNull(row) {
          for byte in dialect.null { buffer.append(byte) }
        } else if needsCare[index] {
          appendCarefully(batch.columns[index], columns[index], row)
        } else if dialect.quotesAll {
          buffer.append(dialect.quote)
          columns[index].append(row, into: buffer)
          buffer.append(dialect.quote)
        } else {
          columns[index].append(row, into: buffer)
        }
      }
      buffer.append(10)
    }
  }

  /// Hands over what is collected when it is more than `limit` bytes.
  package func flush(
    ifLargerThan limit: Int, to write: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard buffer.count > limit else { return }
    try write(buffer.bytes)
    buffer.removeAll()
  }

  private func appendCarefully(_ vector: Vector, _ column: TextColumn, _ row: Int) {
    guard vector.type != .bytea else {
      // Hexadecimal digits never need quotes.
      return column.append(row, into: buffer)
    }
    let source = vector.dictionary ?? vector
    let index = vector.form == .dictionary ? Int(vector.codes[row]) : vector.form == .constant ? 0 : row
    source.values(as: StringReference.self)[index].withBytes { appendText($0) }
  }

  private func appendText(_ text: UnsafeRawBufferPointer) {
    if !dialect.quotesAll, !mustBeQuoted(text) { return buffer.append(text) }
    buffer.append(dialect.quote)
    for byte in text {
      if byte == dialect.quote || byte == dialect.escape { buffer.append(dialect.escape) }
      buffer.append(byte)
    }
    buffer.append(dialect.quote)
  }

  private func mustBeQuoted(_ text: UnsafeRawBufferPointer) -> Bool {
    if text.count == dialect.null.count && text.elementsEqual(dialect.null) { return true }
    // `\.` alone on a line would end the data for PostgreSQL.
    if fields.count == 1 && text.count == 2 && text[0] == UInt8(ascii: "\\") && text[1] == UInt8(ascii: ".") {
      return true
    }
    for byte in text where special[Int(byte)] { return true }
    return false
  }
}
