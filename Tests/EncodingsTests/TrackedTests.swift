import Bytes
import Encodings
import Testing
import Vectors

/// Walkers whose sessions begin around a home of their own.
private struct Walkers {
  let keys: [Int]
  let latitudes: [Double]
  let longitudes: [Double]

  /// How the rows of walkers lie: as it happens, one walker after the other, or in turns of a few rows to hundreds.
  enum Order: CaseIterable {
    case mixed
    case clustered
    case turns
  }

  init(count: Int, walkers: Int, order: Order, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    func within(_ span: Int64) -> Int64 { Int64(random.next() % UInt64(2 * span + 1)) - span }
    let homes = (0..<walkers).map { _ in (within(80_000_000), within(170_000_000)) }
    var places = homes
    var keys: [Int] = []
    while keys.count < count {
      let walker = Int(random.next() % UInt64(walkers))
      switch order {
      case .mixed: keys.append(walker)
      case .clustered: keys.append(keys.count * walkers / count)
      case .turns: keys += Array(repeating: walker, count: Int(1 << (random.next() % 10)))
      }
    }
    keys.removeLast(keys.count - count)
    var latitudes: [Double] = []
    var longitudes: [Double] = []
    for key in keys {
      if random.next() % 3 == 0 {
        places[key].0 += within(15)
        places[key].1 += within(15)
      } else {
        places[key] = (homes[key].0 + within(4000), homes[key].1 + within(4000))
      }
      latitudes.append(Double(places[key].0) / 1e6)
      longitudes.append(Double(places[key].1) / 1e6)
    }
    self.keys = keys
    self.latitudes = latitudes
    self.longitudes = longitudes
  }
}

@Suite struct TrackedTests {
  /// What has no digits, or is null, among what has.
  private static let odd: [Scalar] = [
    .null, .double(-0.0), .double(.nan), .double(Double(bitPattern: 0x7FF4_0000_0000_1234)), .double(.infinity),
    .double(-.infinity), .double(.leastNonzeroMagnitude), .double(.greatestFiniteMagnitude), .double(1.0 / 3),
  ]

