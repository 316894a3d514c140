import Glibc
import Vectors

/// One thread's way to look rows up in a `GroupTable` that is no longer filled.
package final class GroupLookup {
  private let table: GroupTable
  private let nullsMatch: [Bool]
  private var words = Store<UInt64>()
  private var misses = Store<UInt8>()
  private var numbers: [NumberScratch]
  private var caches: [InternerCache]

  /// What a row without a group gets.
  package static let missing = UInt32.max

  /// `nullsMatch[i]` says whether NULL in key `i` finds the group of NULL, or nothing.
  package init(_ table: GroupTable, nullsMatch: [Bool]) {
    precondition(nullsMatch.count == table.types.count, "a rule for every key")
    self.table = table
    self.nullsMatch = nullsMatch
    numbers = table.types.map { _ in NumberScratch() }
    caches = table.types.map { _ in InternerCache() }
  }

  /// Writes the group of each of `count` rows to `groups`, `missing` where there is none.
  package func find(_ keys: [Vector], count: Int, into groups: UnsafeMutablePointer<UInt32>) {
    precondition(keys.count == table.columns.count, "a vector for every key")
    guard count > 0 else { return }
    words.reserve(count * max(1, table.wordCount), keeping: 0)
    memset(words.base, 0, count * table.wordCount * 8)
    misses.reserve(count, keeping: 0)
    var mayMiss = false
    func prepareMisses() {
      if !mayMiss { memset(misses.base, 0, count) }
      mayMiss = true
    }
    for (index, vector) in keys.enumerated() {
      let column = table.columns[index]
      precondition(vector.type.physical == column.type.physical, "keys of the table's types")
      let input: KeyInput
      if let interner = column.interner {
        input = numbers[index].read(vector) { interner.find($0, into: $1, cache: caches[index]) }
      } else {
        input = KeyInput(vector)
      }
      if !nullsMatch[index] {
        if input.isAllNull {
          for row in 0..<count { groups[row] = GroupLookup.missing }
          return
        }
        if let mask = input.validity {
          prepareMisses()
          for row in 0..<count where !mask.isValid(row) { misses.base[row] = 1 }
        }
      }
      guard let range = input.range() else { continue }
      if column.covers(range) {
        input.pack(column, into: words.base, stride: count, misses: nil)
      } else {
        prepareMisses()
        input.pack(column, into: words.base, stride: count, misses: misses.base)
      }
    }
    table.find(words.base, count: count, misses: mayMiss ? misses.base : nil, groups)
  }
}
