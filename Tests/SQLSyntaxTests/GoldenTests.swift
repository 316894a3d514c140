import Bytes
import SQLSyntax
import Testing

/// Parses one statement and writes its tree.
func tree(_ sql: String) -> String {
  do throws(PulsehouseError) {
    return TreeText.of(try PostgresParser.parseOne(sql).node)
  } catch {
    return "error: \(error.message)"
  }
}

/// Parses one expression and writes its tree.
func expressionTree(_ sql: String) -> String {
  do throws(PulsehouseError) {
    return TreeText.of(try PostgresParser.parseExpression(sql))
  } catch {
    return "error: \(error.message)"
  }
}

@Suite struct GoldenTests {
  @Test func expressions() {
    let pairs = Goldens.pairs(Goldens.expressions)
    #expect(pairs.count > 150)
    for pair in pairs { #expect(expressionTree(pair.sql) == pair.tree, "\(pair.sql)") }
  }

  @Test func statements() {
    let pairs = Goldens.pairs(Goldens.statements)
    #expect(pairs.count > 130)
    for pair in pairs { #expect(tree(pair.sql) == pair.tree, "\(pair.sql)") }
  }
}
