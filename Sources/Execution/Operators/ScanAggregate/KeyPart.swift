import Bytes
import Encodings
import Kernels
import Planning
import Synchronization
import Vectors

/// Thrown where stored blocks turn out not to have codes that fit; the general path then does the work.
struct UnsuitedBlock: Error {}

/// Keys that are known by the order in which they were met, for all workers of a query.
final class KeyDomain: Sendable {
  private let table: Mutex<GroupTable>
  /// No more keys than this may be met.
  let capacity: Int

  init(_ types: [LogicalType], capacity: Int) {
    table = Mutex(GroupTable(types))
    self.capacity = capacity
  }

  var count: Int { table.withLock { $0.groupCount } }

  /// Returns the numbers of `count` rows of keys. - Throws: `UnsuitedBlock` beyond the capacity.
  func intern(_ keys: [Vector], count: Int) throws -> [UInt32] {
    var numbers = [UInt32](repeating: 0, count: count)
    let total = numbers.withUnsafeMutableBufferPointer { buffer -> Int in
      guard let base = buffer.baseAddress else { return 0 }
      let box = Box(keys)
      let target = Box(base)
      return table.withLock { table in
        table.intern(box.value, count: count, into: target.value)
        return table.groupCount
      }
    }
    guard total <= capacity else { throw UnsuitedBlock() }
    return numbers
  }

  func vectors(_ numbers: [UInt32]) -> [Vector] {
    let result = table.withLock { table in
      Box(numbers.withUnsafeBufferPointer { table.keyVectors($0) })
    }
    return result.value
  }
}

/// One part of a slot number: the keys that depend on one stored column, directly or through a dimension.
///
/// A row's contribution is its part's number times `stride`; the contributions of all parts add up to the slot.
struct KeyPart {
  /// How the column's value becomes a number.
  enum Mapping {
    /// Value less `lowest`.
    case value
    /// `table[(value - lowest) / unit]`, contributions already.
    case table(AlignedBuffer, count: Int, unit: UInt64)
    /// Through a table for each dictionary.
    case dictionary
  }

  let field: Int
  /// The keys' places in GROUP BY; none where a join only keeps or drops rows.
  let positions: [Int]
  let expressions: [CompiledExpression]
  let column: Column
  let lowest: Int64
  let highest: Int64
  var mapping: Mapping
  let domain: KeyDomain?
  /// Numbers are below this.
  let numberCount: Int
  /// What a NULL in the column counts as.
  let nullNumber: UInt32
  var stride: UInt32 = 1

  /// A contribution that takes the row out of all groups, also when it is added to others: no slot is as great, and four
  /// of them still fit 32 bits.
  static let dropped: UInt32 = 1 << 30

  /// What a NULL adds. - Throws: `.corrupt` when the zone maps say that there is none.
  func nullContribution() throws -> UInt32 {
    if nullNumber == KeyPart.dropped { return KeyPart.dropped }
    guard Int(nullNumber) < numberCount else { throw KeyPart.outside(field) }
    return nullNumber &* stride
  }

  /// Turns numbers into contributions, once the stride is known.
  mutating func setStride(_ stride: UInt32) {
    self.stride = stride
    guard stride != 1, case .table(let buffer, let count, _) = mapping else { return }
    let entries = buffer.values(as: UInt32.self)
    for index in 0..<count where entries[index] != KeyPart.dropped { entries[index] &*= stride }
  }

  /// Returns the contribution of one value. - Throws: `.corrupt` for a value that the zone maps deny.
  func contribution(of value: Int64) throws -> UInt32 {
    guard value >= lowest, value <= highest else { throw KeyPart.outside(field) }
    let offset = UInt64(bitPattern: value &- lowest)
    switch mapping {
    case .value: return UInt32(truncatingIfNeeded: offset) &* stride
    case .table(let buffer, _, let unit): return buffer.values(as: UInt32.self)[Int(offset / unit)]
    case .dictionary: throw UnsuitedBlock()
    }
  }

