import Bytes
import Vectors

// The shapes that almost every kernel has: one or two operands, a value or an error per row. They specialise in the
// file that calls them; NULL in any operand gives NULL, and values under NULL rows never raise.

/// Applies `body` to every row. It also sees values under NULL rows, so it must accept anything.
@inline(__always) func mapUnary<A: BitwiseCopyable, R: BitwiseCopyable>(
  _ operand: Vector, _ type: LogicalType, _ body: (A) -> R
) -> Vector {
  let operand = operand.spread
  let input = operand.values(as: A.self)
  if operand.form == .constant {
    if operand.validity != nil { return .nulls(type, count: operand.count) }
    return constantVector(body(input[0]), type, count: operand.count)
  }
  let count = operand.count
  assert(MemoryLayout<R>.stride == type.physical.stride, "the closure gives another type")
  let buffer = AlignedBuffer(byteCount: count * type.physical.stride)
  let output = buffer.values(as: R.self)
  var row = 0
  while row < count {
    output[row] = body(input[row])
    row &+= 1
  }
  return Vector(type, count: count, buffer: buffer, validity: operand.validity)
}

/// Applies `body`, which also says whether it failed; only when some row failed are valid rows asked again, one by one,
/// to find the `error`.
@inline(__always) func mapUnaryChecked<A: BitwiseCopyable, R: BitwiseCopyable>(
  _ operand: Vector, _ type: LogicalType, _ body: (A) -> (R, Bool), _ error: (A) -> PulsehouseError
) throws -> Vector {
  let operand = operand.spread
  let input = operand.values(as: A.self)
  if operand.form == .constant {
    if operand.validity != nil || operand.count == 0 { return .nulls(type, count: operand.count) }
    let (value, failed) = body(input[0])
    if failed { throw error(input[0]) }
    return constantVector(value, type, count: operand.count)
  }
  let count = operand.count
  assert(MemoryLayout<R>.stride == type.physical.stride, "the closure gives another type")
  let buffer = AlignedBuffer(byteCount: count * type.physical.stride)
  let output = buffer.values(as: R.self)
  var anyFailed: UInt8 = 0
  var row = 0
  while row < count {
    let (value, failed) = body(input[row])
    output[row] = value
    anyFailed |= bit(failed)
    row &+= 1
  }
  if anyFailed != 0 {
    for row in 0..<count where operand.isValid(row) && body(input[row]).1 { throw error(input[row]) }
  }
  return Vector(type, count: count, buffer: buffer, validity: operand.validity)
}

/// Applies `body` to the valid rows only, in order; nil makes the row NULL.
@inline(__always) func mapUnaryThrowing<A: BitwiseCopyable, R: BitwiseCopyable>(
  _ operand: Vector, _ type: LogicalType, _ body: (A) throws -> R?
) throws -> Vector {
  let operand = operand.spread
  let input = operand.values(as: A.self)
  if operand.form == .constant {
    guard operand.validity == nil, operand.count > 0, let value = try body(input[0]) else {
      return .nulls(type, count: operand.count)
    }
    return constantVector(value, type, count: operand.count)
  }
  let count = operand.count
  assert(MemoryLayout<R>.stride == type.physical.stride, "the closure gives another type")
  let buffer = AlignedBuffer(byteCount: count * type.physical.stride)
  let output = buffer.values(as: R.self)
  var mask = operand.validity
  var ownsMask = false
  for row in 0..<count {
    if operand.isValid(row), let value = try body(input[row]) {
      output[row] = value
      continue
    }
    zero(output, row)
    if !ownsMask {
      mask = copy(mask, count: count)
      ownsMask = true
    }
    mask?.set(row, valid: false)
  }
  withExtendedLifetime(operand) {}
  return Vector(type, count: count, buffer: buffer, validity: mask)
}

/// Applies `body` to every row of both. It also sees values under NULL rows, so it must accept anything.
@inline(__always) func mapBinary<A: BitwiseCopyable, B: BitwiseCopyable, R: BitwiseCopyable>(
  _ left: Vector, _ right: Vector, _ type: LogicalType, _ body: (A, B) -> R
) -> Vector {
  let left = left.spread
  let right = right.spread
  precondition(left.count == right.count, "operands of different length")
  let count = left.count
  if left.isConstantNull || right.isConstantNull { return .nulls(type, count: count) }
  let first = left.values(as: A.self)
  let second = right.values(as: B.self)
  if left.form == .constant && right.form == .constant {
    return constantVector(body(first[0], second[0]), type, count: count)
  }
  assert(MemoryLayout<R>.stride == type.physical.stride, "the closure gives another type")
  let buffer = AlignedBuffer(byteCount: count * type.physical.stride)
  let output = buffer.values(as: R.self)
  var row = 0
  if right.form == .constant {
    let value = second[0]
    while row < count {
      output[row] = body(first[row], value)
      row &+= 1
    }
    return Vector(type, count: count, buffer: buffer, validity: left.validity)
  }
  if left.form == .constant {
    let value = first[0]
    while row < count {
      output[row] = body(value, second[row])
      row &+= 1
    }
    return Vector(type, count: count, buffer: buffer, validity: right.validity)
  }
  while row < count {
    output[row] = body(first[row], second[row])
    row &+= 1
  }
  let mask = bothValid(left, right)
  withExtendedLifetime((left, right)) {}
  return Vector(type, count: count, buffer: buffer, validity: mask)
}

