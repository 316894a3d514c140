import Bytes

/// What a macro variable stands for.
package indirect enum MacroValue: Hashable, Sendable {
  /// A string: `@name` becomes a quoted constant, `@{name}` the bare words.
  case text(String)
  /// A number in its digits.
  case number(String)
  case boolean(Bool)
  /// SQL to put in as it is: a table's name, a cast, a list.
  case sql(String)
  case null
  /// `(a, b)`.
  case list([MacroValue])

  /// The SQL that `@name` becomes.
  package var sqlText: String {
    switch self {
    case .text(let text): "'" + text.replacing("'", with: "''") + "'"
    case .number(let digits): digits
    case .boolean(let value): value ? "true" : "false"
    case .sql(let text): text
    case .null: "NULL"
    case .list(let values): "(" + values.map(\.sqlText).joined(separator: ", ") + ")"
    }
  }

  /// The words that `@{name}` becomes, within a constant or beside other words.
  package var bareText: String {
    if case .text(let text) = self { return text }
    return sqlText
  }
}

/// SQL whose macros are replaced, with the way back to where each byte came from.
package struct ExpandedSQL: Hashable, Sendable {
  package let text: String
  /// What was expanded, where it stood, for errors.
  package let body: ModelBody
  let pieces: [Piece]

  /// A run of the text: copied byte by byte, or put in for `original`.
  struct Piece: Hashable, Sendable {
    var start: Int
    var original: Range<Int>
    var isCopied: Bool
  }

  /// Returns the place in the file's text that a range of `text` came from; a macro's whole place for what it became.
  package func original(_ range: Range<Int>) -> Range<Int> {
    let lower = original(range.lowerBound, isEnd: false)
    let upper = original(range.upperBound, isEnd: true)
    return (body.offset + lower)..<(body.offset + max(lower, upper))
  }

  private func original(_ offset: Int, isEnd: Bool) -> Int {
    var low = 0
    var high = pieces.count
    // The last piece that starts at or before the offset; the end of a range belongs to the piece it closes.
    while low < high {
      let middle = (low + high) / 2
      if pieces[middle].start < offset || (!isEnd && pieces[middle].start == offset) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low > 0 else { return pieces.first.map { $0.original.lowerBound } ?? 0 }
    let piece = pieces[low - 1]
    if piece.isCopied { return min(piece.original.upperBound, piece.original.lowerBound + offset - piece.start) }
    return isEnd ? piece.original.upperBound : piece.original.lowerBound
  }

  /// Returns an error about `text` as one about the file: range, and line if `fileText` is given.
  package func located(_ error: PulsehouseError, in fileText: String? = nil, path: String) -> PulsehouseError {
    var error = error
    error.range = error.range.map(original)
    if let fileText { return error.located(in: fileText, path: path) }
    error.file = error.file ?? path
    return error
  }
}

/// Replaces the `@` variables and macro functions of a model's SQL, as SQLMesh does those that need no Python.
///
/// - `@name` becomes the variable's SQL; `@{name}`, and `@name` right behind a word, its bare words. Names are not
///   case-sensitive.
/// - Within constants and quoted identifiers only `@{name}` counts; comments and dollar quotes are left alone.
/// - `@DEF(name, sql);` defines a variable for what follows, or a function (`x -> x + 1`); `@VAR('name' [, default])` reads
///   a variable.
/// - `@IF`, `@EVAL`, `@EACH`, `@FILTER`, `@REDUCE`, `@AND`, `@OR`, `@SQL`, `@SAFE_ADD`, `@SAFE_SUB`, `@SAFE_DIV` and
///   `@GENERATE_SURROGATE_KEY` mean what SQLMesh's documentation says; conditions are evaluated as SQL.
/// - Every other macro function, and Jinja, is refused by name.
package enum MacroExpander {
  /// Computes an expression without columns, for `@IF`, `@EVAL` and `@FILTER`.
  package typealias Evaluator = (String) throws(PulsehouseError) -> MacroValue

  /// Returns the body's SQL with its variables replaced by `variables` (names in lower case).
  ///
  /// - Throws: `.user` for an unknown variable or a malformed `@DEF`, `.unsupported` for what needs Python or Jinja;
  ///   ranges are in bytes of the file the body was cut from.
  package static func expand(
    _ body: ModelBody, variables: [String: MacroValue], evaluator: Evaluator? = nil
  ) throws(PulsehouseError) -> ExpandedSQL {
    var text = body.text
    let result: Result<ExpandedSQL, PulsehouseError> = text.withUTF8 { bytes in
      do throws(PulsehouseError) {
        var expansion = MacroExpansion(bytes, body, variables, evaluator)
        return .success(try expansion.run())
      } catch {
        var shifted = error
        shifted.range = error.range.map { ($0.lowerBound + body.offset)..<($0.upperBound + body.offset) }
        return .failure(shifted)
      }
    }
    return try result.get()
  }

  /// Returns `text` with its variables replaced, for SQL that stands in no file.
  package static func expand(
    _ text: String, variables: [String: MacroValue], evaluator: Evaluator? = nil
  ) throws(PulsehouseError) -> ExpandedSQL {
    try expand(ModelBody(text: text, offset: 0, line: 1), variables: variables, evaluator: evaluator)
  }

  /// Returns the names of the variables that `text` uses and does not define itself, in lower case, in order.
  package static func variables(of text: String) throws(PulsehouseError) -> [String] {
    var text = text
    let result: Result<[String], PulsehouseError> = text.withUTF8 { bytes in
      do throws(PulsehouseError) {
        var expansion = MacroExpansion(bytes, ModelBody(text: "", offset: 0, line: 1), nil, nil)
        _ = try expansion.run()
        return .success(expansion.used)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
