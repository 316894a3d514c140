import Bytes
import Planning
import Testing
import Vectors

@testable import Execution

/// Which rows an expression is evaluated for, and that every vector form gives the same answer.
@Suite struct ExpressionsEvaluatorTests {
  static let x = Column(id: 1, name: "x", type: .integer)
  static let y = Column(id: 2, name: "y", type: .integer)
  static let t = Column(id: 3, name: "t", type: .text)

  static func integer(_ value: Int64) -> Expression { .constant(.integer(value), .integer) }

  static func text(_ value: String) -> Expression { .constant(.text(value), .text) }

  static func call(_ function: ScalarFunction, _ arguments: Expression..., type: LogicalType = .integer) -> Expression {
    .call(function, arguments, type)
  }

  static func integers(_ values: [Int64?]) -> Vector { .of(.integer, values.map { $0.map { .integer($0) } ?? .null }) }

  static func scalars(_ vector: Vector) -> [Scalar] { (0..<vector.count).map { vector.scalar(at: $0) } }

  static func evaluate(_ expression: Expression, _ columns: [Column], _ vectors: [Vector]) throws -> [Scalar] {
    let compiled = try CompiledExpression(expression, input: columns)
    return scalars(try compiled.evaluate(Batch(vectors, rowCount: vectors.first?.count ?? 1)))
  }

  /// 10 / x, an error where x is 0.
  static let quotient = call(.divide, integer(10), .column(x))
  static let isNotZero = Expression.compare(.notEqual, .column(x), integer(0))

