import Bytes
import SQLSyntax
import Vectors

/// What a run does to one model, and why.
package struct ModelStep: Sendable {
  package enum Action: Sendable, Hashable {
    /// Everything the model rests on is as it was.
    case keep
    /// The whole table, or view, anew; for a model of intervals, these.
    case rebuild(IntervalRange?)
    /// These intervals alone.
    case rebuildIntervals([IntervalRange])
    /// The query's rows are merged into what is there, as the kind says.
    case merge
    /// Nothing is built; a standalone audit is asked.
    case audit
    /// Taken over as an earlier run, which did not end, has built it.
    case resume

    package var text: String {
      switch self {
      case .keep: "unchanged"
      case .rebuild: "rebuilt"
      case .rebuildIntervals(let ranges) where ranges.count == 1: ranges[0].text
      case .rebuildIntervals(let ranges):
        "\(ranges.reduce(0) { $0 + $1.count }) intervals, \(ranges[0].text) ... \(ranges[ranges.count - 1].text)"
      case .merge: "merged"
      case .audit: "audited"
      case .resume: "resumed"
      }
    }
  }

  package var model: Model
  package var action: Action
  /// In words, the most important first; empty when nothing is done.
  package var reasons: [String]
  /// The SQL of the last build when this one's is another.
  package var previousText: String?
  /// About what will be read to do it; nil where nothing is, or where it reads what is yet to be built.
  package var estimate: ReadEstimate?
  /// What is remembered of the last build.
  var state: ModelState?

  package var reason: String { reasons.joined(separator: "; ") }
}

/// What a run is asked for beside what has changed.
package struct Restatement: Sendable, Hashable {
  /// Models to build anew though nothing changed; as `RunOptions.selection`.
  package var models: Set<RelationName> = []
  /// Days since 1970, both included; only intervals that touch them are built anew. Nil: all.
  package var days: ClosedRange<Int64>?

  package init(models: Set<RelationName> = [], days: ClosedRange<Int64>? = nil) {
    self.models = models
    self.days = days
  }
}

/// Decides what has to be done to each model: nothing, the intervals whose rows changed upstream, or everything.
///
/// The rule is one for all kinds: a model's rows depend on its SQL and on the rows its query reads. Both are held against
/// what `ModelState` remembers of the last build. For intervals, `TimeWindows` says which changed rows each interval
/// reads. Where something cannot be said the answer is "everything".
struct RunPlanner {
  private let session: any ModelSession
  var restatement: Restatement
  /// Microseconds since 1970 UTC.
  private let execution: Int64
  /// What earlier steps of a run that only looks ahead would do; empty when they have really been done.
  private(set) var foreseen: [RelationName: Foreseen] = [:]

  enum Foreseen: Hashable, Sendable {
    case everything
    /// Rows of these intervals, by the model's time column.
    case intervals([IntervalRange], column: String)
  }

  init(_ session: any ModelSession, restatement: Restatement, execution: Int64) {
    self.session = session
    self.restatement = restatement
    self.execution = execution
  }

  /// Takes down that a step would be done, for the models after it.
  mutating func foresee(_ step: ModelStep) {
    switch (step.action, step.model.kind) {
    case (.keep, _), (.resume, _): break
    case (.rebuildIntervals(let ranges), .incrementalByTimeRange(let range)):
      foreseen[step.model.name] = .intervals(ranges, column: range.column)
    default: foreseen[step.model.name] = .everything
    }
  }

  // MARK: One model

  func step(_ model: Model) throws -> ModelStep {
    let state = try rememberedState(of: model)
    var step = ModelStep(model: model, action: .keep, reasons: [], state: state?.state)
    let wantedKind: RelationKind? = model.kind == .view ? .view : .table
    if model.kind == .standaloneAudit { return try auditStep(step, state) }
    guard model.kind.makesRelation else { return step }
    guard let state, try session.relationKind(model.name) == wantedKind else {
      step.reasons = [state == nil ? "new" : "\(model.name) is gone"]
      step.action = .rebuild(try fullRange(model))
      return step
    }
    if restatement.models.contains(model.name), restatement.days == nil {
      step.reasons = ["asked for"]
      step.action = .rebuild(try fullRange(model))
      return step
    }
    if state.state.definition != (try model.definition()) {
      step.previousText = state.state.text
      var isKept = false
      if case .incrementalByTimeRange(let range) = model.kind { isKept = range.isForwardOnly }
      if isKept {
        step.reasons = ["its SQL changed, for what is built from now on"]
      } else {
        step.reasons = ["its SQL changed"]
        step.action = .rebuild(try fullRange(model))
        return step
      }
    }
    if case .incrementalByTimeRange(let range) = model.kind {
      try decideIntervals(&step, range, state)
    } else {
      try decideWhole(&step, state)
    }
    if case .keep = step.action { step.reasons = [] }
    return step
  }

