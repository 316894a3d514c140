import Bytes
import Vectors

/// `format` and the quoting functions.
package enum Formatting {
  /// `format(template, values...)`: `%s`, `%I`, `%L`, `%%`, with `n$`, `-` and a width. Values are text already.
  package static func format(_ arguments: [Vector], count: Int) throws -> Vector {
    let arguments = arguments.map(\.spread)
    let template = arguments[0]
    if template.isConstantNull { return .nulls(.text, count: count) }
    let templates = Operand<StringReference>(template)
    let values = arguments.dropFirst().map { $0.isConstantNull ? nil : ($0, Operand<StringReference>($0)) }
    let result = try mapToText(.text, count: count, strictIn: [template]) { row, out in
      try templates[row].withBytes { bytes in
        try write(bytes, out) { index -> StringReference? in
          guard index < values.count else { throw Failure.parameter("too few arguments for format()") }
          guard let (vector, operand) = values[index], vector.isValid(row) else { return nil }
          return operand[row]
        }
      }
      return true
    }
    withExtendedLifetime(arguments) {}
    return result
  }

  /// `format(template, VARIADIC array)`; no array has no values.
  package static func formatArray(_ template: Vector, _ array: Vector, count: Int) throws -> Vector {
    let (template, array) = (template.spread, array.spread)
    if template.isConstantNull { return .nulls(.text, count: count) }
    let templates = Operand<StringReference>(template)
    let arrays = array.isConstantNull ? nil : Operand<StringReference>(array)
    let result = try mapToText(.text, count: count, strictIn: [template]) { row, out in
      var values: [[UInt8]?] = []
      if let arrays, array.isValid(row) { values = try arrays[row].withBytes { try ArrayText.elements($0) } }
      // Texts longer than what a reference holds itself stay in this heap until the row is written.
      let heap = StringHeap()
      let references = values.map { value in value.map { $0.withUnsafeBytes { heap.intern($0) } } }
      try templates[row].withBytes { bytes in
        try write(bytes, out) { index -> StringReference? in
          guard index < references.count else { throw Failure.parameter("too few arguments for format()") }
          return references[index]
        }
      }
      withExtendedLifetime(heap) {}
      return true
    }
    withExtendedLifetime((template, array)) {}
    return result
  }

  private static func write(
    _ template: UnsafeRawBufferPointer, _ out: TextBuffer, _ value: (Int) throws -> StringReference?
  ) throws {
    var index = 0
    var next = 0
    func number() -> Int? {
      var result: Int?
      while index < template.count, template[index] >= 0x30, template[index] <= 0x39 {
        result = min((result ?? 0) * 10 + Int(template[index] - 0x30), 1 << 30)
        index += 1
      }
      return result
    }
    func ended() throws {
      if index >= template.count {
        throw PulsehouseError(
          .user, "unterminated format() type specifier", sqlState: "22023", hint: "For a single \"%\" use \"%%\".")
      }
    }
    while index < template.count {
      let byte = template[index]
      index += 1
      guard byte == 0x25 else {
        out.append(byte)
        continue
      }
      try ended()
      if template[index] == 0x25 {
        index += 1
        out.append(0x25)
        continue
      }
      var width = number()
      if let position = width, index < template.count, template[index] == 0x24 {
        guard position > 0 else {
          throw Failure.parameter("format specifies argument 0, but arguments are numbered from 1")
        }
        next = position - 1
        index += 1
        width = nil
      }
      var isLeft = false
      try ended()
      while index < template.count, template[index] == 0x2D {
        isLeft = true
        index += 1
      }
      try ended()
      if template[index] == 0x2A {
        index += 1
        var source = next
        if let position = number() {
          try ended()
          guard template[index] == 0x24, position > 0 else {
            throw Failure.parameter("width argument position must be ended by \"$\"")
          }
          index += 1
          source = position - 1
        } else {
          next += 1
        }
        let given = try value(source)?.string
        width = given.flatMap { Int($0) } ?? 0
        if let negative = width, negative < 0 { (width, isLeft) = (-negative, true) }
      } else if width == nil {
        width = number()
      }
      try ended()
      let kind = template[index]
      index += 1
      guard kind == 0x73 || kind == 0x49 || kind == 0x4C else {
        throw PulsehouseError(
          .user, "unrecognized format() type specifier \"\(Character(Unicode.Scalar(kind)))\"", sqlState: "22023",
          hint: "For a single \"%\" use \"%%\".")
      }
      let text = try value(next)?.string
      next += 1
      let shown: String
      switch (kind, text) {
      case (0x73, let text): shown = text ?? ""
      case (0x49, let text?): shown = identifier(text)
      case (0x49, nil):
        throw PulsehouseError(.user, "null values cannot be formatted as an SQL identifier", sqlState: "22004")
      case (_, let text): shown = text.map(literal) ?? "NULL"
      }
      let padding = max(0, (width ?? 0) - shown.unicodeScalars.count)
      guard padding <= TextFunctions.maximumLength / 4 else { throw TextFunctions.tooLong }
      if !isLeft { out.append(repeating: 0x20, count: padding) }
      out.append(string: shown)
      if isLeft { out.append(repeating: 0x20, count: padding) }
    }
  }

  package static func quoteLiteral(_ operand: Vector) -> Vector {
    mapText(operand) { text, out in
      out.append(string: literal(text.string))
      return true
    }
  }

  package static func quoteIdentifier(_ operand: Vector) -> Vector {
    mapText(operand) { text, out in
      out.append(string: identifier(text.string))
      return true
    }
  }

  private static func literal(_ text: String) -> String {
    let quoted = "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    guard text.utf8.contains(0x5C) else { return quoted }
    return "E" + quoted.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
  }

  /// Words that PostgreSQL quotes: all but those that may stand anywhere.
  private static let keywords = Set(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast
    char character check coalesce collate collation column concurrently constraint create cross current_catalog
    current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable
    desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group
    grouping having ilike in initially inner inout int integer intersect interval into is isnull join lateral leading
    least left like limit localtime localtimestamp national natural nchar none normalize not notnull null nullif numeric
    offset on only or order out outer overlaps overlay placing position precision primary real references returning
    right row select session_user setof similar smallint some substring symmetric table tablesample then time timestamp
    to trailing treat trim true union unique user using values varchar variadic verbose when where window with
    xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """.split { $0 == " " || $0 == "\n" }.map(String.init))

  private static func identifier(_ text: String) -> String {
    let isPlain =
      text.utf8.first.map { ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x5F } ?? false
      && text.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F }
    if isPlain, !keywords.contains(text) { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
