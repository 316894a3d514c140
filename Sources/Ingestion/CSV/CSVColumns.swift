import Bytes
import Vectors

/// The text of CSV fields, column by column, on its way to vectors.
final class CSVColumns {
  let columnCount: Int
  let capacity: Int
  private(set) var rowCount = 0
  private(set) var heap = StringHeap()
  private var values: [AlignedBuffer] = []
  /// Where each column's values start.
  private let bases: UnsafeMutablePointer<UnsafeMutablePointer<StringReference>>
  private var masks: [ValidityMask?] = []
  /// Line, and first byte and end of each row's record in its block.
  private let lines: UnsafeMutablePointer<Int64>
  private let ranges: UnsafeMutablePointer<Range<Int>>
  private var owners: [AnyObject] = []

  init(columnCount: Int, capacity: Int) {
    self.columnCount = columnCount
    self.capacity = capacity
    bases = .allocate(capacity: max(columnCount, 1))
    lines = .allocate(capacity: max(capacity, 1))
    ranges = .allocate(capacity: max(capacity, 1))
    values = (0..<columnCount).map { _ in AlignedBuffer(byteCount: 0) }
  }

  deinit {
    bases.deallocate()
    lines.deallocate()
    ranges.deallocate()
  }

  var isFull: Bool { rowCount == capacity }

  /// Makes ready for rows. Buffers that nobody holds any more are used again.
  func begin() {
    rowCount = 0
    if !isKnownUniquelyReferenced(&heap) || heap.byteCount > 0 { heap = StringHeap() }
    for column in 0..<columnCount {
      if values[column].byteCount == 0 || !isKnownUniquelyReferenced(&values[column]) {
        values[column] = AlignedBuffer(byteCount: capacity * 16)
      }
      bases[column] = values[column].values(as: StringReference.self)
    }
    masks = [ValidityMask?](repeating: nil, count: columnCount)
    owners = []
  }

  func keepAlive(_ owner: AnyObject) {
    if let last = owners.last, last === owner { return }
    owners.append(owner)
  }

  /// Sets the next row's text of a column.
  @inline(__always)
  func set(_ column: Int, _ text: StringReference) {
    bases[column][rowCount] = text
  }

  /// Makes the next row's value of a column NULL; the row must be accepted.
  func setNull(_ column: Int) {
    bases[column][rowCount] = StringReference()
    if masks[column] == nil { masks[column] = ValidityMask(count: capacity, allValid: true) }
    masks[column]?.set(rowCount, valid: false)
  }

  func accept(line: Int64, range: Range<Int>) {
    lines[rowCount] = line
    ranges[rowCount] = range
    rowCount += 1
  }

  /// Returns the rows as vectors of text; `begin` comes next.
  func finish() -> (columns: [Vector], lines: [Int64], ranges: [Range<Int>]) {
    let count = rowCount
    let columns = (0..<columnCount).map { column in
      Vector(
        .text, count: count, buffer: values[column], validity: masks[column]?.slice(0..<count),
        owners: owners + [heap])
    }
    rowCount = 0
    owners = []
    return (
      columns, Array(UnsafeBufferPointer(start: lines, count: count)),
      Array(UnsafeBufferPointer(start: ranges, count: count))
    )
  }
}
