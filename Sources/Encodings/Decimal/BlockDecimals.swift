import Bytes
import CKernels
import Vectors

/// The decimal digits of a row group's doubles, found once for all that ask: tracks before, and the blocks themselves.
package struct BlockDecimals: Sendable {
  private var columns: [Int: DecimalEncoder.Digits] = [:]
  private var lookedAt: Set<Int> = []

  /// Looks at the doubles among `vectors`. Where rows come in long runs those have better encodings, and decimals are not
  /// looked for unless `isForced`.
  package init(_ vectors: [(column: Int, vector: Vector)], isForced: Bool = false) {
    for (column, vector) in vectors where vector.type.physical == .float64 {
      guard let buffer = BlockEncoder.integers(vector.flattened()) else { continue }
      let bits = UnsafePointer(buffer.values(as: Int64.self))
      let mayHaveDecimals = isForced || IntegerEncoder.changesOften(bits, vector.count)
      lookedAt.insert(column)
      if mayHaveDecimals {
        columns[column] = DecimalEncoder(
          values: UnsafePointer(buffer.values(as: Double.self)), count: vector.count, reals: nil
        ).encode()
      }
      withExtendedLifetime(buffer) {}
    }
  }

  /// True when nearly all values of `column` have digits.
  package func hasDigits(_ column: Int) -> Bool { columns[column] != nil }

  /// True when what `digits` says of `column` was looked for.
  func hasLookedAt(_ column: Int) -> Bool { lookedAt.contains(column) }

  /// The digits of `column`; nil where it has none, or was not looked at.
  func digits(of column: Int) -> DecimalEncoder.Digits? { columns[column] }
}
