/// One statement of a text, from its first token to its last (without the semicolon).
package struct Statement: Hashable, Sendable {
  package var node: StatementNode
  package var range: SourceRange

  package init(node: StatementNode, range: SourceRange) {
    self.node = node
    self.range = range
  }
}

/// What a statement is.
package indirect enum StatementNode: Hashable, Sendable {
  case query(Query)
  case insert(Insert)
  case update(Update)
  case delete(Delete)
  case merge(Merge)
  case truncate(Truncate)
  case copy(Copy)

  case createTable(CreateTable)
  case createTableAs(CreateTableAs)
  case createView(CreateView)
  case createSchema(CreateSchema)
  case createSequence(CreateSequence)
  case alterSequence(AlterSequence)
  case createIndex(CreateIndex)
  case type(TypeStatement)
  case comment(Comment)
  case drop(Drop)
  case alterTable(AlterTable)
  /// `REFRESH MATERIALIZED VIEW name`; `withData` is false for WITH NO DATA.
  case refresh(QualifiedName, withData: Bool)

  case explain(Explain)
  case transaction(Transaction)
  case prepare(Prepare)
  case execute(Execute)
  /// Nil is `DEALLOCATE ALL`.
  case deallocate(String?)
  case set(SetVariable)
  /// Nil is `SHOW ALL`.
  case show(String?)
  /// Nil is `RESET ALL`.
  case reset(String?)
  /// `LOCK TABLE`, in whatever mode.
  case lock([QualifiedName])
  case discard(DiscardTarget)
  case declareCursor(DeclareCursor)
  case fetch(Fetch)
  /// Nil is `CLOSE ALL`.
  case closeCursor(String?)
  /// `ANALYZE` or `VACUUM` (the verb), of the tables named or of all.
  case maintenance(verb: String, tables: [QualifiedName])
}

/// `COMMENT ON thing IS text`; no text takes the comment away.
package struct Comment: Hashable, Sendable {
  package enum Target: Hashable, Sendable {
    /// A table, view, materialized view, index or sequence.
    case relation(Drop.Kind, QualifiedName)
    case column(String, of: QualifiedName)
    case constraint(String, of: QualifiedName)
    case schema(String)
    case type(QualifiedName, isDomain: Bool)
  }
  package var target: Target
  package var text: String?
}

/// `DECLARE name CURSOR FOR query`.
package struct DeclareCursor: Hashable, Sendable {
  package var name: String
  /// Nil where neither SCROLL nor NO SCROLL was written.
  package var scrolls: Bool?
  /// `WITH HOLD`: it outlives its transaction.
  package var isHeld: Bool
  package var query: Query
}

/// `FETCH` or `MOVE`: where a cursor goes, and how many rows on the way are given.
package struct Fetch: Hashable, Sendable {
  package enum Direction: Hashable, Sendable {
    case forward, backward, absolute, relative
  }
  package var cursor: String
  package var direction: Direction
  /// `Int64.max` is ALL.
  package var count: Int64
  /// MOVE, which gives no rows.
  package var isMove: Bool
}

/// What of a session DISCARD gives up.
package enum DiscardTarget: String, Hashable, Sendable {
  case all = "ALL"
  case plans = "PLANS"
  case sequences = "SEQUENCES"
  case temporaryTables = "TEMP"
}

/// A name and a value of `WITH (...)`, of COPY's and EXPLAIN's options.
package struct StatementOption: Hashable, Sendable {
  /// The name in lower case, after its namespace if one was written (`toast.autovacuum_enabled`).
  package var name: String
  /// Nil if none was written (`EXPLAIN (ANALYZE)`): it means true.
  package var value: OptionValue?
  package var range: SourceRange
}

package indirect enum OptionValue: Hashable, Sendable {
  /// A string, or a bare word.
  case text(String)
  case integer(Int64)
  case numeric(String)
  case boolean(Bool)
  case star
  case list([OptionValue])
}

package struct Explain: Hashable, Sendable {
  /// `analyze` and `verbose` also when written without parentheses.
  package var options: [StatementOption]
  package var statement: StatementNode
}

package enum Transaction: Hashable, Sendable {
  /// `BEGIN` or `START TRANSACTION`, with `transaction_isolation`, `transaction_read_only`, ...
  case begin([StatementOption])
  case commit(andChain: Bool)
  case rollback(andChain: Bool)
  case savepoint(String)
  case release(String)
  case rollbackTo(String)
}

package struct Prepare: Hashable, Sendable {
  package var name: String
  package var types: [TypeName]
  package var statement: StatementNode
}

package struct Execute: Hashable, Sendable {
  package var name: String
  package var arguments: [Expression]
}

/// `SET [SESSION | LOCAL] name = values`.
package struct SetVariable: Hashable, Sendable {
  /// In lower case unless quoted, with its dots.
  package var name: String
  /// Nil is `DEFAULT`.
  package var values: [Expression]?
  package var isLocal: Bool
}
