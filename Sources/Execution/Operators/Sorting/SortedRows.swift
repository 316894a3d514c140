import Bytes
import Kernels
import Planning
import Synchronization
import Vectors

/// What a sort has of its input.
enum SortInput {
  case kept(SortedRows)
  case spilled(SpilledRows)
}

/// All rows of an input, stored, and in buckets by the high bits of their sort keys: a bucket comes before the next
/// one, and whoever wants its rows sorts it by itself. Rows of equal keys keep the input's order.
final class SortedRows: @unchecked Sendable {
  // @unchecked: after init a bucket is written by the one worker that sorts it, and nothing else is.

  let store: RowStore
  let columns: StoredColumns
  private let packing: SortKeyPacking
  /// The first word of each row's key, and its number in the store, by bucket.
  private let keys: AlignedBuffer
  private let numbers: AlignedBuffer
  private let bucketStarts: [Int]
  /// The place of each chunk's first row among all rows.
  private let chunkStarts: [Int]
  /// Where the bits of the first key columns begin in a key, when all of them are in its first word.
  private let partitionShift: Int?
  let reservation: MemoryReservation
  /// For each of the input's morsels that has rows, how many rows lie before it.
  let firstRows: [Int: Int]
  private let run: QueryRun

  private static let mostBucketBits = 11
  private static let bucketRows = 2048

  var rowCount: Int { store.rowCount }

  /// Runs `input` to its end, and returns its rows: stored, or in runs on disk where memory does not hold them.
  ///
  /// `partitionCount`: the rows of one bucket (or part) and those of another differ in the first so many keys; nil when
  /// rows may be parted anywhere.
  static func collect(
    _ input: Operator, _ columns: StoredColumns, orders: [SortOrder], partitionCount: Int?, for purpose: String
  ) throws -> SortInput {
    let run = input.run
    let pools = columns.types.map { $0.physical == .string ? StringPool($0) : nil }
    let spill = try SortSpill(input, columns, orders: orders, partitionCount: partitionCount, for: purpose)
    let sinks = try Pipeline.run(input) { _ in RowCollector(spill, pools: pools) }
    let entries = pools.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    let reservation = run.reservation(for: purpose)
    if !spill.isOnDisk, reservation.tryResize(to: entries) {
      for sink in sinks {
        let byteCount = sink.reservation.byteCount
        try sink.reservation.resize(to: 0)
        try reservation.add(byteCount)
      }
      return .kept(
        try SortedRows(spill, sinks, pools, reservation, orders: orders, partitionCount: partitionCount))
    }
    let runs = Box([[SortedRun]](repeating: [], count: sinks.count))
    let lock = Mutex(())
    let stored = Box(sinks)
    try WorkerPool.shared.forEach(count: sinks.count, threads: run.threadCount) { index, _ in
      let made = try stored.value[index].moveToDisk(pools: pools)
      lock.withLock { _ in runs.value[index] = made }
    }
    return .spilled(try SpilledRows(spill, runs.value.flatMap { $0 }))
  }