  private func auditStep(_ step: ModelStep, _ state: Remembered?) throws -> ModelStep {
    var step = step
    if let state, state.state.definition == (try step.model.definition()) {
      try decideWhole(&step, state)
    } else {
      step.previousText = state?.state.text
      step.reasons = [state == nil ? "new" : "its SQL changed"]
      step.action = .audit
    }
    return step
  }

  private typealias Remembered = (state: ModelState, writtenAt: UInt64)

  private func rememberedState(of model: Model) throws -> Remembered? {
    guard let (bytes, writtenAt) = try session.modelState(model.name) else { return nil }
    return (try ModelState.decode(bytes, of: model.name), writtenAt)
  }

  private func version(_ mark: ModelState.ReadMark, _ state: Remembered) -> RelationVersion {
    RelationVersion(identifier: mark.identifier, changedAt: mark.snapshot ?? state.writtenAt)
  }

  /// Returns why what `name` stands for is not what was read last; nil when it is.
  private func change(of name: RelationName, _ state: Remembered) throws -> String? {
    if foreseen[name] != nil { return "\(name) will have changed" }
    guard let mark = state.state.reads[name] else { return "\(name) was not read before" }
    guard let now = try session.relationVersion(name) else { return "\(name) is gone" }
    if now.identifier != mark.identifier { return "\(name) was built anew" }
    return try session.hasChanged(name, since: version(mark, state)) ? "rows of \(name) changed" : nil
  }

  // MARK: Whole tables

  private func decideWhole(_ step: inout ModelStep, _ state: Remembered) throws {
    let model = step.model
    if model.kind == .view {
      // The rows are always those of now; only its columns may be outdated.
      for name in model.reads.sorted() {
        guard let mark = state.state.reads[name], let now = try session.relationVersion(name),
          now.identifier == mark.identifier, foreseen[name] != .everything
        else {
          step.reasons.append("\(name) was built anew")
          step.action = .rebuild(nil)
          return
        }
      }
      return
    }
    var names = model.reads
    if model.kind.hasQuery {
      if model.reads.allSatisfy({ foreseen[$0] != .everything }) {
        let reads = try model.reading(wholeVariables(model), session)
        names.formUnion(reads.scans.map(\.table))
        names.formUnion(reads.views)
      }
      if model.query?.variables.contains(where: { $0.hasPrefix(TimeVariables.executionPrefix) }) == true {
        step.reasons.append("it reads the time of the run")
      }
    }
    for name in names.sorted() {
      if let reason = try change(of: name, state) { step.reasons.append(reason) }
    }
    if restatement.models.contains(model.name) { step.reasons.append("asked for") }
    guard !step.reasons.isEmpty else { return }
    switch model.kind {
    case .incrementalByUniqueKey, .incrementalByPartition, .slowlyChanging: step.action = .merge
    case .standaloneAudit: step.action = .audit
    default: step.action = .rebuild(nil)
    }
  }

  /// About how much a step will read, going by the tables as they are; nil where upstream is yet to be made, or nothing
  /// is read.
  func estimate(_ step: ModelStep) -> ReadEstimate? {
    let model = step.model
    guard model.query != nil, model.kind != .view else { return nil }
    var ranges: [IntervalRange] = []
    switch step.action {
    case .rebuild(let range): ranges = [range].compactMap(\.self)
    case .rebuildIntervals(let some): ranges = some
    case .merge, .audit: break
    case .keep, .resume: return nil
    }
    let variables =
      ranges.isEmpty
      ? [wholeVariables(model)] : ranges.prefix(20).map { TimeVariables.values($0, execution: execution) }
    var sum = ReadEstimate()
    for values in variables {
      guard let reads = try? model.reading(values, session), let part = try? session.estimate(reads) else { return nil }
      sum.rowCount += part.rowCount
      sum.byteCount += part.byteCount
    }
    // Of very many stretches the rest is like the first.
    let scale = Double(max(1, ranges.count)) / Double(variables.count)
    return ReadEstimate(
      rowCount: Int(Double(sum.rowCount) * scale), byteCount: Int(Double(sum.byteCount) * scale))
  }

