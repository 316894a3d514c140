import Bytes
import Kernels
import Vectors

/// The rows that one worker of a partitioned scan aggregation has read: slots and measured values, laid out by partition.
///
/// Rows are staged until there is a row group or so of them, then become a piece: of each column the rows of partition
/// 0, then those of partition 1, and so on, slots in 16 bits and values in as few bytes as their range needs.
final class CodeRows {
  /// Rows by partition: those of partition `p` are `starts[p]..<starts[p + 1]`.
  struct Piece {
    let starts: AlignedBuffer
    let slots: AlignedBuffer
    let values: [AlignedBuffer]
    /// For measures with NULLs: 1 for rows that have a value.
    let flags: [AlignedBuffer?]

    var byteCount: Int {
      starts.byteCount + slots.byteCount + values.reduce(0) { $0 + $1.byteCount }
        + flags.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    }
  }

  private let plan: ScanAggregatePlan
  private let shift: Int
  let reservation: MemoryReservation
  private let widths: [Int]
  private let staged: AlignedBuffer
  private let stagedValues: [AlignedBuffer]
  private let stagedFlags: [AlignedBuffer?]
  private let places: AlignedBuffer
  private var count = 0
  private(set) var pieces: [Piece] = []

  /// Rows of a piece: more make longer stretches of a partition, fewer stay in the cache while they are laid out.
  private static let pieceRows = 1 << 17
  private static let capacity = pieceRows + ScanAggregateWorker.chunkRows

  init(_ plan: ScanAggregatePlan, shift: Int, _ reservation: MemoryReservation) {
    self.plan = plan
    self.shift = shift
    self.reservation = reservation
    widths = plan.measures.map { $0.shape.offsetWidth }
    staged = AlignedBuffer(byteCount: CodeRows.capacity * 4)
    stagedValues = widths.map { AlignedBuffer(byteCount: CodeRows.capacity * $0) }
    stagedFlags = plan.measures.map { $0.isNullable ? AlignedBuffer(byteCount: CodeRows.capacity) : nil }
    places = AlignedBuffer(byteCount: CodeRows.capacity * 4)
  }

  /// Takes the slots of at most `ScanAggregateWorker.chunkRows` rows; their values follow by `setValues`, then `advance`.
  func setSlots(_ slots: UnsafePointer<UInt32>, count: Int) {
    (staged.values(as: UInt32.self) + self.count).update(from: slots, count: count)
  }

  /// Takes the values of a measure, as offsets of 32 bits; nil where all are NULL.
  func setValues(_ measure: Int, _ offsets: UnsafePointer<UInt32>?, count: Int, _ validity: ValidityMask?) {
    let width = widths[measure]
    let target = stagedValues[measure].base + self.count * width
    if let offsets {
      DensePartitions.store(offsets, count: count, width: width, into: target)
    } else {
      target.initializeMemory(as: UInt8.self, repeating: 0, count: count * width)
    }
    setFlags(measure, isNull: offsets == nil, count: count, validity)
  }

  /// The same of a measure that needs 64 bits.
  func setWideValues(_ measure: Int, _ offsets: UnsafePointer<UInt64>, count: Int, _ validity: ValidityMask?) {
    (stagedValues[measure].values(as: UInt64.self) + self.count).update(from: offsets, count: count)
    setFlags(measure, isNull: false, count: count, validity)
  }

  private func setFlags(_ measure: Int, isNull: Bool, count: Int, _ validity: ValidityMask?) {
    guard let flags = stagedFlags[measure]?.values(as: UInt8.self) else { return }
    if let validity, !isNull {
      DensePartitions.unpack(validity.words, count: count, into: flags + self.count)
    } else {
      (flags + self.count).update(repeating: isNull ? 0 : 1, count: count)
    }
  }

  /// - Throws: `UnsuitedBlock` when memory does not hold the rows.
  func advance(by count: Int) throws {
    self.count += count
    if self.count >= CodeRows.pieceRows { try finishPiece() }
  }

