import Bytes
import Execution
import Kernels
import Vectors

/// Turns batches into CSV bytes as PostgreSQL's COPY writes them: values are quoted only where they must be, NULL is
/// the dialect's null text, an empty string is quoted so that it stays apart from NULL. One thread at a time.
package final class CSVWriter: TextEncoder {
  private let fields: [Field]
  private let text: DelimitedText

  /// Starts with the header when the dialect has one and `writesHeader` holds.
  package init(_ fields: [Field], dialect: CSVDialect, writesHeader: Bool = true) {
    self.fields = fields
    text = DelimitedText(
      columnCount: fields.count,
      format: DelimitedFormat(
        delimiter: dialect.delimiter, quote: dialect.quote, escape: dialect.escape, null: dialect.null,
        quotesAll: dialect.quotesAll, columnCount: fields.count))
    if dialect.hasHeader && writesHeader { text.appendHeader(fields.map(\.name)) }
  }

  /// Bytes that no `flush` has handed over yet.
  package var byteCount: Int { text.buffer.count }

  /// Adds the rows of `batch`, one column for each field. - Throws: `.internal` for another number of columns.
  package func append(_ batch: Batch) throws(PulsehouseError) {
    guard batch.columns.count == fields.count else {
      throw PulsehouseError(.internal, "\(batch.columns.count) columns for \(fields.count) fields of a CSV file")
    }
    text.append(batch)
  }

  /// Hands over what is collected when it is more than `limit` bytes.
  package func flush(
    ifLargerThan limit: Int, to write: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard byteCount > limit else { return }
    try write(text.buffer.bytes)
    text.buffer.removeAll()
  }

  /// Takes what is collected away as a buffer of its own.
  package func takeText() -> TextBuffer { text.takeBuffer() }
}