  /// The variables of a model whose query always runs as a whole.
  func wholeVariables(_ model: Model) -> [String: MacroValue] {
    switch model.kind {
    case .incrementalByUniqueKey, .incrementalByPartition, .standaloneAudit:
      TimeVariables.values(
        IntervalRange(0, max(0, execution / 86_400_000_000), .day), execution: execution)
    default: TimeVariables.executionValues(execution)
    }
  }

  // MARK: Intervals

  private func decideIntervals(_ step: inout ModelStep, _ range: Model.TimeRange, _ state: Remembered) throws {
    let model = step.model
    if let name = model.reads.sorted().first(where: { foreseen[$0] == .everything }) {
      step.reasons.append("\(name) will have changed")
      step.action = .rebuild(try fullRange(model))
      return
    }
    let windows = try TimeWindows.find(model, range.unit, execution: execution, session)
    let full = try fullRange(range, windows)
    let known = IntervalRange.merged(state.state.intervals + [full].compactMap(\.self))
    var limits = IntervalRange.all(range.unit)
    if let first = known.first, let last = known.last { limits = IntervalRange(first.first, last.last, range.unit) }
    var stale: [IntervalRange] = []
    let scanned = Set(windows.scans.map(\.table))
    for name in model.reads.union(scanned).union(windows.views).sorted() {
      guard let reason = try change(of: name, state) else { continue }
      if windows.views.contains(name) || model.reads.contains(name) && !scanned.contains(name) {
        // What lies below an unchanged view is looked at table by table.
        if windows.views.contains(name), try !isGone(name, state) { continue }
        return rebuild(&step, reason, full)
      }
      for scan in windows.scans where scan.table == name {
        guard let window = scan.window, let mark = state.state.reads[name],
          let changed = try changedIntervals(name, window, version(mark, state), limits)
        else { return rebuild(&step, reason, full) }
        if !changed.isEmpty && !step.reasons.contains(reason) { step.reasons.append(reason) }
        stale += changed
      }
    }
    if restatement.models.contains(model.name), let days = restatement.days {
      let perDay = 86_400 / range.unit.seconds
      step.reasons.append("asked for")
      stale.append(IntervalRange(days.lowerBound * perDay, (days.upperBound + 1) * perDay - 1, range.unit))
    }
    stale = stale.map { IntervalRange($0.first - Int64(range.lookback), $0.last, range.unit) }
    if !state.state.pending.isEmpty { step.reasons.append("not built before the run ended") }
    stale = IntervalRange.merged((stale + state.state.pending).compactMap { clamped($0, range) })
    if !stale.isEmpty { step.action = .rebuildIntervals(stale) }
  }

  private func rebuild(_ step: inout ModelStep, _ reason: String, _ range: IntervalRange?) {
    step.reasons.append(reason)
    step.action = .rebuild(range)
  }

  private func isGone(_ name: RelationName, _ state: Remembered) throws -> Bool {
    guard let mark = state.state.reads[name], let now = try session.relationVersion(name) else { return true }
    return now.identifier != mark.identifier
  }

  /// The intervals that read rows of a table that came or went; nil when it cannot be said.
  private func changedIntervals(
    _ table: RelationName, _ window: TimeWindow, _ version: RelationVersion, _ limits: IntervalRange
  ) throws -> [IntervalRange]? {
    let open = IntervalRange.all(limits.unit)
    let reach = window.lower != nil && window.upper != nil ? open : limits
    let buckets: Set<Int64>
    switch try session.changes(
      of: table, since: version, column: window.column, origin: window.origin, width: window.width)
    {
    case .any: return nil
    case .some(let some): buckets = some
    }
    var ranges = buckets.compactMap { window.intervals($0, $0, limits: reach) }
    if case .intervals(let upstream, let column) = foreseen[table] {
      guard window.columnName == column, let scale = Self.stored(window.columnType) else { return nil }
      for range in upstream {
        let first = window.bucket(range.startSeconds.multipliedCapped(scale.perSecond) / scale.divisor)
        let last = window.bucket((range.endSeconds - 1).multipliedCapped(scale.perSecond) / scale.divisor)
        if let interval = window.intervals(first, last, limits: reach) { ranges.append(interval) }
      }
    }
    return IntervalRange.merged(ranges)
  }

  /// How seconds become a column's stored integers.
  private static func stored(_ type: LogicalType) -> (perSecond: Int64, divisor: Int64)? {
    switch type {
    case .date: (1, 86_400)
    case .timestamp, .timestamptz: (1_000_000, 1)
    default: nil
    }
  }

