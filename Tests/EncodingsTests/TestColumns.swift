import Bytes
import Encodings
import Vectors

/// A small generator with a seed, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// How the values of a test column come.
enum ValuePattern: String, CaseIterable {
  case extremes, small, ascending, outliers, runs, constant, few, random, stepped, leaps, sizes, jumps, jitter, sessions
}

/// Which rows of a test column are null.
enum NullPattern: String, CaseIterable {
  case none, all, first, last, scattered, blocks

  func isNull(_ row: Int, of count: Int) -> Bool {
    switch self {
    case .none: false
    case .all: true
    case .first: row == 0
    case .last: row == count - 1
    case .scattered: row % 3 == 1
    case .blocks: (row / 100) % 5 == 2
    }
  }
}

enum TestColumns {
  static let types: [LogicalType] = [
    .boolean, .smallint, .integer, .bigint, .real, .double, .text, .bytea, .numeric(precision: nil, scale: nil),
    .numeric(precision: 10, scale: 2), .interval, .uuid, .date, .timestamp,
  ]

  /// An integer of the pattern, before it is fitted to a type.
  static func integer(_ pattern: ValuePattern, _ row: Int, _ random: inout SeededGenerator) -> Int64 {
    switch pattern {
    case .extremes: [Int64.min, .max, 0, -1, 1, .min + 1, .max - 1][row % 7]
    case .small: Int64(random.next() % 200) - 40
    case .ascending: Int64(row) * 7 + Int64(random.next() % 5)
    case .outliers: row % 97 == 5 ? Int64(random.next() % 1_000_000_000_000) : Int64(random.next() % 50)
    case .runs: Int64(row / 37) * 1_000_003 % 91
    case .constant: -77
    case .few: Int64(random.next() % 23) * 1_234_567
    case .random: Int64(bitPattern: random.next())
    // Small steps of nearly one size, and leaps far back: positions in one file after the other.
    case .leaps: Int64(row % 700) * 140 + Int64(random.next() % 7) - (row % 700 == 0 ? 9_000_000_000 : 0)
    // Steps of several sizes, up and down.
    case .sizes: Int64(row / 6 % 91) * 90_001 % 7_000_003 + Int64(random.next() % 30)
    // Mostly small steps, and now and then a jump to anywhere: one walker after the other.
    case .jumps:
      random.next() % 40 == 0
        ? Int64(truncatingIfNeeded: random.next() % 360_000_000) - 180_000_000
        : Int64(row / 40) * 2_000_003 % 360_000_007 - 180_000_000 + Int64(row % 40) * 25
    // Noise around a base far from zero, which moves slowly.
    case .jitter: 48_137_000 + Int64(row / 512) * 3 + Int64(random.next() % 401) - 200
    // Short steps within a session, long ones between sessions, longer ones between days, and back to the beginning.
    case .sessions:
      1_000_000 + Int64(row % 700) * 40 + Int64(random.next() % 30) + Int64(row % 700 / 6) * 30_000
        + Int64(row % 700 / 80) * 9_000_000
    case .stepped: 1_700_000_000_000_000 + Int64(row) * 3_000_000 - Int64(random.next() % 20) * 1_000_000
    }
  }

