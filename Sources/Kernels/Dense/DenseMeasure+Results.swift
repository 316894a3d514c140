import Bytes

/// What a measure says in the end: workers are merged, then slots asked one by one.
extension DenseMeasure {
  /// Called once, after the last row: brings what was kept in copies together.
  package func seal() {
    // A measure without a histogram may have a range that no histogram could have.
    if shape.needs.contains(.histogram), shape.histogramCopies == 2 {
      let half = histogram.byteCount / 8
      let counts = histogram.values(as: UInt32.self)
      add(counts, counts + half, half)
      (counts + half).update(repeating: 0, count: half)
    }
  }

  /// Adds another worker's state of the same shape.
  ///
  /// Both must be sealed.
  package func merge(_ other: DenseMeasure) {
    let slots = shape.slotCount + 1
    switch shape.sums {
    case .none: break
    case .packed: add(words.values(as: UInt64.self), other.words.values(as: UInt64.self), slots * shape.copies)
    case .split:
      add(words.values(as: UInt64.self), other.words.values(as: UInt64.self), slots)
      add(sums.values(as: UInt64.self), other.sums.values(as: UInt64.self), slots)
    case .wide:
      add(words.values(as: UInt64.self), other.words.values(as: UInt64.self), slots)
      for slot in 0..<slots {
        let total = wideSum(slot) &+ other.wideSum(slot)
        sums.values(as: UInt64.self)[2 * slot] = UInt64(truncatingIfNeeded: total)
        sums.values(as: UInt64.self)[2 * slot + 1] = UInt64(truncatingIfNeeded: total >> 64)
      }
    }
    add(histogram.values(as: UInt32.self), other.histogram.values(as: UInt32.self), histogram.byteCount / 4)
    let marks = distinct.values(as: UInt64.self)
    let theirMarks = other.distinct.values(as: UInt64.self)
    for word in 0..<(distinct.byteCount / 8) { marks[word] |= theirMarks[word] }
    switch shape.extremeStride {
    case 1: mergeExtremes(other, as: UInt8.self)
    case 2: mergeExtremes(other, as: UInt16.self)
    case 4: mergeExtremes(other, as: UInt32.self)
    default: mergeExtremes(other, as: UInt64.self)
    }
  }

  @inline(__always) private func add<T: FixedWidthInteger>(
    _ target: UnsafeMutablePointer<T>, _ source: UnsafeMutablePointer<T>, _ count: Int
  ) {
    var index = 0
    while index < count {
      target[index] = target[index] &+ source[index]
      index &+= 1
    }
  }

  @inline(__always) private func mergeExtremes<Kept: FixedWidthInteger & BitwiseCopyable>(
    _ other: DenseMeasure, as type: Kept.Type
  ) {
    let (low, theirLow) = (least.values(as: type), other.least.values(as: type))
    var index = 0
    while index < least.byteCount / MemoryLayout<Kept>.stride {
      low[index] = min(low[index], theirLow[index])
      index &+= 1
    }
    let (high, theirHigh) = (greatest.values(as: type), other.greatest.values(as: type))
    index = 0
    while index < greatest.byteCount / MemoryLayout<Kept>.stride {
      high[index] = max(high[index], theirHigh[index])
      index &+= 1
    }
  }

  private func wideSum(_ slot: Int) -> UInt128 {
    let values = sums.values(as: UInt64.self)
    return UInt128(values[2 * slot + 1]) << 64 | UInt128(values[2 * slot])
  }

  /// The number of rows a slot took.
  package func count(_ slot: Int) -> Int64 {
    let values = words.values(as: UInt64.self)
    switch shape.sums {
    case .packed(let sumBits):
      var total: UInt64 = 0
      for copy in 0..<shape.copies { total &+= values[copy &* (shape.slotCount + 1) &+ slot] >> UInt64(sumBits) }
      return Int64(total)
    case .split, .wide: return Int64(values[slot])
    case .none:
      var total: Int64 = 0
      if shape.needs.contains(.histogram) { for count in valueCounts(slot) { total &+= Int64(count) } }
      return total
    }
  }

