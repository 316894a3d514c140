import Kernels
import Vectors

/// What the keys of a join's right side say of the values that can match them.
enum RuntimeFilter {
  /// Up to so many values are tested one by one; of more only the least and the greatest.
  private static let valueLimit = 32

  /// Predicates of which one is false for a value that equals no key. `keys` are of a type that mayFilter of Lowering allows.
  static func predicates(ofKeys keys: Vector) -> [ColumnPredicate] {
    if keys.type.physical == .string { return texts(keys) }
    guard let summary = KeySummary(keys, valueLimit: valueLimit) else { return [.isIn([])] }
    let bounds = ColumnPredicate.between(.integer(summary.least), .integer(summary.greatest))
    guard let values = summary.values else { return [bounds] }
    return values.count == 1 ? [.compare(.equal, .integer(values[0]))] : [.isIn(values.map { .integer($0) })]
  }

  private static func texts(_ keys: Vector) -> [ColumnPredicate] {
    var values: Set<String> = []
    for row in 0..<keys.count {
      guard case .text(let text) = keys.scalar(at: row) else { continue }
      values.insert(text)
      if values.count > valueLimit { return [] }
    }
    return [.isIn(values.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { .text($0) })]
  }
}
