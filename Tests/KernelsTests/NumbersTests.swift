import Bytes
import Glibc
import Testing
import Vectors

@testable import Kernels

@Suite struct NumbersTests {
  static func text(_ scalar: Scalar, _ type: LogicalType) -> String { TextFormat.string(scalar, type) ?? "NULL" }

  @Test func doublesReadBackFromTheirText() {
    var random = SeededGenerator(11)
    for round in 0..<6000 {
      let value: Double
      switch round % 3 {
      case 0: value = Double(bitPattern: random.next())
      case 1: value = Double(Int64.random(in: -2_000_000_000...2_000_000_000, using: &random)) / 1e6
      default: value = Double(Int64.random(in: -1000...1000, using: &random)) * 1e21
      }
      if value.isNaN || value.isInfinite { continue }
      let text = Self.text(.double(value), .double)
      #expect(strtod(text, nil) == value, "\(value) printed as \(text)")
      #expect(text.filter { $0.isNumber }.count <= 25)
    }
    for (value, text) in [
      (1e23, "9.999999999999999e+22"), (1e22, "1e+22"), (-0.0, "-0"), (1e15, "1e+15"), (0.0001, "0.0001"),
    ] {
      #expect(Self.text(.double(value), .double) == text)
    }
  }

  @Test func numericsAgreeWithIntegers() throws {
    var random = SeededGenerator(12)
    for _ in 0..<2000 {
      let (a, b) = (Int64.random(in: -9999...9999, using: &random), Int64.random(in: -9999...9999, using: &random))
      let scale = Int32.random(in: 0...6, using: &random)
      // The same value in two scales.
      let left = Numeric(mantissa: Int128(a) * PowerOfTen.int128(scale), scale: scale)
      let right = NumericArithmetic.make(b)
      #expect(NumericArithmetic.integer(try NumericArithmetic.add(left, right)) == a + b)
      #expect(NumericArithmetic.integer(try NumericArithmetic.subtract(left, right)) == a - b)
      #expect(NumericArithmetic.integer(try NumericArithmetic.multiply(left, right)) == a * b)
      #expect(NumericArithmetic.compare(left, right) == (a < b ? -1 : a > b ? 1 : 0))
      if b != 0 {
        #expect(NumericArithmetic.integer(try NumericArithmetic.modulo(left, right)) == a % b)
        let quotient = try NumericArithmetic.divide(left, right)
        #expect((NumericArithmetic.double(quotient) - Double(a) / Double(b)).magnitude < 1e-11)
        #expect(NumericArithmetic.integer(try NumericArithmetic.truncate(quotient, 0)) == a / b)
      }
    }
  }

  @Test func tooManyDigitsAreAnErrorNotAnAnswer() throws {
    let large = Numeric(mantissa: PowerOfTen.int128(38) - 1, scale: 0)
    let small = Numeric(mantissa: 1, scale: 38)
    let one = NumericArithmetic.make(Int64(1))
    #expect(throws: PulsehouseError.self) { try NumericArithmetic.add(large, one) }
    #expect(throws: PulsehouseError.self) { try NumericArithmetic.multiply(large, large) }
    #expect(throws: PulsehouseError.self) { try NumericArithmetic.multiply(small, small) }
    #expect(throws: PulsehouseError.self) { try NumericArithmetic.divide(small, large) }
    #expect(throws: PulsehouseError.self) { try NumericArithmetic.add(large, small) }
    // Zeros that do not fit are no digits lost.
    let round = Numeric(mantissa: PowerOfTen.int128(30), scale: 20)
    let product = try NumericArithmetic.multiply(round, round)
    #expect(NumericArithmetic.compare(product, Numeric(mantissa: PowerOfTen.int128(20), scale: 0)) == 0)
  }

  @Test func daysAndDatesAreInverse() {
    var random = SeededGenerator(13)
    for _ in 0..<6000 {
      let day = Int64.random(in: Calendar.minimumDay...Calendar.maximumDay, using: &random)
      let date = Calendar.date(fromDays: day)
      #expect(Calendar.days(year: date.year, month: date.month, day: date.day) == day)
      #expect((1...12).contains(date.month) && date.day <= Calendar.lastDay(year: date.year, month: date.month))
      let next = Calendar.date(fromDays: day + 1)
      let isNextDay = next.day == date.day + 1 && next.month == date.month
      let isNextMonth = next.day == 1 && date.day == Calendar.lastDay(year: date.year, month: date.month)
      #expect(isNextDay || isNextMonth)
    }
  }

  @Test func everyTextThatIsNoDateSaysSo() {
    var random = SeededGenerator(14)
    let alphabet = Array("0123456789-:/.+ TZPYMDHSabcJan,\"{}'\u{e9}".utf8)
    let types: [LogicalType] = [
      .date, .time, .timestamp, .timestamptz, .interval, .numeric(precision: 5, scale: 2), .double, .real, .bigint,
      .boolean, .uuid, .bytea,
    ]
    for _ in 0..<4000 {
      let count = Int.random(in: 0...24, using: &random)
      let bytes = (0..<count).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
      let input = Vector.constant(.text, .text(String(decoding: bytes, as: UTF8.self)), count: 1)
      for type in types {
        do {
          let value = try Cast.vector(input, to: type)
          _ = try Cast.vector(value, to: .text)
        } catch {
          #expect((error as? PulsehouseError)?.kind == .user)
        }
      }
    }
  }
}
