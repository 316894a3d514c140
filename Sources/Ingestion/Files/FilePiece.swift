import Bytes
import CKernels

/// Whole records of a text file that one thread reads.
struct FilePiece: Sendable {
  var path: String
  var range: Range<Int64>
  /// The number of its first line, from 1.
  var firstLine: Int64
  /// Whether the file begins here.
  var isFirst: Bool { range.lowerBound == 0 }

  /// Bytes of a piece, unless no record ends there.
  private static let byteCount = 8 << 20

  /// How a newline is told from one inside a record.
  enum Quoting {
    /// Every newline ends a record.
    case none
    /// One after an even number of these does; where a quote is escaped by another byte, none is trusted after the first
    /// quote.
    case by(UInt8, isDoubled: Bool)
    /// The file is one piece.
    case whole
  }

  /// Cuts a file behind newlines that end records. The file is read once for it.
  static func cut(_ path: String, _ quoting: Quoting) throws(PulsehouseError) -> [FilePiece] {
    let input = try CSVInput(path)
    let buffer = AlignedBuffer(byteCount: byteCount)
    var pieces: [FilePiece] = []
    var start: Int64 = 0
    var position: Int64 = 0
    var line: Int64 = 1
    var firstLine: Int64 = 1
    var quoteCount = 0
    while true {
      let count = try input.read(to: buffer.base, count: byteCount)
      if count > 0, let end = recordEnd(buffer, count, quoting, quoteCount) {
        let lines = Int64(ph_count_byte(buffer.base, end, 0x0A))
        pieces.append(FilePiece(path: path, range: start..<position + Int64(end), firstLine: firstLine))
        start = position + Int64(end)
        firstLine = line + lines
      }
      line += Int64(ph_count_byte(buffer.base, count, 0x0A))
      if case .by(let quote, _) = quoting { quoteCount += Int(ph_count_byte(buffer.base, count, quote)) }
      position += Int64(count)
      if count < byteCount { break }
    }
    if start < position || pieces.isEmpty {
      pieces.append(FilePiece(path: path, range: start..<position, firstLine: firstLine))
    }
    return pieces
  }

  /// Behind the last newline of a block that surely ends a record.
  private static func recordEnd(_ block: AlignedBuffer, _ count: Int, _ quoting: Quoting, _ quotesBefore: Int) -> Int? {
    var end = count
    for _ in 0..<64 {
      var place = end - 1
      while place >= 0, block.base.load(fromByteOffset: place, as: UInt8.self) != 0x0A { place -= 1 }
      if place < 0 { return nil }
      switch quoting {
      case .whole: return nil
      case .none: return place + 1
      case .by(let quote, let isDoubled):
        let quotes = quotesBefore + Int(ph_count_byte(block.base, place, quote))
        if isDoubled ? quotes % 2 == 0 : quotes == 0 { return place + 1 }
      }
      end = place
    }
    return nil
  }

  /// Reads its bytes; 64 zero bytes follow them.
  func load() throws(PulsehouseError) -> AlignedBuffer {
    let buffer = AlignedBuffer(byteCount: range.count)
    let count = try CSVInput(path, range: range).read(to: buffer.base, count: range.count)
    guard count == range.count else {
      throw PulsehouseError(.io, "the file became shorter while it was read", file: path)
    }
    return buffer
  }
}
