import Bytes
import Engine
import Segments
import TestKit
import Testing
import Vectors

@Suite struct CommitTests {
  @Test func tablesComeBackAsTheyWereMade() throws {
    try withScratchDirectory(inMemory: true) { directory in
      do {
        let notices = Notices()
        let store = try SnapshotStore.open(directory, notices: notices)
        #expect(notices.all == [])
        #expect(try store.snapshot().id == SnapshotID(1))
        #expect(try store.snapshot().schemas == ["public"])
        try store.createTable()
        try store.append(10)
        try store.append(5)
      }
      let notices = Notices()
      let store = try SnapshotStore.open(directory, .readWrite, notices: notices)
      let snapshot = try store.snapshot()
      #expect(snapshot.id == SnapshotID(4))
      let state = try #require(snapshot.table(eventTable))
      #expect(state.definition == eventColumns)
      #expect(state.rowCount == 15)
      #expect(state.segmentCount == 2)
      #expect(try snapshot.checkedRowCount(in: store) == 15)
      #expect(try state.segments()[0].zoneMaps()[0].maximum == .text("z"))
      #expect(try store.history().map(\.message) == ["append 5", "append 10", "create", "warehouse created"])
      #expect(notices.all == [])
    }
  }

  @Test func everyTypeComesBack() throws {
    let mood = EnumerationType(
      identifier: .max, schema: "public", name: "mood",
      labels: [.init(position: -4096, text: "sad"), .init(position: 0, text: ""), .init(position: .max, text: "ok")])
    let types: [LogicalType] = [
      .boolean, .smallint, .integer, .bigint, .real, .double, .numeric(precision: nil, scale: nil),
      .numeric(precision: 38, scale: 10), .numeric(precision: 3, scale: nil), .numeric(precision: 5, scale: -3), .text,
      .varchar(length: nil), .varchar(length: 255), .char(length: 1), .bytea, .date, .time, .timestamp, .timestamptz,
      .interval, .uuid, .json, .jsonb, .unknown, .enumeration(mood), .array(.enumeration(mood)),
    ]
    var columns = types.enumerated().map { ColumnDefinition(name: "c\($0)", type: $1) }
    columns += types.map { type in
      var column = ColumnDefinition(name: "domain of \(type.name)", type: type)
      column.domain = 7
      if type == .timestamp { column.secondDigits = 3 }
      return column
    }
    try withScratchDirectory(inMemory: true) { directory in
      _ = try SnapshotStore.open(directory).commit(
        [.createTable(eventTable, .random(), TableDefinition(columns: columns))],
        basedOn: SnapshotStore.open(directory).snapshot(), message: "")
      #expect(try SnapshotStore.open(directory).snapshot().table(eventTable)?.definition.columns == columns)
    }
  }