  private init(
    _ spill: SortSpill, _ sinks: [RowCollector], _ pools: [StringPool?],
    _ reservation: MemoryReservation, orders: [SortOrder], partitionCount: Int?
  ) throws {
    let (run, columns, layout) = (spill.run, spill.columns, spill.layout)
    self.run = run
    self.columns = columns
    self.reservation = reservation
    var bounds = columns.keyColumns.map { SortKeyBounds(columns.types[$0]) }
    var hasNulls = columns.types.map { _ in false }
    for sink in sinks {
      for index in bounds.indices { bounds[index].merge(sink.bounds[index]) }
      for index in hasNulls.indices where sink.writer.hasNulls[index] { hasNulls[index] = true }
    }
    let stored = sinks.flatMap { $0.morsels }.sorted { $0.ordinal < $1.ordinal }
    var firstOfMorsel: [Int: Int] = [:]
    var rowsBefore = 0
    for morsel in stored {
      firstOfMorsel[morsel.ordinal] = rowsBefore
      rowsBefore += morsel.chunks.reduce(0) { $0 + $1.rowCount }
    }
    self.firstRows = firstOfMorsel
    let chunks = stored.flatMap { $0.chunks }
    let store = RowStore(layout, chunks, hasNulls: hasNulls, pools: pools)
    self.store = store
    let count = store.rowCount
    // The collectors have reserved a key and a number by row and by bucket.
    let storedBytes = max(0, reservation.byteCount - count * SortSpill.pairBytes)
    let packing = SortKeyPacking(bounds, orders: orders, pools: columns.keyColumns.map { pools[$0] })
    self.packing = packing

    let words = packing.wordBits.first ?? 0
    let leading = packing.leadingBits(partitionCount ?? columns.keyColumns.count)
    partitionShift = leading.isWhole ? (words == 0 ? 64 : words - leading.bits) : nil
    var wanted = 0
    while wanted < SortedRows.mostBucketBits, count >> wanted > SortedRows.bucketRows { wanted += 1 }
    let bits = min(wanted, partitionCount == nil ? words : leading.bits)
    let bucketCount = 1 << bits
    let shift = words - bits

    // Keys by row, and how many of each task's rows a bucket gets.
    let byRow = AlignedBuffer(byteCount: count * 8)
    var firstOfChunk: [Int] = [0]
    for chunk in chunks { firstOfChunk.append(firstOfChunk[firstOfChunk.count - 1] + chunk.rowCount) }
    let starts = firstOfChunk
    chunkStarts = starts
    let tasks = SortedRows.tasks(chunks, run.threadCount)
    let counts = AlignedBuffer(byteCount: max(tasks.count, 1) * bucketCount * 8, zeroed: true)
    let keyColumns = columns.keyColumns
    let firstColumns = packing.wordCount > 0 ? packing.columns(ofWord: 0).map { keyColumns[$0] } : []
    try WorkerPool.shared.forEach(count: tasks.count, threads: run.threadCount) { task, _ in
      for chunk in tasks[task] {
        try run.checkpoint()
        let target = byRow.values(as: UInt64.self) + starts[chunk]
        let size = chunks[chunk].rowCount
        var row = 0
        while row < size, packing.wordCount > 0 {
          let end = min(row + Batch.vectorSize, size)
          let rows = store.rows(chunk: chunk, row..<end)
          packing.encode(
            word: 0, firstColumns.map { store.keyColumn($0, of: rows) }, count: end - row, into: target + row)
          row = end
        }
        if bits > 0 {
          BucketSort.count(
            UnsafePointer(target), size, shift: shift, into: counts.values(as: Int.self) + task * bucketCount)
        }
      }
    }
    numbers = AlignedBuffer(byteCount: count * 4)
    if bits == 0 {
      keys = byRow
      bucketStarts = [0, count]
      for chunk in chunks.indices {
        let number = numbers.values(as: UInt32.self) + starts[chunk]
        let first = UInt32(chunk << RowStore.chunkBits)
        for row in 0..<chunks[chunk].rowCount { number[row] = first &+ UInt32(truncatingIfNeeded: row) }
      }
    } else {
      keys = AlignedBuffer(byteCount: count * 8)
      let place = counts.values(as: Int.self)
      var bucketStarts: [Int] = []
      var sum = 0
      for bucket in 0..<bucketCount {
        bucketStarts.append(sum)
        for task in tasks.indices {
          let size = place[task * bucketCount + bucket]
          place[task * bucketCount + bucket] = sum
          sum += size
        }
      }
      bucketStarts.append(sum)
      self.bucketStarts = bucketStarts
      let (keys, numbers) = (self.keys, self.numbers)
      try WorkerPool.shared.forEach(count: tasks.count, threads: run.threadCount) { task, _ in
        for chunk in tasks[task] {
          try run.checkpoint()
          BucketSort.scatter(
            UnsafePointer(byRow.values(as: UInt64.self) + starts[chunk]), chunks[chunk].rowCount,
            firstNumber: UInt32(chunk << RowStore.chunkBits), shift: shift,
            counts.values(as: Int.self) + task * bucketCount, keys.values(as: UInt64.self),
            numbers.values(as: UInt32.self))
        }
      }
      try reservation.resize(to: storedBytes + count * 12)
    }
  }

  /// Runs of chunks of about equal size.
  private static func tasks(_ chunks: [RowChunk], _ threads: Int) -> [Range<Int>] {
    let total = chunks.reduce(0) { $0 + $1.rowCount }
    let wanted = max(total / max(threads * 4, 1), RowStore.chunkRows)
    var tasks: [Range<Int>] = []
    var (start, size) = (0, 0)
    for index in chunks.indices {
      size += chunks[index].rowCount
      if size >= wanted {
        tasks.append(start..<index + 1)
        (start, size) = (index + 1, 0)
      }
    }
    if start < chunks.count { tasks.append(start..<chunks.count) }
    return tasks
  }

