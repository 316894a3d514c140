import Vectors

/// How one key column becomes bits of a packed key.
///
/// A value's code is the integer itself, a float's canonical bits, or a number that an interner gave. The packed field
/// is `code - low + 1`, and 0 for NULL; when that needs more than 63 bits the field is the code's 64 bits and NULL has
/// a field of one bit.
struct KeyColumn {
  let type: LogicalType
  let interner: ValueInterner?
  /// Values of the type may be equal and look different (1.5 and 1.50): the first of each group is kept to be shown.
  let keepsRepresentative: Bool
  var low: Int64 = 0
  var high: Int64 = -1
  var bits = 0
  var word = 0
  var shift: UInt64 = 0
  var isWide = false
  var nullWord = 0
  var nullShift: UInt64 = 0

  init(_ type: LogicalType) {
    self.type = type
    switch type.physical {
    case .boolean:
      interner = nil
      keepsRepresentative = false
      (low, high) = (0, 1)
    case .int16, .int32, .int64:
      interner = nil
      keepsRepresentative = false
    case .float32:
      interner = nil
      keepsRepresentative = true
      (low, high) = (0, Int64(UInt32.max))
    case .float64:
      interner = nil
      keepsRepresentative = true
      (low, high) = (Int64.min, Int64.max)
    case .string:
      interner = ValueInterner(type)
      keepsRepresentative = type.spelling != .exact
    case .numeric, .interval, .uuid:
      interner = ValueInterner(type)
      keepsRepresentative = true
    }
  }

  var isLearned: Bool { low <= high }

  func covers(_ range: (low: Int64, high: Int64)) -> Bool { range.low >= low && range.high <= high }

  /// Widens the range to cover `range`, with room to grow on once it had to be widened before.
  mutating func widen(to range: (low: Int64, high: Int64)) {
    let wasLearned = isLearned
    let grewDown = wasLearned && range.low < low
    let grewUp = wasLearned && range.high > high
    let newLow = wasLearned ? min(low, range.low) : range.low
    let newHigh = wasLearned ? max(high, range.high) : range.high
    let span = UInt64(bitPattern: newHigh &- newLow)
    let width = 64 - (span &+ 1).leadingZeroBitCount + (wasLearned ? 1 : 0)
    guard span < UInt64.max >> 2, width <= 62 else {
      (low, high) = (Int64.min, Int64.max)
      return
    }
    // Fields 1 ... 2^width - 1 are for values.
    let spare = Int64((UInt64(1) << UInt64(width)) - 2 - span)
    let below = grewDown ? (grewUp ? spare / 2 : spare) : 0
    let (down, downOverflow) = newLow.subtractingReportingOverflow(below)
    let (up, upOverflow) = newHigh.addingReportingOverflow(spare - below)
    low = downOverflow ? Int64.min : down
    high = upOverflow ? Int64.max : up
  }

  /// Sets the width that the range asks for.
  mutating func measure() {
    let span = UInt64(bitPattern: high &- low)
    isWide = isLearned && span >= UInt64.max >> 2
    bits = isWide ? 64 : (isLearned ? 64 - (span &+ 1).leadingZeroBitCount : 1)
  }

  /// Reads the code of a packed key, nil for NULL. `key` is the group's first word; words lie side by side.
  @inline(__always) func code(in key: UnsafePointer<UInt64>) -> Int64? {
    if isWide {
      if (key[nullWord] >> nullShift) & 1 == 0 { return nil }
      return Int64(bitPattern: key[word])
    }
    let field = (key[word] >> shift) & ((1 << UInt64(bits)) &- 1)
    return field == 0 ? nil : low &+ Int64(bitPattern: field &- 1)
  }

  /// Writes the field of `code` into a key of zeros.
  @inline(__always) func pack(_ code: Int64?, into key: UnsafeMutablePointer<UInt64>) {
    guard let code else { return }
    if isWide {
      key[word] = UInt64(bitPattern: code)
      key[nullWord] |= 1 << nullShift
    } else {
      key[word] |= (UInt64(bitPattern: code &- low) &+ 1) << shift
    }
  }

  /// Places the columns' fields in words of 64 bits, none split. Returns the number of words and the bits of all.
  static func layOut(_ columns: inout [KeyColumn]) -> (wordCount: Int, bits: Int) {
    var word = 0
    var used = 0
    var total = 0
    func place(_ bits: Int) -> (Int, UInt64) {
      if used + bits > 64 {
        word += 1
        used = 0
      }
      let shift = UInt64(used)
      used += bits
      total += bits
      return (word, shift)
    }
    for index in columns.indices {
      columns[index].measure()
      (columns[index].word, columns[index].shift) = place(columns[index].bits)
      if columns[index].isWide { (columns[index].nullWord, columns[index].nullShift) = place(1) }
    }
    return (columns.isEmpty ? 0 : word + 1, word == 0 ? total : 64 * word + used)
  }
}

/// One batch of a key column, ready to be packed: integers, float bits, or interned numbers.
struct KeyInput {
  enum Values {
    case byte(UnsafePointer<UInt8>)
    case int16(UnsafePointer<Int16>)
    case int32(UnsafePointer<Int32>)
    case int64(UnsafePointer<Int64>)
    case float(UnsafePointer<Float>)
    case double(UnsafePointer<Double>)
    case number(UnsafePointer<UInt32>)
  }

  let values: Values
  /// True when `values` has one value for every row.
  let isConstant: Bool
  let validity: ValidityMask?
  let isAllNull: Bool
  let count: Int
  /// Keeps the values alive.
  let owner: AnyObject

