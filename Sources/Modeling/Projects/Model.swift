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
  /// When a watch looks at it.
  package var cron: CronSchedule
  /// How old its rows may become before a watch warns; nil for any age.
  package var freshness: Freshness?
  /// Tables its SQL reads, and those named by `depends_on` and by its audits.
  package var upstream: Set<RelationName>
  /// Tables its SQL reads: what its rows depend on. (`depends_on` says what comes first, no more: rows that the SQL does
  /// not read cannot change the model's.)
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

extension Model {
  /// Returns the error that a table its SQL names is not there, at the first place that names it.
  func missing(_ name: RelationName, hint: String) -> PulsehouseError {
    let message = "\(self.name) reads \(name), which does not exist"
    guard let query, case .query(let parsed)? = try? PostgresParser.parseOne(query.text).node,
      let range = parsed.tableReferences.first(where: { RelationName($0.name) == name })?.name.range.bytes
    else { return error(.user, message, sqlState: "42P01", hint: hint) }
    return query.located(
      PulsehouseError(.user, message, sqlState: "42P01", hint: hint, range: range), prefixLength: 0, in: file)
  }
}

/// A model's query, with macros expanded and the way back to its file, and the statements around it.
package struct ModelQuery: Sendable {
  /// A statement that runs before the query or after it, whenever the model is built.
  package struct Companion: Sendable, Hashable {
    package var text: String
    /// Where it starts in the expanded text.
    var offset: Int
  }

  /// What is written in the file.
  package var body: ModelBody
  /// The variables it uses, in lower case.
  package var variables: [String]
  package var expanded: ExpandedSQL
  /// The statement without its semicolon.
  package var text: String
  /// Where the statement starts in the expanded text.
  package var offset: Int
  package private(set) var before: [Companion] = []
  package private(set) var after: [Companion] = []
  /// Variables that always have these values.
  private let constants: [String: MacroValue]
  /// The queries that stand in `text` in the places of embedded models' names.
  private var embedded: [RelationName: ModelQuery] = [:]
  private var embeddings: [Embedding] = []

  /// A query put into `text` in the place of a name.
  private struct Embedding: Sendable {
    var start: Int
    var byteCount: Int
    /// The name's place in the statement as written.
    var original: Range<Int>
  }

  /// Expands the body: a query, and what runs before and after it.
  ///
  /// - Throws: `.user` for an unknown variable, no statement, a transaction; `.unsupported` for what only SQLMesh runs.
  init(
    _ body: ModelBody, variables values: [String: MacroValue], constants: [String: MacroValue] = [:],
    within range: Range<Int>
  ) throws(PulsehouseError) {
    self.body = body
    self.constants = constants
    let values = values.merging(constants) { _, constant in constant }
    // First, since its errors know their places in the file.
    expanded = try MacroExpander.expand(body, variables: values, evaluator: MacroEvaluation.value)
    variables = try MacroExpander.variables(of: body.text)
    let statements = StatementSplitter.split(expanded.text)
    guard let place = statements.firstIndex(where: Self.isQuery) ?? statements.indices.first else {
      throw PulsehouseError(.user, "the model has no SQL", sqlState: "42601", range: range)
    }
    text = statements[place].text
    offset = statements[place].range.lowerBound
    before = try statements[..<place].map { statement throws(PulsehouseError) in try companion(statement) }
    after = try statements[(place + 1)...].map { statement throws(PulsehouseError) in try companion(statement) }
  }

  private static func isQuery(_ statement: StatementText) -> Bool {
    let word = statement.text.prefix { $0.isLetter }.lowercased()
    return ["select", "with", "values"].contains(word) || statement.text.hasPrefix("(")
  }

  private func companion(_ statement: StatementText) throws(PulsehouseError) -> Companion {
    if statement.text.lowercased().hasPrefix("on_virtual_update") {
      throw PulsehouseError(
        .unsupported, "ON_VIRTUAL_UPDATE statements are not supported natively",
        hint: "A run publishes by one commit and makes no views; write it after the query.",
        range: expanded.original(statement.range))
    }
    do throws(PulsehouseError) {
      switch try PostgresParser.parseOne(statement.text).node {
      case .transaction:
        throw PulsehouseError(
          .user, "a model's statements are part of the run's transaction", sqlState: "25000",
          hint: "Leave BEGIN, COMMIT and their like out.", range: 0..<statement.text.utf8.count)
      case .query:
        throw PulsehouseError(
          .user, "a model has one query", sqlState: "42601", hint: "Write the others as models of their own.",
          range: 0..<statement.text.utf8.count)
      default: return Companion(text: statement.text, offset: statement.range.lowerBound)
      }
    } catch {
      var error = error
      let shift = statement.range.lowerBound
      error.range = error.range.map { expanded.original(($0.lowerBound + shift)..<($0.upperBound + shift)) }
      throw error
    }
  }

  /// Returns the same statement with other values of its variables.
  func with(_ values: [String: MacroValue]) throws(PulsehouseError) -> ModelQuery {
    if variables.isEmpty && embedded.allSatisfy({ $0.value.variables.isEmpty && $0.value.embedded.isEmpty }) {
      return self
    }
    var inner: [RelationName: ModelQuery] = [:]
    for (name, query) in embedded { inner[name] = try query.with(values) }
    return try ModelQuery(body, variables: values, constants: constants, within: 0..<0).embedding(inner)
  }

  /// Returns the statement with the queries of embedded models in the places of their names.
  func embedding(_ queries: [RelationName: ModelQuery]) throws(PulsehouseError) -> ModelQuery {
    guard !queries.isEmpty, case .query(let parsed) = try PostgresParser.parseOne(text).node else { return self }
    var result = self
    result.embedded = queries
    let bytes = Array(text.utf8)
    var output: [UInt8] = []
    var position = 0
    let places = parsed.tableReferences.compactMap { reference -> (Range<Int>, NamedTable)? in
      reference.name.range.bytes.map { ($0, reference) }
    }
    for (range, reference) in places.sorted(by: { $0.0.lowerBound < $1.0.lowerBound }) {
      guard let query = queries[RelationName(reference.name)], range.lowerBound >= position else { continue }
      output += bytes[position..<range.lowerBound]
      let alias = reference.alias == nil ? " AS \(RelationName.quoted(reference.name.name))" : ""
      let inserted = Array("(\n\(query.text)\n)\(alias)".utf8)
      result.embeddings.append(Embedding(start: output.count, byteCount: inserted.count, original: range))
      output += inserted
      position = range.upperBound
    }
    output += bytes[position...]
    result.text = String(decoding: output, as: UTF8.self)
    return result
  }

  /// Returns an error about `prefix + text` as one about the model's file.
  func located(_ error: PulsehouseError, prefixLength: Int, in file: ModelFile) -> PulsehouseError {
    var error = error
    if let range = error.range {
      let lower = offset + written(range.lowerBound - prefixLength, isEnd: false)
      let upper = offset + written(range.upperBound - prefixLength, isEnd: true)
      error.range = max(0, lower)..<max(0, lower, upper)
    }
    return expanded.located(error, in: file.text, path: file.path)
  }

  /// Returns an error about a statement before or after the query as one about the model's file.
  func located(_ error: PulsehouseError, of companion: Companion, in file: ModelFile) -> PulsehouseError {
    var error = error
    let range = error.range ?? 0..<1
    error.range = (range.lowerBound + companion.offset)..<(range.upperBound + companion.offset)
    return expanded.located(error, in: file.text, path: file.path)
  }

  /// Returns an error that knows no place as one about the statement as a whole: with the line where it begins.
  func placed(_ error: PulsehouseError, in file: ModelFile) -> PulsehouseError {
    var error = error
    guard error.file == nil else { return error }
    error.range = 0..<1
    error = located(error, prefixLength: 0, in: file)
    error.range = nil
    return error
  }

  /// The place in the statement as written of one in `text`: for what an embedded query became, its name's.
  private func written(_ place: Int, isEnd: Bool) -> Int {
    var shift = 0
    for embedding in embeddings where place >= embedding.start {
      if place < embedding.start + embedding.byteCount {
        return isEnd ? embedding.original.upperBound : embedding.original.lowerBound
      }
      shift += embedding.original.count - embedding.byteCount
    }
    return place + shift
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
