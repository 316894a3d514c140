import Vectors

/// Rows grouped by keys. Where keys are integers that lie close together, a table of all combinations numbers the groups;
/// else runs of equal rows are found first, and then sorted as one row each.
package struct RunGroups {
  /// Each row's group, below `count`. Groups are in no order.
  package let numbers: [UInt32]
  package let count: Int

  /// Groups `rowCount` rows by `keys`, two NULLs being equal.
  package init(_ keys: [Vector], rowCount: Int) {
    if let (numbers, count) = CombinationGroups.number(keys, rowCount: rowCount) {
      (self.numbers, self.count) = (numbers, count)
      return
    }
    var starts = [UInt8](repeating: 0, count: rowCount)
    starts.withUnsafeMutableBufferPointer { flags in
      guard let base = flags.baseAddress else { return }
      base[0] = 1
      for key in keys { RunBoundaries.mark(key, into: base) }
    }
    let runs = [UInt32](unsafeUninitializedCapacity: rowCount + 1) { runs, used in
      var row = 0
      while row < rowCount {
        runs[used] = UInt32(truncatingIfNeeded: row)
        used &+= Int(starts[row])
        row &+= 1
      }
    }
    let (groupOfRun, count) = RunGroups.groups(keys, runs)
    self.count = count
    numbers = [UInt32](unsafeUninitializedCapacity: rowCount) { numbers, used in
      used = rowCount
      groupOfRun.withUnsafeBufferPointer { groupOfRun in
        var run = -1
        var row = 0
        while row < rowCount {
          run &+= Int(starts[row])
          numbers[row] = groupOfRun[run]
          row &+= 1
        }
      }
    }
  }

  /// Returns the group of each run, and how many groups there are.
  private static func groups(_ keys: [Vector], _ runs: [UInt32]) -> ([UInt32], Int) {
    let heads = runs.withUnsafeBufferPointer { runs in keys.map { Gather.rows($0, at: runs) } }
    let order = Sort.permutation(heads, orders: heads.map { _ in SortOrder() }, rowCount: runs.count)
    var starts = [UInt8](repeating: 0, count: runs.count)
    starts.withUnsafeMutableBufferPointer { flags in
      guard let base = flags.baseAddress else { return }
      order.withUnsafeBufferPointer { order in
        for head in heads { RunBoundaries.mark(Gather.rows(head, at: order), into: base) }
      }
    }
    var last: UInt32 = 0
    let groups = [UInt32](unsafeUninitializedCapacity: runs.count) { groups, used in
      used = runs.count
      for (place, run) in order.enumerated() {
        last &+= UInt32(starts[place])
        groups[Int(run)] = last
      }
    }
    return (groups, runs.isEmpty ? 0 : Int(last) + 1)
  }
}
