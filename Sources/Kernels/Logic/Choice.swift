import Bytes
import Vectors

/// Puts a result together from parts that were computed for some of its rows each.
package enum Choice {
  /// Returns row `r` from `parts[i].values`, where `parts[i].rows` lists the rows part `i` was computed for, in order.
  ///
  /// Rows that no part has are NULL; no row is in two parts. Constants of few parts give a dictionary vector.
  package static func assemble(
    _ parts: [(rows: SelectionVector, values: Vector)], type: LogicalType, count: Int
  ) -> Vector {
    let parts = parts.filter { $0.rows.count > 0 }
    if parts.isEmpty { return .nulls(type, count: count) }
    if parts.count == 1, parts[0].rows.count == count { return parts[0].values }
    if parts.allSatisfy({ $0.values.form == .constant }) { return coded(parts, type: type, count: count) }
    let position = AlignedBuffer(byteCount: count * 4)
    let index = position.values(as: Int32.self)
    for row in 0..<count { index[row] = -1 }
    var next: Int32 = 0
    for part in parts {
      for row in part.rows.indices {
        index[Int(row)] = next
        next &+= 1
      }
    }
    let all = Concat.vectors(parts.map { $0.values }, type: type)
    return withExtendedLifetime(position) {
      Gather.rows(all, orNull: UnsafeBufferPointer(start: index, count: count))
    }
  }

  private static func coded(
    _ parts: [(rows: SelectionVector, values: Vector)], type: LogicalType, count: Int
  ) -> Vector {
    let valid = parts.filter { $0.values.validity == nil }
    if valid.isEmpty { return .nulls(type, count: count) }
    let dictionary = Concat.vectors(valid.map { $0.values.slice(0..<1) }, type: type).flattened()
    let codes = AlignedBuffer(byteCount: count * 4, zeroed: true)
    let output = codes.values(as: UInt32.self)
    let mask = ValidityMask(count: count, allValid: false)
    for (code, part) in valid.enumerated() {
      for row in part.rows.indices {
        output[Int(row)] = UInt32(code)
        mask.set(Int(row), valid: true)
      }
    }
    return Vector(codes: codes, count: count, dictionary: dictionary, validity: mask.nullCount == 0 ? nil : mask)
  }
}
