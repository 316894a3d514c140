import Bytes
import Encodings
import Testing
import Vectors

/// The predicate on boxed values, row at a time: what the encoded forms are held against.
func passes(_ predicate: ColumnPredicate, _ value: Scalar) -> Bool {
  func order(_ constant: Scalar) -> Int? { ScalarOrder.compare(value, constant) }
  switch predicate {
  case .isNull: return value.isNull
  case .isNotNull: return !value.isNull
  case .compare(let comparison, let constant):
    guard let order = order(constant) else { return false }
    switch comparison {
    case .equal: return order == 0
    case .notEqual: return order != 0
    case .less: return order < 0
    case .lessOrEqual: return order <= 0
    case .greater: return order > 0
    case .greaterOrEqual: return order >= 0
    }
  case .between(let low, let high): return (order(low) ?? -1) >= 0 && (order(high) ?? 1) <= 0
  case .isIn(let constants): return constants.contains { order($0) == 0 }
  }
}

@Suite struct PredicateTests {
  @Test(arguments: TestColumns.types, RoundTripTests.encodings) func encodedFormAnswersAsDecodedValuesDo(
    type: LogicalType, encoding: Encoding?
  ) throws {
    let cases = [(1, NullPattern.none), (65, .scattered), (1025, .blocks), (1500, .none), (1500, .scattered)]
    let turn = RoundTripTests.encodings.firstIndex(of: encoding) ?? 0
    for (index, pattern) in ValuePattern.allCases.enumerated() {
      for (count, nulls) in [cases[(index + turn) % 5]] {
        let seed = UInt64(count) &* 31 &+ 5
        let values = TestColumns.column(type, pattern, nulls, count: count, seed: seed)
        var options = BlockOptions()
        options.forced = encoding
        let keyVector = Vector.of(.integer, (0..<count).map { .integer(Int64($0 * 7 % 13)) })
        let vector = Vector.of(type, values)
        let keys = BlockKeys(column: 1, keyVector)
        let block = try TestColumns.open(
          vector, options, keys: keys,
          link: BlockLink(column: 1, keyVector, multiplier: index % 2 == 0 ? 1000 : -7),
          tracks: keys.flatMap { TestColumns.tracks([(0, vector)], keys: $0, isForced: encoding == .tracked) },
          keyVector: keyVector)
        var random = SeededGenerator(seed: seed)
        var constants = values.filter { !$0.isNull }.shuffled(using: &random).prefix(3).map { $0 }
        constants.append(TestColumns.scalar(type, .small, 3, &random))
        constants.append(TestColumns.scalar(type, .extremes, count % 7, &random))
        var predicates: [ColumnPredicate] = [.isNull, .isNotNull, .isIn(constants), .isIn([])]
        for (index, comparison) in ComparisonOperator.allCases.enumerated() {
          predicates.append(.compare(comparison, constants[index % constants.count]))
        }
        predicates.append(.between(constants[0], constants[1 % constants.count]))
        predicates.append(.between(constants[1 % constants.count], constants[0]))
        if type.physical == .int64 { predicates.append(.isIn((0..<40).map { .integer($0 * 3) })) }
        // A third of them for each block; with 126 types and encodings all meet all.
        for (number, predicate) in predicates.enumerated() where (number + index + turn) % 3 == 0 {
          try check(
            block, predicate, values, "\(type) \(pattern) \(nulls) \(count) as \(block.encodings), \(predicate)")
        }
      }
    }
  }

  private func check(_ block: Block, _ predicate: ColumnPredicate, _ values: [Scalar], _ what: String) throws {
    let count = values.count
    for range in [0..<count, count / 3..<count] {
      let bitmap = AlignedBuffer(byteCount: (range.count + 63) / 64 * 8)
      let words = bitmap.values(as: UInt64.self)
      for word in 0..<((range.count + 63) / 64) { words[word] = 0xAAAA_AAAA_AAAA_AAAA }
      let hits = try block.filter(predicate, range, into: words)
      var expected = 0
      for (index, row) in range.enumerated() {
        let bit = words[index >> 6] >> UInt64(index & 63) & 1 == 1
        let wanted = passes(predicate, values[row])
        expected += wanted ? 1 : 0
        if bit != wanted {
          Issue.record("\(what): row \(row) with \(values[row]) gives \(bit) in \(range)")
          return
        }
      }
      #expect(hits == expected, "\(what)")
      if range.count & 63 != 0 {
        #expect(words[range.count >> 6] >> UInt64(range.count & 63) == 0, "\(what): bits past the end")
      }
    }
    for step in [5, 300] {
      var selection = stride(from: 0, to: count, by: step).map { UInt32($0) }
      let expected = selection.filter { passes(predicate, values[Int($0)]) }
      let kept = try selection.withUnsafeMutableBufferPointer { try block.filter(predicate, $0) }
      #expect(Array(selection.prefix(kept)) == expected, "\(what), every \(step)th")
    }
  }

