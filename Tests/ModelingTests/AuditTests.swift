import Bytes
import Engine
import Modeling
import TestKit
import Testing
import Vectors

/// Ten rows with something wrong for every audit, and a parent.
private let rows = """
  MODEL (name silver.t, kind FULL, grain id, audits (%AUDITS%));
  SELECT * FROM (VALUES
    (1, 1, 10.0, 'a', 'jim@example.org', 'https://example.org/x', 'GET', 1, 2, 'x', 'p'),
    (2, 1, 11.0, 'bb', 'nobody', 'example.org', 'FETCH', 2, 3, 'x', 'p'),
    (3, 2, 12.0, '', 'a.b@c.de', 'ftp://h.x', 'POST', 3, 5, 'y', 'q'),
    (4, 2, 11.0, NULL, NULL, NULL, NULL, 4, 6, 'y', 'q'),
    (6, 3, 90.0, 'dddd', 'q@r.st', 'http://a.b', 'get', 8, 9, 'x', 'p'),
    (7, NULL, 10.5, 'bb', 'q@r', 'http://', 'PUT', 9, 9, 'z', 'q')
  ) AS v(id, parent, value, word, mail, address, method, low, high, one, two)
  """

private let parents = "MODEL (name silver.parents, kind FULL);\nSELECT * FROM (VALUES (1), (2)) AS v(id)"

private func failures(_ audits: String, inline: String = "") throws -> [AuditOutcome] {
  let shop = try Workshop()
  shop.put("t", rows.replacing("%AUDITS%", with: audits) + ";\n" + inline)
  shop.put("parents", parents)
  let report = try shop.build()
  return report.models.first { $0.name.name == "t" }?.audits ?? []
}

@Suite struct AuditTests {
  /// Every audit of SQLMesh's documentation: a call, the rows that fail, and the `id`s shown (none where what is shown
  /// are no rows of the table).
  static let cases: [(call: String, failures: Int, shown: [String]?)] = [
    ("not_null(columns := (id, value))", 0, nil),
    ("not_null(columns := (id, parent, word))", 2, ["4", "7"]),
    ("not_null(columns := (word), condition := id > 4)", 0, nil),
    ("unique_values(columns := (id))", 0, nil),
    ("unique_values(columns := (parent))", 2, ["1", "2", "3", "4"]),
    ("unique_values(columns := (parent, word))", 3, ["1", "2", "3", "4", "7"]),
    ("unique_combination_of_columns(columns := (parent, word))", 0, nil),
    ("unique_combination_of_columns(columns := (one, two))", 2, ["1", "2", "6", "3", "4"]),
    ("accepted_values(column := one, is_in := ('x', 'y'))", 1, ["7"]),
    ("not_accepted_values(column := one, is_in := ('z', 'y'))", 3, ["3", "4", "7"]),
    ("accepted_range(column := value, min_v := 10, max_v := 90)", 0, nil),
    ("accepted_range(column := value, min_v := 10, max_v := 90, inclusive := false)", 2, ["1", "6"]),
    ("accepted_range(column := low, max_v := high - 1)", 1, ["7"]),
    ("accepted_range(column := id, min_v := -5)", 0, nil),
    ("forall(criteria := (id > 1, low < high))", 2, ["1", "7"]),
    ("number_of_rows(threshold := 5)", 0, nil),
    ("number_of_rows(threshold := 6)", 1, nil),
    ("number_of_rows(threshold := 3, condition := id > 3)", 1, nil),
    ("at_least_one(column := word)", 0, nil),
    ("at_least_one(column := word, condition := id = 4)", 1, nil),
    ("not_constant(column := one)", 0, nil),
    ("not_constant(column := one, condition := id < 3)", 1, nil),
    ("not_null_proportion(column := word, threshold := 0.8)", 0, nil),
    ("not_null_proportion(column := word, threshold := 0.9)", 1, nil),
    ("not_empty_string(column := word)", 1, ["3"]),
    ("string_length_equal(column := word, v := 2)", 3, ["1", "3", "6"]),
    ("string_length_between(column := word, min_v := 1, max_v := 3)", 2, ["3", "6"]),
    ("string_length_between(column := word, min_v := 1, max_v := 4, inclusive := false)", 3, ["1", "3", "6"]),
    ("mean_in_range(column := value, min_v := 20, max_v := 30)", 0, nil),
    ("mean_in_range(column := value, min_v := 25)", 1, nil),
    ("stddev_in_range(column := value, min_v := 30, max_v := 33)", 0, nil),
    ("stddev_in_range(column := value, max_v := 30)", 1, nil),
    ("sequential_values(column := low, interval := 1, condition := low < 5)", 0, nil),
    ("sequential_values(column := id, interval := 1)", 1, nil),
    ("z_score(column := value, threshold := 3)", 0, nil),
    ("z_score(column := value, threshold := 2)", 1, nil),
    ("match_like_pattern_list(column := word, patterns := ('b%', '%d'))", 2, ["1", "3"]),
    ("not_match_like_pattern_list(column := word, patterns := ('b%', '%d'))", 3, ["2", "6", "7"]),
    ("match_regex_pattern_list(column := word, patterns := ('^b', 'd$'))", 2, ["1", "3"]),
    ("not_match_regex_pattern_list(column := word, patterns := ('^b', 'd$'))", 3, ["2", "6", "7"]),
    ("valid_uuid(column := word, condition := id = 6)", 1, ["6"]),
    ("valid_email(column := mail)", 2, ["2", "7"]),
    ("valid_url(column := address)", 2, ["2", "7"]),
    ("valid_http_method(column := method)", 2, ["2", "6"]),
    ("relationships(column := parent, parent := silver.parents, parent_column := id)", 1, ["6"]),
    ("mutually_exclusive_ranges(lower_bound_column := low, upper_bound_column := high)", 1, ["3"]),
    (
      "mutually_exclusive_ranges(lower_bound_column := low, upper_bound_column := high, partition_clause := PARTITION BY value)",
      0, nil
    ),
    // The same words in both: nothing; else (5/6 ln 5/3 + 1/2 ln 3/5 ...) of what both have.
    ("kl_divergence(column := two, target_column := two, threshold := 0.000001)", 0, nil),
    ("kl_divergence(column := low, target_column := high, threshold := 0.1)", 1, nil),
    ("kl_divergence(column := low, target_column := high, threshold := 0.2)", 0, nil),
    // x always with p, y and z with q: as dependent as can be, 6 for 6 rows.
    ("chi_square(column := one, target_column := two, critical_value := 6.1)", 0, nil),
    ("chi_square(column := one, target_column := two, critical_value := 2.9)", 1, nil),
    ("chi_square(column_a := one, column_b := two, critical_value := 2.9)", 0, nil),
    ("chi_square(column := one, target_column := two, critical_value := 2.9, dependent := true)", 0, nil),
  ]

