import SQLSyntax
import Vectors

/// What a session must do for one statement: names are resolved, types are checked, queries are planned.
///
/// Names of things to be made or dropped are as written: a nil schema means the session's own.
package indirect enum PlannedStatement: Sendable {
  case query(PhysicalPlan)
  case createTable(TableDefinition)
  /// The plan's output matches the definition's columns; nil for WITH NO DATA.
  case createTableAs(TableDefinition, PhysicalPlan?)
  /// The query is that of a prepared statement.
  case createTableAsExecute(CreateTableAs, name: String, arguments: [(Scalar, LogicalType)])
  case createView(ViewDefinition)
  /// The statements make what is to be in it, in turn.
  case createSchema(name: String, ifNotExists: Bool, elements: [StatementNode])
  case createSequence(SequenceRequest, name: QualifiedName, isTemporary: Bool, ifNotExists: Bool)
  case alterSequence(AlterSequence)
  case refresh(QualifiedName, withData: Bool)
  /// A query that asks that the tables stay as they are until its transaction ends.
  case locking([TableReference], then: PlannedStatement)
  /// Statements of WITH, whose rows go to the tables named before the last statement runs. All see the same state.
  case withChanges([(statement: PlannedStatement, rows: TableDescription)], then: PlannedStatement)
  case createIndex(IndexDefinition)
  case type(TypeChange)
  case comment(Comment)
  case drop(Drop)
  case alterTable(AlterTable)
  case insert(Insertion)
  case delete(Deletion)
  case update(RowUpdate)
  case merge(RowMerge)
  case truncate([TableDescription], restartsIdentity: Bool)
  case copyFrom(CopyFrom)
  case copyTo(CopyTo)
  case explain(Explanation)
  case transaction(SQLSyntax.Transaction)
  case prepare(Prepare)
  /// The arguments are constants of the types found for them.
  case execute(name: String, arguments: [(Scalar, LogicalType)])
  /// Nil is ALL.
  case deallocate(String?)
  /// Tables that must stay as they are until the transaction ends.
  case lock([TableReference])
  case discard(DiscardTarget)
  /// The query's rows are the cursor's.
  case declareCursor(name: String, scrolls: Bool?, isHeld: Bool, PlannedStatement)
  case fetch(Fetch)
  /// Nil is ALL.
  case closeCursor(String?)
  /// ANALYZE or VACUUM: there is nothing left to do once its tables are known to be there.
  case maintenance(String)
  /// Nil values: back to the default.
  case set(name: String, values: [Scalar]?, isLocal: Bool)
  /// SET by `SELECT set_config(...)`, which gives the value as a column of this name.
  case setConfig(name: String, values: [Scalar]?, isLocal: Bool, column: String)
  /// Nil is ALL.
  case show(String?)
  case reset(String?)
}

extension PlannedStatement {
  /// The columns of what the statement returns.
  var returnedFields: [Field] {
    switch self {
    case .query(let plan): zip(plan.columnNames, plan.root.output).map { Field($0, $1.type, isNullable: $1.isNullable) }
    case .insert(let insertion): insertion.returning
    case .update(let update): update.returning
    case .delete(let deletion): deletion.returning
    case .merge(let merge): merge.returning
    default: []
    }
  }

  /// The table whose rows the statement changes.
  var changedTable: TableReference? {
    switch self {
    case .insert(let insertion): insertion.table.reference
    case .update(let update): update.table.reference
    case .delete(let deletion): deletion.table.reference
    case .merge(let merge): merge.table.reference
    default: nil
    }
  }

  /// True when the statement changes or removes rows that are there in `table`.
  func rewrites(_ table: TableReference) -> Bool {
    if case .insert = self { return false }
    return changedTable.map { $0.schema == table.schema && $0.name == table.name } ?? false
  }
}

/// A table to be made.
package struct TableDefinition: Sendable {
  package struct Column: Sendable {
    package var field: Field
    package var defaultValue: ColumnDefault?
    /// A sequence to be made for the column.
    package var sequence: SequenceRequest?
  }

  package var schema: String?
  package var name: String
  package var ifNotExists: Bool
  /// Gone when the session ends, and seen by it alone.
  package var isTemporary = false
  /// What becomes of a temporary table when a transaction ends; nil where nothing was written.
  package var onCommit: OnCommit?
  package var columns: [Column]
  package var constraints: [TableConstraint] = []
  /// `WITH (...)` by name, as written; the session knows which it takes.
  package var properties: [StatementOption]
  /// Where the query of a materialized view stands in the statement's text.
  package var materializedQuery: SourceRange?
}

/// A sequence to be made, as declared.
package struct SequenceRequest: Hashable, Sendable {
  /// How a column uses it.
  package enum Use: Hashable, Sendable {
    case none, serial
    case identity(always: Bool)
  }

  package var use: Use
  /// The sequence of a column of another table that it is made like, as `nextval` is asked for it.
  package var model: String?
  /// smallint, integer or bigint.
  package var type: LogicalType
  package var options: [StatementOption]
}

package struct ViewDefinition: Sendable {
  package var schema: String?
  package var name: String
  package var orReplace: Bool
  package var columnNames: [String]?
  package var checkOption: CreateView.CheckOption
  /// Where the query stands in the statement's text.
  package var queryRange: SourceRange
  /// For CREATE RECURSIVE VIEW: the name by which the query there reads itself.
  package var recursiveName: String?
  /// The columns the query gives now.
  package var fields: [Field]
}

package struct Drop: Sendable {
  package typealias Kind = SQLSyntax.Drop.Kind
  package var kind: Kind
  package var names: [QualifiedName]
  package var ifExists: Bool
  package var isCascade: Bool
}

