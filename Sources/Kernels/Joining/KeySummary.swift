import Vectors

/// The least and the greatest of integer-like keys, and all of them where they are few.
package struct KeySummary: Sendable {
  package private(set) var least: Int64
  package private(set) var greatest: Int64
  /// Ascending; nil when there are more than was asked for.
  package private(set) var values: [Int64]?

  /// Looks at every value that is not NULL; nil when there is none. `keys` is of an integer, date or time type.
  package init?(_ keys: Vector, valueLimit: Int) {
    let input = KeyInput(keys)
    guard !input.isAllNull, let range = withExtendedLifetime(input, { input.range() }) else { return nil }
    (least, greatest) = (range.low, range.high)
    var found: Set<Int64> = []
    for row in 0..<keys.count where keys.isValid(row) {
      guard case .integer(let value) = keys.scalar(at: row) else { return nil }
      found.insert(value)
      if found.count > valueLimit { return }
    }
    values = found.sorted()
  }
}
