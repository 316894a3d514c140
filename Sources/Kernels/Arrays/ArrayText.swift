import Bytes
import Vectors

/// Arrays as values: PostgreSQL's text of them, `{1,NULL,"a b"}`, one dimension, in canonical form.
///
/// An element is the text of a value of the array's element type, so that equal arrays are equal texts.
enum ArrayText {
  /// The elements of an array's text, nil for NULL.
  ///
  /// - Throws: 22P02 for what is no array, `.unsupported` for more dimensions.
  static func elements(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]?] {
    var reader = Reader(bytes: bytes)
    return try reader.read()
  }

  private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var malformed: PulsehouseError {
      PulsehouseError(
        .user, "malformed array literal: \"\(String(decoding: bytes, as: UTF8.self))\"", sqlState: "22P02")
    }

    private mutating func skipBlanks() {
      while index < bytes.count, TextCursor.isBlank(bytes[index]) { index += 1 }
    }

    mutating func read() throws -> [[UInt8]?] {
      skipBlanks()
      guard index < bytes.count, bytes[index] == 0x7B else { throw malformed }
      index += 1
      var result: [[UInt8]?] = []
      skipBlanks()
      if index < bytes.count, bytes[index] == 0x7D {
        index += 1
      } else {
        while true {
          result.append(try element())
          skipBlanks()
          guard index < bytes.count else { throw malformed }
          index += 1
          if bytes[index - 1] == 0x7D { break }
          guard bytes[index - 1] == 0x2C else { throw malformed }
        }
      }
      skipBlanks()
      guard index == bytes.count else { throw malformed }
      return result
    }

    private mutating func element() throws -> [UInt8]? {
      skipBlanks()
      guard index < bytes.count else { throw malformed }
      if bytes[index] == 0x7B { throw PulsehouseError(.unsupported, "arrays of several dimensions are not supported") }
      var text: [UInt8] = []
      if bytes[index] == 0x22 {
        index += 1
        while index < bytes.count, bytes[index] != 0x22 {
          if bytes[index] == 0x5C { index += 1 }
          guard index < bytes.count else { throw malformed }
          text.append(bytes[index])
          index += 1
        }
        guard index < bytes.count else { throw malformed }
        index += 1
        return text
      }
      var kept = 0
      var isPlain = true
      while index < bytes.count, bytes[index] != 0x2C, bytes[index] != 0x7D {
        if bytes[index] == 0x22 || bytes[index] == 0x7B { throw malformed }
        if bytes[index] == 0x5C {
          index += 1
          isPlain = false
          guard index < bytes.count else { throw malformed }
          text.append(bytes[index])
          kept = text.count
        } else {
          text.append(bytes[index])
          if !TextCursor.isBlank(bytes[index]) { kept = text.count }
        }
        index += 1
      }
      text.removeLast(text.count - kept)
      guard !text.isEmpty else { throw malformed }
      if isPlain, isNull(text) { return nil }
      return text
    }
  }

  private static func isNull(_ text: [UInt8]) -> Bool {
    text.count == 4 && zip(text, "null".utf8).allSatisfy { $0 | 0x20 == $1 }
  }

  static func write(_ elements: some Sequence<[UInt8]?>, _ out: TextBuffer) {
    out.append(0x7B)
    var isFirst = true
    for element in elements {
      if !isFirst { out.append(0x2C) }
      isFirst = false
      write(element, out)
    }
    out.append(0x7D)
  }

  private static func write(_ element: [UInt8]?, _ out: TextBuffer) {
    guard let element else { return out.append("NULL" as StaticString) }
    let needsQuotes =
      element.isEmpty || isNull(element)
      || element.contains {
        $0 == 0x22 || $0 == 0x5C || $0 == 0x2C || $0 == 0x7B || $0 == 0x7D || TextCursor.isBlank($0)
      }
    if needsQuotes { out.append(0x22) }
    for byte in element {
      if byte == 0x22 || byte == 0x5C { out.append(0x5C) }
      out.append(byte)
    }
    if needsQuotes { out.append(0x22) }
  }
}
