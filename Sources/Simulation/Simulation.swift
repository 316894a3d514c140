import Bytes
import Glibc
import Synchronization

// Simulation makes the data that a house like this would receive: people with watches, in 14 countries, and what
// the watches send. It knows files and bytes, and nothing of tables. Begin at `Simulation.generate`; what the
// numbers mean is in ActivityCatalog, DayRhythm and DayGenerator.

/// Where a generation is written.
package struct GenerationTarget: Sendable, Hashable {
  /// Folder of `users.csv` and `activities.csv`.
  package var seeds: String
  /// Folder of `YYYY/MM/DD/HH/part-<partition>.jsonl`.
  package var lake: String
  /// Whether the lines of an earlier generation are removed first; else a lake that is not empty is an error.
  package var replacesLake: Bool

  package init(seeds: String, lake: String, replacesLake: Bool = false) {
    self.seeds = seeds
    self.lake = lake
    self.replacesLake = replacesLake
  }
}

/// How far a generation has come.
package struct GenerationProgress: Sendable {
  package var events: Int
  package var totalEvents: Int
  package var bytes: Int
}

/// The door: options in, files out.
package enum Simulation {
  /// Writes the seeds and the lake.
  ///
  /// Equal options write equal bytes, for any number of threads and on any machine. An hour's file holds the lines of
  /// one partition in order of delivery: event time, but for duplicates, which follow up to four minutes later.
  /// Lines that arrive after their hour's file was closed are in `part-<partition>.late.jsonl` beside it, for the
  /// lake is foldered by the time of the event. `progress` is called from any thread, one call at a time; what
  /// it throws ends the generation.
  ///
  /// - Throws: `.usage` for options out of bounds and a lake that is not empty; `.io` with the path.
  @discardableResult
  package static func generate(
    _ options: SimulationOptions, to target: GenerationTarget,
    progress: (@Sendable (GenerationProgress) throws(PulsehouseError) -> Void)? = nil
  ) throws(PulsehouseError) -> GenerationReport {
    try options.validate()
    let start = MachineClock.seconds
    let population = Population(seed: options.seed, startDay: options.startDay)
    try OutputFiles.prepareLake(target.lake, replace: target.replacesLake)
    try OutputFiles.makeDirectory(target.lake)
    try OutputFiles.makeDirectory(target.seeds)
    var text = ByteText()
    SeedFiles.users(population, into: &text)
    try OutputFiles.write(text.bytes, to: target.seeds + "/users.csv")
    text.removeAll()
    SeedFiles.activities(into: &text)
    try OutputFiles.write(text.bytes, to: target.seeds + "/activities.csv")

    let job = LakeJob(
      plans: DayPlan.all(options), population: population, seed: options.seed, lake: target.lake,
      totalEvents: options.eventCount, progress: progress)
    try job.run(threads: options.threads)
    var report = job.report()
    report.users = population.users.count
    report.activities = ActivityCatalog.all.count
    report.seconds = MachineClock.seconds - start
    return report
  }
}

/// The days of a generation, handed to workers one by one.
private final class LakeJob: Sendable {
  private struct State {
    var report = GenerationReport()
    var failure: PulsehouseError?
  }

  private let plans: [DayPlan]
  private let population: Population
  private let seed: UInt64
  private let lake: String
  private let totalEvents: Int
  private let progress: (@Sendable (GenerationProgress) throws(PulsehouseError) -> Void)?
  private let nextPlan = Atomic<Int>(0)
  private let state = Mutex(State())

  init(
    plans: [DayPlan], population: Population, seed: UInt64, lake: String, totalEvents: Int,
    progress: (@Sendable (GenerationProgress) throws(PulsehouseError) -> Void)?
  ) {
    self.plans = plans
    self.population = population
    self.seed = seed
    self.lake = lake
    self.totalEvents = totalEvents
    self.progress = progress
  }

  func report() -> GenerationReport { state.withLock { $0.report } }

  func run(threads: Int) throws(PulsehouseError) {
    var workers: [pthread_t] = []
    for _ in 1..<max(1, min(threads, plans.count)) {
      var thread = pthread_t()
      let context = Unmanaged.passRetained(self)
      let result = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<LakeJob>.fromOpaque(argument).takeRetainedValue().work() }
          return nil
        }, context.toOpaque())
      // With fewer threads than wished the same work is done by those there are.
      if result == 0 { workers.append(thread) } else { context.release() }
    }
    work()
    for worker in workers { pthread_join(worker, nil) }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  private func work() {
    let generator = DayGenerator(seed: seed, population: population)
    let formatter = LineFormatter(population)
    var text = ByteText()
    while state.withLock({ $0.failure == nil }) {
      let index = nextPlan.wrappingAdd(1, ordering: .relaxed).oldValue
      if index >= plans.count { break }
      do {
        generator.generate(plans[index])
        let written = try write(generator, formatter, &text)
        try finish(plans[index], written)
      } catch {
        state.withLock { if $0.failure == nil { $0.failure = error } }
      }
    }
    state.withLock { state in
      state.report.facts.merge(generator.facts)
      state.report.late += generator.lateCount
      for kind in generator.malformedByKind.indices {
        state.report.malformedByKind[kind] += generator.malformedByKind[kind]
      }
    }
  }

  private func finish(_ plan: DayPlan, _ written: (bytes: Int, files: Int)) throws(PulsehouseError) {
    try state.withLock { state throws(PulsehouseError) in
      state.report.events += plan.firsts + plan.duplicates
      state.report.duplicates += plan.duplicates
      state.report.lakeBytes += written.bytes
      state.report.lakeFiles += written.files
      try progress?(
        GenerationProgress(
          events: state.report.events, totalEvents: totalEvents, bytes: state.report.lakeBytes))
    }
  }

  private func write(
    _ generator: DayGenerator, _ formatter: borrowing LineFormatter, _ text: inout ByteText
  ) throws(PulsehouseError) -> (bytes: Int, files: Int) {
    let date = CivilDate(daysSinceEpoch: generator.plan.day)
    let dayStart = generator.plan.day * 86_400
    let dayFolder = "\(lake)/\(padded(date.year, 4))/\(padded(date.month, 2))/\(padded(date.day, 2))"
    var written = (bytes: 0, files: 0)
    for hour in 0..<24 {
      var hourFolder: String?
      for late in [false, true] {
        for partition in 0..<SimulationOptions.partitionCount {
          let bucket = DayGenerator.bucket(hour: hour, partition: partition, late: late)
          if generator.bucketStart[bucket] == generator.bucketStart[bucket + 1] { continue }
          text.removeAll()
          generator.appendLines(of: bucket, dayStart: dayStart, formatter, to: &text)
          if hourFolder == nil {
            hourFolder = "\(dayFolder)/\(padded(hour, 2))"
            try OutputFiles.makeDirectory(hourFolder ?? dayFolder)
          }
          let path = "\(hourFolder ?? dayFolder)/part-\(partition)\(late ? ".late" : "").jsonl"
          try OutputFiles.write(text.bytes, to: path)
          written.bytes += text.count
          written.files += 1
        }
      }
    }
    return written
  }

  private func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}

extension DayGenerator {
  /// Appends a bucket's lines, each ended by a newline.
  fileprivate func appendLines(
    of bucket: Int, dayStart: Int, _ formatter: borrowing LineFormatter, to text: inout ByteText
  ) {
    withEntries(bucket) { entries in
      for bits in entries {
        let entry = LineEntry(bits: bits)
        formatter.append(entry, records[entry.event], dayStart: dayStart, to: &text)
        text.append(byte: 0x0A)
      }
    }
  }
}
