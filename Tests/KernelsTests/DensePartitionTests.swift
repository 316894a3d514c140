import Bytes
import Kernels
import Testing
import Vectors

/// Groups by partitions are those of a plain dictionary.
@Suite struct DensePartitionTests {
  @Test(arguments: [0, 1, 63, 64, 65, 1000, 5000], [1, 3, 8, 16]) func rowsLieByPartition(count: Int, shift: Int) {
    var random = SeededGenerator(UInt64(count * 100 + shift))
    let slotCount = min(1 << 22, 40 << shift)
    let slots = (0..<count).map { _ in UInt32(Int.random(in: 0..<slotCount, using: &random)) }
    let values = (0..<count).map { _ in UInt32(Int.random(in: 0..<(1 << 16), using: &random)) }
    let partitionCount = slotCount >> shift
    var starts = [UInt32](repeating: 0, count: partitionCount + 2)
    var places = [UInt32](repeating: 0, count: count + 1)
    var local = [UInt16](repeating: 0, count: count + 1)
    starts.withUnsafeMutableBufferPointer { starts in
      DensePartitions.count(slots, count: count, shift: shift, into: starts.baseAddress! + 1)
      for partition in 0..<partitionCount { starts[partition + 1] += starts[partition] }
      DensePartitions.place(
        slots, count: count, shift: shift, next: starts.baseAddress!, into: &places, local: &local)
    }
    // Each row's place: rows of lower partitions first, then those before it.
    let order = (0..<count).sorted { (slots[$0] >> UInt32(shift), $0) < (slots[$1] >> UInt32(shift), $1) }
    for (place, row) in order.enumerated() {
      #expect(places[row] == UInt32(place))
      #expect(UInt32(local[place]) == slots[row] & ((1 << UInt32(shift)) - 1))
    }
    for width in [2, 4] {
      var stored = [UInt32](repeating: 0, count: count + 1)
      var moved = [UInt32](repeating: 0, count: count + 1)
      var loaded = [UInt32](repeating: 0, count: count + 1)
      stored.withUnsafeMutableBytes {
        DensePartitions.store(values, count: count, width: width, into: $0.baseAddress!)
      }
      stored.withUnsafeBytes { source in
        moved.withUnsafeMutableBytes { target in
          DensePartitions.move(
            source.baseAddress!, width: width, count: count, places, into: target.baseAddress!)
        }
      }
      moved.withUnsafeBytes { DensePartitions.load($0.baseAddress!, count: count, width: width, into: &loaded) }
      for (place, row) in order.enumerated() { #expect(loaded[place] == values[row]) }
    }
  }

  @Test(arguments: [1, 2, 3, 7, 23, 731, 9999, 65_535, 1 << 20, UInt32.max])
  func divisionIsExact(divisor: UInt32) {
    var random = SeededGenerator(UInt64(divisor))
    var numbers: [UInt32] = [0, 1, divisor - 1, divisor, UInt32.max, UInt32.max - 1, UInt32.max / divisor * divisor]
    numbers += (0..<500).map { _ in UInt32(Int.random(in: 0..<(1 << 32), using: &random)) }
    numbers += numbers.map { $0 / divisor * divisor &- 1 }
    let wanted = numbers.map { $0.quotientAndRemainder(dividingBy: divisor) }
    var remainders = [UInt32](repeating: 7, count: numbers.count)
    DenseDivisor(divisor).divide(&numbers, count: numbers.count, remainders: &remainders)
    #expect(remainders == wanted.map { $0.remainder })
    #expect(divisor == 1 || numbers == wanted.map { $0.quotient })
  }

  /// One measure for one partition after the other: what is cleared is as new.
  @Test(arguments: [(0, 200, 1000), (-5000, 100_000, 1000), (-1 << 40, 1 << 41, 1000), (Int.min, Int.max, 10)])
  func aMeasureServesPartitions(bounds: (lowest: Int, highest: Int, rows: Int)) {
    var random = SeededGenerator(5)
    var shape = DenseMeasureShape(
      slotCount: 32, lowest: Int64(bounds.lowest), highest: Int64(bounds.highest), rowBound: bounds.rows,
      needs: [.count, .sum, .minimum, .maximum], usedSlots: 32, prefersCounts: false)
    shape.isReused = true
    let measure = DenseMeasure(shape)
    for _ in 0..<4 {
      var wanted: [UInt32: [Int64]] = [:]
      var slots: [UInt32] = []
      var values: [Int64] = []
      for _ in 0..<10 {
        let slot = UInt32(Int.random(in: 0..<32, using: &random))
        let value = Int64.random(in: Int64(bounds.lowest)...Int64(bounds.highest), using: &random)
        slots.append(slot)
        values.append(value)
        wanted[slot, default: []].append(value)
      }
      let offsets = values.map { UInt64(bitPattern: $0 &- shape.lowest) }
      if shape.isNarrow {
        measure.update(slots, offsets.map { UInt32($0) }, count: 10)
      } else {
        measure.update(slots, offsets, count: 10)
      }
      let groups = wanted.keys.sorted()
      var counts = [Int64](repeating: 0, count: groups.count)
      var sums = [Int64](repeating: 0, count: groups.count)
      groups.withUnsafeBufferPointer { groups in
        measure.counts(groups, into: &counts)
        let fits = measure.sums(groups, counts: counts, into: &sums)
        #expect(fits == (bounds.lowest != Int.min))
        for (place, group) in groups.enumerated() {
          let all = wanted[group] ?? []
          #expect(counts[place] == Int64(all.count))
          #expect(measure.sum(Int(group)) == all.reduce(Int128(0)) { $0 + Int128($1) })
          if fits { #expect(Int128(sums[place]) == measure.sum(Int(group))) }
          #expect(measure.minimum(Int(group)) == all.min() && measure.maximum(Int(group)) == all.max())
        }
        measure.clear(groups)
        #expect(groups.allSatisfy { measure.count(Int($0)) == 0 })
      }
    }
  }
}
