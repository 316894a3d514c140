import Bytes
import Engine

/// A model, whole or some of its intervals, that a run has built and not published: what the next run takes over when
/// that one never ends.
///
/// Its table lies in the schema `unfinished`, and what is said of it here in the state space `StateSpace.unfinished`, by
/// the model's name. Both are committed while the run goes on, and removed when a run publishes the model.
package struct UnfinishedModel: Sendable {
  package var name: RelationName
  /// Tells the table the run made from others of its name: what later models of the run say they have read.
  var identifier: UInt64
  /// The model's table before the run, as everybody saw it; nil for none.
  var before: RelationVersion?
  /// What the run was asked for of this model, beside what was outdated; empty for nothing.
  var request: String
  /// Microseconds since 1970 UTC.
  package var savedAt: Int64
  var state: ModelState
  /// The run, with this model alone where that was done.
  package var record: RunRecord

  /// How long nobody need come for it.
  static let mostSeconds: Int64 = 7 * 86_400

  /// The name its table lies under.
  static func aside(_ name: RelationName, in environment: Environment?) -> TableName {
    TableName(Session.asideSchema, (environment.map { "\($0):" } ?? "") + name.description)
  }

  func encode() -> [UInt8] {
    var writer = ByteWriter()
    writer.append(UInt8(1))
    writer.append(name.schema)
    writer.append(name.name)
    writer.append(identifier)
    writer.append(before != nil)
    if let before {
      writer.append(before.identifier)
      writer.append(before.changedAt)
    }
    writer.append(request)
    writer.append(savedAt)
    writer.append(state.encode())
    writer.append(record.encode())
    return writer.bytes
  }

  /// Reads what `encode` wrote. - Throws: `.corrupt`; `.unsupported` for a newer version.
  static func decode(_ bytes: [UInt8], key: String) throws(PulsehouseError) -> UnfinishedModel {
    try ByteReader.reading(bytes, source: "unfinished model \(key)") { reader throws(PulsehouseError) in
      guard try reader.readUInt8() == 1 else {
        throw PulsehouseError(
          .unsupported, "what is known of the unfinished model \(key) is of another version",
          hint: "It was written by a newer pulsehouse.")
      }
      let schema = try reader.readString()
      let name = RelationName(schema, try reader.readString())
      let identifier = try reader.readUInt64()
      var before: RelationVersion?
      if try reader.readBool() {
        let identifier = try reader.readUInt64()
        before = RelationVersion(identifier: identifier, changedAt: try reader.readUInt64())
      }
      let request = try reader.readString()
      let savedAt = try reader.readInt64()
      let state = try ModelState.decode(try reader.readBytes(), of: name)
      let record = try RunRecord(decoding: try reader.readBytes(), key: key)
      try reader.expectEnd()
      return UnfinishedModel(
        name: name, identifier: identifier, before: before, request: request, savedAt: savedAt, state: state,
        record: record)
    }
  }

  /// Everything that unfinished runs have left, by model.
  package static func all(in snapshot: Snapshot, _ environment: Environment?) throws(PulsehouseError)
    -> [RelationName: UnfinishedModel]
  {
    var found: [RelationName: UnfinishedModel] = [:]
    for (key, value) in try snapshot.entries(of: .unfinished(environment)) {
      let model = try decode(value, key: key)
      if snapshot.table(aside(model.name, in: environment)) != nil { found[model.name] = model }
    }
    return found
  }

  /// Removes what nobody will come for: of these models, of those published since, and what is older than a week.
  ///
  /// - Parameter now: microseconds since 1970 UTC.
  static func forget(_ done: Set<RelationName>, in warehouse: Warehouse, _ environment: Environment?, now: Int64) throws
  {
    let snapshot = try warehouse.snapshot()
    let left = try all(in: snapshot, environment).values.filter { model in
      done.contains(model.name) || model.savedAt < now - mostSeconds * 1_000_000
        || snapshot.version(of: snapshot.resolve(model.name.tableName, in: environment)) != model.before
    }
    try warehouse.forgetAside(
      left.map { (aside($0.name, in: environment), $0.name.description) }, in: .unfinished(environment))
  }
}

extension StateSpace {
  static let unfinishedKind = "unfinished"

  /// What runs have set aside, by model; runs side by side write to it.
  static func unfinished(_ environment: Environment?) -> StateSpace {
    StateSpace(kind: unfinishedKind, name: environment?.name ?? "", isShared: true)
  }
}
