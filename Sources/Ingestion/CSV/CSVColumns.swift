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
  private(set) var lines: [Int64] = []
  private(set) var ranges: [Range<Int>] = []
  private var owners: [AnyObject] = []

  init(columnCount: Int, capacity: Int) {
    self.columnCount = columnCount
    self.capacity = capacity
    bases = .allocate(capacity: max(columnCount, 1))
    reset()
  }

  deinit { bases.deallocate() }

  var isFull: Bool { rowCount == capacity }

  private func reset() {
    rowCount = 0
    heap = StringHeap()
    values = (0..<columnCount).map { _ in AlignedBuffer(byteCount: capacity * 16) }
    for (column, buffer) in values.enumerated() { bases[column] = buffer.values(as: StringReference.self) }
    masks = [ValidityMask?](repeating: nil, count: columnCount)
    lines = []
    ranges = []
    lines.reserveCapacity(capacity)
    ranges.reserveCapacity(capacity)
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
    lines.append(line)
    ranges.append(range)
    rowCount += 1
  }

  /// Returns the rows as vectors of text and starts anew.
  func finish() -> (columns: [Vector], lines: [Int64], ranges: [Range<Int>]) {
    let count = rowCount
    let columns = (0..<columnCount).map { column in
      Vector(
        .text, count: count, buffer: values[column], validity: masks[column]?.slice(0..<count),
        owners: owners + [heap])
    }
    defer { reset() }
    return (columns, lines, ranges)
  }
}
