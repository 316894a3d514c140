import Kernels
import Segments
import Vectors

/// The rows of a stored row group that pass a scan's tests, by columns.
struct RowGroupColumns: MorselColumns {
  private let reader: RowGroupReader
  private let fields: [Int]
  private let types: [LogicalType]
  private let run: QueryRun
  /// Rows of the row group that do not pass; ascending.
  private let failed: [UInt32]
  let rowCount: Int

  /// No row passes where `failed` is nil.
  init(_ reader: RowGroupReader, fields: [Int], types: [LogicalType], run: QueryRun, failed: [UInt32]?) {
    self.reader = reader
    self.fields = fields
    self.types = types
    self.run = run
    self.failed = failed ?? []
    rowCount = failed.map { reader.rowCount - $0.count } ?? 0
  }

  func column(_ output: Int, at rows: [UInt32]) throws -> Vector {
    try run.checkpoint()
    precondition(rows.last.map { Int($0) < rowCount } ?? true, "a row that is not there")
    let places = failed.isEmpty ? rows : places(of: rows).rows
    return try reader.read(column: fields[output], selection: SelectionVector(places)).retyped(as: types[output])
  }

  func column(_ output: Int, without removed: [UInt32]) throws -> Vector {
    try run.checkpoint()
    precondition(removed.last.map { Int($0) < rowCount } ?? true, "a row that is not there")
    if rowCount == removed.count { return Vector.nulls(types[output], count: 0) }
    let removed = failed.isEmpty ? removed : places(of: removed).all
    // Rows between few others are copied together.
    let vector =
      removed.count * 16 > reader.rowCount
      ? try reader.read(column: fields[output], selection: SelectionVector(kept(without: removed)))
      : try reader.read(column: fields[output], without: removed)
    return vector.retyped(as: types[output])
  }

  /// Returns where in the row group the rows are, and where they and those that do not pass are, ascending.
  private func places(of rows: [UInt32]) -> (rows: [UInt32], all: [UInt32]) {
    var places: [UInt32] = []
    var all: [UInt32] = []
    places.reserveCapacity(rows.count)
    all.reserveCapacity(rows.count + failed.count)
    var next = 0
    for row in rows {
      while next < failed.count, failed[next] <= row + UInt32(truncatingIfNeeded: next) {
        all.append(failed[next])
        next += 1
      }
      places.append(row + UInt32(truncatingIfNeeded: next))
      all.append(row + UInt32(truncatingIfNeeded: next))
    }
    all.append(contentsOf: failed[next...])
    return (places, all)
  }

  private func kept(without removed: [UInt32]) -> [UInt32] {
    var kept: [UInt32] = []
    kept.reserveCapacity(reader.rowCount - removed.count)
    var start: UInt32 = 0
    for row in removed + [UInt32(truncatingIfNeeded: reader.rowCount)] {
      kept.append(contentsOf: start..<row)
      start = row + 1
    }
    return kept
  }
}
