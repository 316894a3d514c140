import Bytes
import Engine
import Vectors

/// The first records of a CSV file as text, and what they say of its dialect and columns.
struct CSVSample {
  var dialect: CSVDialect
  var fields: [Field]

  /// Bytes looked at when a sample is asked for by rows.
  private static let byteLimit = 8 << 20

  /// - Parameters:
  ///   - hasHeader: nil to find out.
  ///   - findsDelimiter: whether to look for another delimiter than the dialect's.
  ///   - rowLimit: rows looked at; nil for all.
  /// - Throws: `.user` for a file without a record.
  init(
    _ path: String, _ dialect: CSVDialect, hasHeader: Bool?, findsDelimiter: Bool, rowLimit: Int?
  ) throws(PulsehouseError) {
    let limit = rowLimit == nil ? Int.max >> 1 : Self.byteLimit
    let input = try CSVInput(path)
    var bytes: [UInt8] = []
    let block = AlignedBuffer(byteCount: 1 << 20)
    var isWhole = false
    while bytes.count < limit {
      let count = try input.read(to: block.base, count: block.byteCount)
      bytes += UnsafeRawBufferPointer(start: block.base, count: count)
      if count < block.byteCount {
        isWhole = true
        break
      }
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    self.dialect = dialect
    let maximumRowCount = rowLimit.map { $0 + 1 } ?? Int.max
    var rows = Self.rows(bytes, dialect, maximumRowCount, isWhole: isWhole)
    if findsDelimiter {
      for other in [UInt8(ascii: ","), UInt8(ascii: "|"), UInt8(ascii: ";"), 0x09] where other != dialect.delimiter {
        var candidate = dialect
        candidate.delimiter = other
        let found = Self.rows(bytes, candidate, maximumRowCount, isWhole: isWhole)
        // The one that cuts every record into the same number of fields, and into most.
        if Self.width(found) > max(1, Self.width(rows)) {
          rows = found
          self.dialect = candidate
        }
      }
    }
    guard let first = rows.first else {
      throw PulsehouseError(.user, "the file is empty", sqlState: "22P04", hint: "Declare its columns.", file: path)
    }
    var guesses = [TypeGuess](repeating: TypeGuess(), count: first.count)
    for row in rows.dropFirst() {
      for (index, value) in row.enumerated() where index < guesses.count {
        if let value { guesses[index].see(value) }
      }
    }
    // A first record that is of other types than all others names the columns; so it does where all is text.
    let differs = zip(guesses, first).contains { guess, value in
      guard let value, let type = guess.type, type != .text else { return false }
      return !guess.takes(value)
    }
    let isTextual = guesses.allSatisfy { ($0.type ?? .text) == .text } && first.allSatisfy { $0 != nil }
    let isNamed = hasHeader ?? (differs || (isTextual && rows.count > 1))
    self.dialect.hasHeader = isNamed
    if !isNamed {
      for (index, value) in first.enumerated() { if let value { guesses[index].see(value) } }
    }
    let names = isNamed ? Self.unique(first) : Self.numbered(first.count)
    fields = zip(names, guesses).map { Field($0, $1.type ?? .text) }
  }

  private static func width(_ rows: [[String?]]) -> Int {
    guard let first = rows.first?.count, rows.allSatisfy({ $0.count == first }) else { return 0 }
    return first
  }

  private static func numbered(_ count: Int) -> [String] {
    let digits = String(max(0, count - 1)).count
    return (0..<count).map { "column" + String(repeating: "0", count: digits - String($0).count) + String($0) }
  }

  private static func unique(_ names: [String?]) -> [String] {
    var taken: Set<String> = []
    return names.enumerated().map { index, name in
      let plain = name.map { $0.isEmpty ? "column\(index)" : $0 } ?? "column\(index)"
      var result = plain
      var number = 0
      while !taken.insert(result).inserted {
        number += 1
        result = "\(plain)_\(number)"
      }
      return result
    }
  }

  /// Splits the first records; the last one only when the file ends with it. What quotes make no sense of is for the
  /// reader to refuse.
  private static func rows(_ bytes: [UInt8], _ dialect: CSVDialect, _ limit: Int, isWhole: Bool) -> [[String?]] {
    var rows: [[String?]] = []
    var row: [String?] = []
    var field: [UInt8] = []
    var isQuoted = false
    var isInside = false
    var index = 0
    func endField() {
      row.append(!isQuoted && field == dialect.null ? nil : String(decoding: field, as: UTF8.self))
      field = []
      isQuoted = false
    }
    func endRow() {
      if field.last == 0x0D, !isQuoted { field.removeLast() }
      endField()
      if row != [nil] { rows.append(row) }
      row = []
    }
    while index < bytes.count, rows.count < limit {
      let byte = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      if isInside {
        if byte == dialect.escape, next == dialect.quote, index + 1 < bytes.count {
          field.append(next)
          index += 1
        } else if byte == dialect.quote {
          isInside = false
        } else {
          field.append(byte)
        }
      } else if byte == dialect.quote, field.isEmpty {
        isInside = true
        isQuoted = true
      } else if byte == dialect.delimiter {
        endField()
      } else if byte == 0x0A {
        endRow()
      } else if byte != 0x0D || !isQuoted {
        field.append(byte)
      }
      index += 1
    }
    if isWhole, rows.count < limit, !field.isEmpty || !row.isEmpty || isQuoted { endRow() }
    return rows
  }
}
