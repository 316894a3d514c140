import Bytes
import Engine
import Execution
import Glibc
import Segments
import Synchronization
import Vectors

/// Reads what is new in a lake into its bronze table, exactly once: rows and the position of every file they came from
/// are one commit.
///
/// Files are taken in byte order of their names; rows keep the order of the lines, whatever the number of threads.
/// Workers read, parse and encode side by side; whoever finishes the unit that is next in order writes. One thread more
/// commits, for it mostly waits for the disk, and the workers go on meanwhile.
struct LakeIngest {
  let source: Source
  let folder: LakeFolder
  /// Where the lake lies.
  let path: String
  let warehouse: Warehouse
  let options: IngestOptions

  static let lineage = [
    ColumnDefinition(name: "_file", type: .text, isNullable: false),
    ColumnDefinition(name: "_line", type: .bigint, isNullable: false),
    ColumnDefinition(name: "_offset", type: .bigint, isNullable: false),
  ]

  func run() throws -> IngestReport {
    let started = MachineClock.seconds
    let fields = source.columns.map { JSONField($0) }
    let writer = try SourceWriter(source, lineage: Self.lineage, in: warehouse)
    var states: [String: LakeFileState] = [:]
    for (file, entry) in writer.entries { states[file] = try LakeFileState(decoding: entry, file: file) }
    let files = try LakeListing.files(path, pattern: folder.pattern, in: warehouse.fileSystem)
    let plan = LakePlan(files, states: states)

    var report = IngestReport(source: source.name)
    report.unchangedFileCount = plan.unchangedCount
    report.warnings = plan.warnings
    var total: Int64 = 0
    for task in plan.tasks { total += max(task.file.textByteCount - (task.state?.position ?? 0), 0) }
    let stream = LakeStream(
      folder: path, tasks: plan.tasks, unitByteCount: try unitByteCount(plan),
      recordByteLimit: options.recordByteLimit)
    let collector = LakeCollector(
      writer, stream, states: states, report: report, totalByteCount: total, options: options)
    let schema = writer.bronze.definition.schema
    let segmentOptions = writer.bronze.options
    let isComplete = folder.isComplete
    let avro = folder.avro
    let cancellation = options.cancellation
    let threads = min(options.threadCount, max(1, plan.tasks.count, Int(total / Int64(stream.unitByteCount)) + 1))
    do {
      if !plan.tasks.isEmpty {
        // What fits into few units is committed at the end alone.
        let hasCommitter = total / Int64(stream.unitByteCount) > 1
        try WorkerPool.shared.run(threads: threads + (hasCommitter ? 1 : 0)) { index in
          do {
            guard index < threads else { return try collector.commitWhenDue() }
            collector.enter()
            defer { collector.leave() }
            let worker = try LakeWorker(
              stream, fields: fields, avro: avro, schema: schema, options: segmentOptions, isComplete: isComplete)
            while !collector.hasFailed, let next = try worker.next() {
              try cancellation.check()
              try collector.deposit(next.sequence, next.result, threads: threads)
            }
          } catch {
            collector.fail()
            throw error
          }
        }
      }
      return try collector.finish(since: started)
    } catch {
      writer.discard()
      throw error
    }
  }

  /// Looks at the start of the first file for the length of a line, so that a unit makes about one row group.
  private func unitByteCount(_ plan: LakePlan) throws(PulsehouseError) -> Int {
    if let forced = options.unitByteCount { return forced }
    let rows = SegmentOptions().rowGroupRowCount
    let fallback = 16 << 20
    guard let first = plan.tasks.first(where: { !$0.file.isCompressed }),
      let file = try InputFile(Path.join(path, first.file.name))
    else {
      return fallback
    }
    let sample = AlignedBuffer(byteCount: 65_536)
    let count = try file.read(to: sample.base, count: sample.byteCount, at: 0)
    let lines = withExtendedLifetime(sample) { sample.bytes.prefix(count).count { $0 == 0x0A } }
    guard lines > 0 else { return fallback }
    // A little less than a row group holds, for lines differ.
    return min(max(count / lines * rows / 16 * 15, 1 << 20), 32 << 20)
  }
}

/// Puts the units' results in order, writes them, and commits now and then.
private final class LakeCollector: @unchecked Sendable {
  // @unchecked: `waiting`, `isWriting`, `workerCount` and `committer` are touched under `lock` only, the rest by the
  // one thread that writes.

  private let writer: SourceWriter
  private let stream: LakeStream
  private let options: IngestOptions
  private let totalByteCount: Int64
  private let lock = Mutex(())
  private let failed = Atomic<Bool>(false)
  private let nextSequence = Atomic<Int>(0)
  private var waiting: [Int: LakeResult] = [:]
  private var isWriting = false
  private var workerCount = 0
  private var committer = Committer.absent
  /// Posted for each commit that the committer is to make, and once more when the last worker leaves.
  private let due = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  private enum Committer { case absent, waiting, due }
  private var states: [String: LakeFileState]
  private var report: IngestReport
  private var touchedFiles = Set<Int>()

