import Bytes
import CKernels
import Glibc
import Synchronization

/// A share of a lake's bytes that one worker turns into rows: some whole files, or a part of a large one.
struct LakeUnit {
  /// Its place in the order of all units, from 0.
  var sequence: Int
  var content: Content

  enum Content {
    /// Small files, to be read by the worker.
    case files(Range<Int>)
    /// Compressed files of any size, to be read by the worker.
    case compressedFiles(Range<Int>)
    /// Whole lines of one file, already read into the worker's block, or its end.
    case part(LakePart)
    /// Only news for people.
    case warning(IngestWarning)
  }
}

/// Lines of a large file in a block.
struct LakePart {
  var task: Int
  /// Where the lines lie in the block; a zero byte follows.
  var end: Int
  /// Where they lie in the file, and how many newlines come before.
  var position: Int64
  var lineCount: Int64
  /// The hash of all bytes before them and, unless the file ends here, of all up to their end.
  var hash: PrefixHash
  var endHash: UInt64?
  /// True when the file ends here.
  var isLast: Bool
  /// Set when the block holds only the start of a record too long to be read: its bytes and newlines.
  var oversized: (byteCount: Int64, newlineCount: Int64)?
}

/// Hands out a lake's units in order, to any number of workers. Small files go out by name; the parts of a large file
/// are read under the lock, one after the other, since each starts where the last newline of the one before ended.
final class LakeStream: @unchecked Sendable {
  // @unchecked: everything but the constants is touched under `lock` only.

  let folder: String
  let tasks: [LakePlan.Task]
  /// Bytes per unit, so chosen that a unit makes about one row group.
  let unitByteCount: Int
  /// A longer record is not read.
  let recordByteLimit: Int
  private static let unitFileLimit = 4096
  /// Bytes of a large file that are read at a time, to be hashed and counted while they are in the cache.
  private static let sliceByteCount = 1 << 18

  private let lock = Mutex(())
  private var nextTask = 0
  private var nextSequence = 0
  private var open: OpenFile?

  private struct OpenFile {
    var task: Int
    var file: InputFile
    var position: Int64
    var lineCount: Int64
    var hash: PrefixHash
  }

  init(folder: String, tasks: [LakePlan.Task], unitByteCount: Int, recordByteLimit: Int) {
    self.recordByteLimit = recordByteLimit
    self.folder = folder
    self.tasks = tasks
    self.unitByteCount = unitByteCount
  }

  /// Returns the next unit, nil after the last. A part of a large file is read into `block`.
  func next(_ block: LakeBlock) throws(PulsehouseError) -> LakeUnit? {
    // `Mutex` has no typed errors of its own.
    let outcome: Result<LakeUnit?, PulsehouseError> = lock.withLock { _ in
      do throws(PulsehouseError) { return .success(try advance(block)) } catch { return .failure(error) }
    }
    return try outcome.get()
  }

  private func advance(_ block: LakeBlock) throws(PulsehouseError) -> LakeUnit? {
    while true {
      if open != nil { return unit(try nextPart(block)) }
      guard nextTask < tasks.count else { return nil }
      if tasks[nextTask].file.isCompressed { return unit(.compressedFiles(takeCompressedFiles())) }
      if tasks[nextTask].file.byteCount <= Int64(unitByteCount) {
        let first = nextTask
        var total: Int64 = 0
        while nextTask < tasks.count, nextTask - first < Self.unitFileLimit {
          let size = tasks[nextTask].file.byteCount
          guard !tasks[nextTask].file.isCompressed, total + size <= Int64(unitByteCount) else { break }
          total += size
          nextTask += 1
        }
        return unit(.files(first..<nextTask))
      }
      let task = nextTask
      nextTask += 1
      if let warning = try openLarge(task, block) { return unit(.warning(warning)) }
    }
  }

  /// Takes compressed files whose text makes about a row group, at least one.
  private func takeCompressedFiles() -> Range<Int> {
    let first = nextTask
    var total: Int64 = 0
    while nextTask < tasks.count, nextTask - first < Self.unitFileLimit, tasks[nextTask].file.isCompressed {
      total += tasks[nextTask].file.textByteCount
      if nextTask > first && total > Int64(unitByteCount) { break }
      nextTask += 1
    }
    return first..<nextTask
  }

  private func unit(_ content: LakeUnit.Content) -> LakeUnit {
    defer { nextSequence += 1 }
    return LakeUnit(sequence: nextSequence, content: content)
  }

  /// Opens a large file and checks the part already read.
  private func openLarge(_ index: Int, _ block: LakeBlock) throws(PulsehouseError) -> IngestWarning? {
    let task = tasks[index]
    guard let file = try InputFile(Path.join(folder, task.file.name)) else { return .shrank(task.file.name) }
    var hash = PrefixHash(task.state)
    let old = task.state?.position ?? 0
    var position: Int64 = 0
    block.reserve(min(unitByteCount, 4 << 20))
    while position < old {
      let wanted = Int(min(old - position, Int64(block.capacity)))
      let count = try file.read(to: block.base, count: wanted, at: position)
      guard count == wanted else { return .rewritten(task.file.name, old) }
      hash.update(UnsafeRawBufferPointer(start: block.base, count: count))
      position += Int64(count)
    }
    if let state = task.state, !hash.matches(state) { return .rewritten(task.file.name, old) }
    open = OpenFile(task: index, file: file, position: old, lineCount: task.state?.lineCount ?? 0, hash: hash)
    return nil
  }

