import Bytes
import Engine
import Glibc
import TestKit
import Testing

/// What a crash leaves must open, and show the state before or the state after: never a third.
@Suite(.serialized) struct CrashTests {
  /// Makes a warehouse with one table of 10 rows in two segments, and some state.
  private func prepare(_ directory: String) throws {
    let store = try SnapshotStore.open(directory)
    try store.createTable()
    try store.append(3)
    try store.append(7)
    _ = try store.commit(
      [.putState(.source("lake"), key: "file", value: [1])], basedOn: try store.snapshot(), message: "")
  }

  /// One transaction of every sort of change: adds 5 rows in a new partition, moves the source on, makes a table.
  private func transact(_ store: SnapshotStore) throws(PulsehouseError) {
    let base = try store.snapshot()
    guard let state = base.table(eventTable) else { throw PulsehouseError(.user, "no table") }
    let segment = try store.fakeSegment(eventTable, state.identifier, rowCount: 5, partition: "day=1")
    let other = TableName("public", "other")
    _ = try store.commit(
      [
        .addSegments(eventTable, [segment]), .putState(.source("lake"), key: "file", value: [2]),
        .createTable(other, .random(), eventColumns),
      ], basedOn: base, message: "five")
  }

  private enum Outcome: Equatable {
    case before
    case after
  }

  /// Opens the warehouse and tells which state it shows.
  private func outcome(_ store: SnapshotStore) throws -> Outcome {
    let snapshot = try store.snapshot()
    let rows = try snapshot.checkedRowCount(in: store)
    let position = try snapshot.entries(of: .source("lake"))
    let hasOther = snapshot.table(TableName("public", "other")) != nil
    switch (rows, position, hasOther) {
    case (10, ["file": [1]], false): return .before
    case (15, ["file": [2]], true): return .after
    default: throw PulsehouseError(.internal, "a third state: \(rows ?? -1) rows at \(position), other: \(hasOther)")
    }
  }