  /// Makes a piece of the rows that are staged.
  func finishPiece() throws {
    if count == 0 { return }
    let slots = staged.values(as: UInt32.self)
    let partitionCount = plan.partitionCount
    let starts = AlignedBuffer(byteCount: (partitionCount + 1) * 4, zeroed: true)
    // Counted one place further on: while rows are placed, the start of a partition moves to its end.
    let next = starts.values(as: UInt32.self)
    DensePartitions.count(slots, count: count, shift: shift, into: next + 1)
    for partition in 0..<partitionCount { next[partition + 1] &+= next[partition] }
    let local = AlignedBuffer(byteCount: count * 2)
    DensePartitions.place(
      slots, count: count, shift: shift, next: next, into: places.values(as: UInt32.self),
      local: local.values(as: UInt16.self))
    for partition in stride(from: partitionCount, to: 0, by: -1) { next[partition] = next[partition - 1] }
    next[0] = 0
    func moved(_ values: AlignedBuffer, width: Int) -> AlignedBuffer {
      let output = AlignedBuffer(byteCount: count * width)
      DensePartitions.move(
        values.base, width: width, count: count, places.values(as: UInt32.self), into: output.base)
      return output
    }
    let piece = Piece(
      starts: starts, slots: local, values: zip(stagedValues, widths).map { moved($0, width: $1) },
      flags: stagedFlags.map { $0.map { moved($0, width: 1) } })
    guard reservation.tryResize(to: reservation.byteCount + piece.byteCount) else { throw UnsuitedBlock() }
    pieces.append(piece)
    count = 0
  }
}

/// One thread's tables for one partition after the other.
final class CodePartitionTables {
  private let plan: ScanAggregatePlan
  private let shift: Int
  let measures: [DenseMeasure]
  let rows: DenseMeasure?
  private let bits: AlignedBuffer
  private let slots = AlignedBuffer(byteCount: chunkRows * 4)
  private let ownSlots = AlignedBuffer(byteCount: chunkRows * 4)
  private let offsets = AlignedBuffer(byteCount: chunkRows * 8)
  private let list: AlignedBuffer
  private var stretches: [Stretch] = []

  /// Rows of a piece that follow one another.
  private struct Stretch {
    let piece: Int
    let start: Int
    let count: Int
  }

  private static let chunkRows = 1 << 13

  init(_ plan: ScanAggregatePlan, shift: Int) {
    self.plan = plan
    self.shift = shift
    measures = plan.measures.map { DenseMeasure($0.shape) }
    rows = plan.rowShape.map { DenseMeasure($0) }
    bits = AlignedBuffer(byteCount: max(8, (1 << shift) / 8), zeroed: true)
    list = AlignedBuffer(byteCount: 4 << shift)
  }

  /// Aggregates a partition's rows and hands on its slots that are groups, ascending, while the tables hold them.
  func run(_ pieces: CodePieces, partition: Int, _ body: (UnsafeBufferPointer<UInt32>) throws -> Void) rethrows {
    // Stretches of a piece are short where rows meet many partitions: they are put together first.
    stretches.removeAll(keepingCapacity: true)
    var count = 0
    for piece in 0..<pieces.count {
      var start = Int(pieces.starts[piece][partition])
      let end = Int(pieces.starts[piece][partition + 1])
      while start < end {
        let taken = min(end - start, CodePartitionTables.chunkRows - count)
        stretches.append(Stretch(piece: piece, start: start, count: taken))
        count += taken
        start += taken
        if count == CodePartitionTables.chunkRows {
          take(pieces, count)
          stretches.removeAll(keepingCapacity: true)
          count = 0
        }
      }
    }
    if count > 0 { take(pieces, count) }
    let words = bits.values(as: UInt64.self)
    // Rows of no group have the slot after the last.
    let trash = plan.slotCount - partition << shift
    if trash < 1 << shift { words[trash >> 6] &= ~(1 << UInt64(trash & 63)) }
    let slotCount = 1 << shift
    let found = DenseSlots.listSet(words, count: slotCount, into: list.values(as: UInt32.self))
    words.update(repeating: 0, count: max(1, slotCount / 64))
    let groups = UnsafeBufferPointer(start: UnsafePointer(list.values(as: UInt32.self)), count: found)
    defer {
      for measure in measures { measure.clear(groups) }
      rows?.clear(groups)
      if trash < 1 << shift { clear(trash) }
    }
    if found > 0 { try body(groups) }
  }

