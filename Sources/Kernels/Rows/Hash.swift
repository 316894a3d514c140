import Bytes
import Vectors

/// 64-bit hashes of rows: values that are equal in SQL hash alike (0.0 and -0.0, any NaN, 1.5 and 1.50, 1 as smallint
/// and as bigint, char with and without its padding, 1 month and 30 days). NULL has a hash of its own.
///
/// Stable within one process only; nothing on disk may depend on it.
package enum Hash {
  static let seed: UInt64 = 0x9E37_79B9_7F4A_7C15
  static let nullHash: UInt64 = 0xD6E8_FEB8_6659_FD93

  /// Writes the hash of each row over all `columns`, each of `count` rows, into `output`.
  package static func rows(_ columns: [Vector], count: Int, into output: UnsafeMutablePointer<UInt64>) {
    guard let first = columns.first else {
      for row in 0..<count { output[row] = seed }
      return
    }
    column(first, count: count, into: output)
    guard columns.count > 1, count > 0 else { return }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { scratch in
      guard let next = scratch.baseAddress else { return }
      for vector in columns.dropFirst() {
        column(vector, count: count, into: next)
        var row = 0
        while row < count {
          output[row] = mix(output[row] ^ seed, next[row] &+ 0x517C_C1B7_2722_0A95)
          row &+= 1
        }
      }
    }
  }

  /// Writes hashes of rows that are only held against others of the same types, made by this function: a sum of the
  /// columns' words, each times a number of its own, which is mixed once for all of them.
  static func alike(_ columns: [Vector], count: Int, into output: UnsafeMutablePointer<UInt64>) {
    guard columns.count > 1, count > 0 else { return rows(columns, count: count, into: output) }
    output.update(repeating: 0, count: count)
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { scratch in
      guard let next = scratch.baseAddress else { return }
      for (index, vector) in columns.enumerated() {
        precondition(vector.count == count, "columns of different length")
        // No simple multiples of one another, so that small differences of two columns do not cancel out.
        let factor = mix(seed &+ UInt64(index), 0xA076_1D64_78BD_642F) | 1
        switch (vector.form, vector.type.physical) {
        case (.flat, .int16) where vector.validity == nil: add(vector.values(as: Int16.self), factor, count, to: output)
        case (.flat, .int32) where vector.validity == nil: add(vector.values(as: Int32.self), factor, count, to: output)
        case (.flat, .int64) where vector.validity == nil: add(vector.values(as: Int64.self), factor, count, to: output)
        default:
          words(vector, count, into: next)
          add(next, factor, count, to: output)
        }
      }
    }
    var row = 0
    while row < count {
      output[row] = mix(output[row] ^ seed, 0x517C_C1B7_2722_0A95)
      row &+= 1
    }
  }

  @inline(__always) private static func add<T: FixedWidthInteger & BitwiseCopyable>(
    _ words: UnsafePointer<T>, _ factor: UInt64, _ count: Int, to output: UnsafeMutablePointer<UInt64>
  ) {
    var row = 0
    while row < count {
      output[row] &+= UInt64(truncatingIfNeeded: words[row]) &* factor
      row &+= 1
    }
  }

  /// Writes integers as they are, and the hashes of other values.
  private static func words(_ vector: Vector, _ count: Int, into output: UnsafeMutablePointer<UInt64>) {
    switch vector.type.physical {
    case .int16: integers(vector, count, as: Int16.self, into: output)
    case .int32: integers(vector, count, as: Int32.self, into: output)
    case .int64: integers(vector, count, as: Int64.self, into: output)
    default: return column(vector, count: count, into: output)
    }
    guard let mask = vector.validity else { return }
    let words = mask.words
    let isConstant = vector.form == .constant
    for row in 0..<count where isConstant || (words[row >> 6] >> UInt64(row & 63)) & 1 == 0 { output[row] = nullHash }
  }

  @inline(__always) private static func integers<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ count: Int, as type: T.Type, into output: UnsafeMutablePointer<UInt64>
  ) {
    var row = 0
    switch vector.form {
    case .constant: output.update(repeating: UInt64(truncatingIfNeeded: vector.values(as: type)[0]), count: count)
    case .dictionary:
      guard let dictionary = vector.dictionary, dictionary.count > 0 else { return }
      let (codes, values) = (vector.codes, dictionary.values(as: type))
      while row < count {
        output[row] = UInt64(truncatingIfNeeded: values[Int(codes[row])])
        row &+= 1
      }
    case .flat:
      let values = vector.values(as: type)
      while row < count {
        output[row] = UInt64(truncatingIfNeeded: values[row])
        row &+= 1
      }
    }
  }

  /// Returns the hash of each row.
  package static func rows(_ columns: [Vector], count: Int) -> [UInt64] {
    [UInt64](unsafeUninitializedCapacity: count) { buffer, used in
      if let base = buffer.baseAddress { rows(columns, count: count, into: base) }
      used = count
    }
  }

  /// Returns the hash of each row as a bigint vector.
  package static func bigint(_ columns: [Vector], count: Int) -> Vector {
    let buffer = AlignedBuffer(byteCount: count * 8)
    rows(columns, count: count, into: buffer.values(as: UInt64.self))
    return Vector(.bigint, count: count, buffer: buffer)
  }

  /// Folds a 128-bit product to 64 bits.
  @inline(__always) static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let product = left.multipliedFullWidth(by: right)
    return product.high ^ product.low
  }

  @inline(__always) static func integer(_ value: Int64) -> UInt64 {
    mix(UInt64(bitPattern: value) ^ seed, 0xA076_1D64_78BD_642F)
  }

  @inline(__always) static func double(_ value: Double) -> UInt64 {
    // Adding zero turns -0.0 into 0.0.
    let bits = value.isNaN ? 0x7FF8_0000_0000_0000 : (value + 0).bitPattern
    return mix(bits ^ seed, 0xE703_7ED1_A0B4_28DB)
  }

  @inline(__always) static func pair(_ high: UInt64, _ low: UInt64) -> UInt64 {
    mix(high ^ 0x8EBC_6AF0_9C88_C6E3, low ^ 0x5899_65CC_7537_4CC3)
  }

  /// Hashes bytes, the same whether they lie in a reference or elsewhere.
  @inline(__always) static func string(_ value: StringReference) -> UInt64 {
    if value.isInline { return pair(mix(value.head ^ seed, 0xA076_1D64_78BD_642F), value.tail) }
    return long(value)
  }

  private static func long(_ value: StringReference) -> UInt64 {
    value.withBytes { bytes in
      var state = seed ^ UInt64(bytes.count)
      guard let base = bytes.baseAddress else { return state }
      var offset = 0
      while offset + 16 <= bytes.count {
        let first = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let second = base.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        state = mix(first ^ 0xE703_7ED1_A0B4_28DB, second ^ state)
        offset += 16
      }
      // A long string has over 12 bytes, so its last 8 can always be read.
      let last = base.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
      if bytes.count - offset > 8 {
        let first = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        state = mix(first ^ 0xE703_7ED1_A0B4_28DB, last ^ state)
      } else {
        state = mix(last ^ 0x8EBC_6AF0_9C88_C6E3, state)
      }
      return mix(state ^ 0x5899_65CC_7537_4CC3, seed)
    }
  }

  static func numeric(_ value: Numeric) -> UInt64 {
    if value.special != 0 { return pair(0, UInt64(UInt32(bitPattern: value.special))) }
    let reduced = value.reduced
    let bits = UInt128(bitPattern: reduced.mantissa)
    return pair(
      UInt64(truncatingIfNeeded: bits) &+ UInt64(UInt32(bitPattern: reduced.scale)) &* seed,
      UInt64(truncatingIfNeeded: bits >> 64) &+ seed)
  }

  static func interval(_ value: Interval) -> UInt64 {
    let span = UInt128(bitPattern: value.span)
    return pair(UInt64(truncatingIfNeeded: span), UInt64(truncatingIfNeeded: span >> 64))
  }

  private static func column(_ vector: Vector, count: Int, into output: UnsafeMutablePointer<UInt64>) {
    precondition(vector.count == count, "columns of different length")
    guard count > 0 else { return }
    switch vector.form {
    case .constant:
      var one: UInt64 = nullHash
      if vector.validity == nil { values(vector, count: 1, into: &one) }
      for row in 0..<count { output[row] = one }
      return
    case .dictionary:
      guard let dictionary = vector.dictionary, dictionary.count > 0, dictionary.count <= count else {
        values(vector.flattened(), count: count, into: output)
        break
      }
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: dictionary.count) { scratch in
        guard let hashes = scratch.baseAddress else { return }
        values(dictionary, count: dictionary.count, into: hashes)
        let codes = vector.codes
        for row in 0..<count { output[row] = hashes[Int(codes[row])] }
      }
    case .flat: values(vector, count: count, into: output)
    }
    guard let mask = vector.validity else { return }
    let words = mask.words
    for row in 0..<count where (words[row >> 6] >> UInt64(row & 63)) & 1 == 0 { output[row] = nullHash }
  }

  /// Hashes the first `count` values of a flat or constant vector; those under NULL rows too.
  private static func values(_ vector: Vector, count: Int, into output: UnsafeMutablePointer<UInt64>) {
    switch vector.type.physical {
    case .boolean: each(vector, count, output, as: UInt8.self) { integer(Int64($0)) }
    case .int16: each(vector, count, output, as: Int16.self) { integer(Int64($0)) }
    case .int32: each(vector, count, output, as: Int32.self) { integer(Int64($0)) }
    case .int64: each(vector, count, output, as: Int64.self) { integer($0) }
    case .float32: each(vector, count, output, as: Float.self) { double(Double($0)) }
    case .float64: each(vector, count, output, as: Double.self) { double($0) }
    case .string:
      let spelling = vector.type.spelling
      if spelling == .exact {
        each(vector, count, output, as: StringReference.self) { string($0) }
      } else {
        each(vector, count, output, as: StringReference.self) { $0.withKey(spelling) { string($0) } }
      }
    case .numeric: each(vector, count, output, as: Numeric.self) { numeric($0) }
    case .interval: each(vector, count, output, as: Interval.self) { interval($0) }
    case .uuid: each(vector, count, output, as: UUIDValue.self) { pair($0.high, $0.low) }
    }
  }

  @inline(__always) private static func each<T: BitwiseCopyable>(
    _ vector: Vector, _ count: Int, _ output: UnsafeMutablePointer<UInt64>, as type: T.Type, _ hash: (T) -> UInt64
  ) {
    let input = vector.values(as: type)
    var row = 0
    while row < count {
      output[row] = hash(input[row])
      row &+= 1
    }
  }
}

extension Interval {
  /// The length in microseconds that comparison uses: a month has 30 days, a day 24 hours.
  var span: Int128 {
    (Int128(months) * 30 + Int128(days)) * 86_400_000_000 + Int128(microseconds)
  }
}

extension Numeric {
  /// The same value in its smallest scale of at least 0.
  var reduced: Numeric {
    guard special == 0, scale > 0 else { return self }
    if mantissa == 0 { return Numeric(mantissa: 0, scale: 0) }
    var scale = self.scale
    if var small = Int64(exactly: mantissa) {
      while scale > 0 {
        let (quotient, remainder) = small.quotientAndRemainder(dividingBy: 10)
        guard remainder == 0 else { break }
        small = quotient
        scale -= 1
      }
      return Numeric(mantissa: Int128(small), scale: scale)
    }
    var value = mantissa
    while scale > 0 {
      let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
      guard remainder == 0 else { break }
      value = quotient
      scale -= 1
    }
    return Numeric(mantissa: value, scale: scale)
  }
}
