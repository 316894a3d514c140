import Bytes
import Synchronization

/// A flag that asks a running query to stop; set from any thread or from a signal handler.
package final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  package init() {}

  package func cancel() { flag.store(true, ordering: .relaxed) }

  package var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// - Throws: `.cancelled` (57014) once `cancel` was called.
  package func check() throws {
    if isCancelled { throw PulsehouseError(.cancelled, "canceling statement due to user request") }
  }
}
