import Modeling
import Planning
import Vectors

/// Lineage as trees for a terminal.
struct LineageText {
  private typealias ColumnName = LineageGraph.ColumnName

  let graph: LineageGraph
  let direction: LineageGraph.Direction

  func render(_ subject: LineageGraph.Subject) -> String {
    switch subject {
    case .all: return all()
    case .table(let name): return table(name)
    case .column(let column): return self.column(column)
    }
  }

  private func all() -> String {
    let width = graph.tables.map(\.name.description.count).max() ?? 0
    return graph.tables.map { table in
      var line = DisplayWidth.pad(table.name.description, to: width) + "  "
      line += DisplayWidth.pad(table.kind, to: 6)
      if !table.reads.isEmpty { line += "  <- " + table.reads.map(\.description).joined(separator: ", ") }
      if table.kind == "source" { line += "  <- " + table.place }
      return line + "\n"
    }.joined()
  }

  private func title(_ name: RelationName) -> String {
    guard let table = graph[name] else { return "\(name) (not there)" }
    return "\(name) (\(table.kind))" + (table.kind == "source" ? "  <- \(table.place)" : "")
  }

  private func table(_ name: RelationName) -> String {
    var lines: [String] = []
    if direction != .downstream {
      lines.append(title(name))
      lines += Self.tree([name], title: title) { (graph[$0]?.reads ?? []) }
      let columns = graph[name]?.fields ?? []
      let width = columns.map(\.name.count).max() ?? 0
      let made = columns.compactMap { field -> String? in
        guard let origins = graph.origins[ColumnName(name, field.name)], !origins.isEmpty else { return nil }
        let list = origins.sorted { $0.key < $1.key }.map { Self.text($0.key, $0.value) }
        return "  \(DisplayWidth.pad(field.name, to: width))  <- \(list.joined(separator: ", "))"
      }
      if !made.isEmpty { lines += ["", "columns:"] + made }
      lines += deciding(name)
    }
    if direction != .upstream {
      if !lines.isEmpty { lines.append("") }
      let below = Self.tree([name], title: title) { graph.readers(of: $0) }
      lines.append(below.isEmpty ? "read by nothing" : "read by:")
      lines += below
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func column(_ column: ColumnName) -> String {
    let type = graph[column.table]?.fields.first { $0.name == column.column }?.type.name ?? ""
    var lines: [String] = []
    if direction != .downstream {
      lines.append("\(column) \(type)")
      lines += tree(of: column, graph.origins)
      lines += deciding(column.table)
    }
    if direction != .upstream {
      if !lines.isEmpty { lines.append("") }
      let below = tree(of: column, graph.uses)
      lines.append(below.isEmpty ? "nothing is computed from it" : "computed from it:")
      lines += below
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func deciding(_ name: RelationName) -> [String] {
    guard let deciding = graph[name]?.deciding, !deciding.isEmpty else { return [] }
    return ["", "which rows there are depends on: " + deciding.map(\.description).joined(separator: ", ")]
  }

  private func tree(of column: ColumnName, _ next: [ColumnName: [ColumnName: LineageGraph.Change]]) -> [String] {
    struct Step: Hashable {
      var name: ColumnName
      var change: LineageGraph.Change?
    }
    return Self.tree([Step(name: column, change: nil)]) { step in
      let source = graph[step.name.table].flatMap { $0.kind == "source" ? "  <- \($0.place)" : nil } ?? ""
      return (step.change.map { Self.text(step.name, $0) } ?? step.name.description) + source
    } children: { step in
      (next[step.name] ?? [:]).sorted { $0.key < $1.key }.map { Step(name: $0.key, change: $0.value) }
    }
  }

  private static func text(_ name: ColumnName, _ change: LineageGraph.Change) -> String {
    change == .copied ? name.description : "\(name) (\(change.rawValue))"
  }

  /// The lines below the last of `path`; what was drawn in full before is named, and not drawn again.
  private static func tree<Node: Hashable>(
    _ path: [Node], title: (Node) -> String, children: (Node) -> [Node]
  ) -> [String] {
    var drawn: Set<Node> = []
    func below(_ node: Node, _ indent: String) -> [String] {
      var lines: [String] = []
      let list = children(node)
      for (index, child) in list.enumerated() {
        let isLast = index == list.count - 1
        let isKnown = !drawn.insert(child).inserted && !children(child).isEmpty
        lines.append(indent + (isLast ? "└─ " : "├─ ") + title(child) + (isKnown ? "  ... as above" : ""))
        if !isKnown { lines += below(child, indent + (isLast ? "   " : "│  ")) }
      }
      return lines
    }
    return path.last.map { below($0, "") } ?? []
  }
}
