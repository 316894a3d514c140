import Bytes
import Glibc
import Vectors

/// What the aggregates over one column want to know of each slot.
package struct DenseNeeds: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let count = DenseNeeds(rawValue: 1)
  package static let sum = DenseNeeds(rawValue: 2)
  package static let minimum = DenseNeeds(rawValue: 4)
  package static let maximum = DenseNeeds(rawValue: 8)
  /// How often each value comes: for percentiles.
  package static let histogram = DenseNeeds(rawValue: 16)
  /// Which values come: for count(DISTINCT).
  package static let distinct = DenseNeeds(rawValue: 32)
}

/// The shape of a measure: fixed before the first row, the same for all workers.
package struct DenseMeasureShape: Sendable {
  /// Slots `0..<slotCount` are groups; slot `slotCount` takes the rows that belong to none.
  package var slotCount: Int
  package var lowest: Int64
  /// Greatest value less lowest.
  package var range: UInt64
  /// No more rows than this come in all.
  package var rowBound: Int
  package var needs: DenseNeeds
  /// About how many slots will see rows.
  package var usedSlots: Int
  /// True when the tables serve one partition of the slots after the other, and are cleared slot by slot between them.
  package var isReused = false

  /// `prefersCounts`: rows come one by one, not in runs, so a histogram may replace sums and extremes.
  package init(
    slotCount: Int, lowest: Int64, highest: Int64, rowBound: Int, needs: DenseNeeds, usedSlots: Int,
    prefersCounts: Bool
  ) {
    self.slotCount = slotCount
    self.lowest = lowest
    range = highest >= lowest ? UInt64(bitPattern: highest &- lowest) : 0
    self.rowBound = rowBound
    self.needs = needs
    self.usedSlots = min(usedSlots, slotCount)
    // Small histograms stay in the first cache and cost one increment a row, whatever is asked of them.
    let wantsMuch =
      prefersCounts && (needs.contains(.minimum) || needs.contains(.maximum))
    if wantsMuch, needs.contains(.count) || needs.contains(.sum), range < 1 << 12,
      self.usedSlots * (Int(range) + 1) * 4 <= 1 << 15, slotCount * (Int(range) + 1) <= 1 << 20
    {
      self.needs.insert(.histogram)
    }
  }

  /// True when offsets from `lowest` fit 32 bits.
  package var isNarrow: Bool { range <= UInt64(UInt32.max) }

  enum Sums {
    case none
    case packed(sumBits: Int)
    case split, wide
  }

  /// Count and sum of a slot share a word where that is sure to hold both.
  var sums: Sums {
    if needs.contains(.histogram) { return .none }
    let rows = UInt64(max(rowBound, 1))
    guard needs.contains(.sum) else { return needs.contains(.count) ? .packed(sumBits: 0) : .none }
    let (most, overflow) = rows.multipliedReportingOverflow(by: range)
    if overflow { return .wide }
    let sumBits = 64 - most.leadingZeroBitCount
    let countBits = 64 - rows.leadingZeroBitCount
    return sumBits + countBits <= 64 && sumBits < 64 ? .packed(sumBits: sumBits) : .split
  }

  /// Tables this small are kept four times over: a row need not wait for the row before, which is often of its slot.
  var copies: Int { !isReused && (slotCount + 1) * 8 <= 1 << 12 ? 4 : 1 }

  /// Bytes that an offset from the lowest value needs.
  package var offsetWidth: Int { extremeStride }

  var extremeStride: Int { range <= 0xFF ? 1 : range <= 0xFFFF ? 2 : isNarrow ? 4 : 8 }

  /// Histograms are kept twice where they are small, for the same reason.
  var histogramCopies: Int { !isReused && (slotCount + 1) * histogramWidth * 4 <= 1 << 20 ? 2 : 1 }

  var histogramWidth: Int { Int(range) + 1 }

  var distinctWords: Int { Int(range >> 6) + 1 }

  /// Bytes that one worker's measure takes; nil when they are beyond counting.
  package var byteCount: Int? {
    let slots = slotCount + 1
    var total = 0
    switch sums {
    case .none: break
    case .packed: total += slots * 8 * copies
    case .split: total += slots * 16
    case .wide: total += slots * 24
    }
    if !needs.contains(.histogram) {
      if needs.contains(.minimum) { total += slots * extremeStride }
      if needs.contains(.maximum) { total += slots * extremeStride }
    } else {
      let (entries, overflow) = slots.multipliedReportingOverflow(by: Int(min(range, 1 << 40)) + 1)
      guard !overflow, entries < 1 << 40, rowBound < Int(UInt32.max) else { return nil }
      total += entries * 8
    }
    if needs.contains(.distinct) {
      let (words, overflow) = slots.multipliedReportingOverflow(by: Int(range >> 6) + 1)
      guard !overflow, words < 1 << 40 else { return nil }
      total += words * 8
    }
    return total
  }
}

