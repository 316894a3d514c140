import Planning
import SQLSyntax
import Vectors

/// A view that the warehouse makes of its own tables, so that it is planned as any other: filters go down to what is
/// stored.
struct SystemView: Sendable {
  var name: TableName
  var fields: [Field]
  /// The SELECT over a snapshot's tables.
  var query: @Sendable (Snapshot) -> String

  static func named(_ name: TableName) -> SystemView? { all.first { $0.name == name } }

  static let all: [SystemView] = [quarantine]

  /// Every record that did not fit, of all sources; what a source does not have (a file, a topic) is NULL.
  private static let quarantine: SystemView = {
    let fields = [
      Field("source", .text), Field("file", .text), Field("line", .bigint), Field("topic", .text),
      Field("partition", .integer), Field("record_offset", .bigint), Field("reason", .text), Field("raw", .bytea),
      Field("ingested_at", .timestamptz),
    ]
    let stored = [
      "_source", "_file", "_line", "_topic", "_partition", "_offset", "reason", "raw", "ingested_at",
    ]
    return SystemView(name: TableName("sys", "quarantine"), fields: fields) { snapshot in
      let tables = snapshot.tables.filter { table in
        table.name.schema == "quarantine" && table.definition.schema.index(of: "_source") != nil
          && table.definition.schema.index(of: "reason") != nil
      }
      func select(_ table: TableState?) -> String {
        let columns = zip(fields, stored).map { field, column in
          let isThere = table?.definition.schema.index(of: column) != nil
          let value = isThere ? SQLPrinter.quoted(column) : "NULL"
          return "CAST(\(value) AS \(field.type.name)) AS \(SQLPrinter.quoted(field.name))"
        }
        let from = table.map {
          " FROM \(SQLPrinter.quoted($0.name.schema)).\(SQLPrinter.quoted($0.name.name))"
        }
        return "SELECT " + columns.joined(separator: ", ") + (from ?? " WHERE false")
      }
      return tables.isEmpty ? select(nil) : tables.map(select).joined(separator: " UNION ALL ")
    }
  }()
}
