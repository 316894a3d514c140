import Bytes
import CKernels

/// Integers as differences to the last row with the same key, where the key is another column of the row group; the
/// first row of each key differs from a base.
///
/// Rows can only be decoded in order from the first, so the whole block is decoded once, when rows of many keys are
/// wanted; for a few rows of a few keys only those keys' chains are followed.
final class KeyedDeltaStream {
  let count: Int
  /// The column whose values are the keys.
  let keyColumn: Int
  let base: Int64
  /// Zigzag differences, a code per row.
  let differences: PackedStream
  /// The keys of all rows, once supplied.
  private var keys: SuppliedKeys?
  /// All values, once decoded.
  private var values: AlignedBuffer?

  init(_ cursor: inout BlockCursor, count: Int) throws(PulsehouseError) {
    self.count = count
    keyColumn = Int(try cursor.load(UInt32.self))
    base = try cursor.load(Int64.self)
    differences = try PackedStream(&cursor, count: count)
  }

  var hasKeys: Bool { keys != nil }

  /// Takes the keys of the row group's rows.
  func supply(_ keys: SuppliedKeys) throws(PulsehouseError) { self.keys = try keys.checked(for: count) }

  /// Returns all values, decoding them the first time.
  func allValues(_ scratch: DecodeScratch) throws(PulsehouseError) -> UnsafePointer<Int64> {
    if let values { return UnsafePointer(values.values(as: Int64.self)) }
    guard let keys else { throw PulsehouseError(.internal, "a keyed block read before its keys") }
    let output = AlignedBuffer(byteCount: (count + 1024) * 8)
    let narrow = try keys.narrow()
    switch narrow.width {
    case 1: chain(narrow.codes.assumingMemoryBound(to: UInt8.self), keys.greatest, output, scratch)
    case 2: chain(narrow.codes.assumingMemoryBound(to: UInt16.self), keys.greatest, output, scratch)
    case 4: chain(narrow.codes.assumingMemoryBound(to: UInt32.self), keys.greatest, output, scratch)
    default: chain(narrow.codes.assumingMemoryBound(to: UInt64.self), keys.greatest, output, scratch)
    }
    values = output
    return UnsafePointer(output.values(as: Int64.self))
  }

  func dropValues() { values = nil }

  @inline(__always) private func chain<Key: FixedWidthInteger & UnsignedInteger>(
    _ keys: UnsafePointer<Key>, _ maximumKey: UInt64, _ output: AlignedBuffer, _ scratch: DecodeScratch
  ) {
    let slots = Int(maximumKey) + 1
    let table = AlignedBuffer(byteCount: slots * 8)
    let last = table.values(as: Int64.self)
    last.update(repeating: base, count: slots)
    let values = output.values(as: Int64.self)
    for vector in 0..<differences.vectorCount {
      let start = vector << 10
      let out = values + start
      differences.decode(vector, into: out, scratch)
      DeltaStream.unzigzag(out)
      let length = differences.length(vector)
      var index = 0
      while index < length {
        let key = min(Int(truncatingIfNeeded: keys[start &+ index]), slots &- 1)
        let value = last[key] &+ out[index]
        last[key] = value
        out[index] = value
        index &+= 1
      }
    }
    withExtendedLifetime(table) {}
  }

  /// Unpacking a vector costs about as much as picking a dozen codes one by one.
  private static let mostPicked = 12

  /// Decodes the selected rows (ascending) by following the chains of their keys; false when there are too many keys or
  /// all values are there already.
  func followChains<T: FixedWidthInteger>(
    _ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<T>, _ scratch: DecodeScratch
  ) -> Bool {
    guard values == nil, let keys, let last = selection.last, selection.count <= count / 16,
      let wanted = keys.few(of: selection)
    else { return false }
    for key in wanted {
      var value = base
      switch keys.rows(of: key, below: Int(last) + 1) {
      case .ranges(let ranges):
        KeyRows.byVector(ranges, selection) { rows in
          let values = unzigzagged(rows, scratch)
          for index in 0..<rows.count {
            value &+= values[index]
            values[index] = value
          }
          return UnsafePointer(values)
        } take: {
          out[$0] = T(truncatingIfNeeded: $1)
        }
      case .bits(let bitmap):
        bitmap.forEach(selection) { row in
          value &+= difference(differences.code(at: row))
          return value
        } take: {
          out[$0] = T(truncatingIfNeeded: $1)
        }
      }
    }
    return true
  }

  /// Returns the differences of rows of one vector, in scratch memory.
  private func unzigzagged(_ rows: Range<Int>, _ scratch: DecodeScratch) -> UnsafeMutablePointer<Int64> {
    let values = scratch.values
    if rows.count <= KeyedDeltaStream.mostPicked {
      for (index, row) in rows.enumerated() { values[index] = difference(differences.code(at: row)) }
      return values
    }
    differences.decode(rows.lowerBound >> 10, into: values, scratch)
    DeltaStream.unzigzag(values)
    return values + (rows.lowerBound & 1023)
  }

  @inline(__always) private func difference(_ code: UInt64) -> Int64 {
    Int64(bitPattern: (code &>> 1) ^ (0 &- (code & 1)))
  }
}
