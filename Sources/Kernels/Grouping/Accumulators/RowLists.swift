import Vectors

/// Which rows belong to each group: row numbers sorted by group, in row order within one.
struct RowLists: ~Copyable {
  private let starts: Store<UInt32>
  private let rows: Store<UInt32>

  /// `groups[row]` is below `groupCount`.
  init(_ groups: UnsafePointer<UInt32>, rowCount: Int, groupCount: Int) {
    let starts = Store<UInt32>(zeroed: groupCount + 2)
    let rows = Store<UInt32>(capacity: rowCount)
    for row in 0..<rowCount { starts.base[Int(groups[row]) + 2] &+= 1 }
    var total: UInt32 = 0
    for group in 0..<(groupCount + 1) {
      total &+= starts.base[group + 1]
      starts.base[group + 1] = total
    }
    for row in 0..<rowCount {
      let place = starts.base[Int(groups[row]) + 1]
      starts.base[Int(groups[row]) + 1] = place &+ 1
      rows.base[Int(place)] = UInt32(truncatingIfNeeded: row)
    }
    self.starts = starts
    self.rows = rows
  }

  func rows(of group: Int) -> UnsafeBufferPointer<UInt32> {
    let start = Int(starts.base[group])
    return UnsafeBufferPointer(start: rows.base + start, count: Int(starts.base[group + 1]) - start)
  }
}
