import Bytes
import Vectors

/// `value IN (constants)`: the constants hashed once, asked for many vectors.
package struct Membership: @unchecked Sendable {
  // @unchecked: the table and the list vector are written here and never again.

  private let list: Vector
  private let hasNull: Bool
  /// Open addressing: a row of `list` plus 1, or 0 for a free slot.
  private let slots: [UInt32]

  /// Takes the list as one vector of the value's type; NULLs in it make a miss unknown.
  package init(_ list: Vector) {
    let flat = list.flattened()
    hasNull = flat.nullCount > 0
    self.list = flat
    var size = 16
    while size < flat.count * 2 { size *= 2 }
    var slots = [UInt32](repeating: 0, count: size)
    let hashes = Hash.rows([flat], count: flat.count)
    for row in 0..<flat.count where flat.isValid(row) {
      var slot = Int(truncatingIfNeeded: hashes[row]) & (size - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = UInt32(row + 1)
    }
    self.slots = slots
  }

  /// Returns a boolean vector, three-valued as IN is.
  package func contains(_ operand: Vector) -> Vector {
    if list.count == 0 { return constantVector(UInt8(0), .boolean, count: operand.count) }
    if list.count - (hasNull ? 1 : 0) <= 6 { return few(operand) }
    if operand.form == .constant, operand.count > 0 {
      return Vector(constant: probe(operand.slice(0..<1).flattened()).flattened(), count: operand.count)
    }
    return probe(operand.spread)
  }

  private func few(_ operand: Vector) -> Vector {
    var result: Vector?
    for row in 0..<list.count {
      let item = Vector(constant: list.slice(row..<(row + 1)), count: operand.count)
      let equal = Compare.vectors(.equal, operand, item)
      result = result.map { Boolean.or($0, equal) } ?? equal
    }
    return result ?? constantVector(UInt8(0), .boolean, count: operand.count)
  }

  private func probe(_ operand: Vector) -> Vector {
    let count = operand.count
    let buffer = AlignedBuffer(byteCount: count)
    let output = buffer.values(as: UInt8.self)
    let hashes = Hash.rows([operand], count: count)
    var mask: ValidityMask?
    if hasNull || operand.validity != nil { mask = ValidityMask(count: count, allValid: true) }
    slots.withUnsafeBufferPointer { slots in
      for row in 0..<count {
        output[row] = 0
        guard operand.isValid(row) else {
          mask?.set(row, valid: false)
          continue
        }
        var slot = Int(truncatingIfNeeded: hashes[row]) & (slots.count - 1)
        while slots[slot] != 0 {
          var found: UInt8 = 1
          var (left, right) = (UInt32(row), slots[slot] - 1)
          RowMatch.refine(operand, &left, list, &right, count: 1, nullsMatch: false, &found)
          if found == 1 {
            output[row] = 1
            break
          }
          slot = (slot + 1) & (slots.count - 1)
        }
        if output[row] == 0, hasNull { mask?.set(row, valid: false) }
      }
    }
    return Vector(.boolean, count: count, buffer: buffer, validity: mask)
  }
}
