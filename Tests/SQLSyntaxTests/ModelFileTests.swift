import Bytes
import Glibc
import SQLSyntax
import Testing

private let sample = """
  -- About the model (not a header).
  MODEL (
    name silver.Heart_Rate, /* a comment, with ) and ' in it */
    kind INCREMENTAL_BY_TIME_RANGE (time_column event_ts, batch_size 30, forward_only true), -- another ;
    cron '@hourly',
    "Owner" 'it''s us',
    grain (user_id, event_ts),
    tags [a, 'b c'],
    start '2024-01-01',
    partitioned_by (date_trunc('day', event_ts), "User Id"),
    physical_properties (write.format = 'parquet', level = 3),
    columns (user_id bigint, meta.location.latitude double precision, "meta.location.longitude" numeric(9, 6), x),
    ratio -0.5,
    audits (
      not_null(columns := (user_id, event_ts)),
      accepted_range(column := heart_rate, min_v := 20, max_v := 260),
      forall(criteria := (a > 0, b <> '' AND c IN (1, 2)), blocking := false),
      every_event_once
    ),
    standalone
  ); SELECT 1;
  SELECT 2 -- two

  """

/// Reads what must fail and returns the error.
private func failure(_ text: String) -> PulsehouseError? {
  do throws(PulsehouseError) {
    _ = try ModelFile.parse(text, path: "models/m.sql")
    return nil
  } catch {
    return error
  }
}

@Suite struct ModelFileTests {
  @Test func propertiesReadAsWhoeverKnowsThemWants() throws {
    let file = try ModelFile.parse(sample, path: "m.sql")
    #expect(file.blocks.count == 1)
    let block = try #require(file.blocks.first)
    #expect(block.kind == .model)
    #expect(
      block.properties.map(\.name) == [
        "name", "kind", "cron", "Owner", "grain", "tags", "start", "partitioned_by", "physical_properties", "columns",
        "ratio", "audits", "standalone",
      ])
    #expect(try block["name"]?.name() == ["silver", "heart_rate"])
    #expect(try block["name"]?.string() == "silver.Heart_Rate")
    #expect(try block["cron"]?.string() == "@hourly")
    #expect(try block["cron"]?.word() == "@hourly")
    #expect(try block["Owner"]?.string() == "it's us")
    #expect(try block["grain"]?.list().map { try $0.name() } == [["user_id"], ["event_ts"]])
    #expect(try block["tags"]?.list().map { try $0.string() } == ["a", "b c"])
    #expect(block["partitioned_by"]?.list().map(\.sql) == ["date_trunc('day', event_ts)", "\"User Id\""])
    #expect(try block["ratio"]?.number() == -0.5)
    #expect(block["standalone"] == nil)
    #expect(block.properties.last?.value == nil)
    #expect(block["nothing"] == nil)

    let kind = try #require(try block["kind"]?.call())
    #expect(kind.name == "incremental_by_time_range")
    let properties = try kind.properties()
    #expect(properties.map(\.name) == ["time_column", "batch_size", "forward_only"])
    #expect(try properties[0].value?.name() == ["event_ts"])
    #expect(try properties[1].value?.integer() == 30)
    #expect(try properties[2].value?.boolean() == true)

