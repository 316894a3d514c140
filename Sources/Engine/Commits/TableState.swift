import Bytes
import Metadata
import Vectors

/// A column as CREATE TABLE declared it.
package struct ColumnDefinition: Hashable, Sendable {
  package var name: String
  package var type: LogicalType
  package var isNullable: Bool
  /// The SQL of the default expression; nil when there is none.
  package var defaultText: String?
  /// Digits of the second that values are rounded to; nil for all six.
  package var secondDigits: Int?
  /// The domain whose conditions values must pass; `type` is the type below it.
  package var domain: UInt64?

  package init(name: String, type: LogicalType, isNullable: Bool = true, defaultText: String? = nil) {
    self.name = name
    self.type = type
    self.isNullable = isNullable
    self.defaultText = defaultText
  }
}

/// What a table is, apart from its rows.
package struct TableDefinition: Hashable, Sendable {
  package var columns: [ColumnDefinition]
  /// Columns or expressions by whose values segments are kept apart.
  package var partitionedBy: [String]
  /// Columns every segment is sorted by, most significant first.
  package var clusteredBy: [String]
  /// Whatever else its owner wants to remember of it: grain, description, the model it comes from.
  package var properties: [String: String]

  package init(
    columns: [ColumnDefinition], partitionedBy: [String] = [], clusteredBy: [String] = [],
    properties: [String: String] = [:]
  ) {
    self.columns = columns
    self.partitionedBy = partitionedBy
    self.clusteredBy = clusteredBy
    self.properties = properties
  }

  package var schema: Schema {
    Schema(
      columns.map { column in
        var field = Field(column.name, column.type, isNullable: column.isNullable)
        field.secondDigits = column.secondDigits
        field.domain = column.domain
        return field
      })
  }
}

/// A table as one snapshot sees it. Keep the snapshot for as long as the table's segments are read.
package struct TableState: Sendable {
  package var identifier: TableIdentifier
  package var name: TableName
  package var definition: TableDefinition
  package var rowCount: Int
  package var byteCount: Int
  package var segmentCount: Int
  /// The commit that created it.
  package var createdAt: SnapshotID
  /// The last commit that changed its definition.
  package var definedAt: SnapshotID
  /// The last commit that removed rows or segments.
  package var rewrittenAt: SnapshotID
  /// The last commit that changed anything of it.
  package var changedAt: SnapshotID
  var summary: ItemSummary
  var manifest: Manifest

  /// Returns the table's segments in order of their paths, loading and checking them the first time.
  ///
  /// - Throws: `.corrupt` when they are not those that were committed, and rebuilding the catalog did not help.
  package func segments() throws(PulsehouseError) -> [SegmentDescriptor] { try manifest.segments() }
}

/// A view as one snapshot sees it.
package struct ViewState: Hashable, Sendable {
  package var identifier: TableIdentifier
  package var name: TableName
  package var definition: ViewDefinition
  package var changedAt: SnapshotID
}

/// What a view is.
package struct ViewDefinition: Hashable, Sendable {
  /// The SELECT, as the user wrote it.
  package var sql: String
  package var columns: [ColumnDefinition]
  package var properties: [String: String]

  package init(sql: String, columns: [ColumnDefinition], properties: [String: String] = [:]) {
    self.sql = sql
    self.columns = columns
    self.properties = properties
  }
}

/// A state space as one snapshot sees it: where its entries are found.
struct SpaceState: Sendable {
  var identifier: TableIdentifier
  var space: StateSpace
  var changedAt: SnapshotID
  var summary: ItemSummary
}
