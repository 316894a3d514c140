import Bytes
import Planning
import SQLSyntax
import Vectors

/// Which tables and columns of a project come from which.
package struct LineageGraph: Sendable {
  package struct ColumnName: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var table: RelationName
    package var column: String

    package init(_ table: RelationName, _ column: String) {
      self.table = table
      self.column = column
    }

    package var description: String { "\(table).\(column)" }

    package static func < (left: ColumnName, right: ColumnName) -> Bool {
      (left.table, left.column) < (right.table, right.column)
    }
  }

  package struct Table: Sendable {
    package var name: RelationName
    /// `FULL`, `VIEW`, ...; `table` for one that no model makes.
    package var kind: String
    /// Where its rows come from, for a table that no model makes; the model's file otherwise.
    package var place: String
    package var fields: [Field]
    /// Tables its rows depend on, in the order of their names.
    package var reads: [RelationName]
    /// Columns that decide which rows it has.
    package var deciding: [ColumnName]
  }

  package typealias Change = QueryLineage.Change

  /// Upstream first.
  package private(set) var tables: [Table] = []
  /// Each column's direct origins.
  package private(set) var origins: [ColumnName: [ColumnName: Change]] = [:]
  /// What is computed from each column.
  package private(set) var uses: [ColumnName: [ColumnName: Change]] = [:]

  /// `sources` says in words where a table comes from that no model makes.
  package init(_ schema: ProjectSchema, sources: [RelationName: String] = [:]) {
    for name in schema.external {
      tables.append(
        Table(
          name: name, kind: sources[name] == nil ? "table" : "source", place: sources[name] ?? "",
          fields: schema.fields[name]?.fields ?? [], reads: [], deciding: []))
    }
    for model in schema.models {
      let lineage = schema.lineage[model.name]
      tables.append(
        Table(
          name: model.name, kind: model.kind.name, place: model.file.path,
          fields: schema.fields[model.name]?.fields ?? [], reads: model.reads.sorted(),
          deciding: (lineage?.deciding ?? []).map(Self.name).sorted()))
      for output in lineage?.outputs ?? [] {
        let column = ColumnName(model.name, output.field.name)
        for (origin, change) in output.origins { connect(column, to: Self.name(origin), change) }
      }
      if case .slowlyChanging(let kind) = model.kind, let updatedAt = kind.updatedAt,
        let origin = lineage?.outputs.first(where: { $0.field.name == updatedAt })?.origins
      {
        for name in [kind.validFrom, kind.validTo] {
          for (source, _) in origin { connect(ColumnName(model.name, name), to: Self.name(source), .computed) }
        }
      }
    }
  }

  private static func name(_ origin: QueryLineage.Origin) -> ColumnName {
    ColumnName(RelationName(origin.schema, origin.table), origin.column)
  }

  private mutating func connect(_ column: ColumnName, to origin: ColumnName, _ change: Change) {
    origins[column, default: [:]][origin] = change
    uses[origin, default: [:]][column] = change
  }

  package subscript(_ name: RelationName) -> Table? { tables.first { $0.name == name } }

  /// Tables that read this one.
  package func readers(of name: RelationName) -> [RelationName] {
    tables.filter { $0.reads.contains(name) }.map(\.name)
  }

  // MARK: What is asked for

  package enum Subject: Hashable, Sendable {
    case all
    case table(RelationName)
    case column(ColumnName)
  }

  /// Understands `schema.table`, `table`, `schema.table.column` and `table.column`.
  ///
  /// - Throws: `.usage` that names what there is.
  package func subject(_ text: String?) throws(PulsehouseError) -> Subject {
    guard let text, !text.isEmpty else { return .all }
    let parts = text.lowercased().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    func named(_ name: String) -> [Table] { tables.filter { $0.name.name == name } }
    var table: Table?
    var column: String?
    switch parts.count {
    case 1: table = named(parts[0]).count == 1 ? named(parts[0])[0] : nil
    case 2:
      table = self[RelationName(parts[0], parts[1])]
      if table == nil, named(parts[0]).count == 1 {
        table = named(parts[0])[0]
        column = parts[1]
      }
    case 3:
      table = self[RelationName(parts[0], parts[1])]
      column = parts[2]
    default: break
    }
    guard let table else {
      let several = named(parts[0]).map(\.name.description)
      throw PulsehouseError(
        .usage, several.count > 1 ? "several tables are named \"\(parts[0])\"" : "there is no table \"\(text)\"",
        hint: "There are \((several.count > 1 ? several : tables.map(\.name.description)).joined(separator: ", ")).")
    }
    guard let column else { return .table(table.name) }
    guard table.fields.contains(where: { $0.name == column }) else {
      throw PulsehouseError(
        .usage, "\(table.name) has no column \"\(column)\"",
        hint: "It has \(table.fields.map(\.name).joined(separator: ", ")).")
    }
    return .column(ColumnName(table.name, column))
  }

  package enum Direction: String, Sendable { case upstream, downstream, both }

  /// The columns that a column comes from, or that come from it, itself included.
  package func reach(_ column: ColumnName, _ direction: Direction) -> Set<ColumnName> {
    var found: Set<ColumnName> = [column]
    for (isWanted, next) in [(direction != .downstream, origins), (direction != .upstream, uses)] where isWanted {
      var open = [column]
      var seen: Set<ColumnName> = [column]
      while let current = open.popLast() {
        for name in next[current, default: [:]].keys where seen.insert(name).inserted { open.append(name) }
      }
      found.formUnion(seen)
    }
    return found
  }

  /// The tables that a table reads, directly or not, or that read it, itself included.
  package func reach(_ table: RelationName, _ direction: Direction) -> Set<RelationName> {
    var above: Set<RelationName> = [table]
    var below: Set<RelationName> = [table]
    for other in tables.reversed() where direction != .downstream && above.contains(other.name) {
      above.formUnion(other.reads)
    }
    for other in tables where direction != .upstream && !below.isDisjoint(with: other.reads) {
      below.insert(other.name)
    }
    return above.union(below)
  }
}
