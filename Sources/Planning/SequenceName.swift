import SQLSyntax

/// Names of sequences as SQL text: what `nextval` takes.
package enum SequenceName {
  /// `nextval('schema.name')`, quoted where it must be.
  package static func call(schema: String, name: String) -> String {
    let text = "\(SQLPrinter.quoted(schema)).\(SQLPrinter.quoted(name))"
    return "nextval('\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))')"
  }

  /// The parts of a name as a text gives it: folded to lower case unless quoted. Nil for what is no name.
  package static func parts(_ text: String) -> [String]? {
    var parts: [String] = []
    var current = ""
    var isQuoted = false
    var wasQuoted = false
    var iterator = text.makeIterator()
    var pending = iterator.next()
    while let character = pending {
      pending = iterator.next()
      if isQuoted {
        if character == "\"" {
          if pending == "\"" {
            current.append("\"")
            pending = iterator.next()
          } else {
            isQuoted = false
          }
        } else {
          current.append(character)
        }
      } else if character == "\"" {
        (isQuoted, wasQuoted) = (true, true)
      } else if character == "." {
        if current.isEmpty, !wasQuoted { return nil }
        parts.append(current)
        (current, wasQuoted) = ("", false)
      } else if !character.isWhitespace {
        current += character.lowercased()
      }
    }
    if isQuoted || (current.isEmpty && !wasQuoted) { return nil }
    parts.append(current)
    return parts.count <= 3 ? parts : nil
  }
}
