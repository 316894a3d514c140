import Bytes
import SQLSyntax

/// Errors as people see them: what, where (with a caret under the place in the SQL), and what to do.
package enum ErrorReport {
  /// Writes the error on standard error.
  package static func print(_ error: PulsehouseError, sql: String? = nil, firstLine: Int = 1) {
    Terminal.note(text(error, sql: sql, firstLine: firstLine))
  }

  package static func text(_ error: PulsehouseError, sql: String? = nil, firstLine: Int = 1) -> String {
    let label =
      switch error.kind {
      case .usage: "usage error"
      case .corrupt: "damaged"
      case .internal: "internal error"
      case .cancelled: "stopped"
      case .unsupported: "not supported"
      default: "error"
      }
    var place = ""
    if let file = error.file { place = error.line.map { "\(file):\($0): " } ?? "\(file): " }
    var lines = ["\(label): \(place)\(error.message)"]
    if let sql, let range = error.range, let caret = CaretRenderer.render(sql, range, firstLine: firstLine) {
      lines.append(caret)
    }
    if let detail = error.detail { lines.append("detail: \(detail)") }
    if let hint = error.hint { lines.append("hint: \(hint)") }
    return lines.joined(separator: "\n")
  }
}
