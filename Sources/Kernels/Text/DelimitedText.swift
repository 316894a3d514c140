import Vectors

/// Turns batches into delimited text, such as CSV, column by column and then row by row. One thread at a time.
///
/// A block of rows at a time, each column writes the text of its values with the delimiter behind them into cells of a
/// fixed width (`CellColumn`); then the rows are put together, for most values by one copy of 32 bytes.
package final class DelimitedText {
  /// What is written and not taken yet.
  package private(set) var buffer = TextBuffer(capacity: 1 << 18)
  private let format: DelimitedFormat
  private let columns: [CellColumn]
  private let sources: UnsafeMutablePointer<CellSource>

  package init(columnCount: Int, format: DelimitedFormat) {
    self.format = format
    columns = (0..<columnCount).map { index in
      CellColumn(format, terminator: index == columnCount - 1 ? 0x0A : format.delimiter)
    }
    sources = .allocate(capacity: max(columnCount, 1))
  }

  deinit { sources.deallocate() }

  package func appendHeader(_ names: [String]) {
    for (index, name) in names.enumerated() {
      if index > 0 { buffer.append(format.delimiter) }
      var name = name
      name.withUTF8 { format.append(UnsafeRawBufferPointer($0), to: buffer) }
    }
    buffer.append(0x0A)
  }

  /// Adds the rows of `batch`, which has the columns the text was made for.
  package func append(_ batch: Batch) {
    precondition(batch.columns.count == columns.count, "a batch has a column for each of the text's")
    if columns.isEmpty { return buffer.append(repeating: 0x0A, count: batch.rowCount) }
    let vectors = batch.columns.map { CellColumn.prepared($0) }
    var start = 0
    while start < batch.rowCount {
      let count = min(CellColumn.rowCount, batch.rowCount - start)
      var byteCount = 0
      for (index, column) in columns.enumerated() {
        byteCount += column.fill(vectors[index], start, count)
        sources[index] = column.source
      }
      assemble(count, byteCount)
      start += count
    }
  }

  /// Hands over what is written, and goes on in a new buffer.
  package func takeBuffer() -> TextBuffer {
    defer { buffer = TextBuffer(capacity: max(buffer.count + buffer.count / 8, 1 << 16)) }
    return buffer
  }

  private func assemble(_ count: Int, _ byteCount: Int) {
    let start = buffer.reserve(byteCount + CellColumn.width)
    let sources = self.sources
    let columnCount = columns.count
    var output = UnsafeMutableRawPointer(start)
    var row = 0
    while row < count {
      var index = 0
      while index < columnCount {
        let length = sources[index].lengths[row]
        let offset = sources[index].offsets.map { $0[row] } ?? row &* CellColumn.width
        let text = sources[index].base + offset
        output.storeBytes(of: text.loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
        if length > CellColumn.width {
          (output + CellColumn.width).copyMemory(
            from: text + CellColumn.width, byteCount: length &- CellColumn.width)
        }
        output += length
        index &+= 1
      }
      row &+= 1
    }
    buffer.advance(by: byteCount)
  }
}
