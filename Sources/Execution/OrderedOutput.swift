import Glibc
import Vectors

/// What workers leave with an `OrderedItems`.
package protocol OrderedItem {
  /// How much of the bound it takes.
  var weight: Int { get }
  /// How much may wait for its turn before workers do.
  static var weightLimit: Int { get }
}

extension Batch: OrderedItem {
  package var weight: Int { rowCount }
  package static var weightLimit: Int { 1 << 20 }
}

typealias OrderedOutput = OrderedItems<Batch>

/// Puts the batches (or other items) of many workers back into morsel order and hands them to one consumer, one at a
/// time.
///
/// A worker whose morsel is not yet due leaves its items here, up to a bound; beyond that it waits.
package final class OrderedItems<Item: OrderedItem>: @unchecked Sendable {
  // @unchecked: all state is touched under `lock`; `consumer` is called by one worker at a time.

  private let consumer: (Item) throws -> Void
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var current = 0
  private var waiting: [Int: [Item]] = [:]
  private var finished: Set<Int> = []
  private var waitingWeight = 0
  private var isConsuming = false
  /// Morsels beyond this one have no turn any more: it failed, or (-1) the consumer did.
  private var lastOrdinal = Int.max

  package init(_ consumer: @escaping (Item) throws -> Void) {
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

  package func push(_ item: Item, ordinal: Int) throws {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    waiting[ordinal, default: []].append(item)
    waitingWeight += item.weight
    try drain(ordinal, mayWait: true)
  }

  package func finish(_ ordinal: Int) throws {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    finished.insert(ordinal)
    pthread_cond_broadcast(changed)
    try drain(ordinal, mayWait: false)
  }

  /// The morsel failed: those after it end, those before it go on, since what they give may make the failure moot.
  package func abort(_ ordinal: Int) {
    pthread_mutex_lock(lock)
    lastOrdinal = min(lastOrdinal, ordinal)
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
  }

  /// Consumes what is due; then waits while too much is left and it is not `ordinal`'s turn. Called under the lock.
  private func drain(_ ordinal: Int, mayWait: Bool) throws {
    while true {
      if ordinal > lastOrdinal { throw Aborted() }
      if !isConsuming, let items = due() {
        isConsuming = true
        pthread_mutex_unlock(lock)
        var failure: (any Error)?
        do { for item in items { try consumer(item) } } catch { failure = error }
        pthread_mutex_lock(lock)
        isConsuming = false
        waitingWeight -= items.reduce(0) { $0 + $1.weight }
        pthread_cond_broadcast(changed)
        if let failure {
          lastOrdinal = -1
          throw failure
        }
        continue
      }
      guard mayWait, waitingWeight > Item.weightLimit, isConsuming || ordinal != current else { return }
      pthread_cond_wait(changed, lock)
    }
  }

  /// Takes the items whose turn it is; nil when there are none yet.
  private func due() -> [Item]? {
    while true {
      if let items = waiting.removeValue(forKey: current), !items.isEmpty { return items }
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

/// Makes something of a thread's rows before they are put in order, morsel by morsel. One thread.
package protocol RowStage: AnyObject {
  associatedtype Item: OrderedItem

  /// Takes the next rows of a morsel and returns what is ready. - Throws: stops the query.
  func take(_ batch: Batch) throws -> [Item]
  /// Returns what is left of the morsel; the next rows are of another. - Throws: stops the query.
  func endMorsel() throws -> [Item]
}

/// One worker's end of an `OrderedItems` whose items a stage makes.
final class StagedSink<Stage: RowStage>: Sink {
  private let stage: Stage
  private let output: OrderedItems<Stage.Item>
  private var ordinal = 0

  init(_ stage: Stage, _ output: OrderedItems<Stage.Item>) {
    self.stage = stage
    self.output = output
  }

  override func begin(ordinal: Int) { self.ordinal = ordinal }

  override func consume(_ batch: Batch) throws {
    for item in try stage.take(batch) { try output.push(item, ordinal: ordinal) }
  }

  override func end(ordinal: Int) throws {
    for item in try stage.endMorsel() { try output.push(item, ordinal: ordinal) }
    try output.finish(ordinal)
  }

  override func abort() { output.abort(ordinal) }
}