  /// Writes the contributions of `count` values. - Throws: `.corrupt` for a value that the zone maps deny.
  func contributions<T: FixedWidthInteger & BitwiseCopyable>(
    of values: UnsafePointer<T>, _ count: Int, into output: UnsafeMutablePointer<UInt32>
  ) throws {
    var (least, greatest) = (T.max, T.min)
    var index = 0
    while index < count {
      least = min(least, values[index])
      greatest = max(greatest, values[index])
      index &+= 1
    }
    guard count == 0 || (Int64(least) >= lowest && Int64(greatest) <= highest) else { throw KeyPart.outside(field) }
    index = 0
    switch mapping {
    case .value:
      let offset = UInt32(truncatingIfNeeded: lowest)
      while index < count {
        output[index] = (UInt32(truncatingIfNeeded: values[index]) &- offset) &* stride
        index &+= 1
      }
    case .table(let buffer, _, let unit):
      let entries = buffer.values(as: UInt32.self)
      while index < count {
        let offset = UInt64(bitPattern: Int64(values[index]) &- lowest)
        output[index] = entries[Int(truncatingIfNeeded: unit == 1 ? offset : offset / unit)]
        index &+= 1
      }
    case .dictionary: throw UnsuitedBlock()
    }
  }

  static func outside(_ field: Int) -> PulsehouseError {
    PulsehouseError(
      .corrupt, "column \(field) has values outside the bounds that its zone map states",
      hint: "`pulsehouse verify` checks every block.")
  }

  /// Returns the contributions of a dictionary's entries.
  func contributions(of dictionary: Vector, _ context: EvaluationContext) throws -> AlignedBuffer {
    let output = AlignedBuffer(byteCount: dictionary.count * 4)
    let entries = output.values(as: UInt32.self)
    if case .dictionary = mapping {
      guard let domain else { throw UnsuitedBlock() }
      let batch = Batch([dictionary.retyped(as: column.type)], rowCount: dictionary.count)
      let keys: [Vector]
      do { keys = try expressions.map { try $0.evaluate(batch, context) } } catch { throw UnsuitedBlock() }
      for (index, number) in try domain.intern(keys, count: dictionary.count).enumerated() {
        entries[index] = number &* stride
      }
    } else {
      for index in 0..<dictionary.count {
        guard case .integer(let value) = dictionary.scalar(at: index) else { throw UnsuitedBlock() }
        entries[index] = try contribution(of: value)
      }
    }
    return output
  }

  /// Returns how far a block's base lies above `lowest`. - Throws: `.corrupt` for values outside the bounds.
  func offset(of narrow: NarrowColumn) throws -> UInt64 { try narrow.offset(above: lowest, upTo: highest, field) }

  /// True when some value of the column takes its row out of all groups.
  var mayDrop: Bool {
    if nullNumber == KeyPart.dropped { return true }
    guard case .table(let buffer, let count, _) = mapping else { return false }
    let entries = buffer.values(as: UInt32.self)
    return (0..<count).contains { entries[$0] == KeyPart.dropped }
  }
}

extension NarrowColumn {
  /// Returns how far the block's base lies above `lowest`. - Throws: `.corrupt` for values outside the bounds.
  func offset(above lowest: Int64, upTo highest: Int64, _ field: Int) throws -> UInt64 {
    let scale = UInt64(bitPattern: multiplier)
    let (span, overflow) = maximumCode.multipliedReportingOverflow(by: scale)
    guard base >= lowest, base <= highest, !overflow, span <= UInt64(bitPattern: highest &- base) else {
      throw KeyPart.outside(field)
    }
    return UInt64(bitPattern: base &- lowest)
  }
}

