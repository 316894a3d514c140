import Bytes
import Glibc
import Vectors

/// Gives every distinct value of one column a number from 0, so that keys of any type become small integers.
///
/// Strings are kept as they are. Numerics, intervals, UUIDs, padded text and jsonb are kept as the bytes of a canonical form,
/// so that values which SQL calls equal get one number. NULL has none. Filled by one thread; afterwards any number of
/// threads may look values up.
final class ValueInterner {
  let type: LogicalType
  private(set) var count = 0
  private var values = Store<StringReference>()
  private var slots = Store<UInt64>(zeroed: 64)
  private var slotMask = 63
  private let heap = StringHeap()
  private var cachedDictionary: Vector?
  private var sealed: Vector?
  private var cachedIDs = Store<UInt32>()

  /// What a lookup gives for a value that has no number.
  static let missing = UInt32.max

  init(_ type: LogicalType) { self.type = type }

  var byteCount: Int { values.byteCount + slots.byteCount + heap.byteCount + cachedIDs.byteCount }

  /// Writes the number of each row of `vector` (flat or dictionary) to `ids`, adding new values; NULL rows get 0.
  func intern(_ vector: Vector, into ids: UnsafeMutablePointer<UInt32>) {
    let mask = vector.rowValidity
    if let dictionary = vector.dictionary {
      let size = dictionary.count
      if cachedDictionary !== dictionary {
        cachedDictionary = dictionary
        cachedIDs.reserve(size, keeping: 0)
        memset(cachedIDs.base, 0xFF, size * 4)
      }
      let known = cachedIDs.base
      let codes = vector.codes
      let count = vector.count
      // No number has the top bit, and what is missing has.
      var missing: UInt32 = 0
      if mask == nil {
        var row = 0
        while row < count {
          let id = known[Int(codes[row])]
          ids[row] = id
          missing |= id
          row &+= 1
        }
        if missing >> 31 == 0 { return }
      }
      for row in 0..<count {
        if let mask, !mask.isValid(row) {
          ids[row] = 0
          continue
        }
        let code = Int(codes[row])
        var id = known[code]
        if id == ValueInterner.missing {
          id = withKey(of: dictionary, at: code) { insert($0) }
          known[code] = id
        }
        ids[row] = id
      }
      return
    }
    for row in 0..<vector.count {
      if let mask, !mask.isValid(row) {
        ids[row] = 0
      } else {
        ids[row] = withKey(of: vector, at: row) { insert($0) }
      }
    }
  }

  /// Looks rows up without adding: `cache` is the caller's own.
  func find(_ vector: Vector, into ids: UnsafeMutablePointer<UInt32>, cache: InternerCache) {
    let mask = vector.rowValidity
    if let dictionary = vector.dictionary {
      let size = dictionary.count
      if cache.dictionary !== dictionary {
        cache.dictionary = dictionary
        cache.ids.reserve(size, keeping: 0)
        memset(cache.ids.base, 0xFE, size * 4)
      }
      let known = cache.ids.base
      let codes = vector.codes
      for row in 0..<vector.count {
        if let mask, !mask.isValid(row) {
          ids[row] = 0
          continue
        }
        let code = Int(codes[row])
        var id = known[code]
        if id == 0xFEFE_FEFE {
          id = withKey(of: dictionary, at: code) { find($0) }
          known[code] = id
        }
        ids[row] = id
      }
      return
    }
    for row in 0..<vector.count {
      if let mask, !mask.isValid(row) {
        ids[row] = 0
      } else {
        ids[row] = withKey(of: vector, at: row) { find($0) }
      }
    }
  }

