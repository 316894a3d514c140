import Bytes
import Execution
import Planning
import Testing
import Vectors

/// Random small plans give the rows that the row-at-a-time reference gives, with one thread and with several.
@Suite struct RandomPlanTests {
  static let types: [LogicalType] = [.integer, .bigint, .text, .double, .smallint]

  static func scalar(_ type: LogicalType, _ random: inout Random, spread: Int) -> Scalar {
    if random.chance(15) { return .null }
    let number = random.below(spread) - spread / 3
    switch type {
    case .text:
      return .text(random.chance(20) ? "a long string of number \(number)" : "s\(number)")
    case .double: return .double(Double(number))
    default: return .integer(Int64(number))
    }
  }

  static func table(_ builder: PlanBuilder, _ random: inout Random) -> PhysicalNode {
    let count = random.pick([0, 1, 2, 5, 30, 60])
    let spread = random.pick([1, 3, 10, 100])
    let rows = (0..<count).map { _ in types.map { scalar($0, &random, spread: spread) } }
    let table = builder.table(types, rows, batchSize: random.pick([1, 7, 64, 2048]))
    var predicates: [FieldPredicate] = []
    if random.chance(30) {
      let value = int(random.below(5) - 1)
      predicates = [
        FieldPredicate(
          field: 0,
          random.pick([
            .compare(random.pick(ComparisonOperator.allCases), value), .between(int(-1), value),
            .isIn([value, int(7)]), .isNull, .isNotNull,
          ]))
      ]
    }
    return builder.scan(table, types, predicates: predicates)
  }

  static func column(_ node: PhysicalNode, _ random: inout Random, _ accept: (LogicalType) -> Bool) -> Expression? {
    let columns = node.output.filter { accept($0.type) }
    return columns.isEmpty ? nil : .column(random.pick(columns))
  }

  static func sortKeys(_ node: PhysicalNode, _ random: inout Random) -> [SortKey] {
    (0..<(1 + random.below(2))).map { _ in
      SortKey(.column(random.pick(node.output)), isDescending: random.chance(50), nullsFirst: random.chance(50))
    }
  }

  static func condition(_ node: PhysicalNode, _ random: inout Random) -> Expression {
    guard let column = column(node, &random, { $0 == .integer }) else { return .constant(.boolean(true), .boolean) }
    return .compare(
      random.pick(ComparisonOperator.allCases), column, .constant(int(random.below(6) - 2), .integer))
  }

  static func calls(
    _ builder: PlanBuilder, _ node: PhysicalNode, _ random: inout Random
  ) -> [AggregateCall] {
    var calls = [builder.call(.countStar, [], .bigint, filter: random.chance(30) ? condition(node, &random) : nil)]
    for _ in 0..<(1 + random.below(3)) {
      guard let argument = column(node, &random, { _ in true }) else { continue }
      let type = argument.type
      let filter = random.chance(25) ? condition(node, &random) : nil
      let distinct = random.chance(25)
      switch random.below(5) {
      case 0: calls.append(builder.call(.min, [argument], type, distinct: distinct, filter: filter))
      case 1: calls.append(builder.call(.max, [argument], type, distinct: distinct, filter: filter))
      case 2: calls.append(builder.call(.count, [argument], .bigint, distinct: distinct, filter: filter))
      case 3:
        if type == .text {
          calls.append(
            builder.call(
              .stringAggregate, [argument, .constant(.text(","), .text)], .text, distinct: distinct, filter: filter,
              order: distinct || random.chance(50) ? [SortKey(argument, isDescending: random.chance(50))] : []))
        } else {
          calls.append(
            builder.call(
              .percentileDiscrete, [.constant(.double(random.pick([0, 0.3, 0.5, 1])), .double)], type,
              filter: filter, order: [SortKey(argument)]))
        }
      default:
        guard type.isNumber else { continue }
        let result: LogicalType =
          type == .double ? .double : type == .bigint ? .numeric(precision: nil, scale: nil) : .bigint
        calls.append(builder.call(.sum, [argument], result, distinct: distinct, filter: filter))
      }
    }
    return calls
  }

  static func aggregate(_ builder: PlanBuilder, _ input: PhysicalNode, _ random: inout Random) -> PhysicalNode {
    let keys = (0..<random.below(4)).map { _ in Expression.column(random.pick(input.output)) }
    var sets: [[Int]]?
    if random.chance(20) {
      sets = (0..<(1 + random.below(3))).map { _ in keys.indices.filter { _ in random.chance(50) } }
    }
    return builder.aggregate(input, keys: keys, calls(builder, input, &random), sets: sets)
  }