  static func scalar(_ type: LogicalType, _ pattern: ValuePattern, _ row: Int, _ random: inout SeededGenerator)
    -> Scalar
  {
    let integer = integer(pattern, row, &random)
    switch type.physical {
    case .boolean: return .boolean(integer & 1 == 1)
    case .int16: return .integer(Int64(Int16(truncatingIfNeeded: integer)))
    case .int32: return .integer(Int64(Int32(truncatingIfNeeded: integer)))
    case .int64: return .integer(integer)
    case .float32:
      if pattern == .extremes {
        return .real(
          [0, -0.0, .infinity, -.infinity, .nan, Float(bitPattern: 0x7FA0_1234), .greatestFiniteMagnitude][row % 7])
      }
      return pattern == .random
        ? .real(Float(bitPattern: UInt32(truncatingIfNeeded: integer))) : .real(Float(integer % 100_000) / 100)
    case .float64:
      if pattern == .extremes {
        return .double(
          [0, -0.0, .infinity, -.infinity, .nan, Double(bitPattern: 0x7FF4_0000_0000_1234), .leastNonzeroMagnitude][
            row % 7])
      }
      return pattern == .random
        ? .double(Double(bitPattern: UInt64(bitPattern: integer))) : .double(Double(integer % 1_000_000_000) / 1e6)
    case .string:
      let text: String
      switch pattern {
      case .extremes:
        text =
          ["", "a", "twelve bytes", "thirteen byte", String(repeating: "é", count: 70), "\u{10FFFF}", "ab"][row % 7]
      case .random: text = "random \(integer) with a tail beyond twelve bytes"
      default: text = "value \(integer)"
      }
      return type == .bytea ? .bytes(Array(text.utf8)) : .text(text)
    case .numeric:
      if pattern == .extremes {
        return [.numeric(.nan), .numeric(.infinity), .numeric(Numeric(mantissa: 150, scale: 2))][row % 3]
      }
      if pattern == .random { return .numeric(Numeric(mantissa: Int128(integer) * 1_000_003, scale: Int32(row % 5))) }
      return .numeric(Numeric(mantissa: Int128(integer), scale: 2))
    case .interval:
      return .interval(
        Interval(months: Int32(truncatingIfNeeded: integer % 12), days: Int32(row % 31), microseconds: integer))
    case .uuid: return .uuid(UUIDValue(high: UInt64(bitPattern: integer), low: UInt64(row % 3)))
    }
  }

  static func column(_ type: LogicalType, _ pattern: ValuePattern, _ nulls: NullPattern, count: Int, seed: UInt64)
    -> [Scalar]
  {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { row in
      let value = scalar(type, pattern, row, &random)
      return nulls.isNull(row, of: count) ? .null : value
    }
  }

  /// Walks the columns as a row group's are.
  static func tracks(_ vectors: [(column: Int, vector: Vector)], keys: BlockKeys, isForced: Bool = false)
    -> BlockTracks?
  {
    BlockTracks(vectors, keys: keys, decimals: BlockDecimals(vectors, isForced: isForced), isForced: isForced)
  }

  /// Encodes and opens a block, `keyVector` being whatever other column it needs; the buffer must live as long as the block, which keeps it.
  static func open(
    _ vector: Vector, _ options: BlockOptions = BlockOptions(), keys: BlockKeys? = nil, link: BlockLink? = nil,
    tracks: BlockTracks? = nil, column: Int = 0, keyVector: Vector? = nil, leader: Block? = nil,
    isChecked: Bool = true
  ) throws -> Block {
    let decimals = tracks.map { _ in BlockDecimals([(column, vector)], isForced: true) }
    let (encoded, _) = try BlockEncoder.encode(
      vector, options, keys: keys, link: link, tracks: tracks, decimals: decimals, column: column)
    return try open(encoded, vector, keyVector: keyVector, leader: leader, isChecked: isChecked)
  }

  static func open(
    _ encoded: EncodedBlock, _ vector: Vector, keyVector: Vector? = nil, leader: Block? = nil, isChecked: Bool = true
  ) throws -> Block {
    let block = try Block(
      encoded.bytes.bytes, type: vector.type, rowCount: vector.count, owner: encoded.bytes, scratch: DecodeScratch())
    while let need = block.need, let keyVector {
      let other = try open(keyVector)
      switch need {
      case .keys:
        if let keys = try SuppliedKeys(other) { try block.supplyKeys(keys) }
      case .base: try block.supplyBase(other)
      case .leader:
        guard let leader else { return block }
        try block.supplyLeader(leader)
      }
    }
    if isChecked { try block.validate() }
    return block
  }
}
