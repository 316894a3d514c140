import Vectors

/// Some of the rows that an audit blames, each value in the text SQL gives it.
package struct AuditSample: Sendable {
  package var columns: [Field] = []
  /// Nil is NULL.
  package var rows: [[String?]] = []

  package init() {}

  /// Asks for the first rows of `query`.
  static func take(_ query: String, limit: Int, _ session: any ModelSession) throws -> AuditSample {
    var sample = AuditSample()
    sample.columns = try session.query("SELECT * FROM (\(query)\n) AS failing LIMIT 0").columns
    let texts = sample.columns.enumerated().map { index, _ in "CAST(failing.value\(index + 1) AS TEXT)" }
    let names = sample.columns.indices.map { "value\($0 + 1)" }
    let answer = try session.query(
      "SELECT \(texts.joined(separator: ", ")) FROM (\(query)\n) AS failing(\(names.joined(separator: ", "))) LIMIT \(limit)"
    )
    sample.rows = answer.rows.map { row in
      row.map { value in
        if case .text(let text) = value { return text }
        return nil
      }
    }
    return sample
  }

  /// Returns the statement that makes a table of the rows.
  func statement(creating name: RelationName) -> String {
    let values = columns.enumerated().map { index, field in
      "CAST(kept.value\(index + 1) AS \(field.type.name)) AS \(RelationName.quoted(field.name))"
    }
    let names = columns.indices.map { "value\($0 + 1)" }
    let lines = rows.map { row in
      "("
        + row.map { $0.map { "'" + $0.replacing("'", with: "''") + "'" } ?? "CAST(NULL AS TEXT)" }.joined(
          separator: ", ")
        + ")"
    }
    return "CREATE TABLE \(name.sql) AS\nSELECT \(values.joined(separator: ", "))\n"
      + "FROM (VALUES\n  \(lines.joined(separator: ",\n  "))\n) AS kept(\(names.joined(separator: ", ")))"
  }
}
