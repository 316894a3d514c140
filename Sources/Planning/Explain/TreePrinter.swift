import Vectors

/// Writes operators as lines or as JSON.
struct TreePrinter {
  let metrics: [Int: NodeMetrics]?
  /// Aggregations that take row groups instead of rows, by the ids of their nodes.
  let groupsCodes: Set<Int>
  var lines: [String] = []
  /// Numbers of shared nodes, in the order they are met.
  private var shared: [Int: Int] = [:]

  private let names: ColumnNames

  init(_ plan: PhysicalPlan, metrics: [Int: NodeMetrics]?, groupsCodes: Set<Int>) {
    self.metrics = metrics
    self.groupsCodes = groupsCodes
    names = ColumnNames(plan)
  }

  mutating func print(_ node: PhysicalNode, indent: Int) {
    let node = names.qualified(node)
    let padding = String(repeating: "  ", count: min(indent, 60))
    var isRepeated = false
    var text = title(node)
    if case .shared = node.operation {
      if let number = shared[node.id] {
        isRepeated = true
        text = "Shared #\(number) (see above)"
      } else {
        let number = shared.count + 1
        shared[node.id] = number
        text = "Shared #\(number)"
      }
    }
    lines.append(padding + (indent == 0 ? "" : "-> ") + text + (isRepeated ? "" : numbers(node)))
    if isRepeated { return }
    for detail in details(node) + notes(node) { lines.append(padding + (indent == 0 ? "  " : "     ") + detail) }
    for input in node.inputs { print(input, indent: indent + 1) }
  }

  func json(_ node: PhysicalNode, indent: Int) -> String {
    let shown = names.qualified(node)
    let padding = String(repeating: "  ", count: min(indent, 60))
    var fields = [("Node", JSONText.string(title(shown)))]
    let details = details(shown) + notes(node)
    if !details.isEmpty { fields.append(("Details", "[\(details.map(JSONText.string).joined(separator: ", "))]")) }
    fields.append(("Estimated Rows", count(node.estimatedRowCount)))
    if let metric = metrics?[node.id] {
      fields.append(("Actual Rows", String(metric.rowCount)))
      fields.append(("Actual Time Nanoseconds", String(metric.nanoseconds)))
      fields.append(("Bytes Read", String(metric.bytesRead)))
      fields.append(("Blocks Read", String(metric.blocksRead)))
      fields.append(("Blocks Skipped", String(metric.blocksSkipped)))
      fields.append(("Bytes Spilled", String(metric.bytesSpilled)))
    }
    if !node.inputs.isEmpty {
      fields.append(("Plans", "[\(node.inputs.map { json($0, indent: indent + 1) }.joined(separator: ", "))]"))
    }
    return "{\n" + fields.map { "\(padding)\"\($0.0)\": \($0.1)" }.joined(separator: ",\n") + "}"
  }

  /// What is known of how the operator runs.
  private func notes(_ node: PhysicalNode) -> [String] {
    guard groupsCodes.contains(node.id) else { return [] }
    return [metrics == nil ? "may group the codes of stored columns" : "grouped the codes of stored columns"]
  }

  private func numbers(_ node: PhysicalNode) -> String {
    var text = "  (rows=\(count(node.estimatedRowCount))"
    if let metrics {
      guard let metric = metrics[node.id] else { return text + ", never run)" }
      text += ", actual=\(metric.rowCount), time=\(milliseconds(metric.nanoseconds))"
      if metric.blocksRead + metric.blocksSkipped > 0 {
        text += ", read=\(bytes(metric.bytesRead)) in \(metric.blocksRead) blocks, skipped=\(metric.blocksSkipped)"
      }
      if metric.bytesSpilled > 0 { text += ", spilled=\(bytes(metric.bytesSpilled))" }
    }
    return text + ")"
  }

  private func count(_ value: Double) -> String { String(Int(min(max(0, value.rounded()), 1e18))) }

  private func milliseconds(_ nanoseconds: UInt64) -> String {
    let microseconds = nanoseconds / 1000
    let fraction = String(microseconds % 1000)
    return "\(microseconds / 1000).\(String(repeating: "0", count: 3 - fraction.utf8.count))\(fraction) ms"
  }

  private func bytes(_ value: Int) -> String {
    if value < 10_240 { return "\(value) B" }
    if value < 10_240 * 1024 { return "\(value / 1024) KiB" }
    return "\(value / (1024 * 1024)) MiB"
  }

  private func title(_ node: PhysicalNode) -> String {
    switch node.operation {
    case .scan(let scan): "Scan \(scan.table.schema).\(scan.table.name)"
    case .values(let rows): rows.count == 1 ? "Values: 1 row" : "Values: \(rows.count) rows"
    case .series(let arguments): "Series: \(list(arguments))"
    case .filter(let condition): "Filter: \(condition)"
    case .project: "Project: \(projections(node))"
    case .aggregate(let aggregation):
      aggregation.keys.isEmpty ? "Aggregate" : aggregation.aggregates.isEmpty ? "Distinct" : "Group"
    case .join(let join): joinTitle(join)
    case .sort(let keys): "Sort: \(ExpressionPrinter.keys(keys))"
    case .limit(let count, let offset): "Limit: \(limits(count, offset))"
    case .topN(let keys, let count, let offset, let withTies):
      "Top: \(limits(count, offset))\(withTies ? " with ties" : "") by \(ExpressionPrinter.keys(keys))"
    case .window(let window): windowTitle(window)
    case .concatenate: "Union all"
    case .setOperation(let kind, let all): (kind == .intersect ? "Intersect" : "Except") + (all ? " all" : "")
    case .distinctOn(let keys): "Distinct on: \(list(keys))"
    case .expand(let expansion):
      "Expand: "
        + expansion.calls.map { "\($0.function.rawValue)(\(list($0.arguments)))" }.joined(separator: ", ")
    case .shared: "Shared"
    case .recursion(_, let all): all ? "Recursion all" : "Recursion"
    case .working: "Rows of the last turn"
    }
  }

