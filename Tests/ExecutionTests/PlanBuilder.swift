import Execution
import Planning
import Vectors

/// Tables in memory for plans under test, and short ways to write plan nodes.
final class PlanBuilder {
  private var nextNode = 0
  private var nextColumn = 0
  private(set) var tables: [[Batch]] = []

  /// A table of `types` whose rows are cut into batches of `batchSize`.
  func table(_ types: [LogicalType], _ rows: [[Scalar]], batchSize: Int = 2048) -> Int {
    var batches: [Batch] = []
    var start = 0
    while start < rows.count {
      let end = min(start + batchSize, rows.count)
      batches.append(
        Batch(
          types.indices.map { column in Vector.of(types[column], rows[start..<end].map { $0[column] }) },
          rowCount: end - start))
      start = end
    }
    tables.append(batches)
    return tables.count - 1
  }

  func column(_ name: String, _ type: LogicalType) -> Column {
    nextColumn += 1
    return Column(id: nextColumn, name: name, type: type)
  }

  func node(
    _ operation: PhysicalOperation, _ inputs: [PhysicalNode] = [], _ output: [Column]
  ) -> PhysicalNode {
    nextNode += 1
    return PhysicalNode(id: nextNode, operation, inputs: inputs, output: output)
  }

  func scan(
    _ table: Int, _ types: [LogicalType], predicates: [FieldPredicate] = [],
    filter: (([Column]) -> Expression)? = nil
  ) -> PhysicalNode {
    let columns = types.enumerated().map { column("c\($0.offset)", $0.element) }
    let scan = TableScan(
      table: TableReference(schema: "public", name: "t\(table)", handle: UInt64(table)),
      sources: types.indices.map { .field($0) }, predicates: predicates, filter: filter?(columns))
    return node(.scan(scan), [], columns)
  }

  func filter(_ input: PhysicalNode, _ condition: Expression) -> PhysicalNode {
    node(.filter(condition), [input], input.output)
  }

  func project(_ input: PhysicalNode, _ expressions: [Expression]) -> PhysicalNode {
    node(.project(expressions), [input], expressions.map { column("p", $0.type) })
  }

  func aggregate(
    _ input: PhysicalNode, keys: [Expression], _ calls: [AggregateCall], sets: [[Int]]? = nil,
    bounds: [ClosedRange<Int64>?] = []
  ) -> PhysicalNode {
    var output = keys.map { column("k", $0.type) } + calls.map { $0.output }
    if let sets, sets.count > 1 { output.append(column("grouping", .bigint)) }
    return node(
      .aggregate(Aggregation(keys: keys, aggregates: calls, groupingSets: sets, keyBounds: bounds)), [input], output)
  }

  func call(
    _ function: AggregateFunction, _ arguments: [Expression] = [], _ type: LogicalType, distinct: Bool = false,
    filter: Expression? = nil, order: [SortKey] = []
  ) -> AggregateCall {
    AggregateCall(
      function, arguments, isDistinct: distinct, filter: filter, order: order,
      output: column(function.rawValue, type))
  }

  func join(
    _ kind: JoinKind, _ left: PhysicalNode, _ right: PhysicalNode, on pairs: [(Int, Int)],
    nullsMatch: Bool = false, condition: Expression? = nil, nearest: Join.Nearest? = nil
  ) -> PhysicalNode {
    var join = Join(
      kind, leftKeys: pairs.map { .column(left.output[$0.0]) }, rightKeys: pairs.map { .column(right.output[$0.1]) },
      nullsMatch: pairs.map { _ in nullsMatch }, condition: condition)
    join.nearest = nearest
    let output: [Column]
    switch kind {
    case .semi, .anti, .antiNullAware: output = left.output
    case .mark(let column, _): output = left.output + [column]
    case .inner, .left, .right, .full, .single, .nearest: output = left.output + right.output
    }
    return node(.join(join), [left, right], output)
  }

  func sort(_ input: PhysicalNode, _ keys: [SortKey]) -> PhysicalNode { node(.sort(keys), [input], input.output) }

  func window(_ input: PhysicalNode, partition: [Expression], order: [SortKey], _ calls: [WindowCall]) -> PhysicalNode {
    node(
      .window(Windowing(partition: partition, order: order, calls: calls)), [input],
      input.output + calls.map { $0.output })
  }

  func plan(_ root: PhysicalNode, subqueries: [PhysicalNode] = []) -> PhysicalPlan {
    PhysicalPlan(root: root, subqueries: subqueries, columnNames: root.output.map { $0.name })
  }

  func context(threads: Int = 2, memory: Int = 1 << 30, isTimed: Bool = false) -> QueryContext {
    QueryContext(
      tables: MemoryTables(tables: tables), threadCount: threads, budget: MemoryBudget(limit: memory), now: 0,
      isTimed: isTimed)
  }

  /// Runs a plan and returns its rows, checking each batch's shape.
  func rows(
    _ root: PhysicalNode, threads: Int = 2, subqueries: [PhysicalNode] = [], memory: Int = 1 << 30
  ) throws -> [[Scalar]] {
    var result: [[Scalar]] = []
    let batches = try Executor.collect(
      plan(root, subqueries: subqueries), in: context(threads: threads, memory: memory))
    for batch in batches {
      precondition(batch.rowCount > 0 && batch.rowCount <= Batch.vectorSize, "a batch of \(batch.rowCount) rows")
      precondition(batch.columns.count == root.output.count, "a batch of \(batch.columns.count) columns")
      for (vector, column) in zip(batch.columns, root.output) {
        precondition(vector.type.physical == column.type.physical, "\(vector.type) for \(column.type)")
      }
      for row in 0..<batch.rowCount { result.append(batch.columns.map { $0.scalar(at: row) }) }
    }
    return result
  }
}

struct MemoryTables: TableSource {
  let tables: [[Batch]]

  func data(for table: TableReference) throws -> TableData { .batches(tables[Int(table.handle)]) }
}

/// xorshift64*: the same numbers for the same seed everywhere.
struct Random {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }

  mutating func below(_ bound: Int) -> Int { Int((next() >> 33) % UInt64(bound)) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  mutating func pick<T>(_ list: [T]) -> T { list[below(list.count)] }
}

func int(_ value: Int) -> Scalar { .integer(Int64(value)) }
func col(_ node: PhysicalNode, _ index: Int) -> Expression { .column(node.output[index]) }
