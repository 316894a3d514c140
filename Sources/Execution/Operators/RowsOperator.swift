import Bytes
import Kernels
import Planning
import Vectors

/// Rows that are there already, as morsels of some batches each: the base of operators that keep their result.
class RowsOperator: Operator {
  /// What `prepare` made, in row order; batches of any length.
  var rows: [Batch] = []
  var reservation: MemoryReservation?
  /// The same of an operator whose rows may lie on disk.
  var pieces: [StoredPiece] = []
  private var sources: [StoredPiece] = []
  private var morsels: [(piece: Int, range: Range<Int>)] = []

  /// Rows in a morsel at most; those of a block on disk are one morsel, so that it is read once.
  private static let morselRows = 16 * Batch.vectorSize

  override func morselCount(phase: Int) throws -> Int? {
    guard phase == 0 else { return nil }
    morsels.removeAll()
    sources = rows.map { .kept($0) } + pieces
    for (index, piece) in sources.enumerated() {
      let rowCount = piece.rowCount
      if case .written = piece {
        morsels.append((index, 0..<rowCount))
        continue
      }
      var start = 0
      while start < rowCount {
        let end = min(start + RowsOperator.morselRows, rowCount)
        morsels.append((index, start..<end))
        start = end
      }
    }
    return morsels.count
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  override func finish() {
    rows = []
    pieces = []
    sources = []
    reservation = nil
  }

  private final class Worker: OperatorWorker {
    let source: RowsOperator

    init(_ source: RowsOperator) { self.source = source }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let (index, range) = source.morsels[morsel]
      let batch = try source.sources[index].rows()
      var start = range.lowerBound
      while start < range.upperBound {
        let end = min(start + Batch.vectorSize, range.upperBound)
        try emit(end - start == batch.rowCount ? batch : batch.slice(start..<end))
        start = end
      }
    }
  }
}

/// Constant rows.
final class ValuesOperator: RowsOperator {
  private let expressions: [[Expression]]

  init(_ node: PhysicalNode, _ run: QueryRun, rows: [[Expression]]) {
    expressions = rows
    super.init(node, run)
  }

  override func prepare() throws {
    var builders = types.map { VectorBuilder($0, capacity: expressions.count) }
    for row in expressions {
      for (index, expression) in row.enumerated() {
        builders[index].append(try Constants.value(of: expression, run))
      }
    }
    if expressions.isEmpty { return }
    rows = [Batch(builders.map { $0.finish() }, rowCount: expressions.count)]
  }
}

/// Expressions without columns.
enum Constants {
  static func value(of expression: Expression, _ run: QueryRun) throws -> Scalar {
    if case .constant(let scalar, _) = expression { return scalar }
    let compiled = try CompiledExpression(expression, input: [])
    return try compiled.evaluate(Batch([], rowCount: 1), run.evaluation).scalar(at: 0)
  }

  /// Returns a row count: nil for NULL.
  ///
  /// - Throws: `.user` `sqlState` when it is negative.
  static func rowCount(_ expression: Expression?, _ run: QueryRun, _ word: String, sqlState: String) throws -> Int? {
    guard let expression else { return nil }
    guard case .integer(let value) = try value(of: .cast(expression, .bigint), run) else { return nil }
    guard value >= 0 else { throw PulsehouseError(.user, "\(word) must not be negative", sqlState: sqlState) }
    return Int(value)
  }
}

/// A node that several parents read: computed once, kept to the end of the query in memory or on disk.
final class SharedOperator: RowsOperator {
  private let input: Operator

  init(_ node: PhysicalNode, _ run: QueryRun, input: Operator) {
    self.input = input
    super.init(node, run)
  }

  override func prepare() throws {
    (pieces, reservation) = try StoringSink.collect(input, for: "WITH")
  }

  override func finish() {}
}

/// UNION ALL: the inputs one after the other.
final class ConcatenateOperator: Operator {
  private let inputs: [Operator]
  /// The input and its phase that a phase of ours is.
  private var phases: [(input: Int, phase: Int)] = []

  init(_ node: PhysicalNode, _ run: QueryRun, inputs: [Operator]) {
    self.inputs = inputs
    super.init(node, run)
  }

  override func morselCount(phase: Int) throws -> Int? {
    var (input, inner) = phases.last.map { ($0.input, $0.phase + 1) } ?? (0, 0)
    if phase < phases.count { (input, inner) = phases[phase] }
    while input < inputs.count {
      try inputs[input].prepareOnce()
      if let count = try inputs[input].morselCount(phase: inner) {
        if phase >= phases.count { phases.append((input, inner)) }
        return count
      }
      inputs[input].finish()
      input += 1
      inner = 0
    }
    return nil
  }

  override func makeWorker() throws -> OperatorWorker { Worker(self) }

  private final class Worker: OperatorWorker {
    let source: ConcatenateOperator
    var workers: [OperatorWorker?]

    init(_ source: ConcatenateOperator) {
      self.source = source
      workers = Array(repeating: nil, count: source.inputs.count)
    }

    override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
      let (input, inner) = source.phases[phase]
      let worker = try workers[input] ?? source.inputs[input].worker()
      workers[input] = worker
      let types = source.types
      try worker.run(phase: inner, morsel: morsel) { batch in
        try emit(Batch(zip(batch.columns, types).map { $0.retyped(as: $1) }, rowCount: batch.rowCount))
      }
    }
  }
}
