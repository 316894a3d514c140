import Bytes
import Engine
import Glibc
import Segments
import Vectors

/// What one unit of a lake became.
struct LakeResult: Sendable {
  /// What one file gave in this unit, and where it stands now.
  struct FileResult: Sendable {
    var task: Int
    var position: Int64
    var lineCount: Int64
    var hash: UInt64
    var endsInRecord: Bool
    /// True when the file has been read to the end it had when it was listed.
    var isLast: Bool
    var byteCount: Int64
    var recordCount: Int64 = 0
    var rowCount: Int64 = 0
    var rejected: [RejectedRecord] = []
  }

  var rowGroups: [EncodedRowGroup] = []
  var files: [FileResult] = []
  var warnings: [IngestWarning] = []
}

/// Turns a lake's units into encoded row groups: one per thread, with its own builder and block.
final class LakeWorker {
  let stream: LakeStream
  let builder: JSONBatchBuilder
  private let avro: AvroRecords?
  let block = LakeBlock()
  private let schema: Schema
  private let options: SegmentOptions
  let lastLine: JSONBatchBuilder.LastLine
  /// Which file the rows in the builder came from: the first row and the task of each run.
  var runs: [(row: Int, task: Int)] = []
  /// A row group's codes where all its rows came from one file.
  private lazy var firstCodes = AlignedBuffer(byteCount: options.rowGroupRowCount * 4, zeroed: true)

  /// `avro` is the schema of messages that are not JSON. `schema` is the bronze table's: the source's columns, then file,
  /// line and offset.
  init(
    _ stream: LakeStream, fields: [JSONField], avro: AvroSchema?, schema: Schema, options: SegmentOptions,
    isComplete: Bool
  ) throws(PulsehouseError) {
    self.stream = stream
    self.schema = schema
    self.options = options
    lastLine = isComplete ? .isFinal : .mayGrow
    let builder = try JSONBatchBuilder(fields: fields, capacity: options.rowGroupRowCount)
    self.builder = builder
    self.avro = try avro.map { (schema) throws(PulsehouseError) in try AvroRecords(schema, into: builder) }
  }

  /// Returns the next unit's place and what it became; nil when there is none.
  func next() throws(PulsehouseError) -> (sequence: Int, result: LakeResult)? {
    guard let unit = try stream.next(block) else { return nil }
    var result = LakeResult()
    switch unit.content {
    case .warning(let warning): result.warnings.append(warning)
    case .part(let part): try read(part, into: &result)
    case .files(let tasks): try read(tasks, into: &result)
    case .compressedFiles(let tasks): for task in tasks { try readCompressed(task, into: &result) }
    }
    try flush(into: &result)
    return (unit.sequence, result)
  }

  private func read(_ part: LakePart, into result: inout LakeResult) throws(PulsehouseError) {
    var file = LakeResult.FileResult(
      task: part.task, position: part.position, lineCount: part.lineCount, hash: 0, endsInRecord: false,
      isLast: part.isLast, byteCount: 0)
    if let oversized = part.oversized {
      let raw = [UInt8](UnsafeRawBufferPointer(start: block.base, count: part.end))
      file.rejected.append(
        RejectedRecord(
          offset: part.position, line: part.lineCount + 1,
          reason: "a record of \(oversized.byteCount) bytes; more than \(stream.recordByteLimit) are not read, "
            + "and only the first \(raw.count) are kept",
          raw: raw))
      file.recordCount = 1
      file.byteCount = oversized.byteCount
      file.position += oversized.byteCount
      file.lineCount += oversized.newlineCount
      file.hash = part.hash.finish()
    } else {
      var hash = part.hash
      try parse(from: 0, to: part.end, isLast: part.isLast, &file, &hash, endHash: part.endHash, into: &result)
    }
    result.files.append(file)
  }

