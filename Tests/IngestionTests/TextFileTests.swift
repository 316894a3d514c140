import Bytes
import Engine
import Ingestion
import TestKit
import Testing
import Vectors

/// `read_csv` and `read_json` in FROM.
@Suite struct TextFileTests {
  private let folder: TemporaryDirectory
  private let session: Session

  init() throws {
    folder = try TemporaryDirectory()
    session = Session(try Warehouse(folder.path + "/tables", mode: .create))
    session.fileReader = TextFileReader()
  }

  private func write(_ name: String, _ text: String) throws -> String {
    let files = LocalFileSystem()
    let path = folder.path + "/" + name
    try files.makeDirectory(Path.parent(path))
    let file = try files.createFile(path, .truncating)
    try file.write(Array(text.utf8))
    try file.close()
    return path
  }

  private func columns(_ query: String) throws -> [String] {
    let sink = CollectingSink()
    try session.run(query, into: sink)
    return sink.columns.map { "\($0.name) \($0.type.name)" }
  }

  private func failure(_ query: String) -> PulsehouseError? {
    do {
      _ = try session.rows(query)
      return nil
    } catch { return error as? PulsehouseError }
  }

  @Test func typesAndHeadersAreGuessed() throws {
    let path = try write(
      "a.csv",
      "id,name,ratio,day,at,ok,when\n1,\"a,b\",1.5,2024-01-02,2024-01-02 03:04:05,true,2024-01-02T03:04:05Z\n"
        + "2,,2,2024-02-03,2024-01-02T03:04:05.5,FALSE,2024-01-02 03:04:05+02:00\n")
    #expect(
      try columns("SELECT * FROM read_csv('\(path)')") == [
        "id bigint", "name text", "ratio double precision", "day date", "at timestamp without time zone", "ok boolean",
        "when timestamp with time zone",
      ])
    #expect(
      try session.rows("SELECT id, name, ratio FROM read_csv('\(path)') ORDER BY id")
        == [[.integer(1), .text("a,b"), .double(1.5)], [.integer(2), .null, .double(2)]])
    #expect(try session.rows("SELECT count(*) FROM read_csv('\(path)') WHERE ok") == [[.integer(1)]])
    #expect(
      try columns("SELECT * FROM read_csv('\(path)', all_varchar := true) LIMIT 1").allSatisfy { $0.hasSuffix("text") })
  }

  @Test func dialectsAreFoundOrTold() throws {
    let semicolons = try write("b.csv", "a;b\n1;'x;y'\n2;''\n")
    #expect(
      try session.rows("SELECT a, b FROM read_csv('\(semicolons)', quote := '''') ORDER BY a")
        == [[.integer(1), .text("x;y")], [.integer(2), .text("")]])
    let bare = try write("c.tsv", "1\tNA\n2\tx\n")
    #expect(
      try session.rows("SELECT column0, column1 FROM read_csv('\(bare)', nullstr := 'NA') ORDER BY 1")
        == [[.integer(1), .null], [.integer(2), .text("x")]])
    let words = try write("d.csv", "x,y\nu,v\n")
    #expect(try columns("SELECT * FROM read_csv('\(words)')") == ["x text", "y text"])
    #expect(try session.rows("SELECT count(*) FROM read_csv('\(words)', header := false)") == [[.integer(2)]])
    #expect(
      try columns("SELECT * FROM read_csv('\(semicolons)', quote := '''') AS t(n integer, w varchar(9))")
        == ["n integer", "w character varying(9)"])
  }

  @Test func patternsAndFoldersAreOneTable() throws {
    for number in 1...3 { _ = try write("many/part\(number).csv", "n,m\n\(number),1\n\(number),2\n") }
    for path in ["many", "many/*.csv", "many/part?.csv"] {
      #expect(
        try session.rows("SELECT count(*), CAST(sum(n) AS bigint) FROM read_csv('\(folder.path)/\(path)')")
          == [[.integer(6), .integer(12)]])
    }
    #expect(failure("SELECT * FROM read_csv('\(folder.path)/none*.csv')")?.sqlState == "58P01")
  }

  /// Larger than a piece, with newlines and quotes inside values: cut anywhere, every row comes once and in order.
  @Test(arguments: [true, false]) func largeFilesAreCutBetweenRecords(_ isQuoted: Bool) throws {
    var text = "n,words\n"
    let filler = String(repeating: "lorem ipsum ", count: 20)
    for number in 0..<36_000 {
      text += isQuoted && number % 3 == 0 ? "\(number),\"\(filler)\n\"\"\(number)\"\"\"\n" : "\(number),\(filler)\n"
    }
    let path = try write("large.csv", text)
    #expect(
      try session.rows(
        "SELECT count(*), count(DISTINCT n), CAST(sum(n) AS bigint), max(length(words)) FROM read_csv('\(path)')")
        == [[.integer(36_000), .integer(36_000), .integer(647_982_000), .integer(isQuoted ? 248 : 240)]])
    #expect(try session.rows("SELECT n FROM read_csv('\(path)') LIMIT 1 OFFSET 35999") == [[.integer(35_999)]])
    let late = try write("late.csv", text + "what,1\n")
    let error = failure("SELECT sum(n) FROM read_csv('\(late)')")
    #expect(error?.file == late)
    #expect(error?.line == (isQuoted ? 48_002 : 36_002))
    #expect(error?.hint?.contains("sample_size := -1") == true)
    #expect(try columns("SELECT * FROM read_csv('\(late)', sample_size := -1) LIMIT 1")[0] == "n text")
  }

  @Test func wrongFilesAndOptionsAreNamed() throws {
    let ragged = try write("e.csv", "a,b\n1,2\n3\n")
    let error = failure("SELECT * FROM read_csv('\(ragged)')")
    #expect(error?.file == ragged && error?.line == 3)
    #expect(
      failure("SELECT * FROM read_csv('\(ragged)', color := 'red')")?.message == "read_csv has no option \"color\"")
    #expect(failure("SELECT * FROM read_csv('\(ragged)', header := 1)")?.sqlState == "22023")
    #expect(failure("SELECT * FROM read_csv('\(ragged)') AS t(a integer)")?.sqlState == "42804")
    #expect(failure("SELECT * FROM read_csv('\(try write("empty.csv", ""))')")?.message == "the file is empty")
  }

  @Test func jsonIsReadInEveryLayout() throws {
    let records = [
      #"{"id": 1, "name": "a", "score": 1.5, "day": "2024-01-02", "tags": ["x", "y"], "odd": 1}"#,
      #"{"id": 2, "score": 2, "day": null, "name": "it's \"quoted\" {", "odd": "one", "late": true}"#,
    ]
    let layouts = [
      records.joined(separator: "\n") + "\n", "[" + records.joined(separator: ",\n ") + "]",
      records.map { $0.replacing(", \"", with: ",\n  \"") }.joined(separator: "\n\n"),
    ]
    for (number, text) in layouts.enumerated() {
      let path = try write("j\(number).json", text)
      #expect(
        try columns("SELECT * FROM read_json('\(path)')") == [
          "id bigint", "name text", "score double precision", "day date", "tags json", "odd json", "late boolean",
        ])
      #expect(
        try session.rows(
          "SELECT id, name, score, day::text, tags->>1, odd::text, late FROM read_json('\(path)') ORDER BY id")
          == [
            [.integer(1), .text("a"), .double(1.5), .text("2024-01-02"), .text("y"), .text("1"), .null],
            [.integer(2), .text("it's \"quoted\" {"), .double(2), .null, .null, .text("\"one\""), .boolean(true)],
          ])
    }
    let declared = try write("k.jsonl", #"{"a": 5, "b": "x"}"# + "\n")
    #expect(
      try session.rows("SELECT a, b, c FROM read_json('\(declared)') AS t(a integer, b text, c date)")
        == [[.integer(5), .text("x"), .null]])
  }

  @Test func wrongJSONIsNamedByLine() throws {
    let lines = try write("l.jsonl", "{\"a\": 1}\n{\"a\": 2}\n{\"a\": }\n")
    let error = failure("SELECT a FROM read_json('\(lines)', sample_size := 1)")
    #expect(error?.file == lines && error?.line == 3)
    let array = try write("m.json", "[{\"a\": 1},\n{\"a\": 2}, 3]")
    let other = failure("SELECT a FROM read_json('\(array)')")
    #expect(other?.file == array && other?.line == 2)
    let cut = try write("n.json", "{\"a\": 1}\n{\"a\": 2")
    #expect(failure("SELECT a FROM read_json('\(cut)')")?.message == "the JSON object never ends")
  }
}
