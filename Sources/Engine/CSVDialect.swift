import Bytes

/// How CSV is written down. The default is what PostgreSQL's `COPY ... (FORMAT csv)` reads and writes.
package struct CSVDialect: Sendable, Hashable {
  package var delimiter = UInt8(ascii: ",")
  package var quote = UInt8(ascii: "\"")
  /// What stands before a quote inside quotes; the quote itself means that quotes are doubled.
  package var escape = UInt8(ascii: "\"")
  /// What an unquoted field spells when it is NULL.
  package var null: [UInt8] = []
  /// True when the first record names the columns.
  package var hasHeader = false
  /// True quotes every value that is not NULL when writing.
  package var quotesAll = false

  package init(hasHeader: Bool = false) { self.hasHeader = hasHeader }

  /// Throws `.user` for a dialect that cannot be read back.
  package func validate() throws(PulsehouseError) {
    let lineEnds: [UInt8] = [10, 13]
    if lineEnds.contains(delimiter) || lineEnds.contains(quote) || lineEnds.contains(escape)
      || null.contains(where: lineEnds.contains)
    {
      throw PulsehouseError(
        .user, "CSV delimiter, quote, escape and null text cannot hold a newline or carriage return",
        sqlState: "22023")
    }
    if delimiter == quote {
      throw PulsehouseError(.user, "CSV delimiter and quote must be different", sqlState: "22023")
    }
    if null.contains(delimiter) {
      throw PulsehouseError(.user, "CSV delimiter must not appear in the null text", sqlState: "22023")
    }
    if null.contains(quote) {
      throw PulsehouseError(.user, "CSV quote must not appear in the null text", sqlState: "22023")
    }
  }
}
