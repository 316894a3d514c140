import Bytes
import SQLSyntax
import Testing
import Vectors

@testable import Ingestion

@Suite struct SourceLoaderTests {
  func read(_ text: String) throws -> [Source] { try Source.read(try ModelFile.parse(text, path: "s.sql")) }

  @Test func aLakeIsRead() throws {
    let sources = try read(
      """
      -- What the watches send.
      SOURCE (
        name bronze.heart_rate,
        kind LAKE (path 'lake', pattern '**/part-*.jsonl', complete true),
        columns (user_id bigint, meta.location.latitude double precision, label varchar(5), price numeric(10, 2)),
        on_error FAIL
      );
      """)
    try #require(sources.count == 1)
    #expect(sources[0].name == "bronze.heart_rate")
    #expect(sources[0].kind == .lake(LakeFolder(path: "lake", pattern: "**/part-*.jsonl", isComplete: true)))
    #expect(
      sources[0].columns == [
        SourceColumn("user_id", .bigint),
        SourceColumn("latitude", .double, path: ["meta", "location", "latitude"]),
        SourceColumn("label", .varchar(length: 5)), SourceColumn("price", .numeric(precision: 10, scale: 2)),
      ])
    #expect(sources[0].onError == .fail)
  }

  @Test func aCSVIsRead() throws {
    let source = try #require(
      try read("SOURCE (name b.users, kind CSV (path 'seeds/users.csv', delimiter ';'), columns (id int, dob date));")
        .first)
    #expect(source.kind == .csv(CSVFiles(path: "seeds/users.csv", delimiter: UInt8(ascii: ";"))))
    #expect(source.onError == .quarantine)
    #expect(source.columns.map(\.type) == [.integer, .date])
  }

  @Test func aTopicIsRead() throws {
    let source = try #require(
      try read(
        """
        SOURCE (
          name b.events,
          kind KAFKA (
            topic heartrate, brokers 'one:9092,two:9092', group watchers, on_gap SKIP, commit_rows 1000,
            commit_seconds 0.5, properties ('security.protocol=SASL_SSL', 'sasl.password=env:SECRET')
          ),
          columns (id bigint)
        );
        """
      ).first)
    var topic = KafkaTopic(
      topic: "heartrate", brokers: "one:9092,two:9092", group: "watchers",
      properties: ["security.protocol=SASL_SSL", "sasl.password=env:SECRET"])
    topic.onGap = .skip
    topic.commitRowCount = 1000
    topic.commitSeconds = 0.5
    #expect(source.kind == .kafka(topic))
    #expect(source.withoutLake == source)
  }

  @Test func aLakeMayNameItsTopic() throws {
    let source = try #require(
      try read("SOURCE (name b.e, kind LAKE (path 'lake', topic heartrate), columns (id bigint));").first)
    #expect(!source.isKafka)
    #expect(source.withoutLake.kind == .kafka(KafkaTopic(topic: "heartrate")))
  }

  static let wrong: [(String, String)] = [
    ("SOURCE (name a.b, kind KAFKA, columns (a int));", "needs a topic"),
    ("SOURCE (name a.b, kind KAFKA (topic t, on_gap SHRUG), columns (a int));", "on_gap"),
    ("SOURCE (name a.b, kind KAFKA (topic t, commit_rows 0), columns (a int));", "commit_rows"),
    ("SOURCE (name a.b, kind KAFKA (topic t, offset 3), columns (a int));", "\"offset\""),
    ("SOURCE (name a.b, kind KAFKA (topic t, properties ('sasl.password=x')), columns (a int));", "written out"),
    ("SOURCE (name a.b, kind KAFKA (topic t, properties ('acks=1')), columns (a int));", "acks"),
    ("SOURCE (kind LAKE (path 'x'), columns (a int));", "needs name"),
    ("SOURCE (name a.b, columns (a int));", "needs kind"),
    ("SOURCE (name a.b, kind LAKE (path 'x'));", "needs columns"),
    ("SOURCE (name b, kind LAKE (path 'x'), columns (a int));", "schema.table"),
    ("SOURCE (name a.b, kind PARQUET (path 'x'), columns (a int));", "PARQUET"),
    ("SOURCE (name a.b, kind LAKE, columns (a int));", "needs a path"),
    ("SOURCE (name a.b, kind LAKE (path 'x', depth 3), columns (a int));", "\"depth\""),
    ("SOURCE (name a.b, kind LAKE (path 'x'), columns (a int, m.a int));", "two columns"),
    ("SOURCE (name a.b, kind LAKE (path 'x'), columns (a money));", "money"),
    ("SOURCE (name a.b, kind LAKE (path 'x'), columns (a int[]));", "int[]"),
    ("SOURCE (name a.b, kind LAKE (path 'x'), columns (a int), colour red);", "\"colour\""),
    ("SOURCE (name a.b, kind LAKE (path 'x'), columns (a int), on_error SHRUG);", "on_error"),
    ("SOURCE (name a.b, kind LAKE (path 'x'), columns (a int), partitioned_by c);", "no column"),
    ("SOURCE (name a.b, kind CSV (path 'x'), columns (m.a int));", "no path"),
  ]

  @Test(arguments: wrong) func wrongHeadersAreAnsweredInWords(text: String, word: String) throws {
    let error = #expect(throws: PulsehouseError.self) { try read(text) }
    #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
    #expect(error?.file == "s.sql")
  }

  @Test(arguments: [
    ("**.jsonl", "2024/01/02/03/part-0.jsonl", true), ("**.jsonl", "a.json", false), ("*.jsonl", "a/b.jsonl", false),
    ("*.jsonl", "b.jsonl", true), ("**/part-*.jsonl", "part-1.jsonl", true),
    ("**/part-*.jsonl", "a/b/part-1.jsonl", true),
    ("**/part-*.jsonl", "a/xpart-1.jsonl", false), ("2024/*/x", "2024/01/x", true), ("2024/*/x", "2024/01/02/x", false),
    ("p?.x", "p1.x", true), ("p?.x", "p/.x", false), ("", "", true), ("**", "any/thing", true),
    ("*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
  ]) func globs(pattern: String, path: String, matches: Bool) {
    #expect(Glob(pattern).matches(path) == matches)
  }
}
