import Bytes
import Encodings
import Testing
import Vectors

@Suite struct RoundTripTests {
  static let lengths = [1, 63, 64, 65, 1023, 1024, 1025, 2048, 2500]
  static let encodings: [Encoding?] = [nil] + Encoding.allCases.map { $0 }

  /// Reads `block` in several ways and compares each with `expected`.
  static func check(_ block: Block, _ expected: [Scalar], _ what: String) throws {
    let count = expected.count
    func compare(_ vector: Vector, _ rows: [Int], _ how: String) {
      #expect(vector.count == rows.count)
      for (index, row) in rows.enumerated() where vector.scalar(at: index) != expected[row] {
        Issue.record("\(what), \(how): row \(row) is \(vector.scalar(at: index)), not \(expected[row])")
        return
      }
    }
    compare(try block.read(0..<count), Array(0..<count), "whole")
    var row = 0
    while row < count {
      let end = min(row + 2048, count)
      compare(try block.read(row..<end), Array(row..<end), "by 2048")
      row = end
    }
    for range in [0..<1, count * 4 / 5..<count, (count - 1)..<count, count / 2..<count / 2] {
      compare(try block.read(range), Array(range), "rows \(range)")
    }
    // Into an arena, at any address: what lies there already stays.
    let arena = ColumnArena(rowCapacity: count * 3 / 2)
    var parts: [(rows: Range<Int>, vector: Vector)] = []
    row = 0
    while row < count {
      let rows = row..<min(row + [1, 64, 1000, 1024][parts.count % 4], count)
      parts.append((rows, try block.read(rows, into: arena)))
      row = rows.upperBound
    }
    for part in parts { compare(part.vector, Array(part.rows), "rows \(part.rows) in an arena") }
    for step in [2, 100, 1500] {
      let rows = Array(stride(from: step / 2, to: count, by: step))
      let selection = rows.map { UInt32($0) }
      let vector = try selection.withUnsafeBufferPointer { try block.read($0) }
      compare(vector, rows, "every \(step)th")
      let others = Array(Set(0..<count).subtracting(rows)).sorted()
      compare(try selection.withUnsafeBufferPointer { try block.read(without: $0) }, others, "without every \(step)th")
    }
    // Neighbours, some of which a reader takes for a range.
    for rows in [0..<min(40, count), count / 3..<count * 2 / 3, max(0, count - 31)..<count] {
      let vector = try rows.map { UInt32($0) }.withUnsafeBufferPointer { try block.read($0) }
      compare(vector, Array(rows), "neighbours \(rows)")
    }
    let ends = Array(Set([0, count / 2, min(1023, count - 1), count - 1])).sorted()
    let rest = Array(Set(0..<count).subtracting(ends)).sorted()
    for (removed, kept) in [(ends, rest), (rest, ends), (Array(0..<count), []), ([], Array(0..<count))] {
      let vector = try removed.map { UInt32($0) }.withUnsafeBufferPointer { try block.read(without: $0) }
      compare(vector, kept, "without \(removed.count) rows")
    }
  }

  @Test(arguments: TestColumns.types, encodings) func encodeThenDecodeIsIdentity(type: LogicalType, encoding: Encoding?)
    throws
  {
    // Every pattern, with lengths and nulls that turn from case to case so that all meet somewhere.
    let turn = Self.encodings.firstIndex(of: encoding) ?? 0
    for (index, pattern) in ValuePattern.allCases.enumerated() where (index + turn) % 2 == 0 || index < 3 {
      let nulls = NullPattern.allCases[(index + turn) % NullPattern.allCases.count]
      for (count, nulls) in [
        (Self.lengths[(index + turn) % Self.lengths.count], NullPattern.none),
        (Self.lengths[(index * 2 + turn + 4) % Self.lengths.count], nulls),
      ] {
        let seed = UInt64(index + 1) * 1000 + UInt64(count)
        let expected = TestColumns.column(type, pattern, nulls, count: count, seed: seed)
        let vector = Vector.of(type, expected)
        var options = BlockOptions()
        options.forced = encoding
        let keyVector = Vector.of(.integer, (0..<count).map { .integer(Int64($0 * 7 % 13)) })
        let keys = BlockKeys(column: 1, keyVector)
        let link = BlockLink(column: 1, keyVector, multiplier: [1_000_003, 1, -86_400, .max][index % 4])
        let tracks = keys.flatMap { TestColumns.tracks([(0, vector)], keys: $0, isForced: encoding == .tracked) }
        // Opened for the first time, and again; all blocks where opening them keeps what it decodes.
        for isChecked in encoding == .delta ? [true, false] : [index % 2 == 0] {
          let block = try TestColumns.open(
            vector, options, keys: keys, link: link, tracks: tracks, keyVector: keyVector, isChecked: isChecked)
          let what = "\(type) \(pattern) \(nulls) \(count) rows as \(block.encodings), seed \(seed)"
          try Self.check(block, expected, what)
        }
      }
    }
  }

