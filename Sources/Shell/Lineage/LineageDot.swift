import Modeling
import Planning

/// Lineage in the language of graphviz.
enum LineageDot {
  static func render(_ view: LineageView) -> String {
    var text = "digraph lineage {\n  rankdir=LR;\n  node [shape=plaintext, fontname=\"sans-serif\"];\n"
    for table in view.tables {
      var label = "<table border=\"0\" cellborder=\"1\" cellspacing=\"0\">"
      label += "<tr><td><b>\(escape(table.name.description))</b> \(escape(table.kind))</td></tr>"
      for (index, column) in table.columns.enumerated() {
        label += "<tr><td align=\"left\" port=\"c\(index)\">\(escape(column))</td></tr>"
      }
      text += "  \(quote(table.name.description)) [label=<\(label)</table>>];\n"
    }
    if view.lines.isEmpty {
      for read in view.reads {
        text +=
          "  \(quote(view.tables[read.from].name.description)) -> \(quote(view.tables[read.to].name.description));\n"
      }
    }
    for line in view.lines {
      text += "  \(port(line.from, view)):e -> \(port(line.to, view)):w"
      text += line.change == .copied ? ";\n" : " [label=\(quote(line.change.rawValue))];\n"
    }
    return text + "}\n"
  }

  private static func port(_ column: LineageGraph.ColumnName, _ view: LineageView) -> String {
    let index = view.tables.first { $0.name == column.table }?.columns.firstIndex(of: column.column) ?? 0
    return "\(quote(column.table.description)):c\(index)"
  }

  private static func quote(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  /// For text within a label of HTML, as in SVG.
  static func escape(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
