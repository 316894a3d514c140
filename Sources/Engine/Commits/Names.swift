import Bytes
import Vectors

/// A table's or view's schema and name, as folded by SQL.
package struct TableName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var schema: String
  package var name: String

  package init(_ schema: String, _ name: String) {
    self.schema = schema
    self.name = name
  }

  /// `schema.name`, quoted where SQL would need it.
  package var description: String { "\(Self.quotedIfNeeded(schema)).\(Self.quotedIfNeeded(name))" }

  /// The name the catalog files it under: always quoted, so that no two names share one.
  var catalogName: String { "\(Self.quoted(schema)).\(Self.quoted(name))" }

  package static func < (left: TableName, right: TableName) -> Bool {
    (left.schema, left.name) < (right.schema, right.name)
  }

  private static func quoted(_ identifier: String) -> String {
    var text = "\""
    for character in identifier.unicodeScalars {
      if character == "\"" { text.unicodeScalars.append(character) }
      text.unicodeScalars.append(character)
    }
    return text + "\""
  }

  /// An identifier, quoted where SQL would need it.
  static func quotedIfNeeded(_ identifier: String) -> String {
    let isPlain = identifier.utf8.enumerated().allSatisfy { index, byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "_")
        || (index > 0 && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte))
    }
    return isPlain && !identifier.isEmpty ? identifier : quoted(identifier)
  }
}

/// Tells one created table (or view, or state space) from every other, also from a later one of the same name.
///
/// Drawn at random when the thing is created, so that its files can be written before any commit knows of it.
package struct TableIdentifier: Hashable, Sendable, CustomStringConvertible {
  package var rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Draws a new identifier of 48 random bits.
  package static func random() -> TableIdentifier { TableIdentifier(rawValue: .random(in: 1..<(1 << 48))) }

  /// Twelve hexadecimal digits.
  package var description: String { String(hexadecimal(rawValue).suffix(12)) }
}

/// The number of a commit, which names the state of the whole warehouse after it. The first is 1.
package struct SnapshotID: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var number: UInt64

  package init(_ number: UInt64) { self.number = number }

  package static func < (left: SnapshotID, right: SnapshotID) -> Bool { left.number < right.number }

  package var description: String { String(number) }
}

/// A keyed store inside the warehouse that changes with its commits: the position of a source, the intervals of a
/// model, the records of runs.
package struct StateSpace: Hashable, Sendable, CustomStringConvertible {
  /// What kind of state: `source`, `model`, `run`.
  package var kind: String
  package var name: String
  /// True when two transactions may write to the space side by side, because each writes keys of its own.
  package var isShared: Bool

  package init(kind: String, name: String, isShared: Bool) {
    self.kind = kind
    self.name = name
    self.isShared = isShared
  }

  /// Where a source stands: file or partition to bytes. Two readers of one source at a time conflict, which is what
  /// keeps rows from being ingested twice.
  package static func source(_ name: String) -> StateSpace { StateSpace(kind: "source", name: name, isShared: false) }

  /// Where one partition of a source's topic stands: a space of its own, so that processes that share a topic conflict
  /// only over the same partition.
  package static func partition(of source: String, topic: String, _ number: Int32) -> StateSpace {
    StateSpace(kind: partitionKind, name: "\(source) \(topic)/\(number)", isShared: false)
  }

  package static let partitionKind = "partition"

  /// What is known of a model: its intervals, its last SQL.
  package static func model(_ name: String) -> StateSpace { StateSpace(kind: "model", name: name, isShared: false) }

  /// The records of runs, by run id.
  package static let runs = StateSpace(kind: "run", name: "", isShared: true)

  package var description: String { "\(kind):\(name)" }
}
