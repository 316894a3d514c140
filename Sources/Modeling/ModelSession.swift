import Engine
import SQLSyntax
import Vectors

/// What a run needs of a warehouse: SQL, one transaction around it all, and what changed since an earlier run.
///
/// Statements between `begin` and `commit` see what the ones before them did; nobody else does until `commit`.
package protocol ModelSession: AnyObject {
  func begin() throws
  /// Publishes everything since `begin`, or nothing.
  func commit(message: String) throws
  func rollback()
  /// Forgets what the open transaction did, but for these tables, and begins another that has them in the places of any
  /// there were.
  func restart(keeping names: [RelationName]) throws
  /// Returns a session whose transaction begins with what the open one has done so far, for another thread; `adopt` or
  /// `discard` ends it. `memoryShare` is how many such sessions share the memory.
  func branch(memoryShare: Int) throws -> any ModelSession
  /// Does in the open transaction what a branch of it did.
  func adopt(_ branch: any ModelSession) throws
  /// Forgets what a branch did, but for these tables, which take the places of any there were.
  func discard(_ branch: any ModelSession, keeping names: [RelationName]) throws
  /// Whether somebody asked it to do nothing more.
  var isStopped: Bool { get }
  /// Runs one statement and returns the number of rows it made, if it has one.
  func execute(_ sql: String) throws -> Int?
  func query(_ sql: String) throws -> QueryAnswer
  /// Makes one of the small segments of a table that has many; no row changes.
  func mergeSmallSegments(of name: RelationName) throws
  /// Says what a name stands for now; nil for nothing.
  func relationKind(_ name: RelationName) throws -> RelationKind?

  /// The commit that this session's reads rest on, changes of the open transaction apart.
  func baseSnapshot() throws -> UInt64
  /// Says which table or view a name stands for and when it last changed; nil for nothing.
  func relationVersion(_ name: RelationName) throws -> RelationVersion?
  /// Returns what a query would read, without running it.
  func reads(of sql: String) throws -> ModelReads
  /// Returns about how much a query that reads so will read.
  func estimate(_ reads: ModelReads) throws -> ReadEstimate
  /// Returns which buckets, `floor((value - origin) / width)` of a column, have rows that came or went since `mark`.
  func changes(
    of name: RelationName, since version: RelationVersion, column: Int, origin: Int64, width: Int64
  ) throws -> ChangedBuckets
  /// Returns whether any row of the table came or went since `mark`.
  func hasChanged(_ name: RelationName, since version: RelationVersion) throws -> Bool
  /// Returns the least and the greatest value of an integer, date or time column, as stored, or bounds around them;
  /// nil when there is none.
  func bounds(of name: RelationName, column: Int) throws -> ClosedRange<Int64>?
  /// Returns whether two tables have the same columns and the same rows in any order.
  func haveEqualRows(_ first: RelationName, _ second: RelationName) throws -> Bool

  /// Returns what is remembered of a model, and the commit that wrote it; nil for nothing.
  func modelState(_ name: RelationName) throws -> (bytes: [UInt8], writtenAt: UInt64)?
  /// Remembers it with the open transaction.
  func putModelState(_ name: RelationName, _ bytes: [UInt8]) throws

  /// The table or view as it is without what the open transaction did; nil for nothing.
  func committedVersion(_ name: RelationName) throws -> RelationVersion?
  /// What unfinished runs have set aside, by model.
  func unfinished() throws -> [RelationName: UnfinishedModel]
  /// Commits tables as the open transaction has made them so far, beside it and under other names.
  func setAside(_ models: [(table: RelationName, model: UnfinishedModel)]) throws
  /// Makes the model's table, in the open transaction, the one that was set aside.
  func takeBack(_ model: UnfinishedModel) throws
  /// Whether a table is segment for segment the one that was set aside under its name; true for views.
  func isAsSetAside(_ name: RelationName) throws -> Bool
  /// Removes what was set aside of these models, and what nobody will come for.
  func forgetUnfinished(_ done: Set<RelationName>) throws

  func schemaExists(_ name: String) throws -> Bool
  /// The number of the next run in the history.
  func nextRunNumber() throws -> Int
  /// Adds a run to the history with the open transaction.
  func putRun(_ record: RunRecord) throws

  /// Rows that statements have read of tables to write others, so far.
  var readRowCount: Int { get }
  /// The environment whose tables plain names stand for; nil for production.
  var environment: Environment? { get }
  /// Lets the environment begin from what production is now wherever the two do not differ, in the open transaction.
  /// Returns whether anything changed. Nothing outside of an environment.
  func refreshEnvironment(_ graph: ModelGraph) throws -> Bool
}

