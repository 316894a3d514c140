import Vectors

package enum WindowFunction: Hashable, Sendable {
  case rowNumber, rank, denseRank, percentRank, cumulativeDistribution
  /// (buckets)
  case ntile
  /// (value, offset?, default?)
  case lag, lead
  case firstValue, lastValue
  /// (value, n)
  case nthValue
  /// An aggregate over the frame.
  case aggregate(AggregateFunction)
}

/// One end of a window frame.
package enum FrameBound: Hashable, Sendable {
  case unboundedPreceding
  /// A constant expression: a row or group count, or for RANGE a distance in the order column's terms.
  case preceding(Expression)
  case currentRow
  case following(Expression)
  case unboundedFollowing
}

package struct WindowFrame: Hashable, Sendable {
  package enum Unit: Sendable { case rows, range, groups }
  package enum Exclusion: Sendable { case none, currentRow, group, ties }

  package var unit: Unit
  package var start: FrameBound
  package var end: FrameBound
  package var exclusion: Exclusion

  package init(
    _ unit: Unit = .range, from start: FrameBound = .unboundedPreceding, to end: FrameBound = .currentRow,
    exclusion: Exclusion = .none
  ) {
    self.unit = unit
    self.start = start
    self.end = end
    self.exclusion = exclusion
  }
}

/// One window function to compute over a partition and order that its operator holds.
package struct WindowCall: Hashable, Sendable {
  package var function: WindowFunction
  package var arguments: [Expression]
  package var filter: Expression?
  package var frame: WindowFrame
  package var output: Column

  package init(
    _ function: WindowFunction, _ arguments: [Expression], filter: Expression? = nil,
    frame: WindowFrame = WindowFrame(), output: Column
  ) {
    self.function = function
    self.arguments = arguments
    self.filter = filter
    self.frame = frame
    self.output = output
  }
}
