import Bytes
import Engine
import Modeling
import TestKit
import Testing
import Vectors

/// One model that fails, with what others make of it: `top` is read by `left` and `right`, `bottom` reads both, and
/// `aside` reads none of them.
private func diamond() throws -> Workshop {
  let shop = try Workshop()
  func put(_ name: String, _ sql: String, _ more: String = "") {
    shop.put(name, "MODEL (name gold.\(name), kind FULL\(more));\n\(sql)")
  }
  put("top", "SELECT id, value FROM bronze.events")
  put("left", "SELECT id, 100 / value AS share FROM gold.top")
  put("right", "SELECT id, value + 1 AS value FROM gold.top")
  put("bottom", "SELECT l.id, l.share, r.value FROM gold.left AS l JOIN gold.right AS r ON r.id = l.id")
  put("aside", "SELECT count(*) AS events FROM bronze.events")
  try shop.run("INSERT INTO bronze.events VALUES (1, 1, 0, 5), (2, 1, 0, 10)")
  return shop
}

private let tables = ["top", "left", "right", "bottom", "aside"]

extension Workshop {
  /// What everybody sees of the diamond.
  fileprivate func contents() throws -> [[[Scalar]]] {
    try tables.map { name in
      guard try session.currentSnapshot().table(TableName("gold", name)) != nil else { return [[.text("none")]] }
      return try rows("SELECT * FROM gold.\(name) ORDER BY 1")
    }
  }

  fileprivate func states(_ report: RunReport) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: report.models.map { model in
        let words =
          model.skippedBecause.map { "skipped for \($0)" } ?? (model.error == nil ? model.action : "failed")
        return (model.name.name, words)
      })
  }
}

