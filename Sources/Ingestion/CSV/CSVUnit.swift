import Bytes
import Execution
import Vectors

/// Rows of a CSV file: typed vectors, and where each row's record began.
struct CSVRows: OrderedItem {
  var columns: [Vector]
  /// From 1.
  var lines: [Int64]
  var rowCount: Int
  /// Records that did not fit, in quarantine mode.
  var rejected: [RejectedRecord]
  /// Records seen: rows and rejected.
  var recordCount: Int64
  /// Bytes of the file read so far.
  var byteCount: Int64

  var weight: Int { rowCount }
  static var weightLimit: Int { 1 << 19 }
}

/// A share of a CSV file that a worker turns into rows.
enum CSVUnit {
  /// Whole lines in which no quote stands: every newline ends a record.
  case lines(CSVLines)
  /// Records that were found already, since quotes make sense in order only.
  case texts(CSVTexts)
}

struct CSVLines {
  var buffer: AlignedBuffer
  var range: Range<Int>
  /// Where the buffer's first byte lies in the file, and the number of the first line of `range`.
  var offset: Int64
  var firstLine: Int64
  var byteCount: Int64
}

/// The text of rows, column by column, and what becomes of those whose text is no value of its type.
struct CSVTexts {
  var columns: [Vector]
  var lines: [Int64]
  var ranges: [Range<Int>]
  var rejected: [RejectedRecord]
  var recordCount: Int64
  var buffer: AlignedBuffer
  /// Where the buffer's first byte lies in the file.
  var offset: Int64
  var byteCount: Int64
}
