import Bytes
import CKernels
import Glibc

/// Compressed files. A worker reads one from its start to its end, so that files are decompressed side by side.
///
/// Nothing is taken that has not been checked: a frame's checksum stands at its end, so lines become rows once their
/// frame is whole. A frame too long for that is parsed as it comes, its row groups apart, and they are thrown away when
/// it turns out to be damaged or cut off.
extension LakeWorker {
  func readCompressed(_ index: Int, into result: inout LakeResult) throws(PulsehouseError) {
    let task = stream.tasks[index]
    guard let input = try CompressedInput(Path.join(stream.folder, task.file.path), byteCount: task.file.byteCount)
    else {
      result.warnings.append(.shrank(task.file.path))
      return
    }
    let old = task.state?.position ?? 0
    var reading = Reading(
      file: LakeResult.FileResult(
        task: index, position: old, lineCount: task.state?.lineCount ?? 0,
        hash: task.state?.hash ?? PrefixHash().finish(),
        endsInRecord: false, isLast: true, byteCount: 0), hash: PrefixHash(task.state))
    var checkpoint = Checkpoint(reading.file, reading.hash, result)
    do {
      guard try passOver(old, of: input, &reading.hash),
        task.state.map({ reading.hash.matches($0) }) ?? true
      else {
        result.warnings.append(.rewritten(task.file.path, old))
        return
      }
      checkpoint = Checkpoint(reading.file, reading.hash, result)
      try readFrames(input, &reading, &checkpoint, into: &result)
    } catch {
      guard error.kind == .corrupt else { throw error }
      if reading.isAhead {
        restore(checkpoint, &reading, &result)
      } else {
        try takeLines(&reading, upTo: reading.checkedCount, into: &result)
      }
      // Not taken as read to its end, so that the next ingest looks and reports again.
      reading.file.isLast = false
      result.warnings.append(.damaged(task.file.path, error.message))
    }
    reading.file.byteCount = reading.file.position - old
    result.files.append(reading.file)
  }

  /// A compressed file on its way through the block.
  private struct Reading {
    var file: LakeResult.FileResult
    var hash: PrefixHash
    /// Bytes in the block, from its start: text not yet parsed.
    var count = 0
    /// Those of them whose frames are whole.
    var checkedCount = 0
    /// True while rows of a frame are taken that is not yet whole.
    var isAhead = false
  }

  /// Where the reading stood when all that was taken had been checked.
  private struct Checkpoint {
    var file: LakeResult.FileResult
    var hash: PrefixHash
    var rowGroupCount: Int

    init(_ file: LakeResult.FileResult, _ hash: PrefixHash, _ result: LakeResult) {
      self.file = file
      self.hash = hash
      rowGroupCount = result.rowGroups.count
    }
  }

  /// Reads over the `byteCount` bytes of text that were taken before; false when there are fewer.
  private func passOver(
    _ byteCount: Int64, of input: CompressedInput, _ hash: inout PrefixHash
  ) throws(PulsehouseError) -> Bool {
    var left = byteCount
    if left > 0 { block.reserve(1 << 20) }
    while left > 0 {
      let (count, stop) = try input.read(to: block.base, capacity: Int(min(left, Int64(block.capacity))))
      hash.update(UnsafeRawBufferPointer(start: block.base, count: count))
      left -= Int64(count)
      if left > 0 && (stop == .end || stop == .unfinished) { return false }
    }
    return true
  }

  private func readFrames(
    _ input: CompressedInput, _ reading: inout Reading, _ checkpoint: inout Checkpoint, into result: inout LakeResult
  ) throws(PulsehouseError) {
    let file = stream.tasks[reading.file.task].file
    block.reserve(Int(min(max(file.textByteCount, 1 << 16), Int64(stream.unitByteCount))))
    while true {
      if reading.count == block.capacity { try makeRoom(input, &reading, &checkpoint, into: &result) }
      let (count, stop) = try input.read(to: block.base + reading.count, capacity: block.capacity - reading.count)
      reading.count += count
      switch stop {
      case .full: break
      case .frameEnd:
        reading.checkedCount = reading.count
        if reading.isAhead {
          try takeLines(&reading, upTo: reading.checkedCount, into: &result)
          try flush(into: &result)
          reading.isAhead = false
          checkpoint = Checkpoint(reading.file, reading.hash, result)
        }
      case .end:
        try parse(from: 0, to: endMarked(reading.count), isLast: true, &reading.file, &reading.hash, into: &result)
        if reading.file.endsInRecord { result.warnings.append(.incomplete(file.path, reading.file.position)) }
        return
      case .unfinished:
        if reading.isAhead {
          restore(checkpoint, &reading, &result)
        } else {
          try takeLines(&reading, upTo: reading.checkedCount, into: &result)
        }
        if lastLine == .isFinal {
          throw PulsehouseError(
            .corrupt,
            "the file ends within the zstd frame that starts at byte \(input.frameStart) of the compressed file")
        }
        reading.file.endsInRecord = true
        result.warnings.append(.unfinished(file.path, frameStart: input.frameStart))
        return
      }
    }
  }

