import Bytes
import Planning
import Testing
import Vectors

/// Type resolution held against what PostgreSQL 15 says.
struct TypeTests {
  private static let codes: [(String, String)] = [
    ("boolean", "bo"), ("smallint", "i2"), ("integer", "i4"), ("bigint", "i8"), ("real", "f4"),
    ("double precision", "f8"), ("numeric", "nu"), ("text", "tx"), ("character varying", "vc"), ("character", "ch"),
    ("date", "da"), ("time without time zone", "ti"), ("timestamp without time zone", "ts"),
    ("timestamp with time zone", "tz"), ("interval", "iv"), ("uuid", "uu"), ("json", "js"), ("jsonb", "jb"),
  ]

  private static let operands = TypeGoldens.columns.map(\.0) + ["'1'"]

  private func code(of expression: String) -> String {
    do {
      let type = try physicalPlan("SELECT \(expression) AS x FROM s").root.output[0].type
      let name = String(type.name.prefix { $0 != "(" })
      return TypeTests.codes.first { $0.0 == name }?.1 ?? name
    } catch let error as PulsehouseError {
      return error.kind == .unsupported ? "--" : ".."
    } catch {
      return "\(error)"
    }
  }

  private func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

  @Test func operatorsCaseAndCasts() {
    var form = ""
    var row = 0
    for line in lines(TypeGoldens.pairs) {
      if line.hasPrefix("# ") {
        (form, row) = (String(line.dropFirst(2)), 0)
        continue
      }
      let left = TypeTests.operands[row]
      row += 1
      for (right, expected) in zip(TypeTests.operands, line.split(separator: " ")) {
        let expression: String
        switch form {
        case "case": expression = "CASE WHEN true THEN \(left) ELSE \(right) END"
        case "cast":
          guard let type = TypeGoldens.columns.first(where: { $0.0 == right })?.1 else { continue }
          expression = "CAST(\(left) AS \(type.name))"
        default: expression = "\(left) \(form) \(right)"
        }
        // A char(n) beside other text is text: DIFFERENCES.md.
        if form == "case", right == "ch", left == "tx" || left == "vc" { continue }
        let found = code(of: expression)
        if found == "--" { continue }
        #expect(found == String(expected), "\(expression)")
      }
    }
  }

  @Test func functions() {
    for line in lines(TypeGoldens.forms) {
      let entries = line.prefix(TypeTests.operands.count * 3 - 1).split(separator: " ")
      let form = line.dropFirst(TypeTests.operands.count * 3 + 1)
      for (operand, expected) in zip(TypeTests.operands, entries) where expected != "--" {
        let expression = form.split(separator: "%s", omittingEmptySubsequences: false).joined(separator: operand)
        let found = code(of: expression)
        if found == "--" { continue }
        #expect(found == String(expected), "\(expression)")
      }
    }
  }

  @Test func expressions() throws {
    for line in lines(TypeGoldens.expressions) {
      let parts = line.split(separator: " <- ", maxSplits: 1).map { String($0) }
      if parts[0].hasPrefix("!") {
        #expect("!" + (failure("SELECT \(parts[1]) AS x")?.error.sqlState ?? "") == parts[0], "\(parts[1])")
      } else {
        #expect(try physicalPlan("SELECT \(parts[1]) AS x").root.output[0].type.name == parts[0], "\(parts[1])")
      }
    }
  }
}
