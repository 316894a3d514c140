import Bytes
import Vectors

/// The first row's value of each group, NULL or not: any_value, and single_value, which allows no second row.
///
/// With several workers the group that is merged first wins, so any_value speaks for columns that are equal throughout.
package final class FirstAccumulator: Accumulator {
  private var builder: VectorBuilder
  /// Index in `builder` + 1.
  private var places = Store<UInt32>(zeroed: 16)
  private var groupCount = 0
  private let type: LogicalType
  private let allowsMore: Bool
  private let skipsNulls: Bool

  /// `allowsMore` false makes a second row an error; `skipsNulls` passes over NULLs.
  package init(_ type: LogicalType, allowsMore: Bool, skipsNulls: Bool) {
    self.type = type
    self.allowsMore = allowsMore
    self.skipsNulls = skipsNulls
    builder = VectorBuilder(type, capacity: 16)
  }

  package override var byteCount: Int { builder.capacity * type.physical.stride + places.byteCount }

  package override func resize(to groupCount: Int) {
    guard groupCount > self.groupCount else { return }
    places.reserve(groupCount, keeping: self.groupCount)
    (places.base + self.groupCount).update(repeating: 0, count: groupCount - self.groupCount)
    self.groupCount = groupCount
  }

  package override func update(_ inputs: [Vector], _ groups: UnsafePointer<UInt32>?, count: Int) throws {
    for row in 0..<count { try take(inputs[0], row, groups.map { Int($0[row]) } ?? 0) }
  }

  private func take(_ vector: Vector, _ row: Int, _ group: Int) throws {
    let isValid = vector.isValid(row)
    if skipsNulls && !isValid { return }
    guard places.base[group] == 0 else {
      if allowsMore { return }
      throw PulsehouseError(
        .user, "more than one row returned by a subquery used as an expression", sqlState: "21000")
    }
    defer { places.base[group] = UInt32(truncatingIfNeeded: builder.count) }
    guard isValid else { return builder.appendNull() }
    switch type.physical {
    case .boolean: builder.append(RowReader<UInt8>(vector)[row])
    case .int16: builder.append(RowReader<Int16>(vector)[row])
    case .int32: builder.append(RowReader<Int32>(vector)[row])
    case .int64: builder.append(RowReader<Int64>(vector)[row])
    case .float32: builder.append(RowReader<Float>(vector)[row])
    case .float64: builder.append(RowReader<Double>(vector)[row])
    case .string: RowReader<StringReference>(vector)[row].withBytes { builder.append(bytes: $0) }
    case .numeric: builder.append(RowReader<Numeric>(vector)[row])
    case .interval: builder.append(RowReader<Interval>(vector)[row])
    case .uuid: builder.append(RowReader<UUIDValue>(vector)[row])
    }
  }

  package override func merge(
    _ other: Accumulator, from source: UnsafePointer<UInt32>, into target: UnsafePointer<UInt32>, count: Int
  ) throws {
    let other = unsafeDowncast(other, to: FirstAccumulator.self)
    let values = other.builder.finish()
    for index in 0..<count {
      let place = other.places.base[Int(source[index])]
      if place != 0 { try take(values, Int(place) - 1, Int(target[index])) }
    }
  }

  package override func result(_ groups: UnsafeBufferPointer<UInt32>) throws -> Vector {
    let values = builder.finish()
    let rows = [Int32](unsafeUninitializedCapacity: groups.count) { buffer, used in
      for index in 0..<groups.count {
        buffer[index] = Int32(bitPattern: places.base[Int(groups[index])]) &- 1
      }
      used = groups.count
    }
    if values.count == 0 { return .nulls(type, count: groups.count) }
    return rows.withUnsafeBufferPointer { Gather.rows(values, orNull: $0) }
  }
}