  /// Takes a vector of a type without interner, flat or constant.
  init(_ vector: Vector) {
    let vector = vector.form == .dictionary ? vector.flattened() : vector
    switch vector.type.physical {
    case .boolean: values = .byte(vector.values(as: UInt8.self))
    case .int16: values = .int16(vector.values(as: Int16.self))
    case .int32: values = .int32(vector.values(as: Int32.self))
    case .int64: values = .int64(vector.values(as: Int64.self))
    case .float32: values = .float(vector.values(as: Float.self))
    case .float64: values = .double(vector.values(as: Double.self))
    case .string, .numeric, .interval, .uuid: preconditionFailure("a key that needs an interner")
    }
    isConstant = vector.form == .constant
    isAllNull = vector.isConstantNull
    validity = isConstant ? nil : vector.rowValidity
    count = vector.count
    owner = vector
  }

  /// Takes interned numbers.
  init(numbers: UnsafePointer<UInt32>, count: Int, vector: Vector, isConstant: Bool) {
    values = .number(numbers)
    self.isConstant = isConstant
    isAllNull = vector.isConstantNull
    validity = isConstant ? nil : vector.rowValidity
    self.count = count
    owner = vector
  }

  /// Returns the least and greatest code of the valid rows; nil when there is none. Floats have no narrow range.
  func range() -> (low: Int64, high: Int64)? {
    if isAllNull || count == 0 { return nil }
    switch values {
    case .byte: return (0, 1)
    case .float: return (0, Int64(UInt32.max))
    case .double: return (Int64.min, Int64.max)
    case .int16(let pointer): return bounds(pointer)
    case .int32(let pointer): return bounds(pointer)
    case .int64(let pointer): return bounds(pointer)
    case .number(let pointer): return bounds(pointer)
    }
  }

  @inline(__always) private func bounds<T: FixedWidthInteger>(
    _ pointer: UnsafePointer<T>
  ) -> (low: Int64, high: Int64)? {
    if isConstant {
      let value = Int64(truncatingIfNeeded: pointer[0])
      return (value, value)
    }
    var low = T.max
    var high = T.min
    var row = 0
    guard let validity else {
      while row < count {
        let value = pointer[row]
        low = value < low ? value : low
        high = value > high ? value : high
        row &+= 1
      }
      return (Int64(truncatingIfNeeded: low), Int64(truncatingIfNeeded: high))
    }
    let words = validity.words
    var any = false
    while row < count {
      if (words[row >> 6] >> UInt64(row & 63)) & 1 == 1 {
        let value = pointer[row]
        low = min(low, value)
        high = max(high, value)
        any = true
      }
      row &+= 1
    }
    return any ? (Int64(truncatingIfNeeded: low), Int64(truncatingIfNeeded: high)) : nil
  }

  /// Adds the column's field to every row's key: word `w` of row `r` at `words[w * stride + r]`.
  ///
  /// Codes outside the column's range set `misses[row]` when that is given; without it all are inside.
  func pack(
    _ column: KeyColumn, into words: UnsafeMutablePointer<UInt64>, stride: Int, misses: UnsafeMutablePointer<UInt8>?
  ) {
    switch values {
    case .byte(let pointer): pack(pointer, column, words, stride, misses) { Int64($0) }
    case .int16(let pointer): pack(pointer, column, words, stride, misses) { Int64($0) }
    case .int32(let pointer): pack(pointer, column, words, stride, misses) { Int64($0) }
    case .int64(let pointer): pack(pointer, column, words, stride, misses) { $0 }
    case .number(let pointer): pack(pointer, column, words, stride, misses) { Int64($0) }
    case .float(let pointer):
      pack(pointer, column, words, stride, misses) { Int64($0.isNaN ? 0x7FC0_0000 : ($0 + 0).bitPattern) }
    case .double(let pointer):
      pack(pointer, column, words, stride, misses) {
        Int64(bitPattern: $0.isNaN ? 0x7FF8_0000_0000_0000 : ($0 + 0).bitPattern)
      }
    }
  }

  @inline(__always) private func pack<T>(
    _ pointer: UnsafePointer<T>, _ column: KeyColumn, _ words: UnsafeMutablePointer<UInt64>, _ stride: Int,
    _ misses: UnsafeMutablePointer<UInt8>?, _ code: (T) -> Int64
  ) {
    if isAllNull || count == 0 { return }
    let output = words + column.word * stride
    let shift = column.shift
    let low = column.low
    if column.isWide {
      let nulls = words + column.nullWord * stride
      let flag: UInt64 = 1 << column.nullShift
      for row in 0..<count where validity?.isValid(row) ?? true {
        output[row] = UInt64(bitPattern: code(pointer[isConstant ? 0 : row]))
        nulls[row] |= flag
      }
      return
    }
    if let misses {
      let high = column.high
      for row in 0..<count where validity?.isValid(row) ?? true {
        let value = code(pointer[isConstant ? 0 : row])
        if value < low || value > high {
          misses[row] = 1
        } else {
          output[row] |= (UInt64(bitPattern: value &- low) &+ 1) << shift
        }
      }
      return
    }
    var row = 0
    if isConstant {
      let field = (UInt64(bitPattern: code(pointer[0]) &- low) &+ 1) << shift
      while row < count {
        output[row] |= field
        row &+= 1
      }
    } else if let validity {
      let masks = validity.words
      while row < count {
        let valid = 0 &- ((masks[row >> 6] >> UInt64(row & 63)) & 1)
        output[row] |= ((UInt64(bitPattern: code(pointer[row]) &- low) &+ 1) & valid) << shift
        row &+= 1
      }
    } else {
      while row < count {
        output[row] |= (UInt64(bitPattern: code(pointer[row]) &- low) &+ 1) << shift
        row &+= 1
      }
    }
  }
}
