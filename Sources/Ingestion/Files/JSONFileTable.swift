import Bytes
import CKernels
import Engine
import Execution
import Glibc
import Kernels
import Planning
import Vectors

/// `read_json`: files of JSON objects, one a line, one after the other over several lines, or in one array.
enum JSONFileTable {
  private enum Layout { case lines, values }

  static func table(_ request: FileRequest) throws -> FileTable {
    try request.allow("sample_size")
    let paths = try FilePaths.find(request.path, suffixes: [".json", ".jsonl", ".ndjson"], kind: "JSON")
    let fields =
      request.columns.isEmpty
      ? try guess(paths[0], rowLimit: try request.sampleSize()) : request.columns
    // Checks that JSON can fill these types, and that no name stands twice.
    _ = try JSONBatchBuilder(fields: fields.map { JSONField([$0.name], $0.type) }, capacity: 1)
    let isGuessed = request.columns.isEmpty
    var chunks: [TableChunk] = []
    for path in paths {
      let layout = try Self.layout(path)
      for piece in try FilePiece.cut(path, layout == .lines ? .none : .whole) {
        chunks.append(
          TableChunk(likelyRowCount: max(1, piece.range.count / 100)) { wanted, take in
            let chosen = wanted.isEmpty ? [0] : wanted
            let builder = try JSONBatchBuilder(
              fields: chosen.map { JSONField([fields[$0].name], fields[$0].type) }, capacity: 32_768)
            do {
              try read(piece, layout, builder) { rows in
                try take(Batch(wanted.isEmpty ? [] : rows.fields, rowCount: rows.rowCount))
              }
            } catch var error as PulsehouseError where error.kind == .user && isGuessed {
              error.hint = error.hint ?? FileRequest.guessHint("read_json")
              throw error
            }
          })
      }
    }
    return FileTable(schema: Schema(fields), chunks: chunks)
  }

  // MARK: Reading

  private static func read(
    _ piece: FilePiece, _ layout: Layout, _ builder: JSONBatchBuilder, _ take: (JSONRows) throws -> Void
  ) throws {
    let block = try piece.load()
    func flush() throws {
      if let rejected = builder.rejected.first {
        throw PulsehouseError(.user, rejected.reason, sqlState: "22P02", file: piece.path, line: Int(rejected.line))
      }
      if builder.rowCount > 0 { try take(builder.finish()) }
    }
    switch layout {
    case .lines:
      var position = 0
      var line = piece.firstLine
      while position < block.byteCount {
        let progress = builder.append(
          lines: block, from: position, to: block.byteCount, offset: 0, line: line, lastLine: .isFinal)
        position += progress.byteCount
        line += progress.newlineCount
        try flush()
      }
    case .values:
      var records = JSONRecordBounds(block, path: piece.path)
      while let record = try records.next() {
        // A zero byte ends the record for its reader; what stood there may be a newline that counts.
        let next = block.base.load(fromByteOffset: record.range.upperBound, as: UInt8.self)
        block.base.storeBytes(of: 0, toByteOffset: record.range.upperBound, as: UInt8.self)
        defer { block.base.storeBytes(of: next, toByteOffset: record.range.upperBound, as: UInt8.self) }
        _ = builder.append(
          record: block, from: record.range.lowerBound, to: record.range.upperBound, offset: 0, line: record.line)
        if builder.isFull || !builder.rejected.isEmpty { try flush() }
      }
      try flush()
    }
  }

  // MARK: Columns

  /// One record a line where the first one ends with its line.
  private static func layout(_ path: String) throws -> Layout {
    let block = try head(path, byteLimit: 1 << 20)
    var records = JSONRecordBounds(block, path: path)
    guard let first = try? records.next(), !records.isArray else { return .values }
    let inside = ph_count_byte(block.base + first.range.lowerBound, first.range.count, 0x0A)
    return inside == 0 ? .lines : .values
  }

  private static func head(_ path: String, byteLimit: Int) throws -> AlignedBuffer {
    let size = try LocalFileSystem().status(path)?.byteCount ?? 0
    return try FilePiece(path: path, range: 0..<min(size, Int64(byteLimit)), firstLine: 1).load()
  }

