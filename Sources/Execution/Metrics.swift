import Bytes
import Glibc
import Synchronization
import Vectors

/// What one operator of a plan did, for EXPLAIN ANALYZE. Counted by all workers.
package final class NodeMetrics: Sendable {
  let rowCounter = Atomic<Int>(0)
  let batchCounter = Atomic<Int>(0)
  let timeCounter = Atomic<Int>(0)
  let byteCounter = Atomic<Int>(0)
  let skippedByteCounter = Atomic<Int>(0)
  let segmentCounter = Atomic<Int>(0)
  let skippedSegmentCounter = Atomic<Int>(0)
  let rowGroupCounter = Atomic<Int>(0)
  let skippedRowGroupCounter = Atomic<Int>(0)
  let spilledCounter = Atomic<Int>(0)
  let memoryCounter = Atomic<Int>(0)
  let codeGroupingFlag = Atomic<Bool>(false)

  /// Rows given to the parent.
  package var rowCount: Int { rowCounter.load(ordering: .relaxed) }
  package var batchCount: Int { batchCounter.load(ordering: .relaxed) }
  /// Time spent in the operator itself, over all threads; zero unless the query was timed.
  package var nanoseconds: Int { timeCounter.load(ordering: .relaxed) }
  /// Encoded bytes of the column blocks that a scan read, and of those it knew it need not.
  package var bytesRead: Int { byteCounter.load(ordering: .relaxed) }
  package var bytesSkipped: Int { skippedByteCounter.load(ordering: .relaxed) }
  package var segmentsRead: Int { segmentCounter.load(ordering: .relaxed) }
  package var segmentsSkipped: Int { skippedSegmentCounter.load(ordering: .relaxed) }
  package var rowGroupsRead: Int { rowGroupCounter.load(ordering: .relaxed) }
  package var rowGroupsSkipped: Int { skippedRowGroupCounter.load(ordering: .relaxed) }
  /// Bytes written to temporary files.
  package var bytesSpilled: Int { spilledCounter.load(ordering: .relaxed) }
  /// Bytes of memory the operator held at its largest.
  package var memoryBytes: Int { memoryCounter.load(ordering: .relaxed) }
  /// True for an aggregation that grouped the codes of stored columns instead of rows.
  package var groupedCodes: Bool { codeGroupingFlag.load(ordering: .relaxed) }

  func countRows(_ rows: Int) {
    rowCounter.add(rows, ordering: .relaxed)
    batchCounter.add(1, ordering: .relaxed)
  }

  /// Counts the rows as if they came in batches.
  func countRows(of columns: any MorselColumns) {
    rowCounter.add(columns.rowCount, ordering: .relaxed)
    batchCounter.add((columns.rowCount + Batch.vectorSize - 1) / Batch.vectorSize, ordering: .relaxed)
  }
}

/// What a whole query did, by the ids of the plan's nodes.
package final class QueryMetrics: Sendable {
  private let nodes: [Int: NodeMetrics]

  init(nodeIDs: some Sequence<Int>) {
    var nodes: [Int: NodeMetrics] = [:]
    for id in nodeIDs { nodes[id] = NodeMetrics() }
    self.nodes = nodes
  }

  /// The operator with `id`; nil when the plan has none.
  package subscript(id: Int) -> NodeMetrics? { nodes[id] }
}

/// Charges a worker's time to the operator it is in: one clock reading at each change of operator.
final class Stopwatch {
  private(set) var current: NodeMetrics?
  private var since: Int64 = 0

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { if let watch = $0 { Unmanaged<Stopwatch>.fromOpaque(watch).release() } }
    return key
  }()

  /// The calling thread's own.
  static var ofThread: Stopwatch {
    if let existing = pthread_getspecific(key) { return Unmanaged.fromOpaque(existing).takeUnretainedValue() }
    let made = Stopwatch()
    pthread_setspecific(key, Unmanaged.passRetained(made).toOpaque())
    return made
  }

  /// Starts to charge `node` and returns what was charged before, to be handed to the next `enter`.
  func enter(_ node: NodeMetrics?) -> NodeMetrics? {
    let now = MachineClock.nanoseconds
    let previous = current
    previous?.timeCounter.add(Int(now &- since), ordering: .relaxed)
    current = node
    since = now
    return previous
  }
}
