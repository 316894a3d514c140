import Bytes
import Kernels

/// Turns Avro single objects of one schema into the JSON that says the same, which then is read as all JSON is: so the
/// rows, and what fits, are the same on every wire.
///
/// A single object is `C3 01`, the schema's fingerprint (8 bytes, little-endian) and the value's bytes.
package struct AvroReader: Sendable {
  private let fingerprint: UInt64
  private let plan: Plan
  private static let depthLimit = 64

  /// - Throws: `.user` unless the schema is a record.
  package init(_ schema: AvroSchema) throws(PulsehouseError) {
    guard case .record = schema else {
      throw PulsehouseError(.user, "the Avro schema of a source is a record", sqlState: "42804")
    }
    fingerprint = schema.fingerprint
    plan = Plan(schema)
  }

  /// A schema with all its JSON that does not depend on values already written.
  private indirect enum Plan: Sendable {
    case null, boolean, int, long, float, double, bytes, string
    case fixed(Int)
    /// The symbols as JSON.
    case enumeration([[UInt8]])
    case array(Plan)
    case map(Plan)
    case union([Plan])
    /// Each field with what stands before its value: brace or comma, and its name.
    case record([(before: [UInt8], plan: Plan)])

    init(_ schema: AvroSchema) {
      switch schema {
      case .null: self = .null
      case .boolean: self = .boolean
      case .int: self = .int
      case .long: self = .long
      case .float: self = .float
      case .double: self = .double
      case .bytes: self = .bytes
      case .string: self = .string
      case .fixed(_, let byteCount): self = .fixed(byteCount)
      case .enumeration(_, let symbols): self = .enumeration(symbols.map(Cursor.quoted))
      case .array(let element): self = .array(Plan(element))
      case .map(let element): self = .map(Plan(element))
      case .union(let branches): self = .union(branches.map { Plan($0) })
      case .record(_, let fields):
        self = .record(
          fields.enumerated().map { index, field in
            (Array((index == 0 ? "{" : ",").utf8) + Cursor.quoted(field.name) + [UInt8(ascii: ":")], Plan(field.type))
          })
      }
    }
  }

  /// Why a message cannot be read.
  package struct Fault: Error {
    package var reason: String
  }

  /// Appends the object's JSON. What was appended before a fault is of no meaning.
  package func append(_ message: UnsafeRawBufferPointer, to text: inout [UInt8]) throws(Fault) {
    guard message.count >= 10, message[0] == 0xC3, message[1] == 0x01 else {
      throw Fault(reason: "not an Avro single object: it does not start with C3 01 and a fingerprint")
    }
    let found = UInt64(littleEndian: message.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
    guard found == fingerprint else {
      throw Fault(
        reason:
          "Avro of another schema: its fingerprint is \(hexadecimal(found)), the source's \(hexadecimal(fingerprint))")
    }
    var cursor = Cursor(bytes: message, index: 10)
    try cursor.value(plan, &text, 0)
    guard cursor.index == message.count else {
      throw Fault(reason: "Avro: \(message.count - cursor.index) bytes after the end of the record")
    }
  }

  /// Appends the JSON of a record's bytes without a head, which start at `index`, and moves that past them.
  package func append(datum bytes: UnsafeRawBufferPointer, at index: inout Int, to text: inout [UInt8]) throws(Fault) {
    var cursor = Cursor(bytes: bytes, index: index)
    try cursor.value(plan, &text, 0)
    index = cursor.index
  }

  private struct Cursor {
    let bytes: UnsafeRawBufferPointer
    var index: Int

    private func ends() -> Fault { Fault(reason: "Avro: the record ends early, at byte \(bytes.count + 1)") }

    private mutating func long() throws(Fault) -> Int64 {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while true {
        guard index < bytes.count else { throw ends() }
        let byte = bytes[index]
        index += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { break }
        shift += 7
        guard shift < 64 else { throw Fault(reason: "Avro: an integer of too many bytes at byte \(index)") }
      }
      return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    private mutating func take(_ count: Int64) throws(Fault) -> UnsafeRawBufferPointer {
      guard count >= 0, count <= Int64(bytes.count - index) else { throw ends() }
      defer { index += Int(count) }
      return UnsafeRawBufferPointer(rebasing: bytes[index..<index + Int(count)])
    }

    mutating func value(_ plan: Plan, _ text: inout [UInt8], _ depth: Int) throws(Fault) {
      guard depth < AvroReader.depthLimit else { throw Fault(reason: "Avro: nested too deep") }
      switch plan {
      case .null: text += "null".utf8
      case .boolean:
        let byte = try take(1)[0]
        guard byte < 2 else { throw Fault(reason: "Avro: a boolean of \(byte) at byte \(index)") }
        text += byte == 1 ? "true".utf8 : "false".utf8
      case .int:
        let number = try long()
        guard Int32(exactly: number) != nil else { throw Fault(reason: "Avro: an int out of range at byte \(index)") }
        Self.append(number, &text)
      case .long: Self.append(try long(), &text)
      case .float:
        let number = Float(bitPattern: UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self)))
        try finite(number.isFinite)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { digits in
          guard let base = digits.baseAddress else { return }
          text.append(contentsOf: UnsafeBufferPointer(start: base, count: FloatText.write(number, to: base)))
        }
      case .double:
        let number = Double(bitPattern: UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self)))
        try finite(number.isFinite)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { digits in
          guard let base = digits.baseAddress else { return }
          text.append(contentsOf: UnsafeBufferPointer(start: base, count: FloatText.write(number, to: base)))
        }
      case .string: Self.append(string: try take(try long()), &text)
      case .bytes: Self.append(latin: try take(try long()), &text)
      case .fixed(let count): Self.append(latin: try take(Int64(count)), &text)
      case .enumeration(let symbols):
        let number = try long()
        guard symbols.indices.contains(Int(clamping: number)) else {
          throw Fault(reason: "Avro: an enum has no symbol \(number), at byte \(index)")
        }
        text += symbols[Int(number)]
      case .union(let branches):
        let number = try long()
        guard branches.indices.contains(Int(clamping: number)) else {
          throw Fault(reason: "Avro: a union has no branch \(number), at byte \(index)")
        }
        try value(branches[Int(number)], &text, depth + 1)
      case .array(let element): try items("[", "]", element, isMap: false, &text, depth)
      case .map(let element): try items("{", "}", element, isMap: true, &text, depth)
      case .record(let fields):
        if fields.isEmpty { text.append(UInt8(ascii: "{")) }
        for field in fields {
          text += field.before
          try value(field.plan, &text, depth + 1)
        }
        text.append(UInt8(ascii: "}"))
      }
    }

    /// Blocks of items, each with its count; a negative one is followed by the block's bytes; zero ends them.
    private mutating func items(
      _ open: UnicodeScalar, _ close: UnicodeScalar, _ element: Plan, isMap: Bool, _ text: inout [UInt8],
      _ depth: Int
    ) throws(Fault) {
      text.append(UInt8(ascii: open))
      var isFirst = true
      while true {
        var count = try long()
        if count == 0 { break }
        if count < 0 {
          _ = try long()
          count = count == .min ? .max : -count
        }
        while count > 0 {
          let start = index
          if !isFirst { text.append(UInt8(ascii: ",")) }
          isFirst = false
          if isMap {
            Self.append(string: try take(try long()), &text)
            text.append(UInt8(ascii: ":"))
          }
          try value(element, &text, depth + 1)
          count -= 1
          // Items without bytes could be claimed by the billion.
          guard index > start || count < 65_536 else { throw Fault(reason: "Avro: \(count) items without bytes") }
        }
      }
      text.append(UInt8(ascii: close))
    }

    private func finite(_ isFinite: Bool) throws(Fault) {
      guard isFinite else { throw Fault(reason: "Avro: a number that is infinite or none, at byte \(index)") }
    }

    private static func append(_ number: Int64, _ text: inout [UInt8]) {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
        var rest = number.magnitude
        var first = 20
        repeat {
          first -= 1
          digits[first] = UInt8(truncatingIfNeeded: rest % 10) + 0x30
          rest /= 10
        } while rest > 0
        if number < 0 {
          first -= 1
          digits[first] = UInt8(ascii: "-")
        }
        text.append(contentsOf: UnsafeBufferPointer(rebasing: UnsafeBufferPointer(digits)[first...]))
      }
    }

    static func quoted(_ text: String) -> [UInt8] {
      var quoted: [UInt8] = []
      Array(text.utf8).withUnsafeBytes { append(string: $0, &quoted) }
      return quoted
    }

    /// Escapes what JSON must; what is no UTF-8 stays so, and is refused where JSON is read.
    private static func append(string: UnsafeRawBufferPointer, _ text: inout [UInt8]) {
      text.append(0x22)
      for byte in string {
        if byte == 0x22 || byte == 0x5C {
          text.append(0x5C)
          text.append(byte)
        } else if byte < 0x20 {
          append(code: byte, &text)
        } else {
          text.append(byte)
        }
      }
      text.append(0x22)
    }

    /// Bytes as Avro's own JSON has them: each is the character of its number.
    private static func append(latin: UnsafeRawBufferPointer, _ text: inout [UInt8]) {
      text.append(0x22)
      for byte in latin {
        if byte < 0x20 || byte >= 0x7F || byte == 0x22 || byte == 0x5C {
          append(code: byte, &text)
        } else {
          text.append(byte)
        }
      }
      text.append(0x22)
    }

    private static func append(code: UInt8, _ text: inout [UInt8]) {
      let digits = Array("0123456789abcdef".utf8)
      text += "\\u00".utf8
      text.append(digits[Int(code >> 4)])
      text.append(digits[Int(code & 15)])
    }
  }
}
