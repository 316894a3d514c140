import Vectors

/// Where the text of a column's values lies: cells of `CellColumn.width` bytes, or at offsets. At least that many bytes
/// are readable from every value's start.
struct CellSource {
  var base: UnsafeRawPointer
  var lengths: UnsafePointer<Int>
  /// Nil: one cell after the other.
  var offsets: UnsafePointer<Int>?
}

/// The text of up to `rowCount` values of one column, each with its terminator.
///
/// Integers, dates, timestamps and doubles go into cells by tight loops. Whatever those do not understand (years beyond
/// four digits, other types, dialects that quote everything) is written value by value as everywhere else. A string
/// dictionary is written once.
final class CellColumn {
  static let rowCount = 256
  static let width = 32

  private let format: DelimitedFormat
  private let terminator: UInt8
  private let isFast: Bool
  private let cells: UnsafeMutablePointer<UInt8>
  private let lengths: UnsafeMutablePointer<Int>
  private let offsets: UnsafeMutablePointer<Int>
  /// Values that are not in cells.
  private let long = TextBuffer(capacity: 1 << 14)
  private let scratch = TextBuffer(capacity: 128)
  private var dictionary = DictionaryText()
  private let digits = QuadWriter()
  private(set) var source: CellSource

  init(_ format: DelimitedFormat, terminator: UInt8) {
    self.format = format
    self.terminator = terminator
    isFast = format.leavesNumbersPlain
    cells = .allocate(capacity: (CellColumn.rowCount + 1) * CellColumn.width)
    cells.initialize(repeating: 0, count: (CellColumn.rowCount + 1) * CellColumn.width)
    lengths = .allocate(capacity: CellColumn.rowCount)
    lengths.initialize(repeating: 0, count: CellColumn.rowCount)
    offsets = .allocate(capacity: CellColumn.rowCount)
    offsets.initialize(repeating: 0, count: CellColumn.rowCount)
    source = CellSource(base: UnsafeRawPointer(cells), lengths: UnsafePointer(lengths), offsets: nil)
  }

  deinit {
    cells.deallocate()
    lengths.deallocate()
    offsets.deallocate()
  }

  /// Returns the vector in a form that `fill` takes: dictionaries of strings stay.
  static func prepared(_ vector: Vector) -> Vector {
    vector.form == .flat || vector.form == .dictionary && vector.type == .text ? vector : vector.flattened()
  }

  /// Takes rows `start ..< start + count` of a prepared vector; returns how many bytes their text has.
  func fill(_ vector: Vector, _ start: Int, _ count: Int) -> Int {
    precondition(start >= 0 && count <= CellColumn.rowCount && start + count <= vector.count, "rows of the vector")
    if vector.type == .text {
      fillText(vector, start, count)
    } else if !isFast || !fillCells(vector, start, count) {
      fillGenerally(vector, start, count)
    } else {
      source = CellSource(base: UnsafeRawPointer(cells), lengths: UnsafePointer(lengths), offsets: nil)
      if let validity = vector.validity { fillNulls(validity, start, count) }
    }
    var total = 0
    var row = 0
    while row < count {
      total &+= lengths[row]
      row &+= 1
    }
    return total
  }

  /// Returns false when some value needs more than the loops know; values under NULL rows may be anything.
  private func fillCells(_ vector: Vector, _ start: Int, _ count: Int) -> Bool {
    switch vector.type {
    case .smallint: fillIntegers(vector.values(as: Int16.self) + start, count)
    case .integer: fillIntegers(vector.values(as: Int32.self) + start, count)
    case .bigint: fillIntegers(vector.values(as: Int64.self) + start, count)
    case .double: fillDoubles(vector.values(as: Double.self) + start, count)
    case .date: return fillDates(vector.values(as: Int32.self) + start, count)
    case .timestamp: return fillTimestamps(vector.values(as: Int64.self) + start, count)
    default: return false
    }
    return true
  }

  private func fillIntegers<Value: FixedWidthInteger & SignedInteger>(_ values: UnsafePointer<Value>, _ count: Int) {
    let digits = self.digits
    let terminator = self.terminator
    var cell = cells
    var row = 0
    while row < count {
      let length = digits.signed(Int64(truncatingIfNeeded: values[row]), cell)
      cell[length] = terminator
      lengths[row] = length &+ 1
      cell += CellColumn.width
      row &+= 1
    }
  }