  /// Types and comments made by SQL are there when the warehouse is opened again, and each snapshot has its own.
  @Test func typesAndCommentsComeBack() throws {
    try withScratchDirectory { directory in
      do {
        let session = Session(try Warehouse(directory, mode: .create))
        let statements = [
          "CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN few AS mood[] CHECK (cardinality(VALUE) < 3)",
          "CREATE DOMAIN late AS timestamp(1) NOT NULL DEFAULT '2024-01-01 00:00:00.26'",
          "CREATE TABLE t (m mood, f few, l late)", "COMMENT ON COLUMN t.m IS 'of the day'",
          "INSERT INTO t (m, f) VALUES ('ok', '{sad}')", "ALTER TYPE mood ADD VALUE 'meh' AFTER 'sad'",
          "INSERT INTO t (m) VALUES ('meh')",
        ]
        for statement in statements { try session.run(statement, into: DiscardingSink()) }
      }
      let session = Session(try Warehouse(directory, mode: .readWrite))
      #expect(
        try session.rows("SELECT m::text, f::text, l::text, col_description('t'::regclass, 1) FROM t ORDER BY m") == [
          [.text("meh"), .null, .text("2024-01-01 00:00:00.3"), .text("of the day")],
          [.text("ok"), .text("{sad}"), .text("2024-01-01 00:00:00.3"), .text("of the day")],
        ])
      let refused = #expect(throws: PulsehouseError.self) {
        try session.rows("UPDATE t SET f = '{sad,meh,ok}'")
      }
      #expect(refused?.sqlState == "23514")
      // A cursor's rows are counted against the memory of a query.
      try session.run("SET memory = '1MB'", into: DiscardingSink())
      let tooLarge = #expect(throws: PulsehouseError.self) {
        try session.rows("DECLARE c CURSOR WITH HOLD FOR SELECT g, g + 1 FROM generate_series(1, 1000000) g")
      }
      #expect(tooLarge?.sqlState == "53200")
    }
  }

  @Test func oldSnapshotsStay() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      try store.createTable()
      let before = try store.append(10)
      let segments = try #require(before.table(eventTable)).segments()
      let replacement = try store.fakeSegment(
        eventTable, try #require(before.table(eventTable)).identifier, rowCount: 4)
      let after = try store.commit(
        [.replaceSegments(eventTable, removing: segments, adding: [replacement], .rows)], basedOn: before,
        message: "delete")
      #expect(try after.checkedRowCount(in: store) == 4)
      #expect(try before.checkedRowCount(in: store) == 10)
      #expect(try store.snapshot(at: before.id).checkedRowCount(in: store) == 10)
      #expect(try store.snapshot(at: SnapshotID(1)).table(eventTable) == nil)
      let error = #expect(throws: PulsehouseError.self) { try store.snapshot(at: SnapshotID(99)) }
      #expect(error?.kind == .user)
    }
  }

  @Test func aTransactionSeesItsOwnChanges() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      let base = try store.createTable()
      let identifier = try #require(base.table(eventTable)).identifier
      let first = try store.fakeSegment(eventTable, identifier, rowCount: 3)
      let second = try store.fakeSegment(eventTable, identifier, rowCount: 4)
      let space = StateSpace.source("lake")
      let changes: [Change] = [
        .addSegments(eventTable, [first]),
        .addSegments(eventTable, [second]),
        .replaceSegments(eventTable, removing: [first], adding: [], .rows),
        .putView(TableName("public", "v"), ViewDefinition(sql: "select 1", columns: [])),
        .putState(space, key: "a", value: [1]),
        .putState(space, key: "b", value: [2]),
        .removeState(space, key: "a"),
        .removeState(space, key: "never there"),
      ]
      let draft = try base.applying(changes)
      #expect(draft.isDraft)
      #expect(try draft.checkedRowCount(in: store) == 4)
      #expect(draft.view(TableName("public", "v"))?.definition.sql == "select 1")
      #expect(try draft.entries(of: space) == ["b": [2]])
      #expect(try draft.entry(of: space, key: "a") == nil)
      #expect(try store.snapshot().checkedRowCount(in: store) == 0)
      let after = try store.commit(changes, basedOn: base, message: "all")
      #expect(try after.checkedRowCount(in: store) == 4)
      #expect(try after.entries(of: space) == ["b": [2]])
      #expect(try after.entry(of: space, key: "b") == [2])
      let reopened = try SnapshotStore.open(directory)
      #expect(try reopened.snapshot().checkedRowCount(in: reopened) == 4)
      #expect(try reopened.snapshot().entries(of: space) == ["b": [2]])
    }
  }

  @Test func stateOfManyKeysIsWrittenByKey() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      let space = StateSpace.source("files")
      let many = (0..<3000).map { Change.putState(space, key: "file \($0)", value: [UInt8($0 % 251)]) }
      var snapshot = try store.commit(many, basedOn: try store.snapshot(), message: "many")
      snapshot = try store.commit([.putState(space, key: "file 7", value: [9])], basedOn: snapshot, message: "one")
      #expect(try snapshot.entries(of: space).count == 3000)
      #expect(try snapshot.entry(of: space, key: "file 7") == [9])
      let record = Path.join(directory, "commits/00000000000000000003.commit")
      #expect(try #require(try LocalFileSystem().status(record)).byteCount < 1000)
      let cleared = try store.commit(
        [.clearState(space), .putState(space, key: "x", value: [])], basedOn: snapshot, message: "clear")
      #expect(try cleared.entries(of: space) == ["x": []])
      #expect(try snapshot.entries(of: space).count == 3000)
    }
  }

  @Test func namesAreGuarded() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      try store.createTable()
      let snapshot = try store.snapshot()
      func state(_ changes: Change...) -> String? {
        do {
          _ = try store.commit(changes, basedOn: snapshot, message: "")
          return nil
        } catch {
          return error.sqlState
        }
      }
      #expect(state(.createTable(eventTable, .random(), eventColumns)) == "42P07")
      #expect(state(.createTable(TableName("nowhere", "t"), .random(), eventColumns)) == "3F000")
      #expect(state(.dropTable(TableName("public", "missing"))) == "42P01")
      #expect(state(.putView(eventTable, ViewDefinition(sql: "", columns: []))) == "42809")
      #expect(state(.createSchema("public")) == "42P06")
      #expect(state(.dropSchema("public")) == "2BP01")
      #expect(try store.snapshot().id == snapshot.id)
      let dotted = TableName("a.b", "c\"d")
      #expect(state(.createSchema("a.b"), .createTable(dotted, .random(), eventColumns)) == nil)
      try store.append(3, to: dotted)
      #expect(dotted.description == "\"a.b\".\"c\"\"d\"")
      let renamed = TableName("public", "renamed")
      _ = try store.commit([.renameTable(dotted, to: renamed)], basedOn: try store.snapshot(), message: "")
      let after = try store.snapshot()
      #expect(after.table(dotted) == nil)
      #expect(try after.checkedRowCount(renamed, in: store) == 3)
      _ = try store.commit(
        [.dropTable(renamed), .dropSchema("a.b"), .createTable(renamed, .random(), eventColumns)], basedOn: after,
        message: "")
      #expect(try store.snapshot().checkedRowCount(renamed, in: store) == 0)
      #expect(try store.snapshot().schemas == ["public"])
      #expect(try after.checkedRowCount(renamed, in: store) == 3)
    }
  }

  @Test func conflictsAreFound() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      let other = try SnapshotStore.open(directory)
      try store.createTable()
      try store.append(10)
      let old = try store.snapshot()
      let segments = try #require(old.table(eventTable)).segments()
      let identifier = try #require(old.table(eventTable)).identifier
      let same = try store.fakeSegment(eventTable, identifier, rowCount: 10)
      let source = StateSpace.source("lake")
      try other.append(1)
      _ = try other.commit([.putState(source, key: "a", value: [])], basedOn: try other.snapshot(), message: "")
      _ = try other.commit(
        [.createTable(TableName("public", "theirs"), .random(), eventColumns)], basedOn: try other.snapshot(),
        message: "")

      func kind(_ changes: Change...) throws -> PulsehouseError.Kind? {
        do {
          _ = try store.commit(changes, basedOn: old, message: "")
          return nil
        } catch {
          return error.kind
        }
      }
      // Others added rows: changing rows conflicts, adding and rearranging do not.
      #expect(try kind(.replaceSegments(eventTable, removing: segments, adding: [], .rows)) == .conflict)
      #expect(try kind(.truncateTable(eventTable)) == .conflict)
      #expect(try kind(.dropTable(eventTable)) == .conflict)
      #expect(try kind(.alterTable(eventTable, eventColumns)) == .conflict)
      #expect(try kind(.putState(source, key: "b", value: [])) == .conflict)
      #expect(try kind(.createTable(TableName("public", "theirs"), .random(), eventColumns)) == .conflict)
      #expect(try kind(.putState(.runs, key: "1", value: [])) == nil)
      #expect(try kind(.putState(.runs, key: "2", value: [])) == nil)
      #expect(try kind(.replaceSegments(eventTable, removing: segments, adding: [same], .layout)) == nil)
      #expect(try kind(.replaceSegments(eventTable, removing: segments, adding: [same], .layout)) == .conflict)
      let more = try store.fakeSegment(eventTable, identifier, rowCount: 2)
      #expect(try kind(.addSegments(eventTable, [more])) == nil)
      // An addition first in the same transaction does not excuse what follows it.
      let own = try store.fakeSegment(eventTable, identifier, rowCount: 2)
      #expect(try kind(.addSegments(eventTable, [own]), .truncateTable(eventTable)) == .conflict)
      #expect(try store.snapshot().checkedRowCount(in: store) == 13)
      // Now they change the definition: even adding conflicts.
      _ = try other.commit([.alterTable(eventTable, eventColumns)], basedOn: try other.snapshot(), message: "")
      let late = try store.fakeSegment(eventTable, identifier, rowCount: 2)
      #expect(try kind(.addSegments(eventTable, [late])) == .conflict)
      _ = try other.commit([.dropTable(eventTable)], basedOn: try other.snapshot(), message: "")
      #expect(try kind(.addSegments(eventTable, [late])) == .conflict)
    }
  }

  @Test func aSegmentThatIsNotThereIsRefused() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      let base = try store.createTable()
      let segment = try store.fakeSegment(eventTable, try #require(base.table(eventTable)).identifier, rowCount: 3)
      try LocalFileSystem().removeFile(store.absolutePath(segment.path))
      #expect(throws: PulsehouseError.self) {
        try store.commit([.addSegments(eventTable, [segment])], basedOn: base, message: "")
      }
      #expect(try store.snapshot().id == base.id)
    }
  }

  @Test func aWarehouseMustBeThere() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let error = #expect(throws: PulsehouseError.self) { try SnapshotStore.open(directory, .readWrite) }
      #expect(error?.kind == .io)
      #expect(error?.hint != nil)
    }
  }

  @Test func segmentPathsAreTame() throws {
    try withScratchDirectory(inMemory: true) { directory in
      let store = try SnapshotStore.open(directory)
      let name = TableName("../../etc", String(repeating: "x/", count: 200))
      let path = try store.newSegmentPath(name, .random(), partition: "day=2024-01-01 00:00")
      #expect(!path.split(separator: "/").contains(".."))
      #expect(path.hasPrefix("tables/%2e.%2f"))
      #expect(path.split(separator: "/").count == 5)
      #expect(path.contains("day=2024-01-01%2000%3a00"))
      let next = try store.newSegmentPath(name, .random(), partition: "day=2024-01-01 00:00")
      #expect(Path.name(path) < Path.name(next))
    }
  }
}
