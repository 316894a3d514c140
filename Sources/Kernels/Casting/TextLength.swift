import Bytes
import Vectors

/// Lengths of `varchar(n)` and `char(n)`, counted in characters.
enum TextLength {
  /// Brings text to `type`: cuts off (explicit casts) or refuses (assignments, except trailing blanks) what is too long,
  /// pads `char(n)` with blanks. Never copies text that fits.
  static func limited(_ vector: Vector, to type: LogicalType, isExplicit: Bool) throws -> Vector {
    switch type {
    case .varchar(let length?): return try cut(vector, type, length, pads: false, isExplicit)
    case .char(let length): return try cut(vector, type, length, pads: true, isExplicit)
    default: return vector.retyped(as: type)
    }
  }

  /// Removes the padding of `char(n)`.
  static func unpadded(_ vector: Vector) -> Vector {
    let result: Vector = mapUnary(vector, .text) { (text: StringReference) -> StringReference in
      text.withoutPadding { $0 }
    }
    return result.keeping(vector.owners)
  }

  private static func cut(
    _ vector: Vector, _ type: LogicalType, _ length: Int, pads: Bool, _ isExplicit: Bool
  ) throws -> Vector {
    let text = vector.spread
    if !pads, text.form == .flat {
      let values = text.values(as: StringReference.self)
      var fits = true
      for row in 0..<text.count where values[row].count > length { fits = false }
      if fits { return text.retyped(as: type) }
    }
    return try mapText(text, type) { value, out in
      try value.withBytes { bytes in
        let (end, characters) = Characters.prefix(bytes, length)
        if end < bytes.count, !isExplicit {
          for byte in bytes[end...] where byte != 0x20 {
            let name = pads ? "character(\(length))" : "character varying(\(length))"
            throw PulsehouseError(.user, "value too long for type \(name)", sqlState: "22001")
          }
        }
        out.append(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        if pads { out.append(repeating: 0x20, count: length - characters) }
        return true
      }
    }
  }
}

/// Characters of UTF-8, counted by their first bytes.
enum Characters {
  @inline(__always) static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

  static func count(_ bytes: UnsafeRawBufferPointer) -> Int {
    var count = 0
    for byte in bytes { count &+= Int(bit(!isContinuation(byte))) }
    return count
  }

  /// Returns where the first `limit` characters end and how many of them there are.
  static func prefix(_ bytes: UnsafeRawBufferPointer, _ limit: Int) -> (end: Int, characters: Int) {
    var characters = 0
    var index = 0
    while index < bytes.count {
      if !isContinuation(bytes[index]) {
        if characters >= limit { return (index, characters) }
        characters += 1
      }
      index += 1
    }
    return (index, characters)
  }

  /// Returns where the character at or after byte `index` + 1 begins.
  @inline(__always) static func next(_ bytes: UnsafeRawBufferPointer, after index: Int) -> Int {
    var next = index + 1
    while next < bytes.count, isContinuation(bytes[next]) { next += 1 }
    return next
  }
}

extension Vector {
  /// Returns the same rows, also keeping `more` alive (text that a kernel took references to).
  func keeping(_ more: [AnyObject]) -> Vector {
    if more.isEmpty { return self }
    switch form {
    case .flat: return Vector(type, count: count, buffer: buffer, validity: validity, owners: owners + more)
    case .constant:
      let one = Vector(type, count: 1, buffer: buffer, validity: validity, owners: owners + more)
      return Vector(constant: one, count: count)
    case .dictionary: return flattened().keeping(more)
    }
  }
}
