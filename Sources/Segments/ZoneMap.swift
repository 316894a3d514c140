import Bytes
import Encodings
import Vectors

/// What is known of a column's values in a block, a row group or a segment without reading them.
package struct ZoneMap: Sendable, Hashable {
  package var rowCount: Int
  package var nullCount: Int
  /// The least non-null value, or a bound below it; NULL when there is none or it is unknown.
  package var minimum: Scalar
  /// The greatest non-null value, or a bound above it; NULL when there is none or it is unknown. NaN is the greatest.
  package var maximum: Scalar
  /// True when `minimum` and `maximum` are values of the column, so that min() and max() may be answered by them. False
  /// for long strings, whose bounds are cut.
  package var boundsAreExact: Bool
  /// About how many different non-null values there are; nil when nobody counted.
  package var distinctEstimate: Int?
  /// The exact sum of the non-null values of a smallint, integer or bigint column; nil for other types.
  package var sum: Int128?

  package init(
    rowCount: Int, nullCount: Int, minimum: Scalar = .null, maximum: Scalar = .null, boundsAreExact: Bool = true,
    distinctEstimate: Int? = nil, sum: Int128? = nil
  ) {
    self.rowCount = rowCount
    self.nullCount = nullCount
    self.minimum = minimum
    self.maximum = maximum
    self.boundsAreExact = boundsAreExact
    self.distinctEstimate = distinctEstimate
    self.sum = sum
  }

  /// What is known of no rows at all.
  package static let empty = ZoneMap(rowCount: 0, nullCount: 0, distinctEstimate: 0)

  /// True when there are non-null values whose bounds are known.
  package var hasBounds: Bool { !minimum.isNull && !maximum.isNull }

  /// True when the bounds say that some value here is below one of `other`, so that these rows cannot follow those in
  /// ascending order. Bounds that were cut may say so wrongly.
  package func falls(below other: ZoneMap) -> Bool {
    hasBounds && other.hasBounds && (ScalarOrder.compare(minimum, other.maximum) ?? 0) < 0
  }

  /// Returns what is known of the rows of both.
  package func merged(with other: ZoneMap) -> ZoneMap {
    if rowCount == 0 { return other }
    if other.rowCount == 0 { return self }
    var result = ZoneMap(rowCount: rowCount + other.rowCount, nullCount: nullCount + other.nullCount)
    let selfIsNull = nullCount == rowCount
    let otherIsNull = other.nullCount == other.rowCount
    if selfIsNull || otherIsNull {
      let known = selfIsNull ? other : self
      result.minimum = known.minimum
      result.maximum = known.maximum
      result.boundsAreExact = known.boundsAreExact
      result.distinctEstimate = known.distinctEstimate
    } else {
      result.boundsAreExact = boundsAreExact && other.boundsAreExact
      if hasBounds && other.hasBounds {
        result.minimum = (ScalarOrder.compare(minimum, other.minimum) ?? 0) <= 0 ? minimum : other.minimum
        result.maximum = (ScalarOrder.compare(maximum, other.maximum) ?? 0) >= 0 ? maximum : other.maximum
      } else {
        result.boundsAreExact = false
      }
      if let left = distinctEstimate, let right = other.distinctEstimate {
        result.distinctEstimate = mergedDistinct(left, right, other)
      }
    }
    if let left = sum, let right = other.sum {
      let (total, overflow) = left.addingReportingOverflow(right)
      result.sum = overflow ? nil : total
    }
    return result
  }

  /// Disjoint ranges have no value in common; overlapping ones are taken to share all, capped by an integer range.
  private func mergedDistinct(_ left: Int, _ right: Int, _ other: ZoneMap) -> Int {
    let areDisjoint =
      (ScalarOrder.compare(maximum, other.minimum) ?? 0) < 0 || (ScalarOrder.compare(other.maximum, minimum) ?? 0) < 0
    if areDisjoint { return left + right }
    // A value that fills its row group without repeating (a key, a time) goes on doing so.
    let leftRows = max(rowCount - nullCount, 1)
    let rightRows = max(other.rowCount - other.nullCount, 1)
    if left > leftRows / 2 && right > rightRows / 2 { return left + right }
    return max(left, right)
  }
}

extension ZoneMap {
  /// Appends the zone map's bytes; `FORMAT.md` has the layout.
  package func encode(into writer: inout ByteWriter) {
    let hasDistinct = distinctEstimate != nil
    let flags: UInt8 =
      (boundsAreExact ? 1 : 0) | (hasDistinct ? 2 : 0) | (sum != nil ? 4 : 0)
    writer.append(flags)
    writer.appendCount(rowCount)
    writer.appendCount(nullCount)
    if let distinctEstimate { writer.appendCount(distinctEstimate) }
    if let sum {
      writer.append(UInt64(truncatingIfNeeded: sum))
      writer.append(UInt64(truncatingIfNeeded: sum >> 64))
    }
    ScalarCoding.encode(minimum, into: &writer)
    ScalarCoding.encode(maximum, into: &writer)
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt`.
  package static func decode(from reader: inout ByteReader) throws(PulsehouseError) -> ZoneMap {
    let flags = try reader.readUInt8()
    guard flags < 8 else { throw reader.corrupt("a zone map with unknown flags") }
    let rowCount = try readCount(&reader)
    let nullCount = try readCount(&reader)
    guard nullCount <= rowCount else { throw reader.corrupt("more nulls than rows in a zone map") }
    var map = ZoneMap(rowCount: rowCount, nullCount: nullCount)
    map.boundsAreExact = flags & 1 != 0
    if flags & 2 != 0 { map.distinctEstimate = try readCount(&reader) }
    if flags & 4 != 0 {
      let low = try reader.readUInt64()
      let high = try reader.readUInt64()
      map.sum = Int128(Int64(bitPattern: high)) << 64 | Int128(low)
    }
    map.minimum = try ScalarCoding.decode(from: &reader)
    map.maximum = try ScalarCoding.decode(from: &reader)
    return map
  }

  private static func readCount(_ reader: inout ByteReader) throws(PulsehouseError) -> Int {
    let value = try reader.readVarint()
    guard value < 1 << 48 else { throw reader.corrupt("a count of \(value)") }
    return Int(value)
  }
}
