import Bytes

/// Writes the messages of one partition to a lake, each exactly once, whenever the process or the machine stops.
///
/// A commit takes all messages since the one before:
/// 1. Their files are written under other names outside the lake's folders, and synced; so is the folder of those names.
///    Where they are many, of all partitions, the whole file system is synced instead.
/// 2. The journal is replaced by one with the next offset and the list of these files. **From here on the commit
///    stands.**
/// 3. The files get their names in the lake, one by one, and the folders are synced before the next journal is written.
///
/// Whoever opens the partition next finishes 3 for the files the journal lists, and removes every other file of 1. So
/// a message is in the lake, or the position is before it; and a file that is seen in the lake is whole and never
/// changes. One process at a time: a lock that goes with its process. One thread at a time.
final class SinkPartition {
  let partition: Int32
  /// Records and bytes since the last commit, and the records among them whose event time cannot be read.
  private(set) var pendingRecordCount: Int64 = 0
  private(set) var pendingByteCount = 0
  /// When the first message since the last commit came, by `MachineClock`.
  private(set) var startedAt: Double?
  /// The offset to go on from, as the messages so far have it.
  private(set) var position: Int64
  /// False until something was ever committed.
  private(set) var hasJournal: Bool
  /// Files and bytes that this object put into the lake.
  private(set) var fileCount = 0
  private(set) var byteCount: Int64 = 0

  /// What the last message added is known by.
  private(set) var mark: KafkaWitness.Mark?
  /// What the last message committed is known by; nil where that is not known.
  var committedMark: KafkaWitness.Mark? { journal.mark }

  private let folder: SinkFolder
  private let fileSystem: any FileSystem
  private let lock: FileLock
  private let encoder: ZstdEncoder?
  private var journal: SinkJournal
  private var open: [Int64: OpenFile] = [:]
  private var last: OpenFile?
  private let sync: SinkSync
  /// The turn of `sync` in which files got their names last.
  private var lastTurn = -1

  /// A file on its way: its text so far, less what was written.
  private final class OpenFile {
    /// -1 for events of unknown time.
    let hour: Int64
    let firstOffset: Int64
    var lastOffset: Int64
    var recordCount: Int64 = 0
    var text: [UInt8] = []
    var file: (any WritableFile)?
    var workName = ""

    init(hour: Int64, offset: Int64) {
      self.hour = hour
      firstOffset = offset
      lastOffset = offset
    }
  }

  /// Text of one file that is collected before it is written.
  private static let textLimit = 1 << 20
  private static let unknownHour: Int64 = -1
  /// Files that are open at a time while they are written.
  private static let groupCount = 256

  /// Takes the partition's lock and finishes or undoes what an earlier process left.
  ///
  /// Partitions that are to commit together share `sync`.
  /// - Throws: `.conflict` when another process writes this partition; `.user` when the lake has files of it but no
  ///   journal; `.corrupt`; `.io`.
  init(
    _ folder: SinkFolder, partition: Int32, sync: SinkSync? = nil, lockMilliseconds: Int = 10_000,
    in fileSystem: any FileSystem
  ) throws(PulsehouseError) {
    self.folder = folder
    if let sync { self.sync = sync } else { self.sync = try SinkSync(folder, in: fileSystem) }
    self.partition = partition
    self.fileSystem = fileSystem
    try fileSystem.makeDirectory(folder.absolute(folder.openFolder(partition)))
    for made in [folder.workFolder, Path.parent(folder.workFolder), "", ".."] {
      try fileSystem.syncDirectory(made.isEmpty ? folder.lake : folder.absolute(made))
    }
    let lockPath = folder.absolute(folder.lock(partition))
    guard let lock = try fileSystem.lock(lockPath, .exclusive, timeoutMilliseconds: lockMilliseconds) else {
      throw PulsehouseError(
        .conflict, "another process writes partition \(partition) of \(folder.topic) to this lake", file: lockPath)
    }
    self.lock = lock
    encoder = folder.isCompressed ? try ZstdEncoder() : nil
    let journalPath = folder.absolute(folder.journal(partition))
    if try fileSystem.status(journalPath) != nil {
      journal = try SinkJournal(
        decoding: try fileSystem.readFile(journalPath, limit: 1 << 28), path: journalPath)
      hasJournal = true
      guard journal.topic == folder.topic, journal.partition == partition else {
        throw PulsehouseError(.corrupt, "the sink's journal is that of another partition", file: journalPath)
      }
    } else {
      journal = SinkJournal(topic: folder.topic, partition: partition, nextOffset: 0)
      hasJournal = false
    }
    position = journal.nextOffset
    mark = journal.mark
    if hasJournal {
      try publish(journal.files, isRecovery: true)
      try self.sync.synchronize()
    } else {
      try refuseStrangers()
    }
    let openFolder = folder.absolute(folder.openFolder(partition))
    for name in try fileSystem.list(openFolder) { try fileSystem.removeFile(Path.join(openFolder, name)) }
  }

