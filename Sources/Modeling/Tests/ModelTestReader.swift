import Bytes
import YAML

/// Reads one file of tests. Source: SQLMesh's documentation, "Testing".
struct ModelTestReader {
  let path: String
  /// What a test's `path` starts from, when it is not there from the working folder.
  let folder: String
  let files: any FileSystem

  func failure(_ message: String, _ line: Int, hint: String? = nil, _ kind: PulsehouseError.Kind = .user)
    -> PulsehouseError
  {
    PulsehouseError(kind, message, sqlState: "42601", hint: hint, file: path, line: line)
  }

  func entries(_ value: YAMLValue, _ wanted: String) throws(PulsehouseError) -> [YAMLEntry] {
    guard let entries = value.entries else { throw failure("expected \(wanted)", value.line) }
    return entries
  }

  private func word(_ value: YAMLValue, _ what: String) throws(PulsehouseError) -> String {
    guard let text = value.text else { throw failure("\(what) is a word", value.line) }
    return text
  }

  func test(_ entry: YAMLEntry) throws(PulsehouseError) -> ModelTest {
    var test = ModelTest(
      name: entry.key, file: path, line: entry.line, model: RelationName("", ""), inputs: [], hasInputs: false,
      commonTables: [], isPartial: false)
    var hasModel = false
    for part in try entries(entry.value, "what the test \(entry.key) is about") {
      switch part.key {
      case "model":
        test.model = try relation(try word(part.value, "the model"), part.line)
        hasModel = true
      case "description": test.description = part.value.text
      case "inputs":
        test.hasInputs = true
        for input in try entries(part.value, "inputs by table") {
          test.inputs.append((try relation(input.key, input.line), try rows(input.value, of: input.key)))
        }
      case "outputs": try outputs(part.value, &test)
      case "vars": try variables(part.value, &test)
      case "schema", "gateway": break
      default:
        throw failure(
          "a test has no part \"\(part.key)\"", part.line,
          hint: "There are model, description, inputs, outputs and vars.")
      }
    }
    guard hasModel else { throw failure("the test \(entry.key) names no model", entry.line) }
    guard test.query != nil || !test.commonTables.isEmpty else {
      throw failure("the test \(entry.key) expects nothing", entry.line, hint: "Write outputs: with query: or ctes:.")
    }
    return test
  }

  private func relation(_ text: String, _ line: Int) throws(PulsehouseError) -> RelationName {
    let parts = text.filter { $0 != "\"" }.lowercased().split(separator: ".").map(String.init)
    guard parts.count == 2 else { throw failure("expected schema.table, found \"\(text)\"", line) }
    return RelationName(parts[0], parts[1])
  }

  private func outputs(_ value: YAMLValue, _ test: inout ModelTest) throws(PulsehouseError) {
    for output in try entries(value, "query or ctes") {
      switch output.key {
      case "partial": test.isPartial = output.value.boolean ?? false
      case "query": test.query = try rows(output.value, of: "query")
      case "ctes":
        for table in try entries(output.value, "WITH queries by name") {
          test.commonTables.append((table.key.lowercased(), try rows(table.value, of: table.key)))
        }
      default: throw failure("outputs have no part \"\(output.key)\"", output.line, hint: "There are query and ctes.")
      }
    }
  }

  private func variables(_ value: YAMLValue, _ test: inout ModelTest) throws(PulsehouseError) {
    for variable in try entries(value, "variables by name") {
      switch variable.key {
      case "start": test.start = try time(variable.value).time
      case "execution_time": test.execution = try time(variable.value).time
      case "end":
        let end = try time(variable.value)
        // A day belongs to the interval as a whole; a time is where it ends.
        test.end = end.isDay ? end.time + 86_400_000_000 - 1 : end.time - 1
      default:
        throw failure(
          "the variable \"\(variable.key)\" is not supported natively", variable.line,
          hint: "There are start, end and execution_time.", .unsupported)
      }
    }
  }

  private func time(_ value: YAMLValue) throws(PulsehouseError) -> (time: Int64, isDay: Bool) {
    let text = try word(value, "a time")
    if let day = CalendarText.day(text), text.count == 10 { return (day * 86_400_000_000, true) }
    if let time = CalendarText.time(text) { return (time, false) }
    throw failure(
      "\"\(text)\" is no date and no time", value.line, hint: "Write '2024-01-31' or '2024-01-31 12:00:00'.")
  }

  // MARK: Rows