/// Applies `body`, which also says whether it failed; only when some row failed are valid rows asked again.
@inline(__always) func mapBinaryChecked<A: BitwiseCopyable, B: BitwiseCopyable, R: BitwiseCopyable>(
  _ left: Vector, _ right: Vector, _ type: LogicalType, _ body: (A, B) -> (R, Bool), _ error: (A, B) -> PulsehouseError
) throws -> Vector {
  let left = left.spread
  let right = right.spread
  precondition(left.count == right.count, "operands of different length")
  let count = left.count
  if left.isConstantNull || right.isConstantNull || count == 0 { return .nulls(type, count: count) }
  let first = left.values(as: A.self)
  let second = right.values(as: B.self)
  if left.form == .constant && right.form == .constant {
    let (value, failed) = body(first[0], second[0])
    if failed { throw error(first[0], second[0]) }
    return constantVector(value, type, count: count)
  }
  assert(MemoryLayout<R>.stride == type.physical.stride, "the closure gives another type")
  let buffer = AlignedBuffer(byteCount: count * type.physical.stride)
  let output = buffer.values(as: R.self)
  var anyFailed: UInt8 = 0
  var row = 0
  if right.form == .constant {
    let other = second[0]
    while row < count {
      let (value, failed) = body(first[row], other)
      output[row] = value
      anyFailed |= bit(failed)
      row &+= 1
    }
  } else if left.form == .constant {
    let other = first[0]
    while row < count {
      let (value, failed) = body(other, second[row])
      output[row] = value
      anyFailed |= bit(failed)
      row &+= 1
    }
  } else {
    while row < count {
      let (value, failed) = body(first[row], second[row])
      output[row] = value
      anyFailed |= bit(failed)
      row &+= 1
    }
  }
  if anyFailed != 0 {
    let (a, b) = (BareOperand<A>(left), BareOperand<B>(right))
    for row in 0..<count where left.isValid(row) && right.isValid(row) && body(a[row], b[row]).1 {
      throw error(a[row], b[row])
    }
  }
  let mask = bothValid(left, right)
  withExtendedLifetime((left, right)) {}
  return Vector(type, count: count, buffer: buffer, validity: mask)
}

/// Applies `body` to the rows where both are valid, in order; nil makes the row NULL.
@inline(__always) func mapBinaryThrowing<A: BitwiseCopyable, B: BitwiseCopyable, R: BitwiseCopyable>(
  _ left: Vector, _ right: Vector, _ type: LogicalType, _ body: (A, B) throws -> R?
) throws -> Vector {
  let left = left.spread
  let right = right.spread
  precondition(left.count == right.count, "operands of different length")
  let count = left.count
  if left.isConstantNull || right.isConstantNull || count == 0 { return .nulls(type, count: count) }
  let (first, second) = (BareOperand<A>(left), BareOperand<B>(right))
  if left.form == .constant && right.form == .constant {
    guard let value = try body(first[0], second[0]) else { return .nulls(type, count: count) }
    return constantVector(value, type, count: count)
  }
  assert(MemoryLayout<R>.stride == type.physical.stride, "the closure gives another type")
  let buffer = AlignedBuffer(byteCount: count * type.physical.stride)
  let output = buffer.values(as: R.self)
  let mask = copy(bothValid(left, right), count: count)
  for row in 0..<count {
    if mask.isValid(row), let value = try body(first[row], second[row]) {
      output[row] = value
    } else {
      zero(output, row)
      mask.set(row, valid: false)
    }
  }
  withExtendedLifetime((left, right)) {}
  return Vector(type, count: count, buffer: buffer, validity: mask.nullCount == 0 ? nil : mask)
}

/// Makes a constant vector of one value of the physical type.
@inline(__always) func constantVector<R: BitwiseCopyable>(_ value: R, _ type: LogicalType, count: Int) -> Vector {
  assert(MemoryLayout<R>.stride == type.physical.stride, "the closure gives another type")
  let buffer = AlignedBuffer(byteCount: type.physical.stride)
  buffer.values(as: R.self)[0] = value
  return Vector(constant: Vector(type, count: 1, buffer: buffer), count: count)
}

/// Returns the mask of rows where both are valid, for flat and constant operands that are not constant NULLs.
func bothValid(_ left: Vector, _ right: Vector) -> ValidityMask? {
  ValidityMask.and(left.rowValidity, right.rowValidity, count: left.count)
}

@inline(__always) private func zero<R: BitwiseCopyable>(_ output: UnsafeMutablePointer<R>, _ row: Int) {
  UnsafeMutableRawPointer(output + row).initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<R>.stride)
}

private func copy(_ mask: ValidityMask?, count: Int) -> ValidityMask {
  mask.map { $0.slice(0..<count) } ?? ValidityMask(count: count, allValid: true)
}
