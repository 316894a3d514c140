import Bytes
import CKernels
import Glibc
import Vectors

/// Functions of text over whole vectors. Positions and lengths count characters; text is UTF-8.
package enum TextFunctions {
  // MARK: Measures

  package static func length(_ operand: Vector) -> Vector {
    let isBytes = operand.type == .bytea
    let isPadded = operand.type.isPadded
    return mapUnary(operand, .integer) { (text: StringReference) -> Int32 in
      if isBytes { return Int32(clamping: text.count) }
      if isPadded { return text.withoutPadding { $0.withBytes { Int32(clamping: Characters.count($0)) } } }
      return text.withBytes { Int32(clamping: Characters.count($0)) }
    }
  }

  package static func octetLength(_ operand: Vector) -> Vector {
    mapUnary(operand, .integer) { (text: StringReference) -> Int32 in Int32(clamping: text.count) }
  }

  /// The position of `part` in `text` from 1, in characters or in bytes of bytes; 0 when it is not there.
  package static func position(_ text: Vector, _ part: Vector) -> Vector {
    let isText = text.type != .bytea
    return mapBinary(text, part, .integer) { (text: StringReference, part: StringReference) -> Int32 in
      text.withBytes { bytes in
        part.withBytes { wanted in
          guard let place = ByteSearch.first(wanted, in: bytes, from: 0) else { return 0 }
          let before = isText ? Characters.count(UnsafeRawBufferPointer(rebasing: bytes[..<place])) : place
          return Int32(clamping: before + 1)
        }
      }
    }
  }

  package static func startsWith(_ text: Vector, _ prefix: Vector) -> Vector {
    mapBinary(text, prefix, .boolean) { (text: StringReference, prefix: StringReference) -> UInt8 in
      text.withBytes { bytes in prefix.withBytes { bit(ByteSearch.has($0, at: 0, in: bytes)) } }
    }
  }

  package static func ascii(_ operand: Vector) -> Vector {
    mapUnary(operand, .integer) { (text: StringReference) -> Int32 in
      text.withBytes { bytes in
        String(decoding: bytes.prefix(4), as: UTF8.self).unicodeScalars.first.map { Int32($0.value) } ?? 0
      }
    }
  }

  // MARK: Parts

  /// `substring(text, from[, length])` of text or bytes; `from` may lie before the start.
  package static func substring(_ arguments: [Vector], count: Int) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 1)
    let starts = Operand<Int32>(operands[1])
    let lengths = operands.count > 2 ? Operand<Int32>(operands[2]) : nil
    let isBytes = operands[0].type == .bytea
    return try textSlices(operands, count: count) { row, bytes in
      let start = Int(starts[row])
      var end = Int.max
      if let lengths {
        end = start + Int(lengths[row])
        guard end >= start else {
          throw PulsehouseError(.user, "negative substring length not allowed", sqlState: "22011")
        }
      }
      let from = max(start, 1) - 1
      let length = max(end == .max ? .max : end - 1 - from, 0)
      if isBytes {
        let low = min(from, bytes.count)
        return low..<(length > bytes.count - low ? bytes.count : low + length)
      }
      return range(bytes, skipping: from, taking: length)
    }
  }

  private static func range(_ bytes: UnsafeRawBufferPointer, skipping: Int, taking: Int) -> Range<Int> {
    let low = Characters.prefix(bytes, skipping).end
    if taking == .max { return low..<bytes.count }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[low...])
    return low..<(low + Characters.prefix(rest, taking).end)
  }

  /// The first `n` characters, or all but the last `-n`.
  package static func left(_ arguments: [Vector], count: Int) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 1)
    let numbers = Operand<Int32>(operands[1])
    return try textSlices(operands, count: count) { row, bytes in
      let number = Int(numbers[row])
      let wanted = number >= 0 ? number : max(Characters.count(bytes) + number, 0)
      return 0..<Characters.prefix(bytes, wanted).end
    }
  }

  /// The last `n` characters, or all but the first `-n`.
  package static func right(_ arguments: [Vector], count: Int) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 1)
    let numbers = Operand<Int32>(operands[1])
    return try textSlices(operands, count: count) { row, bytes in
      let number = Int(numbers[row])
      let skipped = number >= 0 ? max(Characters.count(bytes) - number, 0) : -number
      return Characters.prefix(bytes, skipped).end..<bytes.count
    }
  }

  /// `btrim`, `ltrim`, `rtrim`: removes the characters of the second argument, blanks without one.
  package static func trim(_ arguments: [Vector], count: Int, start: Bool, end: Bool) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 9)
    let sets = operands.count > 1 ? Operand<StringReference>(operands[1]) : nil
    return try textSlices(operands, count: count) { row, bytes in
      guard let sets else { return trimmed(bytes, start, end) { $0 == 0x20 } }
      let set = sets[row]
      return set.withBytes { unwanted in
        if unwanted.allSatisfy({ $0 < 0x80 }) { return trimmed(bytes, start, end) { unwanted.contains($0) } }
        return trimmed(bytes, start, end, characters: unwanted)
      }
    }
  }

  @inline(__always) private static func trimmed(
    _ bytes: UnsafeRawBufferPointer, _ start: Bool, _ end: Bool, _ isUnwanted: (UInt8) -> Bool
  ) -> Range<Int> {
    var low = 0
    var high = bytes.count
    while start, low < high, isUnwanted(bytes[low]) { low += 1 }
    while end, high > low, isUnwanted(bytes[high - 1]) { high -= 1 }
    return low..<high
  }

  private static func trimmed(
    _ bytes: UnsafeRawBufferPointer, _ start: Bool, _ end: Bool, characters unwanted: UnsafeRawBufferPointer
  ) -> Range<Int> {
    func contains(_ range: Range<Int>) -> Bool {
      let one = UnsafeRawBufferPointer(rebasing: bytes[range])
      var place = 0
      while place < unwanted.count {
        let next = Characters.next(unwanted, after: place)
        if unwanted[place..<next].elementsEqual(one) { return true }
        place = next
      }
      return false
    }
    var low = 0
    var high = bytes.count
    while start, low < high {
      let next = Characters.next(bytes, after: low)
      guard contains(low..<next) else { break }
      low = next
    }
    while end, high > low {
      var first = high - 1
      while first > low, Characters.isContinuation(bytes[first]) { first -= 1 }
      guard contains(first..<high) else { break }
      high = first
    }
    return low..<high
  }

  /// `split_part(text, delimiter, n)`; a negative `n` counts from the end.
  package static func splitPart(_ arguments: [Vector], count: Int) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 2)
    let delimiters = Operand<StringReference>(operands[1])
    let numbers = Operand<Int32>(operands[2])
    return try textSlices(operands, count: count) { row, bytes in
      let number = Int(numbers[row])
      guard number != 0 else { throw Failure.parameter("field position must not be zero") }
      let delimiter = delimiters[row]
      return delimiter.withBytes { delimiter in
        guard delimiter.count > 0 else { return number == 1 || number == -1 ? 0..<bytes.count : 0..<0 }
        var wanted = number
        if number < 0 {
          var fields = 1
          var place = 0
          while let hit = ByteSearch.first(delimiter, in: bytes, from: place) {
            fields += 1
            place = hit + delimiter.count
          }
          wanted = fields + number + 1
          if wanted < 1 { return 0..<0 }
        }
        var field = 1
        var low = 0
        while true {
          let hit = ByteSearch.first(delimiter, in: bytes, from: low)
          if field == wanted { return low..<(hit ?? bytes.count) }
          guard let hit else { return 0..<0 }
          field += 1
          low = hit + delimiter.count
        }
      }
    }
  }

  // MARK: New text

  package static func concatenate(_ left: Vector, _ right: Vector) throws -> Vector {
    let type: LogicalType = left.type == .bytea && right.type == .bytea ? .bytea : .text
    let operands = try [left, right].map { $0.type.isStringLike ? $0.spread : try Cast.vector($0, to: .text).spread }
    let (a, b) = (Operand<StringReference>(operands[0]), Operand<StringReference>(operands[1]))
    return try textRows(operands, count: left.count, type) { row, out in
      guard Int(a[row].count) + Int(b[row].count) <= maximumLength else { throw tooLong }
      a[row].withBytes { out.append($0) }
      b[row].withBytes { out.append($0) }
      return true
    }
  }

  /// `concat(...)`: every argument's output text, NULL as nothing; never NULL.
  package static func concat(_ arguments: [Vector], count: Int) -> Vector {
    joined(arguments, count: count) { row, columns, out in
      for column in columns { column.append(row, into: out) }
      return true
    }
  }

  /// `concat_ws(separator, ...)`: skips NULLs; NULL only for a NULL separator.
  package static func concatWithSeparator(_ arguments: [Vector], count: Int) -> Vector {
    joined(arguments, count: count) { row, columns, out in
      if columns[0].isNull(row) { return false }
      var isFirst = true
      for column in columns.dropFirst() where !column.isNull(row) {
        if !isFirst { columns[0].append(row, into: out) }
        column.append(row, into: out)
        isFirst = false
      }
      return true
    }
  }

  @inline(__always) private static func joined(
    _ arguments: [Vector], count: Int, _ body: (Int, [TextColumn], TextBuffer) -> Bool
  ) -> Vector {
    let columns = arguments.map { TextColumn($0) }
    let isConstant = count > 0 && arguments.allSatisfy { $0.form == .constant }
    let result = mapToText(.text, count: isConstant ? 1 : count, strictIn: []) { row, out in
      body(row, columns, out)
    }
    return isConstant ? Vector(constant: result, count: count) : result
  }

  package static func replace(_ arguments: [Vector], count: Int) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 9)
    let (texts, wanted, new) = (
      Operand<StringReference>(operands[0]), Operand<StringReference>(operands[1]),
      Operand<StringReference>(operands[2])
    )
    return textRows(operands, count: count) { row, out in
      texts[row].withBytes { bytes in
        wanted[row].withBytes { part in
          new[row].withBytes { replacement in
            var low = 0
            while part.count > 0, let hit = ByteSearch.first(part, in: bytes, from: low) {
              out.append(UnsafeRawBufferPointer(rebasing: bytes[low..<hit]))
              out.append(replacement)
              low = hit + part.count
            }
            out.append(UnsafeRawBufferPointer(rebasing: bytes[low...]))
          }
        }
      }
      return true
    }
  }

  /// `translate(text, from, to)`: characters of `from` become those of `to` at the same place, or go.
  package static func translate(_ arguments: [Vector], count: Int) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 9)
    let (texts, from, to) = (
      Operand<StringReference>(operands[0]), Operand<StringReference>(operands[1]),
      Operand<StringReference>(operands[2])
    )
    return textRows(operands, count: count) { row, out in
      let source = Array(from[row].string.unicodeScalars)
      let target = Array(to[row].string.unicodeScalars)
      var result = String.UnicodeScalarView()
      for scalar in texts[row].string.unicodeScalars {
        guard let index = source.firstIndex(of: scalar) else {
          result.append(scalar)
          continue
        }
        if index < target.count { result.append(target[index]) }
      }
      out.append(string: String(result))
      return true
    }
  }

  /// The most bytes a function may make of one value.
  static let maximumLength = 1 << 30

  static let tooLong = PulsehouseError(.user, "requested length too large", sqlState: "54000")

  /// `lpad` and `rpad`: fills up to `length` characters with the third argument (blanks), or cuts off.
  package static func pad(_ arguments: [Vector], count: Int, isLeft: Bool) throws -> Vector {
    let operands =
      try [arguments[0].spread, Cast.vector(arguments[1], to: .integer).spread]
      + arguments.dropFirst(2).map { $0.spread }
    let texts = Operand<StringReference>(operands[0])
    let lengths = Operand<Int32>(operands[1])
    let fills = operands.count > 2 ? Operand<StringReference>(operands[2]) : nil
    return try textRows(operands, count: count) { row, out in
      let length = max(Int(lengths[row]), 0)
      guard length <= maximumLength / 4 else { throw tooLong }
      texts[row].withBytes { bytes in
        let (end, characters) = Characters.prefix(bytes, length)
        let kept = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        if !isLeft { out.append(kept) }
        let missing = length - characters
        if missing > 0, end == bytes.count {
          if let fills {
            fills[row].withBytes { fill($0, missing, out) }
          } else {
            out.append(repeating: 0x20, count: missing)
          }
        }
        if isLeft { out.append(kept) }
      }
      return true
    }
  }

  private static func fill(_ pattern: UnsafeRawBufferPointer, _ characters: Int, _ out: TextBuffer) {
    guard pattern.count > 0 else { return }
    var left = characters
    while left > 0 {
      let (end, taken) = Characters.prefix(pattern, left)
      if taken == 0 { return }
      out.append(UnsafeRawBufferPointer(rebasing: pattern[..<end]))
      left -= taken
    }
  }

  package static func `repeat`(_ arguments: [Vector], count: Int) throws -> Vector {
    let operands = try spread(arguments, integersFrom: 1)
    let texts = Operand<StringReference>(operands[0])
    let numbers = Operand<Int32>(operands[1])
    return try textRows(operands, count: count) { row, out in
      let number = max(Int(numbers[row]), 0)
      try texts[row].withBytes { bytes in
        guard bytes.count * number <= maximumLength else { throw tooLong }
        for _ in 0..<(bytes.count == 0 ? 0 : number) { out.append(bytes) }
      }
      return true
    }
  }

  package static func reverse(_ operand: Vector) -> Vector {
    mapText(operand) { text, out in
      text.withBytes { bytes in
        var high = bytes.count
        while high > 0 {
          var low = high - 1
          while low > 0, Characters.isContinuation(bytes[low]) { low -= 1 }
          out.append(UnsafeRawBufferPointer(rebasing: bytes[low..<high]))
          high = low
        }
      }
      return true
    }
  }

  /// The character of a code point.
  package static func chr(_ operand: Vector) throws -> Vector {
    let codes = try Cast.vector(operand, to: .integer).spread
    let values = Operand<Int32>(codes)
    return try textRows([codes], count: codes.count) { row, out in
      let code = values[row]
      if code == 0 {
        throw PulsehouseError(.user, "null character not permitted", sqlState: "54000")
      }
      if code < 0 {
        throw Failure.parameter("character number must be positive")
      }
      guard let scalar = Unicode.Scalar(UInt32(code)) else {
        throw PulsehouseError(.user, "requested character not valid for encoding: \(code)", sqlState: "54000")
      }
      out.append(string: String(Character(scalar)))
      return true
    }
  }

  package static func toHex(_ operand: Vector) throws -> Vector {
    let isLong = operand.type == .bigint
    let numbers = try Cast.vector(operand, to: .bigint).spread
    let values = Operand<Int64>(numbers)
    return textRows([numbers], count: numbers.count) { row, out in
      let bits = isLong ? UInt64(bitPattern: values[row]) : UInt64(UInt32(truncatingIfNeeded: values[row]))
      out.append(string: String(bits, radix: 16))
      return true
    }
  }

  // MARK: Shared

  /// Spreads text arguments and brings those from position `first` on to integer.
  static func spread(_ arguments: [Vector], integersFrom first: Int) throws -> [Vector] {
    try arguments.enumerated().map { index, vector in
      if index >= first { return try Cast.vector(vector, to: .integer).spread }
      if vector.type.isPadded { return TextLength.unpadded(vector).spread }
      return vector.spread
    }
  }
}

/// Finds bytes in bytes.
enum ByteSearch {
  /// Returns where `wanted` first stands at or after `start`; an empty one stands at once.
  @inline(__always) static func first(
    _ wanted: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer, from start: Int
  ) -> Int? {
    guard wanted.count > 0, let needle = wanted.baseAddress else { return start }
    guard bytes.count - start >= wanted.count, let base = bytes.baseAddress else { return nil }
    guard let hit = ph_find(base + start, bytes.count - start, needle, wanted.count) else { return nil }
    return hit - base
  }

  @inline(__always) static func has(
    _ wanted: UnsafeRawBufferPointer, at place: Int, in bytes: UnsafeRawBufferPointer
  ) -> Bool {
    guard place >= 0, bytes.count - place >= wanted.count else { return false }
    guard wanted.count > 0, let a = bytes.baseAddress, let b = wanted.baseAddress else { return true }
    return memcmp(a + place, b, wanted.count) == 0
  }
}
