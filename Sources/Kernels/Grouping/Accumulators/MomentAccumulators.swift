import Bytes
import Vectors

/// What is made of the sums of values and squares.
package enum MomentResult: Sendable {
  case varianceSample, variancePopulation, deviationSample, deviationPopulation

  var isSample: Bool { self == .varianceSample || self == .deviationSample }
  var isDeviation: Bool { self == .deviationSample || self == .deviationPopulation }
}

/// Variance and standard deviation of floats, by sums of 106 bits.
package final class FloatMomentAccumulator: Accumulator {
  private struct State: BitwiseCopyable {
    var sum = DoubleDouble()
    var squares = DoubleDouble()
    var count = 0.0
  }

  private var states = Store<State>()
  private var groupCount = 0
  private let isReal: Bool
  private let kind: MomentResult

  init(ofReal isReal: Bool, _ kind: MomentResult) {
    self.isReal = isReal
    self.kind = kind
  }

  package override var byteCount: Int { states.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    states.reserve(groupCount, keeping: self.groupCount)
    (states.base + self.groupCount).update(repeating: State(), count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    let states = self.states.base
    if isReal {
      forEachValid(inputs[0], groups, as: Float.self) { group, value in
        states[group].sum.add(Double(value))
        states[group].squares.add(product: Double(value), Double(value))
        states[group].count += 1
      }
    } else {
      forEachValid(inputs[0], groups, as: Double.self) { group, value in
        states[group].sum.add(value)
        states[group].squares.add(product: value, value)
        states[group].count += 1
      }
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: FloatMomentAccumulator.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      states.base[to].sum.add(other.states.base[from].sum)
      states.base[to].squares.add(other.states.base[from].squares)
      states.base[to].count += other.states.base[from].count
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    resultVector(.double, groups, zero: 0.0) { group in
      let state = states.base[group]
      let count = state.count
      guard count > (kind.isSample ? 1 : 0) else { return nil }
      let variance = spread(state.sum, state.squares, count) / (kind.isSample ? count - 1 : count)
      return kind.isDeviation ? variance.squareRoot() : variance
    }
  }
}

/// The sum of squared distances from the mean: squares - sum * sum / count, never negative.
private func spread(_ sum: DoubleDouble, _ squares: DoubleDouble, _ count: Double) -> Double {
  guard sum.high.isFinite, squares.high.isFinite else { return .nan }
  let scaled = DoubleDouble.product(squares, DoubleDouble(high: count))
  let difference = (scaled - DoubleDouble.product(sum, sum)).value
  return difference > 0 ? difference / count : 0
}

/// Variance and standard deviation of integers and numerics, exact until the last division, as numeric.
package final class NumericMomentAccumulator: Accumulator {
  private struct State: BitwiseCopyable {
    var sum = Numeric(mantissa: 0, scale: 0)
    var squares = Numeric(mantissa: 0, scale: 0)
    var count: Int64 = 0
  }

  private var states = Store<State>()
  private var groupCount = 0
  private let physical: PhysicalType
  private let kind: MomentResult
  private let type: LogicalType

  init(of physical: PhysicalType, _ kind: MomentResult, type: LogicalType) {
    self.physical = physical
    self.kind = kind
    self.type = type
  }

  package override var byteCount: Int { states.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    states.reserve(groupCount, keeping: self.groupCount)
    (states.base + self.groupCount).update(repeating: State(), count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    switch physical {
    case .int16: addSmall(inputs[0], groups, as: Int16.self)
    case .int32: addSmall(inputs[0], groups, as: Int32.self)
    case .int64:
      try forEachValid(inputs[0], groups, as: Int64.self) { try add(NumericArithmetic.make($1), $0) }
    default:
      try forEachValid(inputs[0], groups, as: Numeric.self) { try add($1, $0) }
    }
  }

  /// Squares of 32 bits fit 64, and 2^63 of them 127, so nothing can overflow.
  @inline(__always) private func addSmall<T: FixedWidthInteger & BitwiseCopyable>(
    _ vector: Vector, _ groups: UnsafePointer<UInt32>?, as type: T.Type
  ) {
    let states = self.states.base
    forEachValid(vector, groups, as: T.self) { group, value in
      let wide = Int64(truncatingIfNeeded: value)
      states[group].sum.mantissa &+= Int128(wide)
      states[group].squares.mantissa &+= Int128(wide &* wide)
      states[group].count &+= 1
    }
  }

  private func add(_ value: Numeric, _ group: Int) throws {
    states.base[group].sum = try NumericArithmetic.add(states.base[group].sum, value)
    states.base[group].squares = try NumericArithmetic.add(
      states.base[group].squares, NumericArithmetic.multiply(value, value))
    states.base[group].count &+= 1
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: NumericMomentAccumulator.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      let theirs = other.states.base[from]
      guard theirs.count > 0 else { continue }
      states.base[to].sum = try NumericArithmetic.add(states.base[to].sum, theirs.sum)
      states.base[to].squares = try NumericArithmetic.add(states.base[to].squares, theirs.squares)
      states.base[to].count &+= theirs.count
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    if type.physical == .float64 {
      return try resultVector(type, groups, zero: 0.0) { try value($0).map { NumericArithmetic.double($0) } }
    }
    return try resultVector(type, groups, zero: Numeric(mantissa: 0, scale: 0)) { try value($0) }
  }

  /// As PostgreSQL: (N * squares - sum^2) / (N * (N - 1)), zero when that is not positive.
  private func value(_ group: Int) throws -> Numeric? {
    let state = states.base[group]
    guard state.count > (kind.isSample ? 1 : 0) else { return nil }
    if state.sum.special != 0 || state.squares.special != 0 { return .nan }
    let count = NumericArithmetic.make(state.count)
    let product = try NumericArithmetic.multiply(count, state.squares)
    let difference = try NumericArithmetic.subtract(product, NumericArithmetic.multiply(state.sum, state.sum))
    guard difference.mantissa > 0 else { return Numeric(mantissa: 0, scale: 0) }
    let divisor = try NumericArithmetic.multiply(
      count, kind.isSample ? NumericArithmetic.make(state.count - 1) : count)
    let variance = try NumericArithmetic.divide(difference, divisor)
    return kind.isDeviation ? try NumericArithmetic.squareRoot(variance) : variance
  }
}

/// What is made of the sums over pairs.
package enum PairResult: Sendable {
  case correlation, covarianceSample, covariancePopulation
  /// The results of regr_*.
  case count, averageX, averageY, sxx, syy, sxy, slope, intercept, r2
}

/// corr, covar_samp, covar_pop and regr_* of doubles; rows where either is NULL are skipped.
package final class PairMomentAccumulator: Accumulator {
  private struct State: BitwiseCopyable {
    var x = DoubleDouble()
    var y = DoubleDouble()
    var xx = DoubleDouble()
    var yy = DoubleDouble()
    var xy = DoubleDouble()
    var count = 0.0
  }

  private var states = Store<State>()
  private var groupCount = 0
  private let kind: PairResult

  /// Arguments come as PostgreSQL has them: (Y, X).
  package init(_ kind: PairResult) { self.kind = kind }

  package override var byteCount: Int { states.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    states.reserve(groupCount, keeping: self.groupCount)
    (states.base + self.groupCount).update(repeating: State(), count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    let (left, right) = (RowReader<Double>(inputs[0]), RowReader<Double>(inputs[1]))
    for row in 0..<count where inputs[0].isValid(row) && inputs[1].isValid(row) {
      let group = groups.map { Int($0[row]) } ?? 0
      let (y, x) = (left[row], right[row])
      states.base[group].x.add(x)
      states.base[group].y.add(y)
      states.base[group].xx.add(product: x, x)
      states.base[group].yy.add(product: y, y)
      states.base[group].xy.add(product: x, y)
      states.base[group].count += 1
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: PairMomentAccumulator.self)
    for index in 0..<count {
      let (from, to) = (Int(source[index]), Int(target[index]))
      states.base[to].x.add(other.states.base[from].x)
      states.base[to].y.add(other.states.base[from].y)
      states.base[to].xx.add(other.states.base[from].xx)
      states.base[to].yy.add(other.states.base[from].yy)
      states.base[to].xy.add(other.states.base[from].xy)
      states.base[to].count += other.states.base[from].count
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    if kind == .count {
      return resultVector(.bigint, groups, zero: Int64(0)) { Int64(states.base[$0].count) }
    }
    return resultVector(.double, groups, zero: 0.0) { group in
      let state = states.base[group]
      let count = state.count
      guard count > (kind == .covarianceSample ? 1 : 0) else { return nil }
      let scaled = DoubleDouble.product(state.xy, DoubleDouble(high: count))
      let together = (scaled - DoubleDouble.product(state.x, state.y)).value / count
      switch kind {
      case .covarianceSample: return together / (count - 1)
      case .covariancePopulation: return together / count
      case .correlation:
        let x = spread(state.x, state.xx, count)
        let y = spread(state.y, state.yy, count)
        if x == 0 || y == 0 { return nil }
        return max(-1, min(1, together / (x.squareRoot() * y.squareRoot())))
      case .count: return count
      case .averageX: return state.x.value / count
      case .averageY: return state.y.value / count
      case .sxx: return spread(state.x, state.xx, count)
      case .syy: return spread(state.y, state.yy, count)
      case .sxy: return together
      case .slope, .intercept, .r2:
        let x = spread(state.x, state.xx, count)
        if x == 0 { return nil }
        if kind == .slope { return together / x }
        if kind == .intercept { return (state.y.value - state.x.value * together / x) / count }
        let y = spread(state.y, state.yy, count)
        return y == 0 ? 1 : together * together / (x * y)
      }
    }
  }
}

extension Accumulator {
  /// Makes a variance or standard deviation, nil for types without one.
  package static func moment(of type: LogicalType, _ kind: MomentResult, result: LogicalType) -> Accumulator? {
    switch type.physical {
    case .int16, .int32: type.isInteger ? NumericMomentAccumulator(of: type.physical, kind, type: result) : nil
    case .int64: type == .bigint ? NumericMomentAccumulator(of: .int64, kind, type: result) : nil
    case .numeric: NumericMomentAccumulator(of: .numeric, kind, type: result)
    case .float32: FloatMomentAccumulator(ofReal: true, kind)
    case .float64: FloatMomentAccumulator(ofReal: false, kind)
    case .boolean, .string, .interval, .uuid: nil
    }
  }
}