  init(
    _ writer: SourceWriter, _ stream: LakeStream, states: [String: LakeFileState], report: IngestReport,
    totalByteCount: Int64, options: IngestOptions
  ) {
    self.writer = writer
    self.stream = stream
    self.states = states
    self.report = report
    self.totalByteCount = totalByteCount
    self.options = options
    sem_init(due, 0, 0)
  }

  deinit {
    sem_destroy(due)
    due.deallocate()
  }

  var hasFailed: Bool { failed.load(ordering: .relaxed) }

  func fail() { failed.store(true, ordering: .relaxed) }

  /// To be called by each worker before its first unit.
  func enter() { lock.withLock { _ in workerCount += 1 } }

  /// To be called by each worker after its last unit, whether it failed or not: no worker that comes later finds another.
  func leave() {
    let isLast = lock.withLock { _ in
      workerCount -= 1
      return workerCount == 0
    }
    if isLast { sem_post(due) }
  }

  /// Makes the commits that workers hand over, and writes what came meanwhile, until the last worker has left.
  func commitWhenDue() throws {
    lock.withLock { _ in committer = .waiting }
    while true {
      while sem_wait(due) != 0 {}
      let isDue = lock.withLock { _ in
        if committer == .waiting { committer = .absent }
        return committer == .due
      }
      guard isDue else { return }
      try commit()
      try writeReady(handsOver: false)
      lock.withLock { _ in committer = .waiting }
    }
  }

  /// Takes a unit's result, and writes what is next in order unless another thread does: that one takes this result too,
  /// and a commit's wait for the disk keeps none from reading on. Waits while too many results wait for an earlier unit,
  /// so that memory stays bounded.
  func deposit(_ sequence: Int, _ result: LakeResult, threads: Int) throws {
    let mayWrite = lock.withLock { _ in
      waiting[sequence] = result
      defer { isWriting = true }
      return !isWriting
    }
    if mayWrite { try writeReady(handsOver: true) }
    while sequence - nextSequence.load(ordering: .relaxed) > 4 * threads, !hasFailed { usleep(500) }
  }

  /// Writes all that is next in order, and commits when it is time. With `handsOver`, a commit and what comes after it are
  /// left to the committer where it waits for one. After an error nobody writes: the flag stays.
  private func writeReady(handsOver: Bool) throws {
    while let ready = nextResult() {
      try write(ready)
      nextSequence.add(1, ordering: .relaxed)
      guard writer.bronze.pendingRowCount >= options.commitRowCount else { continue }
      let isHandedOver = lock.withLock { _ in
        guard handsOver, committer == .waiting else { return false }
        committer = .due
        return true
      }
      if isHandedOver {
        sem_post(due)
        return
      }
      try commit()
    }
  }

  /// Takes out the result that is next in order; where it has not come, gives up writing.
  private func nextResult() -> LakeResult? {
    lock.withLock { _ in
      let ready = waiting.removeValue(forKey: nextSequence.load(ordering: .relaxed))
      if ready == nil { isWriting = false }
      return ready
    }
  }

  private func write(_ result: LakeResult) throws {
    for rowGroup in result.rowGroups { try writer.bronze.append(rowGroup) }
    report.warnings += result.warnings
    for file in result.files {
      let task = stream.tasks[file.task]
      for record in file.rejected { try writer.refuse(task.file.name, record) }
      var state = states[task.file.name] ?? LakeFileState()
      state.position = file.position
      state.lineCount = file.lineCount
      // A state of which nothing could be read again stays as it is.
      state.isXXH64 = state.isXXH64 && file.hash == state.hash
      state.hash = file.hash
      state.endsInRecord = file.endsInRecord
      state.recordCount += file.recordCount
      state.rowCount += file.rowCount
      state.quarantinedCount += Int64(file.rejected.count)
      // Only a file read to its end may be passed over unopened next time.
      state.byteCount = file.isLast ? task.file.byteCount : 0
      state.modifiedNanoseconds = file.isLast ? task.file.modifiedNanoseconds : 0
      states[task.file.name] = state
      writer.setState(task.file.name, state.encode())
      if file.endsInRecord && !task.file.isCompressed {
        report.warnings.append(.incomplete(task.file.name, file.position))
      }
      if file.byteCount > 0 { touchedFiles.insert(file.task) }
      report.byteCount += file.byteCount
      report.recordCount += file.recordCount
      report.rowCount += file.rowCount
      report.quarantinedCount += Int64(file.rejected.count)
    }
    options.progress(
      IngestProgress(
        source: report.source, byteCount: report.byteCount, totalByteCount: totalByteCount, rowCount: report.rowCount))
  }

  private func commit() throws {
    let message = "ingest \(report.source): \(report.rowCount) rows, \(report.quarantinedCount) quarantined"
    if try writer.commit(message) { report.commitCount += 1 }
  }

  /// Commits the rest and returns the books.
  func finish(since started: Double) throws -> IngestReport {
    try commit()
    report.fileCount = touchedFiles.count
    report.seconds = MachineClock.seconds - started
    return report
  }
}
