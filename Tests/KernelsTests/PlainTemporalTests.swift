import Bytes
import Testing
import Vectors

@testable import Kernels

/// The plain form is read as the general cast reads it, or left to it.
@Suite struct PlainTemporalTests {
  static let texts = [
    "2024-02-29", "2023-02-29", "2000-12-31", "1900-02-29", "0001-01-01", "0000-01-01", "9999-12-31", "2024-13-01",
    "2024-00-10", "2024-01-00", "2024-01-32", "2024-1-01", "2024-01-1x", "20240-1-01", "infinity", "", "x024-01-01",
    "2024-04-31", "1969-12-31 23:59:59", "1969-12-31 23:59:59.999999", "2024-06-01 00:00:00.5", "2024-06-01 24:00:00",
    "2024-06-01 12:60:00", "2024-06-01 12:00:60", "2024-06-01T12:00:00", "2024-06-01 12:00:00.", "2024-06-01 12:00:00Z",
    "2024-06-01 12:00:00+02", "2024-06-01 12:00:00.1234567", "2024-06-01 1:00:00  ", "2024-06-01 12:00:00 BC",
    "2024-06-01 12:00:00.12a",
  ]

  @Test(arguments: texts) func agreesWithTheGeneralCast(text: String) throws {
    let vector = Vector.of(.text, [.text("2024-05-05"), .null, .text(text)])
    let stamps = Vector.of(.text, [.text("2024-05-05 01:02:03"), .null, .text(text)])
    for (texts, type) in [(vector, LogicalType.date), (stamps, .timestamp)] {
      guard let fast = PlainTemporal.vector(texts, to: type) else { continue }
      let general = try Cast.assign(texts, to: type)
      #expect(Samples.scalars(fast) == Samples.scalars(general), "\(text) as \(type)")
    }
  }

  @Test func plainFormsAreNotLeftToTheGeneralCast() {
    let days = Vector.of(.text, [.text("2024-02-29"), .null, .text("0001-01-01")])
    #expect(PlainTemporal.vector(days, to: .date) != nil)
    let stamps = Vector.of(.text, [.text("2024-02-29 23:59:59.25"), .null, .text("1969-12-31 00:00:01")])
    #expect(PlainTemporal.vector(stamps, to: .timestamp) != nil)
    #expect(PlainTemporal.vector(Vector.of(.text, [.text("2023-02-29")]), to: .date) == nil)
  }
}
