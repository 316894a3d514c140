import Bytes
import Vectors

/// What is made of the ordered rows of a group.
package enum CollectedFunction {
  /// Arguments: text, delimiter.
  case concatenation
  /// One argument of any type; NULLs count.
  case array
  /// One argument for a JSON array, two for an object; NULLs count.
  case json(takesLines: Bool)
  /// Of the last order column, as `mode`.
  case percentile(isContinuous: Bool, PercentileFraction)
  case mode
  /// Any other aggregate, fed the arguments in order.
  case feed(Accumulator)
}

/// Where the fraction of a percentile stands.
package enum PercentileFraction {
  /// The same for all groups; nil gives NULL.
  case constant(Double?)
  /// The only argument, which is the same in all rows of a group: a double, or an array of them for an array of results.
  case argument
}

/// An aggregate that must see a group's rows in an order: keeps all rows and sorts them once.
///
/// Inputs of `update`: the arguments, then the order columns, then each row's position in the whole input (bigint),
/// which decides between equals.
package final class CollectedAccumulator: Accumulator {
  private let function: CollectedFunction
  let argumentTypes: [LogicalType]
  let orderTypes: [LogicalType]
  private let orders: [SortOrder]
  private let isDistinct: Bool
  let type: LogicalType
  private var chunks: [[Vector]] = []
  private var size = 0
  private var groupCount = 0
  private(set) var columns: [Vector] = []
  private var lists: RowLists?

  package init(
    _ function: CollectedFunction, arguments: [LogicalType], order: [LogicalType], orders: [SortOrder],
    isDistinct: Bool, type: LogicalType
  ) {
    self.function = function
    argumentTypes = arguments
    orderTypes = order
    self.orders = orders
    self.isDistinct = isDistinct
    self.type = type
  }

  package override var byteCount: Int { size }

  package override func resize(to groupCount: Int) { self.groupCount = max(self.groupCount, groupCount) }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    guard count > 0 else { return }
    let buffer = AlignedBuffer(byteCount: count * 4, zeroed: groups == nil)
    if let groups { buffer.values(as: UInt32.self).update(from: groups, count: count) }
    let chunk = [Vector(.integer, count: count, buffer: buffer)] + inputs
    chunks.append(chunk)
    for vector in chunk { size += vector.buffer.byteCount + 128 }
  }

  private var storedTypes: [LogicalType] { [.integer] + argumentTypes + orderTypes + [.bigint] }

  package override func seal() throws {
    let types = storedTypes
    var all = types.indices.map { column in Concat.vectors(chunks.map { $0[column] }, type: types[column]) }
    chunks.removeAll()
    let rowCount = all[0].count
    // By group, order, (distinct: arguments,) position.
    let firstOrder = 1 + argumentTypes.count
    let wanted = all[firstOrder..<(firstOrder + orderTypes.count)]
    var keys = try [all[0]] + wanted.map { try OrderedValue.sortable($0, now: 0) }
    var keyOrders = [SortOrder()] + orders
    if isDistinct {
      keys += try all[1..<firstOrder].map { try OrderedValue.sortable($0, now: 0) }
      keyOrders += argumentTypes.map { _ in SortOrder() }
    }
    // The sort is stable, so rows that came in order need no key for it.
    if !CollectedAccumulator.ascends(all[all.count - 1]) {
      keys.append(all[all.count - 1])
      keyOrders.append(SortOrder())
    }
    let order = Sort.permutation(keys, orders: keyOrders, rowCount: rowCount)
    all = order.withUnsafeBufferPointer { order in all.map { Gather.rows($0, at: order) } }
    if isDistinct, rowCount > 0 { all = withoutRepeats(all) }
    columns = all.map { $0.form == .constant ? $0.flattened() : $0 }
    let groups = columns[0].values(as: UInt32.self)
    lists = RowLists(groups, rowCount: columns[0].count, groupCount: groupCount)
    if case .feed(let inner) = function {
      inner.resize(to: groupCount)
      try inner.update(Array(columns[1..<firstOrder]), groups, count: columns[0].count)
      try inner.seal()
    }
  }

  private static func ascends(_ positions: Vector) -> Bool {
    let flat = positions.flattened()
    let values = flat.values(as: Int64.self)
    var row = 1
    while row < flat.count {
      if values[row] < values[row &- 1] { return false }
      row &+= 1
    }
    return true
  }

  private func withoutRepeats(_ all: [Vector]) -> [Vector] {
    let comparator = RowComparator(
      Array(all[0...argumentTypes.count]), orders: (0...argumentTypes.count).map { _ in SortOrder() })
    var kept: [UInt32] = [0]
    for row in 1..<all[0].count where comparator.compare(row - 1, row) != 0 {
      kept.append(UInt32(truncatingIfNeeded: row))
    }
    return kept.withUnsafeBufferPointer { kept in all.map { Gather.rows($0, at: kept) } }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: CollectedAccumulator.self)
    var rows: [UInt32] = []
    var groups: [UInt32] = []
    for index in 0..<count {
      guard let members = other.members(of: Int(source[index])) else { continue }
      rows.append(contentsOf: members)
      groups.append(contentsOf: repeatElement(target[index], count: members.count))
    }
    let vectors = rows.withUnsafeBufferPointer { rows in other.columns.dropFirst().map { Gather.rows($0, at: rows) } }
    try groups.withUnsafeBufferPointer { try update(vectors, $0.baseAddress, count: groups.count) }
  }

  func members(of group: Int) -> UnsafeBufferPointer<UInt32>? {
    switch lists {
    case .some(let lists): lists.rows(of: group)
    case .none: nil
    }
  }

  // MARK: Results

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    switch function {
    case .feed(let inner): return try inner.result(groups)
    case .concatenation: return concatenation(groups)
    case .array:
      return ArrayFunctions.collect(columns[1], type, groups.map { members(of: Int($0)).map(Array.init) ?? [] })
    case .json(let takesLines):
      return try JSONFunctions.collect(
        Array(columns[1...argumentTypes.count]), type, groups.map { members(of: Int($0)).map(Array.init) ?? [] },
        takesLines: takesLines)
    case .percentile(let isContinuous, let fraction):
      return try percentile(groups, fraction, isContinuous: isContinuous)
    case .mode: return mode(groups)
    }
  }

  private func concatenation(_ groups: UnsafeBufferPointer<UInt32>) -> Vector {
    var builder = VectorBuilder(type, capacity: groups.count)
    let (texts, delimiters) = (columns[1], columns[2])
    let (textReader, delimiterReader) = (RowReader<StringReference>(texts), RowReader<StringReference>(delimiters))
    var bytes: [UInt8] = []
    for group in groups {
      bytes.removeAll(keepingCapacity: true)
      var any = false
      for row in members(of: Int(group)) ?? UnsafeBufferPointer(start: nil, count: 0) {
        let row = Int(row)
        guard texts.isValid(row) else { continue }
        if any, delimiters.isValid(row) { delimiterReader[row].withBytes { bytes.append(contentsOf: $0) } }
        textReader[row].withBytes { bytes.append(contentsOf: $0) }
        any = true
      }
      if any { bytes.withUnsafeBytes { builder.append(bytes: $0) } } else { builder.appendNull() }
    }
    return builder.finish()
  }
}
