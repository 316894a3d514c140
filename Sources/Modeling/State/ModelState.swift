import Bytes

/// What the warehouse remembers of a model that was built: what it said, what it read, and which intervals are there.
///
/// One entry of the model's state space. It is written in the commit that publishes the model's rows, so the two never
/// differ.
struct ModelState: Hashable, Sendable {
  static let key = "built"

  /// How far a relation had been read.
  struct ReadMark: Hashable, Sendable {
    /// Tells the table from another one of the same name.
    var identifier: UInt64
    /// The commit whose rows were read; nil for the very commit this state was written in.
    var snapshot: UInt64?
  }

  /// The model in a form that changes when, and only when, its rows may.
  var definition: String
  /// The SQL as written, to show what changed.
  var text: String
  var reads: [RelationName: ReadMark]
  /// The intervals that are built, merged and in order; empty for kinds without.
  var intervals: [IntervalRange]
  /// Intervals that a run began to build and did not come to; empty but for what an unfinished run left.
  var pending: [IntervalRange] = []

  /// Version 2 has pending intervals; without any it is version 1.
  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt8(pending.isEmpty ? 1 : 2))
    writer.append(definition)
    writer.append(text)
    writer.appendCount(reads.count)
    for (name, mark) in reads.sorted(by: { $0.key < $1.key }) {
      writer.append(name.schema)
      writer.append(name.name)
      writer.append(mark.identifier)
      writer.append(mark.snapshot != nil)
      if let snapshot = mark.snapshot { writer.append(snapshot) }
    }
    for list in pending.isEmpty ? [intervals] : [intervals, pending] {
      writer.appendCount(list.count)
      for range in list {
        writer.append(range.first)
        writer.append(range.last)
        writer.append(range.unit.rawValue)
      }
    }
    return writer.bytes
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt`; `.unsupported` for a newer version.
  static func decode(_ bytes: [UInt8], of model: RelationName) throws(PulsehouseError) -> ModelState {
    try ByteReader.reading(bytes, source: "state of \(model)") { reader throws(PulsehouseError) in
      let version = try reader.readUInt8()
      guard (1...2).contains(version) else {
        throw PulsehouseError(
          .unsupported, "the state of \(model) is of version \(version)",
          hint: "It was written by a newer pulsehouse.")
      }
      let definition = try reader.readString()
      var state = ModelState(definition: definition, text: try reader.readString(), reads: [:], intervals: [])
      for _ in 0..<(try reader.readCount()) {
        let schema = try reader.readString()
        let name = RelationName(schema, try reader.readString())
        let identifier = try reader.readUInt64()
        state.reads[name] = ReadMark(
          identifier: identifier, snapshot: try reader.readBool() ? try reader.readUInt64() : nil)
      }
      state.intervals = try intervals(&reader)
      if version > 1 { state.pending = try intervals(&reader) }
      try reader.expectEnd()
      return state
    }
  }

  private static func intervals(_ reader: inout ByteReader) throws(PulsehouseError) -> [IntervalRange] {
    var list: [IntervalRange] = []
    for _ in 0..<(try reader.readCount()) {
      let first = try reader.readInt64()
      let last = try reader.readInt64()
      guard let unit = IntervalUnit(rawValue: try reader.readString()), first <= last else {
        throw reader.corrupt("an interval that is none")
      }
      list.append(IntervalRange(first, last, unit))
    }
    return list
  }
}
