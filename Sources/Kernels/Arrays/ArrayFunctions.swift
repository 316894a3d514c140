import Bytes
import Vectors

/// Functions of arrays over whole vectors; see `ArrayText` for how arrays lie in them.
package enum ArrayFunctions {
  // MARK: Elements

  /// Every element of every array: which row it comes from, and its text.
  static func flatten(_ arrays: Vector) throws -> (rows: [UInt32], texts: Vector) {
    let arrays = arrays.spread
    let reader = Operand<StringReference>(arrays)
    var rows: [UInt32] = []
    var builder = VectorBuilder(.text)
    for row in 0..<arrays.count where arrays.isValid(row) {
      for element in try reader[row].withBytes({ try ArrayText.elements($0) }) {
        rows.append(UInt32(row))
        if let element { element.withUnsafeBytes { builder.append(bytes: $0) } } else { builder.appendNull() }
      }
    }
    withExtendedLifetime(arrays) {}
    return (rows, builder.finish())
  }

  /// The text of each value, nil for NULL; a boolean by its first letter.
  static func texts(_ vector: Vector) -> (Int) -> [UInt8]? {
    let column = TextColumn(vector)
    let buffer = TextBuffer(capacity: 128)
    return { row in
      guard vector.isValid(row) else { return nil }
      buffer.removeAll()
      column.append(row, into: buffer)
      return Array(buffer.bytes)
    }
  }

  static func elements(_ arrays: Vector) -> (Int) throws -> [[UInt8]?] {
    let spread = arrays.spread
    let reader = Operand<StringReference>(spread)
    return { row in
      defer { withExtendedLifetime(spread) {} }
      return try reader[row].withBytes { try ArrayText.elements($0) }
    }
  }

  /// `ARRAY[...]`: the arguments of each row.
  package static func make(_ arguments: [Vector], _ type: LogicalType, count: Int) -> Vector {
    let values = arguments.map(texts)
    return mapToText(type, count: count, strictIn: []) { row, out in
      ArrayText.write(values.map { $0(row) }, out)
      return true
    }
  }

  /// `array[index]`, from 1; NULL beyond the ends.
  package static func element(_ array: Vector, _ index: Vector, _ type: LogicalType, now: Int64) throws -> Vector {
    if array.isConstantNull || index.isConstantNull { return .nulls(type, count: array.count) }
    let (elements, indices) = (elements(array), Operand<Int32>(index))
    let text = try mapToText(.text, count: array.count, strictIn: [array, index]) { row, out in
      let all = try elements(row)
      let place = Int(indices[row]) - 1
      guard all.indices.contains(place), let element = all[place] else { return false }
      element.withUnsafeBytes { out.append($0) }
      return true
    }
    return try Cast.vector(text, to: type, now: now)
  }

  /// `array[lower:upper]`; NULL bounds give NULL, and what lies outside is left out.
  package static func slice(_ arguments: [Vector], _ type: LogicalType, count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    if arguments.contains(where: \.isConstantNull) { return .nulls(type, count: count) }
    let elements = elements(arguments[0])
    let (lower, upper) = (Operand<Int32>(arguments[1]), Operand<Int32>(arguments[2]))
    return try mapToText(type, count: count, strictIn: arguments) { row, out in
      let all = try elements(row)
      let first = max(1, Int(lower[row]))
      let last = min(all.count, Int(upper[row]))
      ArrayText.write(first <= last ? Array(all[(first - 1)..<last]) : [], out)
      return true
    }
  }

  /// `array_agg`: the values at `rows` for each group; NULL for a group without any.
  static func collect(_ values: Vector, _ type: LogicalType, _ rows: [[UInt32]]) -> Vector {
    let texts = texts(values)
    return mapToText(type, count: rows.count, strictIn: []) { group, out in
      if rows[group].isEmpty { return false }
      ArrayText.write(rows[group].map { texts(Int($0)) }, out)
      return true
    }
  }

  /// An array for each valid row of `arrays`: the values whose `rows` name it. Empty for one that none names.
  static func collect(_ values: Vector, _ type: LogicalType, like arrays: Vector, _ rows: [UInt32]) -> Vector {
    collect(texts(values), type, like: arrays, rows)
  }

  /// The same of what `texts` says of each value.
  static func collect(
    _ texts: (Int) -> [UInt8]?, _ type: LogicalType, like arrays: Vector, _ rows: [UInt32]
  ) -> Vector {
    var next = 0
    return mapToText(type, count: arrays.count, strictIn: [arrays]) { row, out in
      let first = next
      while next < rows.count, Int(rows[next]) <= row { next += 1 }
      ArrayText.write((first..<next).map(texts), out)
      return true
    }
  }

  // MARK: Measures

  /// `array_length(array, 1)`, `array_upper(array, 1)`; with `isLower` `array_lower`. NULL for an empty array.
  package static func length(_ array: Vector, _ dimension: Vector, isLower: Bool) throws -> Vector {
    if array.isConstantNull || dimension.isConstantNull { return .nulls(.integer, count: array.count) }
    let (elements, dimensions) = (elements(array), Operand<Int32>(dimension))
    return try mapRows(.integer, count: array.count, [array.spread, dimension.spread]) { row -> Int32? in
      guard dimensions[row] == 1 else { return nil }
      let count = try elements(row).count
      return count == 0 ? nil : isLower ? 1 : Int32(clamping: count)
    }
  }

  /// `generate_subscripts(array, dimension[, reverse])`: the places of each array's elements, and the rows they are of.
  package static func subscripts(_ arguments: [Vector], count: Int) throws -> (rows: [UInt32], values: Vector) {
    var rows: [UInt32] = []
    var builder = VectorBuilder(.integer)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return (rows, builder.finish()) }
    let arguments = arguments.map(\.spread)
    let (elements, dimensions) = (elements(arguments[0]), Operand<Int32>(arguments[1]))
    let reversed = arguments.count > 2 ? Operand<UInt8>(arguments[2]) : nil
    for row in 0..<count where arguments.allSatisfy({ $0.isValid(row) }) && dimensions[row] == 1 {
      let length = try elements(row).count
      for index in 0..<length {
        rows.append(UInt32(row))
        let isReversed = reversed.map { $0[row] != 0 } ?? false
        builder.append(.integer(Int64(isReversed ? length - index : index + 1)))
      }
    }
    withExtendedLifetime(arguments) {}
    return (rows, builder.finish())
  }

  package static func cardinality(_ array: Vector) throws -> Vector {
    if array.isConstantNull { return .nulls(.integer, count: array.count) }
    let elements = elements(array)
    return try mapRows(.integer, count: array.count, [array.spread]) { row -> Int32? in
      Int32(clamping: try elements(row).count)
    }
  }

  // MARK: Text

  /// `array_to_string(array, separator[, null text])`: NULLs are left out unless they have a text.
  package static func join(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    let strict = Array(arguments.prefix(2))
    if strict.contains(where: \.isConstantNull) { return .nulls(.text, count: count) }
    let elements = elements(arguments[0])
    let separators = Operand<StringReference>(arguments[1])
    let nulls = arguments.count > 2 && !arguments[2].isConstantNull ? Operand<StringReference>(arguments[2]) : nil
    return try mapToText(.text, count: count, strictIn: strict) { row, out in
      var isFirst = true
      for element in try elements(row) {
        let nullText = nulls.flatMap { arguments[2].isValid(row) ? $0[row] : nil }
        if element == nil, nullText == nil { continue }
        if !isFirst { separators[row].withBytes { out.append($0) } }
        isFirst = false
        if let element {
          element.withUnsafeBytes { out.append($0) }
        } else if let nullText {
          nullText.withBytes { out.append($0) }
        }
      }
      return true
    }
  }

  /// `string_to_array(text, delimiter[, null text])`: a NULL delimiter parts every character.
  package static func split(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    let type = LogicalType.array(.text)
    if arguments[0].isConstantNull { return .nulls(type, count: count) }
    let parts = splitter(arguments)
    return mapToText(type, count: count, strictIn: [arguments[0]]) { row, out in
      ArrayText.write(parts(row), out)
      return true
    }
  }

  /// The parts of each row's text.
  static func splitter(_ arguments: [Vector]) -> (Int) -> [[UInt8]?] {
    let texts = Operand<StringReference>(arguments[0])
    let delimiters = arguments[1].isConstantNull ? nil : Operand<StringReference>(arguments[1])
    let nulls = arguments.count > 2 && !arguments[2].isConstantNull ? Operand<StringReference>(arguments[2]) : nil
    return { row in
      defer { withExtendedLifetime(arguments) {} }
      let text = texts[row].withBytes { Array($0) }
      if text.isEmpty { return [] }
      var parts: [[UInt8]] = []
      if let delimiters, arguments[1].isValid(row) {
        let delimiter = delimiters[row].withBytes { Array($0) }
        parts = delimiter.isEmpty ? [text] : text.split(by: delimiter)
      } else {
        parts = String(decoding: text, as: UTF8.self).unicodeScalars.map { Array(String($0).utf8) }
      }
      guard let nulls, arguments[2].isValid(row) else { return parts }
      let null = nulls[row].withBytes { Array($0) }
      return parts.map { $0 == null ? nil : $0 }
    }
  }

  // MARK: Putting together

  /// `array || array`; a NULL array counts as none, two give NULL.
  package static func concatenate(_ left: Vector, _ right: Vector, _ type: LogicalType) throws -> Vector {
    let (a, b) = (elements(left), elements(right))
    return try mapToText(type, count: left.count, strictIn: []) { row, out in
      let (hasLeft, hasRight) = (left.isValid(row), right.isValid(row))
      guard hasLeft || hasRight else { return false }
      ArrayText.write((hasLeft ? try a(row) : []) + (hasRight ? try b(row) : []), out)
      return true
    }
  }

  /// `array_append(array, element)` and `array_prepend(element, array)`; a NULL array counts as empty.
  package static func add(
    _ array: Vector, _ element: Vector, isFirst: Bool, _ type: LogicalType
  ) throws -> Vector {
    let (elements, values) = (elements(array), texts(element))
    return try mapToText(type, count: array.count, strictIn: []) { row, out in
      let all = array.isValid(row) ? try elements(row) : []
      ArrayText.write(isFirst ? [values(row)] + all : all + [values(row)], out)
      return true
    }
  }

  /// `left @> right`: every element of the right is in the left; NULLs equal nothing.
  package static func contains(_ left: Vector, _ right: Vector, now: Int64) throws -> Vector {
    try compare(left, right, now: now) { a, b in b.allSatisfy { element in element != nil && a.contains(element) } }
  }

  /// `left && right`: they have an element in common.
  package static func overlaps(_ left: Vector, _ right: Vector, now: Int64) throws -> Vector {
    try compare(left, right, now: now) { a, b in b.contains { element in element != nil && a.contains(element) } }
  }

  private static func compare(
    _ left: Vector, _ right: Vector, now: Int64, _ test: ([[UInt8]?], [[UInt8]?]) -> Bool
  ) throws -> Vector {
    if left.isConstantNull || right.isConstantNull { return .nulls(.boolean, count: left.count) }
    let (a, b) = (elements(try comparable(left, now: now)), elements(try comparable(right, now: now)))
    return try mapRows(.boolean, count: left.count, [left.spread, right.spread]) { row -> UInt8? in
      bit(test(try a(row), try b(row)))
    }
  }

  /// `value op ANY (array)` or `ALL`: three-valued, as if the tests were joined by OR or AND.
  ///
  /// - Parameter symbol: a comparison, or one of patterns (`~~` and `~`, `*` for any case, `!` before them for not), or
  ///   `@>` of jsonb.
  package static func quantified(
    _ value: Vector, _ array: Vector, _ symbol: String, isAny: Bool, now: Int64
  ) throws -> Vector {
    guard case .array(let elementType) = array.type else {
      throw PulsehouseError(.internal, "ANY of \(array.type)")
    }
    let (rows, texts) = try flatten(array)
    let elements = try Cast.vector(texts, to: elementType, now: now)
    let answers = try test(Gather.rows(value, SelectionVector(rows)), symbol, elements).flattened()
    let bits = answers.values(as: UInt8.self)
    var sawOther = [Bool](repeating: false, count: value.count)
    var sawNull = [Bool](repeating: false, count: value.count)
    for (index, row) in rows.enumerated() {
      if !answers.isValid(index) {
        sawNull[Int(row)] = true
      } else if (bits[index] != 0) == isAny {
        sawOther[Int(row)] = true
      }
    }
    withExtendedLifetime(answers) {}
    var builder = VectorBuilder(.boolean, capacity: value.count)
    for row in 0..<value.count {
      if !array.isValid(row) {
        builder.appendNull()
      } else if sawOther[row] {
        builder.append(isAny ? UInt8(1) : 0)
      } else if sawNull[row] {
        builder.appendNull()
      } else {
        builder.append(isAny ? UInt8(0) : 1)
      }
    }
    return builder.finish()
  }

  /// `left symbol right`, row by row.
  private static func test(_ left: Vector, _ symbol: String, _ right: Vector) throws -> Vector {
    if let comparison = comparisons[symbol] {
      if left.type == .jsonb {
        return Compare.vectors(comparison, try JSONFunctions.order(left), try JSONFunctions.order(right))
      }
      return Compare.vectors(comparison, left, right.retyped(as: left.type))
    }
    if symbol.hasPrefix("!") { return Boolean.not(try test(left, String(symbol.dropFirst()), right)) }
    let ignoringCase = symbol.hasSuffix("*")
    switch symbol {
    case "~~", "~~*": return try Like.match([left, right], count: left.count, ignoringCase: ignoringCase)
    case "~", "~*": return try RegexFunctions.matches([left, right], count: left.count, ignoringCase: ignoringCase)
    case "@>": return try JSONFunctions.contains(left, right)
    default: throw PulsehouseError(.internal, "ANY or ALL with \(symbol)")
    }
  }

  private static let comparisons: [String: ComparisonOperator] = [
    "=": .equal, "<>": .notEqual, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
  ]

  // MARK: Casts

  /// The array with its elements cast, or read from text.
  static func cast(_ vector: Vector, to type: LogicalType, now: Int64, zone: ZoneRules?) throws -> Vector {
    guard case .array(let elementType) = type else { throw Cast.noCast(vector.type, type) }
    let source = vector.spread
    let (rows, texts) = try flatten(source)
    let elements: Vector
    if case .array(let from) = vector.type, from != .text {
      // What lies in an array of moments says its offset.
      elements = try Cast.vector(
        try Cast.vector(texts, to: from, now: now), to: elementType, now: now, zone: zone)
    } else {
      elements = try Cast.vector(texts, to: elementType, now: now, zone: zone)
    }
    return collect(elements, type, like: source, rows)
  }

  // MARK: Regular expressions

  /// `regexp_match(text, pattern[, flags])`: the groups of the first match, or the whole of it.
  package static func match(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    let type = LogicalType.array(.text)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(type, count: count) }
    let source = RegexFunctions.Expressions(arguments, pattern: 1, flags: arguments.count > 2 ? 2 : nil)
    let texts = Operand<StringReference>(arguments[0])
    var text = RegexText()
    return try mapToText(type, count: count, strictIn: arguments) { row, out in
      let expression = try source.expression(row, refusingGlobal: "regexp_match()")
      return try texts[row].withBytes { bytes in
        text.load(bytes)
        guard let match = try expression.firstMatch(text, from: 0) else { return false }
        ArrayText.write(try groups(expression, text, match, bytes), out)
        return true
      }
    }
  }

  static func groups(
    _ expression: RegularExpression, _ text: RegexText, _ match: Range<Int>, _ bytes: UnsafeRawBufferPointer
  ) throws -> [[UInt8]?] {
    let ranges = expression.groupCount == 0 ? [match] : try expression.groups(text, of: match)
    return ranges.map { range in
      range.map { Array(bytes[text.offsets[$0.lowerBound]..<text.offsets[$0.upperBound]]) }
    }
  }

  /// `regexp_split_to_array(text, pattern[, flags])`.
  package static func regexSplit(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    let type = LogicalType.array(.text)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return .nulls(type, count: count) }
    let source = RegexFunctions.Expressions(arguments, pattern: 1, flags: arguments.count > 2 ? 2 : nil)
    let texts = Operand<StringReference>(arguments[0])
    var text = RegexText()
    return try mapToText(type, count: count, strictIn: arguments) { row, out in
      let expression = try source.expression(row, refusingGlobal: "regexp_split_to_array()")
      try texts[row].withBytes { bytes in
        text.load(bytes)
        let parts = try RegexFunctions.split(expression, text)
        ArrayText.write(
          parts.map { Array(bytes[text.offsets[$0.lowerBound]..<text.offsets[$0.upperBound]]) }, out)
      }
      return true
    }
  }
}

