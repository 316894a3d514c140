import Bytes
import Glibc
import Vectors

/// Turns a checked JSON value into the next row of a column, or refuses it.
extension JSONRecordParser {
  @inline(__always)
  private func put<Value: BitwiseCopyable>(_ value: Value, _ column: Int) -> Bool {
    columns.bases[column].storeBytes(
      of: value, toByteOffset: columns.rowCount &* MemoryLayout<Value>.stride, as: Value.self)
    return true
  }

  func store(boolean: UInt8, _ place: UnsafeRawPointer, _ column: Int) -> Bool {
    guard columns.kinds[column] == .boolean else {
      return fail(.wrongType(found: "a truth value"), place, column: column)
    }
    return put(boolean, column)
  }

  func store(json start: UnsafeRawPointer, _ end: UnsafeRawPointer, _ column: Int) -> Bool {
    put(reference(start, end - start), column)
  }

  func store(_ number: JSONNumber, _ text: UnsafeRawBufferPointer, _ column: Int) -> Bool {
    guard let place = text.baseAddress else { return false }
    switch columns.kinds[column] {
    case .int16, .int32, .int64:
      switch number.integer(text) {
      case .hasFraction: return fail(.hasFraction, place, column: column)
      case .outOfRange: return fail(.outOfRange, place, column: column)
      case .value(let value): return store(integer: value, place, column)
      }
    case .float64:
      guard let value = number.double(text) else { return fail(.outOfRange, place, column: column) }
      return put(value, column)
    case .float32:
      guard let value = number.float(text) else { return fail(.outOfRange, place, column: column) }
      return put(value, column)
    case .numeric:
      guard case .numeric(let precision, let scale) = columns.types[column],
        let value = number.numeric(text, precision: precision, scale: scale)
      else { return fail(.outOfRange, place, column: column) }
      return put(value, column)
    default: return fail(.wrongType(found: "a number"), place, column: column)
    }
  }

  private func store(integer value: Int64, _ place: UnsafeRawPointer, _ column: Int) -> Bool {
    switch columns.kinds[column] {
    case .int16: if let narrow = Int16(exactly: value) { return put(narrow, column) }
    case .int32: if let narrow = Int32(exactly: value) { return put(narrow, column) }
    default: return put(value, column)
    }
    return fail(.outOfRange, place, column: column)
  }

  func store(string start: UnsafeRawPointer, _ count: Int, _ hasEscapes: Bool, _ column: Int) -> Bool {
    switch columns.kinds[column] {
    case .text: return put(text(start, count, hasEscapes), column)
    case .varchar, .char: return store(limited: text(start, count, hasEscapes), start, column)
    case .date, .time, .timestamp, .timestamptz, .uuid:
      guard !hasEscapes else { return fail(.notSpelled, start, column: column) }
      return store(spelled: UnsafeRawBufferPointer(start: start, count: count), start, column)
    default: return fail(.wrongType(found: "a string"), start, column: column)
    }
  }

  private func store(spelled text: UnsafeRawBufferPointer, _ place: UnsafeRawPointer, _ column: Int) -> Bool {
    switch columns.kinds[column] {
    case .date: if let days = ISOText.date(text) { return put(days, column) }
    case .time: if let time = ISOText.time(text) { return put(time, column) }
    case .timestamp: if let time = ISOText.timestamp(text, appliesZone: false) { return put(time, column) }
    case .timestamptz: if let time = ISOText.timestamp(text, appliesZone: true) { return put(time, column) }
    default: if let value = ISOText.uuid(text) { return put(value, column) }
    }
    return fail(.notSpelled, place, column: column)
  }

  /// Stores text of at most (`varchar`) or exactly (`char`, blank padded) so many characters; blanks beyond are cut.
  private func store(limited text: StringReference, _ place: UnsafeRawPointer, _ column: Int) -> Bool {
    let limit: Int
    var isPadded = false
    switch columns.types[column] {
    case .varchar(let length?): limit = length
    case .char(let length): (limit, isPadded) = (length, true)
    default: return put(text, column)
    }
    return text.withBytes { bytes in
      var characters = 0
      var kept = bytes.count
      for (index, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
        if characters == limit { kept = min(kept, index) }
        characters += 1
      }
      if characters == limit || !isPadded && characters < limit { return put(text, column) }
      if characters > limit {
        guard bytes[kept...].allSatisfy({ $0 == 0x20 }) else {
          return fail(.tooLong(limit: limit), place, column: column)
        }
        return put(columns.heap.intern(UnsafeRawBufferPointer(rebasing: bytes[..<kept])), column)
      }
      return put(columns.heap.intern([UInt8](bytes) + [UInt8](repeating: 0x20, count: limit - characters)), column)
    }
  }

  private func text(_ start: UnsafeRawPointer, _ count: Int, _ hasEscapes: Bool) -> StringReference {
    guard hasEscapes else { return reference(start, count) }
    let place = columns.heap.allocate(count)
    return StringReference(place, count: unescape(start, count, into: place))
  }

  /// Refers to bytes of the block being read; reads up to 12 bytes past them.
  @inline(__always)
  func reference(_ start: UnsafeRawPointer, _ count: Int) -> StringReference {
    guard count <= StringReference.inlineCapacity else { return StringReference(start, count: count) }
    return JSONText.inlineReference(start, count)
  }
}

extension JSONText {
  /// Makes a reference to at most 12 bytes, which it holds; reads 12 bytes whatever the count.
  @inline(__always)
  static func inlineReference(_ start: UnsafeRawPointer, _ count: Int) -> StringReference {
    let first = UInt64(UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)))
    let rest = UInt64(littleEndian: (start + 4).loadUnaligned(as: UInt64.self))
    let firstBits = UInt64(truncatingIfNeeded: min(count, 4) &<< 3)
    let restBits = UInt64(truncatingIfNeeded: max(count &- 4, 0) &<< 3)
    let firstMask = (UInt64(1) &<< firstBits) &- 1
    let restMask = restBits == 64 ? ~0 : (UInt64(1) &<< restBits) &- 1
    return StringReference(head: UInt64(truncatingIfNeeded: count) | (first & firstMask) &<< 32, tail: rest & restMask)
  }
}

extension StringHeap {
  /// Copies `bytes` and returns a reference to the copy.
  fileprivate func intern(_ bytes: [UInt8]) -> StringReference { bytes.withUnsafeBytes { intern($0) } }
}
