import Bytes

/// One run of the models as history keeps it: what was done, why, and how it ended.
///
/// The records lie in the state space `StateSpace.runs`, a key each (`key(of:)`), and are written in the commit that
/// publishes the run, or in one of their own when nothing was published.
package struct RunRecord: Sendable, Hashable {
  package enum Outcome: UInt8, Sendable {
    case published = 1
    case failed = 2
    /// A run that took an earlier one back.
    case undo = 3
    /// An environment's tables became everybody's.
    case promoted = 4
    /// Models failed; the others were published.
    case partial = 5

    package var name: String {
      switch self {
      case .published: "published"
      case .failed: "failed"
      case .undo: "undo"
      case .promoted: "promoted"
      case .partial: "partial"
      }
    }
  }

  /// How a model of a run ended.
  package enum ModelOutcome: UInt8, Sendable {
    case done = 1
    case failed = 2
    /// Something that it depends on failed.
    case skipped = 3

    package var name: String {
      switch self {
      case .done: "done"
      case .failed: "failed"
      case .skipped: "skipped"
      }
    }
  }

  package struct Audit: Sendable, Hashable {
    package var text: String
    package var isBlocking: Bool
    package var failureCount: Int
    /// Where the failing rows are kept; nil when there are none, or they were not.
    package var keptIn: TableName?
    /// Shows the failing rows; empty when there are none. It speaks of the run's own tables.
    package var query: String

    package init(text: String, isBlocking: Bool, failureCount: Int, keptIn: TableName? = nil, query: String = "") {
      self.text = text
      self.isBlocking = isBlocking
      self.failureCount = failureCount
      self.keptIn = keptIn
      self.query = query
    }
  }

  /// A stretch of event time of an incremental model that the run built.
  package struct Interval: Sendable, Hashable {
    /// Seconds since 1970 UTC; the end does not belong to it.
    package var start: Int64
    package var end: Int64
    /// Rows written for it.
    package var rowCount: Int

    package init(start: Int64, end: Int64, rowCount: Int) {
      self.start = start
      self.end = end
      self.rowCount = rowCount
    }
  }

  package struct Model: Sendable, Hashable {
    /// `schema.name`.
    package var name: TableName
    package var kind: String
    /// What was done: `rebuilt`, `2024-01-03`, ...
    package var action: String
    package var reason: String
    /// Rows written; nil for views and for models left as they are.
    package var rowCount: Int?
    /// Rows its queries read from stored tables; nil where nothing was read.
    package var readCount: Int?
    package var seconds: Double
    package var auditSeconds: Double
    package var audits: [Audit]
    package var intervals: [Interval]
    package var outcome = ModelOutcome.done
    /// Why it failed or was skipped.
    package var message: String?
    /// How often it was tried.
    package var attemptCount = 1

    package init(
      name: TableName, kind: String, action: String, reason: String, rowCount: Int?, readCount: Int? = nil,
      seconds: Double, auditSeconds: Double, audits: [Audit], intervals: [Interval] = []
    ) {
      self.intervals = intervals
      self.name = name
      self.kind = kind
      self.action = action
      self.reason = reason
      self.rowCount = rowCount
      self.readCount = readCount
      self.seconds = seconds
      self.auditSeconds = auditSeconds
      self.audits = audits
    }

    /// Whether it became other than it was, as far as the run was published.
    package var hasChanged: Bool { outcome == .done && action != "unchanged" }
  }

  package var number: Int
  package var outcome: Outcome
  /// Microseconds since 1970 UTC.
  package var startedAt: Int64
  package var seconds: Double
  /// The snapshot the run read, to which `undo` goes back.
  package var snapshotBefore: SnapshotID
  package var models: [Model]
  /// The environment it worked on, or that was promoted; nil for production.
  package var environment: Environment?
  /// Why it failed.
  package var message: String?
  /// The run that an undo took back.
  package var undoneRun: Int?

  package init(
    number: Int, outcome: Outcome, startedAt: Int64, seconds: Double, snapshotBefore: SnapshotID, models: [Model],
    environment: Environment? = nil, message: String? = nil, undoneRun: Int? = nil
  ) {
    self.number = number
    self.outcome = outcome
    self.startedAt = startedAt
    self.seconds = seconds
    self.snapshotBefore = snapshotBefore
    self.models = models
    self.environment = environment
    self.message = message
    self.undoneRun = undoneRun
  }

  /// Whether it changed what others see.
  package var hasPublished: Bool { outcome == .published || outcome == .partial || outcome == .promoted }

  /// The tables and views it made or removed, by the names they lie under.
  package var changedRelations: [TableName] {
    let own = outcome == .promoted ? nil : environment
    return models.filter(\.hasChanged).map { own?.own($0.name) ?? $0.name }
  }

  /// The key of run `number`: eight digits, so that keys sort as numbers do.
  package static func key(of number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }

  /// How many runs the history keeps.
  package static let historyLimit = 1000

  /// Returns every record, oldest first.
  package static func all(in snapshot: Snapshot) throws(PulsehouseError) -> [RunRecord] {
    var records: [RunRecord] = []
    for (key, value) in try snapshot.entries(of: .runs) { records.append(try RunRecord(decoding: value, key: key)) }
    return records.sorted { $0.number < $1.number }
  }
}

