import Kernels
import Planning
import Vectors

/// Scans a table whose rows are in memory.
final class BatchScanOperator: RowsOperator {
  private let scan: TableScan
  private let batches: [Batch]

  init(_ node: PhysicalNode, _ run: QueryRun, scan: TableScan, batches: [Batch]) {
    self.scan = scan
    self.batches = batches
    super.init(node, run)
  }

  override func prepare() throws {
    let tested = Array(Set(scan.predicates.map { $0.field })).sorted()
    let testedColumns = tested.enumerated().map { index, field in
      Column(id: -1 - index, name: "field \(field)", type: batches.first?.columns[field].type ?? .unknown)
    }
    let conditions = scan.predicates.compactMap { predicate in
      tested.firstIndex(of: predicate.field).map { predicate.predicate.expression(over: testedColumns[$0]) }
    }
    var predicate: CompiledPredicate?
    if let first = conditions.first, !batches.isEmpty {
      predicate = try CompiledPredicate(conditions.count == 1 ? first : .and(conditions), input: testedColumns)
    }
    let filter = try scan.filter.map { try CompiledPredicate($0, input: columns) }
    for (index, batch) in batches.enumerated() {
      var start = 0
      while start < batch.rowCount {
        try run.checkpoint()
        let end = min(start + Batch.vectorSize, batch.rowCount)
        let window = batch.slice(start..<end)
        var output = Batch(
          scan.sources.enumerated().map { position, source in
            switch source {
            case .field(let field): window.columns[field].retyped(as: columns[position].type)
            case .rowIdentifier:
              Vector.rowIdentifiers(segment: index, rows: (start..<end).lazy.map { $0 }, count: end - start)
            }
          }, rowCount: window.rowCount)
        if let predicate,
          let selection = try predicate.select(
            Batch(tested.map { window.columns[$0] }, rowCount: window.rowCount), run.evaluation)
        {
          output = Gather.rows(output, selection)
        }
        if let filter, output.rowCount > 0, let selection = try filter.select(output, run.evaluation) {
          output = Gather.rows(output, selection)
        }
        if output.rowCount > 0 { rows.append(output) }
        start = end
      }
    }
  }

  override var isReplayable: Bool { true }

  override func isOrdered(by wanted: [Column]) throws -> Bool {
    let positions = wanted.compactMap { columns.firstIndex(of: $0) }
    guard positions.count == wanted.count else { return false }
    var check = OrderCheck(columnCount: positions.count)
    return rows.allSatisfy { batch in check.accepts(positions.map { batch.columns[$0] }) }
  }
}

extension Vector {
  /// Makes row identifiers: the segment's position << 40 | the row's.
  static func rowIdentifiers(segment: Int, rows: some Sequence<Int>, count: Int) -> Vector {
    var builder = VectorBuilder(.bigint, capacity: count)
    for row in rows { builder.append(Int64(segment) << 40 | Int64(row)) }
    return builder.finish()
  }
}

extension ColumnPredicate {
  /// Returns the same test as a bound expression.
  func expression(over column: Column) -> Expression {
    let value = Expression.column(column)
    switch self {
    case .compare(let comparison, let constant): return .compare(comparison, value, .constant(constant, column.type))
    case .between(let low, let high):
      return .and([
        .compare(.greaterOrEqual, value, .constant(low, column.type)),
        .compare(.lessOrEqual, value, .constant(high, column.type)),
      ])
    case .isIn(let list): return .isIn(value, list.map { .constant($0, column.type) })
    case .isNull: return .isNull(value)
    case .isNotNull: return .not(.isNull(value))
    }
  }
}
