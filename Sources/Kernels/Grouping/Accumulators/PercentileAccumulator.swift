import Bytes
import Vectors

/// percentile_cont and percentile_disc of integers and dates: counts each value of a group once and walks the counts.
///
/// Memory and time follow the number of distinct values, not of rows; nothing is sorted but those.
package final class PercentileAccumulator: Accumulator {
  private let fraction: Double?
  private let isContinuous: Bool
  private let isDescending: Bool
  private let valueType: LogicalType
  private let type: LogicalType
  private let pairs: GroupTable
  private var counts = Store<Int64>(zeroed: 64)
  private var counted = 0
  private var groupCount = 0
  private var scratch = Store<UInt32>()
  /// Once sealed: the values sorted by group and value, and how often each comes.
  private var values: Vector?
  private var weights: [Int64] = []
  private var lists: RowLists?
  private var order: [UInt32] = []

  /// `fraction` nil gives NULL. `valueType` is a type of whole numbers.
  package init(fraction: Double?, isContinuous: Bool, isDescending: Bool, valueType: LogicalType, type: LogicalType) {
    self.fraction = fraction
    self.isContinuous = isContinuous
    self.isDescending = isDescending
    self.valueType = valueType
    self.type = type
    pairs = GroupTable([.integer, valueType])
  }

  package override var byteCount: Int { pairs.byteCount + counts.byteCount }

  package override func resize(to groupCount: Int) { self.groupCount = max(self.groupCount, groupCount) }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    let places = intern(inputs[0], groups, count)
    let counts = self.counts.base
    let vector = inputs[0]
    guard let mask = vector.rowValidity else {
      for row in 0..<count { counts[Int(places[row])] &+= 1 }
      return
    }
    for row in 0..<count where mask.isValid(row) { counts[Int(places[row])] &+= 1 }
  }

  /// Numbers the pairs of group and value and makes room for their counts.
  private func intern(_ vector: Vector, _ groups: UnsafePointer<UInt32>?, _ count: Int) -> UnsafeMutablePointer<UInt32>
  {
    scratch.reserve(count, keeping: 0)
    let first: Vector
    if let groups {
      let buffer = AlignedBuffer(byteCount: count * 4)
      buffer.values(as: UInt32.self).update(from: groups, count: count)
      first = Vector(.integer, count: count, buffer: buffer)
    } else {
      first = .constant(.integer, .integer(0), count: count)
    }
    pairs.intern([first, vector], count: count, into: scratch.base)
    if pairs.groupCount > counted {
      counts.reserve(pairs.groupCount, keeping: counted)
      (counts.base + counted).update(repeating: 0, count: pairs.groupCount - counted)
      counted = pairs.groupCount
    }
    return scratch.base
  }

  package override func seal() throws {
    let all = Array(UInt32(0)..<UInt32(truncatingIfNeeded: pairs.groupCount))
    let columns = all.withUnsafeBufferPointer { pairs.keyVectors($0) }
    order = Sort.permutation(
      columns, orders: [SortOrder(), SortOrder(isDescending: isDescending)], rowCount: pairs.groupCount)
    let sorted = order.withUnsafeBufferPointer { order in columns.map { Gather.rows($0, at: order).flattened() } }
    let groups = sorted[0]
    groups.values(as: UInt32.self).withMemoryRebound(to: UInt32.self, capacity: groups.count) {
      lists = RowLists($0, rowCount: groups.count, groupCount: groupCount)
    }
    values = sorted[1]
    weights = order.map { counts.base[Int($0)] }
  }

  private func members(of group: Int) -> UnsafeBufferPointer<UInt32>? {
    switch lists {
    case .some(let lists): lists.rows(of: group)
    case .none: nil
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: PercentileAccumulator.self)
    guard let theirs = other.values else { return }
    var rows: [UInt32] = []
    var groups: [UInt32] = []
    for index in 0..<count {
      guard let members = other.members(of: Int(source[index])) else { continue }
      rows.append(contentsOf: members)
      groups.append(contentsOf: repeatElement(target[index], count: members.count))
    }
    if rows.isEmpty { return }
    let vector = rows.withUnsafeBufferPointer { Gather.rows(theirs, at: $0) }
    let places = groups.withUnsafeBufferPointer { intern(vector, $0.baseAddress, rows.count) }
    for (index, row) in rows.enumerated() { counts.base[Int(places[index])] &+= other.weights[Int(row)] }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    guard let fraction, let values else { return .nulls(type, count: groups.count) }
    guard fraction >= 0, fraction <= 1 else {
      throw PulsehouseError.percentileOutOfRange(fraction)
    }
    if isContinuous {
      return resultVector(type, groups, zero: 0.0) { group in
        let total = self.total(group)
        if total == 0 { return nil }
        let place = fraction * Double(total - 1)
        let low = place.rounded(.down)
        let first = number(values, row(group, Int64(low)))
        let part = place - low
        return part == 0 ? first : first + part * (number(values, row(group, Int64(low) + 1)) - first)
      }
    }
    let rows = groups.map { group -> Int32 in
      let total = self.total(Int(group))
      if total == 0 { return -1 }
      let place = (fraction * Double(total)).rounded(.up)
      return Int32(row(Int(group), max(0, Int64(place) - 1)))
    }
    if values.count == 0 { return .nulls(type, count: groups.count) }
    return rows.withUnsafeBufferPointer { Gather.rows(values, orNull: $0) }.retyped(as: type)
  }

  private func total(_ group: Int) -> Int64 {
    (members(of: group) ?? .init(start: nil, count: 0)).reduce(0) { $0 + weights[Int($1)] }
  }

  /// Returns where the value lies that row `place` of the group's sorted rows has.
  private func row(_ group: Int, _ place: Int64) -> Int {
    var left = place
    var last = 0
    for member in members(of: group) ?? .init(start: nil, count: 0) where weights[Int(member)] > 0 {
      last = Int(member)
      left -= weights[last]
      if left < 0 { break }
    }
    return last
  }

  private func number(_ values: Vector, _ row: Int) -> Double {
    switch values.type.physical {
    case .int16: Double(values.values(as: Int16.self)[row])
    case .int32: Double(values.values(as: Int32.self)[row])
    default: Double(values.values(as: Int64.self)[row])
    }
  }
}
