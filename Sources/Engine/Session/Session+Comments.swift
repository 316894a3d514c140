import Bytes
import Planning
import SQLSyntax
import Vectors

/// COMMENT ON.
extension Session {
  func comment(_ comment: Comment, _ work: StatementWork) throws {
    try inTransaction("COMMENT") { transaction in
      let target = try target(of: comment, transaction.snapshot, work)
      try transaction.setComment(target, comment.text)
    }
    try work.sink.finish(StatementOutcome("COMMENT"))
  }

  /// What a comment is about. - Throws: 42P01, 42703, 42704, 3F000 where there is no such thing, 42809 for another kind.
  private func target(
    of comment: Comment, _ snapshot: Snapshot, _ work: StatementWork
  ) throws -> CommentTarget {
    switch comment.target {
    case .relation(let kind, let name):
      return CommentTarget(.relation, try relation(name, kind, snapshot, work))
    case .column(let column, let name):
      let owner = try relation(name, nil, snapshot, work)
      let columns = snapshot.table(owner)?.definition.columns ?? snapshot.view(owner)?.definition.columns ?? []
      guard columns.contains(where: { $0.name == column }) else {
        throw PulsehouseError(
          .user, "column \"\(column)\" of relation \"\(owner.name)\" does not exist", sqlState: "42703",
          range: name.range.bytes)
      }
      return CommentTarget(.column, owner, part: column)
    case .constraint(let constraint, let name):
      let owner = try relation(name, .table, snapshot, work)
      guard try snapshot.table(owner)?.definition.constraints().contains(where: { $0.name == constraint }) == true
      else {
        throw PulsehouseError(
          .user, "constraint \"\(constraint)\" for table \"\(owner.name)\" does not exist", sqlState: "42704",
          range: name.range.bytes)
      }
      return CommentTarget(.constraint, owner, part: constraint)
    case .schema(let written):
      let name = ownSchema(written)
      guard snapshot.schemas.contains(name) || name == "public" else {
        throw PulsehouseError(.user, "schema \"\(written)\" does not exist", sqlState: "3F000")
      }
      return CommentTarget(.schema, TableName(name, ""))
    case .type(let name, let isDomain):
      guard let type = try existingType(name, snapshot) else {
        throw PulsehouseError(
          .user, "type \"\(name.name)\" does not exist", sqlState: "42704", range: name.range.bytes)
      }
      if isDomain, type.domain == nil {
        throw PulsehouseError(.user, "\"\(name.name)\" is not a domain", sqlState: "42809", range: name.range.bytes)
      }
      return CommentTarget(.type, TableName(type.schema, type.name))
    }
  }

  /// The relation of a name, held against the kind that was written; nil is a table or view.
  private func relation(
    _ name: QualifiedName, _ kind: SQLSyntax.Drop.Kind?, _ snapshot: Snapshot, _ work: StatementWork
  ) throws -> TableName {
    let shown: String
    switch kind {
    case .index:
      for schema in schemas(of: name) where try indexOwner(name.name, schema: schema, snapshot) != nil {
        return TableName(schema, name.name)
      }
      shown = "an index"
    case .sequence:
      if let sequence = try existingSequence(name, snapshot) { return sequence.name }
      shown = "a sequence"
    case .view: shown = "a view"
    case .materializedView: shown = "a materialized view"
    default: shown = "a table"
    }
    guard let found = existingName(name, snapshot) else {
      throw PulsehouseError(
        .user, "relation \"\(name.name)\" does not exist", sqlState: "42P01", range: name.range.bytes)
    }
    let isMaterialized = snapshot.table(found)?.definition.materializedQuery != nil
    let fits =
      switch kind {
      case nil: true
      case .table: snapshot.table(found) != nil && !isMaterialized
      case .view: snapshot.view(found) != nil
      case .materializedView: isMaterialized
      default: false
      }
    guard fits else {
      throw PulsehouseError(.user, "\"\(name.name)\" is not \(shown)", sqlState: "42809", range: name.range.bytes)
    }
    try work.scope.requireOwn(found)
    return found
  }
}