  /// The intervals for which there may be rows: from the first to the last one that any row upstream could belong to.
  ///
  /// Nil when there are none yet, or the tables are not there.
  func fullRange(_ model: Model) throws -> IntervalRange? {
    guard case .incrementalByTimeRange(let range) = model.kind else { return nil }
    for name in model.reads where try session.relationVersion(name) == nil { return nil }
    return try fullRange(range, TimeWindows.find(model, range.unit, execution: execution, session))
  }

  private func fullRange(_ range: Model.TimeRange, _ windows: TimeWindows) throws -> IntervalRange? {
    let all = IntervalRange.all(range.unit)
    var ranges: [IntervalRange] = []
    for scan in windows.scans {
      guard let window = scan.window, let bounds = try session.bounds(of: scan.table, column: window.column) else {
        continue
      }
      let (first, last) = (window.bucket(bounds.lowerBound), window.bucket(bounds.upperBound))
      switch (window.lower, window.upper) {
      case (_?, _?):
        if let interval = window.intervals(first, last, limits: all) { ranges.append(interval) }
      default:
        let low = min(max(first, all.first), all.last)
        ranges.append(IntervalRange(low, min(max(last + 1, low), all.last), range.unit))
      }
    }
    if windows.scans.allSatisfy({ $0.window == nil }) {
      // Nothing upstream says when it happened: from the start to now.
      let perDay = 86_400 / range.unit.seconds
      let now = execution / 1_000_000 / range.unit.seconds
      let first = (range.startDay ?? 0) * perDay
      return IntervalRange(first, max(first, now), range.unit)
    }
    let merged = IntervalRange.merged(ranges)
    guard let first = merged.first, let last = merged.last else { return nil }
    return clamped(IntervalRange(first.first, last.last, range.unit), range)
  }

  /// What of `range` is not before the model's start.
  private func clamped(_ intervals: IntervalRange, _ range: Model.TimeRange) -> IntervalRange? {
    var limits = IntervalRange.all(range.unit)
    if let day = range.startDay { limits.first = day * (86_400 / range.unit.seconds) }
    return intervals.intersection(limits)
  }

  /// Whether anything that the model or its audits look at is other than when it was built.
  func isOutdated(_ model: Model) throws -> Bool {
    guard let state = try rememberedState(of: model) else { return true }
    return try model.upstream.contains { try change(of: $0, state) != nil }
  }

  // MARK: After building

  /// Says what the model that was just built has read, for the next run to compare with.
  func readMarks(_ model: Model) throws -> [RelationName: ModelState.ReadMark] {
    var names = model.upstream
    if model.kind.hasQuery {
      let variables: [String: MacroValue]
      if case .incrementalByTimeRange(let range) = model.kind {
        variables = TimeVariables.values(IntervalRange(0, 0, range.unit), execution: execution)
      } else {
        variables = wholeVariables(model)
      }
      let reads = try model.reading(variables, session)
      names.formUnion(reads.scans.map(\.table))
      names.formUnion(reads.views)
    }
    let base = try session.baseSnapshot()
    var marks: [RelationName: ModelState.ReadMark] = [:]
    for name in names {
      guard let version = try session.relationVersion(name) else { continue }
      // What this transaction changed itself is as of the commit to come.
      marks[name] = ModelState.ReadMark(
        identifier: version.identifier, snapshot: version.changedAt > base ? nil : base)
    }
    return marks
  }
}

extension Int64 {
  /// The product, or the nearest number there is.
  fileprivate func multipliedCapped(_ factor: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? (self < 0 ? .min : .max) : product
  }
}

extension Model {
  /// The model in a form that changes when its rows or their storage may, and not with comments or line breaks.
  package func definition() throws -> String {
    var text = "\(kind.rowsText)\npartitioned_by \(partitionedBy)\nclustered_by \(clusteredBy)\n"
    for column in columns { text += "column \(column.path) \(column.typeText ?? "")\n" }
    if let query {
      // With the same times for all, so that only the SQL itself can differ.
      let variables = TimeVariables.values(IntervalRange(0, 0, .day), execution: 0)
      let constant = try query.with(variables)
      let statement = try PostgresParser.parseOne(constant.text)
      text += statement.node.sql ?? query.body.text
      for companion in constant.before { text += "\nbefore it \(companion.text)" }
      for companion in constant.after { text += "\nafter it \(companion.text)" }
    }
    if case .seed(let path, _) = kind {
      // A file that cannot be read is COPY's to complain of, with its name.
      let bytes = try? LocalFileSystem().readFile(path, limit: 1 << 32)
      text += bytes.map { ContentHash(of: $0).description } ?? "unreadable"
    }
    return text
  }
}