/// One worker's running state of the aggregates over one column, for every slot.
///
/// Values come as offsets from the shape's lowest value. Rows whose value is NULL must have slot `slotCount`.
package final class DenseMeasure {
  package let shape: DenseMeasureShape
  let words: AlignedBuffer
  let sums: AlignedBuffer
  let least: AlignedBuffer
  let greatest: AlignedBuffer
  let histogram: AlignedBuffer
  let distinct: AlignedBuffer
  /// Totals of runs, before they go to their slots.
  private var runTotals = Store<UInt64>()

  package init(_ shape: DenseMeasureShape) {
    self.shape = shape
    let slots = shape.slotCount + 1
    let needs = shape.needs
    func memory(_ byteCount: Int, _ isWanted: Bool) -> AlignedBuffer {
      AlignedBuffer(byteCount: isWanted ? byteCount : 0, zeroed: true)
    }
    switch shape.sums {
    case .none:
      words = memory(0, false)
      sums = memory(0, false)
    case .packed:
      words = memory(slots * 8 * shape.copies, true)
      sums = memory(0, false)
    case .split:
      words = memory(slots * 8, true)
      sums = memory(slots * 8, true)
    case .wide:
      words = memory(slots * 8, true)
      sums = memory(slots * 16, true)
    }
    let isCounted = needs.contains(.histogram)
    histogram = memory(isCounted ? slots * shape.histogramWidth * shape.histogramCopies * 4 : 0, isCounted)
    least = memory(slots * shape.extremeStride, needs.contains(.minimum) && !isCounted)
    greatest = memory(slots * shape.extremeStride, needs.contains(.maximum) && !isCounted)
    // Every byte 0xFF is the greatest value of any width.
    memset(least.base, 0xFF, least.byteCount)
    distinct = memory(needs.contains(.distinct) ? slots * shape.distinctWords * 8 : 0, needs.contains(.distinct))
  }

  /// Takes rows whose offsets fit 32 bits.
  package func update(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt32>, count: Int) {
    precondition(shape.isNarrow, "offsets of 32 bits for a measure that needs more")
    if shape.needs.contains(.histogram) {
      countValues(slots, offsets, count)
    } else {
      addSums(slots, offsets, count)
      if shape.needs.contains(.minimum) { lower(slots, offsets, count) }
      if shape.needs.contains(.maximum) { raise(slots, offsets, count) }
    }
    if shape.needs.contains(.distinct) { mark(slots, offsets, count) }
  }

  /// Takes rows of a measure whose offsets need 64 bits.
  package func update(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt64>, count: Int) {
    precondition(!shape.isNarrow, "offsets of 64 bits for a measure of 32")
    addSums(slots, offsets, count)
    if shape.needs.contains(.minimum) { lowerWide(slots, offsets, count) }
    if shape.needs.contains(.maximum) { raiseWide(slots, offsets, count) }
    assert(!shape.needs.contains(.distinct) && !shape.needs.contains(.histogram))
  }

  /// Counts rows alone.
  package func update(_ slots: UnsafePointer<UInt32>, count: Int) {
    guard case .packed(let sumBits) = shape.sums else { preconditionFailure("a measure of values needs them") }
    let table = words.values(as: UInt64.self)
    let one: UInt64 = 1 << UInt64(sumBits)
    let copies = shape.copies
    let stride = shape.slotCount + 1
    var row = 0
    if copies == 4 {
      let (second, third, fourth) = (table + stride, table + 2 * stride, table + 3 * stride)
      while row &+ 4 <= count {
        table[Int(slots[row])] &+= one
        second[Int(slots[row &+ 1])] &+= one
        third[Int(slots[row &+ 2])] &+= one
        fourth[Int(slots[row &+ 3])] &+= one
        row &+= 4
      }
    }
    while row < count {
      table[Int(slots[row])] &+= one
      row &+= 1
    }
  }

  // MARK: Rows

  @inline(__always) private func addSums<Offset: FixedWidthInteger & UnsignedInteger>(
    _ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<Offset>, _ count: Int
  ) {
    var row = 0
    switch shape.sums {
    case .none: return
    case .packed(let sumBits):
      if !shape.needs.contains(.sum) { return update(slots, count: count) }
      let table = words.values(as: UInt64.self)
      let one: UInt64 = 1 << UInt64(sumBits)
      if shape.copies == 4 {
        let stride = shape.slotCount + 1
        let (second, third, fourth) = (table + stride, table + 2 * stride, table + 3 * stride)
        while row &+ 4 <= count {
          table[Int(slots[row])] &+= one &+ UInt64(truncatingIfNeeded: offsets[row])
          second[Int(slots[row &+ 1])] &+= one &+ UInt64(truncatingIfNeeded: offsets[row &+ 1])
          third[Int(slots[row &+ 2])] &+= one &+ UInt64(truncatingIfNeeded: offsets[row &+ 2])
          fourth[Int(slots[row &+ 3])] &+= one &+ UInt64(truncatingIfNeeded: offsets[row &+ 3])
          row &+= 4
        }
      }
      while row < count {
        table[Int(slots[row])] &+= one &+ UInt64(truncatingIfNeeded: offsets[row])
        row &+= 1
      }
    case .split:
      let counts = words.values(as: UInt64.self)
      let totals = sums.values(as: UInt64.self)
      while row < count {
        let slot = Int(slots[row])
        counts[slot] &+= 1
        totals[slot] &+= UInt64(truncatingIfNeeded: offsets[row])
        row &+= 1
      }
    case .wide:
      let counts = words.values(as: UInt64.self)
      let totals = sums.values(as: UInt64.self)
      while row < count {
        let slot = Int(slots[row])
        counts[slot] &+= 1
        let (low, carries) = totals[2 &* slot].addingReportingOverflow(UInt64(truncatingIfNeeded: offsets[row]))
        totals[2 &* slot] = low
        totals[2 &* slot &+ 1] &+= carries ? 1 : 0
        row &+= 1
      }
    }
  }

  private func lower(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt32>, _ count: Int) {
    switch shape.extremeStride {
    case 1: DenseMeasure.lower(least.values(as: UInt8.self), slots, offsets, count)
    case 2: DenseMeasure.lower(least.values(as: UInt16.self), slots, offsets, count)
    default: DenseMeasure.lower(least.values(as: UInt32.self), slots, offsets, count)
    }
  }

  private func raise(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt32>, _ count: Int) {
    switch shape.extremeStride {
    case 1: DenseMeasure.raise(greatest.values(as: UInt8.self), slots, offsets, count)
    case 2: DenseMeasure.raise(greatest.values(as: UInt16.self), slots, offsets, count)
    default: DenseMeasure.raise(greatest.values(as: UInt32.self), slots, offsets, count)
    }
  }

  private func lowerWide(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt64>, _ count: Int) {
    DenseMeasure.lower(least.values(as: UInt64.self), slots, offsets, count)
  }

  private func raiseWide(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt64>, _ count: Int) {
    DenseMeasure.raise(greatest.values(as: UInt64.self), slots, offsets, count)
  }

  // A new extreme is rare: the branch is foreseen, and without a store no row waits for the one before.
  @inline(__always) private static func lower<Kept: FixedWidthInteger, Offset: FixedWidthInteger>(
    _ least: UnsafeMutablePointer<Kept>, _ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<Offset>,
    _ count: Int
  ) {
    var row = 0
    while row < count {
      let value = Kept(truncatingIfNeeded: offsets[row])
      if value < least[Int(slots[row])] { least[Int(slots[row])] = value }
      row &+= 1
    }
  }

  @inline(__always) private static func raise<Kept: FixedWidthInteger, Offset: FixedWidthInteger>(
    _ greatest: UnsafeMutablePointer<Kept>, _ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<Offset>,
    _ count: Int
  ) {
    var row = 0
    while row < count {
      let value = Kept(truncatingIfNeeded: offsets[row])
      if value > greatest[Int(slots[row])] { greatest[Int(slots[row])] = value }
      row &+= 1
    }
  }

  private func countValues(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt32>, _ count: Int) {
    let counts = histogram.values(as: UInt32.self)
    let width = shape.histogramWidth
    let second = counts + (shape.histogramCopies - 1) * (shape.slotCount + 1) * width
    var row = 0
    while row &+ 2 <= count {
      counts[Int(slots[row]) &* width &+ Int(offsets[row])] &+= 1
      second[Int(slots[row &+ 1]) &* width &+ Int(offsets[row &+ 1])] &+= 1
      row &+= 2
    }
    if row < count { counts[Int(slots[row]) &* width &+ Int(offsets[row])] &+= 1 }
  }

  private func mark(_ slots: UnsafePointer<UInt32>, _ offsets: UnsafePointer<UInt32>, _ count: Int) {
    let bits = distinct.values(as: UInt64.self)
    let width = shape.distinctWords
    var row = 0
    while row < count {
      let offset = Int(offsets[row])
      bits[Int(slots[row]) &* width &+ offset &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: offset & 63)
      row &+= 1
    }
  }

  // MARK: Runs

  /// Takes runs of rows with one slot each: run `r` covers codes `ends[r - 1]` (`start` for the first) to before
  /// `ends[r]`. A row's offset is `scale * code + offset`, exactly.
  package func update(
    runs slots: UnsafePointer<UInt32>, ends: UnsafePointer<UInt32>, start: Int, count: Int, _ codes: DenseCodes,
    scale: UInt64, offset: UInt64
  ) {
    guard count > 0 else { return }
    precondition(Int(ends[count - 1]) <= codes.count && start >= 0, "runs outside their codes")
    runTotals.reserve(count, keeping: 0)
    let totals = runTotals.base
    if shape.needs.contains(.histogram) {
      countRuns(slots, ends, start, count, codes, Int(scale), Int(offset))
    } else {
      addRuns(slots, ends, start, count, codes, scale, offset)
      if shape.needs.contains(.minimum) {
        codes.leastOfRuns(start, ends, count, into: totals)
        for run in 0..<count { keep(least, Int(slots[run]), totals[run] &* scale &+ offset, isMaximum: false) }
      }
      if shape.needs.contains(.maximum) {
        codes.greatestOfRuns(start, ends, count, into: totals)
        for run in 0..<count { keep(greatest, Int(slots[run]), totals[run] &* scale &+ offset, isMaximum: true) }
      }
    }
    if shape.needs.contains(.distinct) { markRuns(slots, ends, start, count, codes, Int(scale), Int(offset)) }
  }

  /// Counts the rows of runs.
  package func update(runs slots: UnsafePointer<UInt32>, ends: UnsafePointer<UInt32>, start: Int, count: Int) {
    guard case .packed(let sumBits) = shape.sums else { preconditionFailure("a measure of values needs them") }
    let table = words.values(as: UInt64.self)
    var from = UInt32(truncatingIfNeeded: start)
    for run in 0..<count {
      table[Int(slots[run])] &+= UInt64(ends[run] &- from) &<< UInt64(sumBits)
      from = ends[run]
    }
  }

  /// Counts `count` rows of one slot.
  package func add(_ count: Int, to slot: Int) {
    guard case .packed(let sumBits) = shape.sums, slot <= shape.slotCount else {
      preconditionFailure("a measure of values needs them")
    }
    words.values(as: UInt64.self)[slot] &+= UInt64(count) &<< UInt64(sumBits)
  }

  private func addRuns(
    _ slots: UnsafePointer<UInt32>, _ ends: UnsafePointer<UInt32>, _ start: Int, _ count: Int, _ codes: DenseCodes,
    _ scale: UInt64, _ offset: UInt64
  ) {
    let table = words.values(as: UInt64.self)
    let totals = runTotals.base
    var from = UInt32(truncatingIfNeeded: start)
    switch shape.sums {
    case .none: return
    case .packed(let sumBits):
      if !shape.needs.contains(.sum) { return update(runs: slots, ends: ends, start: start, count: count) }
      codes.sumsOfRuns(start, ends, count, into: totals)
      for run in 0..<count {
        let length = UInt64(ends[run] &- from)
        table[Int(slots[run])] &+= (length &<< UInt64(sumBits)) &+ totals[run] &* scale &+ length &* offset
        from = ends[run]
      }
    case .split:
      let output = sums.values(as: UInt64.self)
      codes.sumsOfRuns(start, ends, count, into: totals)
      for run in 0..<count {
        let length = UInt64(ends[run] &- from)
        table[Int(slots[run])] &+= length
        output[Int(slots[run])] &+= totals[run] &* scale &+ length &* offset
        from = ends[run]
      }
    case .wide:
      let output = sums.values(as: UInt64.self)
      var row = start
      for run in 0..<count {
        var total: UInt128 = 0
        let end = Int(ends[run])
        let length = UInt64(end - row)
        while row < end {
          total &+= UInt128(codes.value(at: row) &* scale &+ offset)
          row &+= 1
        }
        let slot = Int(slots[run])
        table[slot] &+= length
        let sum = (UInt128(output[2 * slot + 1]) << 64 | UInt128(output[2 * slot])) &+ total
        output[2 * slot] = UInt64(truncatingIfNeeded: sum)
        output[2 * slot + 1] = UInt64(truncatingIfNeeded: sum >> 64)
      }
    }
  }

  @inline(__always) private func keep(_ buffer: AlignedBuffer, _ slot: Int, _ value: UInt64, isMaximum: Bool) {
    func keep<Kept: FixedWidthInteger & UnsignedInteger>(_ values: UnsafeMutablePointer<Kept>) {
      let value = Kept(truncatingIfNeeded: value)
      if isMaximum ? value > values[slot] : value < values[slot] { values[slot] = value }
    }
    switch shape.extremeStride {
    case 1: keep(buffer.values(as: UInt8.self))
    case 2: keep(buffer.values(as: UInt16.self))
    case 4: keep(buffer.values(as: UInt32.self))
    default: keep(buffer.values(as: UInt64.self))
    }
  }

  private func countRuns(
    _ slots: UnsafePointer<UInt32>, _ ends: UnsafePointer<UInt32>, _ start: Int, _ count: Int, _ codes: DenseCodes,
    _ scale: Int, _ offset: Int
  ) {
    let width = shape.histogramWidth
    let counts = histogram.values(as: UInt32.self)
    let copy = (shape.histogramCopies - 1) * (shape.slotCount + 1) * width
    var isSecond = 0
    codes.forEachInRuns(start, ends, count) { run, code in
      counts[Int(slots[run]) &* width &+ code &* scale &+ offset &+ (copy & isSecond)] &+= 1
      isSecond = ~isSecond
    }
  }

  private func markRuns(
    _ slots: UnsafePointer<UInt32>, _ ends: UnsafePointer<UInt32>, _ start: Int, _ count: Int, _ codes: DenseCodes,
    _ scale: Int, _ offset: Int
  ) {
    let bits = distinct.values(as: UInt64.self)
    let width = shape.distinctWords
    codes.forEachInRuns(start, ends, count) { run, code in
      let offset = code &* scale &+ offset
      bits[Int(slots[run]) &* width &+ offset &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: offset & 63)
    }
  }

  /// Takes runs that have one value each, given as offsets.
  package func mark(runs slots: UnsafePointer<UInt32>, offsets: UnsafePointer<UInt32>, count: Int) {
    precondition(shape.needs.contains(.distinct) && shape.isNarrow, "a measure that marks no values")
    mark(slots, offsets, count)
  }
}
