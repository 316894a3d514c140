import Kernels
import Planning
import Vectors

/// An aggregation over a stored table, perhaps joined to dimensions, that may run on the columns' codes.
///
/// What can be seen from the plan alone: `ScanAggregatePlan` adds what the zone maps and dimensions say.
struct ScanAggregateShape {
  /// Where a key's columns come from.
  enum Origin: Hashable {
    case field(Int)
    case dimension(Int)
  }

  /// A join whose right side is small and has a whole number as its key.
  struct Dimension {
    let field: Int
    let kind: JoinKind
    let rows: Operator
    let key: CompiledExpression
  }

  /// The keys that depend on one column, or on one dimension's row.
  struct Part {
    let origin: Origin
    /// The keys' places in GROUP BY.
    var positions: [Int]
    var expressions: [Expression]
    /// The columns that the expressions read: the one column, or the dimension's.
    let columns: [Column]
  }

  /// What an aggregate is made of.
  struct Output {
    let function: Function
    /// Nil where only rows are counted.
    let field: Int?
    let type: LogicalType

    enum Function {
      case rows
      /// Not NULL rows of a column that need not have codes.
      case count
      case distinct
      /// Of whole numbers; `asDouble` when each was made a double first.
      case sum(asDouble: Bool)
      case average(asDouble: Bool)
      case extreme(isMaximum: Bool)
      case percentile(fraction: Double?, isContinuous: Bool, isDescending: Bool)
    }

    var needs: DenseNeeds {
      switch function {
      case .rows: []
      case .count: .count
      case .distinct: .distinct
      case .sum, .average: [.count, .sum]
      case .extreme(let isMaximum): isMaximum ? [.count, .maximum] : [.count, .minimum]
      case .percentile: .histogram
      }
    }
  }

  let scan: SegmentScanOperator
  private(set) var dimensions: [Dimension] = []
  private(set) var parts: [Part] = []
  private(set) var outputs: [Output] = []
  /// Places of the keys that groups shall ascend by; none where their order does not matter.
  var preferredOrder: [Int] = []

  /// Returns nil for whatever the general path must do.
  init?(_ aggregation: Aggregation, _ input: Operator, _ run: QueryRun) throws {
    guard aggregation.groupingSets == nil else { return nil }
    var source = input
    // Projections above the scan, outermost first; an expression is resolved through them one by one.
    var projections: [[Int: Expression]] = []
    var joins: [JoinOperator] = []
    while !(source is SegmentScanOperator) {
      if let project = source as? ProjectOperator, joins.isEmpty,
        case .project(let expressions) = project.node.operation
      {
        projections.append(
          Dictionary(zip(project.columns.map { $0.id }, expressions), uniquingKeysWith: { first, _ in first }))
        source = project.input
      } else if let join = source as? JoinOperator, ScanAggregateShape.isLookup(join) {
        joins.append(join)
        source = join.left
      } else {
        return nil
      }
    }
    guard let scan = source as? SegmentScanOperator, scan.scan.filter == nil else { return nil }
    self.scan = scan
    var owners: [Int: Origin] = [:]
    for (column, source) in zip(scan.columns, scan.scan.sources) {
      if case .field(let field) = source { owners[column.id] = .field(field) }
    }
    for join in joins {
      guard let dimension = try ScanAggregateShape.dimension(join, owners) else { return nil }
      if join.join.kind == .inner || join.join.kind == .left {
        for column in join.right.columns { owners[column.id] = .dimension(dimensions.count) }
      }
      dimensions.append(dimension)
    }
    func resolve(_ expression: Expression) -> Expression {
      projections.reduce(expression) { ScanAggregateShape.substitute($0, $1) }
    }
    for (position, key) in aggregation.keys.enumerated() {
      guard try addKey(resolve(key), position, owners) else { return nil }
    }
    for call in aggregation.aggregates {
      guard let output = try ScanAggregateShape.output(call, owners, run, resolve) else { return nil }
      outputs.append(output)
    }
  }

  private static func substitute(_ expression: Expression, _ columns: [Int: Expression]) -> Expression {
    if case .column(let column) = expression { return columns[column.id] ?? expression }
    return expression.mapChildren { substitute($0, columns) }
  }

  // MARK: Dimensions

  private static func isLookup(_ join: JoinOperator) -> Bool {
    guard join.join.condition == nil, join.join.leftKeys.count == 1, join.join.nullsMatch == [false] else {
      return false
    }
    switch join.join.kind {
    case .inner, .left, .semi, .anti: return true
    default: return false
    }
  }

