import Kernels
import Testing
import Vectors

/// Rows of equal keys are found among all others, whatever share of the hashes is looked at at a time.
@Suite struct HashPieceTests {
  @Test(arguments: [(0, 1), (2, 9)]) func rowsThatRepeatAKeyAreFound(shareBits: Int, partitionBits: Int) {
    let count = 70_000
    let keys = (0..<count).map { row -> Int64 in row % 1000 == 7 ? 7 : Int64(row) &* 1_000_003 }
    var pieces: [[HashPiece]] = []
    for share in 0..<1 << shareBits {
      let builder = HashPieceBuilder(shareBits: shareBits, share: share, partitionBits: partitionBits)
      #expect(builder.finish() == nil)
      var made: [HashPiece] = []
      var start = 0
      while start < count {
        let end = min(start + 2000, count)
        if builder.rowCount + end - start > HashPiece.mostRows, let piece = builder.finish() { made.append(piece) }
        builder.append([.of(.bigint, keys[start..<end].map { .integer($0) })], count: end - start)
        start = end
      }
      if let piece = builder.finish() { made.append(piece) }
      pieces.append(made)
    }
    #expect(pieces.reduce(0) { $0 + $1.reduce(0) { $0 + $1.rowCount } } == count)
    let finder = RepeatedHashes()
    var found: [UInt64] = []
    for made in pieces {
      for partition in 0..<1 << partitionBits { finder.find(in: made, partition: partition, into: &found) }
    }
    // 32 batches of 2,000 rows are a piece.
    let rows = Set(found.map { Int($0 >> 16) * 64_000 + Int($0 & 0xFFFF) })
    #expect(rows.count == found.count)
    let repeated = Set(stride(from: 7, to: count, by: 1000))
    // Hashes of 33 bits may agree now and then.
    #expect(rows.isSuperset(of: repeated) && rows.count <= repeated.count + 20)
  }

  @Test func flagsTellWhichRowsAreSet() {
    let flags = RowFlags(count: 200)
    for row in [64, 65, 130, 199] { flags.set(row) }
    #expect(flags.set(in: 0..<64) == [] && flags.set(in: 63..<67) == [1, 2] && flags.set(in: 64..<66) == [0, 1])
    #expect(flags.set(in: 64..<200) == [0, 1, 66, 135] && flags.set(in: 66..<130) == [] && flags.set(in: 0..<0) == [])
    #expect(flags.set(in: 190..<200) == [9])
  }
}
