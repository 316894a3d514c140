import Bytes
import SQLSyntax
import Vectors

/// What the planner asks of the world about names. Engine implements it over one snapshot; tests over a list.
package protocol SchemaProvider: Sendable {
  /// Looks `name` up in `schema`, or along the search path when that is nil. Nil when there is none.
  func relation(schema: String?, name: String) throws -> Relation?

  /// The names as they were at an earlier moment. - Throws: 22023 for a moment before the first commit.
  func names(at moment: Moment) throws -> any SchemaProvider

  /// Every relation's schema and name, for hints after a misspelling.
  func relationNames() -> [(schema: String, name: String)]

  /// Every schema's name.
  func schemaNames() -> [String]

  /// The schema of a table, view, index or sequence, as looked up; nil when there is none.
  func schema(ofRelation name: String, in schema: String?) -> String?

  /// The user's own type of this name, looked up in `schema`, or along the search path when that is nil; nil when there is
  /// none.
  func userType(schema: String?, name: String) throws -> UserType?

  /// The user's own type that a column knows by its identifier; nil when there is none.
  func userType(identifier: UInt64) throws -> UserType?

  /// The columns of a table whose values rows of other tables follow, by foreign keys that say what becomes of them.
  func followedColumns(of table: TableReference) throws -> [String]

  /// The value of a setting of the session, as SHOW has it; nil for an unknown one.
  func setting(_ name: String) -> String?

  /// Describes rows that are there only when the statement runs: what a change in WITH returns.
  func pendingTable(_ name: String, _ fields: [Field]) throws -> TableDescription

  /// Describes the files that a function in FROM reads; nil where none can be read.
  func fileTable(_ request: FileRequest) throws -> TableDescription?
}

/// A place in a warehouse's history.
package enum Moment: Hashable, Sendable {
  case commit(UInt64)
  /// The last commit at or before this time, in microseconds since 1970-01-01 UTC.
  case time(Int64)
}

extension SchemaProvider {
  package func names(at moment: Moment) throws -> any SchemaProvider {
    throw PulsehouseError(.unsupported, "a table of the past", sqlState: "0A000")
  }

  package func fileTable(_ request: FileRequest) throws -> TableDescription? { nil }

  package func followedColumns(of table: TableReference) throws -> [String] { [] }

  package func setting(_ name: String) -> String? { nil }

  package func userType(schema: String?, name: String) throws -> UserType? { nil }

  package func userType(identifier: UInt64) throws -> UserType? { nil }

  package func schemaNames() -> [String] { Set(relationNames().map(\.schema)).sorted() }

  package func schema(ofRelation name: String, in schema: String?) -> String? {
    relationNames().first { $0.name == name && (schema == nil || $0.schema == schema) }?.schema
  }

  package func pendingTable(_ name: String, _ fields: [Field]) throws -> TableDescription {
    throw PulsehouseError(.unsupported, "a data-modifying statement in WITH", sqlState: "0A000")
  }
}

/// Files to be read as a table: `read_csv('events/*.csv', header := true) AS t(id bigint, at timestamp)`.
package struct FileRequest: Sendable {
  package struct Option: Sendable {
    package var name: String
    package var value: Scalar
    package var range: Range<Int>?
  }

  /// `read_parquet`, `read_csv` or `read_json`.
  package var function: String
  /// A file; it may hold * and ?, or name a folder.
  package var path: String
  package var options: [Option]
  /// The columns as declared; empty where the files say.
  package var columns: [Field]
  package var range: Range<Int>?

  package static let functions: Set<String> = ["read_parquet", "read_csv", "read_json"]

  package init(function: String, path: String, options: [Option] = [], columns: [Field] = [], range: Range<Int>? = nil)
  {
    self.function = function
    self.path = path
    self.options = options
    self.columns = columns
    self.range = range
  }

  /// - Throws: `.user` for options that are not among `names`.
  package func allow(_ names: String...) throws(PulsehouseError) {
    for option in options where !names.contains(option.name) {
      throw PulsehouseError(
        .user, "\(function) has no option \"\(option.name)\"", sqlState: "42883",
        hint: names.isEmpty ? nil : "There are \(names.joined(separator: ", ")).", range: option.range)
    }
  }
}

package enum Relation: Sendable {
  case table(TableDescription)
  case view(ViewDescription)
}

package struct TableDescription: Sendable {
  package var reference: TableReference
  package var fields: Schema
  /// Rows now; exact for a stored table.
  package var rowCount: Int
  /// One for each field, as far as known.
  package var statistics: [FieldStatistics]
  /// Positions of the fields every segment is sorted by, most significant first; empty when unknown.
  package var clusteredBy: [Int]
  /// What INSERT gives a field it does not name, by position; NULL for those without one.
  package var defaults: [Int: ColumnDefault]
  /// Rules that rows are held to, in order of their names.
  package var constraints: [TableConstraint]

  /// Set for a materialized view: its query. Only REFRESH changes its rows.
  package var materializedQuery: String?

  package init(
    reference: TableReference, fields: Schema, rowCount: Int, statistics: [FieldStatistics] = [],
    clusteredBy: [Int] = [], defaults: [Int: ColumnDefault] = [:], constraints: [TableConstraint] = []
  ) {
    self.reference = reference
    self.fields = fields
    self.rowCount = rowCount
    self.statistics = statistics
    self.clusteredBy = clusteredBy
    self.defaults = defaults
    self.constraints = constraints
  }
}

