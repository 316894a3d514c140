import Kernels
import Vectors

/// Sends rows to disk by the hash of their keys: a run for each value of the hash's top bits. For one thread.
final class SpillPartitions {
  private(set) var runs: [SpillRun] = []
  let bits: Int
  private let run: QueryRun
  private let keyCount: Int
  private var pending: [Batch] = []
  private var size = BatchSize()
  /// Bytes of rows that wait in memory to be sorted out.
  private(set) var byteCount = 0

  private let mostPendingBytes: Int

  /// Rows have their keys in the first `keyCount` columns.
  init(_ run: QueryRun, keyCount: Int, bits: Int) {
    self.run = run
    self.keyCount = keyCount
    self.bits = bits
    mostPendingBytes = min(8 << 20, run.context.budget.limit / 8 / run.threadCount)
  }

  func append(_ batch: Batch) throws {
    pending.append(batch)
    byteCount += size.byteCount(batch)
    if byteCount >= mostPendingBytes { try write() }
  }

  /// Makes the runs, of rows of `types`.
  func open(_ types: [LogicalType]) throws {
    guard runs.isEmpty else { return }
    let file = try run.spillFile()
    runs = (0..<(1 << bits)).map { _ in SpillRun(file, types: types) }
  }

  /// Writes all rows that wait.
  func write() throws {
    guard let first = pending.first else { return }
    let types = first.columns.map { $0.type }
    try open(types)
    try run.checkpoint()
    let all = Concat.batches(pending, types: types)
    pending.removeAll()
    byteCount = 0
    let hashes = Hash.rows(Array(all.columns[..<keyCount]), count: all.rowCount)
    let shift = UInt64(64 - bits)
    var starts = [Int](repeating: 0, count: runs.count + 1)
    for hash in hashes { starts[Int(truncatingIfNeeded: hash >> shift) + 1] += 1 }
    for partition in runs.indices { starts[partition + 1] += starts[partition] }
    var next = starts
    var order = [UInt32](repeating: 0, count: all.rowCount)
    for (row, hash) in hashes.enumerated() {
      let partition = Int(truncatingIfNeeded: hash >> shift)
      order[next[partition]] = UInt32(truncatingIfNeeded: row)
      next[partition] += 1
    }
    let sorted = order.withUnsafeBufferPointer { Gather.rows(all, at: $0) }
    for (partition, run) in runs.enumerated() where starts[partition] < starts[partition + 1] {
      try run.append(sorted.slice(starts[partition]..<starts[partition + 1]))
      try run.write()
    }
  }
}

/// The rows whose keys' hash begins with some bits: a partition, or a part of one that does not fit memory.
struct HashPart {
  let partition: Int
  let bits: Int
  private let value: UInt64

  /// Nothing is split more finely than into parts of so many bits.
  static let finestBits = 40

  /// A whole partition.
  init(partition: Int, bits: Int) {
    self.init(partition: partition, bits: bits, value: UInt64(partition))
  }

  private init(partition: Int, bits: Int, value: UInt64) {
    self.partition = partition
    self.bits = bits
    self.value = value
  }

  /// The parts that this one is made of.
  var parts: [HashPart] {
    (0..<16).map { HashPart(partition: partition, bits: bits + 4, value: value << 4 | $0) }
  }

  func holds(_ hash: UInt64) -> Bool { hash >> UInt64(64 - bits) == value }

  /// Returns the rows of the part among a partition's; their keys are the first `keyCount` columns.
  func rows(of batch: Batch, keyCount: Int) -> Batch {
    let hashes = Hash.rows(Array(batch.columns[..<keyCount]), count: batch.rowCount)
    let rows = hashes.indices.filter { holds(hashes[$0]) }.map { UInt32(truncatingIfNeeded: $0) }
    return rows.count == batch.rowCount ? batch : Gather.rows(batch, SelectionVector(rows))
  }
}
