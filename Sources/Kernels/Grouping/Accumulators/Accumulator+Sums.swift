import Vectors

/// What a sum becomes in the end.
package enum SumResult: Sendable { case sum, average }

extension Accumulator {
  /// Makes sum or avg of a type, nil when there is none; `result` is the type the binder chose.
  package static func total(of type: LogicalType, _ kind: SumResult, result: LogicalType) -> Accumulator? {
    switch type.physical {
    case .int16, .int32: type.isInteger ? IntegerSumAccumulator(of: type.physical, kind, type: result) : nil
    case .int64: type == .bigint ? BigintSumAccumulator(kind, type: result) : nil
    case .float32: FloatSumAccumulator(ofReal: true, kind, type: result)
    case .float64: FloatSumAccumulator(ofReal: false, kind, type: result)
    case .numeric: NumericSumAccumulator(kind, type: result)
    case .interval: IntervalSumAccumulator(kind)
    case .boolean, .string, .uuid: nil
    }
  }
}