  private func clear(_ slot: Int) {
    withUnsafePointer(to: UInt32(slot)) { slot in
      let slots = UnsafeBufferPointer(start: slot, count: 1)
      for measure in measures { measure.clear(slots) }
      rows?.clear(slots)
    }
  }

  /// Aggregates the rows of `stretches`, `count` in all.
  private func take(_ pieces: CodePieces, _ count: Int) {
    let slots = self.slots.values(as: UInt32.self)
    gather(pieces.slots, width: 2, into: slots)
    DensePartitions.mark(slots, count: count, in: bits.values(as: UInt64.self))
    for (index, measure) in measures.enumerated() {
      var taken = UnsafePointer(slots)
      if plan.measures[index].isNullable {
        let own = ownSlots.values(as: UInt32.self)
        own.update(from: slots, count: count)
        var row = 0
        for stretch in stretches {
          if let flags = pieces.flags[index][stretch.piece] {
            DensePartitions.replaceUnset(
              own + row, flags + stretch.start, count: stretch.count, with: UInt32(measure.shape.slotCount))
          }
          row += stretch.count
        }
        taken = UnsafePointer(own)
      }
      if measure.shape.isNarrow {
        let values = offsets.values(as: UInt32.self)
        gather(pieces.values[index], width: measure.shape.offsetWidth, into: values)
        measure.update(taken, values, count: count)
      } else {
        let values = offsets.values(as: UInt64.self)
        var row = 0
        for stretch in stretches {
          let source = pieces.values[index][stretch.piece].assumingMemoryBound(to: UInt64.self)
          (values + row).update(from: source + stretch.start, count: stretch.count)
          row += stretch.count
        }
        measure.update(taken, values, count: count)
      }
    }
    rows?.update(slots, count: count)
  }

  private func gather(_ columns: [UnsafeRawPointer], width: Int, into output: UnsafeMutablePointer<UInt32>) {
    var row = 0
    for stretch in stretches {
      DensePartitions.load(
        columns[stretch.piece] + stretch.start * width, count: stretch.count, width: width, into: output + row)
      row += stretch.count
    }
  }
}

/// The columns of all pieces as pointers, for loops over short stretches of each.
struct CodePieces {
  /// Keeps the memory.
  private let pieces: [CodeRows.Piece]
  let starts: [UnsafePointer<UInt32>]
  let slots: [UnsafeRawPointer]
  /// By measure, then by piece.
  let values: [[UnsafeRawPointer]]
  let flags: [[UnsafePointer<UInt8>?]]

  init(_ pieces: [CodeRows.Piece], measureCount: Int) {
    self.pieces = pieces
    starts = pieces.map { UnsafePointer($0.starts.values(as: UInt32.self)) }
    slots = pieces.map { UnsafeRawPointer($0.slots.base) }
    values = (0..<measureCount).map { measure in pieces.map { UnsafeRawPointer($0.values[measure].base) } }
    flags = (0..<measureCount).map { measure in
      pieces.map { $0.flags[measure].map { UnsafePointer($0.values(as: UInt8.self)) } }
    }
  }

  var count: Int { pieces.count }

  /// Returns how many rows a partition has.
  func rowCount(of partition: Int) -> Int {
    var total = 0
    for start in starts { total += Int(start[partition + 1] - start[partition]) }
    return total
  }
}
