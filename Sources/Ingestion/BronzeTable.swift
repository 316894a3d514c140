import Bytes
import Engine
import Segments
import Vectors

/// One table that an ingest adds to: makes it when it is missing, collects encoded row groups in segments.
///
/// One thread at a time. Nothing is seen by others before a commit takes `changes`.
final class BronzeTable {
  let name: TableName
  let identifier: TableIdentifier
  let definition: TableDefinition
  let options: SegmentOptions
  /// False when this ingest makes the table; its first commit says so.
  let existed: Bool

  private let warehouse: Warehouse
  private let schema: Schema
  /// The definition the table has while this ingest gives it other types.
  private(set) var adoptedFrom: TableDefinition?
  private var isCreated: Bool
  private var schemaIsKnown: Bool
  private var writer: SegmentWriter?
  private var writerPath = ""
  private var written: [SegmentDescriptor] = []
  private var paths: [String] = []
  /// Rows in the segment now being written.
  private(set) var pendingRowCount = 0
  /// Bytes of the segments that `takeChanges` handed over.
  private(set) var byteCount: Int64 = 0

  /// With `adoptsTypes`, a table that has the columns in other types is taken; `adoptedFrom` then says which it had.
  ///
  /// - Throws: `.user` when there is a table of this name with other columns, or a view.
  init(
    _ name: TableName, _ definition: TableDefinition, keyColumn: Int?, adoptsTypes: Bool = false,
    in warehouse: Warehouse, _ snapshot: Snapshot
  ) throws(PulsehouseError) {
    self.name = name
    self.warehouse = warehouse
    schema = definition.schema
    schemaIsKnown = snapshot.schemas.contains(name.schema)
    var options = SegmentOptions()
    options.keyColumn = keyColumn
    options.properties = ["table": name.description]
    self.options = options
    if snapshot.view(name) != nil {
      throw PulsehouseError(.user, "\"\(name)\" is a view, so no source can fill it", sqlState: "42809")
    }
    if let known = snapshot.table(name) {
      var adopted = known.definition
      if adoptsTypes, known.definition.columns.map(\.name) == definition.columns.map(\.name) {
        for index in adopted.columns.indices { adopted.columns[index].type = definition.columns[index].type }
      }
      try BronzeTable.compare(adopted, definition, name)
      identifier = known.identifier
      self.definition = adopted
      adoptedFrom = adopted == known.definition ? nil : known.definition
      existed = true
    } else {
      identifier = .random()
      self.definition = definition
      existed = false
    }
    isCreated = existed
  }

  private static func compare(
    _ known: TableDefinition, _ declared: TableDefinition, _ name: TableName
  ) throws(PulsehouseError) {
    let old = known.columns.map { "\($0.name) \($0.type.name)" }
    let new = declared.columns.map { "\($0.name) \($0.type.name)" }
    guard old != new else { return }
    let missing = old.filter { !new.contains($0) }
    let added = new.filter { !old.contains($0) }
    throw PulsehouseError(
      .user, "the source declares other columns than the table \(name) has", sqlState: "42804",
      detail: "Only in the table: \(missing.joined(separator: ", ")). Only declared: \(added.joined(separator: ", ")).",
      hint: "`pulsehouse quarantine replay` changes the types of a table's columns and takes what now fits; else DROP "
        + "TABLE \(name) and ingest again: everything is read anew.")
  }

  /// Adds a row group after those before it.
  func append(_ rowGroup: EncodedRowGroup) throws(PulsehouseError) {
    let target: SegmentWriter
    if let writer {
      target = writer
    } else {
      writerPath = try warehouse.store.newSegmentPath(name, identifier)
      paths.append(writerPath)
      target = try SegmentWriter(
        warehouse.absolutePath(writerPath), schema: schema, options: options, in: warehouse.fileSystem)
      writer = target
    }
    try target.append(rowGroup)
    pendingRowCount += rowGroup.rowCount
  }

  /// Ends the segment being written.
  func finishSegment() throws(PulsehouseError) {
    guard let writer else { return }
    let summary = try writer.finish(syncDirectory: false)
    byteCount += Int64(summary.byteCount)
    written.append(SegmentDescriptor(path: writerPath, summary: summary))
    self.writer = nil
    pendingRowCount = 0
  }

  /// Ends the segment being written and returns what a commit must do for the rows so far, the table's making included.
  /// With `replacing`, they take the place of all rows before them. `madeSchemas` are made by the commit already.
  func takeChanges(replacing: Bool = false, madeSchemas: inout Set<String>) throws(PulsehouseError) -> [Change] {
    try finishSegment()
    var changes: [Change] = []
    if !isCreated {
      if !schemaIsKnown && !madeSchemas.contains(name.schema) { changes.append(.createSchema(name.schema)) }
      madeSchemas.insert(name.schema)
      schemaIsKnown = true
      changes.append(.createTable(name, identifier, definition))
    } else {
      if adoptedFrom != nil {
        precondition(replacing, "rows of other types are replaced")
        changes.append(.alterTable(name, definition))
      }
      if replacing { changes.append(.truncateTable(name)) }
    }
    if !written.isEmpty { changes.append(.addSegments(name, written)) }
    return changes
  }

  /// To be called when the commit of the changes taken stands.
  func committed() {
    isCreated = true
    adoptedFrom = nil
    written = []
    paths = []
  }

  /// Removes the files that no commit names.
  func discard() {
    writer = nil
    warehouse.store.discardSegments(paths)
    paths = []
  }
}
