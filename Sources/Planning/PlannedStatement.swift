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
  case createView(ViewDefinition)
  case createSchema(name: String, ifNotExists: Bool)
  case drop(Drop)
  case alterTable(AlterTable)
  case insert(Insertion)
  case delete(Deletion)
  case update(RowUpdate)
  case truncate([TableDescription])
  case copyFrom(CopyFrom)
  case copyTo(CopyTo)
  case explain(Explanation)
  case transaction(SQLSyntax.Transaction)
  case prepare(Prepare)
  /// The arguments are constants of the types found for them.
  case execute(name: String, arguments: [(Scalar, LogicalType)])
  /// Nil is ALL.
  case deallocate(String?)
  /// Nil values: back to the default.
  case set(name: String, values: [Scalar]?, isLocal: Bool)
  /// Nil is ALL.
  case show(String?)
  case reset(String?)
}

/// A table to be made.
package struct TableDefinition: Sendable {
  package struct Column: Sendable {
    package var field: Field
    /// Of the field's type; nil for none.
    package var defaultValue: Scalar?
  }

  package var schema: String?
  package var name: String
  package var ifNotExists: Bool
  package var columns: [Column]
  /// `WITH (...)` by name, as written; the session knows which it takes.
  package var properties: [StatementOption]
}

package struct ViewDefinition: Sendable {
  package var schema: String?
  package var name: String
  package var orReplace: Bool
  package var columnNames: [String]?
  /// Where the query stands in the statement's text.
  package var queryRange: SourceRange
  /// The columns the query gives now.
  package var fields: [Field]
}

package struct Drop: Sendable {
  package enum Kind: Sendable { case table, view, schema }
  package var kind: Kind
  package var names: [QualifiedName]
  package var ifExists: Bool
  package var isCascade: Bool
}

/// Rows for `table`: the plan's output matches its fields one by one, in order and type; what is not named has its
/// default. NULLs for a field that takes none are not refused by the plan but by whoever writes the rows (23502).
package struct Insertion: Sendable {
  package var table: TableDescription
  package var plan: PhysicalPlan
}

/// The plan's only output is the identifiers of the rows to go (`TableScan.Source.rowIdentifier`), each once.
package struct Deletion: Sendable {
  package var table: TableDescription
  package var plan: PhysicalPlan
}

/// The plan's output is the row's identifier, each once, then the new value of every field of the table.
package struct RowUpdate: Sendable {
  package var table: TableDescription
  package var plan: PhysicalPlan
}

/// `COPY table FROM`: the file's fields go to `targets` in order; the other fields have their defaults.
package struct CopyFrom: Sendable {
  package var table: TableDescription
  /// Positions of the table's fields, in the file's order.
  package var targets: [Int]
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
    case addColumn(TableDefinition.Column, ifNotExists: Bool)
    case dropColumn(Int)
    case renameColumn(Int, to: String)
    case rename(to: String)
    case setSchema(String)
    case setDefault(Int, Scalar?)
    case setNullable(Int, Bool)
    /// The plan gives the whole table with the new type in place.
    case setType(Int, LogicalType, PhysicalPlan)
    case setProperties([StatementOption])
    case resetProperties([String])
  }

  package var target: SQLSyntax.AlterTable.Target
  package var name: QualifiedName
  /// Nil for a view or a schema.
  package var table: TableDescription?
  package var actions: [Action]
}
