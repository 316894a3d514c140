import Bytes
import YAML

/// What `config.yaml` says of models that do not say it themselves. The rest of that file is SQLMesh's affair.
struct ModelDefaults: Sendable {
  var cron = CronSchedule.daily

  /// Reads `model_defaults` of the project's `config.yaml` or `config.yml`; a project without one has SQLMesh's.
  ///
  /// - Throws: `.user` with file and line for what is no YAML or no schedule.
  static func load(_ folder: String, _ files: any FileSystem) throws(PulsehouseError) -> ModelDefaults {
    var defaults = ModelDefaults()
    for name in ["config.yaml", "config.yml"] {
      let path = Path.join(folder, name)
      guard try files.status(path) != nil else { continue }
      let root = try YAMLParser.parse(try files.readFile(path, limit: 1 << 20), path: path)
      guard let value = root["model_defaults"]?["cron"], let text = value.text else { continue }
      do throws(PulsehouseError) {
        defaults.cron = try CronSchedule(text)
      } catch {
        var error = error
        error.file = path
        error.line = value.line
        throw error
      }
    }
    return defaults
  }
}