  @Test(arguments: cases.indices) func aBuiltInMeansWhatSQLMeshSays(_ index: Int) throws {
    let (call, count, shown) = Self.cases[index]
    let found = try #require(try failures(call).first)
    #expect(found.failureCount == count, "\(call)")
    #expect(found.isBlocking)
    if let shown {
      let column = try #require(found.sample.columns.firstIndex { $0.name == "id" }, "\(call)")
      #expect(found.sample.rows.map { $0[column] ?? "" } == shown, "\(call)")
      // Rows are whole.
      #expect(found.sample.columns.prefix(11).map(\.name).suffix(3) == ["high", "one", "two"], "\(call)")
    }
    let parenthesis = try #require(call.firstIndex(of: "("))
    let soft = try #require(try failures(call[..<parenthesis] + "_non_blocking" + call[parenthesis...]).first)
    #expect(soft.failureCount == count)
    #expect(!soft.isBlocking)
  }

  @Test func failingRowsAreKeptWhole() throws {
    let shop = try Workshop()
    shop.put(
      "t",
      """
      MODEL (name silver.t, kind FULL, grain id, audits (accepted_range(column := id, max_v := 500)));
      SELECT value AS id, value * 2 AS twice, DATE '2024-01-01' + value AS day FROM generate_series(1, 5000) AS value
      """)
    var report = try shop.build()
    #expect(!report.isPublished)
    let kept = try #require(report.failures.first?.audit.keptIn)
    #expect(try shop.rows("SELECT count(*), sum(twice), max(day) FROM \(kept)").count == 1)
    #expect(
      try shop.rows("SELECT count(*), CAST(sum(twice) AS bigint) FROM \(kept)") == [
        [.integer(4500), .integer(24_754_500)]
      ])
    #expect(report.failures.first?.audit.sample.rows.count == 20)
    #expect(try shop.session.warehouse.snapshot().table(TableName("silver", "t")) == nil)
    // The next failure takes their place, and history says where they are.
    report = try shop.build { $0.keptLimit = 10 }
    #expect(try shop.rows("SELECT count(*) FROM \(kept)") == [[.integer(10)]])
    let record = try #require(try RunRecord.all(in: shop.session.warehouse.snapshot()).last)
    #expect(record.models.last?.audits.first?.keptIn?.description == kept.description)
    #expect(record.models.last?.audits.first?.query.contains("id > 500") == true)
    #expect(report.error?.message.contains("in 4500 rows") == true)
  }

  @Test func auditsStandInTheModelsFileToo() throws {
    let inline = """
      AUDIT (name few, defaults (limit = 3)); SELECT * FROM @this_model WHERE id > @limit AND DATE '2030-01-01' > @end_date;
      AUDIT (name never, skip true); SELECT * FROM @this_model;
      AUDIT (name soft, blocking false); SELECT * FROM @this_model WHERE id = 1
      """
    let found = try failures("few, few(limit := 6), never, soft, not_null(columns := (id))", inline: inline)
    #expect(found.map(\.failureCount) == [3, 1, 1, 0])
    #expect(found.map(\.isBlocking) == [true, true, false, true])
  }

  @Test func aProjectsCopyOfRelationshipsIsTheBuiltIn() throws {
    let copy = """
      AUDIT (name relationships);
      SELECT child.*
      FROM @this_model AS child
      LEFT JOIN @parent AS referred ON referred.@parent_column = child.@column
      WHERE child.@column IS NOT NULL AND referred.@parent_column IS NULL
      """
    let call = "relationships(column := parent, parent := silver.parents, parent_column := id)"
    let found = try #require(try failures(call, inline: copy).first)
    #expect(found.failureCount == 1)
    // One that asks something else stays what it is.
    let other = copy.replacing("IS NOT NULL AND", with: "IS NOT NULL OR")
    #expect(try failures(call, inline: other).first?.failureCount == 6)
  }

  /// An audit of its own is asked when what it reads has changed, blocks nothing, and may look at any table.
  @Test func standaloneAuditsAreAskedByThemselves() throws {
    let shop = try Workshop()
    let files = LocalFileSystem()
    try files.makeDirectory(shop.folder.path + "/audits")
    func write(_ name: String, _ text: String) throws {
      let file = try files.createFile(shop.folder.path + "/audits/\(name).sql", .truncating)
      try file.write(Array(text.utf8))
      try file.close()
    }
    let audit = """
      AUDIT (name no_big_values, standalone true, defaults (most = 10), owner somebody,
        description 'Values and totals agree', depends_on (gold.totals));
      SELECT e.id, e.value FROM bronze.events AS e JOIN gold.totals AS t ON t.who = e.who WHERE e.value > @most
      """
    try write("big", audit)
    shop.put(
      "totals", "MODEL (name gold.totals, kind FULL);\nSELECT who, SUM(value) AS total FROM bronze.events GROUP BY who")
    try shop.run("INSERT INTO bronze.events VALUES (1, 1, 0, 5), (2, 1, 0, 50)")
    #expect(try shop.plan() == ["gold.totals": "rebuilt", "audit.no_big_values": "audited"])
    let report = try shop.build()
    #expect(report.isPublished)
    #expect(report.failures.map(\.audit.failureCount) == [1])
    #expect(report.failures.map(\.audit.sample.rows) == [[["2", "50"]]])
    #expect(try shop.rows("SELECT total FROM gold.totals") == [[.integer(55)]])
    #expect(try shop.build().isIdle)
    #expect(
      try shop.rows("SELECT model_name, failure_count FROM sys.audits") == [[.text("no_big_values"), .integer(1)]])

    // Rows of a source alone are enough to ask again; so is another text. Comments are not.
    try shop.run("DELETE FROM bronze.events WHERE id = 2")
    let second = try shop.build()
    #expect(shop.actions(second)["audit.no_big_values"] == "audited")
    #expect(second.failures.isEmpty)
    try write("big", audit.replacing("SELECT e.id", with: "-- each\nSELECT e.id"))
    #expect(try shop.build().isIdle)
    try write("big", audit.replacing("most = 10", with: "most = 4"))
    #expect(try shop.build().failures.map(\.audit.failureCount) == [1])

    // With a selection, those of what is selected.
    shop.put("other", "MODEL (name gold.other, kind FULL);\nSELECT 1 AS x")
    #expect(try shop.build { $0.selection = ["gold.other"] }.models.map(\.name.description) == ["gold.other"])
    #expect(try shop.build { $0.selection = ["gold.totals"] }.models.count == 2)

    // A wrong one fails alone; one that blocks, or that a model names, is refused.
    try write("big", "AUDIT (name no_big_values, standalone true);\nSELECT nothing FROM gold.totals")
    let wrong = try shop.build()
    #expect(wrong.error?.line == 2 && wrong.error?.file?.hasSuffix("big.sql") == true)
    try write("big", "AUDIT (name no_big_values,\n standalone true,\n blocking true);\nSELECT 1")
    #expect(#expect(throws: PulsehouseError.self) { try shop.project() }?.line == 3)
    try write("big", audit)
    shop.put("totals", "MODEL (name gold.totals, kind FULL, audits (no_big_values));\nSELECT 1 AS who")
    let named = #expect(throws: PulsehouseError.self) { try shop.project() }
    #expect(named?.message == "no_big_values is a standalone audit, which belongs to no model")
  }
}