  private func limits(_ count: Expression?, _ offset: Expression?) -> String {
    let text = count.map { "\($0)" } ?? "all"
    return offset.map { "\(text) offset \($0)" } ?? text
  }

  private func list(_ expressions: [Expression]) -> String {
    expressions.map { "\($0)" }.joined(separator: ", ")
  }

  private func projections(_ node: PhysicalNode) -> String {
    guard case .project(let expressions) = node.operation else { return "" }
    return zip(expressions, node.output).map { expression, column in
      let text = "\(expression)"
      return text == column.name || column.name.isEmpty || expression.isColumn ? text : "\(text) AS \(column.name)"
    }.joined(separator: ", ")
  }

  private func joinTitle(_ join: Join) -> String {
    let kind =
      switch join.kind {
      case .inner: join.leftKeys.isEmpty && join.condition == nil ? "Cross join" : "Join"
      case .left: "Left join"
      case .right: "Right join"
      case .full: "Full join"
      case .semi: "Semi join"
      case .anti: "Anti join"
      case .antiNullAware: "Anti join (NOT IN)"
      case .mark(_, let nullAware): nullAware ? "Mark join (IN)" : "Mark join"
      case .single: "Single join"
      case .nearest(let isOuter): isOuter ? "Left as-of join" : "As-of join"
      }
    var conditions: [String] = []
    for (index, pair) in zip(join.leftKeys, join.rightKeys).enumerated() {
      conditions.append("\(pair.0) \(join.nullsMatch[index] ? "IS NOT DISTINCT FROM" : "=") \(pair.1)")
    }
    if let condition = join.condition { conditions.append("\(condition)") }
    if let nearest = join.nearest {
      conditions.append("\(Expression.compare(nearest.comparison, nearest.right, nearest.left))")
    }
    return conditions.isEmpty ? kind : "\(kind): \(conditions.joined(separator: " AND "))"
  }

  private func windowTitle(_ window: Windowing) -> String {
    var parts: [String] = []
    if !window.partition.isEmpty { parts.append("partition by \(list(window.partition))") }
    if !window.order.isEmpty { parts.append("order by \(ExpressionPrinter.keys(window.order))") }
    return parts.isEmpty ? "Window" : "Window: \(parts.joined(separator: " "))"
  }

  private func details(_ node: PhysicalNode) -> [String] {
    switch node.operation {
    case .scan(let scan):
      var result: [String] = []
      let columns = scan.sources.enumerated().map { index, source in
        if case .field(let position) = source, position < scan.fields.count { return scan.fields[position].name }
        return node.output[index].name
      }
      result.append("columns: \(columns.isEmpty ? "none" : columns.joined(separator: ", "))")
      if !scan.predicates.isEmpty {
        result.append(
          "pruned by: \(scan.predicates.map { ExpressionPrinter.predicate($0, scan.fields) }.joined(separator: " AND "))"
        )
      }
      if let filter = scan.filter { result.append("filter: \(filter)") }
      for filter in scan.runtimeFilters {
        let name = filter.field < scan.fields.count ? scan.fields[filter.field].name : "column \(filter.field)"
        result.append("runtime filter #\(filter.number): \(name)")
      }
      return result
    case .aggregate(let aggregation):
      var result: [String] = []
      if !aggregation.keys.isEmpty { result.append("keys: \(list(aggregation.keys))") }
      if let sets = aggregation.groupingSets {
        let shown = sets.map { "(" + $0.map { "\(aggregation.keys[$0])" }.joined(separator: ", ") + ")" }
        result.append("grouping sets: \(shown.joined(separator: ", "))")
      }
      if !aggregation.aggregates.isEmpty {
        result.append("computes: \(aggregation.aggregates.map { ExpressionPrinter.call($0) }.joined(separator: ", "))")
      }
      let bounds = zip(aggregation.keys, aggregation.keyBounds).compactMap { key, bounds in
        bounds.map { "\(key) in \($0.lowerBound)...\($0.upperBound)" }
      }
      if !bounds.isEmpty { result.append("bounds: \(bounds.joined(separator: ", "))") }
      return result
    case .join(let join):
      return join.runtimeFilters.map { "makes runtime filter #\($0.number): \(join.rightKeys[$0.key])" }
    case .window(let window):
      var result: [String] = []
      if !window.calls.isEmpty {
        result.append("computes: \(window.calls.map { ExpressionPrinter.call($0) }.joined(separator: ", "))")
      }
      switch window.firstRows {
      case nil: break
      case .repeats: result.append("may find: the rows that repeat a partition, without sorting")
      case .groups: result.append("may keep: the first row of each partition, without sorting")
      }
      return result
    default: return []
    }
  }
}
