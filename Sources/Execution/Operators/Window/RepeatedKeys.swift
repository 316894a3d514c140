import Kernels
import Planning
import Synchronization
import Vectors

/// Finds the rows that may repeat a key, where few do. No row is held but six bytes of each.
///
/// Hashes of the keys are laid out by partitions (`HashPiece`); partition by partition, rows whose hashes agree are found.
/// Where memory does not hold the hashes of all rows, they are taken in shares, a reading of the keys each.
final class RepeatedKeys {
  /// More readings of the keys than these cost more than to sort on disk.
  private static let mostShareBits = 4
  /// Rows of a partition, so that its table stays in the cache.
  private static let partitionRows = 1 << 15
  /// Bytes of a row while it is looked for: what a piece holds of it, and its flag.
  private static let rowBytes = 7

  private let run: QueryRun
  private let keys: Operator
  private let partition: [CompiledExpression]
  private let morselCount: Int
  private let shareBits: Int
  private let share: Int
  private let partitionBits: Int
  private let most: Int
  /// Rows of each morsel.
  private var sizes: [Int] = []

  /// - Throws: `FirstRows.Unsuited` when too many rows repeat a key, or memory does not hold what is needed.
  static func find(_ windowing: Windowing, _ keys: Operator, _ morselCount: Int, _ most: Int) throws
    -> FirstRows.FoundRows
  {
    let budget = keys.run.context.budget
    var shareBits = 0
    while most * rowBytes >> shareBits > budget.limit / 2 - budget.reserved {
      shareBits += 1
      if shareBits > mostShareBits { throw FirstRows.Unsuited() }
    }
    var result = FirstRows.FoundRows()
    for share in 0..<1 << shareBits {
      let search = try RepeatedKeys(windowing, keys, morselCount, most, shareBits: shareBits, share: share)
      result.rows += try search.find()
      guard share == 0 || search.sizes == result.sizes, result.rows.count <= mostRepeated(most) else {
        throw FirstRows.Unsuited()
      }
      result.sizes = search.sizes
    }
    return result
  }

  /// Rows, of so many, that may repeat a key: these are read once more, and held.
  private static func mostRepeated(_ rowCount: Int) -> Int { max(rowCount / 4, 1 << 14) }

  private init(
    _ windowing: Windowing, _ keys: Operator, _ morselCount: Int, _ most: Int, shareBits: Int, share: Int
  ) throws {
    run = keys.run
    self.keys = keys
    partition = try windowing.partition.map { try CompiledExpression($0, input: keys.columns) }
    self.morselCount = morselCount
    self.most = most
    self.shareBits = shareBits
    self.share = share
    var bits = 1
    while bits < 16, most >> (shareBits + bits) > RepeatedKeys.partitionRows { bits += 1 }
    partitionBits = bits
  }

  /// A piece, and which rows it speaks of: from a place on, those of a morsel from a row on.
  private struct Piece {
    let hashes: HashPiece
    let stretches: [(place: Int, morsel: Int, row: Int)]
  }

  /// What one thread reads.
  private final class Reader {
    let input: OperatorWorker
    let builder: HashPieceBuilder
    let reservation: MemoryReservation
    var pieces: [Piece] = []
    var stretches: [(place: Int, morsel: Int, row: Int)] = []

    init(_ search: RepeatedKeys) throws {
      input = try search.keys.makeWorker()
      builder = HashPieceBuilder(
        shareBits: search.shareBits, share: search.share, partitionBits: search.partitionBits)
      reservation = search.run.reservation(for: "window functions")
      guard reservation.tryResize(to: builder.byteCount) else { throw FirstRows.Unsuited() }
    }

    func finish() throws {
      defer { stretches = [] }
      guard let made = builder.finish() else { return }
      pieces.append(Piece(hashes: made, stretches: stretches))
      let bytes = made.byteCount + stretches.count * 24
      guard reservation.tryResize(to: reservation.byteCount + bytes) else { throw FirstRows.Unsuited() }
    }
  }

  private func find() throws -> [(morsel: Int, row: Int)] {
    let readers = Box([Reader?](repeating: nil, count: run.threadCount))
    let sizes = Box([Int](repeating: 0, count: morselCount))
    let lock = Mutex(())
    let search = Box(self)
    try WorkerPool.shared.forEach(count: morselCount, threads: run.threadCount) { morsel, slot in
      let this = search.value
      try this.run.checkpoint()
      let reader = try lock.withLock { _ in
        let reader = try readers.value[slot] ?? Reader(this)
        readers.value[slot] = reader
        return Box(reader)
      }
      let size = try this.read(morsel, reader.value)
      lock.withLock { _ in sizes.value[morsel] = size }
    }
    self.sizes = sizes.value
    let all = readers.value.compactMap { $0 }
    for reader in all { try reader.finish() }
    let pieces = all.flatMap { $0.pieces }
    let hashes = pieces.map { $0.hashes }
    let found = Box([[UInt64]](repeating: [], count: run.threadCount))
    let finders = Box((0..<run.threadCount).map { _ in RepeatedHashes() })
    try WorkerPool.shared.forEach(count: 1 << partitionBits, threads: run.threadCount) { [run, most] partition, slot in
      try run.checkpoint()
      var rows: [UInt64] = []
      finders.value[slot].find(in: hashes, partition: partition, into: &rows)
      if rows.isEmpty { return }
      let mine = Box(rows)
      let count = lock.withLock { _ in
        found.value[slot] += mine.value
        return found.value[slot].count
      }
      if count > RepeatedKeys.mostRepeated(most) { throw FirstRows.Unsuited() }
    }
    return found.value.joined().map { number in
      let piece = pieces[Int(number >> 16)]
      let place = Int(number & 0xFFFF)
      var (low, high) = (0, piece.stretches.count)
      while high - low > 1 {
        let middle = (low + high) / 2
        if piece.stretches[middle].place <= place { low = middle } else { high = middle }
      }
      let stretch = piece.stretches[low]
      return (stretch.morsel, stretch.row + place - stretch.place)
    }
  }

  /// Reads a morsel's keys and returns the number of its rows.
  private func read(_ morsel: Int, _ reader: Reader) throws -> Int {
    var row = 0
    reader.stretches.append((reader.builder.rowCount, morsel, 0))
    try reader.input.run(phase: 0, morsel: morsel) { batch in
      if reader.builder.rowCount + batch.rowCount > HashPiece.mostRows {
        try reader.finish()
        reader.stretches.append((0, morsel, row))
      }
      let values = try partition.map { try $0.evaluate(batch, run.evaluation) }
      reader.builder.append(values, count: batch.rowCount)
      row += batch.rowCount
    }
    return row
  }
}
