import Vectors

/// Tells columns of one name apart for EXPLAIN: by the table they come from, numbered where it is read more than once.
struct ColumnNames {
  private var renamed: [Column: Column] = [:]

  init(_ plan: PhysicalPlan) {
    var owners: [String: Set<Int>] = [:]
    var scanned: [(Column, table: String)] = []
    var tableCounts: [String: Int] = [:]
    var seen: Set<Int> = []
    func visit(_ node: PhysicalNode) {
      guard seen.insert(node.id).inserted else { return }
      if case .scan(let scan) = node.operation {
        let count = tableCounts[scan.table.name, default: 0] + 1
        tableCounts[scan.table.name] = count
        let table = count == 1 ? scan.table.name : "\(scan.table.name)_\(count)"
        for column in node.output {
          owners[column.name, default: []].insert(column.id)
          scanned.append((column, table))
        }
      }
      for input in node.inputs { visit(input) }
    }
    visit(plan.root)
    for subquery in plan.subqueries { visit(subquery) }
    for (column, table) in scanned where (owners[column.name]?.count ?? 0) > 1 {
      renamed[column] = Column(
        id: column.id, name: "\(table).\(column.name)", type: column.type, isNullable: column.isNullable)
    }
  }

  /// The same node with the names to be shown.
  func qualified(_ node: PhysicalNode) -> PhysicalNode {
    if renamed.isEmpty { return node }
    return PhysicalNode(
      id: node.id, node.operation.mapExpressions(shown), inputs: node.inputs,
      output: node.output.map { renamed[$0] ?? $0 },
      estimatedRowCount: node.estimatedRowCount)
  }

  private func shown(_ expression: Expression) -> Expression {
    if case .column(let column) = expression { return .column(renamed[column] ?? column) }
    return expression.mapChildren(shown)
  }
}

extension PhysicalOperation {
  fileprivate func mapExpressions(_ transform: (Expression) -> Expression) -> PhysicalOperation {
    func keys(_ keys: [SortKey]) -> [SortKey] { keys.map { $0.mapping(transform) } }
    switch self {
    case .scan(var scan):
      scan.filter = scan.filter.map(transform)
      return .scan(scan)
    case .values, .series, .limit, .concatenate, .setOperation, .shared, .recursion, .working: return self
    case .filter(let condition): return .filter(transform(condition))
    case .project(let expressions): return .project(expressions.map(transform))
    case .aggregate(var aggregation):
      aggregation.keys = aggregation.keys.map(transform)
      aggregation.aggregates = aggregation.aggregates.map { call in
        var call = call
        call.arguments = call.arguments.map(transform)
        call.filter = call.filter.map(transform)
        call.order = keys(call.order)
        return call
      }
      return .aggregate(aggregation)
    case .join(var join):
      join.leftKeys = join.leftKeys.map(transform)
      join.rightKeys = join.rightKeys.map(transform)
      join.condition = join.condition.map(transform)
      if let nearest = join.nearest {
        join.nearest = .init(
          left: transform(nearest.left), right: transform(nearest.right), comparison: nearest.comparison)
      }
      return .join(join)
    case .sort(let list): return .sort(keys(list))
    case .topN(let list, let count, let offset, let withTies):
      return .topN(keys(list), count: count, offset: offset, withTies: withTies)
    case .window(var window):
      window.partition = window.partition.map(transform)
      window.order = keys(window.order)
      window.calls = window.calls.map { call in
        var call = call
        call.arguments = call.arguments.map(transform)
        call.filter = call.filter.map(transform)
        return call
      }
      return .window(window)
    case .distinctOn(let list): return .distinctOn(list.map(transform))
    case .expand(let expansion): return .expand(expansion.mapArguments(transform))
    }
  }
}

extension Expression {
  var isColumn: Bool {
    if case .column = self { return true }
    return false
  }
}

/// Text as JSON has it.
enum JSONText {
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