  @Test(arguments: Walkers.Order.allCases, [0, 29])
  private func columnsThatMoveTogetherComeBack(order: Walkers.Order, oddEvery: Int) throws {
    let count = 20_000
    let walkers = Walkers(count: count, walkers: 37, order: order, seed: 3)
    let keyVector = Vector.of(.integer, walkers.keys.map { .integer(Int64($0) + 10_001) })
    func column(_ values: [Double], _ shift: Int) -> [Scalar] {
      values.enumerated().map { row, value in
        oddEvery > 0 && row % oddEvery == shift ? Self.odd[row / oddEvery % Self.odd.count] : .double(value)
      }
    }
    let expected = [column(walkers.latitudes, 1), column(walkers.longitudes, 2)]
    let vectors = expected.map { Vector.of(.double, $0) }
    let keys = try #require(BlockKeys(column: 0, keyVector))
    // In turns, a row lies as near to the one before it.
    let isForced = order == .turns
    var options = BlockOptions()
    options.forced = isForced ? .tracked : nil
    let tracks = try #require(
      TestColumns.tracks([(1, vectors[0]), (2, vectors[1])], keys: keys, isForced: isForced))
    #expect(tracks.leader == 1)
    func open() throws -> [Block] {
      let leader = try TestColumns.open(
        vectors[0], options, keys: keys, tracks: tracks, column: 1, keyVector: keyVector)
      return [
        leader,
        try TestColumns.open(
          vectors[1], options, keys: keys, tracks: tracks, column: 2, keyVector: keyVector, leader: leader),
      ]
    }
    for (block, values) in zip(try open(), expected) {
      #expect(block.encodings == [.decimal, .tracked])
      try RoundTripTests.check(block, values, "\(order), odd every \(oddEvery)")
    }
    // Rows of few keys, before all others are decoded: few rows and many, of several keys, some of the keys' rows alone.
    for (wanted, every) in [([0], 1), ([36], 1), ([5, 9, 20], 2), ([1, 2, 3, 4, 5, 6], 1), ([7], 50)] {
      let rows = (0..<count).filter { wanted.contains(walkers.keys[$0]) && $0 % every == 0 }
      for (block, values) in zip(try open(), expected) {
        let read = try rows.map { UInt32($0) }.withUnsafeBufferPointer { try block.read($0) }
        #expect(rows.indices.allSatisfy { read.scalar(at: $0) == values[rows[$0]] }, "keys \(wanted)")
      }
    }
    if oddEvery > 0 || isForced { return }
    // Smaller than with steps from the last value alone.
    var sizes = [0, 0]
    for index in [0, 1] {
      sizes[0] += try BlockEncoder.encode(vectors[index], keys: keys).0.bytes.byteCount
      sizes[1] += try BlockEncoder.encode(vectors[index], keys: keys, tracks: tracks, column: index + 1).0.bytes
        .byteCount
    }
    #expect(sizes[1] * 100 < sizes[0] * 97, "\(sizes[1]) bytes, \(sizes[0]) by differences")
  }

  /// Where a row lies near the row before it, keys that say nothing of it are not asked.
  @Test(arguments: [false, true]) func keysThatSayNothingAreNotAsked(isByKey: Bool) throws {
    let count = 20_000
    var random = SeededGenerator(seed: 3)
    var places = [Int64](repeating: 0, count: 40).map { _ in Int64(random.next() % 100_000_000) }
    var vectors: [[Scalar]] = [[], []]
    let keys = (0..<count).map { _ in Int(random.next() % 40) }
    for row in 0..<count {
      let place = isByKey ? keys[row] : row / 1000 % 40
      for column in 0...1 {
        places[place] += Int64(random.next() % 30)
        vectors[column].append(.double(Double(places[place]) / 1e6))
      }
    }
    let keyVector = Vector.of(.integer, keys.map { .integer(Int64($0)) })
    let blockKeys = try #require(BlockKeys(column: 2, keyVector))
    let columns = vectors.enumerated().map { ($0, Vector.of(.double, $1)) }
    #expect((TestColumns.tracks(columns, keys: blockKeys) != nil) == isByKey)
  }

  @Test func extremesAreTracked() throws {
    let count = 2500
    let keyVector = Vector.of(.integer, (0..<count).map { .integer(Int64($0 % 3)) })
    let values: [[Int64]] = [
      (0..<count).map { [.min, .max, 0, -1, 1, .min + 1, .max - 1][$0 % 7] },
      (0..<count).map { $0 % 5 == 0 ? .max : Int64($0) << 40 },
    ]
    let vectors = values.map { Vector.of(.bigint, $0.map { .integer($0) }) }
    let keys = try #require(BlockKeys(column: 0, keyVector))
    let tracks = try #require(TestColumns.tracks([(1, vectors[0]), (2, vectors[1])], keys: keys, isForced: true))
    var options = BlockOptions()
    options.forced = .tracked
    let leader = try TestColumns.open(vectors[0], options, keys: keys, tracks: tracks, column: 1, keyVector: keyVector)
    let follower = try TestColumns.open(
      vectors[1], options, keys: keys, tracks: tracks, column: 2, keyVector: keyVector, leader: leader)
    for (block, values) in zip([leader, follower], values) {
      #expect(block.encodings == [.tracked])
      try RoundTripTests.check(block, values.map { .integer($0) }, "extremes")
    }
  }

  @Test func leadersMustLead() throws {
    let count = 3000
    let keyVector = Vector.of(.integer, (0..<count).map { .integer(Int64($0 % 7)) })
    let keys = try #require(BlockKeys(column: 0, keyVector))
    func pair(_ seed: UInt64) throws -> (Block, Block) {
      let walkers = Walkers(count: count, walkers: 7, order: .mixed, seed: seed)
      let vectors = [walkers.latitudes, walkers.longitudes].map { Vector.of(.double, $0.map { .double($0) }) }
      let tracks = try #require(TestColumns.tracks([(1, vectors[0]), (2, vectors[1])], keys: keys, isForced: true))
      var options = BlockOptions()
      options.forced = .tracked
      return (
        try TestColumns.open(vectors[0], options, keys: keys, tracks: tracks, column: 1, keyVector: keyVector),
        try TestColumns.open(vectors[1], options, keys: keys, tracks: tracks, column: 2, keyVector: keyVector)
      )
    }
    let (leader, follower) = try pair(1)
    let (other, otherFollower) = try pair(2)
    #expect(follower.need == .leader(column: 1))
    for wrong in [other, otherFollower, try TestColumns.open(keyVector)] {
      #expect { try follower.supplyLeader(wrong) } throws: { ($0 as? PulsehouseError)?.kind == .corrupt }
    }
    try follower.supplyLeader(leader)
    #expect(follower.need == nil)
  }
}
