import Bytes
import Engine
import Ingestion
import Modeling
import Vectors

/// A project with the columns of what it reads: from its sources' declarations, else from the warehouse if there is one.
struct ProjectTables {
  let project: Project
  let sources: [Source]
  let schema: ProjectSchema

  /// - Throws: as `ProjectSchema.init`.
  init(_ place: Workplace, _ arguments: Arguments) throws {
    var snapshot: Snapshot?
    if let status = try LocalFileSystem().status(place.tables), status.isDirectory {
      snapshot = try OpenWarehouse.open(place, arguments, forWriting: false).snapshot()
    }
    try self.init(place, snapshot)
  }

  init(_ place: Workplace, _ snapshot: Snapshot?) throws {
    project = try RunSelection.project(place)
    sources = try Source.load(directory: Path.join(place.project, "sources"))
    let declared = Dictionary(sources.map { ($0.name, $0.fields) }, uniquingKeysWith: { first, _ in first })
    schema = try ProjectSchema(project) { name in
      declared[name.description] ?? snapshot?.table(name.tableName)?.definition.schema
        ?? snapshot?.view(name.tableName).map {
          Schema($0.definition.columns.map { Field($0.name, $0.type, isNullable: $0.isNullable) })
        }
    }
  }

  func lineage() -> LineageGraph {
    var places: [RelationName: String] = [:]
    for source in sources { places[RelationName(source.schema, source.table)] = source.place }
    return LineageGraph(schema, sources: places)
  }
}
