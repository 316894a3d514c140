import Glibc

/// Growing memory of one value type for tables and accumulators; large ones ask for huge pages.
struct Store<T: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<T>
  private(set) var capacity: Int

  init(capacity: Int = 16) {
    self.capacity = max(16, capacity)
    base = Store.allocate(self.capacity)
  }

  /// Makes zeroed memory.
  init(zeroed capacity: Int) {
    self.init(capacity: capacity)
    memset(base, 0, self.capacity * MemoryLayout<T>.stride)
  }

  deinit { base.deallocate() }

  var byteCount: Int { capacity * MemoryLayout<T>.stride }

  /// Makes room for `count` values and keeps the first `used`; returns false when there was room already.
  mutating func reserve(_ count: Int, keeping used: Int) {
    guard count > capacity else { return }
    let grown = max(count, capacity * 2)
    let bigger = Store.allocate(grown)
    bigger.update(from: base, count: used)
    base.deallocate()
    base = bigger
    capacity = grown
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<T> {
    let byteCount = count * MemoryLayout<T>.stride + 64
    let isLarge = byteCount >= 4 << 20
    let raw = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: isLarge ? 2 << 20 : 64)
    if isLarge { madvise(raw, byteCount, Int32(MADV_HUGEPAGE)) }
    return raw.bindMemory(to: T.self, capacity: count)
  }
}
