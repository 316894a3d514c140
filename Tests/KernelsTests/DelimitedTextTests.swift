import Bytes
import Glibc
import Testing
import Vectors

@testable import Kernels

/// Columns written together are what their values are one by one.
@Suite struct DelimitedTextTests {
  static func format(
    _ delimiter: Character = ",", null: String = "", quotesAll: Bool = false, escape: Character = "\"",
    columnCount: Int
  ) -> DelimitedFormat {
    DelimitedFormat(
      delimiter: delimiter.asciiValue ?? 44, quote: UInt8(ascii: "\""), escape: escape.asciiValue ?? 34,
      null: Array(null.utf8), quotesAll: quotesAll, columnCount: columnCount)
  }

  /// The plain way: a value, its quotes, the next value.
  static func reference(_ batch: Batch, _ format: DelimitedFormat) -> [UInt8] {
    var output: [UInt8] = []
    for row in 0..<batch.rowCount {
      for (index, column) in batch.columns.enumerated() {
        if index > 0 { output.append(format.delimiter) }
        guard let text = TextFormat.string(column.scalar(at: row), column.type) else {
          output += format.null
          continue
        }
        let bytes = Array(text.utf8)
        let isMark = batch.columns.count == 1 && text == "\\."
        let needsQuotes =
          format.quotesAll || isMark || bytes == format.null
          || bytes.contains { [format.delimiter, format.quote, 10, 13].contains($0) }
        if !needsQuotes {
          output += bytes
          continue
        }
        output.append(format.quote)
        for byte in bytes {
          if byte == format.quote || byte == format.escape { output.append(format.escape) }
          output.append(byte)
        }
        output.append(format.quote)
      }
      output.append(10)
    }
    return output
  }

  static func check(_ batches: [Batch], _ format: DelimitedFormat, _ words: String) {
    let text = DelimitedText(columnCount: batches.first?.columns.count ?? 0, format: format)
    for batch in batches { text.append(batch) }
    let expected = batches.flatMap { reference($0, format) }
    let buffer = text.takeBuffer()
    let given = withExtendedLifetime(buffer) { Array(buffer.bytes) }
    #expect(given == expected, "\(words)")
  }

  @Test(arguments: [1, 255, 256, 257, 600]) func everyTypeAndForm(count: Int) {
    var random = SeededGenerator(UInt64(count) + 3)
    let types = Samples.types
    for nullShare in [0, 20] {
      let columns = types.flatMap { type in
        [Vector.Form.flat, .constant, .dictionary].map {
          Samples.vector(type, count: count, form: $0, nullShare: nullShare, &random)
        }
      }
      let batch = Batch(columns, rowCount: count)
      Self.check([batch, batch], Self.format(columnCount: columns.count), "the default")
      Self.check([batch], Self.format("\t", null: "NULL", columnCount: columns.count), "tabs, NULL")
      Self.check([batch], Self.format(";", null: "0", columnCount: columns.count), "zeros are quoted, NULL is 0")
      Self.check([batch], Self.format("-", columnCount: columns.count), "a delimiter that is in dates")
      Self.check([batch], Self.format(quotesAll: true, escape: "\\", columnCount: columns.count), "quotes for all")
    }
  }

  @Test func numbersOfEveryLength() {
    var random = SeededGenerator(5)
    var integers: [Scalar] = [.integer(.min), .integer(.max), .integer(0), .null]
    var power: Int64 = 1
    for _ in 0..<19 {
      for step: Int64 in [-1, 0, 1] { integers += [.integer(power + step), .integer(-(power + step))] }
      power = power &* 10
    }
    while integers.count < 1000 {
      integers.append(.integer(Int64(bitPattern: random.next()) >> Int64(random.next() % 63)))
    }
    let bigints = Vector.of(.bigint, integers)
    let small = Vector.of(.smallint, (0..<1000).map { .integer(Int64(Int16(truncatingIfNeeded: $0 &* 77))) })
    let days = Vector.of(
      .date, (0..<1000).map { $0 % 97 == 0 ? .null : .integer(Int64.random(in: -800_000...3_000_000, using: &random)) })
    let moments = Vector.of(
      .timestamp,
      (0..<1000).map { row in
        let second = Int64.random(in: -62_000_000_000...250_000_000_000, using: &random)
        let fraction: Int64 = [0, 0, 1, 999_999, 500_000, 120_000, 123_450][row % 7]
        return .integer(second * 1_000_000 + fraction)
      })
    let batch = Batch([bigints, small, days, moments], rowCount: 1000)
    Self.check([batch], Self.format(columnCount: 4), "numbers")
  }

  @Test func textThatNeedsQuotes() {
    let values = [
      "", "\\.", "a,b", "say \"no\"", "two\nlines", "\r", "plain", "NULL", "é, ü",
      String(repeating: "long ", count: 40), String(repeating: "\"", count: 40),
    ]
    let rows = (0..<300).map { values[$0 % values.count] }
    let flat = Vector.of(.text, rows.map { .text($0) })
    let entries = Vector.of(.text, values.map { .text($0) })
    let codes = AlignedBuffer(byteCount: 300 * 4)
    for row in 0..<300 { codes.values(as: UInt32.self)[row] = UInt32(row % values.count) }
    let coded = Vector(codes: codes, count: 300, dictionary: entries)
    for null in ["", "NULL", "\\N"] {
      Self.check([Batch([flat], rowCount: 300)], Self.format(null: null, columnCount: 1), "one column, NULL \(null)")
      Self.check(
        [Batch([coded, flat], rowCount: 300), Batch([flat, coded], rowCount: 300)],
        Self.format(null: null, columnCount: 2), "two columns, NULL \(null)")
    }
  }

  /// Held against the digits that the standard library finds, and PostgreSQL's rule for halves.
  @Test func doublesInTheFewestDigits() {
    var random = SeededGenerator(9)
    func text(_ value: Double, _ write: (Double, UnsafeMutablePointer<UInt8>) -> Int) -> String {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FloatText.maximumLength) { buffer in
        guard let base = buffer.baseAddress else { return "" }
        return String(decoding: UnsafeBufferPointer(start: base, count: write(value, base)), as: UTF8.self)
      }
    }
    for round in 0..<6000 {
      let value: Double
      switch round % 5 {
      case 0:
        value = Double(Int64.random(in: 1...5000, using: &random)) / Double(Int64.random(in: 1...90, using: &random))
      case 1: value = Double.random(in: -1000...1000, using: &random)
      case 2:
        value = Double(Int64.random(in: 1...562_949_953_421_311, using: &random)) + Double(random.next() % 64) / 64
      case 3: value = scalbn(1 + Double(random.next() % 5) * Double.ulpOfOne, Int32(random.next() % 58) - 8)
      default: value = Double(bitPattern: random.next() & 0x800F_FFFF_FFFF_FFFF | (1000 + random.next() % 80) << 52)
      }
      let fast = text(value) { FloatText.write($0, to: $1) }
      let slow = text(value) { FloatText.writeGenerally($0, to: $1) }
      #expect(fast == slow, "\(value)")
    }
  }
}
