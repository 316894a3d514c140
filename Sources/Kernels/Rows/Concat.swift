import Bytes
import Vectors

/// Puts vectors of one type behind one another.
package enum Concat {
  /// Returns the rows of `parts` in order.
  ///
  /// Parts that share one dictionary stay dictionary-coded, equal constants stay constant, everything else becomes
  /// flat. Parts that lie end to end are not copied, nor are string bytes: the owners of all parts are kept.
  package static func vectors(_ parts: [Vector], type: LogicalType) -> Vector {
    let parts = parts.filter { $0.count > 0 }
    guard let first = parts.first else {
      return Vector(type, count: 0, buffer: AlignedBuffer(byteCount: 0))
    }
    for part in parts { precondition(part.type.physical == type.physical, "vectors of different types") }
    if parts.count == 1 { return first.retyped(as: type) }
    if let whole = Vector.joined(endToEnd: parts) { return whole.retyped(as: type) }
    let count = parts.reduce(0) { $0 + $1.count }
    if parts.allSatisfy({ isSameConstant($0, first) }) {
      let one = Vector(type, count: 1, buffer: first.buffer, validity: first.validity, owners: first.owners)
      return Vector(constant: one, count: count)
    }
    let mask = ValidityMask.joined(parts.map { ($0.rowValidity, $0.count) })
    if let dictionary = first.dictionary, parts.allSatisfy({ $0.dictionary === dictionary }) {
      let codes = AlignedBuffer(byteCount: count * 4)
      var offset = 0
      for part in parts {
        (codes.base + offset).copyMemory(from: part.buffer.base, byteCount: part.count * 4)
        offset += part.count * 4
      }
      return Vector(codes: codes, count: count, dictionary: dictionary, validity: mask).retyped(as: type)
    }
    let stride = type.physical.stride
    let output = AlignedBuffer(byteCount: count * stride)
    var offset = 0
    var owners: [AnyObject] = []
    var seen = Set<ObjectIdentifier>()
    for part in parts {
      let flat = part.flattened()
      (output.base + offset).copyMemory(from: flat.buffer.base, byteCount: part.count * stride)
      offset += part.count * stride
      for owner in part.owners where seen.insert(ObjectIdentifier(owner)).inserted { owners.append(owner) }
    }
    return Vector(type, count: count, buffer: output, validity: mask, owners: owners)
  }

  /// Returns the rows of `batches` in order; `types` names the columns' types when there is no batch.
  package static func batches(_ batches: [Batch], types: [LogicalType]) -> Batch {
    let columns = types.indices.map { column in
      vectors(batches.map { $0.columns[column] }, type: types[column])
    }
    return Batch(columns, rowCount: batches.reduce(0) { $0 + $1.rowCount })
  }

  private static func isSameConstant(_ vector: Vector, _ other: Vector) -> Bool {
    guard vector.form == .constant, other.form == .constant else { return false }
    if vector.validity != nil || other.validity != nil { return vector.validity != nil && other.validity != nil }
    if vector.buffer === other.buffer { return true }
    if vector.type.physical == .string {
      return vector.values(as: StringReference.self)[0] == other.values(as: StringReference.self)[0]
    }
    let stride = vector.type.physical.stride
    return UnsafeRawBufferPointer(start: vector.buffer.base, count: stride)
      .elementsEqual(UnsafeRawBufferPointer(start: other.buffer.base, count: stride))
  }
}
