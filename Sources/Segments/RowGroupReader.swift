import Bytes
import Encodings
import Vectors

/// Reads the columns of one row group. One thread at a time; keep it and `move(to:)` the next row group, so that its
/// scratch memory is reused.
///
/// Rows are numbered from 0 within the row group. Every read may throw `.corrupt` (the block's checksum is wrong; other
/// columns still answer) and nothing else, but for predicates whose constants are not of the column's type, which are
/// `.internal`.
package final class RowGroupReader {
  package private(set) var segment: SegmentReader
  package private(set) var rowGroup: Int
  package private(set) var rowCount: Int
  private var blocks: [Block?]
  /// The keys of columns that predict others.
  private var suppliedKeys: [Int: SuppliedKeys] = [:]
  private let scratch = DecodeScratch()

  package init(_ segment: SegmentReader, rowGroup: Int) {
    self.segment = segment
    self.rowGroup = rowGroup
    rowCount = segment.rowCount(rowGroup: rowGroup)
    blocks = Array(repeating: nil, count: segment.schema.count)
  }

  /// Turns to another row group, of this or another segment. Vectors handed out stay valid, and where it is the same one
  /// again, so do the columns that are open.
  package func move(to segment: SegmentReader, rowGroup: Int) {
    if segment === self.segment && rowGroup == self.rowGroup { return }
    self.segment = segment
    self.rowGroup = rowGroup
    rowCount = segment.rowCount(rowGroup: rowGroup)
    blocks = Array(repeating: nil, count: segment.schema.count)
    suppliedKeys = [:]
  }

  /// Returns what is known of a column in this row group.
  package func zoneMap(column: Int) -> ZoneMap { segment.zoneMap(column: column, rowGroup: rowGroup) }

  /// Judges `predicate` by the row group's zone map.
  package func prune(column: Int, _ predicate: ColumnPredicate) -> Pruning {
    segment.zoneMap(column: column, rowGroup: rowGroup).prune(predicate)
  }

  private func block(_ column: Int) throws(PulsehouseError) -> Block {
    if let block = blocks[column] { return block }
    let block = try segment.openBlock(column: column, rowGroup: rowGroup, scratch)
    while let need = block.need {
      switch need {
      case .keys(let keyColumn): try supplyKeys(block, column, keyColumn)
      case .base(let baseColumn): try supplyBase(block, column, baseColumn)
      case .leader(let leaderColumn): try supplyLeader(block, column, leaderColumn)
      }
    }
    try segment.finishOpening(block, column: column, rowGroup: rowGroup)
    blocks[column] = block
    return block
  }

  /// Opens a block that another one needs.
  private func neededBlock(_ column: Int, by other: Int) throws(PulsehouseError) -> Block {
    guard column < blocks.count, column != other else {
      throw segment.named(PulsehouseError(.corrupt, "a column to build upon that is none"), other, rowGroup)
    }
    if let known = blocks[column] { return known }
    let block = try segment.openBlock(column: column, rowGroup: rowGroup, scratch)
    guard block.need == nil else {
      throw segment.named(PulsehouseError(.corrupt, "a column to build upon that builds itself"), other, rowGroup)
    }
    try segment.finishOpening(block, column: column, rowGroup: rowGroup)
    blocks[column] = block
    return block
  }

  private func supplyLeader(_ block: Block, _ column: Int, _ leaderColumn: Int) throws(PulsehouseError) {
    guard leaderColumn < blocks.count, leaderColumn != column else {
      throw segment.named(PulsehouseError(.corrupt, "a leader that is none"), column, rowGroup)
    }
    if blocks[leaderColumn] == nil {
      // What leads needs no leader: a ring of blocks that need each other ends here.
      let opened = try segment.openBlock(column: leaderColumn, rowGroup: rowGroup, scratch)
      guard opened.isLeader else {
        throw segment.named(PulsehouseError(.corrupt, "a leader that leads nothing"), column, rowGroup)
      }
    }
    let leader = try self.block(leaderColumn)
    do throws(PulsehouseError) {
      try block.supplyLeader(leader)
    } catch {
      throw segment.named(error, column, rowGroup)
    }
  }

  private func supplyBase(_ block: Block, _ column: Int, _ baseColumn: Int) throws(PulsehouseError) {
    let base = try neededBlock(baseColumn, by: column)
    do throws(PulsehouseError) {
      try block.supplyBase(base)
    } catch {
      throw segment.named(error, column, rowGroup)
    }
  }

  private func supplyKeys(_ block: Block, _ column: Int, _ keyColumn: Int) throws(PulsehouseError) {
    let keyBlock = try neededBlock(keyColumn, by: column)
    let keys: SuppliedKeys
    if let known = suppliedKeys[keyColumn] {
      keys = known
    } else {
      guard let found = try SuppliedKeys(keyBlock) else {
        throw segment.named(PulsehouseError(.corrupt, "a key column that has no keys"), column, rowGroup)
      }
      keys = found
      suppliedKeys[keyColumn] = keys
    }
    do throws(PulsehouseError) {
      try block.supplyKeys(keys)
    } catch {
      throw segment.named(error, column, rowGroup)
    }
  }

  /// Decodes rows `rows` of a column. Ascending ranges of 2,048 rows that start at multiples of 1,024 are fastest.
  ///
  /// Shape: `rows.count` rows; constant blocks give constant vectors, dictionary blocks dictionary vectors that all
  /// share one dictionary object (so operators may compare dictionaries by identity), others flat ones. What is decoded
  /// lies in `arena`, if there is one.
  package func read(column: Int, rows: Range<Int>, into arena: ColumnArena? = nil) throws(PulsehouseError) -> Vector {
    try block(column).read(rows, into: arena)
  }

  /// Decodes only the rows that `selection` names, ascending, each below `rowCount`.
  package func read(column: Int, selection: UnsafeBufferPointer<UInt32>) throws(PulsehouseError) -> Vector {
    try block(column).read(selection)
  }

  /// Decodes only the rows that `selection` names.
  package func read(column: Int, selection: SelectionVector) throws(PulsehouseError) -> Vector {
    let block = try block(column)
    return try selection.indices.withUnsafeBufferPointer { (indices) throws(PulsehouseError) in
      try block.read(indices)
    }
  }

  /// Decodes all rows of a column but those at `removed`, which ascend, none twice, each below `rowCount`.
  package func read(column: Int, without removed: [UInt32]) throws(PulsehouseError) -> Vector {
    let block = try block(column)
    return try removed.withUnsafeBufferPointer { (rows) throws(PulsehouseError) in try block.read(without: rows) }
  }

  /// Tests rows `rows` on the encoded form; bit `i` of `bitmap` becomes 1 when row `rows.lowerBound + i` passes. Returns
  /// how many do. `bitmap` has a word for every 64 rows begun; bits past the last row become 0.
  package func filter(
    column: Int, _ predicate: ColumnPredicate, rows: Range<Int>, into bitmap: UnsafeMutablePointer<UInt64>
  ) throws(PulsehouseError) -> Int {
    try block(column).filter(predicate, rows, into: bitmap)
  }

  /// Returns the rows that pass as ranges, ascending and apart, where the column lies in runs so long that this is
  /// quicker than to test rows; nil where it does not.
  package func passingRanges(column: Int, _ predicate: ColumnPredicate) throws(PulsehouseError) -> [Range<Int>]? {
    try block(column).passingRanges(predicate)
  }

  /// Keeps of `selection` (ascending rows) those that pass, in place.
  package func filter(column: Int, _ predicate: ColumnPredicate, selection: inout SelectionVector)
    throws(PulsehouseError)
  {
    let block = try block(column)
    let kept = try selection.indices.withUnsafeMutableBufferPointer { (indices) throws(PulsehouseError) in
      try block.filter(predicate, indices)
    }
    selection.indices.removeLast(selection.count - kept)
  }

  /// Decodes rows `rows` of an integer-like or dictionary column to the narrowest codes that hold the whole block, so
  /// that aggregates run over one or two bytes a row. Nil when the block has no such form (doubles, long strings).
  ///
  /// The codes lie in `scratch`, which must hold `(rows.count + 1024) * 8` bytes, or in the file itself; they stay as
  /// long as `scratch` and this reader's row group.
  package func narrow(column: Int, rows: Range<Int>, scratch: AlignedBuffer) throws(PulsehouseError) -> NarrowColumn? {
    try block(column).narrow(rows, into: scratch)
  }

  /// As above, of the rows that `selection` names alone, where that is cheaper than to decode all rows around them; nil
  /// where it is not. `scratch` must hold eight bytes a row.
  package func narrow(column: Int, selection: UnsafeBufferPointer<UInt32>, scratch: AlignedBuffer)
    throws(PulsehouseError) -> NarrowColumn?
  {
    precondition(selection.last.map { Int($0) < rowCount } ?? true, "rows outside the row group")
    return try block(column).narrow(picking: selection, into: scratch)
  }

  /// Returns the runs of a run-length or constant block that cover the row group; nil for other encodings. The memory
  /// is the reader's and stays until it moves on.
  package func runs(column: Int) throws(PulsehouseError) -> RunColumn? { try block(column).runs() }

  /// Returns the dictionary of a column whose block has one.
  package func dictionary(column: Int) throws(PulsehouseError) -> Vector? { try block(column).dictionary }
}
