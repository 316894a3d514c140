import Bytes
import Kernels
import Planning
import Vectors

/// Puts the rows of set-returning functions beside the input rows they were called for.
final class ExpandOperator: StreamOperator {
  private let expansion: Expansion
  private let arguments: [[CompiledExpression]]

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator, expansion: Expansion) throws {
    self.expansion = expansion
    arguments = try expansion.calls.map { call in
      try call.arguments.map { try CompiledExpression($0, input: input.columns) }
    }
    super.init(node, run, input: input)
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self, try input.worker()) }

  private final class Worker: OperatorWorker {
    let source: ExpandOperator
    let input: OperatorWorker

    init(_ source: ExpandOperator, _ input: OperatorWorker) {
      self.source = source
      self.input = input
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      try input.run(phase: phase, morsel: morsel) { batch in
        // Few rows at a time, since each may become many.
        var start = 0
        while start < batch.rowCount {
          let end = min(start + 64, batch.rowCount)
          try source.expand(batch.slice(start..<end), emit)
          start = end
        }
      }
    }
  }

  private func expand(_ batch: Batch, _ emit: Emit) throws {
    try run.checkpoint()
    let reservation = run.reservation(for: "set-returning functions")
    let results = try zip(expansion.calls, arguments).map { call, arguments in
      let values = try arguments.map { try $0.evaluate(batch, run.evaluation) }
      return try SetFunctionRows.make(call, values, count: batch.rowCount, run, reservation)
    }
    // How many rows each input row becomes, and which of each call's rows they take.
    let counts = results.map { $0.counts(batch.rowCount) }
    var rows: [UInt32] = []
    var ordinals: [Int64] = []
    var picks = results.map { _ in [Int32]() }
    var next = results.map { _ in 0 }
    for row in 0..<batch.rowCount {
      var count = counts.map { $0[row] }.max() ?? 0
      let isEmpty = count == 0
      if isEmpty, expansion.keepsEmpty { count = 1 }
      for index in 0..<count {
        rows.append(UInt32(row))
        if expansion.ordinality != nil { ordinals.append(isEmpty ? 0 : Int64(index + 1)) }
        for call in results.indices { picks[call].append(index < counts[call][row] ? Int32(next[call] + index) : -1) }
      }
      for call in results.indices { next[call] += counts[call][row] }
    }
    var start = 0
    while start < rows.count {
      let end = min(start + Batch.vectorSize, rows.count)
      let own = SelectionVector(Array(rows[start..<end]))
      var columns = batch.columns.map { Gather.rows($0, own) }
      for (result, pick) in zip(results, picks) {
        pick[start..<end].withUnsafeBufferPointer { indices in
          columns += result.values.map { Gather.rows($0, orNull: indices) }
        }
      }
      if expansion.ordinality != nil {
        columns.append(.of(.bigint, ordinals[start..<end].map { $0 == 0 ? .null : .integer($0) }))
      }
      try emit(Batch(zip(columns, types).map { $0.retyped(as: $1) }, rowCount: end - start))
      start = end
    }
  }
}

/// What a call gave for a batch: the rows in order of the input rows they belong to.
struct SetFunctionRows {
  var rows: [UInt32]
  var values: [Vector]

