import Bytes
import Kernels

/// Groups rows of very many slots by partitions, and prints what each step costs a row.
struct PartitionBenchmark {
  private let rows = 1 << 17
  private let slotCount = 170_000_000
  private let shift = 16
  private let stopwatch = Stopwatch(repeats: 20)

  func run() {
    let slots = AlignedBuffer(byteCount: rows * 4)
    let values = AlignedBuffer(byteCount: rows)
    var state: UInt64 = 1
    for row in 0..<rows {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      slots.values(as: UInt32.self)[row] = UInt32((state >> 32) * UInt64(slotCount) >> 32)
      values.values(as: UInt8.self)[row] = UInt8(truncatingIfNeeded: state >> 20)
    }
    let partitionCount = slotCount >> shift + 1
    let starts = AlignedBuffer(byteCount: (partitionCount + 1) * 4)
    let places = AlignedBuffer(byteCount: rows * 4)
    let local = AlignedBuffer(byteCount: rows * 2)
    let moved = AlignedBuffer(byteCount: rows)
    let next = starts.values(as: UInt32.self)
    measure("partitions: count rows") {
      next.update(repeating: 0, count: partitionCount + 1)
      DensePartitions.count(slots.values(as: UInt32.self), count: rows, shift: shift, into: next + 1)
    }
    for partition in 0..<partitionCount { next[partition + 1] &+= next[partition] }
    let first = Array(UnsafeBufferPointer(start: next, count: partitionCount + 1))
    measure("partitions: place rows") {
      next.update(from: first, count: partitionCount + 1)
      DensePartitions.place(
        slots.values(as: UInt32.self), count: rows, shift: shift, next: next, into: places.values(as: UInt32.self),
        local: local.values(as: UInt16.self))
    }
    measure("partitions: move a byte") {
      DensePartitions.move(values.base, width: 1, count: rows, places.values(as: UInt32.self), into: moved.base)
    }
    var shape = DenseMeasureShape(
      slotCount: 1 << shift, lowest: 0, highest: 255, rowBound: 1 << 24, needs: [.count, .sum], usedSlots: 1 << shift,
      prefersCounts: false)
    shape.isReused = true
    let table = DenseMeasure(shape)
    let wide = AlignedBuffer(byteCount: rows * 4)
    let offsets = AlignedBuffer(byteCount: rows * 4)
    measure("partitions: count and sum") {
      DensePartitions.load(local.base, count: rows, width: 2, into: wide.values(as: UInt32.self))
      DensePartitions.load(moved.base, count: rows, width: 1, into: offsets.values(as: UInt32.self))
      table.update(wide.values(as: UInt32.self), offsets.values(as: UInt32.self), count: rows)
    }
  }

  private func measure(_ name: String, _ body: () -> Void) { stopwatch.measure(name, rows: rows, body) }
}