  private func rows(_ value: YAMLValue, of name: String) throws(PulsehouseError) -> ModelTest.Rows {
    var rows = ModelTest.Rows(source: .values([]), columns: [], line: value.line)
    if let list = value.elements {
      rows.source = .values(try list.map { row throws(PulsehouseError) in try self.row(row) })
      return rows
    }
    var given: YAMLValue?
    var query: String?
    var format = "yaml"
    var place: (path: String, line: Int)?
    var separator: Character = ","
    for part in try entries(value, "rows of \(name)") {
      switch part.key {
      case "rows": given = part.value
      case "query": query = try word(part.value, "a query")
      case "format": format = try word(part.value, "a format")
      case "path": place = (try word(part.value, "a path"), part.line)
      case "partial": break
      case "columns":
        for column in try entries(part.value, "types by column") {
          rows.columns.append((column.key.lowercased(), try word(column.value, "a type")))
        }
      case "csv_settings":
        for setting in try entries(part.value, "settings by name") {
          guard ["sep", "delimiter"].contains(setting.key), let text = setting.value.text, text.count == 1 else {
            throw failure("the CSV setting \"\(setting.key)\" is not supported natively", setting.line, .unsupported)
          }
          separator = Character(text)
        }
      default:
        throw failure(
          "rows have no part \"\(part.key)\"", part.line, hint: "There are rows, query, columns, format and path.")
      }
    }
    if let query {
      guard given == nil, place == nil else { throw failure("both query and rows are given for \(name)", value.line) }
      rows.source = .query(query)
      return rows
    }
    switch format {
    case "yaml":
      if let place {
        let root = try YAMLParser.parse(try read(place.path, place.line), path: place.path)
        given = root["rows"] ?? root
      }
      guard let list = given?.elements else { throw failure("there are no rows for \(name)", value.line) }
      rows.source = .values(try list.map { row throws(PulsehouseError) in try self.row(row) })
    case "csv":
      let text: String
      if let place {
        text = String(decoding: try read(place.path, place.line), as: UTF8.self)
      } else {
        guard let given = given?.text else { throw failure("there are no rows for \(name)", value.line) }
        text = given
      }
      rows.source = .values(try csv(text, separator, line: value.line))
    default: throw failure("\"\(format)\" is no format of rows; there are yaml and csv", value.line)
    }
    return rows
  }

  private func read(_ place: String, _ line: Int) throws(PulsehouseError) -> [UInt8] {
    // SQLMesh starts from where it runs: the project's folder, which holds tests/.
    for candidate in [Path.join(Path.parent(folder), place), Path.join(folder, place), place] {
      if try files.status(candidate) != nil { return try files.readFile(candidate, limit: 64 << 20) }
    }
    throw failure("there is no file \(place)", line)
  }

  private func row(_ value: YAMLValue) throws(PulsehouseError) -> ModelTest.Rows.Row {
    var cells: [ModelTest.Rows.Cell] = []
    for entry in try entries(value, "a row: values by column") {
      guard case .scalar(let text, let isPlain) = entry.value.content else {
        throw failure(
          "the value of \"\(entry.key)\" is a list or a mapping", entry.line,
          hint: "Write it as text, '{1,2}' or '{\"a\": 1}'.")
      }
      cells.append(
        ModelTest.Rows.Cell(
          column: entry.key.lowercased(), text: entry.value.isNull ? nil : text,
          guess: isPlain ? Self.guess(text) : "text"))
    }
    return ModelTest.Rows.Row(cells: cells, line: value.line)
  }

  static func guess(_ text: String) -> String {
    if Int64(text) != nil { return "bigint" }
    if Double(text) != nil { return "double precision" }
    if ["true", "false", "True", "False", "TRUE", "FALSE"].contains(text) { return "boolean" }
    if text.count == 10, CalendarText.day(text) != nil { return "date" }
    return text.count > 10 && CalendarText.day(text) != nil ? "timestamp" : "text"
  }

  /// Rows of CSV text with a header (RFC 4180); an empty field is NULL, as pandas reads it.
  private func csv(_ text: String, _ separator: Character, line: Int) throws(PulsehouseError) -> [ModelTest.Rows.Row] {
    var records: [(fields: [(text: String, isQuoted: Bool)], line: Int)] = []
    var fields: [(text: String, isQuoted: Bool)] = []
    var field = ""
    var isQuoted = false
    var isInside = false
    var current = line
    var start = line
    func endField() {
      fields.append((field, isQuoted))
      (field, isQuoted) = ("", false)
    }
    func endRecord() {
      endField()
      if fields.count > 1 || !fields[0].text.isEmpty { records.append((fields, start)) }
      fields = []
      start = current
    }
    var characters = text.makeIterator()
    var pushed: Character?
    while let character = pushed ?? characters.next() {
      pushed = nil
      if character.isNewline { current += 1 }
      if isInside {
        guard character == "\"" else {
          field.append(character)
          continue
        }
        let following = characters.next()
        if following == "\"" { field.append("\"") } else { (isInside, pushed) = (false, following) }
      } else if character == "\"", field.isEmpty {
        (isInside, isQuoted) = (true, true)
      } else if character == separator {
        endField()
      } else if character.isNewline {
        endRecord()
      } else {
        field.append(character)
      }
    }
    if isInside { throw failure("a quote of the CSV rows is never closed", start) }
    if !field.isEmpty || !fields.isEmpty { endRecord() }
    guard let header = records.first else { return [] }
    var rows: [ModelTest.Rows.Row] = []
    for record in records.dropFirst() {
      guard record.fields.count == header.fields.count else {
        throw failure(
          "a CSV row has \(record.fields.count) fields, the header has \(header.fields.count)", record.line)
      }
      rows.append(
        ModelTest.Rows.Row(
          cells: zip(header.fields, record.fields).map { name, value in
            ModelTest.Rows.Cell(
              column: name.text.lowercased(), text: value.text.isEmpty && !value.isQuoted ? nil : value.text,
              guess: value.isQuoted ? "text" : Self.guess(value.text))
          }, line: record.line))
    }
    return rows
  }
}