  /// Columns of long runs tell which rows pass without a look at rows; none other does.
  @Test func longRunsPassAsRanges() throws {
    var random = SeededGenerator(seed: 11)
    let runs = (0..<20).map { ($0 * 5 % 7, Int.random(in: 200...2000, using: &random)) }
    let numbers = runs.flatMap { Array(repeating: Scalar.integer(Int64($0.0)), count: $0.1) }
    let predicates: [(LogicalType, (Int64) -> Scalar)] = [
      (.integer, { .integer($0) }), (.timestamp, { .integer($0) }), (.text, { .text("name \($0)") }),
    ]
    for (type, scalar) in predicates {
      let values = numbers.map { value -> Scalar in
        guard case .integer(let number) = value else { return .null }
        return scalar(number)
      }
      let block = try TestColumns.open(Vector.of(type, values))
      #expect(block.encodings.contains(.runLength))
      for predicate: ColumnPredicate in [
        .compare(.equal, scalar(3)), .compare(.notEqual, scalar(0)), .compare(.less, scalar(4)),
        .between(scalar(2), scalar(5)), .isIn([scalar(1), scalar(6)]), .compare(.greater, scalar(9)),
      ] {
        let ranges = try #require(try block.passingRanges(predicate), "\(type) \(predicate)")
        #expect(ranges.flatMap { Array($0) } == values.indices.filter { passes(predicate, values[$0]) })
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
      }
      #expect(try block.passingRanges(.isNotNull) == nil)
      var gaps = values
      gaps[700] = .null
      let other = try TestColumns.open(Vector.of(type, gaps))
      #expect(try other.passingRanges(.compare(.equal, scalar(3))) == nil)
    }
    let short = try TestColumns.open(Vector.of(.integer, (0..<9000).map { .integer(Int64($0 / 9)) }))
    #expect(try short.passingRanges(.compare(.equal, .integer(3))) == nil)
  }

  @Test(
    arguments: [LogicalType.smallint, .integer, .bigint, .boolean, .text, .double, .timestamp], RoundTripTests.encodings
  )
  func narrowCodesAreTheValues(type: LogicalType, encoding: Encoding?) throws {
    for (index, pattern) in ValuePattern.allCases.enumerated() {
      for nulls in [index % 2 == 0 ? NullPattern.none : .scattered] {
        let count = 2100
        let values = TestColumns.column(type, pattern, nulls, count: count, seed: 99)
        var options = BlockOptions()
        options.forced = encoding
        let block = try TestColumns.open(Vector.of(type, values), options)
        let memory = AlignedBuffer(byteCount: (count + 1024) * 8)
        for range in [0..<count, 1024..<2100, 100..<1500] {
          guard let narrow = try block.narrow(range, into: memory) else { continue }
          #expect(narrow.count == range.count)
          for (index, row) in range.enumerated() {
            let code: UInt64 =
              switch narrow.width {
              case 1: UInt64(narrow.codes.load(fromByteOffset: index, as: UInt8.self))
              case 2: UInt64(narrow.codes.load(fromByteOffset: index * 2, as: UInt16.self))
              case 4: UInt64(narrow.codes.load(fromByteOffset: index * 4, as: UInt32.self))
              default: narrow.codes.load(fromByteOffset: index * 8, as: UInt64.self)
              }
            let isNull = !(narrow.validity?.isValid(index) ?? true)
            if code > narrow.maximumCode || isNull != values[row].isNull {
              Issue.record("\(type) \(pattern) as \(block.encodings): row \(row) has code \(code), null \(isNull)")
              return
            }
            if isNull { continue }
            let value: Scalar
            if let dictionary = narrow.dictionary {
              value = dictionary.scalar(at: Int(code))
            } else {
              let integer = narrow.base &+ narrow.multiplier &* Int64(truncatingIfNeeded: code)
              value = type == .boolean ? .boolean(integer != 0) : .integer(integer)
            }
            if value != values[row] {
              Issue.record("\(type) \(pattern) as \(block.encodings): row \(row) is \(value), not \(values[row])")
              return
            }
          }
        }
      }
    }
  }

  @Test func runsCoverTheirRows() throws {
    let values = TestColumns.column(.integer, .runs, .none, count: 5000, seed: 1)
    let block = try TestColumns.open(Vector.of(.integer, values))
    let runs = try #require(try block.runs())
    var row = 0
    for run in 0..<runs.count {
      while row < Int(runs.ends[run]) {
        #expect(runs.values.scalar(at: run) == values[row])
        row += 1
      }
    }
    #expect(row == 5000)
    var random = SeededGenerator(seed: 3)
    let noisy = Vector.of(.integer, (0..<5000).map { _ in .integer(Int64(random.next() % 1000)) })
    #expect(try TestColumns.open(noisy).runs() == nil)
  }
}
