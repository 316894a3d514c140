import Bytes
import Vectors

/// Finds the distinct values of a column of fixed width by their bits, up to a limit, and gives each row a code.
struct FixedDictionary {
  /// Distinct bit patterns, in order of first appearance until `sort`.
  private(set) var entries: [UInt64] = []
  /// A code per row.
  let codes: AlignedBuffer

  /// Returns nil when `values` hold more than `limit` different ones.
  init?(_ values: UnsafePointer<Int64>, count: Int, limit: Int) {
    codes = AlignedBuffer(byteCount: count * 8)
    let code = codes.values(as: Int64.self)
    var slotCount = 1024
    while slotCount < limit * 2 { slotCount *= 2 }
    let shift = UInt64(64 - slotCount.trailingZeroBitCount)
    var slots = [Int32](repeating: -1, count: slotCount)
    var last: UInt64 = 0
    var lastCode: Int64 = -1
    for row in 0..<count {
      let bits = UInt64(bitPattern: values[row])
      if lastCode >= 0 && bits == last {
        code[row] = lastCode
        continue
      }
      var slot = Int(truncatingIfNeeded: (bits &* 0x9E37_79B9_7F4A_7C15) &>> shift)
      while true {
        let entry = slots[slot]
        if entry < 0 {
          if entries.count == limit { return nil }
          slots[slot] = Int32(entries.count)
          lastCode = Int64(entries.count)
          entries.append(bits)
          break
        }
        if entries[Int(entry)] == bits {
          lastCode = Int64(entry)
          break
        }
        slot = (slot + 1) & (slotCount - 1)
      }
      last = bits
      code[row] = lastCode
    }
  }

  /// Sorts the entries by `key`, then by their bits, and renumbers the codes.
  mutating func sort(_ count: Int, by key: (UInt64) -> Int64) {
    let keyed = entries.enumerated().map { (key: key($0.element), bits: $0.element, code: $0.offset) }
    let sorted = keyed.sorted { ($0.key, $0.bits) < ($1.key, $1.bits) }
    var rank = [Int64](repeating: 0, count: entries.count)
    for (position, entry) in sorted.enumerated() { rank[entry.code] = Int64(position) }
    entries = sorted.map(\.bits)
    let code = codes.values(as: Int64.self)
    rank.withUnsafeBufferPointer { rank in
      for row in 0..<count { code[row] = rank[Int(code[row])] }
    }
  }
}

/// Finds the distinct strings of a column, up to a limit, and gives each row a code in their order.
struct StringDictionary {
  /// Ascending.
  private(set) var entries: [StringReference] = []
  /// A code per row.
  let codes: AlignedBuffer
  private(set) var byteCount = 0

  /// Takes rows as they are; null rows get the code of the row before. Nil when there are more than `limit` strings.
  init?(_ values: UnsafePointer<StringReference>, count: Int, _ validity: ValidityMask?, limit: Int) {
    codes = AlignedBuffer(byteCount: count * 8)
    let code = codes.values(as: Int64.self)
    var slotCount = 1024
    while slotCount < limit * 2 { slotCount *= 2 }
    var slots = [Int32](repeating: -1, count: slotCount)
    var last: Int64 = -1
    for row in 0..<count {
      if let validity, !validity.isValid(row) {
        code[row] = last
        continue
      }
      let value = values[row]
      if last >= 0 && entries[Int(last)] == value {
        code[row] = last
        continue
      }
      var slot = Int(truncatingIfNeeded: StringDictionary.hash(value)) & (slotCount - 1)
      while true {
        let entry = slots[slot]
        if entry < 0 {
          if entries.count == limit { return nil }
          slots[slot] = Int32(entries.count)
          last = Int64(entries.count)
          entries.append(value)
          byteCount += value.count
          break
        }
        if entries[Int(entry)] == value {
          last = Int64(entry)
          break
        }
        slot = (slot + 1) & (slotCount - 1)
      }
      code[row] = last
    }
    finish(count)
  }

  /// Takes the codes and strings of a dictionary vector, keeping the strings that occur and joining equal ones.
  init(_ vector: Vector, _ dictionary: Vector) {
    let count = vector.count
    codes = AlignedBuffer(byteCount: count * 8)
    let code = codes.values(as: Int64.self)
    let strings = dictionary.values(as: StringReference.self)
    var map = [Int64](repeating: -1, count: dictionary.count)
    var known: [Int: [Int64]] = [:]
    var last: Int64 = -1
    for row in 0..<count {
      if vector.validity.map({ $0.isValid(row) }) ?? true {
        let source = Int(vector.codes[row])
        if map[source] < 0 {
          let value = strings[source]
          let hash = Int(truncatingIfNeeded: StringDictionary.hash(value))
          if let equal = known[hash]?.first(where: { entries[Int($0)] == value }) {
            map[source] = equal
          } else {
            map[source] = Int64(entries.count)
            known[hash, default: []].append(map[source])
            entries.append(value)
            byteCount += value.count
          }
        }
        last = map[source]
      }
      code[row] = last
    }
    finish(count)
  }

  /// Gives leading null rows a code, sorts the strings and renumbers.
  private mutating func finish(_ count: Int) {
    let sorted = entries.indices.sorted { entries[$0] < entries[$1] }
    var rank = [Int64](repeating: 0, count: entries.count)
    for (position, code) in sorted.enumerated() { rank[code] = Int64(position) }
    let unsorted = entries
    entries = sorted.map { unsorted[$0] }
    let code = codes.values(as: Int64.self)
    var first = 0
    while first < count && code[first] < 0 { first += 1 }
    if first < count { for row in 0..<first { code[row] = code[first] } }
    rank.withUnsafeBufferPointer { rank in
      for row in 0..<count where code[row] >= 0 { code[row] = rank[Int(code[row])] }
    }
  }

  @inline(__always) static func hash(_ value: StringReference) -> UInt64 {
    var state = value.head &* 0x9E37_79B9_7F4A_7C15
    if value.isInline {
      state = (state ^ state &>> 32 ^ value.tail) &* 0xD6E8_FEB8_6659_FD93
    } else {
      value.withBytes { bytes in
        var offset = 0
        while offset + 8 <= bytes.count {
          state =
            (state ^ state &>> 32 ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            &* 0xD6E8_FEB8_6659_FD93
          offset += 8
        }
        let rest = bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        state = (state ^ state &>> 32 ^ rest) &* 0xD6E8_FEB8_6659_FD93
      }
    }
    return state ^ state &>> 29
  }
}
