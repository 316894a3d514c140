import Bytes
import Vectors

/// A column that JSON records fill: where its value stands in a record, and what it must be.
package struct JSONField: Sendable, Hashable {
  /// Keys from the outermost object inwards; at least one.
  package var path: [String]
  package var type: LogicalType

  package init(_ path: [String], _ type: LogicalType) {
    self.path = path
    self.type = type
  }

  /// Makes the field of a declared column.
  package init(_ column: SourceColumn) { self.init(column.path, column.type) }
}

/// How a leaf's text becomes a value.
enum JSONLeafKind: UInt8 {
  /// Checked, and dropped: no column wants it.
  case ignored
  case boolean, int16, int32, int64, float32, float64, numeric
  case text, varchar, char, date, time, timestamp, timestamptz, uuid, json

  init?(_ type: LogicalType) {
    switch type {
    case .boolean: self = .boolean
    case .smallint: self = .int16
    case .integer: self = .int32
    case .bigint: self = .int64
    case .real: self = .float32
    case .double: self = .float64
    case .numeric: self = .numeric
    case .text: self = .text
    case .varchar(let length): self = length == nil ? .text : .varchar
    case .char: self = .char
    case .date: self = .date
    case .time: self = .time
    case .timestamp: self = .timestamp
    case .timestamptz: self = .timestamptz
    case .uuid: self = .uuid
    case .json: self = .json
    case .bytea, .interval, .jsonb, .array, .enumeration, .record, .unknown: return nil
    }
  }
}

/// The paths of all fields as a tree in flat memory: node 0 is the record, children lie side by side in the order of
/// first mention. Immutable once made.
struct JSONTree {
  struct Node {
    /// The column whose path ends here, or -1.
    var column: Int
    var firstChild: Int
    var childCount: Int
    /// The key, in `keys`.
    var keyOffset: Int
    var keyLength: Int
    /// False for a key that JSON must escape: it never equals the bytes as they stand in a record.
    var isPlain: Bool
    /// The columns at and below this node, in `columns`.
    var columnOffset: Int
    var columnCount: Int
  }

  private(set) var nodes: [Node] = []
  private(set) var keys: [UInt8] = []
  private(set) var columns: [Int] = []

  /// Objects within objects that a record may have, known or not.
  static let depthLimit = 256

  private struct Draft {
    var key: [UInt8]
    var column = -1
    var children: [Int] = []
  }

  /// - Throws: `.user` for paths that clash, `.unsupported` for a type JSON cannot fill.
  init(_ fields: [JSONField]) throws(PulsehouseError) {
    var drafts = [Draft(key: [])]
    for (column, field) in fields.enumerated() {
      let words = field.path.joined(separator: ".")
      guard JSONLeafKind(field.type) != nil else {
        throw PulsehouseError(.unsupported, "a JSON field cannot be read as \(field.type.name): \(words)")
      }
      guard !field.path.isEmpty, field.path.count <= 64 else {
        throw PulsehouseError(.user, "a JSON path has 1 to 64 keys: \(words)")
      }
      var node = 0
      for name in field.path {
        let key = Array(name.utf8)
        if let child = drafts[node].children.first(where: { drafts[$0].key == key }) {
          node = child
        } else {
          drafts.append(Draft(key: key))
          drafts[node].children.append(drafts.count - 1)
          node = drafts.count - 1
        }
      }
      guard drafts[node].column < 0 else {
        throw PulsehouseError(.user, "two columns read the same JSON path: \(words)")
      }
      drafts[node].column = column
    }
    for draft in drafts where draft.column >= 0 && !draft.children.isEmpty && fields[draft.column].type != .json {
      let words = fields[draft.column].path.joined(separator: ".")
      throw PulsehouseError(
        .user, "\(words) is read as \(fields[draft.column].type.name), but other columns read paths inside it",
        hint: "Declare it as json, or leave it out.")
    }
    flatten(drafts)
  }

  private mutating func flatten(_ drafts: [Draft]) {
    // Breadth first, so that the children of a node are neighbours.
    var order = [0]
    var next = 0
    while next < order.count {
      order += drafts[order[next]].children
      next += 1
    }
    var places = [Int](repeating: 0, count: drafts.count)
    for (place, draft) in order.enumerated() { places[draft] = place }
    for index in order {
      let draft = drafts[index]
      let below = columnsBelow(index, drafts)
      nodes.append(
        Node(
          column: draft.column, firstChild: draft.children.first.map { places[$0] } ?? 0,
          childCount: draft.children.count, keyOffset: keys.count, keyLength: draft.key.count,
          isPlain: draft.key.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") },
          columnOffset: columns.count, columnCount: below.count))
      keys += draft.key
      columns += below
    }
  }

  private func columnsBelow(_ root: Int, _ drafts: [Draft]) -> [Int] {
    var found: [Int] = []
    var open = [root]
    while let index = open.popLast() {
      if drafts[index].column >= 0 { found.append(drafts[index].column) }
      open += drafts[index].children
    }
    return found
  }
}