  /// Runs of buckets of at least `rows` rows together.
  func morsels(of rows: Int) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var start = 0
    for bucket in 0..<bucketStarts.count - 1 where bucketStarts[bucket + 1] - bucketStarts[start] >= rows {
      result.append(start..<bucket + 1)
      start = bucket + 1
    }
    if start < bucketStarts.count - 1, bucketStarts[start] < rowCount { result.append(start..<bucketStarts.count - 1) }
    return result
  }

  func rows(of buckets: Range<Int>) -> Range<Int> {
    bucketStarts[buckets.lowerBound]..<bucketStarts[buckets.upperBound]
  }

  /// Sorts some buckets, once. Their rows' numbers are then at `sortedNumbers`.
  func sort(_ buckets: Range<Int>, _ sorter: PairSorter) throws {
    for bucket in buckets {
      let range = bucketStarts[bucket]..<bucketStarts[bucket + 1]
      if range.count > SortedRows.bucketRows { try run.checkpoint() }
      let key = keys.values(as: UInt64.self) + range.lowerBound
      let number = numbers.values(as: UInt32.self) + range.lowerBound
      guard let bits = packing.wordBits.first else {
        if !packing.isExact { try settle([0..<range.count], word: 0, nil, number, sorter) }
        continue
      }
      sorter.sort(key, number, count: range.count, bits: bits)
      if packing.wordCount > 1 || !packing.isExact {
        try settle(SortedRows.ties(key, [0..<range.count]), word: 1, key, number, sorter)
      }
    }
  }

  /// Runs of equal keys of two rows or more within `runs`.
  private static func ties(_ keys: UnsafePointer<UInt64>, _ runs: [Range<Int>]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for run in runs {
      var start = run.lowerBound
      var row = start + 1
      while row <= run.upperBound {
        if row == run.upperBound || keys[row] != keys[start] {
          if row - start > 1 { result.append(start..<row) }
          start = row
        }
        row += 1
      }
    }
    return result
  }

  /// Sorts each of `runs`, whose rows the words before `word` do not tell apart.
  private func settle(
    _ runs: [Range<Int>], word: Int, _ keys: UnsafeMutablePointer<UInt64>?, _ numbers: UnsafeMutablePointer<UInt32>,
    _ sorter: PairSorter
  ) throws {
    if runs.isEmpty { return }
    // The rows of all runs behind one another.
    let total = runs.reduce(0) { $0 + $1.count }
    let packed = AlignedBuffer(byteCount: total * 4)
    let number = packed.values(as: UInt32.self)
    var packedRuns: [Range<Int>] = []
    var next = 0
    for run in runs {
      (number + next).update(from: numbers + run.lowerBound, count: run.count)
      packedRuns.append(next..<next + run.count)
      next += run.count
    }
    let rows = store.rows(number, count: total)
    if word < packing.wordCount {
      let words = AlignedBuffer(byteCount: total * 8)
      let key = words.values(as: UInt64.self)
      let columns = packing.columns(ofWord: word).map { store.keyColumn(self.columns.keyColumns[$0], of: rows) }
      packing.encode(word: word, columns, count: total, into: key)
      for run in packedRuns {
        sorter.sort(
          key + run.lowerBound, number + run.lowerBound, count: run.count, bits: packing.wordBits[word])
      }
      if word + 1 < packing.wordCount || !packing.isExact {
        try settle(SortedRows.ties(key, packedRuns), word: word + 1, key, number, sorter)
      }
    } else {
      let rest = packing.exactColumns..<columns.keyColumns.count
      let vectors = rest.map { store.column(columns.keyColumns[$0], of: rows) }
      let comparator = RowComparator(vectors, orders: rest.map { packing.orders[$0] })
      for run in packedRuns {
        let order = run.sorted { left, right in
          let result = comparator.compare(left, right)
          return result != 0 ? result < 0 : left < right
        }
        let before = Array(UnsafeBufferPointer(start: number, count: total))
        for (place, from) in zip(run, order) { number[place] = before[from] }
      }
    }
    for (run, packedRun) in zip(runs, packedRuns) {
      (numbers + run.lowerBound).update(from: number + packedRun.lowerBound, count: run.count)
    }
  }

  /// The places in the input's order of `count` rows that are named by number.
  func places(_ numbers: UnsafePointer<UInt32>, count: Int) -> [UInt32] {
    chunkStarts.withUnsafeBufferPointer { starts in
      [UInt32](unsafeUninitializedCapacity: count) { places, used in
        var row = 0
        while row < count {
          let number = Int(numbers[row])
          places[row] = UInt32(
            truncatingIfNeeded: starts[number >> RowStore.chunkBits] &+ (number & (RowStore.chunkRows &- 1)))
          row &+= 1
        }
        used = count
      }
    }
  }

  /// The numbers of rows, in order where their buckets are sorted.
  func sortedNumbers(_ range: Range<Int>) -> UnsafePointer<UInt32> {
    UnsafePointer(numbers.values(as: UInt32.self) + range.lowerBound)
  }

  /// Marks by 1 the rows of sorted buckets that begin a partition: differ in the first key columns from the row before.
  /// Nil when the keys alone do not tell.
  func partitionStarts(_ range: Range<Int>) -> [UInt8]? {
    guard let partitionShift else { return nil }
    let shift = UInt64(partitionShift)
    let key = UnsafePointer(keys.values(as: UInt64.self) + range.lowerBound)
    return [UInt8](unsafeUninitializedCapacity: range.count) { buffer, used in
      used = range.count
      guard let flags = buffer.baseAddress, range.count > 0 else { return }
      flags[0] = 1
      var row = 1
      if shift >= 64 {
        (flags + 1).update(repeating: 0, count: range.count - 1)
        return
      }
      while row < range.count {
        flags[row] = key[row] &>> shift != key[row &- 1] &>> shift ? 1 : 0
        row &+= 1
      }
    }
  }
}
