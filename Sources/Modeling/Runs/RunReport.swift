import Bytes

/// What a run did.
package struct RunReport: Sendable {
  /// In the order in which they ran, those left as they are included; those after a failure are missing.
  package var models: [ModelReport] = []
  /// Whether everything was published; else the warehouse is as it was before.
  package var isPublished = false
  /// The run's number in the history; nil when there was nothing to do, which is not kept.
  package var number: Int?
  package var seconds = 0.0

  /// True when every model was as it had to be.
  package var isIdle: Bool { isPublished && number == nil }
  package var rowCount: Int { models.reduce(0) { $0 + ($1.rowCount ?? 0) } }
  package var auditCount: Int { models.reduce(0) { $0 + $1.audits.count } }
  /// Audits that did not pass, blocking or not, with their models.
  package var failures: [(model: ModelReport, audit: AuditOutcome)] {
    models.flatMap { model in model.audits.filter { !$0.isPassed }.map { (model, $0) } }
  }

  /// What kept the run from being published, as an error; nil when it was published.
  package var error: PulsehouseError? {
    if isPublished { return nil }
    guard let failure = failures.first(where: { $0.audit.isBlocking }) else {
      return PulsehouseError(.internal, "a run without a blocking failure was not published")
    }
    let audit = failure.audit
    return PulsehouseError(
      .user, "nothing was published: \(failure.model.name) fails the audit \(audit.text) in \(audit.failureCount) rows",
      sqlState: "23514", hint: audit.keptIn.map { "See them by: SELECT * FROM \($0);" }, file: failure.model.file)
  }
}

package struct ModelReport: Sendable {
  package var name: RelationName
  /// `FULL`, `VIEW`, `INCREMENTAL_BY_TIME_RANGE`, ...
  package var kind: String
  package var file: String
  /// What was done and why; both in words.
  package var action: String
  package var reason: String
  /// Whether anything of it is other than before.
  package var isChanged: Bool
  /// Rows written; nil for views and models left as they are.
  package var rowCount: Int?
  /// Rows that were read to write them; nil for views and models left as they are.
  package var readCount: Int?
  /// Stretches of event time that were built, with their rows; empty for kinds without.
  package var intervals: [(range: IntervalRange, rowCount: Int)] = []
  package var seconds: Double
  package var auditSeconds: Double
  package var audits: [AuditOutcome]
}

/// A step of a run, told before and after it.
package enum RunEvent: Sendable {
  case began(RelationName, number: Int, of: Int)
  case finished(ModelReport, number: Int, of: Int)
  case publishing
}
