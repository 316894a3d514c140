import Engine
import Vectors

extension Source {
  /// The columns of its bronze table: those declared, then those that say where a row came from.
  package var fields: Schema {
    let place =
      switch kind {
      case .lake: LakeIngest.lineage
      case .csv: CSVIngest.lineage
      case .kafka: KafkaCollector.lineage
      }
    return Schema(
      columns.map { Field($0.name, $0.type) } + place.map { Field($0.name, $0.type, isNullable: $0.isNullable) })
  }

  /// Where its rows come from, in words.
  package var place: String {
    switch kind {
    case .lake(let folder): "lake \(folder.path)" + (folder.topic.map { ", topic \($0)" } ?? "")
    case .csv(let files): "file \(files.path)"
    case .kafka(let topic): "topic \(topic.topic)"
    }
  }
}
