import Bytes
import Vectors

/// Builds a text vector row by row: `body` appends the bytes of a valid row to the buffer it is given, or returns false
/// to make the row NULL. NULL rows stay NULL.
@inline(__always) func mapToText(
  _ type: LogicalType, count: Int, strictIn operands: [Vector], _ body: (Int, TextBuffer) throws -> Bool
) rethrows -> Vector {
  let buffer = AlignedBuffer(byteCount: count * 16)
  let output = buffer.values(as: StringReference.self)
  let heap = StringHeap()
  let scratch = TextBuffer(capacity: 256)
  var mask: ValidityMask?
  for row in 0..<count {
    scratch.removeAll()
    if operands.allSatisfy({ $0.isValid(row) }), try body(row, scratch) {
      output[row] = heap.intern(scratch.bytes)
    } else {
      output[row] = StringReference()
      if mask == nil { mask = ValidityMask(count: count, allValid: true) }
      mask?.set(row, valid: false)
    }
  }
  return Vector(type, count: count, buffer: buffer, validity: mask, owners: [heap])
}

/// Applies `body` to each valid text; the result is new text. A constant gives a constant.
@inline(__always) func mapText(
  _ operand: Vector, _ type: LogicalType = .text, _ body: (StringReference, TextBuffer) throws -> Bool
) rethrows -> Vector {
  let operand = operand.spread
  if operand.form == .constant {
    if operand.validity != nil || operand.count == 0 { return .nulls(type, count: operand.count) }
    let value = operand.values(as: StringReference.self)[0]
    let one = try mapToText(type, count: 1, strictIn: []) { _, out in try body(value, out) }
    return Vector(constant: one, count: operand.count)
  }
  let input = operand.values(as: StringReference.self)
  let result = try mapToText(type, count: operand.count, strictIn: [operand]) { row, out in
    try body(input[row], out)
  }
  withExtendedLifetime(operand) {}
  return result
}

/// Makes text row by row from any number of operands; a row where one is NULL is NULL. Constants give a constant.
@inline(__always) func textRows(
  _ operands: [Vector], count: Int, _ type: LogicalType = .text, _ body: (Int, TextBuffer) throws -> Bool
) rethrows -> Vector {
  if operands.contains(where: { $0.isConstantNull }) { return .nulls(type, count: count) }
  let isConstant = operands.allSatisfy { $0.form == .constant } && count > 0
  let result = try mapToText(
    type, count: isConstant ? 1 : count, strictIn: operands, body)
  withExtendedLifetime(operands) {}
  return isConstant ? Vector(constant: result, count: count) : result
}

/// Takes a part of the first operand's bytes for each row, without copying them; nil makes the row NULL.
@inline(__always) func textSlices(
  _ operands: [Vector], count: Int, _ body: (Int, UnsafeRawBufferPointer) throws -> Range<Int>?
) throws -> Vector {
  let texts = Operand<StringReference>(operands[0])
  let type: LogicalType = operands[0].type == .bytea ? .bytea : .text
  let result = try mapRows(type, count: count, operands) { row -> StringReference? in
    let text = texts[row]
    return try text.withBytes { bytes in
      guard let range = try body(row, bytes) else { return nil }
      guard range.count > 0, let base = bytes.baseAddress else { return StringReference() }
      if range.count == bytes.count { return text }
      return StringReference(base + range.lowerBound, count: range.count)
    }
  }
  return result.keeping(operands[0].owners)
}
