import Bytes
import Glibc
import Vectors

/// The build side's rows by key: from a group of equal keys to the rows that have them, in build order.
///
/// Made once, then read by any number of `JoinProbe`s. Row numbers are positions in the build side's columns.
package final class JoinTable: @unchecked Sendable {
  // @unchecked: filled by `init`, read-only afterwards.

  package let rowCount: Int
  /// Rows that have NULL in a key where NULL matches nothing; such rows are in no group. Ascending.
  package private(set) var nullKeyRows: [UInt32] = []
  /// True when no two rows share a key.
  package private(set) var isUnique = true
  let groups: GroupTable
  let nullsMatch: [Bool]
  /// Rows of group `g` are `rows[starts[g]..<starts[g + 1]]`; for unique keys `rows[g]`.
  private(set) var starts = Store<UInt32>()
  private(set) var rows = Store<UInt32>()

  package var byteCount: Int { groups.byteCount + starts.byteCount + rows.byteCount }

  /// Indexes `keys`, vectors of `rowCount` rows each. `step` is called before every few thousand rows and may throw to
  /// stop.
  package init(keys: [Vector], rowCount: Int, nullsMatch: [Bool], step: (Int) throws -> Void = { _ in }) throws {
    precondition(rowCount < Int(Int32.max), "more build rows than 31 bits count")
    self.rowCount = rowCount
    self.nullsMatch = nullsMatch
    let table = GroupTable(keys.map { $0.type }, hints: keys.map { JoinTable.bounds($0) })
    groups = table
    let groupOf = Store<UInt32>(capacity: rowCount)
    let batch = 2048
    var start = 0
    while start < rowCount {
      try step(table.byteCount)
      let end = min(start + batch, rowCount)
      let part = keys.map { $0.slice(start..<end) }
      table.intern(part, count: end - start, into: groupOf.base + start)
      for (index, vector) in part.enumerated() where !nullsMatch[index] && vector.validity != nil {
        for row in 0..<(end - start) where !vector.isValid(row) { groupOf.base[start + row] = UInt32.max }
      }
      start = end
    }
    let groupCount = table.groupCount
    starts = Store<UInt32>(zeroed: groupCount + 2)
    rows = Store<UInt32>(capacity: rowCount)
    let offsets = starts.base
    for row in 0..<rowCount {
      let group = groupOf.base[row]
      if group == UInt32.max {
        nullKeyRows.append(UInt32(truncatingIfNeeded: row))
      } else {
        offsets[Int(group) + 2] &+= 1
        if offsets[Int(group) + 2] > 1 { isUnique = false }
      }
    }
    // offsets[g + 1] becomes the place of group g's next row, and at last its end.
    var total: UInt32 = 0
    for group in 0..<(groupCount + 1) {
      total &+= offsets[group + 1]
      offsets[group + 1] = total
    }
    for row in 0..<rowCount {
      let group = groupOf.base[row]
      if group == UInt32.max { continue }
      let place = offsets[Int(group) + 1]
      offsets[Int(group) + 1] = place &+ 1
      rows.base[Int(place)] = UInt32(truncatingIfNeeded: row)
    }
    // A group that only NULL-keyed rows opened has no rows, so a unique table may still need its offsets.
    if rowCount - nullKeyRows.count != groupCount { isUnique = false }
  }

  /// The bounds of an integer key, so that the table is laid out for them at once.
  private static func bounds(_ vector: Vector) -> ClosedRange<Int64>? {
    switch vector.type.physical {
    case .int16, .int32, .int64:
      let input = KeyInput(vector)
      return withExtendedLifetime(input) { input.range().map { $0.low...$0.high } }
    default: return nil
    }
  }
}

/// One thread's probing of a `JoinTable`: a batch of keys in, pairs of matching rows out, as many at a time as asked.
package final class JoinProbe {
  package let table: JoinTable
  private let lookup: GroupLookup
  private var groups = Store<UInt32>()
  private var count = 0
  private var row = 0
  private var offset: UInt32 = 0

  package init(_ table: JoinTable) {
    self.table = table
    lookup = GroupLookup(table.groups, nullsMatch: table.nullsMatch)
  }

  /// Looks up a batch of keys; `next` then gives its pairs.
  package func start(_ keys: [Vector], count: Int) {
    groups.reserve(count, keeping: 0)
    lookup.find(keys, count: count, into: groups.base)
    self.count = count
    row = 0
    offset = 0
  }

  /// Returns true when probe row `row` of the batch has a match by key.
  package func hasMatch(_ row: Int) -> Bool {
    let group = groups.base[row]
    if group == GroupLookup.missing { return false }
    return table.isUnique || table.starts.base[Int(group)] < table.starts.base[Int(group) + 1]
  }

  /// The group of a probe row's key; nil when no build row has it.
  func group(ofRow row: Int) -> Int? {
    let group = groups.base[row]
    return group == GroupLookup.missing ? nil : Int(group)
  }

  /// Writes 1 to `mask` for every row of the batch that has a match by key, else 0.
  package func matches(into mask: UnsafeMutablePointer<UInt8>) {
    var row = 0
    if table.isUnique {
      while row < count {
        mask[row] = bit(groups.base[row] != GroupLookup.missing)
        row &+= 1
      }
      return
    }
    while row < count {
      mask[row] = bit(hasMatch(row))
      row &+= 1
    }
  }

  /// Writes the one build row that matches each row of the batch, or -1; the table is unique.
  package func uniqueRows(into places: UnsafeMutablePointer<Int32>) {
    precondition(table.isUnique, "a row may have several matches")
    let groups = self.groups.base
    let rows = table.rows.base
    var row = 0
    while row < count {
      let group = groups[row]
      // All bits of a row without a match are set, as they are in its group.
      let found = group == GroupLookup.missing ? 0 : group
      let missing = 0 &- UInt32(bit(group == GroupLookup.missing))
      places[row] = Int32(bitPattern: rows[Int(found)] | missing)
      row &+= 1
    }
  }

  /// Writes up to `capacity` further pairs, by probe row and then in build order; returns how many, 0 at the end.
  package func next(
    _ probeRows: UnsafeMutablePointer<UInt32>, _ buildRows: UnsafeMutablePointer<UInt32>, capacity: Int
  ) -> Int {
    let groups = self.groups.base
    let rows = table.rows.base
    var written = 0
    if table.isUnique {
      let end = min(count, row &+ capacity)
      while row < end {
        let group = groups[row]
        let found = Int(bit(group != GroupLookup.missing))
        probeRows[written] = UInt32(truncatingIfNeeded: row)
        // Without a match any row will do: the next pair takes its place. There is one row at least in `rows`' memory.
        buildRows[written] = rows[Int(group) &* found]
        written &+= found
        row &+= 1
      }
      return written == 0 && row < count ? next(probeRows, buildRows, capacity: capacity) : written
    }
    let starts = table.starts.base
    while row < count {
      let group = groups[row]
      if group != GroupLookup.missing {
        var place = starts[Int(group)] &+ offset
        let end = starts[Int(group) + 1]
        while place < end {
          if written == capacity {
            offset = place &- starts[Int(group)]
            return written
          }
          probeRows[written] = UInt32(truncatingIfNeeded: row)
          buildRows[written] = rows[Int(place)]
          written &+= 1
          place &+= 1
        }
      }
      offset = 0
      row &+= 1
    }
    return written
  }
}
