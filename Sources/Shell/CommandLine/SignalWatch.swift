import Glibc
import Synchronization

/// Ctrl-C and SIGTERM as calls: the first asks the running work to stop, a second one ends the process.
package enum SignalWatch {
  private static let handler = Mutex<(@Sendable () -> Void)?>(nil)
  private static let count = Atomic<Int>(0)

  /// Calls `body` on a thread of its own at the first SIGINT or SIGTERM, and again at each later one that comes after
  /// `reset`. Without a `reset` in between the second signal ends the process with exit code 130.
  package static func onInterrupt(_ body: @escaping @Sendable () -> Void) {
    let isFirst = handler.withLock { handler in
      let isFirst = handler == nil
      handler = body
      return isFirst
    }
    guard isFirst else { return }
    // Signals are taken by one thread that waits for them, so the handler may do anything a thread may.
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { _ in
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        while true {
          var signal: Int32 = 0
          guard sigwait(&set, &signal) == 0 else { continue }
          if SignalWatch.count.add(1, ordering: .relaxed).newValue > 1 { _exit(130) }
          SignalWatch.handler.withLock { $0 }?()
        }
      }, nil)
    pthread_detach(thread)
  }

  /// Says that the work was stopped as asked, so the next signal is a first one again.
  package static func reset() { count.store(0, ordering: .relaxed) }
}
