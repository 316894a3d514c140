import Bytes
import Testing
import Vectors

@testable import Kernels

@Suite struct TemplateTests {
  static func shown(_ value: Scalar, _ type: LogicalType, _ format: String) throws -> String {
    let text = try TemplateFunctions.format(.of(type, [value]), .of(.text, [.text(format)]))
    return TextFormat.string(text.scalar(at: 0), .text) ?? "NULL"
  }

  @Test(arguments: [
    (Double.nan, "999.99", " NaN"), (.infinity, "999.99", " ###.##"), (-.infinity, "99PR", "<##>"),
    (.infinity, "99999999", " Infinity"), (0, "FMS99.9", "+0."), (12, "B999", "  12"),
    (1e20, "999999999999999999999D9", " 100000000000000000000"), (0.1, "9D99999999999999999999", "  .10000000000000"),
    (-0.4, "9", "-0"), (1.5, "9V99", " 150"),
  ])
  func numbersAsPostgreSQLShowsThem(_ value: Double, _ format: String, _ text: String) throws {
    #expect(try Self.shown(.double(value), .double, format) == text)
  }

  @Test(arguments: [
    ("0x10", 16.0), ("-0xA.8", -10.5), ("0x1p3", 8), (" 0x0 ", 0), ("1e5", 1e5), ("0x", nil), ("0xg", nil),
    ("0x1 x", nil),
  ])
  func hexadecimalFloats(_ text: String, _ expected: Double?) {
    let result = Array(text.utf8).withUnsafeBytes { NumberParse.double($0) }
    if case .value(let value) = result { #expect(value == expected) } else { #expect(expected == nil) }
  }

  @Test(arguments: [
    ("J2451187", "1999-01-08"), ("1999 01 08", "1999-01-08"), ("08 Jan 99", "1999-01-08"),
    ("1999 Jan 08", "1999-01-08"),
    ("99 Jan 08", nil), ("99 01 08", nil),
  ])
  func datesInOtherForms(_ text: String, _ expected: String?) {
    let date = try? Cast.vector(.of(.text, [.text(text)]), to: .date)
    #expect(date.flatMap { TextFormat.string($0.scalar(at: 0), .date) } == expected)
  }
}