  private func fillDoubles(_ values: UnsafePointer<Double>, _ count: Int) {
    let digits = self.digits
    let terminator = self.terminator
    var cell = cells
    var row = 0
    while row < count {
      let value = values[row]
      // As in `FloatText`: a decimal of up to 15 digits that reads back the same is the shortest one.
      let scaled = (value * 1e6).rounded(.toNearestOrEven)
      let length: Int
      if scaled.magnitude < 1e15, scaled / 1e6 == value, value.magnitude >= 1e-4 {
        length = writeMillionths(Int64(scaled), cell, digits)
      } else {
        length = FloatText.write(value, to: cell)
      }
      cell[length] = terminator
      lengths[row] = length &+ 1
      cell += CellColumn.width
      row &+= 1
    }
  }

  @inline(__always)
  private func writeMillionths(_ value: Int64, _ output: UnsafeMutablePointer<UInt8>, _ digits: QuadWriter) -> Int {
    output[0] = 0x2D
    var length = value < 0 ? 1 : 0
    let magnitude = value.magnitude
    let whole = magnitude / 1_000_000
    let fraction = magnitude % 1_000_000
    length &+= digits.number(whole, output + length)
    if fraction == 0 { return length }
    output[length] = 0x2E
    digits.four(fraction / 100, output + length + 1)
    UnsafeMutableRawPointer(output + length + 5).storeBytes(
      of: UInt16(truncatingIfNeeded: digits.pair(fraction % 100)), as: UInt16.self)
    length &+= 7
    while output[length &- 1] == 0x30 { length &-= 1 }
    return length
  }

  /// The text of a day of a year of four digits: `YYYY-MM-` and `DD`.
  @inline(__always)
  private static func day(_ days: Int64, _ digits: QuadWriter) -> (UInt64, UInt64) {
    let date = Calendar.date(fromDays: days)
    let dash: UInt64 = 0x2D
    let year = UInt64(digits.quads[Int(truncatingIfNeeded: date.year)])
    let month = digits.pair(UInt64(truncatingIfNeeded: date.month))
    return (year | dash << 32 | month << 40 | dash << 56, digits.pair(UInt64(truncatingIfNeeded: date.day)))
  }

  /// 0001-01-01 and 10000-01-01, in days.
  private static let firstDay: Int64 = -719_162
  private static let endDay: Int64 = 2_932_897

  private func fillDates(_ values: UnsafePointer<Int32>, _ count: Int) -> Bool {
    let digits = self.digits
    var cell = UnsafeMutableRawPointer(cells)
    let terminator = UInt64(self.terminator)
    var row = 0
    while row < count {
      let days = Int64(values[row])
      guard days >= CellColumn.firstDay, days < CellColumn.endDay else { return false }
      let (head, tail) = CellColumn.day(days, digits)
      cell.storeBytes(of: head, as: UInt64.self)
      cell.storeBytes(of: tail | terminator << 16, toByteOffset: 8, as: UInt64.self)
      lengths[row] = 11
      cell += CellColumn.width
      row &+= 1
    }
    return true
  }

  private func fillTimestamps(_ values: UnsafePointer<Int64>, _ count: Int) -> Bool {
    let digits = self.digits
    let terminator = self.terminator
    let first = CellColumn.firstDay * Calendar.microsecondsPerDay
    let end = CellColumn.endDay * Calendar.microsecondsPerDay
    var cell = UnsafeMutableRawPointer(cells)
    var row = 0
    while row < count {
      let value = values[row]
      guard value >= first, value < end else { return false }
      // Counted from the first day, so that all divisions are of positive numbers.
      let sinceFirst = UInt64(bitPattern: value &- first)
      let allSeconds = sinceFirst / 1_000_000
      let fraction = sinceFirst % 1_000_000
      let days = allSeconds / 86_400
      let ofDay = UInt32(truncatingIfNeeded: allSeconds % 86_400)
      let hour = UInt64(ofDay / 3600)
      let minute = UInt64(ofDay / 60 % 60)
      let second = UInt64(ofDay % 60)
      let (head, tail) = CellColumn.day(Int64(bitPattern: days) &+ CellColumn.firstDay, digits)
      let colon: UInt64 = 0x3A
      cell.storeBytes(of: head, as: UInt64.self)
      let middle = tail | 0x20 << 16 | digits.pair(hour) << 24 | colon << 40 | digits.pair(minute) << 48
      cell.storeBytes(of: middle, toByteOffset: 8, as: UInt64.self)
      cell.storeBytes(of: colon | digits.pair(second) << 8, toByteOffset: 16, as: UInt64.self)
      var length = 19
      if fraction != 0 {
        let output = cell.assumingMemoryBound(to: UInt8.self) + 19
        output[0] = 0x2E
        digits.four(fraction / 100, output + 1)
        UnsafeMutableRawPointer(output + 5).storeBytes(
          of: UInt16(truncatingIfNeeded: digits.pair(fraction % 100)), as: UInt16.self)
        length = 26
        while cell.load(fromByteOffset: length &- 1, as: UInt8.self) == 0x30 { length &-= 1 }
      }
      cell.storeBytes(of: terminator, toByteOffset: length, as: UInt8.self)
      lengths[row] = length &+ 1
      cell += CellColumn.width
      row &+= 1
    }
    return true
  }

