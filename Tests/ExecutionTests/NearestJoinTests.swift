import Execution
import Planning
import Testing
import Vectors

/// As-of joins against the row-at-a-time reference: every comparison, with and without keys, ties, NULLs and types.
@Suite struct NearestJoinTests {
  static let values: [LogicalType] = [.integer, .bigint, .timestamp, .double, .smallint]

  static func scalar(_ type: LogicalType, _ random: inout Random) -> Scalar {
    let number = random.below(40) - 20
    switch type {
    case .double:
      let special: [Double] = [.infinity, -.infinity, -0.0, 0]
      return .double(random.chance(10) ? random.pick(special) : Double(number) / 4)
    default: return int(number)
    }
  }

  @Test(arguments: 0..<60) func agreesWithTheReference(seed: Int) throws {
    var random = Random(seed: UInt64(seed + 100))
    let builder = PlanBuilder()
    let type = random.pick(Self.values)
    let types: [LogicalType] = [.text, type, .integer]
    func rows(_ count: Int, nulls: Bool) -> [[Scalar]] {
      (0..<count).map { row in
        [
          random.chance(8) ? .null : .text("key \(random.below(6))"),
          nulls && random.chance(8) ? .null : Self.scalar(type, &random), int(row),
        ]
      }
    }
    let left = builder.scan(builder.table(types, rows(random.pick([0, 1, 50, 5000]), nulls: true)), types)
    let table = builder.scan(builder.table(types, rows(random.pick([0, 1, 40, 300]), nulls: false)), types)
    let comparison = random.pick([ComparisonOperator.less, .lessOrEqual, .greater, .greaterOrEqual])
    let isDescending = comparison == .less || comparison == .lessOrEqual
    let right = builder.sort(
      table, [SortKey(col(table, 1), isDescending: isDescending), SortKey(col(table, 2), isDescending: true)])
    let nearest = Join.Nearest(left: col(left, 1), right: col(right, 1), comparison: comparison)
    for isOuter in [true, false] {
      let plan = builder.plan(
        builder.join(.nearest(isOuter: isOuter), left, right, on: [(0, 0)], nearest: nearest))
      let want = try ReferenceEvaluator(tables: builder.tables).rows(plan.root)
      for threads in [1, 3] {
        let found = try Executor.collect(plan, in: builder.context(threads: threads)).flatMap { batch in
          (0..<batch.rowCount).map { row in batch.columns.map { $0.scalar(at: row) } }
        }
        #expect(found == want, "seed \(seed), outer \(isOuter), \(threads) threads")
      }
    }
  }
}