  static func join(_ builder: PlanBuilder, _ left: PhysicalNode, _ random: inout Random) -> PhysicalNode {
    let right = table(builder, &random)
    var pairs: [(Int, Int)] = []
    for _ in 0..<random.below(3) {
      let leftIndex = random.below(left.output.count)
      let type = left.output[leftIndex].type
      if let rightIndex = right.output.firstIndex(where: { $0.type == type }) { pairs.append((leftIndex, rightIndex)) }
    }
    var kinds: [JoinKind] = [.inner, .left, .right, .full, .semi, .anti]
    kinds.append(.mark(builder.column("mark", .boolean), nullAware: false))
    if pairs.count == 1 {
      kinds += [.antiNullAware, .mark(builder.column("mark", .boolean), nullAware: true)]
    }
    if random.chance(5) { kinds = [.single] }
    let kind = random.pick(kinds)
    let isNullAware = kind == .antiNullAware || { if case .mark(_, true) = kind { true } else { false } }()
    var condition: Expression?
    if random.chance(35), let a = column(left, &random, { $0 == .integer }) {
      condition = .compare(random.pick([.less, .notEqual, .greaterOrEqual]), a, .column(right.output[0]))
    }
    return builder.join(
      kind, left, right, on: pairs, nullsMatch: !isNullAware && random.chance(30), condition: condition)
  }

  static func window(_ builder: PlanBuilder, _ input: PhysicalNode, _ random: inout Random) -> PhysicalNode {
    let partition = (0..<random.below(3)).map { _ in Expression.column(random.pick(input.output)) }
    let integer = column(input, &random, { $0 == .integer })
    var order = random.chance(80) ? sortKeys(input, &random) : []
    var units: [WindowFrame.Unit] = [.rows]
    if !order.isEmpty { units += [.range, .groups] }
    let byInteger = random.chance(40)
    if byInteger, let integer { order = [SortKey(integer, isDescending: random.chance(50))] }
    let calls = (0..<(1 + random.below(3))).compactMap { _ -> WindowCall? in
      guard let value = column(input, &random, { _ in true }) else { return nil }
      let unit = order.isEmpty ? WindowFrame.Unit.rows : random.pick(units)
      let hasDistance = unit != .range || (byInteger && integer != nil)
      let amount = Expression.constant(int(random.below(4)), .bigint)
      let starts: [FrameBound] =
        [.unboundedPreceding, .currentRow] + (hasDistance ? [.preceding(amount), .following(amount)] : [])
      let ends: [FrameBound] =
        [.unboundedFollowing, .currentRow] + (hasDistance ? [.preceding(amount), .following(amount)] : [])
      var frame = WindowFrame()
      if random.chance(70) {
        frame = WindowFrame(
          unit, from: random.pick(starts), to: random.pick(ends),
          exclusion: random.chance(60) ? .none : random.pick([.currentRow, .group, .ties]))
      }
      let offset = Expression.constant(int(random.below(3)), .integer)
      let bigint = builder.column("w", .bigint)
      let same = builder.column("w", value.type)
      switch random.below(14) {
      case 0: return WindowCall(.rowNumber, [], frame: frame, output: bigint)
      case 1: return WindowCall(.rank, [], frame: frame, output: bigint)
      case 2: return WindowCall(.denseRank, [], frame: frame, output: bigint)
      case 3: return WindowCall(.percentRank, [], frame: frame, output: builder.column("w", .double))
      case 4: return WindowCall(.cumulativeDistribution, [], frame: frame, output: builder.column("w", .double))
      case 5:
        return WindowCall(
          .ntile, [.constant(int(1 + random.below(4)), .integer)], frame: frame, output: builder.column("w", .integer))
      case 6: return WindowCall(.lag, [value, offset], frame: frame, output: same)
      case 7: return WindowCall(.lead, [value, offset, value], frame: frame, output: same)
      case 8: return WindowCall(.firstValue, [value], frame: frame, output: same)
      case 9: return WindowCall(.lastValue, [value], frame: frame, output: same)
      case 10:
        return WindowCall(
          .nthValue, [value, .constant(int(1 + random.below(3)), .integer)], frame: frame, output: same)
      default:
        let filter = random.chance(25) ? condition(input, &random) : nil
        let function = random.pick([AggregateFunction.count, .min, .max, .sum, .countStar, .anyValue])
        switch function {
        case .count, .countStar:
          return WindowCall(
            .aggregate(function), function == .count ? [value] : [], filter: filter, frame: frame, output: bigint)
        case .sum:
          guard value.type.isNumber else { return nil }
          let type: LogicalType =
            value.type == .double ? .double : value.type == .bigint ? .numeric(precision: nil, scale: nil) : .bigint
          return WindowCall(
            .aggregate(.sum), [value], filter: filter, frame: frame, output: builder.column("w", type))
        default: return WindowCall(.aggregate(function), [value], filter: filter, frame: frame, output: same)
        }
      }
    }
    return builder.window(input, partition: partition, order: order, calls)
  }

