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
}

extension AuditOutcome {
  /// Returns the statement that makes a table of the failing rows, whole; columns of one name get a number behind it.
  func statement(keepingIn name: RelationName, limit: Int) -> String {
    var taken: Set<String> = []
    let names = sample.columns.map { field in
      var unique = field.name
      var number = 1
      while !taken.insert(unique).inserted {
        number += 1
        unique = "\(field.name)_\(number)"
      }
      return RelationName.quoted(unique)
    }
    return
      "CREATE TABLE \(name.sql) AS\nSELECT * FROM (\n\(query)\n) AS failing(\(names.joined(separator: ", ")))\nLIMIT \(limit)"
  }
}
