import Bytes
import Vectors

/// Another column of the row group that a block needs before it can be read.
package enum BlockNeed: Hashable {
  /// A column whose values are keys.
  case keys(column: Int)
  /// A column of integers that this one builds upon.
  case base(column: Int)
  /// A column that was tracked together with this one, and holds what both share.
  case leader(column: Int)
}

extension Block {
  /// What is missing before the block can be read; nil when nothing is, or no more.
  package var need: BlockNeed? {
    switch stream {
    case .keyedDelta(let stream): stream.hasKeys ? nil : .keys(column: stream.keyColumn)
    case .linked(let stream): stream.hasBase ? nil : .base(column: stream.baseColumn)
    case .tracked(let stream):
      stream.hasKeys
        ? stream.hasClasses ? nil : stream.leaderColumn.map { .leader(column: $0) }
        : .keys(column: stream.keyColumn)
    default: nil
    }
  }

  /// Gives a block that predicts by key the keys of the row group's rows.
  package func supplyKeys(_ keys: SuppliedKeys) throws(PulsehouseError) {
    switch stream {
    case .keyedDelta(let stream): try stream.supply(keys)
    case .tracked(let stream): try stream.supply(keys)
    default: break
    }
  }

  /// True for a block that others were tracked together with.
  package var isLeader: Bool {
    if case .tracked(let stream) = stream { return stream.leaderColumn == nil }
    return false
  }

  /// Gives a tracked block its leader, which has been validated.
  package func supplyLeader(_ leader: Block) throws(PulsehouseError) {
    guard case .tracked(let stream) = stream else { return }
    guard case .tracked(let leading) = leader.stream, leader.rowCount == rowCount else {
      throw BlockCursor.damaged("a leader that leads nothing")
    }
    try stream.supply(leading)
  }

  /// Gives a block that builds upon another column that column's block of the same row group.
  package func supplyBase(_ block: Block) throws(PulsehouseError) {
    guard case .linked(let stream) = stream else { return }
    try stream.supply(block)
  }

  /// True when each row has an integer, of whatever meaning under nulls.
  var hasIntegers: Bool {
    switch body {
    case .integers, .dictionary: [.int16, .int32, .int64].contains(type.physical)
    case .none, .decimal, .plain, .strings: false
    }
  }

  /// Bounds of all integers, those under nulls too; nil when none are known.
  var integerBounds: ClosedRange<Int64>? {
    guard case .integers = body, hasIntegers, header.minimum <= header.maximum else { return nil }
    return header.minimum...header.maximum
  }

  /// Decodes integers of a block that has some.
  func decodeIntegers(_ rows: Range<Int>, into out: UnsafeMutablePointer<Int64>) throws(PulsehouseError) {
    switch body {
    case .integers(let stream): try stream.decode(rows, into: out, scratch)
    case .dictionary(let values, let codes):
      try codes.decode(rows, into: out, scratch)
      look(up: out, rows.count, in: values)
    case .none, .decimal, .plain, .strings: throw PulsehouseError(.internal, "integers of a block that has none")
    }
  }

  /// Decodes the integers of the selected rows.
  func decodeIntegers(_ selection: UnsafeBufferPointer<UInt32>, into out: UnsafeMutablePointer<Int64>)
    throws(PulsehouseError)
  {
    switch body {
    case .integers(let stream): try stream.decode(selection, into: out, scratch)
    case .dictionary(let values, let codes):
      try codes.decode(selection, into: out, scratch)
      look(up: out, selection.count, in: values)
    case .none, .decimal, .plain, .strings: throw PulsehouseError(.internal, "integers of a block that has none")
    }
  }

  private func look(up codes: UnsafeMutablePointer<Int64>, _ count: Int, in values: Vector) {
    for index in 0..<count {
      let code = Int(codes[index])
      switch values.type.physical {
      case .int16: codes[index] = Int64(values.values(as: Int16.self)[code])
      case .int32: codes[index] = Int64(values.values(as: Int32.self)[code])
      default: codes[index] = values.values(as: Int64.self)[code]
      }
    }
  }
}
