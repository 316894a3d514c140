import Vectors

/// How rows become delimited text: the bytes between, around and in place of values.
package struct DelimitedFormat: Sendable {
  package let delimiter: UInt8
  package let quote: UInt8
  /// What stands before a quote inside quotes.
  package let escape: UInt8
  /// What stands for NULL, never in quotes.
  package let null: [UInt8]
  /// True quotes every value that is not NULL.
  package let quotesAll: Bool
  /// True when a single column's `\.` needs quotes, since alone on a line it would end the data for PostgreSQL.
  let guardsEndMark: Bool
  /// True for each byte that makes a value need quotes.
  private let special: [Bool]

  package init(
    delimiter: UInt8, quote: UInt8, escape: UInt8, null: [UInt8], quotesAll: Bool, columnCount: Int
  ) {
    self.delimiter = delimiter
    self.quote = quote
    self.escape = escape
    self.null = null
    self.quotesAll = quotesAll
    guardsEndMark = columnCount == 1
    var special = [Bool](repeating: false, count: 256)
    for byte in [delimiter, quote, 10, 13] { special[Int(byte)] = true }
    self.special = special
  }

  /// True when numbers, dates and times never need quotes and NULL is short: then they are written by the column.
  var leavesNumbersPlain: Bool {
    func isInNumbers(_ byte: UInt8) -> Bool {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x20, 0x2B, 0x2D, 0x2E, 0x3A: true
      default: false
      }
    }
    let nulls: [StaticString] = ["", "\\N", "NULL", "null", "NA", "N/A"]
    return !quotesAll && !isInNumbers(delimiter) && !isInNumbers(quote)
      && nulls.contains { text in
        null.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
      }
  }

  /// Appends a value's text, in quotes where it needs them.
  func append(_ text: UnsafeRawBufferPointer, to output: TextBuffer) {
    if !quotesAll, !needsQuotes(text) { return output.append(text) }
    output.append(quote)
    for byte in text {
      if byte == quote || byte == escape { output.append(escape) }
      output.append(byte)
    }
    output.append(quote)
  }

  private func needsQuotes(_ text: UnsafeRawBufferPointer) -> Bool {
    if text.count == null.count && text.elementsEqual(null) { return true }
    if guardsEndMark && text.count == 2 && text[0] == UInt8(ascii: "\\") && text[1] == UInt8(ascii: ".") {
      return true
    }
    return special.withUnsafeBufferPointer { special in
      var index = 0
      while index < text.count {
        if special[Int(text[index])] { return true }
        index &+= 1
      }
      return false
    }
  }
}
