import Bytes
import Engine
import Execution
import Ingestion
import Modeling
import Synchronization

/// The world a watch works on: the project's folder, its sources, one open warehouse.
final class WarehouseWatch: WatchWork {
  private let place: Workplace
  private let arguments: Arguments
  private let warehouse: Warehouse
  private let files = LocalFileSystem()
  private let clock: SystemWatchClock
  private let runOptions: RunOptions
  private let printer: WatchPrinter
  private let retainedSeconds: Int64?
  let running = RunningWork()

  private var project: Project?
  private var sensors: [SourceSensor] = []
  private var sensorError: PulsehouseError?
  /// When snapshots were committed, since a table changes less often than it is looked at.
  private var commitTimes: [SnapshotID: Int64] = [:]
  /// The newest snapshot when garbage was collected last.
  private var collectedAt: SnapshotID?

  init(
    _ place: Workplace, _ arguments: Arguments, _ warehouse: Warehouse, clock: SystemWatchClock, options: RunOptions,
    printer: WatchPrinter
  ) throws {
    self.place = place
    self.arguments = arguments
    self.warehouse = warehouse
    self.clock = clock
    runOptions = options
    self.printer = printer
    retainedSeconds = try arguments.value("retain").map { try Retention.seconds($0) }
  }

  /// What snapshots are kept: as the command line says, or the project.
  private var retention: Retention {
    var retention = project?.retention ?? Retention()
    if let retainedSeconds { retention.seconds = retainedSeconds }
    return retention
  }

  private func whileRunning<R>(_ what: RunningWork.Piece?, _ body: () throws -> R) throws -> R {
    running.set(what)
    defer {
      running.set(nil)
      // So that months of turns need no more memory than one.
      try? warehouse.forgetUnused()
      Heap.release()
    }
    // A signal between two pieces of work must not be lost.
    if clock.hasStopped { throw PulsehouseError(.cancelled, "the watch was stopped") }
    do {
      return try body()
    } catch let error as PulsehouseError where clock.hasStopped && error.kind != .corrupt {
      throw PulsehouseError(.cancelled, "the watch was stopped", detail: error.message)
    }
  }

  // MARK: The project

  func projectMark() throws -> UInt64 { try ProjectSight(place.project, in: files).mark }

  func models() throws -> [WatchedModel] {
    let project = try RunSelection.project(place)
    let models = try ModelGraph(project).selecting(runOptions.selection)
    let sources = try Source.load(directory: Path.join(place.project, "sources"))
    // A source that stays as it was keeps its sensor, which knows what was taken.
    var kept: [String: SourceSensor] = [:]
    for sensor in sensors { kept[sensor.source.name] = sensor }
    let options = try ingestOptions()
    sensors = sources.map { source in
      let sensor = SourceSensor(source, options: options)
      if let known = kept[source.name], known.source == sensor.source { return known }
      return sensor
    }
    self.project = project
    return try models.filter { $0.kind != .embedded }.map {
      WatchedModel(name: $0.name, cron: $0.cron, freshness: $0.freshness, definition: try $0.definition())
    }
  }

  func check() throws { _ = try ProjectTables(place, try warehouse.snapshot()) }

  // MARK: Sources

  private func ingestOptions() throws -> IngestOptions {
    var options = IngestOptions()
    options.dataDirectory = place.data
    options.lakePath = arguments.value("lake")
    if let threads = try arguments.count("threads") { options.threadCount = threads }
    options.brokers = arguments.value("brokers")
    options.defaultBrokers = KafkaArguments.brokers(arguments)
    options.kafkaProperties = arguments.all("property")
    return options
  }

  func look() -> [SourceSight] {
    sensors.map { sensor in
      do throws(PulsehouseError) {
        return SourceSight(source: sensor.source.name, hasNews: try sensor.hasNews())
      } catch {
        return SourceSight(source: sensor.source.name, hasNews: false, error: error)
      }
    }
  }

  func ingest(_ source: String) throws -> String? {
    guard let sensor = sensors.first(where: { $0.source.name == source }) else { return nil }
    let options = try ingestOptions()
    var words: String?
    try whileRunning(.ingest(options.cancellation)) {
      try Ingest.run([sensor.source], into: warehouse, options: options) { report in
        for warning in report.warnings.prefix(20) { printer.note("warning: \(warning.file): \(warning.message)") }
        if report.recordCount > 0 || report.byteCount > 0 {
          let rows = Decimals.grouped(Int(report.rowCount))
          words = "\(rows) rows"
          if report.quarantinedCount > 0 {
            words = "\(rows) rows, \(Decimals.grouped(Int(report.quarantinedCount))) to quarantine"
          }
        }
      }
      try options.cancellation.check()
    }
    sensor.take()
    return words
  }

  // MARK: Models

  func build(_ models: [RelationName]) throws -> WatchBuild {
    guard let project else { return WatchBuild(summary: nil) }
    let session = try OpenWarehouse.session(warehouse, arguments)
    var options = runOptions
    options.selection = models.map(\.description)
    return try whileRunning(.run(session.canceller)) {
      let report = try ModelRun.run(project, in: SessionModelSession(session), options: options)
      guard let number = report.number, report.outcome != .failed else {
        return WatchBuild(summary: nil, error: report.error)
      }
      let changed = report.models.filter { $0.isDone && $0.isChanged }.map(\.name.description)
      for failure in report.failures where !failure.audit.isBlocking {
        printer.note(
          "warning: \(failure.model.name) fails the audit \(failure.audit.text) in \(failure.audit.failureCount) rows")
      }
      return WatchBuild(
        summary: "run \(number): \(changed.isEmpty ? "no rows changed" : changed.joined(separator: ", ")), "
          + "\(Decimals.format(report.seconds, places: 2)) s", error: report.error)
    }
  }

  // MARK: Garbage

  var collectionSeconds: Double { retention.collectionSeconds }

  func collect() throws -> String? {
    guard let project, try warehouse.snapshot().id != collectedAt else { return nil }
    return try whileRunning(nil) {
      let report = try retention.collect(warehouse, project, now: clock.now)
      collectedAt = try warehouse.snapshot().id
      return report.removedFileCount == 0 ? nil : CollectCommand.text(report)
    }
  }

  // MARK: Ages

  func changeTimes(_ models: [RelationName]) throws -> [RelationName: Int64] {
    let snapshot = try warehouse.snapshot()
    var changes: [RelationName: SnapshotID] = [:]
    for name in models { changes[name] = snapshot.table(name.tableName)?.changedAt }
    commitTimes = commitTimes.filter { Set(changes.values).contains($0.key) }
    if !changes.values.allSatisfy({ commitTimes[$0] != nil }) {
      for commit in try warehouse.store.history() where changes.values.contains(commit.id) {
        commitTimes[commit.id] = commit.timestamp
      }
    }
    return changes.compactMapValues { commitTimes[$0] }
  }

  func tell(_ event: WatchEvent) { printer.tell(event, at: clock.now) }
}

/// What is to be stopped by a signal; any thread may do so.
final class RunningWork: Sendable {
  enum Piece {
    case ingest(Cancellation)
    case run(Canceller)
  }

  private let piece = Mutex<Piece?>(nil)

  func set(_ next: Piece?) { piece.withLock { $0 = next } }

  func stop() {
    piece.withLock { piece in
      switch piece {
      case .ingest(let cancellation)?: cancellation.cancel()
      case .run(let canceller)?: canceller.stop()
      case nil: break
      }
    }
  }
}
