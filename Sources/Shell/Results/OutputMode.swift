/// The ways results are written.
package enum OutputMode: String, Sendable, CaseIterable {
  /// A drawn table, fitted to the terminal.
  case box
  /// A header and rows as RFC 4180 has them; NULL is an empty field, an empty string is quoted.
  case csv
  /// Values between tabs, without a header.
  case tsv
  /// An array of objects.
  case json
  /// An object a line.
  case jsonl
  /// A table for Markdown.
  case markdown
  /// One `name = value` a line, rows apart by a blank line.
  case line
}
