import SQLSyntax
import Vectors

/// Where the columns of a query come from, as its bound plan says.
package struct QueryLineage: Sendable, Hashable {
  /// How a value came about, from the least change to the most.
  package enum Change: String, Sendable, Hashable, Comparable, CaseIterable {
    /// The value itself.
    case copied
    /// Computed from it and others of its row.
    case computed
    /// Computed from rows around it.
    case windowed
    /// Computed from a group of rows.
    case aggregated

    package static func < (left: Change, right: Change) -> Bool { left.rank < right.rank }
    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// A column of a table that the query reads.
  package struct Origin: Sendable, Hashable {
    package var schema: String
    package var table: String
    package var column: String

    package init(schema: String, table: String, column: String) {
      self.schema = schema
      self.table = table
      self.column = column
    }
  }

  package struct Output: Sendable, Hashable {
    package var field: Field
    /// Each origin once, with the greatest change on any way.
    package var origins: [Origin: Change]
  }

  package var outputs: [Output]
  /// What decides which rows there are: columns of conditions, join keys and groups.
  package var deciding: Set<Origin>
  /// Every table it reads, also those no column comes from.
  package var tables: Set<String>
}

extension Planner {
  /// Binds a query and follows each of its columns to the tables it reads: through joins, WITH, subqueries, unions,
  /// windows, aggregates and `*`.
  ///
  /// What a conditional expression tests counts as what its value is computed from, and the partition and order of a
  /// window as what its value is.
  /// - Throws: as planning the query does; `.unsupported` for a statement that is none.
  package func lineage(of statement: Statement) throws -> QueryLineage {
    guard case .query(let query) = statement.node else {
      throw BinderError.unsupported("lineage of a statement that is no query", statement.range)
    }
    let binder = Binder(self)
    let bound = try binder.bindQuery(query, parent: nil)
    var tracer = LineageTracer(subqueries: binder.subqueries)
    return tracer.trace(bound)
  }
}
