import Bytes
import Engine
import Ingestion
import Modeling
import Planning
import Vectors

/// `pulsehouse lineage`: which tables and columns come from which.
package enum LineageCommand: Command {
  package static let specification = CommandSpecification(
    "lineage", "show which tables and columns come from which",
    operands: "[TABLE[.COLUMN]]", maximumOperands: 1,
    options: [
      OptionSpecification("format", value: "F", "text (default), json, dot for graphviz, or svg"),
      OptionSpecification("upstream", "only what it comes from"),
      OptionSpecification("downstream", "only what comes from it"),
      OptionSpecification("columns", "draw every column of the tables, in dot and svg"),
    ],
    discussion: """
      Without an operand all tables are shown; with a table what it reads and what reads it; with a column the columns
      it comes from, down to the sources, and those computed from it. It is read from the models' SQL as bound, through
      joins, WITH, subqueries, unions, windows, aggregates and *: nothing has to be ingested or built. A value is copied,
      computed (from values of its row), windowed (from rows around it) or aggregated (from a group of rows).
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    let format = arguments.has("json") ? "json" : arguments.value("format") ?? "text"
    guard ["text", "json", "dot", "svg"].contains(format) else {
      throw PulsehouseError(.usage, "--format is text, json, dot or svg, not \"\(format)\"")
    }
    if arguments.has("upstream"), arguments.has("downstream") {
      throw PulsehouseError(
        .usage, "--upstream and --downstream exclude each other", hint: "Without both you see both.")
    }
    let direction: LineageGraph.Direction =
      arguments.has("upstream") ? .upstream : arguments.has("downstream") ? .downstream : .both
    let graph = try ProjectTables(place, arguments).lineage()
    let subject = try graph.subject(arguments.operands.first)
    let view = LineageView(graph, subject, direction, showsColumns: format == "json" || arguments.has("columns"))
    var output = StandardOutput()
    switch format {
    case "json": try output.write(json(graph, view) + "\n")
    case "dot": try output.write(LineageDot.render(view))
    case "svg": try output.write(LineageSVG.render(view))
    default: try output.write(LineageText(graph: graph, direction: direction).render(subject))
    }
    try output.flush()
  }

  private static func json(_ graph: LineageGraph, _ view: LineageView) -> String {
    let tables = view.tables.map { table in
      let known = graph[table.name]
      return JSONText.object([
        ("table", .text(table.name.description)), ("kind", .text(table.kind)), ("place", .text(known?.place ?? "")),
        ("reads", .raw(JSONText.array((known?.reads ?? []).map { JSONText.quote($0.description) }))),
        ("columns", .raw(JSONText.array(table.columns.map(JSONText.quote)))),
        ("rows_depend_on", .raw(JSONText.array((known?.deciding ?? []).map { JSONText.quote($0.description) }))),
      ])
    }
    let lines = view.lines.map { line in
      JSONText.object([
        ("from", .text(line.from.description)), ("to", .text(line.to.description)),
        ("change", .text(line.change.rawValue)),
      ])
    }
    return JSONText.object([
      ("tables", .raw(JSONText.array(tables))), ("columns", .raw(JSONText.array(lines))),
    ])
  }
}
