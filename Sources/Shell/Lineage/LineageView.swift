import Modeling
import Planning
import Vectors

/// The part of a lineage that a drawing shows: tables, of each the columns that matter, and what leads where.
struct LineageView {
  struct Table {
    var name: RelationName
    var kind: String
    /// Empty in a drawing of tables alone.
    var columns: [String]
    var isSubject: Bool
  }

  struct Line {
    var from: LineageGraph.ColumnName
    var to: LineageGraph.ColumnName
    var change: LineageGraph.Change
  }

  var tables: [Table] = []
  /// Pairs of indices into `tables`.
  var reads: [(from: Int, to: Int)] = []
  /// Of the columns shown.
  var lines: [Line] = []

  init(_ graph: LineageGraph, _ subject: LineageGraph.Subject, _ direction: LineageGraph.Direction, showsColumns: Bool)
  {
    var names = Set(graph.tables.map(\.name))
    var columns: Set<LineageGraph.ColumnName>?
    var center: RelationName?
    switch subject {
    case .all: break
    case .table(let name):
      names = graph.reach(name, direction)
      center = name
    case .column(let column):
      let reached = graph.reach(column, direction)
      columns = reached
      names = Set(reached.map(\.table))
      center = column.table
    }
    for table in graph.tables where names.contains(table.name) {
      let shown = table.fields.map(\.name).filter { name in
        columns.map { $0.contains(.init(table.name, name)) } ?? showsColumns
      }
      tables.append(Table(name: table.name, kind: table.kind, columns: shown, isSubject: table.name == center))
    }
    for (index, table) in tables.enumerated() {
      for (other, source) in tables.enumerated() where graph[table.name]?.reads.contains(source.name) == true {
        reads.append((other, index))
      }
      for column in table.columns {
        let name = LineageGraph.ColumnName(table.name, column)
        for (origin, change) in (graph.origins[name] ?? [:]).sorted(by: { $0.key < $1.key })
        where tables.contains(where: { $0.name == origin.table && $0.columns.contains(origin.column) }) {
          lines.append(Line(from: origin, to: name, change: change))
        }
      }
    }
    // Between columns, a table that is read for none of them says nothing.
    if columns != nil {
      reads = reads.filter { read in
        lines.contains { $0.from.table == tables[read.from].name && $0.to.table == tables[read.to].name }
      }
    }
  }
}
