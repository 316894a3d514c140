import Bytes
import SQLSyntax

/// One model of a project: its header understood, its SQL parsed.
package struct Model: Sendable {
  package var name: RelationName
  package var kind: Kind
  package var description: String?
  /// The columns that tell rows apart; shown with failing rows.
  package var grain: [String]
  package var partitionedBy: [String]
  package var clusteredBy: [String]
  /// Declared columns, needed by a seed.
  package var columns: [ColumnDeclaration]
  package var audits: [AuditCall]
  /// Audits that its own file defines, by name.
  package var inlineAudits: [String: CustomAudit] = [:]
  /// Tables its SQL reads, and those named by `depends_on` and by its audits.
  package var upstream: Set<RelationName>
  /// Tables its SQL reads and those named by `depends_on`: what its rows depend on.
  package var reads: Set<RelationName>
  /// The query; nil for seeds and external tables.
  package var query: ModelQuery?
  package var file: ModelFile

  /// The place of the header's name, for errors that speak of the model as a whole.
  package var nameRange: Range<Int>

  /// Returns an error about this model as a whole, with its file and line.
  func error(_ kind: PulsehouseError.Kind, _ message: String, sqlState: String? = nil, hint: String? = nil)
    -> PulsehouseError
  {
    PulsehouseError(kind, message, sqlState: sqlState, hint: hint, range: nameRange)
      .located(in: file.text, path: file.path)
  }
}

/// A model's one statement, with macros expanded and the way back to its file.
package struct ModelQuery: Sendable {
  /// What is written in the file.
  package var body: ModelBody
  /// The variables it uses, in lower case.
  package var variables: [String]
  package var expanded: ExpandedSQL
  /// The statement without its semicolon.
  package var text: String
  /// Where `text` starts in the expanded text.
  package var offset: Int

  /// Expands the body's only statement.
  ///
  /// - Throws: `.user` for an unknown variable, no statement; `.unsupported` for several.
  init(_ body: ModelBody, variables values: [String: MacroValue], within range: Range<Int>) throws(PulsehouseError) {
    self.body = body
    variables = try MacroExpander.variables(of: body.text)
    expanded = try MacroExpander.expand(body, variables: values)
    let statements = StatementSplitter.split(expanded.text)
    guard let only = statements.first else {
      throw PulsehouseError(.user, "the model has no SQL", sqlState: "42601", range: range)
    }
    if statements.count > 1 {
      throw PulsehouseError(
        .unsupported, "statements before or after a model's query are not supported natively",
        range: expanded.original(statements[1].range))
    }
    text = only.text
    offset = only.range.lowerBound
  }

  /// Returns the same statement with other values of its variables.
  func with(_ values: [String: MacroValue]) throws(PulsehouseError) -> ModelQuery {
    if variables.isEmpty { return self }
    return try ModelQuery(body, variables: values, within: 0..<0)
  }

  /// Returns an error about `prefix + text` as one about the model's file.
  func located(_ error: PulsehouseError, prefixLength: Int, in file: ModelFile) -> PulsehouseError {
    var error = error
    if let range = error.range {
      let shift = offset - prefixLength
      let lower = max(0, range.lowerBound + shift)
      error.range = lower..<max(lower, range.upperBound + shift)
    }
    return expanded.located(error, in: file.text, path: file.path)
  }
}

/// One audit as a model asks for it.
package struct AuditCall: Sendable {
  package var call: PropertyCall
  /// The name without `_non_blocking`.
  package var name: String
  package var isBlocking: Bool

  /// As written in the header.
  package var text: String { call.group.map { "\(call.name)\($0.text)" } ?? call.name }

  init(_ call: PropertyCall) {
    self.call = call
    let suffix = "_non_blocking"
    isBlocking = !call.name.hasSuffix(suffix)
    name = isBlocking ? call.name : String(call.name.dropLast(suffix.count))
  }
}