  /// Looks at the first records: a column for each key, in the order in which they are first seen.
  private static func guess(_ path: String, rowLimit: Int?) throws -> [Field] {
    let size = Int(try LocalFileSystem().status(path)?.byteCount ?? 0)
    let limit = rowLimit == nil ? size : min(size, 8 << 20)
    let block = try head(path, byteLimit: limit)
    var records = JSONRecordBounds(block, path: path)
    var order: [String] = []
    var guesses: [String: TypeGuess] = [:]
    // Keys of which one type cannot hold all values: objects, arrays, a number here and a word there.
    var mixed: Set<String> = []
    var kinds: [String: Int] = [:]
    func see(_ kind: Int, of key: String) {
      if kinds.updateValue(kind, forKey: key) ?? kind != kind { mixed.insert(key) }
    }
    var count = 0
    while count < rowLimit ?? .max {
      let found: JSONRecordBounds.Record?
      do {
        found = try records.next()
      } catch let error {
        // The last record may be cut off by the sample.
        if limit < size, count > 0 { break }
        throw error
      }
      guard let record = found else { break }
      count += 1
      let members: [JSONMember]
      do {
        members = try JSONMember.read(
          UnsafeRawBufferPointer(start: block.base + record.range.lowerBound, count: record.range.count))
      } catch var error as PulsehouseError {
        error.file = path
        error.line = Int(record.line)
        throw error
      }
      for member in members {
        if guesses[member.key] == nil {
          guesses[member.key] = TypeGuess()
          order.append(member.key)
        }
        switch member.kind {
        case .null: break
        case .boolean:
          see(1, of: member.key)
          guesses[member.key]?.see("true")
        case .number(let digits):
          see(2, of: member.key)
          guesses[member.key]?.see(digits)
        case .string(let text):
          see(3, of: member.key)
          // "5" is a string, not a number.
          if TypeGuess.isNumber(text) || ["true", "false"].contains(text.lowercased()) {
            guesses[member.key]?.seeText()
          } else {
            guesses[member.key]?.see(text)
          }
        case .nested: mixed.insert(member.key)
        }
      }
    }
    guard !order.isEmpty else {
      throw PulsehouseError(
        .user, "the file has no record with a member", sqlState: "22P02", hint: "Declare its columns.", file: path)
    }
    return order.map { key in
      // Without values nothing is known.
      Field(key, mixed.contains(key) ? .json : guesses[key]?.type ?? .json)
    }
  }
}

/// Finds the objects of a JSON file: alone, one after the other, or the elements of one array.
struct JSONRecordBounds {
  struct Record {
    var range: Range<Int>
    var line: Int64
  }

  private let block: AlignedBuffer
  private let path: String
  private var position = 0
  private var line: Int64 = 1
  private(set) var isArray = false
  private var isFirst = true

  init(_ block: AlignedBuffer, path: String) {
    self.block = block
    self.path = path
    if block.byteCount >= 3, byte(0) == 0xEF, byte(1) == 0xBB, byte(2) == 0xBF { position = 3 }
  }

  private func byte(_ index: Int) -> UInt8 { block.base.load(fromByteOffset: index, as: UInt8.self) }

  private func failure(_ message: String) -> PulsehouseError {
    PulsehouseError(.user, message, sqlState: "22P02", file: path, line: Int(line))
  }

  /// Returns the next object; nil at the end. Its inside is for whoever reads it to check.
  mutating func next() throws(PulsehouseError) -> Record? {
    while position < block.byteCount {
      switch byte(position) {
      case 0x0A:
        line += 1
        position += 1
      case 0x20, 0x09, 0x0D, 0: position += 1
      case UInt8(ascii: "["):
        guard isFirst else { throw failure("expected a JSON object, found an array") }
        isFirst = false
        isArray = true
        position += 1
      case UInt8(ascii: ",") where isArray, UInt8(ascii: "]") where isArray: position += 1
      case UInt8(ascii: "{"):
        isFirst = false
        return try object()
      default: throw failure("expected a JSON object")
      }
    }
    return nil
  }

  private mutating func object() throws(PulsehouseError) -> Record {
    let start = position
    let firstLine = line
    var depth = 0
    while position < block.byteCount {
      let current = byte(position)
      position += 1
      switch current {
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { return Record(range: start..<position, line: firstLine) }
      case 0x0A: line += 1
      case UInt8(ascii: "\""):
        while position < block.byteCount, byte(position) != UInt8(ascii: "\"") {
          if byte(position) == UInt8(ascii: "\\") { position += 1 }
          if position < block.byteCount, byte(position) == 0x0A { line += 1 }
          position += 1
        }
        position += 1
      default: break
      }
    }
    line = firstLine
    throw failure("the JSON object never ends")
  }
}
