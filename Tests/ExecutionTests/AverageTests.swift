import Kernels
import Testing
import Vectors

@Suite struct AverageTests {
  @Test func hardwareDivisionAgreesWithTheGeneralOne() throws {
    var random = Random(seed: 77)
    let edges: [Int64] = [0, 1, -1, 9999, 10000, 10001, 99_999_999, -100_000_000, .max, .min, 2, 3, 5]
    for number in 0..<4000 {
      let sum = number < edges.count ? edges[number] : Int64(bitPattern: random.next()) >> Int64(random.below(63))
      let count = Int64(1 + random.below([1, 2, 10, 9999, 10001, 1 << 40][random.below(6)]))
      let fast = try IntegerSumAccumulator.average(sum, count)
      let slow = try NumericArithmetic.divide(NumericArithmetic.make(sum), NumericArithmetic.make(count))
      #expect(fast.mantissa == slow.mantissa && fast.scale == slow.scale, "\(sum) / \(count): \(fast) not \(slow)")
    }
  }
}