  /// Parses what it can of a full block and moves the rest to the front, of a longer block if nothing can be parsed.
  private func makeRoom(
    _ input: CompressedInput, _ reading: inout Reading, _ checkpoint: inout Checkpoint, into result: inout LakeResult
  ) throws(PulsehouseError) {
    if reading.checkedCount > 0, try takeLines(&reading, upTo: reading.checkedCount, into: &result) {
      checkpoint = Checkpoint(reading.file, reading.hash, result)
      return
    }
    if block.capacity < stream.unitByteCount {
      block.shift(from: 0, count: reading.count, capacity: min(block.capacity * 4, stream.unitByteCount))
      return
    }
    if !reading.isAhead {
      // Rows of before are finished first, so that those of this frame can be told apart.
      try flush(into: &result)
      checkpoint = Checkpoint(reading.file, reading.hash, result)
      reading.isAhead = true
    }
    if try takeLines(&reading, upTo: reading.count, into: &result) { return }
    guard block.capacity >= stream.recordByteLimit else {
      block.shift(from: 0, count: reading.count, capacity: min(block.capacity * 2, stream.recordByteLimit))
      return
    }
    try skipRecord(input, &reading)
  }

  /// Parses the whole lines among the first `limit` bytes of the block; false when there is none.
  @discardableResult
  private func takeLines(
    _ reading: inout Reading, upTo limit: Int, into result: inout LakeResult
  ) throws(PulsehouseError) -> Bool {
    let end = ph_after_last(block.base, limit, 0x0A)
    guard end > 0 else { return false }
    // The byte after the lines must be zero while they are parsed; it is the first of the next line.
    let next = (block.base + end).load(as: UInt8.self)
    try parse(from: 0, to: endMarked(end), isLast: false, &reading.file, &reading.hash, into: &result)
    (block.base + end).storeBytes(of: next, as: UInt8.self)
    block.shift(from: end, count: reading.count - end, capacity: block.capacity)
    reading.count -= end
    reading.checkedCount = max(reading.checkedCount - end, 0)
    return true
  }

  private func endMarked(_ end: Int) -> Int {
    block.base.storeBytes(of: 0, toByteOffset: end, as: UInt8.self)
    return end
  }

  /// Steps over a record too long to be read, of which the block is full; its start is kept in quarantine.
  private func skipRecord(_ input: CompressedInput, _ reading: inout Reading) throws(PulsehouseError) {
    let kept = min(RejectedRecord.rawByteLimit, stream.recordByteLimit / 2)
    var record = RejectedRecord(
      offset: reading.file.position, line: reading.file.lineCount + 1, reason: "",
      raw: [UInt8](UnsafeRawBufferPointer(start: block.base, count: kept)))
    var length: Int64 = 0
    var isOver = false
    while !isOver {
      let newline = memchr(block.base, 0x0A, reading.count).map {
        UnsafeRawPointer($0) - UnsafeRawPointer(block.base) + 1
      }
      let taken = newline ?? reading.count
      reading.hash.update(UnsafeRawBufferPointer(start: block.base, count: taken))
      length += Int64(taken)
      block.shift(from: taken, count: reading.count - taken, capacity: block.capacity)
      reading.count -= taken
      reading.checkedCount = max(reading.checkedCount - taken, 0)
      if newline != nil {
        reading.file.lineCount += 1
        break
      }
      let (count, stop) = try input.read(to: block.base, capacity: block.capacity)
      reading.count = count
      switch stop {
      case .full, .frameEnd: break
      case .end: isOver = count == 0
      case .unfinished:
        throw PulsehouseError(
          .corrupt,
          "the file ends within a record of more than \(stream.recordByteLimit) bytes, in the zstd frame that "
            + "starts at byte \(input.frameStart) of the compressed file")
      }
    }
    record.reason =
      "a record of \(length) bytes; more than \(stream.recordByteLimit) are not read, and only the first "
      + "\(record.raw.count) are kept"
    reading.file.rejected.append(record)
    reading.file.recordCount += 1
    reading.file.position += length
    reading.file.hash = reading.hash.finish()
  }

  /// Forgets what was taken since the checkpoint.
  private func restore(_ checkpoint: Checkpoint, _ reading: inout Reading, _ result: inout LakeResult) {
    result.rowGroups.removeLast(result.rowGroups.count - checkpoint.rowGroupCount)
    if builder.rowCount > 0 { _ = builder.finish() }
    builder.rejected.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
    reading.file = checkpoint.file
    reading.hash = checkpoint.hash
    reading.isAhead = false
  }
}
