import Bytes
import Planning
import Vectors

/// A table that the warehouse computes about itself: `sys.tables`, `information_schema.columns` and the like.
package struct SystemTable: Sendable {
  package var name: TableName
  var fields: Schema
  /// Returns the rows, boxed, each as long as `fields`.
  var rows: @Sendable (Snapshot, Warehouse) throws -> [[Scalar]]

  package init(
    name: TableName, fields: Schema, rows: @escaping @Sendable (Snapshot, Warehouse) throws -> [[Scalar]]
  ) {
    self.name = name
    self.fields = fields
    self.rows = rows
  }

  func batches(_ snapshot: Snapshot, _ warehouse: Warehouse) throws -> [Batch] {
    let rows = try rows(snapshot, warehouse)
    return stride(from: 0, to: rows.count, by: Batch.vectorSize).map { start in
      let part = rows[start..<min(start + Batch.vectorSize, rows.count)]
      let columns = fields.fields.enumerated().map { index, field in
        Vector.of(field.type, part.map { $0[index] })
      }
      return Batch(columns, rowCount: part.count)
    }
  }

  static func named(_ name: TableName) -> SystemTable? { all.first { $0.name == name } }

  /// Every system table. A new one is an entry of one of these lists.
  static let all: [SystemTable] = own + catalog + constraints + postgresCatalog + types

  private static let own: [SystemTable] = [
    SystemTable(
      name: TableName("sys", "tables"),
      fields: Schema([
        Field("table_schema", .text), Field("table_name", .text), Field("row_count", .bigint),
        Field("segment_count", .bigint), Field("byte_count", .bigint), Field("bytes_per_row", .double),
        Field("partitioned_by", .text), Field("clustered_by", .text), Field("changed_at_snapshot", .bigint),
      ]),
      rows: { snapshot, _ in
        snapshot.tables.map { table in
          [
            .text(table.name.schema), .text(table.name.name), .integer(Int64(table.rowCount)),
            .integer(Int64(table.segmentCount)), .integer(Int64(table.byteCount)),
            table.rowCount == 0 ? .null : .double(Double(table.byteCount) / Double(table.rowCount)),
            .text(table.definition.partitionedBy.joined(separator: ", ")),
            .text(table.definition.clusteredBy.joined(separator: ", ")),
            .integer(Int64(table.changedAt.number)),
          ]
        }
      }),
    SystemTable(
      name: TableName("sys", "segments"),
      fields: Schema([
        Field("table_schema", .text), Field("table_name", .text), Field("path", .text), Field("row_count", .bigint),
        Field("row_group_count", .bigint), Field("byte_count", .bigint), Field("partition", .text),
      ]),
      rows: { snapshot, _ in
        try snapshot.tables.flatMap { table in
          try table.segments().map { segment in
            [
              .text(table.name.schema), .text(table.name.name), .text(segment.path),
              .integer(Int64(segment.rowCount)), .integer(Int64(segment.rowGroupCount)),
              .integer(Int64(segment.byteCount)), segment.partition.map { .text($0) } ?? .null,
            ]
          }
        }
      }),
    SystemTable(
      name: TableName("sys", "column_storage"),
      fields: Schema([
        Field("table_schema", .text), Field("table_name", .text), Field("column_name", .text),
        Field("data_type", .text), Field("encodings", .text), Field("byte_count", .bigint),
        Field("bytes_per_row", .double),
      ]),
      rows: { snapshot, warehouse in
        try snapshot.tables.flatMap { table in
          try ColumnStorage.rows(table, in: warehouse)
        }
      }),
    SystemTable(
      name: TableName("sys", "snapshots"),
      fields: Schema([Field("snapshot", .bigint), Field("committed_at", .timestamptz), Field("message", .text)]),
      rows: { _, warehouse in
        try warehouse.store.history(limit: 100_000).map { commit in
          [.integer(Int64(commit.id.number)), .integer(commit.timestamp), .text(commit.message)]
        }
      }),
    QueryLog.table,
    RunTables.runs,
    RunTables.modelRuns,
    RunTables.audits,
    RunTables.intervals,
    SystemTable(
      name: TableName("information_schema", "tables"),
      fields: Schema([
        Field("table_catalog", .text), Field("table_schema", .text), Field("table_name", .text),
        Field("table_type", .text), Field("is_insertable_into", .text), Field("is_typed", .text),
        Field("commit_action", .text),
      ]),
      rows: { snapshot, warehouse in
        let tables = snapshot.tables.map { ($0.name, "BASE TABLE") }
        let views = snapshot.views.map { ($0.name, "VIEW") }
        let names = warehouse.systemTables.map(\.name) + SystemView.all.map(\.name)
        let system = names.map { ($0, "SYSTEM VIEW") }
        return (tables + views + system).sorted { $0.0 < $1.0 }.map { name, kind in
          [
            .text("pulsehouse"), .text(name.schema), .text(name.name), .text(kind),
            .text(kind == "BASE TABLE" ? "YES" : "NO"), .text("NO"), .null,
          ]
        }
      }),
    InformationColumns.table,
    SystemTable(
      name: TableName("information_schema", "schemata"),
      fields: Schema([Field("catalog_name", .text), Field("schema_name", .text)]),
      rows: { snapshot, _ in
        Set(snapshot.schemas).union(SystemTable.all.map(\.name.schema)).sorted().map {
          [.text("pulsehouse"), .text($0)]
        }
      }),
  ]
}
