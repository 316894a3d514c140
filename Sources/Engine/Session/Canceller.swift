import Execution
import Synchronization

/// Stops whatever statements a session and its branches are running; any thread may hold it.
package final class Canceller: Sendable {
  private struct State {
    var running: [Cancellation] = []
    var isStopped = false
  }

  private let state = Mutex(State())

  /// Makes the flag for a statement that begins and may take so long (nil: any time).
  func start(_ limit: Duration? = nil) -> Cancellation {
    let cancellation = Cancellation(after: limit)
    state.withLock { state in
      if state.isStopped { cancellation.cancel() }
      state.running.append(cancellation)
    }
    return cancellation
  }

  func end(_ cancellation: Cancellation) {
    state.withLock { state in state.running.removeAll { $0 === cancellation } }
  }

  /// Asks the running statements, if any, to stop; they end with `.cancelled` within 100 ms.
  package func cancel() {
    state.withLock { state in
      for cancellation in state.running { cancellation.cancel() }
    }
  }

  /// Does the same, and lets no later statement begin.
  package func stop() {
    state.withLock { state in
      state.isStopped = true
      for cancellation in state.running { cancellation.cancel() }
    }
  }

  package var isStopped: Bool { state.withLock { $0.isStopped } }
}
