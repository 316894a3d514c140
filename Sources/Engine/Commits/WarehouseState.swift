import Bytes
import Metadata

/// Everything a snapshot knows without loading a manifest.
struct WarehouseState: Sendable {
  /// Schema name to its identifier.
  var schemas: [String: TableIdentifier] = [:]
  var tables: [TableName: TableState] = [:]
  var views: [TableName: ViewState] = [:]
  var spaces: [StateSpace: SpaceState] = [:]
  /// What a transaction in progress did to state spaces.
  var pendingEntries: [StateSpace: PendingEntries] = [:]

  struct PendingEntries: Sendable {
    /// True when nothing of what was committed is left.
    var isCleared = false
    /// By key; nil for a removed one.
    var entries: [String: [UInt8]?] = [:]
  }

  init() {}

  /// Decodes the objects of commit `number`. A table that `previous` has unchanged keeps its loaded manifest.
  init(_ objects: [CatalogObject], at number: UInt64, index: CatalogIndex, previous: WarehouseState? = nil)
    throws(PulsehouseError)
  {
    for object in objects {
      switch ObjectKind(rawValue: object.kind) {
      case .schema: schemas[object.name] = TableIdentifier(rawValue: object.id)
      case .table:
        let table = try TableState(object) { summary in
          Manifest(index, owner: TableIdentifier(rawValue: object.id), at: SnapshotID(number), summary)
        }
        if let known = previous?.tables[table.name], known.identifier == table.identifier,
          known.summary == table.summary
        {
          var kept = table
          kept.manifest = known.manifest
          tables[table.name] = kept
        } else {
          tables[table.name] = table
        }
      case .view:
        let view = try ViewState(object)
        views[view.name] = view
      case .stateSpace:
        let space = try SpaceState(object)
        spaces[space.space] = space
      case nil:
        throw PulsehouseError(
          .unsupported, "\"\(object.name)\" is of a kind (\(object.kind)) this version does not know",
          hint: "The warehouse was written by a newer pulsehouse.")
      }
    }
  }
}
