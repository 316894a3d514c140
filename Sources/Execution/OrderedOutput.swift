import Glibc
import Vectors

/// Puts the batches of many workers back into morsel order and hands them to one consumer, one at a time.
///
/// A worker whose morsel is not yet due leaves its batches here, up to a bound; beyond that it waits.
final class OrderedOutput: @unchecked Sendable {
  // @unchecked: all state is touched under `lock`; `consumer` is called by one worker at a time.

  private let consumer: (Batch) throws -> Void
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var current = 0
  private var waiting: [Int: [Batch]] = [:]
  private var finished: Set<Int> = []
  private var waitingRows = 0
  private var isConsuming = false
  /// Morsels beyond this one have no turn any more: it failed, or (-1) the consumer did.
  private var lastOrdinal = Int.max

  /// Rows that may wait for their turn before workers do.
  private static let rowLimit = 1 << 20

  init(_ consumer: @escaping (Batch) throws -> Void) {
    self.consumer = consumer
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_mutex_destroy(lock)
    pthread_cond_destroy(changed)
    lock.deallocate()
    changed.deallocate()
  }

  func push(_ batch: Batch, ordinal: Int) throws {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    waiting[ordinal, default: []].append(batch)
    waitingRows += batch.rowCount
    try drain(ordinal, mayWait: true)
  }

  func finish(_ ordinal: Int) throws {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    finished.insert(ordinal)
    pthread_cond_broadcast(changed)
    try drain(ordinal, mayWait: false)
  }

  /// The morsel failed: those after it end, those before it go on, since what they give may make the failure moot.
  func abort(_ ordinal: Int) {
    pthread_mutex_lock(lock)
    lastOrdinal = min(lastOrdinal, ordinal)
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
  }

  /// Consumes what is due; then waits while too much is left and it is not `ordinal`'s turn. Called under the lock.
  private func drain(_ ordinal: Int, mayWait: Bool) throws {
    while true {
      if ordinal > lastOrdinal { throw Aborted() }
      if !isConsuming, let batches = due() {
        isConsuming = true
        pthread_mutex_unlock(lock)
        var failure: (any Error)?
        do { for batch in batches { try consumer(batch) } } catch { failure = error }
        pthread_mutex_lock(lock)
        isConsuming = false
        waitingRows -= batches.reduce(0) { $0 + $1.rowCount }
        pthread_cond_broadcast(changed)
        if let failure {
          lastOrdinal = -1
          throw failure
        }
        continue
      }
      guard mayWait, waitingRows > OrderedOutput.rowLimit, isConsuming || ordinal != current else { return }
      pthread_cond_wait(changed, lock)
    }
  }

  /// Takes the batches whose turn it is; nil when there are none yet.
  private func due() -> [Batch]? {
    while true {
      if let batches = waiting.removeValue(forKey: current), !batches.isEmpty { return batches }
      guard finished.remove(current) != nil else { return nil }
      current += 1
    }
  }
}

/// One worker's end of an `OrderedOutput`.
final class OrderedSink: Sink {
  private let output: OrderedOutput
  private var ordinal = 0

  init(_ output: OrderedOutput) { self.output = output }

  override func begin(ordinal: Int) { self.ordinal = ordinal }
  override func consume(_ batch: Batch) throws { try output.push(batch, ordinal: ordinal) }
  override func end(ordinal: Int) throws { try output.finish(ordinal) }
  override func abort() { output.abort(ordinal) }
}
