import Bytes
import Engine
import Glibc
import Vectors

extension CSVReader {
  enum Field {
    case null
    case text(StringReference)
    case fault(CSVFault)
  }

  func field(_ record: Record, _ index: Int) -> Field {
    let start =
      index == 0 ? record.range.lowerBound : scannedFrom + Int(splitter.ends[record.firstEnd + index - 1]) + 1
    let isLast = index == record.fieldCount - 1
    let end = isLast ? record.range.upperBound : scannedFrom + Int(splitter.ends[record.firstEnd + index])
    let bytes = UnsafeRawPointer(block.base + start)
    let count = end - start
    if count > 0, bytes.load(as: UInt8.self) == dialect.quote { return quotedField(bytes, count, index) }
    if hasQuotes, memchr(bytes, Int32(dialect.quote), count) != nil { return .fault(.bareQuote(field: index)) }
    if count == dialect.null.count,
      count == 0 || isNull(bytes, count)
    {
      return .null
    }
    return .text(reference(bytes, count))
  }

  private func quotedField(_ bytes: UnsafeRawPointer, _ count: Int, _ index: Int) -> Field {
    let quote = dialect.quote
    guard count >= 2 else { return .fault(.unterminated) }
    let content = bytes + 1
    let length = count - 2
    let isDoubled = dialect.escape == quote
    let special = memchr(content, Int32(quote), length) != nil
    let isClosed = bytes.load(fromByteOffset: count - 1, as: UInt8.self) == quote
    if isClosed, !special, isDoubled || memchr(content, Int32(dialect.escape), length) == nil {
      return .text(reference(content, length))
    }
    // Escapes, or data after the closing quote.
    let output = columns.heap.allocate(count)
    var written = 0
    var read = 0
    while true {
      guard read < count - 1 else { return .fault(.afterQuote(field: index)) }
      let byte = content.load(fromByteOffset: read, as: UInt8.self)
      let next = read + 1 < count - 1 ? content.load(fromByteOffset: read + 1, as: UInt8.self) : 0
      let hasNext = read + 1 < count - 1
      if byte == dialect.escape, hasNext, next == quote || next == dialect.escape {
        output.storeBytes(of: next, toByteOffset: written, as: UInt8.self)
        read += 2
      } else if byte == quote {
        guard read == count - 2 else { return .fault(.afterQuote(field: index)) }
        return .text(StringReference(output, count: written))
      } else {
        output.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
        read += 1
      }
      written += 1
    }
  }

  @inline(__always)
  func reference(_ bytes: UnsafeRawPointer, _ count: Int) -> StringReference {
    count <= StringReference.inlineCapacity
      ? JSONText.inlineReference(bytes, count) : StringReference(bytes, count: count)
  }

  func isNull(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
    UnsafeRawBufferPointer(start: bytes, count: count).elementsEqual(dialect.null)
  }

  // MARK: - The header

  func readHeader(byName: Bool) throws(PulsehouseError) {
    let record: Record
    switch try nextRecord() {
    case .none, .later:
      guard byName, let first = targets.first else { return }
      throw PulsehouseError(
        .user, "the file is empty: its header must name column \"\(first.name)\"", sqlState: "22P04",
        file: name, line: 1)
    case .fault(let fault): throw PulsehouseError(.user, fault.words, sqlState: "22P04", file: name, line: 1)
    case .record(let found): record = found
    }
    var names: [String] = []
    for index in 0..<record.fieldCount {
      switch field(record, index) {
      case .fault(let fault): throw PulsehouseError(.user, fault.words, sqlState: "22P04", file: name, line: 1)
      case .null: names.append("")
      case .text(let text): names.append(text.string)
      }
    }
    take(record)
    guard byName else { return }
    columnOfField = names.map { name in targets.firstIndex { $0.name == name } ?? -1 }
    for (index, target) in targets.enumerated() {
      let fields = columnOfField.indices.filter { columnOfField[$0] == index }
      if fields.isEmpty {
        throw PulsehouseError(
          .user, "the header has no column \"\(target.name)\"", sqlState: "22P04",
          detail: "It names \(names.joined(separator: ", ")).", file: name, line: 1)
      }
      if fields.count > 1 {
        throw PulsehouseError(
          .user, "the header names column \"\(target.name)\" twice", sqlState: "22P04", file: name, line: 1)
      }
    }
  }
}