  private func fillNulls(_ validity: ValidityMask, _ start: Int, _ count: Int) {
    for row in 0..<count where !validity.isValid(start + row) {
      let cell = cells + row * CellColumn.width
      for (index, byte) in format.null.enumerated() { cell[index] = byte }
      cell[format.null.count] = terminator
      lengths[row] = format.null.count + 1
    }
  }

  // MARK: - Values of any length

  private func fillText(_ vector: Vector, _ start: Int, _ count: Int) {
    if let entries = vector.dictionary {
      if dictionary.isReady(entries, rows: count, format, terminator) {
        let codes = vector.codes + start
        let validity = vector.validity
        for row in 0..<count {
          let entry = validity.map { $0.isValid(start + row) } ?? true ? Int(codes[row]) : dictionary.nullEntry
          offsets[row] = dictionary.offsets[entry]
          lengths[row] = dictionary.offsets[entry + 1] - dictionary.offsets[entry]
        }
        source = CellSource(
          base: dictionary.text.bytes.baseAddress ?? UnsafeRawPointer(cells), lengths: UnsafePointer(lengths),
          offsets: UnsafePointer(offsets))
        return
      }
      let values = entries.values(as: StringReference.self)
      let codes = vector.codes + start
      return fillLong(count) { row in
        vector.isValid(start + row) ? values[Int(codes[row])].withBytes { format.append($0, to: long) } : appendNull()
      }
    }
    let values = vector.values(as: StringReference.self) + start
    fillLong(count) { row in
      vector.isValid(start + row) ? values[row].withBytes { format.append($0, to: long) } : appendNull()
    }
  }

  private func fillGenerally(_ vector: Vector, _ start: Int, _ count: Int) {
    let column = TextColumn(vector)
    fillLong(count) { row in
      if column.isNull(start + row) { return appendNull() }
      scratch.removeAll()
      column.append(start + row, into: scratch)
      format.append(scratch.bytes, to: long)
    }
  }

  private func appendNull() { for byte in format.null { long.append(byte) } }

  private func fillLong(_ count: Int, _ append: (Int) -> Void) {
    long.removeAll()
    for row in 0..<count {
      let before = long.count
      append(row)
      long.append(terminator)
      offsets[row] = before
      lengths[row] = long.count - before
    }
    _ = long.reserve(CellColumn.width)
    source = CellSource(
      base: UnsafeRawPointer(long.base), lengths: UnsafePointer(lengths), offsets: UnsafePointer(offsets))
  }
}

/// The entries of a string dictionary, quoted and with their terminator, NULL's text behind the last.
struct DictionaryText {
  let text = TextBuffer(capacity: 1 << 12)
  /// Where each entry starts, one more than entries and NULL.
  private(set) var offsets: [Int] = []
  var nullEntry: Int { offsets.count - 2 }
  private var written: Vector?
  private var seen: Vector?
  private var rowsSeen = 0

  /// Text beyond this is written row by row.
  private static let byteLimit = 64 << 20

  /// Returns true when the dictionary is written; it is once as many rows as entries have asked.
  mutating func isReady(_ entries: Vector, rows: Int, _ format: DelimitedFormat, _ terminator: UInt8) -> Bool {
    if written === entries { return true }
    if seen !== entries {
      seen = entries
      rowsSeen = 0
    }
    rowsSeen += rows
    guard rowsSeen >= entries.count else { return false }
    written = nil
    text.removeAll()
    offsets.removeAll(keepingCapacity: true)
    let values = entries.values(as: StringReference.self)
    for index in 0..<entries.count {
      offsets.append(text.count)
      values[index].withBytes { format.append($0, to: text) }
      text.append(terminator)
      if text.count > DictionaryText.byteLimit {
        // Not asked again before as many rows have passed.
        rowsSeen = -rowsSeen
        return false
      }
    }
    offsets.append(text.count)
    for byte in format.null { text.append(byte) }
    text.append(terminator)
    offsets.append(text.count)
    _ = text.reserve(CellColumn.width)
    written = entries
    return true
  }
}
