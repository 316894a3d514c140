/// Where a new table lives.
package enum Persistence: String, Hashable, Sendable {
  case permanent
  case temporary
  case unlogged
}

/// What becomes of a temporary table's rows at the end of each transaction.
package enum OnCommit: String, Hashable, Sendable {
  case preserveRows
  case deleteRows
  /// The table goes too.
  case drop
}

package struct CreateTable: Hashable, Sendable {
  package var name: QualifiedName
  package var persistence: Persistence
  /// Nil where nothing was written.
  package var onCommit: OnCommit?
  package var ifNotExists: Bool
  package var columns: [ColumnDefinition]
  /// `LIKE table`, each where it stands among the columns.
  package var likes: [TableLike]
  /// Constraints that stand beside the columns.
  package var constraints: [Constraint]
  /// `PARTITION BY strategy (keys)`.
  package var partitioning: Partitioning?
  /// `WITH (...)`.
  package var options: [StatementOption]
}

/// `LIKE table INCLUDING ...` in CREATE TABLE.
package struct TableLike: Hashable, Sendable {
  package var table: QualifiedName
  /// How many columns stand before it.
  package var position: Int
  package var includesDefaults: Bool
  /// CHECK constraints; NOT NULL always comes along.
  package var includesConstraints: Bool
  /// Primary keys and unique constraints.
  package var includesIndexes: Bool
  package var includesIdentity: Bool
  package var includesGenerated: Bool
}

/// `PARTITION BY RANGE | LIST | HASH (keys)`.
package struct Partitioning: Hashable, Sendable {
  /// `range`, `list` or `hash`, in lower case.
  package var strategy: String
  package var keys: [Expression]
  package var range: SourceRange
}

package struct ColumnDefinition: Hashable, Sendable {
  package var name: String
  package var type: TypeName
  package var collation: [String]
  package var constraints: [Constraint]
  package var range: SourceRange
}

/// A constraint of a column or of a table; `columns` lists are empty where the constraint stands at its column.
package struct Constraint: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case null
    case notNull
    case defaultValue(Expression)
    case check(Expression)
    case primaryKey(columns: [String])
    case unique(columns: [String], nullsAreDistinct: Bool)
    case foreignKey(ForeignKey)
    /// `GENERATED ALWAYS AS (expression) STORED`.
    case generated(Expression)
    /// `GENERATED ALWAYS | BY DEFAULT AS IDENTITY (options of the sequence)`.
    case identity(always: Bool, options: [StatementOption])
  }
  package var name: String?
  package var kind: Kind
  package var range: SourceRange

  package init(name: String?, kind: Kind, range: SourceRange) {
    self.name = name
    self.kind = kind
    self.range = range
  }
}

package struct ForeignKey: Hashable, Sendable {
  package enum Action: String, Hashable, Sendable {
    case noAction
    case restrict
    case cascade
    case setNull
    case setDefault
  }
  package var columns: [String]
  package var table: QualifiedName
  package var referencedColumns: [String]
  package var onUpdate: Action
  package var onDelete: Action
}

package struct CreateTableAs: Hashable, Sendable {
  package var name: QualifiedName
  package var persistence: Persistence
  package var onCommit: OnCommit?
  package var ifNotExists: Bool
  /// New names for the query's columns, or none.
  package var columns: [String]
  package var options: [StatementOption]
  /// A query, or `EXECUTE name`.
  package var source: StatementNode
  /// False for `WITH NO DATA`.
  package var withData: Bool
  /// `CREATE MATERIALIZED VIEW`: where its query stands in the text, to keep its words.
  package var materializedQuery: SourceRange?
}

package struct CreateView: Hashable, Sendable {
  package enum CheckOption: String, Hashable, Sendable {
    case none
    case local
    case cascaded
  }
  package var name: QualifiedName
  package var persistence: Persistence
  package var orReplace: Bool
  package var columns: [String]
  package var options: [StatementOption]
  package var query: Query
  package var checkOption: CheckOption
  /// `CREATE RECURSIVE VIEW`: `query` is the whole one, the text at `queryRange` only what stands after AS.
  package var isRecursive: Bool
  /// The place of the query in the text, to keep its words: from its first token to the statement's end.
  package var queryRange: SourceRange
}

/// `CREATE [UNIQUE] INDEX [name] ON table (columns)`.
package struct CreateIndex: Hashable, Sendable {
  /// Nil where none was written.
  package var name: String?
  package var table: QualifiedName
  /// Columns or expressions.
  package var keys: [Expression]
  package var isUnique: Bool
  package var nullsAreDistinct: Bool
  package var ifNotExists: Bool
  package var predicate: Expression?
}

/// `CREATE SEQUENCE name options`; the options as PostgreSQL's grammar names them: `increment`, `start`, `owned_by`, ...
package struct CreateSequence: Hashable, Sendable {
  package var name: QualifiedName
  package var persistence: Persistence
  package var ifNotExists: Bool
  package var options: [StatementOption]
}

package struct AlterSequence: Hashable, Sendable {
  package var name: QualifiedName
  package var ifExists: Bool
  package var options: [StatementOption]
}

package struct CreateSchema: Hashable, Sendable {
  package var name: String
  package var ifNotExists: Bool
  /// What is made in it by the same statement, in the order in which it can be made.
  package var elements: [StatementNode]
}

package struct Drop: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable {
    case table
    case view
    case materializedView
    case schema
    case index
    case sequence
    /// Of whatever kind.
    case type
    case domain
  }
  package var kind: Kind
  /// Never empty. A schema's name stands in `name`.
  package var names: [QualifiedName]
  package var ifExists: Bool
  package var isCascade: Bool
}

package struct AlterTable: Hashable, Sendable {
  package enum Target: String, Hashable, Sendable {
    case table
    case view
    case schema
  }
  package enum Action: Hashable, Sendable {
    case addColumn(ColumnDefinition, ifNotExists: Bool)
    case dropColumn(String, ifExists: Bool, isCascade: Bool)
    case renameColumn(String, to: String)
    case renameTable(to: String)
    case renameConstraint(String, to: String)
    case setSchema(String)
    case setDefault(column: String, Expression)
    case dropDefault(column: String)
    case setNotNull(column: String)
    case dropNotNull(column: String)
    case setType(column: String, TypeName, using: Expression?)
    case addConstraint(Constraint)
    case dropConstraint(String, ifExists: Bool, isCascade: Bool)
    case setOptions([StatementOption])
    case resetOptions([String])
    case addIdentity(column: String, always: Bool, [StatementOption])
    /// Options of the column's sequence, and `generated`: `a` (always) or `d` (by default).
    case setIdentity(column: String, [StatementOption])
    case dropIdentity(column: String, ifExists: Bool)
    case dropExpression(column: String, ifExists: Bool)
  }
  package var target: Target
  package var name: QualifiedName
  package var ifExists: Bool
  package var actions: [Action]
}
