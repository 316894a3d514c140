import Bytes
import Kernels
import Modeling
import Planning

/// Lineage as a drawing that any browser shows: sources left, what reads them right of them.
enum LineageSVG {
  private static let margin = 24.0
  private static let titleHeight = 40.0
  private static let rowHeight = 19.0
  private static let letterWidth = 7.4

  private static let style = """
    text { font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #1f2933 }
    .name { font-weight: 600 } .kind { fill: #52606d; font-size: 11px }
    .box { fill: #ffffff; stroke: #9aa5b1 } .subject { stroke: #0b69a3; stroke-width: 2.5 }
    .line { fill: none; stroke: #829ab1; stroke-width: 1.4 }
    .computed { stroke: #2186eb } .windowed { stroke: #8719e0 } .aggregated { stroke: #c65d21 }
    """

  static func render(_ view: LineageView) -> String {
    let sizes = view.tables.map { table in
      let letters = ([table.name.description.count, table.kind.count] + table.columns.map(\.count)).max() ?? 0
      return (
        width: Double(letters) * letterWidth + 26,
        height: titleHeight + (table.columns.isEmpty ? 0 : Double(table.columns.count) * rowHeight + 6)
      )
    }
    let layout = LineageLayout(sizes: sizes, lines: view.reads)
    let usesColor = Set(view.lines.map(\.change)).contains { $0 != .copied }
    let width = max(layout.width, usesColor ? 420 : 0) + 2 * margin
    let height = layout.height + 2 * margin + (usesColor ? 26 : 0)
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(number(width))" height="\(number(height))" \
      viewBox="0 0 \(number(width)) \(number(height))">
      <style>\(style)</style>
      <rect width="100%" height="100%" fill="#f5f7fa"/>
      <defs><marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">\
      <path d="M0 0 L8 4 L0 8 z" fill="#829ab1"/></marker></defs>

      """
    let boxes = layout.boxes
    if view.lines.isEmpty {
      for (index, read) in view.reads.enumerated() {
        svg += line(
          from: boxes[read.from].y + boxes[read.from].height / 2, boxes[read.from],
          through: layout.passages[index], to: boxes[read.to].y + boxes[read.to].height / 2, boxes[read.to], "line", "")
      }
    }
    for column in view.lines {
      guard let from = view.tables.firstIndex(where: { $0.name == column.from.table }),
        let to = view.tables.firstIndex(where: { $0.name == column.to.table }),
        let read = view.reads.firstIndex(where: { $0.from == from && $0.to == to })
      else { continue }
      svg += line(
        from: middle(of: column.from.column, view.tables[from], boxes[from]), boxes[from],
        through: layout.passages[read], to: middle(of: column.to.column, view.tables[to], boxes[to]), boxes[to],
        "line \(column.change.rawValue)", "\(column.from) to \(column.to): \(column.change.rawValue)")
    }
    for (table, box) in zip(view.tables, boxes) { svg += draw(table, box) }
    if usesColor { svg += legend(y: height - 16) }
    return svg + "</svg>\n"
  }

  private static func middle(of column: String, _ table: LineageView.Table, _ box: LineageLayout.Box) -> Double {
    box.y + titleHeight + (Double(table.columns.firstIndex(of: column) ?? 0) + 0.5) * rowHeight
  }

  private static func draw(_ table: LineageView.Table, _ box: LineageLayout.Box) -> String {
    let x = box.x + margin
    let y = box.y + margin
    let color =
      switch (table.kind, table.name.schema) {
      case ("source", _), ("table", _): "#e4e7eb"
      case (_, "silver"): "#d9e8f6"
      case (_, "gold"): "#fbe9b7"
      default: "#e3f3e6"
      }
    var svg = """
      <g><rect class="box\(table.isSubject ? " subject" : "")" x="\(number(x))" y="\(number(y))" \
      width="\(number(box.width))" height="\(number(box.height))" rx="6"/>
      <path d="M\(number(x + 1)) \(number(y + titleHeight)) v-\(number(titleHeight - 7)) q0 -6 6 -6 \
      h\(number(box.width - 14)) q6 0 6 6 v\(number(titleHeight - 7)) z" fill="\(color)"/>
      <text class="name" x="\(number(x + 11))" y="\(number(y + 17))">\(LineageDot.escape(table.name.description))</text>
      <text class="kind" x="\(number(x + 11))" y="\(number(y + 32))">\(LineageDot.escape(table.kind))</text>

      """
    for (index, column) in table.columns.enumerated() {
      let top = y + titleHeight + Double(index) * rowHeight + 14
      svg += "<text x=\"\(number(x + 11))\" y=\"\(number(top))\">\(LineageDot.escape(column))</text>\n"
    }
    return svg + "</g>\n"
  }

  /// A curve from a box's right edge, level through the layers between, to another box's left edge.
  private static func line(
    from start: Double, _ first: LineageLayout.Box, through passages: [LineageLayout.Box], to end: Double,
    _ last: LineageLayout.Box, _ style: String, _ title: String
  ) -> String {
    var x = first.x + first.width + margin
    var y = start + margin
    var path = "M\(number(x)) \(number(y))"
    func curve(to nextX: Double, _ nextY: Double) {
      let bend = (nextX - x) / 2
      path +=
        " C\(number(x + bend)) \(number(y)) \(number(nextX - bend)) \(number(nextY)) \(number(nextX)) \(number(nextY))"
      (x, y) = (nextX, nextY)
    }
    for passage in passages {
      curve(to: passage.x + margin, passage.y + passage.height / 2 + margin)
      x = passage.x + passage.width + margin
      path += " H\(number(x))"
    }
    curve(to: last.x + margin - 1, end + margin)
    let words = title.isEmpty ? "" : "<title>\(LineageDot.escape(title))</title>"
    return "<path class=\"\(style)\" marker-end=\"url(#tip)\" d=\"\(path)\">\(words)</path>\n"
  }

  private static func legend(y: Double) -> String {
    var svg = ""
    for (index, change) in LineageGraph.Change.allCases.enumerated() {
      let x = margin + Double(index) * 98
      svg += "<path class=\"line \(change.rawValue)\" d=\"M\(number(x)) \(number(y - 4)) h22\"/>"
      svg += "<text class=\"kind\" x=\"\(number(x + 27))\" y=\"\(number(y))\">\(change.rawValue)</text>\n"
    }
    return svg
  }

  /// At most one digit after the point.
  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? String(tenths / 10) : Decimals.format(Double(tenths) / 10, places: 1)
  }
}
