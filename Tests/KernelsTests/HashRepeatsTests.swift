import Kernels
import Testing
import Vectors

/// Rows that are not alone with their key are found, in order, however many there are.
@Suite struct HashRepeatsTests {
  @Test(arguments: [0, 1, 2, 63, 5000, 140_000], [1, 50, 1_000_000]) func rowsThatRepeatAKeyAreFound(
    count: Int, every: Int
  ) {
    var random = SeededGenerator(UInt64(count + every))
    let keys = (0..<count).map { row -> Int64 in
      Int.random(in: 0..<every, using: &random) == 0
        ? Int64(Int.random(in: 0...row, using: &random)) : Int64(row) &* 1_000_003
    }
    var counts: [Int64: Int] = [:]
    for key in keys { counts[key, default: 0] += 1 }
    let repeated = keys.indices.filter { counts[keys[$0]] != 1 }
    let repeats = HashRepeats()
    // The second time as the first.
    for size in [2048, 4001] {
      for start in stride(from: 0, to: count, by: size) {
        let part = keys[start..<min(start + size, count)]
        let null = Vector.constant(.integer, .null, count: part.count)
        repeats.hashes.append([.of(.bigint, part.map { .integer($0) }), null], count: part.count)
      }
      #expect(repeats.hashes.count == count)
      #expect(repeats.take() == repeated)
      #expect(repeats.hashes.count == 0)
    }
  }

  /// Keys of several columns that differ by little, in either direction: none of them cancels out.
  @Test func keysOfSeveralColumnsAreTold() {
    var random = SeededGenerator(5)
    let rows = (0..<20_000).map { _ in (0..<4).map { _ in Int.random(in: -6...6, using: &random) } }
    var counts: [[Int]: Int] = [:]
    for row in rows { counts[row, default: 0] += 1 }
    let types: [LogicalType] = [.bigint, .integer, .smallint, .text]
    let columns = types.enumerated().map { index, type in
      Vector.of(
        type,
        rows.map { row in
          if row[index] == 6 { return .null }
          return type == .text ? .text("\(row[index])") : .integer(Int64(row[index]))
        })
    }
    let repeats = HashRepeats()
    repeats.hashes.append(columns, count: rows.count)
    #expect(repeats.take() == rows.indices.filter { counts[rows[$0]] != 1 })
  }

  @Test(arguments: [1, 2, 700, 5000]) func hashesAreKeptForOthers(count: Int) {
    let keys = (0..<count).map { Int64($0 * 7 % max(count - 1, 1)) }
    let kept = KeyHashes()
    for start in stride(from: 0, to: count, by: 999) {
      let part = keys[start..<min(start + 999, count)].map { Scalar.integer($0) }
      kept.append([.of(.bigint, part)], count: part.count)
    }
    #expect(kept.count == count)
    let chosen = (0..<UInt32(count)).filter { $0 % 3 == 0 }
    let repeats = HashRepeats()
    repeats.hashes.append(kept)
    repeats.hashes.append(kept, at: chosen)
    let all = keys + chosen.map { keys[Int($0)] }
    var counts: [Int64: Int] = [:]
    for key in all { counts[key, default: 0] += 1 }
    #expect(repeats.take() == all.indices.filter { counts[all[$0]] != 1 })
    kept.removeAll()
    #expect(kept.count == 0)
  }

  @Test func rowsWithoutKeysAreAllAlike() {
    let repeats = HashRepeats()
    repeats.hashes.append([], count: 1)
    #expect(repeats.take() == [])
    repeats.hashes.append([], count: 3)
    #expect(repeats.take() == [0, 1, 2])
  }
}
