import Bytes
import Kernels
import Planning
import Vectors

/// generate_series over integers, numerics and timestamps.
final class SeriesOperator: Operator {
  private let arguments: [Expression]
  private var start: Int64 = 0
  private var step: Int64 = 1
  private var count = 0
  /// Values that are not a plain progression: calendar months, numerics.
  private var listed: Vector?
  private var reservation: MemoryReservation?

  private static let morselRows = 32 * Batch.vectorSize

  init(_ node: PhysicalNode, _ run: QueryRun, arguments: [Expression]) {
    self.arguments = arguments
    super.init(node, run)
  }

  override func prepare() throws {
    let values = try arguments.map { try Constants.value(of: $0, run) }
    if values.contains(where: { $0.isNull }) { return }
    let zeroStep = PulsehouseError(.user, "step size cannot equal zero", sqlState: "22023")
    switch (values[0], values[1], values.count > 2 ? values[2] : .integer(1)) {
    case (.integer(let first), .integer(let last), .integer(let step)):
      guard step != 0 else { throw zeroStep }
      progress(first, last, step)
    case (.integer(let first), .integer(let last), .interval(let step))
    where step.months == 0 && (step.days == 0 || run.evaluation.zone == nil || columns[0].type != .timestamptz):
      let (days, dayOverflow) = Int64(step.days).multipliedReportingOverflow(by: 86_400_000_000)
      let (whole, overflow) = days.addingReportingOverflow(step.microseconds)
      if dayOverflow || overflow { throw PulsehouseError.intervalOutOfRange }
      guard whole != 0 else { throw zeroStep }
      progress(first, last, whole)
    case (let first, let last, let step): try list(first, last, step)
    }
  }

  private func progress(_ first: Int64, _ last: Int64, _ step: Int64) {
    start = first
    self.step = step
    let distance = step > 0 ? Int128(last) - Int128(first) : Int128(first) - Int128(last)
    count = distance < 0 ? 0 : Int(clamping: distance / Int128(step.magnitude) + 1)
  }

  private func list(_ first: Scalar, _ last: Scalar, _ step: Scalar) throws {
    let type = columns[0].type
    var builder = VectorBuilder(type)
    let reservation = run.reservation(for: "generate_series")
    self.reservation = reservation
    var length = 0
    let series = try SeriesValues(type, step: arguments.count > 2 ? arguments[2].type : type, run)
    try series.forEach(from: first, to: last, by: step) { value in
      if length % 4096 == 0 { try reservation.add(4096 * 2 * type.physical.stride) }
      length += 1
      builder.append(value)
    }
    let vector = builder.finish()
    listed = vector
    count = vector.count
  }

  override func morselCount(phase: Int) throws -> Int? {
    guard phase == 0 else { return nil }
    let (whole, rest) = count.quotientAndRemainder(dividingBy: SeriesOperator.morselRows)
    return rest == 0 ? whole : whole + 1
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  private final class Worker: OperatorWorker {
    let series: SeriesOperator

    init(_ series: SeriesOperator) { self.series = series }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      var row = morsel * SeriesOperator.morselRows
      let end = row + min(SeriesOperator.morselRows, series.count - row)
      while row < end {
        let size = min(Batch.vectorSize, end - row)
        try emit(Batch([vector(row, size)], rowCount: size))
        row += size
      }
    }

    private func vector(_ row: Int, _ size: Int) -> Vector {
      if let listed = series.listed { return listed.slice(row..<(row + size)) }
      let type = series.columns[0].type
      let buffer = AlignedBuffer(byteCount: size * type.physical.stride)
      // Every value lies between start and stop, so nothing can overflow.
      var value = series.start &+ Int64(row) &* series.step
      switch type.physical {
      case .int16:
        for index in 0..<size {
          buffer.values(as: Int16.self)[index] = Int16(truncatingIfNeeded: value)
          value &+= series.step
        }
      case .int32:
        for index in 0..<size {
          buffer.values(as: Int32.self)[index] = Int32(truncatingIfNeeded: value)
          value &+= series.step
        }
      default:
        for index in 0..<size {
          buffer.values(as: Int64.self)[index] = value
          value &+= series.step
        }
      }
      return Vector(type, count: size, buffer: buffer)
    }
  }
}

extension PulsehouseError {
  static var intervalOutOfRange: PulsehouseError { PulsehouseError(.user, "interval out of range", sqlState: "22008") }
}

/// The values of generate_series where they are no plain progression: the step is added again and again, as the type's
/// own addition does.
struct SeriesValues {
  private let type: LogicalType
  private let stepType: LogicalType
  private let run: QueryRun
  private let zero: Scalar

  init(_ type: LogicalType, step: LogicalType, _ run: QueryRun) throws {
    self.type = type
    stepType = step
    self.run = run
    switch step.physical {
    case .interval: zero = .interval(Interval(months: 0, days: 0, microseconds: 0))
    case .numeric: zero = .numeric(Numeric(mantissa: 0, scale: 0))
    case .int32 where type.isNumeric, .int64 where type.isNumeric: zero = .integer(0)
    default: throw PulsehouseError(.unsupported, "generate_series of \(type) by \(step)")
    }
  }

  func forEach(from first: Scalar, to last: Scalar, by step: Scalar, _ take: (Scalar) throws -> Void) throws {
    for (value, name) in [(first, "start value"), (last, "stop value"), (step, "step size")] {
      guard case .numeric(let number) = value, number.special != 0 else { continue }
      let special = number.special == 1 ? "NaN" : "infinity"
      throw PulsehouseError(.user, "\(name) cannot be \(special)", sqlState: "22023")
    }
    let order = RowComparator(
      left: [.of(stepType, [step])], right: [.of(stepType, [zero])], orders: [SortOrder()]
    ).compare(0, 0)
    guard order != 0 else { throw PulsehouseError(.user, "step size cannot equal zero", sqlState: "22023") }
    let column = Column(id: -1, name: "value", type: type)
    let stepExpression: Expression =
      stepType.isInteger && type.isNumeric ? .cast(.constant(step, stepType), type) : .constant(step, stepType)
    let next = try CompiledExpression(.call(.add, [.column(column), stepExpression], type), input: [column])
    let lastVector = Vector.of(type, [last])
    var current = Vector.of(type, [first])
    while true {
      let side = RowComparator(left: [current], right: [lastVector], orders: [SortOrder()]).compare(0, 0)
      if order > 0 ? side > 0 : side < 0 { return }
      try run.checkpoint()
      try take(current.scalar(at: 0))
      current = try next.evaluate(Batch([current], rowCount: 1), run.evaluation)
    }
  }
}
