import CKernels
import Testing

/// Many steps at once lead where each leads.
@Suite struct WalkKernelTests {
  @Test(arguments: [0, 1, 7, 8, 63, 64, 65, 1000, 1024], [1, 3, 8]) func stepsLeadWhereEachLeads(
    count: Int, classCount: Int
  ) {
    for runRows in [1, 5, 8, 30] { compare(count, classCount, runRows) }
  }

  /// `runRows` rows of a walker come one after the other.
  private func compare(_ count: Int, _ classCount: Int, _ runRows: Int) {
    var random = SeededGenerator(UInt64((count * 10 + classCount) * 100 + runRows))
    let walkerCount = 11
    let isFromHome = (0..<8).map { UInt8($0 < classCount ? $0 & 1 : 0) }
    let shares = (1...32).map { Int64(65_536 / $0) }
    var walkers = (0..<count).map { _ in UInt32.random(in: 0..<UInt32(walkerCount), using: &random) }
    for row in 0..<count where row % runRows != 0 { walkers[row] = walkers[row - 1] }
    let classes = (0..<count).map { _ in UInt8.random(in: 0..<UInt8(classCount), using: &random) }
    // Wide steps too: sums and products wrap.
    let codes = (0..<(8 * (count + 8))).map { _ in random.next() >> UInt64([8, 40, 60, 0][Int(random.next() % 4)]) }
    let starts = (0..<8).map { $0 * count }
    let word: Int64 = 77
    let first = (0..<walkerCount).flatMap { [Int64($0), Int64($0) << 60, Int64($0 * 3), word] }

    var plain = first
    var plainNext = starts
    var want: [Int64] = []
    for row in 0..<count {
      let track = Int(walkers[row]) * 4
      let rowClass = Int(classes[row])
      let code = codes[plainNext[rowClass]]
      plainNext[rowClass] += 1
      let step = Int64(bitPattern: (code >> 1) ^ (0 &- (code & 1)))
      let home = Int(isFromHome[rowClass])
      let value = plain[track + home] &+ step
      plain[track] = value
      if home == 1 {
        plain[track + 1] &+= (step &* shares[Int(plain[track + 2])]) >> 16
        plain[track + 2] = min(plain[track + 2] + 1, 31)
      }
      want.append(value)
    }

    let memory = UnsafeMutableRawPointer.allocate(byteCount: first.count * 8, alignment: 64)
    defer { memory.deallocate() }
    let tracks = memory.bindMemory(to: Int64.self, capacity: first.count)
    tracks.initialize(from: first, count: first.count)
    var next = starts
    var values = [Int64](repeating: word, count: count + 1)
    ph_walk_tracks(walkers, classes, count, codes, &next, isFromHome, shares, tracks, &values)
    #expect(values == want + [word])
    #expect(next == plainNext)
    #expect((0..<first.count).map { tracks[$0] } == plain)
  }
}
