import Bytes
import SQLSyntax
import YAML

/// What `config.yaml` says of models that do not say it themselves, of variables and of snapshots. The rest of that file is SQLMesh's
/// affair.
struct ModelDefaults: Sendable {
  var cron = CronSchedule.daily
  var retention = Retention()
  /// What `@VAR('name')` and `@name` give in every model, names in lower case.
  var variables: [String: MacroValue] = [:]

  /// Reads `model_defaults`, `variables` and `snapshot_ttl` of the project's `config.yaml` or `config.yml`; a project without one has
  /// SQLMesh's.
  ///
  /// - Throws: `.user` with file and line for what is no YAML, no schedule, or no length of time.
  static func load(_ folder: String, _ files: any FileSystem) throws(PulsehouseError) -> ModelDefaults {
    var defaults = ModelDefaults()
    for name in ["config.yaml", "config.yml"] {
      let path = Path.join(folder, name)
      guard try files.status(path) != nil else { continue }
      let root = try YAMLParser.parse(try files.readFile(path, limit: 1 << 20), path: path)
      if let value = root["model_defaults"]?["cron"], let text = value.text {
        defaults.cron = try placed(value, path) { () throws(PulsehouseError) in try CronSchedule(text) }
      }
      for entry in root["variables"]?.entries ?? [] {
        defaults.variables[entry.key.lowercased()] = try placed(entry.value, path) { () throws(PulsehouseError) in
          try variable(entry.value)
        }
      }
      if let value = root["snapshot_ttl"], let text = value.text {
        defaults.retention.seconds = try placed(value, path) { () throws(PulsehouseError) in try Retention.seconds(text)
        }
      }
    }
    return defaults
  }

  private static func variable(_ value: YAMLValue) throws(PulsehouseError) -> MacroValue {
    if value.isNull { return .null }
    if let boolean = value.boolean { return .boolean(boolean) }
    if let elements = value.elements {
      return .list(try elements.map { element throws(PulsehouseError) in try variable(element) })
    }
    guard let text = value.text else {
      throw PulsehouseError(
        .user, "a variable is a text, a number, true or false, or a list of these", sqlState: "22023")
    }
    if case .scalar(_, isPlain: true) = value.content, Double(text)?.isFinite == true { return .number(text) }
    return .text(text)
  }

  private static func placed<R>(
    _ value: YAMLValue, _ path: String, _ body: () throws(PulsehouseError) -> R
  ) throws(PulsehouseError) -> R {
    do throws(PulsehouseError) {
      return try body()
    } catch {
      var error = error
      error.file = path
      error.line = value.line
      throw error
    }
  }
}