  /// Calls `body` with the canonical bytes of one valid row of a flat vector.
  @inline(__always) private func withKey<R>(of vector: Vector, at row: Int, _ body: (StringReference) -> R) -> R {
    switch type.physical {
    case .string:
      let value = vector.values(as: StringReference.self)[row]
      return value.withKey(type.spelling, body)
    case .numeric:
      let value = vector.values(as: Numeric.self)[row].reduced
      return withBytes(
        UInt64(truncatingIfNeeded: value.mantissa), UInt64(truncatingIfNeeded: value.mantissa >> 64),
        UInt64(UInt32(bitPattern: value.special != 0 ? 0 : value.scale)) | UInt64(UInt32(bitPattern: value.special))
          << 32,
        count: 24, body)
    case .interval:
      let span = vector.values(as: Interval.self)[row].span
      return withBytes(UInt64(truncatingIfNeeded: span), UInt64(truncatingIfNeeded: span >> 64), 0, count: 16, body)
    case .uuid:
      let value = vector.values(as: UUIDValue.self)[row]
      return withBytes(value.high, value.low, 0, count: 16, body)
    case .boolean, .int16, .int32, .int64, .float32, .float64:
      preconditionFailure("numbers are their own keys")
    }
  }

  @inline(__always) private func withBytes<R>(
    _ first: UInt64, _ second: UInt64, _ third: UInt64, count: Int, _ body: (StringReference) -> R
  ) -> R {
    withUnsafeBytes(of: (first, second, third)) { bytes in
      guard let base = bytes.baseAddress else { return body(StringReference()) }
      return body(StringReference(base, count: count))
    }
  }

  private func insert(_ key: StringReference) -> UInt32 {
    if (count + 1) * 2 > slotMask + 1 { grow() }
    let hash = Hash.string(key)
    let tag = hash & 0xFFFF_FFFF_0000_0000
    var place = Int(truncatingIfNeeded: hash) & slotMask
    while true {
      let slot = slots.base[place]
      if slot == 0 { break }
      if slot & 0xFFFF_FFFF_0000_0000 == tag {
        let id = UInt32(truncatingIfNeeded: slot) &- 1
        if values.base[Int(id)] == key { return id }
      }
      place = (place + 1) & slotMask
    }
    precondition(count < Int(Int32.max) - 1, "more distinct values than 31 bits count")
    let id = UInt32(truncatingIfNeeded: count)
    values.reserve(count + 1, keeping: count)
    values.base[count] = key.isInline ? key : key.withBytes { heap.intern($0) }
    count += 1
    slots.base[place] = tag | UInt64(id &+ 1)
    return id
  }

  private func find(_ key: StringReference) -> UInt32 {
    let hash = Hash.string(key)
    let tag = hash & 0xFFFF_FFFF_0000_0000
    var place = Int(truncatingIfNeeded: hash) & slotMask
    while true {
      let slot = slots.base[place]
      if slot == 0 { return ValueInterner.missing }
      if slot & 0xFFFF_FFFF_0000_0000 == tag {
        let id = UInt32(truncatingIfNeeded: slot) &- 1
        if values.base[Int(id)] == key { return id }
      }
      place = (place + 1) & slotMask
    }
  }

  private func grow() {
    let size = (slotMask + 1) * 2
    slots = Store<UInt64>(zeroed: size)
    slotMask = size - 1
    for id in 0..<count {
      let hash = Hash.string(values.base[id])
      var place = Int(truncatingIfNeeded: hash) & slotMask
      while slots.base[place] != 0 { place = (place + 1) & slotMask }
      slots.base[place] = (hash & 0xFFFF_FFFF_0000_0000) | UInt64(id + 1)
    }
  }

  /// Keeps the dictionary that `dictionary` returns until more values come.
  func seal() {
    if type.physical == .string, sealed?.count != count { sealed = dictionary() }
  }

  /// Returns the values by number, for strings only; they stay valid as long as the vector.
  func dictionary() -> Vector {
    if let sealed, sealed.count == count { return sealed }
    let buffer = AlignedBuffer(byteCount: count * 16)
    buffer.values(as: StringReference.self).update(from: values.base, count: count)
    return Vector(type, count: count, buffer: buffer, owners: [heap])
  }
}

/// One thread's memory of which dictionary codes have which numbers.
final class InternerCache {
  var dictionary: Vector?
  var ids = Store<UInt32>()
}