  @Test(arguments: [131_071, 131_072, 131_073]) func fullRowGroupsComeBack(count: Int) throws {
    let columns: [(LogicalType, ValuePattern)] = [(.bigint, .stepped), (.double, .outliers), (.text, .few)]
    let (type, pattern) = columns[count % 3]
    let expected = TestColumns.column(type, pattern, .blocks, count: count, seed: 42)
    let block = try TestColumns.open(Vector.of(type, expected))
    let whole = try block.read(0..<count)
    var wrong = 0
    for row in stride(from: 0, to: count, by: 17) where whole.scalar(at: row) != expected[row] { wrong += 1 }
    #expect(wrong == 0, "\(type) \(pattern)")
    #expect(try block.read((count - 1)..<count).scalar(at: 0) == expected[count - 1])
  }

  /// Means of a few whole numbers, as windows give them to all rows of a part: no decimals, few different ones.
  @Test(arguments: [LogicalType.double, .real], [2, 5, 14, 40]) func meansThatComeInRunsComeBack(
    type: LogicalType, runRows: Int
  ) throws {
    let count = 9000
    var random = SeededGenerator(seed: UInt64(runRows))
    var expected: [Scalar] = []
    while expected.count < count {
      let mean = Double(random.next() % 300) / 7 - 20
      let value = type == .real ? Scalar.real(Float(mean)) : .double(mean)
      let rows = min(1 + Int(random.next() % UInt64(2 * runRows)), count - expected.count)
      expected += [Scalar](repeating: random.next() % 30 == 0 ? .null : value, count: rows)
    }
    let vector = Vector.of(type, expected)
    let (encoded, statistics) = try BlockEncoder.encode(vector)
    if type == .double {
      #expect(encoded.encodings == (runRows < 40 ? [.dictionary, runRows == 2 ? .packed : .runLength] : [.runLength]))
    }
    let values = expected.filter { $0 != .null }
    #expect(statistics.nullCount == count - values.count)
    #expect(abs((statistics.distinctEstimate ?? 0) - Set(values).count) < 20)
    func number(_ value: Scalar) -> Double {
      switch value {
      case .real(let value): Double(value)
      case .double(let value): value
      default: .nan
      }
    }
    #expect(number(statistics.minimum) == values.map(number).min())
    #expect(number(statistics.maximum) == values.map(number).max())
    try Self.check(try TestColumns.open(vector), expected, "\(type) in runs of \(runRows)")
  }

  /// Keys that change with each row, that lie in runs, and a single one.
  @Test(arguments: [1, 40, 20_000]) func rowsOfFewKeysAreReadByTheirChains(runRows: Int) throws {
    let count = 20_000
    func key(_ row: Int) -> Int { row / runRows * 7919 % 61 }
    let keyVector = Vector.of(.integer, (0..<count).map { .integer(Int64(key($0))) })
    var random = SeededGenerator(seed: 5)
    var positions = [Int64](repeating: 0, count: 61).map { _ in Int64(random.next() % 90_000_000) }
    let expected: [Scalar] = (0..<count).map { row in
      positions[key(row)] += Int64(random.next() % 2000) - 1000
      return .double(Double(positions[key(row)]) / 1e6)
    }
    let vector = Vector.of(.double, expected)
    let keys = BlockKeys(column: 1, keyVector)
    var options = BlockOptions()
    options.forced = .keyedDelta
    for wanted in [[0], [60], [3, 17, 44], [1, 2, 3, 4, 5, 6]] {
      for every in [4, 200] {
        let block = try TestColumns.open(vector, options, keys: keys, keyVector: keyVector)
        #expect(block.encodings == [.decimal, .keyedDelta])
        let rows = (0..<count).filter { wanted.contains(key($0)) && $0 % every == 0 && (700..<4300).contains($0) }
        let read = try rows.map { UInt32($0) }.withUnsafeBufferPointer { try block.read($0) }
        #expect(rows.indices.allSatisfy { read.scalar(at: $0) == expected[rows[$0]] }, "keys \(wanted)")
      }
    }
  }

