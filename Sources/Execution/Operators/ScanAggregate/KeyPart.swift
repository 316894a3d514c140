import Bytes
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

  /// A contribution that takes the row out of all groups, also when it is added to others.
  static let dropped: UInt32 = 1 << 27

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
