import Bytes
import Vectors

/// Cuts batches of any size into row groups. One thread at a time.
///
/// ```
/// builder.append(batch)
/// while let columns = builder.next() { ... }   // full row groups
/// if let columns = builder.finish() { ... }    // the rest
/// ```
package struct RowGroupBuilder {
  package let schema: Schema
  package let rowGroupRowCount: Int
  /// Per column, the vectors whose rows wait; all columns are cut alike.
  private var pending: [[Vector]]

  package init(schema: Schema, rowGroupRowCount: Int = SegmentOptions().rowGroupRowCount) {
    precondition(rowGroupRowCount > 0, "a row group has rows")
    self.schema = schema
    self.rowGroupRowCount = rowGroupRowCount
    pending = Array(repeating: [], count: schema.count)
  }

  /// Rows taken and not yet cut.
  package private(set) var pendingRowCount = 0

  /// Takes the rows of `batch`; its vectors are kept until their row group is cut.
  package mutating func append(_ batch: Batch) {
    precondition(batch.columns.count == schema.count, "a batch of another schema")
    if batch.rowCount == 0 { return }
    for (index, column) in batch.columns.enumerated() { pending[index].append(column) }
    pendingRowCount += batch.rowCount
  }

  /// Returns a full row group when there are rows enough.
  package mutating func next() -> [Vector]? {
    pendingRowCount >= rowGroupRowCount ? take(rowGroupRowCount) : nil
  }

  /// Returns the last, shorter row group; nil when no row is left.
  package mutating func finish() -> [Vector]? {
    pendingRowCount > 0 ? take(min(pendingRowCount, rowGroupRowCount)) : nil
  }

  /// Gives the rows that wait back, as batches.
  package mutating func rest() -> [Batch] {
    defer {
      pending = Array(repeating: [], count: schema.count)
      pendingRowCount = 0
    }
    return (pending.first ?? []).indices.map { index in
      Batch(pending.map { $0[index] }, rowCount: pending[0][index].count)
    }
  }

  private mutating func take(_ rowCount: Int) -> [Vector] {
    var result: [Vector] = []
    result.reserveCapacity(schema.count)
    for column in pending.indices {
      var parts: [Vector] = []
      var missing = rowCount
      var used = 0
      while missing > 0 {
        let vector = pending[column][used]
        if vector.count <= missing {
          parts.append(vector)
          missing -= vector.count
          used += 1
        } else {
          parts.append(vector.slice(0..<missing))
          pending[column][used] = vector.slice(missing..<vector.count)
          missing = 0
        }
      }
      pending[column].removeFirst(used)
      result.append(VectorConcatenation.join(parts, schema[column].type))
    }
    pendingRowCount -= rowCount
    return result
  }
}

/// Joins vectors of any form end to end.
enum VectorConcatenation {
  /// Returns one vector of all rows; dictionaries stay dictionaries when they are few and small beside the rows.
  static func join(_ parts: [Vector], _ type: LogicalType) -> Vector {
    if parts.count == 1 { return parts[0].retyped(as: type) }
    if let whole = Vector.joined(endToEnd: parts) { return whole.retyped(as: type) }
    let count = parts.reduce(0) { $0 + $1.count }
    if type.physical == .string, let joined = joinDictionaries(parts, type, count) { return joined }
    let stride = type.physical.stride
    let output = AlignedBuffer(byteCount: count * stride)
    var owners: [AnyObject] = []
    var row = 0
    for part in parts {
      let flat = part.flattened()
      (output.base + row * stride).copyMemory(from: flat.buffer.base, byteCount: flat.count * stride)
      if type.physical == .string { owners.append(flat) }
      row += part.count
    }
    return Vector(type, count: count, buffer: output, validity: joinValidity(parts), owners: owners)
  }

  private static func joinValidity(_ parts: [Vector]) -> ValidityMask? {
    ValidityMask.joined(
      parts.map { part in
        let isNull = part.form == .constant && part.validity != nil
        return (isNull ? ValidityMask(count: part.count, allValid: false) : part.validity, part.count)
      })
  }

  /// Joins dictionary and constant vectors over the entries of all their dictionaries; nil when one is flat, or the
  /// entries are many.
  private static func joinDictionaries(_ parts: [Vector], _ type: LogicalType, _ count: Int) -> Vector? {
    var starts: [ObjectIdentifier: Int] = [:]
    var dictionaries: [Vector] = []
    var entryCount = 0
    func register(_ dictionary: Vector) {
      if starts[ObjectIdentifier(dictionary)] != nil { return }
      starts[ObjectIdentifier(dictionary)] = entryCount
      dictionaries.append(dictionary)
      entryCount += dictionary.count
    }
    var constants: [Vector?] = []
    for part in parts {
      switch part.form {
      case .flat: return nil
      case .dictionary:
        guard let dictionary = part.dictionary, dictionary.count > 0 else { return nil }
        register(dictionary)
        constants.append(nil)
      case .constant:
        let one = Vector(part.type, count: 1, buffer: part.buffer, owners: part.owners)
        register(one)
        constants.append(one)
      }
    }
    guard entryCount <= count / 2 else { return nil }
    let codes = AlignedBuffer(byteCount: count * 4)
    let code = codes.values(as: UInt32.self)
    var row = 0
    for (part, constant) in zip(parts, constants) {
      if let constant {
        let start = starts[ObjectIdentifier(constant)] ?? 0
        (code + row).update(repeating: UInt32(start), count: part.count)
      } else if let dictionary = part.dictionary {
        let start = UInt32(starts[ObjectIdentifier(dictionary)] ?? 0)
        let source = part.codes
        for index in 0..<part.count { code[row + index] = source[index] + start }
      }
      row += part.count
    }
    let dictionary: Vector
    if dictionaries.count == 1 {
      dictionary = dictionaries[0].retyped(as: type)
    } else {
      let entries = AlignedBuffer(byteCount: entryCount * 16)
      for part in dictionaries {
        let start = starts[ObjectIdentifier(part)] ?? 0
        (entries.base + start * 16).copyMemory(from: part.buffer.base, byteCount: part.count * 16)
      }
      dictionary = Vector(type, count: entryCount, buffer: entries, owners: dictionaries)
    }
    return Vector(codes: codes, count: count, dictionary: dictionary, validity: joinValidity(parts))
  }
}
