import Vectors

/// What is known of all values of a sort column, gathered batch by batch: what it takes to pack them into few bits.
package struct SortKeyBounds: Sendable {
  package let type: LogicalType
  package private(set) var hasNulls = false
  /// Bounds of a value's one or two unsigned words, high word first; low above high before the first valid value.
  private(set) var low: (UInt64, UInt64) = (.max, .max)
  private(set) var high: (UInt64, UInt64) = (0, 0)
  /// Of numerics: the most digits after and before the point, and whether one is NaN or infinite.
  private(set) var scale: Int32 = 0
  private(set) var integerDigits: Int32 = 0
  private(set) var isSpecial = false

  package init(_ type: LogicalType) { self.type = type }

  /// Widens the bounds by the valid rows of `vector`. Strings have no bounds: their ranks are found at the end.
  package mutating func include(_ vector: Vector) {
    if vector.count == 0 { return }
    if vector.nullCount > 0 { hasNulls = true }
    if vector.form == .dictionary, let dictionary = vector.dictionary, vector.type.physical != .string {
      // Entries that no row has make the bounds wider, not wrong.
      return dictionary.count < vector.count ? include(dictionary) : include(vector.flattened())
    }
    let mask = vector.nullCount > 0 ? vector.rowValidity : nil
    let count = vector.form == .constant ? (mask == nil ? 1 : 0) : vector.count
    switch vector.type.physical {
    case .boolean: each(vector, count, mask, as: UInt8.self) { KeyBits.signed($0) }
    case .int16: each(vector, count, mask, as: Int16.self) { KeyBits.signed($0) }
    case .int32: each(vector, count, mask, as: Int32.self) { KeyBits.signed($0) }
    case .int64: each(vector, count, mask, as: Int64.self) { KeyBits.signed($0) }
    case .float32: each(vector, count, mask, as: Float.self) { KeyBits.float(Double($0)) }
    case .float64: each(vector, count, mask, as: Double.self) { KeyBits.float($0) }
    case .uuid: eachWide(vector, count, mask, as: UUIDValue.self) { ($0.high, $0.low) }
    case .interval: eachWide(vector, count, mask, as: Interval.self) { KeyBits.wide($0.span) }
    case .numeric: numerics(vector, count, mask)
    case .string: break
    }
  }

  package mutating func merge(_ other: SortKeyBounds) {
    hasNulls = hasNulls || other.hasNulls
    low = (min(low.0, other.low.0), min(low.1, other.low.1))
    high = (max(high.0, other.high.0), max(high.1, other.high.1))
    scale = max(scale, other.scale)
    integerDigits = max(integerDigits, other.integerDigits)
    isSpecial = isSpecial || other.isSpecial
  }

  @inline(__always) private mutating func each<T: BitwiseCopyable>(
    _ vector: Vector, _ count: Int, _ mask: ValidityMask?, as type: T.Type, _ key: (T) -> UInt64
  ) {
    let values = vector.values(as: type)
    var (least, most) = (low.0, high.0)
    var row = 0
    if let mask {
      while row < count {
        if mask.isValid(row) {
          let word = key(values[row])
          least = min(least, word)
          most = max(most, word)
        }
        row &+= 1
      }
    } else {
      while row < count {
        let word = key(values[row])
        least = min(least, word)
        most = max(most, word)
        row &+= 1
      }
    }
    (low.0, high.0) = (least, most)
  }

  @inline(__always) private mutating func eachWide<T: BitwiseCopyable>(
    _ vector: Vector, _ count: Int, _ mask: ValidityMask?, as type: T.Type, _ key: (T) -> (UInt64, UInt64)
  ) {
    let values = vector.values(as: type)
    for row in 0..<count where mask?.isValid(row) ?? true {
      let (first, second) = key(values[row])
      low = (min(low.0, first), min(low.1, second))
      high = (max(high.0, first), max(high.1, second))
    }
  }

  private mutating func numerics(_ vector: Vector, _ count: Int, _ mask: ValidityMask?) {
    let values = vector.values(as: Numeric.self)
    for row in 0..<count where mask?.isValid(row) ?? true {
      let value = values[row]
      if value.special != 0 {
        isSpecial = true
        continue
      }
      scale = max(scale, value.scale)
      integerDigits = max(integerDigits, KeyBits.digits(value.mantissa) - value.scale)
    }
  }

  /// True where every numeric fits 128 bits at the largest scale; what else there is always fits.
  var isPackable: Bool {
    type.physical != .numeric || (!isSpecial && scale >= 0 && max(integerDigits, 0) + scale <= 38)
  }

  /// A power of ten that no numeric at the largest scale exceeds either way, where that fits 64 bits.
  var mostSmallNumeric: UInt64? {
    let digits = max(integerDigits, 0) + scale
    return digits <= 18 ? PowerOfTen.uint64(digits) : nil
  }
}

/// Values as unsigned words of the same order.
enum KeyBits {
  @inline(__always) static func signed<T: FixedWidthInteger>(_ value: T) -> UInt64 {
    UInt64(bitPattern: Int64(truncatingIfNeeded: value)) ^ (1 << 63)
  }

  /// NaN highest, -0.0 with 0.0.
  @inline(__always) static func float(_ value: Double) -> UInt64 {
    if value.isNaN { return .max }
    let bits = Int64(bitPattern: (value + 0).bitPattern)
    return signed(bits ^ Int64(bitPattern: UInt64(bitPattern: bits >> 63) >> 1))
  }

  @inline(__always) static func wide(_ value: Int128) -> (UInt64, UInt64) {
    (signed(Int64(truncatingIfNeeded: value >> 64)), UInt64(truncatingIfNeeded: value))
  }

  /// The number of decimal digits of a number.
  static func digits(_ value: Int128) -> Int32 {
    var digits: Int32 = 0
    var rest = value.magnitude
    while rest >= 1_000_000_000 {
      rest /= 1_000_000_000
      digits += 9
    }
    while rest > 0 {
      rest /= 10
      digits += 1
    }
    return digits
  }
}