extension TableDescription {
  func isGenerated(_ index: Int) -> Bool {
    if case .generated? = defaults[index] { return true }
    return false
  }

  func isIdentity(_ index: Int) -> Bool {
    if case .identity? = defaults[index] { return true }
    return false
  }
}

/// A rule that the rows of a table are held to, or an index that was asked for.
package struct TableConstraint: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// Columns by name, not NULL by their own definitions.
    case primaryKey([String])
    case unique([String], nullsAreDistinct: Bool)
    /// A condition as SQL; rows for which it is false are refused.
    case check(String)
    case foreignKey(ForeignKeyRule)
    /// Columns of a CREATE INDEX. Zone maps do its work; it is only remembered.
    case index([String])
  }
  package var name: String
  package var kind: Kind

  package init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }

  /// The columns no two rows may share the values of; nil for what is no key.
  package var keyColumns: (names: [String], nullsAreDistinct: Bool)? {
    switch kind {
    case .primaryKey(let columns): (columns, true)
    case .unique(let columns, let nullsAreDistinct): (columns, nullsAreDistinct)
    case .check, .index, .foreignKey: nil
    }
  }

  /// What a foreign key says; nil for another constraint.
  package var foreignKey: ForeignKeyRule? {
    if case .foreignKey(let key) = kind { key } else { nil }
  }

  /// True for what PostgreSQL keeps an index for.
  package var isIndex: Bool {
    switch kind {
    case .primaryKey, .unique, .index: true
    case .check, .foreignKey: false
    }
  }

  /// The columns it speaks of by name; none for a check.
  package var columns: [String] {
    switch kind {
    case .primaryKey(let columns), .unique(let columns, _), .index(let columns): columns
    case .foreignKey(let key): key.columns
    case .check: []
    }
  }
}

/// Columns whose values, where none is NULL, are those of some row of a table.
package struct ForeignKeyRule: Hashable, Sendable {
  package var columns: [String]
  /// The table they refer to; nil for their own.
  package var referenced: Referenced?
  /// Its primary key, or the columns of a unique constraint.
  package var referencedColumns: [String]
  /// What becomes of the rows that refer to a key when it goes; nil where that is refused.
  package var onDelete: Action?
  /// The same when it becomes another.
  package var onUpdate: Action?

  package enum Action: String, Sendable {
    case cascade = "CASCADE"
    case setNull = "SET NULL"
    case setDefault = "SET DEFAULT"
  }

  package struct Referenced: Hashable, Sendable {
    package var schema: String
    package var name: String

    package init(schema: String, name: String) {
      self.schema = schema
      self.name = name
    }
  }

  package init(
    columns: [String], referenced: Referenced?, referencedColumns: [String], onDelete: Action? = nil,
    onUpdate: Action? = nil
  ) {
    self.columns = columns
    self.referenced = referenced
    self.referencedColumns = referencedColumns
    self.onDelete = onDelete
    self.onUpdate = onUpdate
  }
}

/// What zone maps say of a whole column: bounds never too narrow.
package struct FieldStatistics: Sendable {
  package var minimum: Scalar?
  package var maximum: Scalar?
  package var nullCount: Int?
  package var distinctCount: Double?

  package init(
    minimum: Scalar? = nil, maximum: Scalar? = nil, nullCount: Int? = nil, distinctCount: Double? = nil
  ) {
    self.minimum = minimum
    self.maximum = maximum
    self.nullCount = nullCount
    self.distinctCount = distinctCount
  }
}

package struct ViewDescription: Sendable {
  package var schema: String
  package var name: String
  /// The SELECT, as the user wrote it.
  package var query: String
  /// Column names that replace the query's own, when given.
  package var columnNames: [String]?
  /// Whether rows that are written through it must be among its own.
  package var checkOption: CreateView.CheckOption
  /// What the names in its query stand for, when that is not what they do in the statement.
  package var names: (any SchemaProvider)?

  package init(
    schema: String, name: String, query: String, columnNames: [String]? = nil,
    checkOption: CreateView.CheckOption = .none, names: (any SchemaProvider)? = nil
  ) {
    self.schema = schema
    self.name = name
    self.query = query
    self.columnNames = columnNames
    self.checkOption = checkOption
    self.names = names
  }
}

/// What INSERT gives a column that it does not name.
package enum ColumnDefault: Hashable, Sendable {
  /// Of the column's type.
  case constant(Scalar)
  /// SQL that is evaluated anew for each row, such as `now()`.
  case expression(String)
  /// SQL that takes the next value of the column's own sequence; with `always` no other value may be given.
  case identity(String, always: Bool)
  /// SQL over the row's other columns, by which the column always goes.
  case generated(String)
}
