import Bytes
import Engine

/// What there is of an environment, for lists.
package struct EnvironmentSummary: Sendable {
  package var environment: Environment
  /// Microseconds since 1970 UTC.
  package var createdAt: Int64
  package var modelCount = 0
  /// Models whose rows are not production's.
  package var ownModelCount = 0
  /// Bytes of segments that production does not have.
  package var ownByteCount = 0

  /// Returns every environment of a snapshot, by name.
  package static func all(in snapshot: Snapshot) throws -> [EnvironmentSummary] {
    try EnvironmentRecord.all(in: snapshot).map { record in
      var summary = EnvironmentSummary(environment: record.environment, createdAt: record.createdAt)
      for name in record.models {
        let own = record.environment.own(name)
        if let view = snapshot.view(own) {
          summary.modelCount += 1
          if view.definition.sql != snapshot.view(name)?.definition.sql { summary.ownModelCount += 1 }
        }
        guard let table = snapshot.table(own) else { continue }
        summary.modelCount += 1
        let production = try snapshot.table(name)?.segments() ?? []
        let paths = Set(production.map(\.path))
        let segments = try table.segments()
        let apart = segments.filter { !paths.contains($0.path) }
        summary.ownByteCount += apart.reduce(0) { $0 + $1.byteCount }
        let isSame = apart.isEmpty && segments.count == production.count && snapshot.table(name) != nil
        if !isSame { summary.ownModelCount += 1 }
      }
      return summary
    }
  }
}
