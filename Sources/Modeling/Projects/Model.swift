import Bytes
import SQLSyntax

/// One model of a project: its header understood, its SQL parsed.
package struct Model: Sendable {
  /// How the model becomes a table.
  package enum Kind: Sendable, Hashable {
    /// A table, built anew in each run.
    case full
    /// A view, made anew in each run.
    case view
    /// A table filled from a CSV file (its path, absolute or from the working folder).
    case seed(path: String)
    /// A table that others fill; the model only declares it.
    case external

    package var name: String {
      switch self {
      case .full: "FULL"
      case .view: "VIEW"
      case .seed: "SEED"
      case .external: "EXTERNAL"
      }
    }
  }

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
  /// Tables its SQL reads, and those named by `depends_on` and by its audits.
  package var upstream: Set<RelationName>
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
  package var expanded: ExpandedSQL
  /// The statement without its semicolon.
  package var text: String
  /// Where `text` starts in the expanded text.
  package var offset: Int

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