  @Test(arguments: FaultyFileSystem.Fault.allCases) func everyOperationOfACommit(_ fault: FaultyFileSystem.Fault) throws
  {
    try withScratchDirectory(inMemory: true) { scratch in
      let template = Path.join(scratch, "template")
      try prepare(template)
      var outcomes: Set<String> = []
      var target = 0
      while true {
        let directory = Path.join(scratch, "at-\(target)")
        try copyTree(template, to: directory)
        let faulty = FaultyFileSystem(fault, at: target)
        var isAcknowledged = false
        do {
          let store = try SnapshotStore.open(directory, .readWrite, fileSystem: faulty)
          do throws(PulsehouseError) {
            try transact(store)
            isAcknowledged = true
          } catch {
            #expect(error.kind == .io)
          }
          if fault == .fail, !isAcknowledged {
            // The process lives on: it sees the state before, and the next try succeeds.
            #expect(try outcome(store) == .before)
            try transact(store)
            #expect(try outcome(store) == .after)
            isAcknowledged = true
          }
        }
        let hasStruck = faulty.hasStruck
        try faulty.settle()
        let reopened = try SnapshotStore.open(directory, .readWrite)
        let shown = try outcome(reopened)
        if isAcknowledged { #expect(shown == .after, "lost at \(target): \(faulty.operations.last ?? "")") }
        outcomes.insert("\(shown)")
        if shown == .before { try transact(reopened) }
        #expect(try outcome(reopened) == .after)
        _ = try reopened.collect(keeping: 1)
        #expect(try outcome(reopened) == .after)
        #expect(try segmentFiles(directory).count == 3)
        removeTree(directory)
        guard hasStruck else { break }
        target += 1
      }
      // Making and writing the segment, syncing its directories, and the record's five steps.
      #expect(target > 12)
      #expect(outcomes.contains("after"))
      if fault != .fail { #expect(outcomes.contains("before")) }
    }
  }

  @Test(arguments: FaultyFileSystem.Fault.allCases) func everyOperationOfTheFirstCommit(_ fault: FaultyFileSystem.Fault)
    throws
  {
    try withScratchDirectory(inMemory: true) { scratch in
      var target = 0
      while true {
        let directory = Path.join(scratch, "at-\(target)")
        let faulty = FaultyFileSystem(fault, at: target)
        _ = try? SnapshotStore.open(directory, .create, fileSystem: faulty)
        try faulty.settle()
        let store = try SnapshotStore.open(directory, .create)
        #expect(try store.snapshot().id == SnapshotID(1))
        try store.createTable()
        #expect(try store.append(3).checkedRowCount(in: store) == 3)
        guard faulty.hasStruck else { break }
        target += 1
      }
      #expect(target > 5)
    }
  }

  @Test(arguments: FaultyFileSystem.Fault.allCases) func everyOperationOfACollection(_ fault: FaultyFileSystem.Fault)
    throws
  {
    try withScratchDirectory(inMemory: true) { scratch in
      let template = Path.join(scratch, "template")
      try prepare(template)
      do {
        // Rows 3 and 7 become history, and a writer that died left a segment.
        let store = try SnapshotStore.open(template)
        let base = try store.snapshot()
        let state = try #require(base.table(eventTable))
        let whole = try store.fakeSegment(eventTable, state.identifier, rowCount: 10)
        _ = try store.commit(
          [.replaceSegments(eventTable, removing: try state.segments(), adding: [whole], .layout)], basedOn: base,
          message: "compact")
        _ = try store.fakeSegment(eventTable, state.identifier, rowCount: 99)
      }
      #expect(try segmentFiles(template).count == 4)
      var target = 0
      while true {
        let directory = Path.join(scratch, "at-\(target)")
        try copyTree(template, to: directory)
        let faulty = FaultyFileSystem(fault, at: target)
        do {
          let store = try SnapshotStore.open(directory, .readWrite, fileSystem: faulty)
          _ = try? store.collect(keeping: 1)
        }
        try faulty.settle()
        do {
          let store = try SnapshotStore.open(directory, .readWrite)
          #expect(try outcome(store) == .before)
          _ = try store.collect(keeping: 1)
          #expect(try outcome(store) == .before)
        }
        #expect(try segmentFiles(directory).count == 1)
        // The records alone give the same.
        try LocalFileSystem().removeFile(Path.join(directory, "catalog.sqlite"))
        #expect(try outcome(try SnapshotStore.open(directory, .readWrite)) == .before)
        removeTree(directory)
        guard faulty.hasStruck else { break }
        target += 1
      }
      #expect(target > 5)
    }
  }

  /// A child process that commits until it kills itself, at a random instant, leaves every commit it had acknowledged.
  @Test func killedWritersLoseNothing() async throws {
    let directory = try makeScratchDirectory(inMemory: true)
    defer { removeTree(directory) }
    try SnapshotStore.open(directory).createTable()
    for round in 0..<6 {
      let delay = UInt32.random(in: 2000..<60_000)
      await #expect(processExitsWith: .signal(SIGKILL), "round \(round)") {
        [directory = directory as String, delay = delay as UInt32] in
        try commitUntilKilled(directory, afterMicroseconds: delay)
      }
      let store = try SnapshotStore.open(directory, .readWrite)
      let snapshot = try store.snapshot()
      let segments = try #require(snapshot.table(eventTable)).segmentCount
      let acknowledged = try acknowledgedCount(directory)
      #expect(segments >= acknowledged, "round \(round): \(acknowledged) acknowledged, \(segments) there")
      // Of a round, at most the commit in progress may be there without having been acknowledged.
      #expect(segments <= acknowledged + round + 1)
      #expect(try snapshot.checkedRowCount(in: store) == segments * 2)
    }
    let store = try SnapshotStore.open(directory, .readWrite)
    #expect(try acknowledgedCount(directory) >= 6)
    _ = try store.collect(keeping: 1)
    #expect(try segmentFiles(directory).count == store.snapshot().table(eventTable)?.segmentCount)
    #expect(try LocalFileSystem().list(Path.join(directory, "sessions")).count == 1)
  }

  /// Two processes that write and one that reads, at the same time.
  @Test func processesWriteInTurn() async throws {
    let directory = try makeScratchDirectory(inMemory: true)
    defer { removeTree(directory) }
    try SnapshotStore.open(directory).createTable()
    async let first: ExitTest.Result? = #expect(processExitsWith: .success) { [directory = directory as String] in
      try commitTimes(directory, 25)
    }
    async let second: ExitTest.Result? = #expect(processExitsWith: .success) { [directory = directory as String] in
      try commitTimes(directory, 25)
    }
    let store = try SnapshotStore.open(directory, .readWrite)
    var last = SnapshotID(0)
    var seen = 0
    // Starting a process takes as long as the machine is busy.
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      let snapshot = try store.snapshot()
      #expect(snapshot.id >= last)
      if snapshot.id > last { seen += 1 }
      last = snapshot.id
      let rows = try #require(try snapshot.checkedRowCount(in: store))
      #expect(rows == 2 * (Int(snapshot.id.number) - 2))
      if rows == 100 { break }
      usleep(2000)
    }
    _ = await (first, second)
    #expect(try store.snapshot().checkedRowCount(in: store) == 100)
    #expect(seen > 1)
  }
}

/// Returns every file below `tables/`.
private func segmentFiles(_ directory: String) throws -> [String] {
  var files: [String] = []
  var pending = [Path.join(directory, "tables")]
  let local = LocalFileSystem()
  while let next = pending.popLast() {
    for name in try local.list(next) {
      let path = Path.join(next, name)
      if try local.status(path)?.isDirectory == true { pending.append(path) } else { files.append(path) }
    }
  }
  return files
}

/// Commits segments of two rows, writing a byte to `acknowledged` after each, until killed by itself.
private func commitUntilKilled(_ directory: String, afterMicroseconds delay: UInt32) throws {
  let store = try SnapshotStore.open(directory, .readWrite)
  let acknowledged = open(Path.join(directory, "acknowledged"), O_WRONLY | O_CREAT | O_APPEND, 0o666)
  try store.append(2)
  write(acknowledged, "x", 1)
  var thread = pthread_t()
  let argument = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  argument.initialize(to: delay)
  pthread_create(
    &thread, nil,
    { raw in
      if let raw { usleep(raw.load(as: UInt32.self)) }
      kill(getpid(), SIGKILL)
      return nil
    }, argument)
  while true {
    try store.append(2)
    write(acknowledged, "x", 1)
  }
}

private func acknowledgedCount(_ directory: String) throws -> Int {
  Int(try LocalFileSystem().status(Path.join(directory, "acknowledged"))?.byteCount ?? 0)
}

private func commitTimes(_ directory: String, _ count: Int) throws {
  let store = try SnapshotStore.open(directory, .readWrite)
  for _ in 0..<count { try store.append(2) }
}