extension [UInt8] {
  /// The parts between occurrences of `delimiter`, which is not empty.
  fileprivate func split(by delimiter: [UInt8]) -> [[UInt8]] {
    var parts: [[UInt8]] = []
    var start = 0
    var index = 0
    while index + delimiter.count <= count {
      if self[index..<(index + delimiter.count)].elementsEqual(delimiter) {
        parts.append(Array(self[start..<index]))
        index += delimiter.count
        start = index
      } else {
        index += 1
      }
    }
    parts.append(Array(self[start...]))
    return parts
  }
}

extension ArrayFunctions {
  /// Every element of every array: the row it comes from, and its text.
  package static func elements(of arrays: Vector) throws -> (rows: [UInt32], texts: Vector) { try flatten(arrays) }

  /// `regexp_matches(text, pattern[, flags])`: an array of groups for each match, for the first alone without `g`.
  package static func allMatches(_ arguments: [Vector], count: Int) throws -> (rows: [UInt32], values: Vector) {
    let arguments = arguments.map(\.spread)
    let type = LogicalType.array(.text)
    if arguments.contains(where: \.isConstantNull) || count == 0 { return ([], .nulls(type, count: 0)) }
    let source = RegexFunctions.Expressions(arguments, pattern: 1, flags: arguments.count > 2 ? 2 : nil)
    let texts = Operand<StringReference>(arguments[0])
    var text = RegexText()
    var rows: [UInt32] = []
    var builder = VectorBuilder(type)
    let out = TextBuffer(capacity: 256)
    for row in 0..<count where arguments.allSatisfy({ $0.isValid(row) }) {
      let expression = try source.expression(row)
      let isGlobal = source.isGlobal
      try texts[row].withBytes { bytes in
        text.load(bytes)
        for match in try RegexFunctions.matches(expression, text, from: 0, limit: isGlobal ? .max : 1) {
          rows.append(UInt32(row))
          out.removeAll()
          ArrayText.write(try groups(expression, text, match, bytes), out)
          builder.append(bytes: out.bytes)
        }
      }
    }
    withExtendedLifetime(arguments) {}
    return (rows, builder.finish())
  }
}
