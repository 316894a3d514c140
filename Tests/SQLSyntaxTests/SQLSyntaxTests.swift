import SQLSyntax
import Testing

@Test func negativeNumbersKeepTheirSign() throws {
  let statement = try PostgresParser.parseOne("select -1")
  #expect(TreeText.of(statement).contains("(integer -1)"))
}
