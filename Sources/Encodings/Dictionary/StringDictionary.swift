import Bytes
import Vectors

/// Finds the distinct strings of a column, up to a limit, and gives each row a code in their order.
struct StringDictionary {
  /// Ascending.
  let entries: [StringReference]
  /// A code per row.
  let codes: AlignedBuffer

  /// Takes rows as they are; null rows get the code of the row before. Nil when there are more than `limit` strings.
  init?(_ values: UnsafePointer<StringReference>, count: Int, _ validity: ValidityMask?, limit: Int) {
    let codes = AlignedBuffer(byteCount: count * 8)
    let code = codes.values(as: Int64.self)
    var interner = StringInterner()
    var last: Int64 = -1
    var lastValue = StringReference()
    for row in 0..<count {
      if let validity, !validity.isValid(row) {
        code[row] = last
        continue
      }
      let value = values[row]
      if last < 0 || !(value == lastValue) {
        last = interner.code(of: value)
        lastValue = value
        if interner.count > limit { return nil }
      }
      code[row] = last
    }
    entries = StringDictionary.finish(interner, code, count)
    self.codes = codes
  }

  /// Takes the codes and strings of a dictionary vector, keeping the strings that occur and joining equal ones.
  init(_ vector: Vector, _ dictionary: Vector) {
    let count = vector.count
    let codes = AlignedBuffer(byteCount: count * 8)
    let code = codes.values(as: Int64.self)
    let source = vector.codes
    let strings = dictionary.values(as: StringReference.self)
    let validity = vector.validity
    var interner = StringInterner()
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(dictionary.count, 1)) { map in
      map.initialize(repeating: -1)
      var last: Int64 = -1
      for row in 0..<count {
        if validity?.isValid(row) ?? true {
          let entry = Int(source[row])
          last = map[entry]
          if last < 0 {
            last = interner.code(of: strings[entry])
            map[entry] = last
          }
        }
        code[row] = last
      }
    }
    entries = StringDictionary.finish(interner, code, count)
    self.codes = codes
  }

  /// Gives leading null rows a code, sorts the strings and renumbers.
  private static func finish(_ interner: StringInterner, _ code: UnsafeMutablePointer<Int64>, _ count: Int)
    -> [StringReference]
  {
    // The first bytes decide most comparisons.
    let keyed = interner.entries.enumerated().map { (key: sortKey($0.element), value: $0.element, code: $0.offset) }
    let sorted = keyed.sorted { $0.key != $1.key ? $0.key < $1.key : $0.value < $1.value }
    var rank = [Int64](repeating: 0, count: sorted.count)
    for (position, entry) in sorted.enumerated() { rank[entry.code] = Int64(position) }
    var first = 0
    while first < count && code[first] < 0 { first += 1 }
    if first < count { for row in 0..<first { code[row] = code[first] } }
    rank.withUnsafeBufferPointer { rank in
      for row in 0..<count where code[row] >= 0 { code[row] = rank[Int(code[row])] }
    }
    return sorted.map(\.value)
  }

  /// The first eight bytes, as a number that orders as they do.
  private static func sortKey(_ value: StringReference) -> UInt64 {
    value.withBytes { bytes in
      var key: UInt64 = 0
      for index in 0..<8 { key = key << 8 | (index < bytes.count ? UInt64(bytes[index]) : 0) }
      return key
    }
  }
}

/// Numbers strings in order of first appearance: open addressing over their bytes.
struct StringInterner {
  private(set) var entries: [StringReference] = []
  private var hashes: [UInt64] = []
  private var slots = [Int32](repeating: -1, count: 1024)

  var count: Int { entries.count }

  mutating func code(of value: StringReference) -> Int64 {
    let hash = StringInterner.hash(value)
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while true {
      let entry = Int(slots[slot])
      if entry < 0 { break }
      if hashes[entry] == hash && entries[entry] == value { return Int64(entry) }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(entries.count)
    entries.append(value)
    hashes.append(hash)
    if entries.count * 2 > slots.count { grow() }
    return Int64(entries.count - 1)
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for (entry, hash) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(entry)
    }
  }

  @inline(__always) static func hash(_ value: StringReference) -> UInt64 {
    var state = mix(value.head &* 0x9E37_79B9_7F4A_7C15)
    if value.isInline { return mix(state ^ value.tail) }
    value.withBytes { bytes in
      var offset = 0
      while offset + 8 <= bytes.count {
        state = mix(state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
      }
      state = mix(state ^ bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
    }
    return state
  }

  /// Multiplies to 128 bits and folds the halves.
  @inline(__always) private static func mix(_ value: UInt64) -> UInt64 {
    let (high, low) = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
    return high ^ low
  }
}
