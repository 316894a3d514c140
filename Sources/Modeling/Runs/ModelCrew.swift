import Bytes
import Execution
import Glibc

/// Builds the models of a run on several threads, each model in a branch of the run's transaction, and tries again what
/// may pass.
///
/// A model that fails leaves no trace: its branch is discarded, and what depends on it is not tried.
final class ModelCrew: @unchecked Sendable {
  // @unchecked: what changes, the run's session and the caller's `progress` are touched under `lock` only; a branch is
  // touched by the thread that builds its model, and by `adopt` and `discard` under the lock when that is done.

  private let models: [Model]
  private let work: ModelWork
  private let session: any ModelSession
  private let options: RunOptions
  private let progress: (RunEvent) throws -> Void

  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var schedule: ModelSchedule
  private var reports: [ModelReport?]
  private var attempts: [Int]
  private var keeper: RunKeeper
  private var changedNames: Set<RelationName> = []
  private var finishedCount = 0
  /// What ends the whole run: the user's wish, or an error of `progress`.
  private var fatal: (any Error)?

  init(
    _ models: [Model], _ work: ModelWork, _ session: any ModelSession, _ options: RunOptions,
    _ progress: @escaping (RunEvent) throws -> Void
  ) {
    self.models = models
    self.work = work
    self.session = session
    self.options = options
    self.progress = progress
    keeper = RunKeeper(every: options.keptSeconds, work.restatement, execution: work.execution)
    var numbers: [RelationName: Int] = [:]
    for (number, model) in models.enumerated() { numbers[model.name] = number }
    schedule = ModelSchedule(
      upstream: models.map { model in model.upstream.compactMap { numbers[$0] } }, width: options.jobCount)
    reports = [ModelReport?](repeating: nil, count: models.count)
    attempts = [Int](repeating: 0, count: models.count)
    pthread_mutex_init(lock, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  /// Builds all of them and returns a report each, in the order of the models.
  ///
  /// - Throws: `.cancelled`, and what `progress` throws. Errors of models are in their reports.
  func run() throws -> [ModelReport] {
    try WorkerPool.shared.run(threads: max(1, min(options.jobCount, models.count))) { _ in self.serve() }
    if let fatal { throw fatal }
    return reports.compactMap(\.self)
  }

  // MARK: A thread's life

  /// Takes one model after the other until none is left. The lock is held but for the time of building.
  private func serve() {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while true {
      if fatal == nil, session.isStopped { end(with: Self.stopped) }
      switch schedule.next(now: MachineClock.seconds) {
      case .finished:
        pthread_cond_broadcast(changed)
        return
      case .wait(let time): wait(until: time)
      case .start(let number, let share): build(number, share)
      }
    }
  }

  private static var stopped: PulsehouseError {
    PulsehouseError(.cancelled, "canceling statement due to user request")
  }

  /// Waits for another thread, or for `time`, but never so long that a wish to stop would go unheard.
  private func wait(until time: Double) {
    let end = min(time, MachineClock.seconds + 0.1)
    var deadline = timespec()
    deadline.tv_sec = Int(end)
    deadline.tv_nsec = Int((end - Double(Int(end))) * 1e9)
    pthread_cond_timedwait(changed, lock, &deadline)
  }

  private func build(_ number: Int, _ share: Int) {
    let model = models[number]
    do {
      if attempts[number] == 0 { try progress(.began(model.name, number: finishedCount + 1, of: models.count)) }
      attempts[number] += 1
      let branch = try session.branch(memoryShare: share)
      let upstreamChanged = changedNames
      pthread_mutex_unlock(lock)
      var outcome = Result {
        try work.bringUpToDate(model, in: branch, changed: upstreamChanged) { table, state in
          try self.keep(model.name, in: table, state, of: branch)
        }
      }
      // The rows to blame are kept before the branch goes, by the thread that made them.
      var kept: [RelationName] = []
      if case .success(var report) = outcome, report.isStopped {
        do {
          kept = try work.keepFailures(of: &report, in: branch)
          outcome = .success(report)
        } catch {
          outcome = .failure(error)
        }
      }
      pthread_mutex_lock(lock)
      try finish(number, branch, outcome, kept, hadAll: share == 1)
    } catch {
      end(with: error, at: number)
    }
    pthread_cond_broadcast(changed)
  }

  /// Sets aside what is done of a model in the midst of it, when it is time; all that it rests on first.
  private func keep(
    _ name: RelationName, in table: RelationName, _ state: () throws -> ModelState, of branch: any ModelSession
  ) throws {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    guard keeper.isDue else { return }
    keeper.save(in: session)
    keeper.save(name, in: table, try state(), of: branch)
  }

  private func end(with error: any Error, at number: Int? = nil) {
    if fatal == nil { fatal = error }
    if let number { _ = schedule.fail(number) }
    schedule.stop()
    // Those that run are waited for; what they made is forgotten with the transaction.
  }

  private func finish(
    _ number: Int, _ branch: any ModelSession, _ outcome: Result<ModelReport, any Error>, _ kept: [RelationName],
    hadAll: Bool
  ) throws {
    switch outcome {
    case .success(var report):
      report.attemptCount = attempts[number]
      if report.isStopped {
        try session.discard(branch, keeping: kept)
        try settle(number, report)
      } else {
        try session.adopt(branch)
        schedule.succeed(number)
        if report.isChanged { changedNames.insert(report.name) }
        keeper.finish(report, in: session)
        try tell(number, report)
      }
    case .failure(let thrown):
      try session.discard(branch, keeping: [])
      let error = thrown as? PulsehouseError ?? PulsehouseError(.internal, "\(thrown)")
      if error.kind == .cancelled { return end(with: error, at: number) }
      if fatal == nil, try retries(number, after: error, hadAll) { return }
      var report = ModelReport(models[number])
      report.attemptCount = attempts[number]
      report.failure = error
      try settle(number, report)
    }
  }

  /// Puts a model back whose error may pass, unless it was tried often enough.
  private func retries(_ number: Int, after error: PulsehouseError, _ hadAll: Bool) throws -> Bool {
    let attempt = attempts[number]
    guard attempt <= options.retryLimit else { return false }
    switch Retry(error) {
    case .never: return false
    case .alone:
      // With the memory that others had, or not at all.
      if hadAll { return false }
      schedule.retry(number, at: MachineClock.seconds, isAlone: true)
      try progress(.retrying(models[number].name, error, afterSeconds: 0))
    case .later:
      let seconds = options.retryDelay * Double(1 << min(attempt - 1, 9))
      schedule.retry(number, at: MachineClock.seconds + seconds, isAlone: false)
      try progress(.retrying(models[number].name, error, afterSeconds: seconds))
    }
    return true
  }

  /// Takes down a model that is not published, and those that are not built because of it.
  private func settle(_ number: Int, _ report: ModelReport) throws {
    let lost = schedule.fail(number)
    try tell(number, report)
    for reader in lost {
      var skipped = ModelReport(models[reader])
      skipped.skippedBecause = report.name
      try tell(reader, skipped)
    }
  }

  private func tell(_ number: Int, _ report: ModelReport) throws {
    reports[number] = report
    finishedCount += 1
    try progress(.finished(report, number: finishedCount, of: models.count))
  }
}