/// What a part's numbers stand for, once all of them are known: for groups by the million.
struct PartKeys {
  private enum Source {
    /// The number plus this; `null` stands for NULL.
    case offset(Int64, null: UInt32, LogicalType)
    /// The keys of every number.
    case all([Vector])
    case expressions(KeyPart, EvaluationContext)
  }

  let positions: [Int]
  let divisor: DenseDivisor
  private let source: Source

  init(_ part: KeyPart, _ context: EvaluationContext) {
    positions = part.positions
    divisor = DenseDivisor(UInt32(max(1, part.numberCount)))
    if let domain = part.domain, !part.positions.isEmpty {
      source = .all(domain.vectors((0..<domain.count).map { UInt32($0) }).map { $0.flattened() })
      return
    }
    let physical = part.column.type.physical
    let isPlain = part.expressions.count == 1 && part.expressions[0].isColumn
    if isPlain, physical == .int16 || physical == .int32 || physical == .int64 {
      source = .offset(part.lowest, null: part.nullNumber, part.column.type)
    } else {
      source = .expressions(part, context)
    }
  }

  /// True when greater numbers have greater keys, NULL being the greatest, so that groups in order of slots ascend.
  var ascends: Bool {
    switch source {
    case .offset: return true
    case .all(let vectors):
      var check = OrderCheck(columnCount: 1)
      return vectors.count == 1 && check.accepts(vectors)
    case .expressions: return false
    }
  }

  /// Returns the keys of groups, given their numbers in this part, in the order of `positions`.
  func vectors(_ numbers: UnsafeBufferPointer<UInt32>) throws -> [Vector] {
    switch source {
    case .all(let vectors): return vectors.map { Gather.rows($0, at: numbers) }
    case .expressions(let part, let context): return try part.keyVectors(Array(numbers), context)
    case .offset(let lowest, let null, let type):
      let buffer = AlignedBuffer(byteCount: numbers.count * type.physical.stride)
      switch type.physical {
      case .int16: PartKeys.add(numbers, lowest, into: buffer.values(as: Int16.self))
      case .int32: PartKeys.add(numbers, lowest, into: buffer.values(as: Int32.self))
      default: PartKeys.add(numbers, lowest, into: buffer.values(as: Int64.self))
      }
      return [Vector(type, count: numbers.count, buffer: buffer, validity: PartKeys.validity(numbers, null))]
    }
  }

  @inline(__always) private static func add<T: FixedWidthInteger>(
    _ numbers: UnsafeBufferPointer<UInt32>, _ lowest: Int64, into output: UnsafeMutablePointer<T>
  ) {
    guard let number = numbers.baseAddress else { return }
    let lowest = T(truncatingIfNeeded: lowest)
    var row = 0
    while row < numbers.count {
      output[row] = lowest &+ T(truncatingIfNeeded: number[row])
      row &+= 1
    }
  }

  private static func validity(_ numbers: UnsafeBufferPointer<UInt32>, _ null: UInt32) -> ValidityMask? {
    guard let number = numbers.baseAddress else { return nil }
    var found: UInt32 = 0
    var row = 0
    while row < numbers.count {
      found |= number[row] == null ? 1 : 0
      row &+= 1
    }
    if found == 0 { return nil }
    let mask = ValidityMask(count: numbers.count, allValid: true)
    for row in 0..<numbers.count where number[row] == null { mask.set(row, valid: false) }
    return mask
  }
}

extension KeyPart {
  /// Returns the keys of groups, given their numbers in this part, in the order of `positions`.
  func keyVectors(_ numbers: [UInt32], _ context: EvaluationContext) throws -> [Vector] {
    if let domain { return domain.vectors(numbers) }
    let type = column.type
    let values = numbers.map { number -> Scalar in
      if number == nullNumber { return .null }
      let value = lowest &+ Int64(number)
      return type == .boolean ? .boolean(value != 0) : .integer(value)
    }
    let batch = Batch([Vector.of(type, values)], rowCount: numbers.count)
    return try expressions.map { try $0.evaluate(batch, context) }
  }
}
