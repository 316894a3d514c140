import Vectors

/// count(*) and count(x).
package final class CountAccumulator: Accumulator {
  private var counts = Store<Int64>(zeroed: 16)
  private var groupCount = 0
  private let countsRows: Bool

  /// `countsRows` counts every row and looks at no input; else the rows where the input is not NULL.
  package init(countsRows: Bool) { self.countsRows = countsRows }

  package override var byteCount: Int { counts.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    counts.reserve(groupCount, keeping: self.groupCount)
    (counts.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) {
    let output = counts.base
    var row = 0
    if countsRows || inputs[0].validity == nil {
      guard let groups else {
        output[0] &+= Int64(count)
        return
      }
      while row < count {
        output[Int(groups[row])] &+= 1
        row &+= 1
      }
      return
    }
    let vector = inputs[0]
    if vector.isConstantNull { return }
    guard let mask = vector.rowValidity else { return }
    guard let groups else {
      output[0] &+= Int64(mask.validCount)
      return
    }
    let words = mask.words
    while row < count {
      output[Int(groups[row])] &+= Int64(truncatingIfNeeded: (words[row >> 6] >> UInt64(row & 63)) & 1)
      row &+= 1
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) {
    let other = unsafeDowncast(other, to: CountAccumulator.self)
    for index in 0..<count { counts.base[Int(target[index])] &+= other.counts.base[Int(source[index])] }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    resultVector(.bigint, groups, zero: Int64(0)) { counts.base[$0] }
  }

  package override func reset() -> Bool {
    groupCount = 0
    return true
  }

  package override var stateTypes: [LogicalType]? { [.bigint] }

  package override func state(_ groups: UnsafeBufferPointer<UInt32>) -> [Vector] { [result(groups)] }

  package override func merge(state: [Vector], _ groups: UnsafePointer<UInt32>, count: Int) {
    forEachValid(state[0], groups, as: Int64.self) { counts.base[$0] &+= $1 }
  }
}