  /// The exact sum of a slot's values.
  package func sum(_ slot: Int) -> Int128 {
    let values = words.values(as: UInt64.self)
    let base = Int128(shape.lowest) * Int128(count(slot))
    switch shape.sums {
    case .packed(let sumBits):
      var total: UInt64 = 0
      let mask: UInt64 = (1 << UInt64(sumBits)) &- 1
      for copy in 0..<shape.copies { total &+= values[copy &* (shape.slotCount + 1) &+ slot] & mask }
      return base + Int128(total)
    case .split: return base + Int128(sums.values(as: UInt64.self)[slot])
    case .wide: return base + Int128(wideSum(slot))
    case .none:
      var total: UInt128 = 0
      if shape.needs.contains(.histogram) {
        for (offset, count) in valueCounts(slot).enumerated() where count > 0 {
          total += UInt128(count) * UInt128(offset)
        }
      }
      return base + Int128(total)
    }
  }

  /// A slot's least value; nil when it has none.
  package func minimum(_ slot: Int) -> Int64? {
    if shape.needs.contains(.histogram) {
      return valueCounts(slot).firstIndex { $0 > 0 }.map { shape.lowest &+ Int64($0) }
    }
    return count(slot) == 0 ? nil : value(extreme(least.base, slot))
  }

  /// A slot's greatest value; nil when it has none.
  package func maximum(_ slot: Int) -> Int64? {
    if shape.needs.contains(.histogram) {
      return valueCounts(slot).lastIndex { $0 > 0 }.map { shape.lowest &+ Int64($0) }
    }
    return count(slot) == 0 ? nil : value(extreme(greatest.base, slot))
  }

  private func value(_ offset: UInt64) -> Int64 { shape.lowest &+ Int64(bitPattern: offset) }

  private func extreme(_ base: UnsafeMutableRawPointer, _ slot: Int) -> UInt64 {
    switch shape.extremeStride {
    case 1: UInt64(base.assumingMemoryBound(to: UInt8.self)[slot])
    case 2: UInt64(base.assumingMemoryBound(to: UInt16.self)[slot])
    case 4: UInt64(base.assumingMemoryBound(to: UInt32.self)[slot])
    default: base.assumingMemoryBound(to: UInt64.self)[slot]
    }
  }

  /// How often each value comes in a slot, from the lowest on.
  package func valueCounts(_ slot: Int) -> UnsafeBufferPointer<UInt32> {
    precondition(shape.needs.contains(.histogram) && slot <= shape.slotCount, "values that nobody counted")
    return UnsafeBufferPointer(
      start: histogram.values(as: UInt32.self) + slot * shape.histogramWidth, count: shape.histogramWidth)
  }

  /// How many different values a slot took.
  package func distinctCount(_ slot: Int) -> Int64 {
    precondition(shape.needs.contains(.distinct) && slot <= shape.slotCount, "values that nobody marked")
    let marks = distinct.values(as: UInt64.self) + slot * shape.distinctWords
    var total = 0
    for word in 0..<shape.distinctWords { total += marks[word].nonzeroBitCount }
    return Int64(total)
  }

  /// Returns the value at `place` of a slot's rows in ascending order; it must have so many rows.
  package func value(at place: Int64, of slot: Int) -> Int64 {
    var left = place
    var last = 0
    for (offset, count) in valueCounts(slot).enumerated() where count > 0 {
      last = offset
      left -= Int64(count)
      if left < 0 { break }
    }
    return shape.lowest &+ Int64(last)
  }

  // MARK: Many slots at once

  /// Writes the number of rows that each slot took.
  package func counts(_ slots: UnsafeBufferPointer<UInt32>, into output: UnsafeMutablePointer<Int64>) {
    guard let slot = slots.baseAddress else { return }
    let values = words.values(as: UInt64.self)
    var row = 0
    switch shape.sums {
    case .packed(let sumBits) where shape.copies == 1 && sumBits < 64:
      let shift = UInt64(sumBits)
      while row < slots.count {
        output[row] = Int64(bitPattern: values[Int(slot[row])] &>> shift)
        row &+= 1
      }
    case .split, .wide:
      while row < slots.count {
        output[row] = Int64(bitPattern: values[Int(slot[row])])
        row &+= 1
      }
    default:
      while row < slots.count {
        output[row] = count(Int(slot[row]))
        row &+= 1
      }
    }
  }

