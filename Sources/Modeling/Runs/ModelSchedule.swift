/// Which model of a run is next: each after those it reads, independent ones side by side.
///
/// It knows no models but their numbers, and no clock but the times it is told, so that tests can ask it anything.
package struct ModelSchedule {
  private enum State: Hashable {
    case waiting(for: Int)
    /// Nothing happens before the time; `isAlone` wants no other beside it.
    case ready(notBefore: Double, isAlone: Bool)
    case running(isAlone: Bool)
    case done
    case failed
    /// Of the model that failed first.
    case skipped(because: Int)
  }

  package enum Next: Hashable {
    /// `share` is how many may run now or soon beside each other, this one included.
    case start(Int, share: Int)
    /// Something may be there at this time, or as soon as a model ends.
    case wait(until: Double)
    case finished
  }

  private var states: [State]
  private let readers: [[Int]]
  private let width: Int

  /// - Parameter upstream: for each model the numbers of those it reads, all lower than its own.
  /// - Parameter width: how many may run at once.
  package init(upstream: [[Int]], width: Int) {
    var readers = [[Int]](repeating: [], count: upstream.count)
    for (model, names) in upstream.enumerated() {
      for name in Set(names) { readers[name].append(model) }
    }
    self.readers = readers
    self.width = max(1, width)
    states = upstream.map { $0.isEmpty ? .ready(notBefore: 0, isAlone: false) : .waiting(for: Set($0).count) }
  }

  /// Says what a thread without work does at the time `now`.
  package mutating func next(now: Double) -> Next {
    var runningCount = 0
    var mustWait = false
    var ready: [Int] = []
    var earliest = Double.infinity
    var isFinished = true
    var wantsToBeAlone: Int?
    for (model, state) in states.enumerated() {
      switch state {
      case .waiting: isFinished = false
      case .ready(let notBefore, let isAlone):
        isFinished = false
        if notBefore > now {
          earliest = min(earliest, notBefore)
        } else if isAlone {
          wantsToBeAlone = wantsToBeAlone ?? model
        } else {
          ready.append(model)
        }
      case .running(let isAlone):
        isFinished = false
        runningCount += 1
        mustWait = mustWait || isAlone
      case .done, .failed, .skipped: break
      }
    }
    if isFinished { return .finished }
    if mustWait || runningCount >= width { return .wait(until: .infinity) }
    if let model = ready.first {
      states[model] = .running(isAlone: false)
      return .start(model, share: min(width, runningCount + ready.count))
    }
    // It comes when nothing else can: whatever runs beside it would take its memory again.
    if let model = wantsToBeAlone, runningCount == 0 {
      states[model] = .running(isAlone: true)
      return .start(model, share: 1)
    }
    return .wait(until: earliest)
  }

  /// Those that read the model and wait for nothing else may start.
  package mutating func succeed(_ model: Int) {
    states[model] = .done
    for reader in readers[model] {
      guard case .waiting(let count) = states[reader] else { continue }
      states[reader] = count == 1 ? .ready(notBefore: 0, isAlone: false) : .waiting(for: count - 1)
    }
  }

  /// The model is tried again, at `time` or later.
  package mutating func retry(_ model: Int, at time: Double, isAlone: Bool) {
    states[model] = .ready(notBefore: time, isAlone: isAlone)
  }

  /// The model and all that depend on it are not built. Returns those that depend on it and were not known to be lost.
  package mutating func fail(_ model: Int) -> [Int] {
    states[model] = .failed
    var lost: [Int] = []
    var reached = [model]
    while let next = reached.popLast() {
      for reader in readers[next] {
        guard case .waiting = states[reader] else { continue }
        states[reader] = .skipped(because: model)
        lost.append(reader)
        reached.append(reader)
      }
    }
    return lost.sorted()
  }

  /// Nothing more is started.
  package mutating func stop() {
    for (model, state) in states.enumerated() {
      switch state {
      case .waiting, .ready: states[model] = .skipped(because: model)
      default: break
      }
    }
  }
}
