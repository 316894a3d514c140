/// A half-open range of UTF-8 byte offsets into one SQL text.
///
/// The lower bound is the place PostgreSQL itself points at for that node (the operator of `a + b`, the first word of
/// a call), so carets stand where PostgreSQL's do. The upper bound is the end of the token that stands there.
package struct SourceRange: Hashable, Sendable {
  package var lowerBound: Int32
  package var upperBound: Int32

  package init(_ lowerBound: Int, _ upperBound: Int) {
    self.lowerBound = Int32(clamping: lowerBound)
    self.upperBound = Int32(clamping: max(lowerBound, upperBound))
  }

  /// The range of a node that no text stands for.
  package static let unknown = SourceRange(-1, -1)

  package var isKnown: Bool { lowerBound >= 0 }

  /// Returns the bytes for `PulsehouseError.range`, nil when unknown.
  package var bytes: Range<Int>? { isKnown ? Int(lowerBound)..<Int(upperBound) : nil }

  /// Returns the smallest range that holds both; an unknown one adds nothing.
  package func union(_ other: SourceRange) -> SourceRange {
    if !isKnown { return other }
    if !other.isKnown { return self }
    return SourceRange(
      Int(min(lowerBound, other.lowerBound)), Int(max(upperBound, other.upperBound)))
  }

  /// Returns the same range in a text where this one's starts at byte `offset`.
  package func shifted(by offset: Int) -> SourceRange {
    isKnown ? SourceRange(Int(lowerBound) + offset, Int(upperBound) + offset) : self
  }
}