  @Test(arguments: [0, 3, 7]) func instantsAreKeptAsTimesOfTheirDays(nullEvery: Int) throws {
    let count = 9000
    let day: Int64 = 86_400_000_000
    var random = SeededGenerator(seed: 11)
    let days = (0..<count).map { _ in 19_000 + Int64(random.next() % 700) }
    let instants = days.map { $0 * day + Int64(random.next() % 86_400) * 1_000_000 }
    func isNull(_ row: Int) -> Bool { nullEvery > 0 && row % nullEvery == 1 }
    let expected: [Scalar] = instants.indices.map { isNull($0) ? .null : .integer(instants[$0]) }
    let dates = Vector.of(.date, days.indices.map { isNull($0) ? .null : .integer(days[$0]) })
    let link = BlockLink(column: 1, dates, multiplier: day)
    let vector = Vector.of(.timestamp, expected)
    let block = try TestColumns.open(vector, link: link, keyVector: dates)
    #expect(block.encodings == [.linked])
    try Self.check(block, expected, "nulls every \(nullEvery)")
    let apart = try BlockEncoder.encode(vector).0.bytes.byteCount
    let linked = try BlockEncoder.encode(vector, link: link).0.bytes.byteCount
    #expect(nullEvery > 0 || linked * 10 < apart * 9, "\(linked) bytes, \(apart) alone")
    // Ranges within a day, over days, around all of them, and to both ends of what there is.
    let spans: [ClosedRange<Int64>] = [
      instants[4321]...instants[4321], (19_100 * day)...(19_100 * day + day / 2), (19_100 * day)...(19_300 * day),
      0...(18_000 * day), .min...(.max), .min...(19_200 * day + 5), (19_600 * day)...(.max),
    ]
    for span in spans {
      let words = AlignedBuffer(byteCount: count)
      for rows in [0..<count, 70..<5000] {
        let found = try block.filter(
          .between(.integer(span.lowerBound), .integer(span.upperBound)), rows, into: words.values(as: UInt64.self))
        #expect(found == rows.count { !isNull($0) && span.contains(instants[$0]) }, "\(span) in \(rows)")
      }
    }
  }

  @Test func constantAndDictionaryVectorsEncodeAsTheyAre() throws {
    let constant = Vector.constant(.text, .text("always the same long text"), count: 5000)
    let block = try TestColumns.open(constant)
    #expect(block.encodings == [.dictionary, .constant])
    #expect(try block.read(100..<2148).form == .constant)
    try Self.check(block, Array(repeating: .text("always the same long text"), count: 5000), "constant")

    let dictionary = Vector.of(.text, [.text("b"), .text("unused"), .text("a"), .text("b")])
    let codes = AlignedBuffer(byteCount: 4 * 2000)
    let expected: [Scalar] = (0..<2000).map { row in
      codes.values(as: UInt32.self)[row] = [0, 2, 3, 2][row % 4]
      return [.text("b"), .text("a"), .text("b"), .text("a")][row % 4]
    }
    let second = try TestColumns.open(Vector(codes: codes, count: 2000, dictionary: dictionary))
    #expect(second.dictionary?.count == 2)
    #expect(try second.read(0..<10).dictionary === second.read(20..<30).dictionary)
    try Self.check(second, expected, "dictionary")
  }

  @Test func choosesTheExpectedEncodings() throws {
    func chosen(_ type: LogicalType, _ count: Int, _ value: (Int) -> Scalar) throws -> [Encoding] {
      try TestColumns.open(Vector.of(type, (0..<count).map(value))).encodings
    }
    var random = SeededGenerator(seed: 7)
    #expect(try chosen(.integer, 5000) { _ in .integer(7) } == [.constant])
    #expect(try chosen(.bigint, 5000) { .integer(Int64($0) * 144) } == [.delta])
    #expect(try chosen(.smallint, 5000) { _ in .integer(Int64(random.next() % 160)) } == [.packed])
    #expect(try chosen(.integer, 5000) { .integer(Int64($0 / 500) * 77_777) } == [.runLength])
    let ids: [Int64] = (0..<23).map { 20_000 + $0 * $0 * 2 + $0 % 2 }
    #expect(try chosen(.integer, 5000) { _ in .integer(ids[Int(random.next() % 23)]) } == [.dictionary, .packed])
    #expect(
      try chosen(.double, 5000) { _ in .double(Double(random.next() % 90_000_000) / 1e6) } == [.decimal, .packed])
    // Sizes of two kinds: small steps, and now and then a large one.
    #expect(
      try chosen(.bigint, 5000) { .integer(Int64($0) * 3 + Int64(random.next() % 4) + Int64($0 / 40) * 70_000) }
        == [.delta])
    // Even steps that start anew now and then: the leaps back widen nothing.
    let offsets = Vector.of(.bigint, (0..<50_000).map { .integer(Int64($0 % 2400) * 140 + Int64(random.next() % 4)) })
    let block = try BlockEncoder.encode(offsets).0
    #expect(block.encodings == [.delta])
    #expect(block.bytes.byteCount < 50_000 * 4 / 8 + 2000)
    #expect(try chosen(.text, 5000) { .text("country \($0 % 14)") } == [.dictionary, .packed])
    #expect(try chosen(.text, 5000) { .text("address number \($0)") } == [.plain])
  }
}
