import Bytes
import SQLSyntax

/// What a project folder holds for runs: the models below `models/` and the audits below `audits/`.
package struct Project: Sendable {
  package var folder: String
  /// In the order of their names.
  package var models: [Model]
  /// Custom audits by name.
  package var audits: [String: CustomAudit]
  /// The standalone ones among them that are not skipped, as what a run looks at; in the order of their names.
  package private(set) var standaloneAudits: [Model] = []
  package private(set) var retention = Retention()

  /// Reads every `.sql` file below `models/` and `audits/`. A folder that is not there holds nothing.
  ///
  /// - Throws: `.user` with file, line and range for whatever does not fit the format, a name used twice, an
  ///   audit nobody knows; `.unsupported` for what only SQLMesh can run; `.io`.
  package static func load(
    _ folder: String, files: any FileSystem = LocalFileSystem()
  ) throws(PulsehouseError) -> Project {
    var project = Project(folder: folder, models: [], audits: [:])
    let defaults = try ModelDefaults.load(folder, files)
    project.retention = defaults.retention
    for path in try sqlFiles(below: Path.join(folder, "audits"), files) {
      for audit in try CustomAudit.read(try read(path, files)) {
        if let other = project.audits.updateValue(audit, forKey: audit.name) {
          throw audit.error("there are two audits called \(audit.name)", hint: "The other is in \(other.file.path).")
        }
      }
    }
    for path in try sqlFiles(below: Path.join(folder, "models"), files) {
      project.models += try ModelReader.models(of: try read(path, files), defaults: defaults)
    }
    project.models.sort { $0.name < $1.name }
    for (first, second) in zip(project.models, project.models.dropFirst()) where first.name == second.name {
      throw second.error(
        .user, "there are two models called \(second.name)", hint: "The other is in \(first.file.path).")
    }
    for audit in project.audits.values.sorted(by: { $0.name < $1.name }) where audit.isStandalone && !audit.isSkipped {
      project.standaloneAudits.append(try audit.model(defaults))
    }
    try project.embed()
    try project.bindAudits()
    return project
  }

  /// Puts the queries of embedded models into those that read them; what they read is read by these then.
  private mutating func embed() throws(PulsehouseError) {
    var waiting: [RelationName: Model] = [:]
    for model in models where model.kind == .embedded { waiting[model.name] = model }
    if waiting.isEmpty { return }
    for model in waiting.values where !model.audits.isEmpty {
      throw model.error(
        .user, "\(model.name) is embedded and has no rows of its own to audit", sqlState: "42601",
        hint: "Put its audits into the models that read it.")
    }
    var ready: [RelationName: Model] = [:]
    while !waiting.isEmpty {
      let next = waiting.values.filter { model in model.reads.allSatisfy { waiting[$0] == nil } }
      guard !next.isEmpty else {
        let names = waiting.keys.sorted()
        throw (waiting[names[0]] ?? models[0]).error(
          .user, "embedded models stand in each other: \(names.map(\.description).joined(separator: ", "))",
          sqlState: "42P19")
      }
      for model in next {
        ready[model.name] = try embedded(model, ready)
        waiting[model.name] = nil
      }
    }
    for (index, model) in models.enumerated() {
      if let done = ready[model.name] { models[index] = done } else { models[index] = try embedded(model, ready) }
    }
    for (index, audit) in standaloneAudits.enumerated() { standaloneAudits[index] = try embedded(audit, ready) }
  }

  private func embedded(_ model: Model, _ embedded: [RelationName: Model]) throws(PulsehouseError) -> Model {
    let names = model.reads.filter { embedded[$0] != nil }
    guard !names.isEmpty, let query = model.query else { return model }
    var result = model
    var queries: [RelationName: ModelQuery] = [:]
    for name in names {
      guard let inner = embedded[name], let innerQuery = inner.query else { continue }
      do throws(PulsehouseError) {
        queries[name] = try innerQuery.with(ModelReader.sampleVariables(model.kind))
      } catch {
        var error = error.located(in: inner.file.text, path: inner.file.path)
        error.detail = error.detail ?? "\(model.name), a model of the kind \(model.kind.name), embeds it."
        throw error
      }
      result.reads.formUnion(inner.reads)
      result.upstream.formUnion(inner.reads)
    }
    result.reads.subtract(names)
    result.upstream.subtract(names)
    do throws(PulsehouseError) {
      result.query = try query.embedding(queries)
    } catch {
      throw error.located(in: model.file.text, path: model.file.path)
    }
    return result
  }

  /// Finds every audit a model names, and adds the tables that audits read to what the model depends on.
  private mutating func bindAudits() throws(PulsehouseError) {
    for index in models.indices {
      let model = models[index]
      for call in model.audits {
        do throws(PulsehouseError) {
          let audit = try AuditDefinition.find(call, of: model, in: self)
          models[index].upstream.formUnion(try audit.tablesRead(by: call, of: model))
        } catch {
          throw error.located(in: model.file.text, path: model.file.path)
        }
      }
      models[index].upstream.remove(model.name)
    }
  }

  private static func read(_ path: String, _ files: any FileSystem) throws(PulsehouseError) -> ModelFile {
    let bytes = try files.readFile(path, limit: 16 << 20)
    do throws(PulsehouseError) {
      return try ModelFile.parse(try PostgresParser.text(ofUTF8: bytes), path: path)
    } catch {
      var error = error
      error.file = error.file ?? path
      throw error
    }
  }

  private static func sqlFiles(below folder: String, _ files: any FileSystem, depth: Int = 0)
    throws(PulsehouseError) -> [String]
  {
    guard let status = try files.status(folder), status.isDirectory else { return [] }
    guard depth < 32 else { throw PulsehouseError(.user, "folders nest too deep", file: folder) }
    var found: [String] = []
    for name in try files.list(folder).sorted() where !name.hasPrefix(".") {
      let path = Path.join(folder, name)
      guard let status = try files.status(path) else { continue }
      if status.isDirectory {
        found += try sqlFiles(below: path, files, depth: depth + 1)
      } else if name.hasSuffix(".sql") {
        found.append(path)
      } else if name.hasSuffix(".py") && name != "__init__.py" {
        throw PulsehouseError(
          .unsupported, "a Python model is not supported natively",
          hint: "Write it in SQL, or run this project with SQLMesh.", file: path,
          line: 1)
      }
    }
    return found
  }
}
