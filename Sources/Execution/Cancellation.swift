import Bytes
import Synchronization

/// A flag that asks a running query to stop; set from any thread or from a signal handler, or by the clock.
package final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)
  private let deadline: ContinuousClock.Instant?

  /// With `limit` the query ends once it took so long.
  package init(after limit: Duration? = nil) { deadline = limit.map { ContinuousClock.now + $0 } }

  package func cancel() { flag.store(true, ordering: .relaxed) }

  package var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// - Throws: `.cancelled` (57014) once `cancel` was called or the time is over.
  package func check() throws {
    if isCancelled { throw PulsehouseError(.cancelled, "canceling statement due to user request") }
    if let deadline, ContinuousClock.now >= deadline {
      throw PulsehouseError(.cancelled, "canceling statement due to statement timeout")
    }
  }
}
