import Bytes
import Vectors

/// What COMMENT ON says of things: entries of one state space, by what they are about.
///
/// They go by names, so that a table that a run makes anew keeps what was said of it; whoever renames or drops a thing by
/// SQL sees to its comments.
struct CommentTarget: Hashable, Sendable {
  enum Kind: String, Sendable {
    case relation, column, constraint, schema, type
  }
  var kind: Kind
  /// The relation, the schema (with no name), or a type, by schema and name.
  var owner: TableName
  /// The column or the constraint.
  var part = ""

  var key: String { [kind.rawValue, owner.schema, owner.name, part].joined(separator: String(Self.separator)) }

  private static let separator: Character = "\u{1F}"

  init(_ kind: Kind, _ owner: TableName, part: String = "") {
    self.kind = kind
    self.owner = owner
    self.part = part
  }

  /// Nil for a key of a kind that a newer version wrote.
  init?(key: String) {
    let parts = key.split(separator: Self.separator, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4, let kind = Kind(rawValue: parts[0]) else { return nil }
    self.init(kind, TableName(parts[1], parts[2]), part: parts[3])
  }
}

extension StateSpace {
  /// Every comment's text, by `CommentTarget.key`.
  static let comments = StateSpace(kind: "comment", name: "", isShared: true)
}

extension Snapshot {
  /// All comments.
  func comments() throws(PulsehouseError) -> [CommentTarget: String] {
    var result: [CommentTarget: String] = [:]
    for (key, value) in try entries(of: .comments) {
      if let target = CommentTarget(key: key) { result[target] = String(decoding: value, as: UTF8.self) }
    }
    return result
  }
}

extension Transaction {
  /// Says something of a thing, or with nil nothing any more.
  func setComment(_ target: CommentTarget, _ text: String?) throws {
    if let text {
      try apply(.putState(.comments, key: target.key, value: Array(text.utf8)))
    } else if try snapshot.entry(of: .comments, key: target.key) != nil {
      try apply(.removeState(.comments, key: target.key))
    }
  }

  /// Lets comments follow to what `rename` says, nil being nowhere; those for which it gives the same stay.
  func moveComments(_ rename: (CommentTarget) -> CommentTarget?) throws {
    for (target, text) in try snapshot.comments() {
      let new = rename(target)
      if new == target { continue }
      try setComment(target, nil)
      if let new { try setComment(new, text) }
    }
  }

  /// Forgets what was said of a relation and its parts.
  func dropComments(of relation: TableName) throws {
    try moveComments { $0.owner == relation && $0.kind != .schema && $0.kind != .type ? nil : $0 }
  }

  /// Lets what was said of a relation and its parts follow to its new name.
  func moveComments(of relation: TableName, to new: TableName) throws {
    try moveComments { target in
      guard target.owner == relation, target.kind != .schema, target.kind != .type else { return target }
      var moved = target
      moved.owner = new
      return moved
    }
  }
}
