import Bytes
import Engine

/// The models that a warehouse remembers, whatever the project says now.
package enum ModelCatalog {
  /// The models that have been built in an environment, or in production, and whose table or view is there; by name.
  package static func managed(in snapshot: Snapshot, environment: Environment?) -> [RelationName] {
    let environments = (try? EnvironmentRecord.all(in: snapshot).map(\.environment)) ?? []
    let remembered = Set(snapshot.stateSpaces.filter { $0.kind == "model" }.map(\.name))
    let names = snapshot.tables.map(\.name) + snapshot.views.map(\.name)
    return names.compactMap { name -> RelationName? in
      guard remembered.contains(RelationName(name).description) else { return nil }
      if let environment {
        return environment.owns(schema: name.schema) ? RelationName(environment.plain(name)) : nil
      }
      return environments.contains { $0.owns(schema: name.schema) } ? nil : RelationName(name)
    }.sorted()
  }

  /// What is remembered of a model; nil when it was never built there.
  static func state(of name: RelationName, in environment: Environment?, _ snapshot: Snapshot)
    throws(PulsehouseError) -> ModelState?
  {
    guard let bytes = try snapshot.entry(of: .model(name, in: environment), key: ModelState.key) else { return nil }
    return try ModelState.decode(bytes, of: name)
  }

  /// Takes an environment away: its tables, and all that is remembered of it. Its runs stay in the history.
  ///
  /// - Throws: `.user` 42704 when there is none of this name.
  package static func drop(_ environment: Environment, in session: Session) throws -> Int {
    try session.begin()
    do {
      let snapshot = try session.currentSnapshot()
      guard try EnvironmentRecord.find(environment, in: snapshot) != nil else {
        throw try EnvironmentRecord.missing(environment, in: snapshot)
      }
      let names = (snapshot.tables.map(\.name) + snapshot.views.map(\.name)).filter {
        environment.owns(schema: $0.schema)
      }
      for name in names {
        try session.remove(name)
        let space = StateSpace.model(RelationName(name).description)
        if snapshot.changedAt(of: space) != nil { try session.removeState(space, key: ModelState.key) }
      }
      for (key, _) in try snapshot.entries(of: .unfinished(environment)) {
        let model = try snapshot.entry(of: .unfinished(environment), key: key).map {
          try UnfinishedModel.decode($0, key: key)
        }
        if let model { try session.remove(UnfinishedModel.aside(model.name, in: environment)) }
        try session.removeState(.unfinished(environment), key: key)
      }
      for schema in snapshot.schemas where environment.owns(schema: schema) { try session.removeEmptySchema(schema) }
      try session.removeState(.environments, key: environment.name)
      try session.commit(message: "environment \(environment) is dropped")
      return names.count
    } catch {
      session.rollback()
      throw error
    }
  }
}
