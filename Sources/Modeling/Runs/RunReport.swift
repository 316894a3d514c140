import Bytes
import Engine
import SQLSyntax

/// What a run did.
package struct RunReport: Sendable {
  package enum Outcome: Sendable, Hashable {
    /// Everything is as it has to be.
    case published
    /// Models failed; the others were published.
    case partial
    /// Models failed, and nothing was published.
    case failed

    package var name: String { recorded.name }

    /// As history has it.
    var recorded: RunRecord.Outcome {
      switch self {
      case .published: .published
      case .partial: .partial
      case .failed: .failed
      }
    }
  }

  /// A report for each model selected, upstream first: those left as they are, that failed, and that were not tried.
  package var models: [ModelReport] = []
  package var outcome = Outcome.failed
  /// The run's number in the history; nil when there was nothing to do, which is not kept.
  package var number: Int?
  package var seconds = 0.0
  /// The snapshot that was looked at.
  package var snapshotBefore: UInt64 = 0

  /// Whether everything was published.
  package var isPublished: Bool { outcome == .published }
  /// True when every model was as it had to be.
  package var isIdle: Bool { isPublished && number == nil }
  /// Whether no model failed.
  var isWhole: Bool { models.allSatisfy(\.isDone) }
  package var rowCount: Int { models.reduce(0) { $0 + ($1.isDone ? $1.rowCount ?? 0 : 0) } }
  package var auditCount: Int { models.reduce(0) { $0 + $1.audits.count } }
  /// Audits that did not pass, blocking or not, with their models.
  package var failures: [(model: ModelReport, audit: AuditOutcome)] {
    models.flatMap { model in model.audits.filter { !$0.isPassed }.map { (model, $0) } }
  }

  /// What kept the run from publishing everything: the error of the first model that failed; nil when nothing did.
  package var error: PulsehouseError? {
    let failed = models.filter { $0.error != nil }
    guard var error = failed.first?.error else { return nil }
    var words: [String] = []
    if failed.count > 1 { words.append("\(Self.list(failed.dropFirst())) failed too.") }
    let skipped = models.filter { $0.skippedBecause != nil }
    if !skipped.isEmpty { words.append("Not built, since they depend on what failed: \(Self.list(skipped)).") }
    words.append(outcome == .partial ? "The others were published." : "Nothing was published.")
    error.detail = ([error.detail].compactMap(\.self) + [words.joined(separator: " ")]).joined(separator: "\n")
    return error
  }

  private static func list(_ models: some Collection<ModelReport>) -> String {
    let names = models.prefix(5).map(\.name.description).joined(separator: ", ")
    return models.count > 5 ? "\(names) and \(models.count - 5) more" : names
  }
}

package struct ModelReport: Sendable {
  package var name: RelationName
  /// `FULL`, `VIEW`, `INCREMENTAL_BY_TIME_RANGE`, ...
  package var kind: String
  package var file: String
  /// What was done and why; both in words. Empty where it did not come to that.
  package var action = ""
  package var reason = ""
  /// Whether anything of it is other than before.
  package var isChanged = false
  /// Rows written; nil for views and models left as they are.
  package var rowCount: Int?
  /// Rows that were read to write them; nil for views and models left as they are.
  package var readCount: Int?
  /// Stretches of event time that were built, with their rows; empty for kinds without.
  package var intervals: [(range: IntervalRange, rowCount: Int)] = []
  package var seconds = 0.0
  package var auditSeconds = 0.0
  package var audits: [AuditOutcome] = []
  /// How often it was tried.
  package var attemptCount = 0
  /// The error it ended with.
  package var failure: PulsehouseError?
  /// What an unfinished run did to the model, where that was all there was to do.
  var resumed: RunRecord.Model?
  /// The model whose failure kept this one from being tried.
  package var skippedBecause: RelationName?

  init(_ model: Model) {
    name = model.name
    kind = model.kind.name
    file = model.file.path
  }

  /// Whether a blocking audit failed.
  var isStopped: Bool { audits.contains { !$0.isPassed && $0.isBlocking } }

  /// Whether it is as it has to be.
  package var isDone: Bool { failure == nil && skippedBecause == nil && !isStopped }

  /// What keeps it from being published; nil for one that was, or that was not tried.
  package var error: PulsehouseError? {
    if let failure { return failure }
    guard let audit = audits.first(where: { !$0.isPassed && $0.isBlocking }) else { return nil }
    return PulsehouseError(
      .user, "\(name) fails the audit \(audit.text) in \(audit.failureCount) rows", sqlState: "23514",
      hint: audit.keptIn.map { "See them by: SELECT * FROM \($0);" }, file: file)
  }

  /// As history keeps it.
  package var record: RunRecord.Model {
    if var record = resumed, isDone {
      record.action = action
      record.reason = reason
      return record
    }
    var record = RunRecord.Model(
      name: name.tableName, kind: kind, action: action, reason: reason, rowCount: rowCount, readCount: readCount,
      seconds: seconds, auditSeconds: auditSeconds,
      audits: audits.map {
        RunRecord.Audit(
          text: $0.text, isBlocking: $0.isBlocking, failureCount: $0.failureCount, keptIn: $0.keptIn?.tableName,
          query: $0.query)
      },
      intervals: intervals.map {
        RunRecord.Interval(start: $0.range.startSeconds, end: $0.range.endSeconds, rowCount: $0.rowCount)
      })
    record.attemptCount = attemptCount
    if let skippedBecause {
      record.outcome = .skipped
      record.message = "\(skippedBecause) failed"
    } else if let error {
      record.outcome = .failed
      var place = ""
      if let file = error.file { place = error.line.map { "\(file):\($0): " } ?? "\(file): " }
      record.message = place + error.message
    }
    return record
  }
}

/// A step of a run, told before and after it.
package enum RunEvent: Sendable {
  /// `number` says how far the run is, in models that are done; several may be on their way.
  case began(RelationName, number: Int, of: Int)
  case finished(ModelReport, number: Int, of: Int)
  /// A model (nil: the whole run) failed by what may pass, and is tried again.
  case retrying(RelationName?, PulsehouseError, afterSeconds: Double)
  case publishing
}