  /// Reads the next part of the open file: whole lines, or all that is left.
  private func nextPart(_ block: LakeBlock) throws(PulsehouseError) -> LakeUnit.Content {
    guard let current = open else { throw PulsehouseError(.internal, "no file is open") }
    let file = tasks[current.task].file
    let left = file.byteCount - current.position
    var wanted = Int(min(left, Int64(unitByteCount)))
    var have = 0
    // The file after the last newline so far, which lies at `end` of the block.
    var next = current
    var end = 0
    while true {
      block.reserve(wanted, keeping: have)
      while have < wanted {
        let count = min(wanted - have, Self.sliceByteCount)
        guard try current.file.read(to: block.base + have, count: count, at: current.position + Int64(have)) == count
        else {
          open = nil
          return .warning(.shrank(file.name))
        }
        let lines = ph_after_last(block.base + have, count, 0x0A)
        if lines > 0, Int64(wanted) < left {
          let fresh = UnsafeRawBufferPointer(start: block.base + end, count: have + lines - end)
          next.hash.update(fresh)
          next.lineCount += Int64(ph_count_byte(block.base + end, fresh.count, 0x0A))
          end = have + lines
        }
        have += count
      }
      if Int64(have) == left {
        open = nil
        return .part(part(current, end: have, isLast: true, block))
      }
      if end > 0 {
        var part = part(current, end: end, isLast: false, block)
        part.endHash = next.hash.finish()
        next.position += Int64(end)
        open = next
        return .part(part)
      }
      if wanted >= recordByteLimit { return try skipRecord(current, block, have) }
      wanted = Int(min(left, Int64(min(wanted * 2, recordByteLimit))))
    }
  }

  private func part(_ current: OpenFile, end: Int, isLast: Bool, _ block: LakeBlock) -> LakePart {
    block.base.storeBytes(of: 0, toByteOffset: end, as: UInt64.self)
    return LakePart(
      task: current.task, end: end, position: current.position, lineCount: current.lineCount, hash: current.hash,
      isLast: isLast)
  }

  /// Steps over a record too long to be read; its start stays in the block.
  private func skipRecord(_ start: OpenFile, _ block: LakeBlock, _ have: Int) throws(PulsehouseError)
    -> LakeUnit.Content
  {
    var current = start
    let kept = min(RejectedRecord.rawByteLimit, recordByteLimit / 2)
    var have = have
    var length: Int64 = 0
    while true {
      let area = UnsafeMutableRawPointer(block.base) + (length == 0 ? 0 : kept)
      let newline = memchr(area, 0x0A, have).map { UnsafeRawPointer($0) - UnsafeRawPointer(area) + 1 }
      let taken = newline ?? have
      current.hash.update(UnsafeRawBufferPointer(start: area, count: taken))
      length += Int64(taken)
      current.position += Int64(taken)
      let left = tasks[current.task].file.byteCount - current.position
      if newline != nil || left == 0 {
        var part = part(start, end: kept, isLast: left == 0, block)
        part.oversized = (length, newline == nil ? 0 : 1)
        // The hash of all bytes up to the next record; there are no lines between.
        part.hash = current.hash
        if newline != nil { current.lineCount += 1 }
        open = left == 0 ? nil : current
        return .part(part)
      }
      have = Int(min(left, Int64(block.capacity - kept)))
      let count = try current.file.read(to: block.base + kept, count: have, at: current.position)
      guard count == have else {
        open = nil
        return .warning(.shrank(tasks[current.task].file.name))
      }
    }
  }
}

/// A worker's memory for bytes of files. Vectors of strings may still point into it when the next unit comes; then a
/// new piece of memory is taken.
final class LakeBlock {
  private(set) var buffer: AlignedBuffer
  /// Where the bytes start; kept here since it is asked for once a field.
  private(set) var base: UnsafeMutableRawPointer
  /// Bytes that may be filled.
  private(set) var capacity = 0

  init() {
    buffer = AlignedBuffer(byteCount: 0)
    base = buffer.base
  }

  /// Makes room for `count` bytes (and 64 more after them), keeping the first `kept` bytes.
  func reserve(_ count: Int, keeping kept: Int = 0) {
    if kept == 0 {
      if count <= capacity, isKnownUniquelyReferenced(&buffer) { return }
    } else if count <= capacity {
      return
    }
    let bigger = AlignedBuffer(byteCount: count + 64)
    if kept > 0 { bigger.base.copyMemory(from: buffer.base, byteCount: kept) }
    buffer = bigger
    base = bigger.base
    capacity = count
  }

  /// Takes a buffer that others fill, with 64 readable bytes after what they filled.
  func adopt(_ filled: AlignedBuffer) {
    buffer = filled
    base = filled.base
    capacity = 0
  }

  /// Moves `count` bytes at `start` to the front, of a block with room for at least `capacity`.
  func shift(from start: Int, count: Int, capacity: Int) {
    if capacity <= self.capacity, isKnownUniquelyReferenced(&buffer) {
      memmove(base, base + start, count)
      return
    }
    let next = AlignedBuffer(byteCount: capacity + 64)
    next.base.copyMemory(from: base + start, byteCount: count)
    buffer = next
    base = next.base
    self.capacity = capacity
  }
}