  func counts(_ rowCount: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: rowCount)
    for row in rows { counts[Int(row)] += 1 }
    return counts
  }

  /// Of each row its value, its place in the input and among the others, and its number.
  private static let bytesPerRow = 48

  static func make(
    _ call: SetCall, _ arguments: [Vector], count: Int, _ run: QueryRun, _ reservation: MemoryReservation
  ) throws -> SetFunctionRows {
    let type = call.columns[0].type
    switch call.function {
    case .generateSeries: return try series(arguments, type, count: count, run, reservation)
    case .unnest:
      let (rows, texts) = try ArrayFunctions.elements(of: arguments[0])
      return SetFunctionRows(rows: rows, values: [try Cast.vector(texts, to: type, now: run.evaluation.now)])
    case .generateSubscripts:
      let (rows, values) = try ArrayFunctions.subscripts(arguments, count: count)
      return SetFunctionRows(rows: rows, values: [values])
    case .regexpMatches:
      let (rows, values) = try ArrayFunctions.allMatches(arguments, count: count)
      return SetFunctionRows(rows: rows, values: [values])
    case .regexpSplit:
      let (rows, values) = try ArrayFunctions.elements(of: try ArrayFunctions.regexSplit(arguments, count: count))
      return SetFunctionRows(rows: rows, values: [values])
    case .stringToTable:
      let (rows, values) = try ArrayFunctions.elements(of: try ArrayFunctions.split(arguments, count: count))
      return SetFunctionRows(rows: rows, values: [values])
    case .jsonArrayElements, .jsonArrayElementsText:
      let (rows, values) = try JSONFunctions.elements(
        arguments[0], asText: call.function == .jsonArrayElementsText, type)
      return SetFunctionRows(rows: rows, values: [values])
    case .jsonPathQuery:
      let (rows, values) = try JSONPathFunctions.all(arguments, count: count)
      return SetFunctionRows(rows: rows, values: [values])
    case .jsonObjectKeys:
      let (rows, keys, _) = try JSONFunctions.members(arguments[0], asText: false, .text, named: "jsonb_object_keys")
      return SetFunctionRows(rows: rows, values: [keys])
    case .jsonEach, .jsonEachText:
      let asText = call.function == .jsonEachText
      let (rows, keys, values) = try JSONFunctions.members(
        arguments[0], asText: asText, call.columns[1].type, named: "jsonb_each")
      return SetFunctionRows(rows: rows, values: [keys, values])
    }
  }

  /// `generate_series(start, stop[, step])`, bounds from columns.
  private static func series(
    _ arguments: [Vector], _ type: LogicalType, count: Int, _ run: QueryRun, _ reservation: MemoryReservation
  ) throws -> SetFunctionRows {
    var rows: [UInt32] = []
    var builder = VectorBuilder(type)
    func append(_ value: Scalar, to row: Int) throws {
      if rows.count & 4095 == 4095 {
        try run.checkpoint()
        try reservation.add(4096 * bytesPerRow)
      }
      rows.append(UInt32(row))
      builder.append(value)
    }
    let zeroStep = PulsehouseError(.user, "step size cannot equal zero", sqlState: "22023")
    for row in 0..<count {
      let values = arguments.map { $0.scalar(at: row) }
      if values.contains(where: \.isNull) { continue }
      guard case .integer(let first) = values[0], case .integer(let last) = values[1] else {
        try SeriesValues(type, step: arguments[2].type, run).forEach(from: values[0], to: values[1], by: values[2]) {
          try append($0, to: row)
        }
        continue
      }
      var step: Int64 = 1
      var months: Vector?
      switch values.count > 2 ? values[2] : .integer(1) {
      case .integer(let value): step = value
      case .interval(let span):
        step = Int64(span.days) &* 86_400_000_000 &+ span.microseconds
        let isLocal = type == .timestamptz && run.evaluation.zone != nil && span.days != 0
        if span.months != 0 || isLocal {
          months = .of(.interval, [.interval(span)])
          step = span.months != 0 ? Int64(span.months) : step
        }
      default: throw PulsehouseError(.unsupported, "generate_series by this step")
      }
      guard step != 0 else { throw zeroStep }
      var current = first
      while step > 0 ? current <= last : current >= last {
        try append(.integer(current), to: row)
        if let months {
          let next = try Arithmetic.binary(
            .add, .of(type, [.integer(current)]), months, type, zone: run.evaluation.zone)
          guard case .integer(let value) = next.scalar(at: 0) else { break }
          current = value
        } else {
          let (next, overflow) = current.addingReportingOverflow(step)
          if overflow { break }
          current = next
        }
      }
    }
    return SetFunctionRows(rows: rows, values: [builder.finish()])
  }
}
