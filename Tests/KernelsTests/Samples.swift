import Bytes
import Vectors

@testable import Kernels

/// A small seeded generator, so that every failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

enum Samples {
  static let lengths = [0, 1, 63, 64, 65, 2047, 2048, 2049]

  static let types: [LogicalType] = [
    .boolean, .smallint, .integer, .bigint, .real, .double, .numeric(precision: nil, scale: nil), .text,
    .char(length: 6), .date, .timestamp, .interval, .uuid,
  ]

  static func scalar(_ type: LogicalType, _ random: inout SeededGenerator) -> Scalar {
    let pick = Int.random(in: 0..<10, using: &random)
    switch type {
    case .boolean: return .boolean(Bool.random(using: &random))
    case .smallint:
      return .integer([Int64(Int16.min), -1, 0, 1, Int64(Int16.max)][pick % 5])
    case .integer, .date:
      return pick < 3
        ? .integer([Int64(Int32.min), 0, Int64(Int32.max)][pick]) : .integer(Int64.random(in: -20...20, using: &random))
    case .bigint, .timestamp:
      return pick < 3
        ? .integer([Int64.min, 0, Int64.max][pick]) : .integer(Int64.random(in: -20...20, using: &random))
    case .real:
      return .real([-.infinity, -1.5, -0.0, 0.0, 1.5, 2.5, .infinity, .nan, 3e38, .leastNonzeroMagnitude][pick])
    case .double:
      return .double([-.infinity, -1.5, -0.0, 0.0, 1.5, 2.5, .infinity, .nan, 1e300, .leastNonzeroMagnitude][pick])
    case .numeric:
      if pick == 9 { return .numeric([Numeric.nan, .infinity, .negativeInfinity][Int(random.next() % 3)]) }
      let scale = Int32(random.next() % 4)
      return .numeric(
        Numeric(mantissa: Int128(Int64.random(in: -50...50, using: &random)) * PowerOfTen.int128(scale), scale: scale))
    case .char:
      return .text(["a     ", "b     ", "ab    ", "a", "abcdef"][pick % 5])
    case .interval:
      return .interval(
        Interval(
          months: Int32.random(in: -1...1, using: &random), days: Int32.random(in: -30...30, using: &random),
          microseconds: [0, 86_400_000_000, -5][pick % 3]))
    case .uuid: return .uuid(UUIDValue(high: random.next() % 3, low: random.next() % 3 << 62))
    default:
      return .text(
        ["", "a", "ab", "abcdefgh", "abcdefghi", "abcdefghijkl", "abcdefghijklm", "abcdefghijkln", "z", "é"][pick])
    }
  }

  /// A vector of random values in one of the three forms, with NULLs unless `nullShare` is 0.
  static func vector(
    _ type: LogicalType, count: Int, form: Vector.Form, nullShare: Int, _ random: inout SeededGenerator
  ) -> Vector {
    func isNull(_ random: inout SeededGenerator) -> Bool {
      nullShare > 0 && Int(random.next() % 100) < nullShare
    }
    switch form {
    case .flat:
      return .of(type, (0..<count).map { _ in isNull(&random) ? .null : scalar(type, &random) })
    case .constant: return .constant(type, isNull(&random) ? .null : scalar(type, &random), count: count)
    case .dictionary:
      let dictionary = Vector.of(type, (0..<7).map { _ in scalar(type, &random) })
      let codes = AlignedBuffer(byteCount: count * 4)
      for row in 0..<count { codes.values(as: UInt32.self)[row] = UInt32(random.next() % 7) }
      guard nullShare > 0 else { return Vector(codes: codes, count: count, dictionary: dictionary) }
      let mask = ValidityMask(count: count, allValid: true)
      for row in 0..<count where isNull(&random) { mask.set(row, valid: false) }
      return Vector(codes: codes, count: count, dictionary: dictionary, validity: mask)
    }
  }

  static func scalars(_ vector: Vector) -> [Scalar] { (0..<vector.count).map { vector.scalar(at: $0) } }
}

/// Compares boxed values as SQL orders them, one row at a time; NULL is the caller's affair.
func referenceOrder(_ left: Scalar, _ right: Scalar, padded: Bool = false) -> Int {
  func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a > b ? 1 : 0 }
  func double(_ a: Double, _ b: Double) -> Int {
    if a.isNaN || b.isNaN { return order(a.isNaN ? 1 : 0, b.isNaN ? 1 : 0) }
    return order(a, b)
  }
  switch (left, right) {
  case (.boolean(let a), .boolean(let b)): return order(a ? 1 : 0, b ? 1 : 0)
  case (.integer(let a), .integer(let b)): return order(a, b)
  case (.real(let a), .real(let b)): return double(Double(a), Double(b))
  case (.double(let a), .double(let b)): return double(a, b)
  case (.numeric(let a), .numeric(let b)):
    func approximate(_ n: Numeric) -> Double {
      switch n.special {
      case 1: .nan
      case 2: .infinity
      case 3: -.infinity
      default: Double(n.mantissa) / Double(PowerOfTen.int128(n.scale))
      }
    }
    return double(approximate(a), approximate(b))
  case (.text(let a), .text(let b)):
    func bytes(_ s: String) -> [UInt8] {
      var bytes = Array(s.utf8)
      while padded, bytes.last == 0x20 { bytes.removeLast() }
      return bytes
    }
    let (x, y) = (bytes(a), bytes(b))
    return x == y ? 0 : x.lexicographicallyPrecedes(y) ? -1 : 1
  case (.interval(let a), .interval(let b)):
    func total(_ i: Interval) -> Double {
      (Double(i.months) * 30 + Double(i.days)) * 86_400_000_000 + Double(i.microseconds)
    }
    return order(total(a), total(b))
  case (.uuid(let a), .uuid(let b)): return a.high != b.high ? order(a.high, b.high) : order(a.low, b.low)
  default: preconditionFailure("values of different types")
  }
}
