/// How the values of a block are laid out. Raw values are on disk for ever: never reuse or renumber one.
///
/// Each names a folder of this target. Some nest: a dictionary's codes, a run-length's values and lengths, and a
/// decimal's digits are integer streams of their own with an encoding each.
package enum Encoding: UInt8, Sendable, Hashable, CaseIterable {
  /// One value for every row; also a block whose rows are all null.
  case constant = 1
  /// Values as they lie in memory.
  case plain = 2
  /// Frame of reference, bit-packed in the transposed layout, outliers patched.
  case packed = 3
  /// Differences to the row before, packed.
  case delta = 4
  /// Values and how often each repeats.
  case runLength = 5
  /// Distinct values in ascending order, and a code per row.
  case dictionary = 6
  /// Doubles as integers times a power of ten, exceptions apart.
  case decimal = 7
  /// Differences to the last row with the same key in another column of the row group, packed.
  case keyedDelta = 8
  /// A multiple of another column of the row group, and a packed rest.
  case linked = 9
  /// Steps from the last row with the same key or from the mean of its rows, packed by their lengths.
  case tracked = 10

  /// The name people see in reports.
  package var name: String {
    switch self {
    case .constant: "constant"
    case .plain: "plain"
    case .packed: "packed"
    case .delta: "delta"
    case .runLength: "run-length"
    case .dictionary: "dictionary"
    case .decimal: "decimal"
    case .keyedDelta: "keyed delta"
    case .linked: "linked"
    case .tracked: "tracked"
    }
  }
}
