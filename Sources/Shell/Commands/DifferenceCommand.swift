import Bytes
import Engine
import Modeling
import Vectors

/// `pulsehouse diff`: what differs between two environments, models and rows.
package enum DifferenceCommand: Command {
  package static let specification = CommandSpecification(
    "diff", "compare an environment with production or another one: models, SQL, rows", operands: "ENV [ENV]",
    maximumOperands: 2,
    options: [
      OptionSpecification("samples", value: "N", "differing rows shown of each model (default: 10)")
    ],
    discussion: """
      The second one is prod when left out. + is what the first has and the second has not, - the other way round.
      Rows are told apart by the model's grain; without one, a changed row shows as one that went and one that came.
      Segments that both have are not read. The exit code is 0 whether they differ or not.
      """)

  package static func run(_ arguments: Arguments) throws {
    let place = try Workplace(arguments)
    guard let name = arguments.operands.first else {
      throw PulsehouseError(.usage, "diff needs the name of an environment", hint: "pulsehouse env list shows them.")
    }
    let first = try environment(name)
    let second = try arguments.operands.dropFirst().first.map { try environment($0) } ?? nil
    let project = try Project.load(place.project)
    // Rows that differ are put aside until it ends; who may not write compares all of them.
    let files = LocalFileSystem()
    let mayWrite = try files.status(place.tables) != nil && files.canWrite(place.tables)
    let warehouse = try OpenWarehouse.open(place, arguments, forWriting: mayWrite)
    let session = try OpenWarehouse.session(warehouse, arguments)
    let canceller = session.canceller
    SignalWatch.onInterrupt { canceller.cancel() }
    let difference = try EnvironmentDifference.find(
      first, second, project, in: session, sampleLimit: try arguments.count("samples", minimum: 0) ?? 10)
    var output = StandardOutput()
    try output.write(arguments.has("json") ? json(difference) + "\n" : text(difference, first, second))
    try output.flush()
  }

  private static func environment(_ name: String) throws -> Environment? {
    name == Environment.production ? nil : try Environment(name)
  }

  private static func text(_ difference: EnvironmentDifference, _ first: Environment?, _ second: Environment?) -> String
  {
    let names = [first, second].map { $0?.name ?? Environment.production }
    let differing = difference.models.filter { $0.status != .same }
    if differing.isEmpty {
      return "\(names[0]) and \(names[1]) are the same: \(difference.models.count) models\n"
    }
    let headers = [
      ("model", false), ("", false), ("rows in \(names[0])", true), ("rows in \(names[1])", true),
      ("only \(names[0])", true), ("only \(names[1])", true), ("changed", true),
    ].map { BoxTable.Header(name: $0.0, type: "", isRightAligned: $0.1) }
    let rows = differing.map { model -> [String?] in
      [
        model.name.description, model.status.rawValue, model.rowCounts.first.map { Decimals.grouped($0) } ?? "",
        model.rowCounts.second.map { Decimals.grouped($0) } ?? "",
        model.rows.map { Decimals.grouped($0.onlyFirst) } ?? "",
        model.rows.map { Decimals.grouped($0.onlySecond) } ?? "",
        model.rows.map { $0.grain.isEmpty ? "" : Decimals.grouped($0.changed) } ?? "",
      ]
    }
    var text = BoxTable(headers: headers, head: rows).lines(width: Terminal.width).joined(separator: "\n") + "\n"
    for model in differing where model.status == .changed { text += details(model) }
    let same = difference.models.count - differing.count
    return text + "\(differing.count) model\(differing.count == 1 ? " differs" : "s differ"), \(same) are the same\n"
  }

  private static func details(_ model: EnvironmentDifference.Model) -> String {
    var text = ""
    if let sql = model.sql, sql.first != sql.second {
      text += "\nSQL of \(model.name):\n"
      for line in LineDifference.lines(from: sql.second, to: sql.first) { text += line + "\n" }
    }
    if !model.columns.isEmpty {
      text += "\ncolumns of \(model.name):\n" + model.columns.map { $0 + "\n" }.joined()
    }
    if let rows = model.rows, !rows.sample.rows.isEmpty {
      let by = rows.grain.isEmpty ? "" : ", by \(rows.grain.joined(separator: ", "))"
      text += "\nrows of \(model.name)\(by):\n"
      let table = BoxTable(
        headers: rows.sample.columns.enumerated().map { index, column in
          BoxTable.Header(name: index == 0 ? "" : column.name, type: "", isRightAligned: false)
        }, head: rows.sample.rows)
      for line in table.lines(width: Terminal.width) { text += line + "\n" }
    }
    return text
  }

  private static func json(_ difference: EnvironmentDifference) -> String {
    let models = difference.models.map { model in
      let sample = (model.rows?.sample).map { sample in
        sample.rows.map { row in
          JSONText.object(zip(sample.columns, row).map { ($0.name, $1.map { .text($0) } ?? .null) })
        }
      }
      return JSONText.object([
        ("model", .text(model.name.description)), ("status", .text(model.status.rawValue)),
        ("first_rows", model.rowCounts.first.map { .number($0) } ?? .null),
        ("second_rows", model.rowCounts.second.map { .number($0) } ?? .null),
        ("only_first", model.rows.map { .number($0.onlyFirst) } ?? .null),
        ("only_second", model.rows.map { .number($0.onlySecond) } ?? .null),
        ("changed_rows", model.rows.map { .number($0.changed) } ?? .null),
        ("grain", .raw(JSONText.array((model.rows?.grain ?? []).map(JSONText.quote)))),
        ("columns", .raw(JSONText.array(model.columns.map(JSONText.quote)))),
        ("first_sql", model.sql.map { .text($0.first) } ?? .null),
        ("second_sql", model.sql.map { .text($0.second) } ?? .null),
        ("sample", .raw(JSONText.array(sample ?? []))),
      ])
    }
    return JSONText.object([("models", .raw(JSONText.array(models)))])
  }
}
