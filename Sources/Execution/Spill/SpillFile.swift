import Bytes
import Kernels
import Synchronization
import Vectors

/// Where the operators of one query put the rows that memory does not hold: a nameless file for all of them.
///
/// Made at the first spill. The file goes with the query, whether that ends well, in an error, or by a kill.
package final class SpillFile: Sendable {
  fileprivate let file: TemporaryFile

  /// - Throws: `.io`.
  package init(directory: String) throws { file = try TemporaryFile(directory: directory) }

  /// Takes a file that is there.
  package init(_ file: TemporaryFile) { self.file = file }

  /// Bytes written so far.
  package var byteCount: Int { file.byteCount }
}

/// A sequence of rows in a spill file.
///
/// `append` takes batches of any size from one thread at a time; small ones are gathered to blocks of
/// `SpillRun.blockRows`. After `seal` any number of threads may read.
package final class SpillRun: @unchecked Sendable {
  // @unchecked: written by one thread at a time before `seal`, read-only afterwards.
  package let types: [LogicalType]
  private let file: SpillFile
  package private(set) var rowCount = 0
  package private(set) var blocks: [Block] = []
  private var pending: [Batch] = []
  package private(set) var pendingRows = 0

  package struct Block {
    package let rowCount: Int
    fileprivate let offset: Int
    fileprivate let byteCount: Int
    fileprivate let checksum: UInt64
  }

  /// Rows that a block has at least, but for a run's last one.
  package static let blockRows = 4 * Batch.vectorSize

  package init(_ file: SpillFile, types: [LogicalType]) {
    self.file = file
    self.types = types
  }

  /// Bytes on disk.
  package var byteCount: Int { blocks.reduce(0) { $0 + $1.byteCount } }

  /// Adds the rows of `batch`. - Throws: `.io`, 53100 when the disk is full.
  package func append(_ batch: Batch) throws {
    guard batch.rowCount > 0 else { return }
    rowCount += batch.rowCount
    pending.append(batch)
    pendingRows += batch.rowCount
    if pendingRows >= SpillRun.blockRows { try write() }
  }

  /// Writes what is pending; no row is added afterwards.
  package func seal() throws { try write() }

  /// Writes what is pending, so that it takes no memory.
  package func write() throws {
    guard pendingRows > 0 else { return }
    let batch = Concat.batches(pending, types: types)
    pending.removeAll(keepingCapacity: true)
    pendingRows = 0
    let bytes = BatchCoding.encode(batch)
    let offset = try file.file.append(bytes.bytes)
    blocks.append(
      Block(
        rowCount: batch.rowCount, offset: offset, byteCount: bytes.byteCount,
        checksum: XXH64.hash(bytes.bytes, seed: UInt64(offset))))
  }

  /// Reads a block. - Throws: `.corrupt` when it is not what was written, `.io`.
  package func read(_ index: Int) throws -> Batch {
    let block = blocks[index]
    let buffer = AlignedBuffer(byteCount: block.byteCount)
    try file.file.read(UnsafeMutableRawBufferPointer(start: buffer.base, count: block.byteCount), at: block.offset)
    guard XXH64.hash(buffer.bytes, seed: UInt64(block.offset)) == block.checksum else {
      throw PulsehouseError(
        .corrupt, "spilled rows are damaged: a temporary file does not hold what was written to it",
        detail: "block of \(block.byteCount) bytes at \(block.offset)")
    }
    return try BatchCoding.decode(buffer, types, rowCount: block.rowCount)
  }

  /// Gives the disk space back; the run holds no row afterwards.
  package func discard() {
    for block in blocks { file.file.discard(at: block.offset, count: block.byteCount) }
    blocks = []
    pending = []
    (rowCount, pendingRows) = (0, 0)
  }

  /// Returns a reader of all rows in order.
  package func reader() -> SpillReader { SpillReader(self) }
}

/// Reads a sealed run in order, a block at a time.
package final class SpillReader {
  private let run: SpillRun
  private var position = 0

  package init(_ run: SpillRun) { self.run = run }

  /// Returns the next rows, any number of them; nil at the end.
  package func next() throws -> Batch? {
    guard position < run.blocks.count else { return nil }
    defer { position += 1 }
    return try run.read(position)
  }
}