  /// A lake that lost its journal would be filled twice.
  private func refuseStrangers() throws(PulsehouseError) {
    let prefix = "\(folder.topic)+\(partition)+"
    let found = try LakeListing.files(folder.lake, pattern: "**/\(prefix)*", in: fileSystem)
    guard let first = found.first else { return }
    throw PulsehouseError(
      .user,
      "the lake has files of partition \(partition) of \(folder.topic), but not the journal that belongs to them",
      sqlState: "55000", hint: "Bring \(folder.journal(partition)) back, or write to an empty folder.",
      file: folder.absolute(first.path))
  }

  /// Goes on from `offset`: where a partition begins that was never written, or past messages that are gone.
  func start(at offset: Int64) {
    precondition(pendingRecordCount == 0 && offset >= position, "a partition starts before its messages")
    position = offset
  }

  /// Adds a message. Those before the position were added before and are passed over. Returns whether it had to be
  /// escaped.
  @discardableResult
  func append(_ value: UnsafeRawBufferPointer?, offset: Int64, hour: Int64?) throws(PulsehouseError) -> Bool {
    guard offset >= position else { return false }
    if startedAt == nil { startedAt = MachineClock.seconds }
    let key = hour ?? Self.unknownHour
    let file: OpenFile
    if let last, last.hour == key {
      file = last
    } else if let known = open[key] {
      file = known
    } else {
      file = OpenFile(hour: key, offset: offset)
      open[key] = file
      // Made now, though it is written later: a stop would have to make thousands of them at a time.
      try create(file).close()
    }
    last = file
    let before = file.text.count
    var isEscaped = false
    if let value, !folder.isBinary, !EscapedRecord.isNeeded(value) {
      file.text.append(contentsOf: value)
    } else {
      isEscaped = true
      EscapedRecord.append(value, to: &file.text)
    }
    file.text.append(0x0A)
    file.lastOffset = offset
    file.recordCount += 1
    pendingByteCount += file.text.count - before
    pendingRecordCount += 1
    position = offset + 1
    if file.text.count >= Self.textLimit { try write(file) }
    return isEscaped
  }

  /// Says what the message added last is known by.
  func remember(_ mark: KafkaWitness.Mark) { self.mark = mark }

  /// Says that everything before `offset` has been seen: offsets that hold no message, such as ends of transactions.
  func advance(to offset: Int64) { position = max(position, offset) }

  /// Files that are being written.
  var openFileCount: Int { open.count }

  private func create(_ file: OpenFile) throws(PulsehouseError) -> any WritableFile {
    file.workName = "\(file.firstOffset).part"
    return try fileSystem.createFile(
      folder.absolute(Path.join(folder.openFolder(partition), file.workName)), .truncating)
  }

  /// Writes the text collected for a file, as one frame where the lake is compressed.
  private func write(_ file: OpenFile) throws(PulsehouseError) {
    if file.file == nil { file.file = try create(file) }
    guard let output = file.file, !file.text.isEmpty else { return }
    let text = file.text
    file.text.removeAll(keepingCapacity: true)
    var written = 0
    if let encoder {
      func put(_ bytes: UnsafeRawBufferPointer) throws(PulsehouseError) {
        written += bytes.count
        try output.write(bytes)
      }
      try text.withRawBytes { (raw) throws(PulsehouseError) in try encoder.compress(raw, write: put) }
      try encoder.finish(write: put)
    } else {
      written = text.count
      try output.write(text)
    }
    byteCount += Int64(written)
  }

