import Bytes
import Glibc
import Synchronization

/// How many bytes a query's operators may hold together. Operators reserve before they grow.
package final class MemoryBudget: Sendable {
  package let limit: Int
  private let used = Atomic<Int>(0)
  private let highest = Atomic<Int>(0)

  package init(limit: Int) {
    self.limit = limit
    AlignedBuffer.keepFreed(upTo: limit / 16)
  }

  /// 80 % of the machine's memory.
  package static var defaultLimit: Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let size = sysconf(Int32(_SC_PAGESIZE))
    return pages > 0 && size > 0 ? pages / 5 * 4 * size : 1 << 32
  }

  package var reserved: Int { used.load(ordering: .relaxed) }

  /// The most that was ever reserved at once.
  package var peak: Int { highest.load(ordering: .relaxed) }

  /// Takes `byteCount` bytes and returns true, or takes none and returns false.
  package func tryReserve(_ byteCount: Int) -> Bool {
    let total = used.add(byteCount, ordering: .relaxed).newValue
    if byteCount > 0 && total > limit {
      used.subtract(byteCount, ordering: .relaxed)
      return false
    }
    if total > highest.load(ordering: .relaxed) { highest.store(total, ordering: .relaxed) }
    return true
  }

  /// Takes `byteCount` bytes for `purpose`, a word for the message ("sort").
  ///
  /// - Throws: `.user` 53200 when they do not fit.
  package func reserve(_ byteCount: Int, for purpose: String) throws {
    guard !tryReserve(byteCount) else { return }
    throw PulsehouseError(
      .user, "out of memory: \(purpose) needs \(MemoryBudget.words(byteCount)) more than the budget has left",
      sqlState: "53200",
      detail: "The budget is \(MemoryBudget.words(limit)), of which \(MemoryBudget.words(reserved)) are in use.",
      hint: "Give the query more memory (--memory SIZE), or let it read or group less at once.")
  }

  package func release(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }

  static func words(_ byteCount: Int) -> String {
    if byteCount >= 10 << 30 { return "\(byteCount >> 30) GiB" }
    if byteCount >= 10 << 20 { return "\(byteCount >> 20) MiB" }
    return "\((byteCount + 1023) >> 10) KiB"
  }
}

/// What one operator, or one worker of it, holds of a budget; gives it back when it goes.
final class MemoryReservation: @unchecked Sendable {
  // @unchecked: used by one thread at a time, as the state that it speaks of.
  private let budget: MemoryBudget
  private let purpose: String
  private(set) var byteCount = 0

  init(_ budget: MemoryBudget, for purpose: String) {
    self.budget = budget
    self.purpose = purpose
  }

  deinit { budget.release(byteCount) }

  /// Makes the reservation `total` bytes in all, larger or smaller.
  func resize(to total: Int) throws {
    if total > byteCount {
      try budget.reserve(total - byteCount, for: purpose)
    } else {
      budget.release(byteCount - total)
    }
    byteCount = total
  }

  /// Makes the reservation `total` bytes in all if that fits, and says whether it did.
  func tryResize(to total: Int) -> Bool {
    if total > byteCount {
      guard budget.tryReserve(total - byteCount) else { return false }
    } else {
      budget.release(byteCount - total)
    }
    byteCount = total
    return true
  }

  func add(_ more: Int) throws { try resize(to: byteCount + more) }
}
