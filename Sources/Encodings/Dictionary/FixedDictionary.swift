import Bytes
import CKernels
import Vectors

/// Finds the distinct values of a column of fixed width by their bits, up to a limit, and gives each row a code, or each
/// run of rows where those are known.
struct FixedDictionary {
  /// Distinct bit patterns, in order of first appearance until `sort`.
  private(set) var entries: [UInt64] = []
  /// A code per row, or per run.
  let codes: AlignedBuffer
  private let count: Int
  private let runs: ValueRuns?

  /// The runs with their codes; nil where each row has one.
  var codeRuns: ValueRuns? { runs?.with(codes) }

  /// What is given codes: the values of the rows, or one of each run.
  private struct Source {
    let values: UnsafePointer<Int64>
    let count: Int
    /// Holds the values of runs; must outlive the use of `values`.
    private let memory: AlignedBuffer?

    init(_ rows: UnsafePointer<Int64>, _ rowCount: Int, _ runs: ValueRuns?) {
      memory = runs?.values(of: rows)
      values = memory.map { UnsafePointer($0.values(as: Int64.self)) } ?? rows
      count = runs?.count ?? rowCount
    }
  }

  /// Numbers `values`, which lie in `minimum ... minimum + span`, by a table of all of these; codes ascend as values do.
  init(_ rows: UnsafePointer<Int64>, count rowCount: Int, minimum: Int64, span: Int, runs: ValueRuns?) {
    let source = Source(rows, rowCount, runs)
    defer { withExtendedLifetime(source) {} }
    let (values, count) = (source.values, source.count)
    self.runs = runs
    self.count = count
    let codes = AlignedBuffer(byteCount: count * 8)
    let code = codes.values(as: Int64.self)
    self.codes = codes
    entries = withUnsafeTemporaryAllocation(of: Int64.self, capacity: span + 1) { ranks in
      ranks.initialize(repeating: 0)
      guard let rank = ranks.baseAddress else { return [] }
      var row = 0
      while row < count {
        rank[Int(values[row] &- minimum)] = 1
        row &+= 1
      }
      var entries: [UInt64] = []
      for offset in 0...span where rank[offset] != 0 {
        rank[offset] = Int64(entries.count)
        entries.append(UInt64(bitPattern: minimum + Int64(offset)))
      }
      row = 0
      while row < count {
        code[row] = rank[Int(values[row] &- minimum)]
        row &+= 1
      }
      return entries
    }
  }

  /// Returns nil when `values` hold more than `limit` different ones.
  init?(_ rows: UnsafePointer<Int64>, count rowCount: Int, limit: Int, runs: ValueRuns?) {
    let source = Source(rows, rowCount, runs)
    defer { withExtendedLifetime(source) {} }
    let (values, count) = (source.values, source.count)
    self.runs = runs
    self.count = count
    codes = AlignedBuffer(byteCount: count * 8)
    let code = codes.values(as: Int64.self)
    var slotCount = 1024
    while slotCount < limit * 2 { slotCount *= 2 }
    let shift = UInt64(64 - slotCount.trailingZeroBitCount)
    var slots = [Int32](repeating: -1, count: slotCount)
    var last: UInt64 = 0
    var lastCode: Int64 = -1
    for row in 0..<count {
      let bits = UInt64(bitPattern: values[row])
      if lastCode >= 0 && bits == last {
        code[row] = lastCode
        continue
      }
      var slot = Int(truncatingIfNeeded: (bits &* 0x9E37_79B9_7F4A_7C15) &>> shift)
      while true {
        let entry = slots[slot]
        if entry < 0 {
          if entries.count == limit { return nil }
          slots[slot] = Int32(entries.count)
          lastCode = Int64(entries.count)
          entries.append(bits)
          break
        }
        if entries[Int(entry)] == bits {
          lastCode = Int64(entry)
          break
        }
        slot = (slot + 1) & (slotCount - 1)
      }
      last = bits
      code[row] = lastCode
    }
  }

  /// Sorts the entries by `key`, then by their bits, and renumbers the codes.
  mutating func sort(by key: (UInt64) -> Int64) {
    let entryCount = entries.count
    var keys = entries.map(key)
    var order = (0..<UInt32(entryCount)).map { $0 }
    var spareKeys = keys
    var spareOrder = order
    ph_sort64(&keys, &order, entryCount, &spareKeys, &spareOrder)
    // Few keys stand for several bit patterns: zeros of both signs, NaNs.
    var start = 0
    while start < entryCount {
      var end = start + 1
      while end < entryCount && keys[end] == keys[start] { end += 1 }
      if end - start > 1 { order[start..<end].sort { entries[Int($0)] < entries[Int($1)] } }
      start = end
    }
    var rank = [Int64](repeating: 0, count: entryCount)
    for (position, entry) in order.enumerated() { rank[Int(entry)] = Int64(position) }
    entries = order.map { entries[Int($0)] }
    let code = codes.values(as: Int64.self)
    rank.withUnsafeBufferPointer { rank in
      for row in 0..<count { code[row] = rank[Int(code[row])] }
    }
  }
}