  private func read(_ tasks: Range<Int>, into result: inout LakeResult) throws(PulsehouseError) {
    // Where no value points into the bytes, each file takes the place of the one before, which is still in the cache.
    let keepsBytes = builder.keepsBytes
    let sizes = tasks.map { Int(stream.tasks[$0].file.byteCount) + 1 }
    block.reserve(keepsBytes ? sizes.reduce(0, +) : sizes.max() ?? 0)
    var start = 0
    for index in tasks {
      let task = stream.tasks[index]
      let size = Int(task.file.byteCount)
      guard let input = try InputFile(Path.join(stream.folder, task.file.name)),
        try input.read(to: block.base + start, count: size, at: 0) == size
      else {
        result.warnings.append(.shrank(task.file.name))
        continue
      }
      // A zero byte ends each file's lines; more room follows, so that reading past the end stays inside.
      block.base.storeBytes(of: 0, toByteOffset: start + size, as: UInt8.self)
      let old = Int(task.state?.position ?? 0)
      var hash = PrefixHash(task.state)
      hash.update(UnsafeRawBufferPointer(start: block.base + start, count: old))
      if let state = task.state, !hash.matches(state) {
        result.warnings.append(.rewritten(task.file.name, state.position))
        continue
      }
      var file = LakeResult.FileResult(
        task: index, position: Int64(old), lineCount: task.state?.lineCount ?? 0, hash: 0, endsInRecord: false,
        isLast: true, byteCount: 0)
      try parse(from: start + old, to: start + size, isLast: true, &file, &hash, into: &result)
      result.files.append(file)
      if keepsBytes { start += size + 1 }
    }
  }

  /// Parses the lines at `start..<end` of the block and brings `file` up to date. `endHash` is the hash of the file up
  /// to `end` where that is known.
  func parse(
    from start: Int, to end: Int, isLast: Bool, _ file: inout LakeResult.FileResult, _ hash: inout PrefixHash,
    endHash: UInt64? = nil, into result: inout LakeResult
  ) throws(PulsehouseError) {
    runs.append((builder.rowCount, file.task))
    var at = start
    if file.position == 0, end - start >= 3, hasByteOrderMark(at) { at += 3 }
    while at < end {
      let before = builder.rowCount
      let offset = file.position + Int64(at - start)
      let last = isLast ? lastLine : .isFinal
      let progress =
        if let avro {
          avro.append(
            lines: block.buffer, from: at, to: end, offset: offset, line: file.lineCount + 1, lastLine: last)
        } else {
          builder.append(
            lines: block.buffer, from: at, to: end, offset: offset, line: file.lineCount + 1, lastLine: last)
        }
      at += progress.byteCount
      file.lineCount += progress.newlineCount
      file.recordCount += progress.recordCount
      file.rowCount += Int64(builder.rowCount - before)
      file.endsInRecord = progress.endsInRecord
      if builder.isFull {
        try flush(into: &result)
        runs.append((0, file.task))
      } else if at < end {
        break
      }
    }
    file.rejected += builder.rejected
    builder.rejected.removeAll(keepingCapacity: true)
    if let endHash {
      file.hash = endHash
    } else {
      hash.update(UnsafeRawBufferPointer(start: block.base + start, count: at - start))
      file.hash = hash.finish()
    }
    file.position += Int64(at - start)
    file.byteCount = Int64(at - start)
  }

  private func hasByteOrderMark(_ at: Int) -> Bool {
    let start = block.base + at
    return start.load(as: UInt8.self) == 0xEF && start.load(fromByteOffset: 1, as: UInt8.self) == 0xBB
      && start.load(fromByteOffset: 2, as: UInt8.self) == 0xBF
  }

  /// Encodes the rows in the builder as a row group.
  func flush(into result: inout LakeResult) throws(PulsehouseError) {
    defer { runs.removeAll(keepingCapacity: true) }
    guard builder.rowCount > 0 else { return }
    let rows = builder.finish()
    let columns = rows.fields + [fileColumn(rows.rowCount), rows.line, rows.offset]
    result.rowGroups.append(try SegmentWriter.encodeRowGroup(columns, schema: schema, options: options))
  }

  /// Names each row's file by codes into the names: the encoder takes them without looking at a name per row.
  private func fileColumn(_ rowCount: Int) -> Vector {
    let names = runs.filter { $0.row < rowCount }.map { Scalar.text(stream.tasks[$0.task].file.name) }
    if names.count == 1 { return Vector(codes: firstCodes, count: rowCount, dictionary: .of(.text, names)) }
    let codes = AlignedBuffer(byteCount: rowCount * 4)
    let values = codes.values(as: UInt32.self)
    for (index, run) in runs.enumerated() where run.row < rowCount {
      let end = index + 1 < runs.count ? min(runs[index + 1].row, rowCount) : rowCount
      (values + run.row).update(repeating: UInt32(index), count: end - run.row)
    }
    return Vector(codes: codes, count: rowCount, dictionary: .of(.text, names))
  }
}
