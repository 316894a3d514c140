import Modeling
import TestKit
import Testing

@Suite struct ScheduleOfModelsTests {
  /// Any graph, any width, any failures: nothing starts before what it reads is done, no more run than may, whoever is
  /// alone is alone, and in the end each model was done, failed, or lost to a failure.
  @Test(arguments: 1...200)
  func anyGraphIsServed(seed: UInt64) {
    var random = SplitMix(state: seed)
    let count = 1 + random.next(20)
    let width = 1 + random.next(4)
    let upstream = (0..<count).map { model in
      (0..<random.next(4)).compactMap { _ in model == 0 ? nil : random.next(model) }
    }
    var schedule = ModelSchedule(upstream: upstream, width: width)
    var running: Set<Int> = []
    var alone: Set<Int> = []
    var done: Set<Int> = []
    var failed: Set<Int> = []
    var lost: Set<Int> = []
    var notBefore: [Int: Double] = [:]
    var now = 0.0
    for _ in 0..<100_000 {
      switch schedule.next(now: now) {
      case .finished:
        #expect(running.isEmpty, "seed \(seed)")
        #expect(done.count + failed.count + lost.count == count, "seed \(seed)")
        for model in lost {
          #expect(upstream[model].contains { failed.contains($0) || lost.contains($0) }, "seed \(seed)")
        }
        return
      case .start(let model, let share):
        #expect(upstream[model].allSatisfy(done.contains), "seed \(seed)")
        #expect(!done.contains(model) && !lost.contains(model), "seed \(seed)")
        #expect(now >= notBefore[model] ?? 0, "seed \(seed)")
        running.insert(model)
        #expect(running.count <= width && share >= running.count && share <= width, "seed \(seed)")
        if alone.contains(model) { #expect(running == [model] && share == 1, "seed \(seed)") }
        #expect(running.isDisjoint(with: alone) || running.count == 1, "seed \(seed)")
      case .wait(let time):
        guard let model = running.sorted().first(where: { _ in random.next(2) == 0 }) ?? running.first else {
          #expect(time > now && time < .infinity, "seed \(seed)")
          now = time
          continue
        }
        running.remove(model)
        alone.remove(model)
        switch random.next(6) {
        case 0:
          failed.insert(model)
          lost.formUnion(schedule.fail(model))
        case 1:
          notBefore[model] = now + 3
          schedule.retry(model, at: now + 3, isAlone: false)
        case 2:
          alone.insert(model)
          schedule.retry(model, at: now, isAlone: true)
        default:
          done.insert(model)
          schedule.succeed(model)
        }
      }
      if random.next(3) == 0 { now += 1 }
    }
    Issue.record("seed \(seed) never ends")
  }
}