extension ModelSession {
  package var isStopped: Bool { false }
  package func estimate(_ reads: ModelReads) throws -> ReadEstimate { ReadEstimate() }
  package func committedVersion(_ name: RelationName) throws -> RelationVersion? { nil }
  package func unfinished() throws -> [RelationName: UnfinishedModel] { [:] }
  package func setAside(_ models: [(table: RelationName, model: UnfinishedModel)]) throws {}
  package func takeBack(_ model: UnfinishedModel) throws {}
  package func isAsSetAside(_ name: RelationName) throws -> Bool { false }
  package func forgetUnfinished(_ done: Set<RelationName>) throws {}
  package func mergeSmallSegments(of name: RelationName) throws {}
  package var readRowCount: Int { 0 }
  package var environment: Environment? { nil }
  package func refreshEnvironment(_ graph: ModelGraph) throws -> Bool { false }
}

/// A table or view at a point of its life.
package struct RelationVersion: Hashable, Sendable {
  /// Differs from that of any other table or view, also a later one of the same name.
  package var identifier: UInt64
  /// The commit that last changed it.
  package var changedAt: UInt64

  package init(identifier: UInt64, changedAt: UInt64) {
    self.identifier = identifier
    self.changedAt = changedAt
  }
}

/// What a query reads, views followed down to tables.
package struct ModelReads: Hashable, Sendable {
  package struct Scan: Hashable, Sendable {
    package var table: RelationName
    /// Every row it looks at fulfils them.
    package var conditions: [Condition]

    package init(table: RelationName, conditions: [Condition]) {
      self.table = table
      self.conditions = conditions
    }
  }

  package struct Condition: Hashable, Sendable {
    /// The column's position in the table.
    package var column: Int
    package var name: String
    package var type: LogicalType
    package var predicate: ColumnPredicate

    package init(column: Int, name: String, type: LogicalType, predicate: ColumnPredicate) {
      self.column = column
      self.name = name
      self.type = type
      self.predicate = predicate
    }
  }

  package var scans: [Scan]
  package var views: Set<RelationName>

  package init(scans: [Scan] = [], views: Set<RelationName> = []) {
    self.scans = scans
    self.views = views
  }
}

package enum ChangedBuckets: Hashable, Sendable {
  /// These, which may be none.
  case some(Set<Int64>)
  /// It cannot be said, or they are too many: any may have changed.
  case any
}

/// The rows of a small query.
package struct QueryAnswer: Sendable {
  package var columns: [Field]
  package var rows: [[Scalar]]

  package init(columns: [Field], rows: [[Scalar]]) {
    self.columns = columns
    self.rows = rows
  }
}

package enum RelationKind: Sendable, Hashable {
  case table
  case view
}

/// The schema and name of a table or view, as SQL folds them.
package struct RelationName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var schema: String
  package var name: String

  package init(_ schema: String, _ name: String) {
    self.schema = schema
    self.name = name
  }

  /// A name of SQL text; without a schema it is one of `public`.
  init(_ name: QualifiedName) { self.init(name.schema ?? "public", name.name) }

  /// `schema.name` for people.
  package var description: String { "\(schema).\(name)" }
  /// `"schema"."name"` for SQL, quoted whatever the letters.
  package var sql: String { Self.quoted(schema) + "." + Self.quoted(name) }

  package static func quoted(_ identifier: String) -> String {
    "\"" + identifier.replacing("\"", with: "\"\"") + "\""
  }

  package static func < (left: RelationName, right: RelationName) -> Bool {
    (left.schema, left.name) < (right.schema, right.name)
  }
}