  @Test func caseEvaluatesABranchOnlyForItsRows() throws {
    let vector = Self.integers([0, 5, nil, 2, 0])
    let expression = Expression.branch(
      [Branch(when: Self.isNotZero, then: Self.quotient)], otherwise: Self.integer(-1), .integer)
    #expect(
      try Self.evaluate(expression, [Self.x], [vector])
        == [.integer(-1), .integer(2), .integer(-1), .integer(5), .integer(-1)])
    #expect(throws: PulsehouseError.self) { try Self.evaluate(Self.quotient, [Self.x], [vector]) }
  }

  @Test func caseWithoutElseGivesNull() throws {
    let expression = Expression.branch(
      [
        Branch(when: .compare(.equal, .column(Self.x), Self.integer(1)), then: Self.text("one")),
        Branch(when: .compare(.equal, .column(Self.x), Self.integer(2)), then: Self.text("a text of two words")),
      ], otherwise: nil, .text)
    #expect(
      try Self.evaluate(expression, [Self.x], [Self.integers([1, 2, 3, nil])])
        == [.text("one"), .text("a text of two words"), .null, .null])
  }

  @Test func andStopsAtFalseAndOrAtTrue() throws {
    let vector = Self.integers([0, 5, 2, nil])
    let isLarge = Expression.compare(.greater, Self.quotient, Self.integer(3))
    #expect(
      try Self.evaluate(.and([Self.isNotZero, isLarge]), [Self.x], [vector])
        == [.boolean(false), .boolean(false), .boolean(true), .null])
    #expect(
      try Self.evaluate(.or([.compare(.equal, .column(Self.x), Self.integer(0)), isLarge]), [Self.x], [vector])
        == [.boolean(true), .boolean(false), .boolean(true), .null])
  }

  @Test func coalesceEvaluatesTheRestOnlyForNulls() throws {
    let expression = Expression.coalesce([.column(Self.y), Self.quotient], .integer)
    #expect(
      try Self.evaluate(expression, [Self.x, Self.y], [Self.integers([0, 5, nil]), Self.integers([7, nil, nil])])
        == [.integer(7), .integer(2), .null])
  }

  @Test func threeValuedLogicFollowsTheTruthTables() throws {
    let values: [Scalar] = [.boolean(true), .boolean(false), .null]
    let (a, b) = (Column(id: 1, name: "a", type: .boolean), Column(id: 2, name: "b", type: .boolean))
    for left in values {
      for right in values {
        let isTrue = left == .boolean(true) && right == .boolean(true)
        let isFalse = left == .boolean(false) || right == .boolean(false)
        let and: Scalar = isTrue ? .boolean(true) : isFalse ? .boolean(false) : .null
        let anyTrue = left == .boolean(true) || right == .boolean(true)
        let bothFalse = left == .boolean(false) && right == .boolean(false)
        let or: Scalar = anyTrue ? .boolean(true) : bothFalse ? .boolean(false) : .null
        for isConstant in [false, true] {
          let vectors = [left, right].map { value in
            isConstant ? Vector.constant(.boolean, value, count: 2) : Vector.of(.boolean, [value, value])
          }
          #expect(try Self.evaluate(.and([.column(a), .column(b)]), [a, b], vectors) == [and, and])
          #expect(try Self.evaluate(.or([.column(a), .column(b)]), [a, b], vectors) == [or, or])
        }
      }
    }
  }

  @Test func inIsThreeValued() throws {
    let few = Expression.isIn(.column(Self.x), [Self.integer(1), .constant(.null, .integer)])
    #expect(try Self.evaluate(few, [Self.x], [Self.integers([1, 2, nil])]) == [.boolean(true), .null, .null])
    let many = Expression.isIn(.column(Self.x), (0..<40).map { Self.integer($0 * 2) })
    let vector = Self.integers((0..<100).map { $0 == 50 ? nil : Int64($0) })
    let expected = (0..<100).map { $0 == 50 ? Scalar.null : .boolean($0 % 2 == 0 && $0 < 80) }
    #expect(try Self.evaluate(many, [Self.x], [vector]) == expected)
  }

  static func coded(_ words: [String], _ codes: [UInt32?]) -> Vector {
    let buffer = AlignedBuffer(byteCount: codes.count * 4)
    let mask = ValidityMask(count: codes.count, allValid: true)
    for (row, code) in codes.enumerated() {
      buffer.values(as: UInt32.self)[row] = code ?? 0
      if code == nil { mask.set(row, valid: false) }
    }
    return Vector(
      codes: buffer, count: codes.count, dictionary: .of(.text, words.map { .text($0) }), validity: mask)
  }

  @Test func functionsOfADictionaryColumnStayCoded() throws {
    let vector = Self.coded(["run", "walk"], [0, 1, nil, 1])
    let upper = try CompiledExpression(Self.call(.upper, .column(Self.t), type: .text), input: [Self.t])
    for _ in 0..<2 {
      let result = try upper.evaluate(Batch([vector], rowCount: 4))
      #expect(result.form == .dictionary)
      #expect(Self.scalars(result) == [.text("RUN"), .text("WALK"), .null, .text("WALK")])
    }
    // An expression that sees NULL answers for it as well.
    let known = Expression.coalesce([Self.call(.upper, .column(Self.t), type: .text), Self.text("none")], .text)
    #expect(
      try Self.evaluate(known, [Self.t], [vector]) == [.text("RUN"), .text("WALK"), .text("none"), .text("WALK")])
    #expect(
      try Self.evaluate(.isNull(.column(Self.t)), [Self.t], [vector])
        == [.boolean(false), .boolean(false), .boolean(true), .boolean(false)])
  }

  @Test func anEntryThatNoRowHasRaisesNothing() throws {
    let cast = Expression.cast(.column(Self.t), .integer)
    let unused = Self.coded(["12", "x", "7"], [0, 2, nil, 0, 2])
    #expect(
      try Self.evaluate(cast, [Self.t], [unused])
        == [.integer(12), .integer(7), .null, .integer(12), .integer(7)])
    let used = Self.coded(["12", "x"], [0, 1, 1])
    #expect {
      try Self.evaluate(cast, [Self.t], [used])
    } throws: { error in
      (error as? PulsehouseError)?.message == "invalid input syntax for type integer: \"x\""
    }
  }

  @Test(arguments: [0, 1, 63, 64, 65, 2047, 2048, 2049]) func predicatesKeepTheTrueRows(count: Int) throws {
    let values = (0..<count).map { $0 % 7 == 3 ? nil : Int64($0 % 11) }
    let batch = Batch([Self.integers(values)], rowCount: count)
    let condition = Expression.and([
      .compare(.greater, .column(Self.x), Self.integer(0)),
      .compare(.less, Self.call(.divide, Self.integer(100), .column(Self.x)), Self.integer(30)),
    ])
    let selected = try CompiledPredicate(condition, input: [Self.x]).select(batch)
    let expected = (0..<count).filter { row in values[row].map { $0 > 0 && 100 / $0 < 30 } ?? false }
    #expect((selected?.indices ?? (0..<UInt32(count)).map { $0 }) == expected.map { UInt32($0) })
    let all = try CompiledPredicate(.constant(.boolean(true), .boolean), input: [Self.x]).select(batch)
    #expect(all == nil)
    let none = try CompiledPredicate(.constant(.null, .boolean), input: [Self.x]).select(batch)
    #expect(none?.count ?? count == 0)
  }

  @Test func valuesUnderNullsRaiseNothing() throws {
    var builder = VectorBuilder(.integer)
    for value in [Int32(1), 0, Int32.max] { builder.append(value) }
    let filled = builder.finish()
    let mask = ValidityMask(count: 3, allValid: true)
    mask.set(1, valid: false)
    mask.set(2, valid: false)
    let vector = Vector(.integer, count: 3, buffer: filled.buffer, validity: mask)
    #expect(try Self.evaluate(Self.quotient, [Self.x], [vector]) == [.integer(10), .null, .null])
    #expect(
      try Self.evaluate(Self.call(.add, .column(Self.x), Self.integer(1)), [Self.x], [vector])
        == [.integer(2), .null, .null])
  }

  @Test func greatestAndLeastSkipNulls() throws {
    let vectors = [Self.integers([1, nil, nil, 4]), Self.integers([2, 5, nil, 3])]
    let operands: [Expression] = [.column(Self.x), .column(Self.y)]
    #expect(
      try Self.evaluate(.call(.greatest, operands, .integer), [Self.x, Self.y], vectors)
        == [.integer(2), .integer(5), .null, .integer(4)])
    #expect(
      try Self.evaluate(.call(.least, operands, .integer), [Self.x, Self.y], vectors)
        == [.integer(1), .integer(5), .null, .integer(3)])
  }

  @Test func concatTakesNullsForNothing() throws {
    let words = Vector.of(.text, [.text("a"), .null])
    let numbers = Self.integers([1, 2])
    #expect(
      try Self.evaluate(
        .call(.concat, [.column(Self.t), .column(Self.x), .constant(.boolean(true), .boolean)], .text),
        [Self.t, Self.x], [words, numbers]) == [.text("a1t"), .text("2t")])
    #expect(
      try Self.evaluate(
        .call(.concatWithSeparator, [Self.text("-"), .column(Self.t), .column(Self.x)], .text), [Self.t, Self.x],
        [words, numbers]) == [.text("a-1"), .text("2")])
  }

  @Test func missingColumnsAreNamed() {
    #expect(throws: PulsehouseError.self) { try CompiledExpression(.column(Self.y), input: [Self.x]) }
  }
}
