import Bytes
import Vectors

/// Three-valued logic over boolean vectors.
package enum Boolean {
  package static func and(_ left: Vector, _ right: Vector) -> Vector {
    if let known = constant(left) { return known ? right : left }
    if let known = constant(right) { return known ? left : right }
    if left.validity == nil && right.validity == nil {
      return mapBinary(left, right, .boolean) { (a: UInt8, b: UInt8) in a & b }
    }
    return three(left, right, isAnd: true)
  }

  package static func or(_ left: Vector, _ right: Vector) -> Vector {
    if let known = constant(left) { return known ? left : right }
    if let known = constant(right) { return known ? right : left }
    if left.validity == nil && right.validity == nil {
      return mapBinary(left, right, .boolean) { (a: UInt8, b: UInt8) in a | b }
    }
    return three(left, right, isAnd: false)
  }

  package static func not(_ operand: Vector) -> Vector {
    mapUnary(operand, .boolean) { (a: UInt8) in a ^ 1 }
  }

  /// Returns IS NULL (or IS NOT NULL) of any vector; never NULL itself.
  package static func isNull(_ operand: Vector, negated: Bool = false) -> Vector {
    let count = operand.count
    if operand.validity == nil || operand.form == .constant {
      return constantVector(bit(operand.isConstantNull != negated), .boolean, count: count)
    }
    let buffer = AlignedBuffer(byteCount: count)
    let output = buffer.values(as: UInt8.self)
    if let words = operand.validity?.words {
      let flip: UInt8 = negated ? 0 : 1
      var row = 0
      while row < count {
        output[row] = UInt8(truncatingIfNeeded: words[row >> 6] >> UInt64(row & 63)) & 1 ^ flip
        row &+= 1
      }
    }
    return Vector(.boolean, count: count, buffer: buffer)
  }

  /// The value of a constant vector that is not NULL, nil for any other.
  private static func constant(_ vector: Vector) -> Bool? {
    guard vector.form == .constant, vector.validity == nil else { return nil }
    return vector.values(as: UInt8.self)[0] != 0
  }

  /// Works on "is true" and "is false" flags: AND is true where both are, false where either is; OR the other way.
  private static func three(_ left: Vector, _ right: Vector, isAnd: Bool) -> Vector {
    let count = left.count
    precondition(right.count == count, "operands of different length")
    let buffer = AlignedBuffer(byteCount: count)
    let output = buffer.values(as: UInt8.self)
    let mask = ValidityMask(count: count, allValid: false)
    let (first, second) = (left.flattened(), right.flattened())
    let (a, b) = (first.values(as: UInt8.self), second.values(as: UInt8.self))
    var row = 0
    while row < count {
      var word: UInt64 = 0
      let start = row
      let end = min(row + 64, count)
      let aValid = first.validity?.words[start >> 6] ?? ~0
      let bValid = second.validity?.words[start >> 6] ?? ~0
      while row < end {
        let shift = UInt64(row &- start)
        let aKnown = UInt8(truncatingIfNeeded: aValid >> shift) & 1
        let bKnown = UInt8(truncatingIfNeeded: bValid >> shift) & 1
        let (aTrue, aFalse) = (a[row] & aKnown, (a[row] ^ 1) & aKnown)
        let (bTrue, bFalse) = (b[row] & bKnown, (b[row] ^ 1) & bKnown)
        let isTrue = isAnd ? aTrue & bTrue : aTrue | bTrue
        let isFalse = isAnd ? aFalse | bFalse : aFalse & bFalse
        output[row] = isTrue
        word |= UInt64(isTrue | isFalse) << shift
        row &+= 1
      }
      mask.words[start >> 6] = word
    }
    return Vector(.boolean, count: count, buffer: buffer, validity: mask.nullCount == 0 ? nil : mask)
  }
}
