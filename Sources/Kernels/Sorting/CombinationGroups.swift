import Bytes
import Vectors

/// Groups rows by integer keys whose values lie so close together that a table has a slot for each combination.
enum CombinationGroups {
  /// Slots that a table has at most: so many for each row, or, where rows are few, so many in all.
  private static let slotsPerRow = 4
  private static let leastSlots = 1 << 10
  /// Of which a `UInt32` holds the number.
  private static let mostSlots = 1 << 30

  /// Returns each row's group, numbered as they first come, and how many groups there are; nil for keys that are no
  /// integers, have NULLs, or lie too far apart.
  static func number(_ keys: [Vector], rowCount: Int) -> ([UInt32], Int)? {
    guard rowCount > 0 else { return nil }
    let limit = UInt64(min(max(slotsPerRow * rowCount, leastSlots), mostSlots))
    var slotCount: UInt64 = 1
    var parts: [(key: Vector, least: Int64, factor: UInt64)] = []
    for key in keys where key.form != .constant {
      precondition(key.count == rowCount, "keys of different length")
      guard key.form == .flat, key.validity == nil, let bounds = bounds(key) else { return nil }
      // Exact without a sign; one more than the longest range would not fit.
      let span = UInt64(bitPattern: bounds.greatest &- bounds.least)
      guard span < limit, slotCount * (span + 1) <= limit else { return nil }
      parts.append((key, bounds.least, slotCount))
      slotCount *= span + 1
    }
    let places = AlignedBuffer(byteCount: rowCount * 4, zeroed: true)
    let place = places.values(as: UInt32.self)
    for part in parts {
      switch part.key.type.physical {
      case .int16: add(part.key.values(as: Int16.self), rowCount, part.least, part.factor, to: place)
      case .int32: add(part.key.values(as: Int32.self), rowCount, part.least, part.factor, to: place)
      default: add(part.key.values(as: Int64.self), rowCount, part.least, part.factor, to: place)
      }
    }
    // One more than the group of each combination; 0 where none has come.
    let slots = AlignedBuffer(byteCount: Int(slotCount) * 4, zeroed: true)
    let slot = slots.values(as: UInt32.self)
    var count: UInt32 = 0
    let numbers = [UInt32](unsafeUninitializedCapacity: rowCount) { numbers, used in
      used = rowCount
      var row = 0
      while row < rowCount {
        let known = slot[Int(place[row])]
        let isNew = UInt32(bit(known == 0))
        let number = known &+ isNew &* (count &+ 1)
        slot[Int(place[row])] = number
        numbers[row] = number &- 1
        count &+= isNew
        row &+= 1
      }
    }
    return (numbers, Int(count))
  }

  private static func bounds(_ key: Vector) -> (least: Int64, greatest: Int64)? {
    switch key.type.physical {
    case .int16: bounds(key.values(as: Int16.self), key.count)
    case .int32: bounds(key.values(as: Int32.self), key.count)
    case .int64: bounds(key.values(as: Int64.self), key.count)
    default: nil
    }
  }

  @inline(__always) private static func bounds<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafePointer<T>, _ count: Int
  ) -> (least: Int64, greatest: Int64) {
    let bounds = IntegerBounds.of(values, count)
    return (Int64(bounds.least), Int64(bounds.greatest))
  }

  @inline(__always) private static func add<T: FixedWidthInteger & BitwiseCopyable>(
    _ values: UnsafePointer<T>, _ count: Int, _ least: Int64, _ factor: UInt64, to places: UnsafeMutablePointer<UInt32>
  ) {
    let (low, factor) = (UInt32(truncatingIfNeeded: least), UInt32(truncatingIfNeeded: factor))
    var row = 0
    while row < count {
      // The difference is below the number of slots, so that its low bits are all of it.
      places[row] &+= (UInt32(truncatingIfNeeded: values[row]) &- low) &* factor
      row &+= 1
    }
  }
}