  /// True when no slot's sum can leave 64 bits.
  private var hasSmallSums: Bool {
    let highest = shape.lowest &+ Int64(bitPattern: shape.range)
    let most = max(shape.lowest.magnitude, highest.magnitude)
    let (bound, overflow) = most.multipliedReportingOverflow(by: UInt64(max(shape.rowBound, 1)))
    return highest >= shape.lowest && !overflow && bound <= UInt64(Int64.max)
  }

  /// Writes the sum of each slot's values, given how many they are; returns false where a sum may leave 64 bits.
  package func sums(
    _ slots: UnsafeBufferPointer<UInt32>, counts: UnsafePointer<Int64>, into output: UnsafeMutablePointer<Int64>
  ) -> Bool {
    guard hasSmallSums else { return false }
    guard let slot = slots.baseAddress else { return true }
    let lowest = shape.lowest
    var row = 0
    switch shape.sums {
    case .packed(let sumBits) where shape.copies == 1:
      let values = words.values(as: UInt64.self)
      let mask: UInt64 = (1 << UInt64(sumBits)) &- 1
      while row < slots.count {
        output[row] = Int64(bitPattern: values[Int(slot[row])] & mask) &+ lowest &* counts[row]
        row &+= 1
      }
    case .split:
      let values = sums.values(as: UInt64.self)
      while row < slots.count {
        output[row] = Int64(bitPattern: values[Int(slot[row])]) &+ lowest &* counts[row]
        row &+= 1
      }
    default:
      while row < slots.count {
        output[row] = Int64(truncatingIfNeeded: sum(Int(slot[row])))
        row &+= 1
      }
    }
    return true
  }

  /// Makes `slots`, and the one for rows of no group, as they were before the first row.
  package func clear(_ slots: UnsafeBufferPointer<UInt32>) {
    let stride = shape.slotCount + 1
    switch shape.sums {
    case .none: break
    case .packed: for copy in 0..<shape.copies { clear(slots, words, from: copy * stride, as: UInt64.self, 1) }
    case .split:
      clear(slots, words, as: UInt64.self, 1)
      clear(slots, sums, as: UInt64.self, 1)
    case .wide:
      clear(slots, words, as: UInt64.self, 1)
      clear(slots, sums, as: UInt64.self, 2)
    }
    for (buffer, isLeast) in [(least, true), (greatest, false)] where buffer.byteCount > 0 {
      switch shape.extremeStride {
      case 1: clear(slots, buffer, as: UInt8.self, 1, to: isLeast ? .max : 0)
      case 2: clear(slots, buffer, as: UInt16.self, 1, to: isLeast ? .max : 0)
      case 4: clear(slots, buffer, as: UInt32.self, 1, to: isLeast ? .max : 0)
      default: clear(slots, buffer, as: UInt64.self, 1, to: isLeast ? .max : 0)
      }
    }
    if shape.needs.contains(.histogram) {
      for copy in 0..<shape.histogramCopies {
        clear(slots, histogram, from: copy * stride, as: UInt32.self, shape.histogramWidth)
      }
    }
    if shape.needs.contains(.distinct) { clear(slots, distinct, as: UInt64.self, shape.distinctWords) }
  }

  @inline(__always) private func clear<T: FixedWidthInteger & BitwiseCopyable>(
    _ slots: UnsafeBufferPointer<UInt32>, _ buffer: AlignedBuffer, from start: Int = 0, as type: T.Type, _ width: Int,
    to value: T = 0
  ) {
    let values = buffer.values(as: type)
    if width == 1 {
      for slot in slots { values[start &+ Int(slot)] = value }
    } else {
      for slot in slots { (values + (start + Int(slot)) * width).update(repeating: value, count: width) }
    }
    (values + (start + shape.slotCount) * width).update(repeating: value, count: width)
  }
}
