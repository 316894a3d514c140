import Bytes
import Vectors

/// Writes rows as Avro of one schema: a record of numbers, booleans and text, each possibly null, and of records of those.
package struct AvroWriter: Sendable {
  package let schema: AvroSchema
  /// The columns it writes, in order: a path each, and the type of its vectors.
  package let fields: [JSONField]
  private let head: [UInt8]
  private let steps: [Step]

  /// What one value's bytes are.
  private struct Step: Sendable {
    enum Kind: Sendable { case boolean, long, float, double, text }
    var kind: Kind
    /// The branches' numbers where the value may be null.
    var union: (null: UInt8, value: UInt8)?
  }

  /// - Throws: `.unsupported` for a schema with other parts than those above.
  package init(_ schema: AvroSchema) throws(PulsehouseError) {
    self.schema = schema
    var fields: [JSONField] = []
    var steps: [Step] = []
    try Self.collect(schema, [], &fields, &steps)
    self.fields = fields
    self.steps = steps
    head = [0xC3, 0x01] + (0..<8).map { UInt8(truncatingIfNeeded: schema.fingerprint >> UInt64(8 * $0)) }
  }

  private static func collect(
    _ schema: AvroSchema, _ path: [String], _ fields: inout [JSONField], _ steps: inout [Step]
  ) throws(PulsehouseError) {
    func leaf(_ type: AvroSchema, _ union: (null: UInt8, value: UInt8)?) throws(PulsehouseError) {
      let (kind, column): (Step.Kind, LogicalType)
      switch type {
      case .boolean: (kind, column) = (.boolean, .boolean)
      case .int: (kind, column) = (.long, .integer)
      case .long: (kind, column) = (.long, .bigint)
      case .float: (kind, column) = (.float, .real)
      case .double: (kind, column) = (.double, .double)
      case .string: (kind, column) = (.text, .text)
      default:
        throw PulsehouseError(
          .unsupported, "writing Avro is not supported for \(path.joined(separator: ".")): \(type.canonicalForm)")
      }
      steps.append(Step(kind: kind, union: union))
      fields.append(JSONField(path, column))
    }
    switch schema {
    case .record(_, let members):
      for member in members { try collect(member.type, path + [member.name], &fields, &steps) }
    case .union(let branches):
      guard branches.count == 2, let null = branches.firstIndex(of: .null) else {
        throw PulsehouseError(.unsupported, "writing Avro is not supported for a union other than of null and a type")
      }
      try leaf(branches[1 - null], (UInt8(null) * 2, UInt8(1 - null) * 2))
    default: try leaf(schema, nil)
    }
  }

  /// Appends a row as a single object: head and value. False, with nothing appended, when a value is NULL that the schema
  /// does not let be null. `columns` are flat vectors of `fields`.
  package func append(row: Int, of columns: [Vector], to bytes: inout [UInt8]) -> Bool {
    let start = bytes.count
    bytes += head
    if append(datum: row, of: columns, to: &bytes) { return true }
    bytes.removeLast(bytes.count - start)
    return false
  }

  /// Appends a row's value alone, as in blocks of many.
  package func append(datum row: Int, of columns: [Vector], to bytes: inout [UInt8]) -> Bool {
    for (index, step) in steps.enumerated() {
      let column = columns[index]
      let isValid = column.isValid(row)
      if let union = step.union {
        bytes.append(isValid ? union.value : union.null)
        if !isValid { continue }
      } else if !isValid {
        return false
      }
      switch step.kind {
      case .boolean: bytes.append(column.values(as: UInt8.self)[row])
      case .long:
        Self.append(
          column.type == .integer ? Int64(column.values(as: Int32.self)[row]) : column.values(as: Int64.self)[row],
          &bytes)
      case .float:
        withUnsafeBytes(of: column.values(as: Float.self)[row].bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
      case .double:
        withUnsafeBytes(of: column.values(as: Double.self)[row].bitPattern.littleEndian) {
          bytes.append(contentsOf: $0)
        }
      case .text:
        column.values(as: StringReference.self)[row].withBytes { text in
          Self.append(Int64(text.count), &bytes)
          bytes.append(contentsOf: text)
        }
      }
    }
    return true
  }

  private static func append(_ number: Int64, _ bytes: inout [UInt8]) {
    var rest = UInt64(bitPattern: (number << 1) ^ (number >> 63))
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