@Suite struct FailureTests {
  @Test(arguments: [1, 2])
  func whatDoesNotDependOnTheFailureIsPublished(jobs: Int) throws {
    let shop = try diamond()
    try shop.build { $0.jobCount = jobs }
    let before = try shop.contents()
    try shop.run("INSERT INTO bronze.events VALUES (3, 1, 0, 0)")
    let snapshot = try shop.session.warehouse.snapshot().id
    let report = try shop.build { $0.jobCount = jobs }
    #expect(report.outcome == .partial)
    #expect(
      shop.states(report) == [
        "top": "rebuilt", "left": "failed", "right": "rebuilt", "bottom": "skipped for gold.left", "aside": "rebuilt",
      ])
    #expect(report.error?.sqlState == "22012")
    #expect(report.error?.file?.hasSuffix("left.sql") == true && report.error?.line == 2)
    #expect(
      report.error?.detail
        == "Not built, since they depend on what failed: gold.bottom. The others were published.")
    // One commit; left and bottom are what they were.
    #expect(try shop.session.warehouse.snapshot().id.number == snapshot.number + 1)
    let after = try shop.contents()
    #expect(after[1] == before[1] && after[3] == before[3])
    #expect(after[0].count == 3 && after[2].count == 3 && after[4] == [[.integer(3)]])
    #expect(
      try shop.rows(
        "SELECT model_name, outcome, message IS NULL FROM sys.model_runs WHERE run = 2 AND outcome <> 'done' ORDER BY 1"
      )
        == [
          [.text("bottom"), .text("skipped"), .boolean(false)], [.text("left"), .text("failed"), .boolean(false)],
        ])
    #expect(try shop.rows("SELECT outcome FROM sys.runs WHERE run = 2") == [[.text("partial")]])

    // The same again fails again, and touches nothing else.
    let again = try shop.build { $0.jobCount = jobs }
    #expect(again.outcome == .failed)
    #expect(
      shop.states(again) == [
        "top": "unchanged", "left": "failed", "right": "unchanged", "bottom": "skipped for gold.left",
        "aside": "unchanged",
      ])
    #expect(try shop.contents() == after)

    // Mended, only what is missing is built.
    shop.put("left", "MODEL (name gold.left, kind FULL);\nSELECT id, 100 / nullif(value, 0) AS share FROM gold.top")
    let mended = try shop.build { $0.jobCount = jobs }
    #expect(mended.isPublished)
    #expect(
      shop.states(mended) == [
        "top": "unchanged", "left": "rebuilt", "right": "unchanged", "bottom": "rebuilt", "aside": "unchanged",
      ])
    #expect(try shop.contents()[3].count == 3)
    #expect(try shop.build().isIdle)

    // The run that failed in part can be taken back like any other, once nothing rests on it.
    _ = try RunUndo.undo(nil, in: shop.session)
    #expect(try shop.contents() == after)
    _ = try RunUndo.undo(nil, in: shop.session)
    #expect(try shop.contents() == before)
  }

  @Test func twoFailuresLoseWhatDependsOnEither() throws {
    let shop = try diamond()
    try shop.run("INSERT INTO bronze.events VALUES (3, 1, 0, 0)")
    shop.put("right", "MODEL (name gold.right, kind FULL);\nSELECT id, nothing AS value FROM gold.top")
    let report = try shop.build { $0.jobCount = 2 }
    #expect(report.outcome == .partial)
    let states = shop.states(report)
    #expect(states["left"] == "failed" && states["right"] == "failed" && states["bottom"]?.hasPrefix("skipped") == true)
    #expect(states["top"] == "rebuilt" && states["aside"] == "rebuilt")
    #expect(report.error?.detail?.contains("gold.right failed too.") == true)
    #expect(try shop.contents()[1] == [[.text("none")]])
    #expect(try shop.contents()[4] == [[.integer(3)]])
  }

  @Test func failingRowsAreKeptOfAModelThatIsNotPublished() throws {
    let shop = try diamond()
    shop.put(
      "left",
      "MODEL (name gold.left, kind FULL, audits (accepted_range(column := share, max_v := 15)));\n"
        + "SELECT id, 100 / value AS share FROM gold.top")
    let report = try shop.build { $0.jobCount = 2 }
    #expect(report.outcome == .partial)
    #expect(report.error?.sqlState == "23514")
    #expect(try shop.contents()[1] == [[.text("none")]])
    #expect(
      try shop.rows("SELECT * FROM audits.gold_left_1_accepted_range") == [[.integer(1), .integer(20)]])
    #expect(try shop.contents()[2].count == 2)

    // All or nothing: the rows to blame and the history, no more.
    try shop.run("INSERT INTO bronze.events VALUES (4, 1, 0, 1)")
    let before = try shop.contents()
    let whole = try shop.build {
      $0.isAllOrNothing = true
      $0.jobCount = 2
    }
    #expect(whole.outcome == .failed)
    #expect(try shop.contents() == before)
    #expect(try shop.rows("SELECT id FROM audits.gold_left_1_accepted_range ORDER BY 1").count == 2)
    #expect(try shop.session.warehouse.snapshot().schemas.contains("audits"))
  }

  /// A disk that fails once, at any instant: with a second try all is published, without one the old tables stay whole.
  @Test(arguments: [0, 1])
  func whatPassesIsTriedAgain(retries: Int) throws {
    let shop = try diamond()
    try shop.build()
    let before = try shop.contents()
    var tried = 0
    var position = 0
    while true {
      try shop.reopen()
      try shop.run("INSERT INTO bronze.events VALUES (\(10 + position), 1, 0, 7)")
      let files = FaultyFileSystem(.fail, at: position)
      try shop.reopen(files)
      let report = try? shop.build {
        $0.jobCount = 2
        $0.retryLimit = retries
        $0.retryDelay = 0
      }
      guard files.hasStruck else { break }
      position += 2
      if retries == 1 {
        #expect(report?.isPublished == true, "operation \(position - 2): \(files.operations[position - 2])")
        if report?.models.contains(where: { $0.attemptCount == 2 }) == true { tried += 1 }
      } else if let report, report.outcome != .published {
        #expect(report.models.contains { $0.failure?.kind == .io })
        tried += 1
      }
      // Whatever was published, nothing is half: right has a row for each of top.
      try shop.reopen()
      let after = try shop.contents()
      if report?.isPublished == true { #expect(after[0].count == after[2].count && after[0].count == after[3].count) }
      #expect(after[0].count >= before[0].count)
      try shop.build()
      #expect(try shop.contents()[3].count == 2 + position / 2)
    }
    #expect(position > 20 && tried > 5, "\(position) operations, \(tried) tries")
  }

  /// The process dies at any instant of a run of two threads: the old publication or the new one, whole.
  @Test(arguments: [FaultyFileSystem.Fault.stop, .tear, .powerCut])
  func aKillLeavesOldOrNew(fault: FaultyFileSystem.Fault) throws {
    try withScratchDirectory(inMemory: true) { _ in
      let shop = try diamond()
      try shop.build()
      var position = 0
      while true {
        try shop.reopen()
        try shop.run("DELETE FROM bronze.events WHERE id >= 10")
        try shop.run("INSERT INTO bronze.events SELECT 10 + g, 1, 0, 7 FROM generate_series(0, \(position)) AS g")
        let before = try shop.contents()
        let files = FaultyFileSystem(fault, at: position)
        do {
          try shop.reopen(files)
          _ = try shop.build { $0.jobCount = 2 }
        } catch {
          // Nobody is there to read it.
        }
        guard files.hasStruck else { break }
        try files.settle()
        try shop.reopen()
        let after = try shop.contents()
        if after != before {
          for table in after.dropLast() { #expect(table.count == 3 + position, "operation \(position)") }
          #expect(after[4] == [[.integer(Int64(3 + position))]])
        }
        position += 3
        try shop.build()
        #expect(try shop.contents()[3].count == position)
      }
      #expect(position > 20)
    }
  }

  /// Whoever stops a run, or cannot be told of it, ends it: nothing is published and nobody waits.
  @Test(arguments: [1, 2])
  func aStopEndsTheRun(jobs: Int) throws {
    let shop = try diamond()
    try shop.build()
    let before = try shop.contents()
    try shop.run("INSERT INTO bronze.events VALUES (3, 1, 0, 4)")
    var options = RunOptions()
    options.jobCount = jobs
    struct Unheard: Error {}
    for limit in 0..<11 {
      var count = 0
      #expect(throws: Unheard.self) {
        try ModelRun.run(try shop.project(), in: SessionModelSession(shop.session), options: options) { _ in
          count += 1
          if count > limit { throw Unheard() }
        }
      }
      #expect(try shop.contents() == before)
    }
    let canceller = shop.session.canceller
    let error = #expect(throws: PulsehouseError.self) {
      try ModelRun.run(try shop.project(), in: SessionModelSession(shop.session), options: options) { event in
        if case .began(RelationName("gold", "left"), _, _) = event { canceller.stop() }
      }
    }
    #expect(error?.kind == .cancelled)
    try shop.reopen()
    #expect(try shop.contents() == before)
  }

  @Test func memoryIsTriedAlone() throws {
    let shop = try diamond()
    try shop.run("INSERT INTO bronze.events SELECT g, g % 7, g, 1 + g % 5 FROM generate_series(10, 200000) AS g")
    // Each of two models wants more than half of the memory, for what goes to no disk.
    for name in ["left", "right"] {
      shop.put(
        name,
        "MODEL (name gold.\(name), kind FULL);\n"
          + "SELECT count(DISTINCT id * 7919 % 1000003) AS id, 1 AS share, 1 AS value FROM gold.top")
    }
    var needed = 0
    // The least memory that one of them can do with.
    for megabytes in 1...64 {
      shop.session.settings.memoryLimit = megabytes << 20
      let report = try shop.build { $0.isFull = true }
      if report.isPublished {
        needed = megabytes
        break
      }
      #expect(report.error?.sqlState == "53200", "\(report.error as Any)")
    }
    try #require(needed > 1, "the models need so little that nothing is tested")
    shop.session.settings.memoryLimit = needed << 20
    let report = try shop.build {
      $0.isFull = true
      $0.jobCount = 2
      $0.retryLimit = 1
    }
    #expect(report.isPublished, "\(report.error as Any)")
    #expect(report.models.contains { $0.attemptCount == 2 })
    // Alone and still too little is a failure, not an endless try.
    shop.session.settings.memoryLimit = 1 << 20
    let failed = try shop.build {
      $0.isFull = true
      $0.jobCount = 2
      $0.retryLimit = 5
    }
    #expect(failed.outcome != .published)
    #expect(failed.models.allSatisfy { $0.attemptCount <= 2 })
  }

  /// Any graph of models ends in the same tables, however many are built at once.
  @Test(arguments: 1...6)
  func sideBySideIsTheSame(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    var texts: [String: String] = [:]
    let count = 15
    for model in 0..<count {
      var sources = ["SELECT id, value FROM bronze.events"]
      for _ in 0..<random.next(3) where model > 0 {
        sources.append("SELECT id, value + \(random.next(9)) FROM gold.m\(random.next(model))")
      }
      let kind = ["FULL", "FULL", "VIEW", "INCREMENTAL_BY_UNIQUE_KEY (unique_key id)"][random.next(4)]
      texts["m\(model)"] =
        "MODEL (name gold.m\(model), kind \(kind), audits (not_null(columns := (id))));\n"
        + "SELECT id, CAST(sum(value) AS bigint) AS value FROM (\(sources.joined(separator: " UNION ALL "))) AS s "
        + "GROUP BY id"
    }
    var results: [[[[Scalar]]]] = []
    for jobs in [1, 2, 4] {
      let shop = try Workshop()
      for (name, text) in texts { shop.put(name, text) }
      try shop.run("INSERT INTO bronze.events SELECT g, g % 3, g, g % 11 FROM generate_series(1, 500) AS g")
      #expect(try shop.build { $0.jobCount = jobs }.isPublished, "seed \(seed)")
      try shop.run("UPDATE bronze.events SET value = value + 1 WHERE id % 5 = 0")
      let report = try shop.build { $0.jobCount = jobs }
      #expect(report.isPublished, "seed \(seed)")
      #expect(report.models.count == count)
      #expect(try shop.build { $0.jobCount = jobs }.isIdle, "seed \(seed)")
      results.append(try (0..<count).map { try shop.rows("SELECT * FROM gold.m\($0) ORDER BY id") })
    }
    #expect(results[0] == results[1] && results[0] == results[2], "seed \(seed)")
  }
}