  /// Makes all messages since the last commit part of the lake. Returns false when there was nothing to do. The names of
  /// its files are safe by the next commit, or once `sync` has synchronized: until then the journal brings them back.
  @discardableResult
  func commit() throws(PulsehouseError) -> Bool {
    let hasNews = self.hasNews
    try Self.commit([self], sync)
    return hasNews
  }

  /// The same for several partitions: the commit of each stands or not by itself.
  static func commit(_ partitions: [SinkPartition], _ sync: SinkSync) throws(PulsehouseError) {
    let partitions = partitions.filter(\.hasNews)
    if sync.isWorthwhile(fileCount: partitions.reduce(0) { $0 + $1.openFileCount }) {
      for partition in partitions {
        try partition.writeFiles { (files) throws(PulsehouseError) in for file in files { try file.close() } }
      }
      // The names of the last commit are safe then, too.
      try sync.synchronizeAll()
    } else {
      // The next journal does not name the files of this one any more.
      if partitions.contains(where: { $0.lastTurn == sync.turn }) { try sync.synchronize() }
      for partition in partitions { try partition.synchronizeFiles() }
    }
    for partition in partitions { try partition.finishCommit() }
  }

  /// True when there is something to commit.
  var hasNews: Bool { position > journal.nextOffset }

  /// Writes what is left of all files, and hands them over in groups, so that not too many are open.
  private func writeFiles(_ done: ([any WritableFile]) throws(PulsehouseError) -> Void) throws(PulsehouseError) {
    var files = open.values.sorted { $0.firstOffset < $1.firstOffset }[...]
    while !files.isEmpty {
      let group = files.prefix(Self.groupCount)
      files = files.dropFirst(Self.groupCount)
      for file in group { try write(file) }
      try done(group.compactMap(\.file))
    }
  }

  private func synchronizeFiles() throws(PulsehouseError) {
    guard !open.isEmpty else { return }
    // Many are written before the first is synced, since that makes the names of all of them safe in one go.
    try writeFiles { (files) throws(PulsehouseError) in
      try SinkSync.sideBySide(files) { (file) throws(PulsehouseError) in
        try file.synchronize()
        try file.close()
      }
    }
    try fileSystem.syncDirectory(folder.absolute(folder.openFolder(partition)))
  }

  /// Commits files that are safe.
  private func finishCommit() throws(PulsehouseError) {
    var next = journal
    next.nextOffset = position
    next.recordCount += pendingRecordCount
    next.mark = mark
    next.files = []
    for file in open.values.sorted(by: { $0.firstOffset < $1.firstOffset }) { describe(file, in: &next) }
    let target = try DurableFile(folder.absolute(folder.journal(partition)), in: fileSystem)
    try target.write(next.encode())
    try target.publish()
    journal = next
    hasJournal = true
    try publish(next.files, isRecovery: false)
    fileCount += next.files.count
    forget()
  }

  private func describe(_ file: OpenFile, in journal: inout SinkJournal) {
    let hour = file.hour == Self.unknownHour ? nil : file.hour
    journal.files.append(
      SinkJournal.File(
        workName: file.workName,
        path: folder.file(hour: hour, partition: partition, startOffset: file.firstOffset),
        firstOffset: file.firstOffset, lastOffset: file.lastOffset, recordCount: file.recordCount))
  }

  private func forget() {
    open = [:]
    last = nil
    pendingRecordCount = 0
    pendingByteCount = 0
    startedAt = nil
  }

  /// Gives files their names in the lake. In recovery some may have them already.
  private func publish(_ files: [SinkJournal.File], isRecovery: Bool) throws(PulsehouseError) {
    for file in files {
      let source = folder.absolute(Path.join(folder.openFolder(partition), file.workName))
      // A file that was synced and is gone has its name; whoever keeps the lake may even have moved it on.
      if isRecovery, try fileSystem.status(source) == nil { continue }
      let target = folder.absolute(file.path)
      try fileSystem.makeDirectory(Path.parent(target))
      guard try fileSystem.status(target) == nil else {
        throw PulsehouseError(
          .conflict, "a file that the sink has to write is there already; who else writes to this lake?", file: target)
      }
      try fileSystem.rename(source, to: target)
      lastTurn = sync.add(Path.parent(file.path))
    }
  }
}