    let physical = try #require(try block["physical_properties"]?.properties())
    #expect(physical.map(\.name) == ["write.format", "level"])
    #expect(physical.map(\.value?.text) == ["'parquet'", "3"])
  }

  @Test func auditsKeepTheirArgumentsAsSQL() throws {
    let block = try #require(try ModelFile.parse(sample, path: "m.sql").blocks.first)
    let audits = try #require(try block["audits"]?.list().map { try $0.call() })
    #expect(audits.map(\.name) == ["not_null", "accepted_range", "forall", "every_event_once"])
    #expect(try audits[0]["columns"]?.list().map { try $0.name() } == [["user_id"], ["event_ts"]])
    #expect(audits[1].arguments.map(\.name) == ["column", "min_v", "max_v"])
    #expect(audits[1].arguments.map(\.value.sql) == ["heart_rate", "20", "260"])
    #expect(audits[2]["criteria"]?.list().map(\.sql) == ["a > 0", "b <> '' AND c IN (1, 2)"])
    #expect(try audits[2]["blocking"]?.boolean() == false)
    #expect(audits[3].arguments.isEmpty)
    #expect(audits[3].group == nil)
  }

  @Test func columnsHavePathsAndTypes() throws {
    let block = try #require(try ModelFile.parse(sample, path: "m.sql").blocks.first)
    let columns = try #require(try block["columns"]?.columns())
    #expect(
      columns.map(\.path) == [
        ["user_id"], ["meta", "location", "latitude"], ["meta", "location", "longitude"], ["x"],
      ])
    #expect(columns.map { $0.type?.baseName } == ["int8", "float8", "numeric", nil])
    #expect(columns[2].typeText == "numeric(9, 6)")
    let bytes = Array(sample.utf8)
    #expect(String(decoding: bytes[columns[1].range], as: UTF8.self) == "meta.location.latitude double precision")
    let place = columns[2].type?.range.bytes ?? 0..<0
    #expect(String(decoding: bytes[place], as: UTF8.self) == "numeric")
  }

  @Test func theBodyKnowsWhereItStands() throws {
    let block = try #require(try ModelFile.parse(sample, path: "m.sql").blocks.first)
    #expect(block.body.statements.map(\.text) == ["SELECT 1", "SELECT 2"])
    #expect(block.body.line == 21)
    let bytes = Array(sample.utf8)
    #expect(String(decoding: bytes[block.body.offset...], as: UTF8.self) == block.body.text)
    #expect(String(decoding: bytes[block.range].prefix(7), as: UTF8.self) == "MODEL (")
    #expect(bytes[block.range].last == UInt8(ascii: ")"))
    for property in block.properties {
      guard let value = property.value else { continue }
      #expect(String(decoding: bytes[value.range], as: UTF8.self) == value.text)
    }
  }

  @Test func aFileMayHoldSeveralHeaders() throws {
    let text = """
      audit (name a); SELECT * FROM @this_model WHERE model(1) = 1;
      AUDIT (name b, blocking false);
      SELECT 2; ; SOURCE (name c)
      """
    let file = try ModelFile.parse(text, path: "a.sql")
    #expect(file.blocks.map(\.kind) == [.audit, .audit, .source])
    #expect(try file.blocks.map { try $0["name"]?.name() } == [["a"], ["b"], ["c"]])
    #expect(file.blocks.map(\.body.statements.count) == [1, 1, 0])
    #expect(file.blocks[1].body.line == 2)
  }

  @Test(arguments: [
    ("", "expected MODEL (...), SOURCE (...) or AUDIT (...) at the top of the file", 1),
    ("SELECT 1", "expected MODEL (...), SOURCE (...) or AUDIT (...) at the top of the file", 1),
    ("MODEL name x", "expected MODEL (...), SOURCE (...) or AUDIT (...) at the top of the file", 1),
    ("\nMODEL (\nname x", "the MODEL header is never closed", 2),
    ("MODEL (name x,\n kind 'FULL", "this quote is never closed", 2),
    ("MODEL (name x; SELECT 1", "the MODEL header is not closed before this", 1),
    ("MODEL (name x]); SELECT 1", "this closes nothing that was opened", 1),
    ("MODEL (name x)\nSELECT 1", "expected \";\" after the MODEL header", 2),
    ("MODEL (name x,\nname y);", "the property \"name\" is written twice", 2),
    ("MODEL (name x, = 3);", "expected a property's name and value, found \"= 3\"", 1),
  ])
  func whatIsWrongIsSaidWithItsLine(_ text: String, _ message: String, _ line: Int) {
    let error = failure(text)
    #expect(error?.kind == .user)
    #expect(error?.message == message)
    #expect(error?.file == "models/m.sql")
    #expect(error?.line == line)
  }

  @Test func pythonAndJinjaAreNamed() {
    #expect(failure("JINJA_QUERY_BEGIN; SELECT 1; JINJA_END;")?.kind == .unsupported)
    #expect(failure("import typing as t")?.message == "a Python model is not supported natively")
  }

  @Test func wrongFormsAreRefusedWithTheirPlace() throws {
    let text = "MODEL (a (1, 2), b x y, c 'x', d (e f), columns (a wrong type name), g 1.5)"
    let block = try #require(try ModelFile.parse(text, path: "m.sql").blocks.first)
    func range(_ name: String, _ read: (PropertyValue) throws(PulsehouseError) -> Void) -> Range<Int>? {
      guard let value = block[name] else { return nil }
      do throws(PulsehouseError) {
        try read(value)
        return nil
      } catch {
        return error.range
      }
    }
    #expect(range("a") { (value) throws(PulsehouseError) in _ = try value.name() } == 9..<15)
    #expect(range("a") { (value) throws(PulsehouseError) in _ = try value.call() } == 9..<15)
    #expect(range("a") { (value) throws(PulsehouseError) in _ = try value.string() } == 9..<15)
    #expect(range("b") { (value) throws(PulsehouseError) in _ = try value.name() } == 19..<22)
    #expect(range("b") { (value) throws(PulsehouseError) in _ = try value.word() } == 19..<22)
    #expect(range("b") { (value) throws(PulsehouseError) in _ = try value.properties() } == 19..<22)
    #expect(range("c") { (value) throws(PulsehouseError) in _ = try value.integer() } == 26..<29)
    #expect(range("c") { (value) throws(PulsehouseError) in _ = try value.number() } == 26..<29)
    #expect(range("c") { (value) throws(PulsehouseError) in _ = try value.boolean() } == 26..<29)
    #expect(range("g") { (value) throws(PulsehouseError) in _ = try value.integer() } != nil)
    #expect(range("columns") { (value) throws(PulsehouseError) in _ = try value.columns() } == 62..<66)
  }

  @Test func everyFileOfTheWarehouseParses() throws {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    var files: [String] = []
    for folder in ["models/silver", "models/gold", "audits", "sources"] {
      let path = "/" + root + "/warehouse/" + folder
      guard let directory = opendir(path) else { continue }
      defer { closedir(directory) }
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.hasSuffix(".sql") { files.append(path + "/" + name) }
      }
    }
    #expect(files.count >= 10)
    let variables: [String: MacroValue] = [
      "this_model": .sql("silver.heart_rate"), "column": .sql("a"), "parent": .sql("gold.dim_users"),
      "parent_column": .sql("b"), "start_date": .sql("DATE '2024-01-01'"), "end_date": .sql("DATE '2024-01-01'"),
      "start_epoch": .number("1704067200"), "end_epoch": .number("1704153599"),
    ]
    for path in files {
      let text = try #require(contents(of: path))
      for block in try ModelFile.parse(text, path: path).blocks {
        #expect(try block["name"]?.name().isEmpty == false)
        if let columns = block["columns"] { #expect(try !columns.columns().isEmpty) }
        if let audits = block["audits"] { for audit in audits.list() { #expect(try !audit.call().name.isEmpty) } }
        let expanded = try MacroExpander.expand(block.body, variables: variables)
        #expect(throws: Never.self, "\(path)") { try PostgresParser.parse(expanded.text) }
      }
    }
  }

  private func contents(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
