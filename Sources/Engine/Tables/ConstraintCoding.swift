import Bytes
import Planning

/// Constraints and indexes as the catalog keeps them: a property of the table for each, `constraint/<name>`, whose value
/// is the kind and its columns (or the condition) with U+001F between. A foreign key that says what becomes of the rows is
/// of a kind of its own, so that programs which do not know that leave its table alone.
extension TableDefinition {
  private static let prefix = "constraint/"
  private static let foreignKey = "foreign key"
  private static let actingForeignKey = "foreign key with actions"
  private static let separator: Character = "\u{1F}"

  /// In order of their names.
  ///
  /// - Throws: `.unsupported` for a kind that a newer version wrote: its rule could not be kept.
  func constraints() throws(PulsehouseError) -> [TableConstraint] {
    var result: [TableConstraint] = []
    for (key, value) in properties where key.hasPrefix(Self.prefix) {
      let name = String(key.dropFirst(Self.prefix.count))
      let parts = value.split(separator: Self.separator, omittingEmptySubsequences: false).map(String.init)
      let rest = Array(parts.dropFirst())
      switch parts[0] {
      case "primary key": result.append(TableConstraint(name: name, kind: .primaryKey(rest)))
      case "unique": result.append(TableConstraint(name: name, kind: .unique(rest, nullsAreDistinct: true)))
      case "unique nulls not distinct":
        result.append(TableConstraint(name: name, kind: .unique(rest, nullsAreDistinct: false)))
      case "check": result.append(TableConstraint(name: name, kind: .check(rest.first ?? "")))
      case Self.foreignKey, Self.actingForeignKey:
        let isActing = parts[0] == Self.actingForeignKey
        let length = isActing ? 5 : 3
        guard let count = rest.first.flatMap({ Int($0) }), count > 0, rest.count == length + 2 * count else {
          throw PulsehouseError(.corrupt, "the foreign key \"\(name)\" cannot be read")
        }
        let referenced =
          rest[1].isEmpty && rest[2].isEmpty ? nil : ForeignKeyRule.Referenced(schema: rest[1], name: rest[2])
        let key = ForeignKeyRule(
          columns: Array(rest[3..<3 + count]), referenced: referenced,
          referencedColumns: Array(rest[(3 + count)..<(3 + 2 * count)]),
          onDelete: isActing ? ForeignKeyRule.Action(rawValue: rest[rest.count - 2]) : nil,
          onUpdate: isActing ? ForeignKeyRule.Action(rawValue: rest[rest.count - 1]) : nil)
        result.append(TableConstraint(name: name, kind: .foreignKey(key)))
      case "index": result.append(TableConstraint(name: name, kind: .index(rest)))
      default: throw PulsehouseError(.unsupported, "the constraint \"\(name)\" of kind \(parts[0])")
      }
    }
    return result.sorted { $0.name < $1.name }
  }

  /// True where `constraints` has a foreign key: told without reading the others.
  var hasForeignKeys: Bool {
    properties.contains { $0.key.hasPrefix(Self.prefix) && $0.value.hasPrefix(Self.foreignKey) }
  }

  /// Replaces all constraints.
  mutating func setConstraints(_ constraints: [TableConstraint]) {
    for key in properties.keys where key.hasPrefix(Self.prefix) { properties[key] = nil }
    for constraint in constraints {
      let parts: [String]
      switch constraint.kind {
      case .primaryKey(let columns): parts = ["primary key"] + columns
      case .unique(let columns, let nullsAreDistinct):
        parts = [nullsAreDistinct ? "unique" : "unique nulls not distinct"] + columns
      case .check(let condition): parts = ["check", condition]
      case .index(let columns): parts = ["index"] + columns
      case .foreignKey(let key):
        let referenced = [key.referenced?.schema ?? "", key.referenced?.name ?? ""]
        let names = [String(key.columns.count)] + referenced + key.columns + key.referencedColumns
        let actions = [key.onDelete, key.onUpdate]
        parts =
          actions.allSatisfy { $0 == nil }
          ? [Self.foreignKey] + names : [Self.actingForeignKey] + names + actions.map { $0?.rawValue ?? "" }
      }
      properties[Self.prefix + constraint.name] = parts.joined(separator: String(Self.separator))
    }
  }
}
