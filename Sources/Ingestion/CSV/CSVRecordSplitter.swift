import Bytes
import CKernels
import Engine
import Glibc

/// Finds where CSV records and their fields end.
struct CSVRecordSplitter {
  let dialect: CSVDialect
  /// The ends of fields and records outside quotes, ascending: places of delimiters and newlines.
  private(set) var ends: UnsafeMutablePointer<UInt32>
  private(set) var endCount = 0
  /// True when the bytes end inside quotes.
  private(set) var endsInside = false
  private var capacity: Int

  init(_ dialect: CSVDialect) {
    self.dialect = dialect
    capacity = 1024
    ends = .allocate(capacity: capacity)
  }

  func deallocate() { ends.deallocate() }

  /// Scans `count` bytes (below 4 GiB, 64 more are readable) that start at the start of a record.
  mutating func scan(_ bytes: UnsafeRawPointer, _ count: Int) {
    if capacity < count + 64 {
      ends.deallocate()
      capacity = count + 64
      ends = .allocate(capacity: capacity)
    }
    if dialect.escape == dialect.quote {
      var inside: UInt64 = 0
      endCount = ph_csv_structure(bytes, count, dialect.delimiter, dialect.quote, &inside, ends)
      endsInside = inside != 0
    } else {
      scanByByte(bytes, count)
    }
  }

  /// The same where another character than the quote escapes quotes.
  private mutating func scanByByte(_ bytes: UnsafeRawPointer, _ count: Int) {
    var isInside = false
    var index = 0
    endCount = 0
    while index < count {
      let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
      if isInside, byte == dialect.escape, index + 1 < count {
        let next = bytes.load(fromByteOffset: index + 1, as: UInt8.self)
        if next == dialect.quote || next == dialect.escape {
          index += 2
          continue
        }
      }
      if byte == dialect.quote {
        isInside.toggle()
      } else if !isInside, byte == dialect.delimiter || byte == 0x0A {
        ends[endCount] = UInt32(truncatingIfNeeded: index)
        endCount += 1
      }
      index += 1
    }
    endsInside = isInside
  }
}

/// Why a CSV record does not fit.
enum CSVFault {
  case missing(column: String)
  case extra(expected: Int)
  case bareQuote(field: Int)
  case afterQuote(field: Int)
  case unterminated
  case invalidUTF8
  case nulByte
  case tooLong(limit: Int)

  /// Returns the reason in PostgreSQL's words where it has some.
  var words: String {
    switch self {
    case .missing(let column): "missing data for column \"\(column)\""
    case .extra(let expected): "extra data after last expected column (\(expected) are expected)"
    case .bareQuote(let field): "a bare quote inside unquoted field \(field + 1)"
    case .afterQuote(let field): "data after the closing quote of field \(field + 1)"
    case .unterminated: "unterminated CSV quoted field"
    case .invalidUTF8: "invalid byte sequence for encoding \"UTF8\""
    case .nulByte: "a zero byte, which text cannot hold"
    case .tooLong(let limit): "a record longer than \(limit) bytes"
    }
  }
}
