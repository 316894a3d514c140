import Bytes
import Engine
import Segments
import Synchronization
import TestKit
import Vectors

let eventTable = TableName("public", "events")

let eventColumns = TableDefinition(
  columns: [
    ColumnDefinition(name: "id", type: .bigint, isNullable: false),
    ColumnDefinition(name: "note", type: .varchar(length: 10), defaultText: "'none'"),
    ColumnDefinition(name: "price", type: .numeric(precision: 10, scale: -2)),
  ], partitionedBy: ["day"], clusteredBy: ["id"], properties: ["grain": "id", "a": "b"])

/// Collects what a store puts right.
final class Notices: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

extension SnapshotStore {
  /// Opens the warehouse in `directory`, which is made when missing.
  static func open(
    _ directory: String, _ mode: Mode = .create, fileSystem: any FileSystem = LocalFileSystem(),
    notices: Notices = Notices()
  ) throws(PulsehouseError) -> SnapshotStore {
    try SnapshotStore(directory, mode: mode, fileSystem: fileSystem) { notices.add($0) }
  }

  /// Writes a file that passes for a segment of `rowCount` rows.
  func fakeSegment(_ name: TableName, _ identifier: TableIdentifier, rowCount: Int, partition: String? = nil)
    throws(PulsehouseError) -> SegmentDescriptor
  {
    let path = try newSegmentPath(name, identifier, partition: partition)
    let file = try DurableFile(absolutePath(path), in: fileSystem)
    try file.write([UInt8](repeating: 7, count: rowCount))
    try file.publish(syncDirectory: false)
    let summary = SegmentSummary(
      rowCount: rowCount, byteCount: rowCount, rowGroupCount: 1,
      zoneMaps: [ZoneMap(rowCount: rowCount, nullCount: 0, minimum: .integer(1), maximum: .text("z"))],
      checksum: 77)
    return SegmentDescriptor(path: path, summary: summary, partition: partition)
  }

  /// Creates `table`.
  @discardableResult func createTable(_ name: TableName = eventTable) throws(PulsehouseError) -> Snapshot {
    try commit([.createTable(name, .random(), eventColumns)], basedOn: try snapshot(), message: "create")
  }

  /// Adds a segment of `rowCount` rows to a table, as a transaction of its own.
  @discardableResult func append(_ rowCount: Int, to name: TableName = eventTable, basedOn: Snapshot? = nil) throws
    -> Snapshot
  {
    let before = try basedOn ?? snapshot()
    guard let state = before.table(name) else { throw PulsehouseError(.user, "no table \(name)") }
    let segment = try fakeSegment(name, state.identifier, rowCount: rowCount)
    return try commit([.addSegments(name, [segment])], basedOn: before, message: "append \(rowCount)")
  }
}

extension Snapshot {
  /// The rows of a table by its state, after checking that its segments, and their files, say the same.
  func checkedRowCount(_ name: TableName = eventTable, in store: SnapshotStore) throws -> Int? {
    guard let state = table(name) else { return nil }
    let segments = try state.segments()
    let rows = segments.reduce(0) { $0 + $1.rowCount }
    guard rows == state.rowCount, segments.count == state.segmentCount else {
      throw PulsehouseError(.internal, "\(name) says \(state.rowCount) rows, its segments \(rows)")
    }
    for segment in segments {
      guard let status = try store.fileSystem.status(store.absolutePath(segment.path)),
        status.byteCount == Int64(segment.byteCount)
      else { throw PulsehouseError(.internal, "\(segment.path) is missing") }
    }
    return rows
  }
}
