import Kernels
import Vectors

/// How the rows of a query differ from those a test expects.
package struct RowDifference: Sendable {
  package struct Pair: Sendable {
    /// Texts by column; a nil text is NULL, a nil row is none.
    package var expected: [String?]?
    package var actual: [String?]?
  }

  /// `query`, or the WITH query.
  package var what: String
  package var columns: [Field]
  /// The rows that differ, each with the one most like it.
  package var pairs: [Pair]

  /// Compares rows, in any order unless `isOrdered`. Doubles and reals count as equal when they differ by less than a
  /// hundred-thousandth, as in SQLMesh. Nil when nothing differs.
  static func find(
    _ what: String, _ columns: [Field], expected: [[Scalar]], actual: [[Scalar]], isOrdered: Bool
  ) -> RowDifference? {
    var pairs: [Pair] = []
    func texts(_ row: [Scalar]) -> [String?] {
      zip(row, columns).map { value, field in TextFormat.string(value, field.type) }
    }
    if isOrdered {
      for index in 0..<max(expected.count, actual.count) {
        let first = index < expected.count ? expected[index] : nil
        let second = index < actual.count ? actual[index] : nil
        if let first, let second, zip(first, second).allSatisfy({ equal($0, $1) }) { continue }
        pairs.append(Pair(expected: first.map(texts), actual: second.map(texts)))
      }
    } else {
      var missing: [[Scalar]] = []
      var left = actual
      for row in expected {
        if let match = left.firstIndex(where: { zip($0, row).allSatisfy { equal($0, $1) } }) {
          left.remove(at: match)
        } else {
          missing.append(row)
        }
      }
      for row in missing {
        let nearest = left.indices.max { likeness(left[$0], row) < likeness(left[$1], row) }
        if let nearest, likeness(left[nearest], row) > 0 || columns.count == 1 {
          pairs.append(Pair(expected: texts(row), actual: texts(left.remove(at: nearest))))
        } else {
          pairs.append(Pair(expected: texts(row), actual: nil))
        }
      }
      for row in left { pairs.append(Pair(expected: nil, actual: texts(row))) }
    }
    return pairs.isEmpty ? nil : RowDifference(what: what, columns: columns, pairs: pairs)
  }

  private static func likeness(_ first: [Scalar], _ second: [Scalar]) -> Int {
    zip(first, second).count { equal($0, $1) }
  }

  private static func equal(_ first: Scalar, _ second: Scalar) -> Bool {
    func near(_ left: Double, _ right: Double) -> Bool {
      left == right || left.isNaN && right.isNaN || abs(left - right) <= 1e-8 + 1e-5 * abs(left)
    }
    switch (first, second) {
    case (.double(let left), .double(let right)): return near(left, right)
    case (.real(let left), .real(let right)): return near(Double(left), Double(right))
    case (.numeric, .numeric): return shortest(first) == shortest(second)
    default: return first == second
    }
  }

  /// A numeric without the zeros that only its scale asks for.
  private static func shortest(_ value: Scalar) -> Substring? {
    guard let text = TextFormat.string(value, .numeric(precision: nil, scale: nil)), text.contains(".") else {
      return TextFormat.string(value, .numeric(precision: nil, scale: nil)).map { $0[...] }
    }
    let digits = text.reversed().drop { $0 == "0" }.drop { $0 == "." }
    return Substring(String(digits.reversed()))
  }
}
