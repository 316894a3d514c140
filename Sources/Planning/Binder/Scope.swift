import Bytes
import SQLSyntax
import Vectors

/// The names one query level can see; those of enclosing queries are in `parent`.
final class Scope {
  let parent: Scope?
  var relations: [ScopeRelation] = []
  /// What a bare name or `*` means: the columns in order, those merged by USING once.
  var visible: [VisibleColumn] = []
  var commonTables: [String: CommonTableBinding] = [:]
  /// Where the subquery stands that is being bound below this level; nil where none is in an expression.
  var subqueryStage: Stage?
  /// True where FROM reads the rows of the turn before, of WITH RECURSIVE.
  var readsLastTurn = false

  init(parent: Scope?) { self.parent = parent }

  func commonTable(_ name: String) -> CommonTableBinding? {
    commonTables[name] ?? parent?.commonTable(name)
  }
}

/// One name in FROM.
struct ScopeRelation {
  var schema: String?
  var name: String
  var columns: [VisibleColumn]
  /// Of a function that gives one value a row: its name stands for the value, not for a row.
  var isScalar = false
  /// Of the side of an outer join that rows may lack: a column that is NULL only there.
  var presence: Expression?
}

struct VisibleColumn {
  var name: String
  /// The relation's name, for messages; nil for a merged column.
  var relation: String?
  /// A column, or for one merged by a full join the first of two that is not NULL.
  var expression: Expression
  /// True for one that `*` leaves out.
  var isHidden = false

  /// The name as a message shows it.
  var displayName: String { relation.map { "\($0).\(name)" } ?? name }
}

enum CommonTableBinding {
  /// `shown`: columns that hold an order beside the value they show, and that value's type.
  case bound(SharedPlan, names: [String], isInlined: Bool, shown: [Int: LogicalType])
  /// A statement that returns no rows.
  case withoutRows
  /// The table that is being defined, where it may not be named yet.
  case recursive
  /// The table that is being defined, in the part that may name it.
  case working(WorkingTable)
}

/// What a FROM clause or a part of it gives.
struct FromItem {
  var plan: LogicalPlan
  var relations: [ScopeRelation]
  var visible: [VisibleColumn]
}

extension FromItem {
  /// Changes the columns of its one relation, each told its place.
  mutating func mapColumns(_ change: (Int, inout VisibleColumn) -> Void) {
    for index in visible.indices { change(index, &visible[index]) }
    for relation in relations.indices { relations[relation].columns = visible }
  }
}

/// A bound query: its rows, and the names of its columns.
struct BoundQuery {
  var plan: LogicalPlan
  var names: [String]
  /// Columns that hold an order beside the value they show, and that value's type.
  var shown: [Int: LogicalType] = [:]

  var columns: [Column] { plan.output }
}

/// What the recursive part of a WITH RECURSIVE query reads: the rows that its last turn made.
final class WorkingTable {
  let id: Int
  let columns: [Column]
  let names: [String]
  /// How many of the columns `*` gives.
  let visibleCount: Int
  var readerCount = 0

  init(id: Int, _ columns: [Column], _ names: [String], visibleCount: Int) {
    self.id = id
    self.visibleCount = visibleCount
    self.columns = columns
    self.names = names
  }
}

extension Scope {
  enum Resolution {
    case found(VisibleColumn, isOuter: Bool)
    case none
  }

  /// Resolves `a`, `t.a` or `s.t.a`, from this level outwards.
  ///
  /// - Throws: 42702 for a name with several meanings at one level, 42P01 and 42703 for one without any.
  func resolve(_ path: [String], _ range: SourceRange) throws -> (VisibleColumn, isOuter: Bool) {
    guard let name = path.last else { throw BinderError.user("42601", "a column needs a name", range) }
    if path.count > 3 {
      throw BinderError.user("42601", "improper qualified name (too many dotted names)", range)
    }
    var scope: Scope? = self
    var hasRelation = false
    while let current = scope {
      let isOuter = current !== self
      if path.count == 1 {
        let matches = current.visible.filter { $0.name == name }
        if matches.count > 1 {
          throw BinderError.user("42702", "column reference \"\(name)\" is ambiguous", range)
        }
        if let match = matches.first { return (match, isOuter) }
      } else if let relation = current.relation(path.dropLast()) {
        hasRelation = true
        if path.count == 2, current.relations.count(where: { $0.name == relation.name }) > 1 {
          throw BinderError.user("42P09", "table reference \"\(relation.name)\" is ambiguous", range)
        }
        let matches = relation.columns.filter { $0.name == name }
        if matches.count > 1 {
          throw BinderError.user("42702", "column reference \"\(name)\" is ambiguous", range)
        }
        if let match = matches.first { return (match, isOuter) }
        break
      }
      scope = current.parent
    }
    throw missing(path, range, hasRelation: hasRelation)
  }

  func relation(_ path: ArraySlice<String>) -> ScopeRelation? {
    guard let name = path.last else { return nil }
    return relations.first { $0.name == name && (path.count == 1 || $0.schema == path.first) }
  }

  /// How many levels out the column or the row is that a path names; nil for what is nowhere.
  func level(of path: [String]) -> Int? {
    func first(where isThere: (Scope) -> Bool) -> Int? {
      var scope: Scope? = self
      var level = 0
      while let current = scope {
        if isThere(current) { return level }
        scope = current.parent
        level += 1
      }
      return nil
    }
    if path.count > 1 { return first { $0.relation(path.dropLast()) != nil } }
    // A name means a column wherever there is one, and only then a row.
    return first { scope in scope.visible.contains { $0.name == path[0] } } ?? first { $0.relation(path[...]) != nil }
  }

  /// The relation that a path names as a whole: where no level has a column of that name.
  func wholeRow(_ path: [String]) -> (relation: ScopeRelation, isOuter: Bool)? {
    var scope: Scope? = self
    while path.count == 1, let current = scope {
      if current.visible.contains(where: { $0.name == path[0] }) { return nil }
      scope = current.parent
    }
    scope = self
    while let current = scope {
      if let relation = current.relation(path[...]) { return (relation, current !== self) }
      scope = current.parent
    }
    return nil
  }

  private func missing(_ path: [String], _ range: SourceRange, hasRelation: Bool) -> PulsehouseError {
    let name = path[path.count - 1]
    var known: [VisibleColumn] = []
    var names: [String] = []
    var scope: Scope? = self
    while let current = scope {
      known += current.relations.flatMap(\.columns)
      names += current.relations.map(\.name)
      scope = current.parent
    }
    if path.count > 1, !hasRelation {
      let qualifier = path[path.count - 2]
      return BinderError.user(
        "42P01", "missing FROM-clause entry for table \"\(qualifier)\"", range,
        hint: Spelling.nearest(to: qualifier, among: names).map { "Perhaps you meant the table \"\($0)\"." })
    }
    if path.count > 1 {
      let qualifier = path[path.count - 2]
      let own = known.filter { $0.relation == qualifier }
      return BinderError.user(
        "42703", "column \(qualifier).\(name) does not exist", range,
        hint: Spelling.nearest(to: name, among: own.map(\.name)).map {
          "Perhaps you meant to reference the column \"\(qualifier).\($0)\"."
        })
    }
    let near = Spelling.nearest(to: name, among: known.map(\.name))
    let match = near.flatMap { near in known.first { $0.name == near } }
    return BinderError.user(
      "42703", "column \"\(name)\" does not exist", range,
      hint: match.map { "Perhaps you meant to reference the column \"\($0.displayName)\"." })
  }
}