/// Rows for `table`: the plan's output matches its fields one by one, in order and type; what is not named has its
/// default. NULLs for a field that takes none are not refused by the plan but by whoever writes the rows (23502).
///
/// After the fields come the columns of RETURNING.
package struct Insertion: Sendable {
  package var table: TableDescription
  package var plan: PhysicalPlan
  package var checks: RowChecks
  package var returning: [Field]
}

/// The plan's output is the identifier of each row to go (`TableScan.Source.rowIdentifier`), each once, then the columns
/// of RETURNING, then the row's values of the table's followed columns.
package struct Deletion: Sendable {
  package var table: TableDescription
  package var plan: PhysicalPlan
  package var returning: [Field]
  package var followed: [String]
}

/// The plan's output is the row's identifier, each once, then the new value of every field of the table, then the
/// columns of RETURNING, then what the row's values of the table's followed columns were.
package struct RowUpdate: Sendable {
  package var table: TableDescription
  package var plan: PhysicalPlan
  package var checks: RowChecks
  package var returning: [Field]
  package var followed: [String]
}

/// Conditions that new rows of a table must not fail, over columns that stand for its fields.
package struct RowChecks: Sendable {
  package var columns: [Column] = []
  package var conditions: [(name: String, condition: Expression)] = []
  /// The conditions of views WITH CHECK OPTION, which must be true.
  package var views: [(name: String, condition: Expression)] = []

  package init() {}

  /// True when any row passes.
  package var isEmpty: Bool { conditions.isEmpty && views.isEmpty }
}

/// Rows to be added, changed or removed, as MERGE and INSERT ... ON CONFLICT find them out.
///
/// The plan's output is what to do (`Action`), the identifier of the row it is done to (NULL for a new one), the value
/// of every field of the table, then the columns of RETURNING.
package struct RowMerge: Sendable {
  package enum Action: Int64, Sendable { case nothing, insert, update, delete }
  /// What becomes of a second row of the statement with the same key.
  package enum Repetition: Sendable { case isRefused, isLeftOut }

  package var table: TableDescription
  package var plan: PhysicalPlan
  package var checks: RowChecks
  package var returning: [Field]
  /// Where in the plan's columns the rows begin as an INSERT proposes them, which the constraints hold for whatever
  /// becomes of them; nil for MERGE.
  package var proposed: Int?
  /// Where the columns of RETURNING begin.
  package var returningStart: Int
  /// Keys (positions of fields) by which the statement's own new rows are told apart, with what a second one means.
  package var keys: [[Int]]
  package var repetition: Repetition
  /// `INSERT` or `MERGE`: the statement's name for tags and messages.
  package var verb: String
}

/// An index to be remembered, or a unique one, which is a constraint.
package struct IndexDefinition: Sendable {
  package var table: TableDescription
  package var constraint: TableConstraint
  package var ifNotExists: Bool
}

/// `COPY table FROM`: the file's fields go to `targets` in order; the other fields have their defaults.
package struct CopyFrom: Sendable {
  package var table: TableDescription
  /// Positions of the table's fields, in the file's order.
  package var targets: [Int]
  /// What the fields that are no targets get, by position; NULL for those without one.
  package var defaults: [Int: Scalar]
  /// Fields that are computed for each row: from `columns`, which stand for the table's fields. In turn.
  package var computed: [(field: Int, value: Expression)]
  package var columns: [Column]
  package var checks: RowChecks
  package var place: Copy.Place
  package var options: [StatementOption]
}

package struct CopyTo: Sendable {
  package var plan: PhysicalPlan
  package var place: Copy.Place
  package var options: [StatementOption]
}

package struct Explanation: Sendable {
  package enum Format: Sendable { case text, json }
  package var isAnalyze: Bool
  package var isVerbose: Bool
  package var format: Format
  package var statement: PlannedStatement
  package init(isAnalyze: Bool, isVerbose: Bool, format: Format, statement: PlannedStatement) {
    self.isAnalyze = isAnalyze
    self.isVerbose = isVerbose
    self.format = format
    self.statement = statement
  }
}

/// `ALTER TABLE | VIEW | SCHEMA`, resolved against the table where it is about columns.
package struct AlterTable: Sendable {
  package enum Action: Sendable {
    case rename(to: String)
    case setSchema(String)
    /// A view's column.
    case renameColumn(String, to: String)
    case setProperties([StatementOption])
    case resetProperties([String])
  }

  /// Columns and constraints as they are to be; and how old rows become new ones, where they do not stay as they are.
  package struct Reshaping: Sendable {
    package var columns: [TableDefinition.Column]
    package var constraints: [TableConstraint]
    /// Gives the whole table in its new form; nil when the stored rows need no change.
    package var plan: PhysicalPlan?
    /// Conditions every row must pass, old ones too.
    package var checks: RowChecks
    /// True when a key was added, or columns became NOT NULL: every row is looked at.
    package var isStricter: Bool
    /// Sequences to be made for new columns, by the columns' names.
    package var sequences: [(column: String, request: SequenceRequest)]
    /// Columns that get another name, old to new, for what else the table knows by name.
    package var renamed: [String: String]
    /// Columns and constraints that are dropped, by the names they had; what needs them goes too where CASCADE stands.
    package var dropped: [Dropped]
    /// Columns that get another type, by the names they had.
    package var retyped: [String]
    /// What becomes of the sequences of identity columns.
    package var identities: [(column: String, options: [StatementOption])]

    package struct Dropped: Sendable {
      package var name: String
      package var isColumn: Bool
      package var isCascade: Bool
    }
  }

  package var target: SQLSyntax.AlterTable.Target
  package var name: QualifiedName
  package var ifExists: Bool
  /// Nil for a view or a schema.
  package var table: TableDescription?
  package var reshaping: Reshaping?
  package var actions: [Action]
}