  private static func dimension(_ join: JoinOperator, _ owners: [Int: Origin]) throws -> Dimension? {
    var key = join.join.leftKeys[0]
    guard key.type.isInteger || key.type == .date, join.right.node.estimatedRowCount <= 4_000_000 else { return nil }
    while case .cast(let inner, let type) = key, type.isInteger, inner.type.isInteger,
      inner.type.physical.stride <= type.physical.stride
    {
      key = inner
    }
    guard case .column(let column) = key, case .field(let field)? = owners[column.id] else { return nil }
    return Dimension(
      field: field, kind: join.join.kind, rows: join.right,
      key: try CompiledExpression(join.join.rightKeys[0], input: join.right.columns))
  }

  // MARK: Keys

  private mutating func addKey(_ key: Expression, _ position: Int, _ owners: [Int: Origin]) throws -> Bool {
    var columns: Set<Column> = []
    key.collectColumns(into: &columns)
    let origins = Set(columns.map { owners[$0.id] })
    guard origins.count == 1, case .some(.some(let origin)) = origins.first else { return false }
    if let index = parts.firstIndex(where: { $0.origin == origin }) {
      guard columns.isSubset(of: parts[index].columns),
        try CompiledExpression(key, input: parts[index].columns).root.isPure
      else { return false }
      parts[index].positions.append(position)
      parts[index].expressions.append(key)
      return true
    }
    let input: [Column]
    switch origin {
    case .field:
      guard let column = columns.first, columns.count == 1 else { return false }
      switch column.type {
      case .boolean, .smallint, .integer, .bigint, .date, .time, .timestamp, .timestamptz, .text, .varchar,
        .enumeration:
        break
      default: return false
      }
      input = [column]
    case .dimension(let index): input = dimensions[index].rows.columns
    }
    guard try CompiledExpression(key, input: input).root.isPure else { return false }
    parts.append(Part(origin: origin, positions: [position], expressions: [key], columns: input))
    return true
  }

  // MARK: Aggregates

  private static func output(
    _ call: AggregateCall, _ owners: [Int: Origin], _ run: QueryRun, _ resolve: (Expression) -> Expression
  ) throws -> Output? {
    guard call.filter == nil else { return nil }
    let type = call.output.type
    func field(_ expression: Expression) -> Int? {
      guard case .column(let column) = expression, case .field(let field)? = owners[column.id] else { return nil }
      return field
    }
    if call.function == .percentileContinuous || call.function == .percentileDiscrete {
      guard !call.isDistinct, let value = CompiledAggregate.countableValue(call), let field = field(resolve(value)),
        resolve(value).type == value.type
      else { return nil }
      return Output(
        function: .percentile(
          fraction: try CompiledAggregate.fraction(call, run), isContinuous: call.function == .percentileContinuous,
          isDescending: call.order[0].isDescending),
        field: field, type: type)
    }
    guard call.order.isEmpty else { return nil }
    if call.function == .countStar {
      return call.isDistinct ? nil : Output(function: .rows, field: nil, type: type)
    }
    guard call.arguments.count == 1 else { return nil }
    let argument = resolve(call.arguments[0])
    switch call.function {
    case .count:
      guard let field = field(argument) else { return nil }
      if !call.isDistinct { return Output(function: .count, field: field, type: type) }
      return hasOrderedCodes(argument.type) ? Output(function: .distinct, field: field, type: type) : nil
    case .sum, .avg:
      guard !call.isDistinct else { return nil }
      var value = argument
      var asDouble = false
      if case .cast(let inner, .double) = argument, inner.type == .smallint || inner.type == .integer {
        (value, asDouble) = (inner, true)
      }
      guard value.type.isInteger, let field = field(value), asDouble == (type == .double) else { return nil }
      return Output(
        function: call.function == .sum ? .sum(asDouble: asDouble) : .average(asDouble: asDouble), field: field,
        type: type)
    case .min, .max:
      guard hasOrderedCodes(argument.type), argument.type.physical == type.physical, let field = field(argument)
      else { return nil }
      return Output(function: .extreme(isMaximum: call.function == .max), field: field, type: type)
    case .booleanAnd, .booleanOr:
      guard argument.type == .boolean, let field = field(argument) else { return nil }
      return Output(function: .extreme(isMaximum: call.function == .booleanOr), field: field, type: type)
    default: return nil
    }
  }

  /// True for types whose codes are whole numbers in the order of the values.
  private static func hasOrderedCodes(_ type: LogicalType) -> Bool {
    switch type {
    case .smallint, .integer, .bigint, .date, .time, .timestamp, .timestamptz, .enumeration: true
    default: false
    }
  }
}