  static func plan(_ builder: PlanBuilder, _ random: inout Random) -> PhysicalNode {
    var node = table(builder, &random)
    for _ in 0..<(1 + random.below(3)) {
      // A numeric column has no place in the reference's comparisons, nor has a mark in the sums.
      if node.output.contains(where: { $0.type.isNumeric }) || node.output.count > 24 { break }
      switch random.below(10) {
      case 0: node = builder.filter(node, condition(node, &random))
      case 1, 2: node = join(builder, node, &random)
      case 3, 4: node = aggregate(builder, node, &random)
      case 5: node = builder.sort(node, sortKeys(node, &random))
      case 6:
        let count = Expression.constant(int(random.below(10)), .bigint)
        let offset = random.chance(30) ? Expression.constant(int(random.below(5)), .bigint) : nil
        node = builder.node(
          random.chance(50)
            ? .limit(count: count, offset: offset)
            : .topN(sortKeys(node, &random), count: count, offset: offset, withTies: random.chance(50)),
          [node], node.output)
      case 7, 8: node = window(builder, node, &random)
      default:
        let other = table(builder, &random)
        let own = builder.project(
          node,
          other.output.map { column in
            Self.column(node, &random, { $0 == column.type }) ?? .constant(.null, column.type)
          })
        let output = other.output.map { builder.column("u", $0.type) }
        switch random.below(3) {
        case 0: node = builder.node(.concatenate, [own, other], output)
        case 1: node = builder.node(.setOperation(.intersect, all: random.chance(50)), [own, other], output)
        default: node = builder.node(.setOperation(.except, all: random.chance(50)), [own, other], output)
        }
      }
    }
    return node
  }

  @Test(arguments: 0..<8) func randomPlansAgreeWithTheReference(part: Int) throws {
    for number in 0..<20 {
      let seed = UInt64(part * 1000 + number + 1)
      var random = Random(seed: seed)
      let builder = PlanBuilder()
      let node = Self.plan(builder, &random)
      let want = Result { try ReferenceEvaluator(tables: builder.tables).rows(node) }
      for threads in [1, 3] {
        let got = Result { try builder.rows(node, threads: threads) }
        switch (want, got) {
        case (.success(let expected), .success(let rows)):
          // Whatever order an operator leaves open is the same in both, so a set of rows is compared first.
          let same = Self.counts(rows) == Self.counts(expected)
          #expect(same, "seed \(seed), \(threads) threads: \(Self.describe(node))\ngot \(rows)\nnot \(expected)")
          if !same { return }
        case (.failure(let wanted), .failure(let error)):
          #expect(
            (wanted as? PulsehouseError)?.sqlState == (error as? PulsehouseError)?.sqlState, "seed \(seed): \(error)")
        default:
          Issue.record("seed \(seed), \(threads) threads: \(Self.describe(node))\ngot \(got), not \(want)")
          return
        }
      }
    }
  }

  @Test(arguments: 0..<4) func threadsDoNotChangeTheOrder(part: Int) throws {
    for number in 0..<20 {
      let seed = UInt64(900_000 + part * 1000 + number)
      var random = Random(seed: seed)
      let builder = PlanBuilder()
      let node = Self.plan(builder, &random)
      let one = try? builder.rows(node, threads: 1)
      let many = try? builder.rows(node, threads: 4)
      #expect(one == many, "seed \(seed): \(Self.describe(node))")
    }
  }

  /// With next to no memory a plan gives the same rows or says that memory is short.
  @Test(arguments: 0..<4) func tinyBudgetsDoNotChangeTheRows(part: Int) throws {
    var answered = 0
    for number in 0..<20 {
      let seed = UInt64(700_000 + part * 1000 + number)
      var random = Random(seed: seed)
      let builder = PlanBuilder()
      let node = Self.plan(builder, &random)
      guard let want = try? ReferenceEvaluator(tables: builder.tables).rows(node) else { continue }
      do {
        let got = try builder.rows(node, threads: 2, memory: 1 << random.pick([14, 16, 18]))
        #expect(Self.counts(got) == Self.counts(want), "seed \(seed): \(Self.describe(node))")
        answered += 1
      } catch let error as PulsehouseError {
        #expect(error.sqlState == "53200", "seed \(seed): \(error)")
      }
    }
    #expect(answered > 0)
  }

  static func counts(_ rows: [[Scalar]]) -> [[Scalar]: Int] {
    var counts: [[Scalar]: Int] = [:]
    for row in rows { counts[row, default: 0] += 1 }
    return counts
  }

  static func describe(_ node: PhysicalNode) -> String {
    "\(node.operation)".prefix(1500) + " [" + node.inputs.map { describe($0) }.joined(separator: ", ") + "]"
  }
}