extension Session {
  /// Adds a run to the history, in the open transaction or in one of its own; the one that is too old for it goes.
  package func putRun(_ record: RunRecord) throws {
    try putState(.runs, key: RunRecord.key(of: record.number), value: record.encode())
    let oldest = record.number - RunRecord.historyLimit
    if oldest > 0 { try removeState(.runs, key: RunRecord.key(of: oldest)) }
  }
}

/// A first byte for the version, then the fields in order; counts and numbers are varints.
///
/// Version 1 knew no environments, no rows read, and of audits nothing but counts; version 2 no intervals; version 3 no
/// models that failed alone.
extension RunRecord {
  private static let version: UInt8 = 4

  package func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(Self.version)
    writer.appendCount(number)
    writer.append(outcome.rawValue)
    writer.append(startedAt)
    writer.append(seconds)
    writer.append(snapshotBefore.number)
    writer.append(message != nil)
    if let message { writer.append(message) }
    writer.append(undoneRun != nil)
    if let undoneRun { writer.appendCount(undoneRun) }
    writer.append(environment?.name ?? "")
    writer.appendCount(models.count)
    for model in models {
      writer.append(model.name.schema)
      writer.append(model.name.name)
      writer.append(model.kind)
      writer.append(model.action)
      writer.append(model.reason)
      writer.append(model.rowCount != nil)
      if let rowCount = model.rowCount { writer.appendCount(rowCount) }
      writer.append(model.readCount != nil)
      if let readCount = model.readCount { writer.appendCount(readCount) }
      writer.append(model.seconds)
      writer.append(model.auditSeconds)
      writer.appendCount(model.audits.count)
      for audit in model.audits {
        writer.append(audit.text)
        writer.append(audit.isBlocking)
        writer.appendCount(audit.failureCount)
        writer.append(audit.keptIn != nil)
        if let table = audit.keptIn {
          writer.append(table.schema)
          writer.append(table.name)
        }
        writer.append(audit.query)
      }
      writer.appendCount(model.intervals.count)
      for interval in model.intervals {
        writer.append(interval.start)
        writer.append(interval.end)
        writer.appendCount(interval.rowCount)
      }
      writer.append(model.outcome.rawValue)
      writer.append(model.message != nil)
      if let message = model.message { writer.append(message) }
      writer.appendCount(model.attemptCount)
    }
    return writer.bytes
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt`; `.unsupported` for a newer version.
  package init(decoding bytes: [UInt8], key: String) throws(PulsehouseError) {
    self = try ByteReader.reading(bytes, source: "run \(key)") { reader throws(PulsehouseError) in
      let version = try reader.readUInt8()
      guard (1...Self.version).contains(version) else {
        throw PulsehouseError(
          .unsupported, "the record of run \(key) is of version \(version)",
          hint: "It was written by a newer pulsehouse.")
      }
      let number = try reader.readSize()
      guard let outcome = Outcome(rawValue: try reader.readUInt8()) else { throw reader.corrupt("an unknown outcome") }
      var record = RunRecord(
        number: number, outcome: outcome, startedAt: try reader.readInt64(), seconds: try reader.readDouble(),
        snapshotBefore: SnapshotID(try reader.readUInt64()), models: [])
      if try reader.readBool() { record.message = try reader.readString() }
      if try reader.readBool() { record.undoneRun = try reader.readSize() }
      if version > 1 {
        let name = try reader.readString()
        if !name.isEmpty { record.environment = try Environment(name) }
      }
      for _ in 0..<(try reader.readCount()) { record.models.append(try Model(&reader, version)) }
      try reader.expectEnd()
      return record
    }
  }
}

extension RunRecord.Model {
  fileprivate init(_ reader: inout ByteReader, _ version: UInt8) throws(PulsehouseError) {
    let schema = try reader.readString()
    name = TableName(schema, try reader.readString())
    intervals = []
    kind = try reader.readString()
    action = try reader.readString()
    reason = try reader.readString()
    rowCount = try reader.readBool() ? try reader.readSize() : nil
    readCount = version > 1 ? try reader.readBool() ? try reader.readSize() : nil : nil
    seconds = try reader.readDouble()
    auditSeconds = try reader.readDouble()
    audits = []
    for _ in 0..<(try reader.readCount()) {
      let text = try reader.readString()
      let isBlocking = try reader.readBool()
      var audit = RunRecord.Audit(text: text, isBlocking: isBlocking, failureCount: try reader.readSize())
      if version > 1 {
        if try reader.readBool() {
          let schema = try reader.readString()
          audit.keptIn = TableName(schema, try reader.readString())
        }
        audit.query = try reader.readString()
      }
      audits.append(audit)
    }
    guard version > 2 else { return }
    for _ in 0..<(try reader.readCount()) {
      let start = try reader.readInt64()
      let end = try reader.readInt64()
      intervals.append(RunRecord.Interval(start: start, end: end, rowCount: try reader.readSize()))
    }
    guard version > 3 else { return }
    guard let outcome = RunRecord.ModelOutcome(rawValue: try reader.readUInt8()) else {
      throw reader.corrupt("an unknown outcome of a model")
    }
    self.outcome = outcome
    message = try reader.readBool() ? try reader.readString() : nil
    attemptCount = try reader.readSize()
  }
}
