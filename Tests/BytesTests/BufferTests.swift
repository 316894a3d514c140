import Bytes
import Testing

/// Buffers come from chunks that they share: none may ever overlap another that is alive.
@Suite struct BufferTests {
  @Test(arguments: [
    0, 1, 63, 4031, 4032, 4033, 16_384, 131_008, 131_009, 1 << 20, (2 << 20) - 64, (2 << 20) - 63, 2 << 20, 40 << 20,
  ]) func holdsItsBytes(_ byteCount: Int) {
    let first = AlignedBuffer(byteCount: byteCount)
    let second = AlignedBuffer(byteCount: byteCount, zeroed: true)
    #expect(UInt(bitPattern: first.base) % 64 == 0)
    #expect(second.bytes.allSatisfy { $0 == 0 })
    first.base.initializeMemory(as: UInt8.self, repeating: 0xAB, count: byteCount)
    second.base.initializeMemory(as: UInt8.self, repeating: 0xCD, count: byteCount)
    #expect(first.bytes.allSatisfy { $0 == 0xAB })
    #expect(second.bytes.allSatisfy { $0 == 0xCD })
    // The padding may be read.
    #expect((first.base + byteCount).load(as: UInt8.self) == 0)
  }

  /// What waits for reuse is given back to the system, and nothing of what is in use, whatever lies between.
  @Test func keepsItsBytesWhenFreeMemoryIsGivenBack() {
    var kept: [AlignedBuffer] = []
    for round in 0..<3 {
      var dropped: [AlignedBuffer] = []
      for step in 0..<120 {
        let buffer = AlignedBuffer(byteCount: [9_000, 140_000, 700_000, 1_050_000, 2_000_000][step % 5] + 64 * step)
        buffer.base.initializeMemory(as: UInt8.self, repeating: UInt8(step + round), count: buffer.byteCount)
        if step % 3 == round { kept.append(buffer) } else { dropped.append(buffer) }
      }
      dropped = []
      Heap.release()
      for (place, buffer) in kept.enumerated() {
        let mark = UInt8(place % 40 * 3 + place / 40 * 2)
        #expect(buffer.bytes.allSatisfy { $0 == mark })
      }
    }
  }

  /// Buffers of one size lie where those of another lay before: what a process touches follows from what it has at once.
  @Test func sizesTakeTurns() async {
    // In a process of its own, where nobody else takes memory meanwhile.
    await #expect(processExitsWith: .success) {
      var pages: Set<UInt> = []
      for step in 0..<400 {
        let buffers = (0..<4).map { AlignedBuffer(byteCount: 200_000 + ((step * 7 + $0) % 30) * 60_000) }
        for buffer in buffers {
          let start = UInt(bitPattern: buffer.base)
          pages.formUnion((start >> 12)...((start + UInt(buffer.byteCount)) >> 12))
        }
      }
      // Four of the largest take eight megabytes.
      precondition(pages.count << 12 < 16 << 20, "\(pages.count) pages")
    }
  }

  @Test func neverOverlapsAcrossThreads() async {
    let failures = await withTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask {
          var failures = 0
          var state = UInt64(task) &* 0x9E37_79B9_7F4A_7C15 &+ 1
          func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
          }
          var alive: [(buffer: AlignedBuffer, mark: UInt64)] = []
          for step in 0..<4_000 {
            if alive.count < 40 || next(2) == 0 {
              let limit = [5_000, 20_000, 140_000, 1_200_000, 2_500_000][next(50) == 0 ? 4 : next(4)]
              let buffer = AlignedBuffer(byteCount: 8 + next(limit))
              let mark = UInt64(task) << 32 | UInt64(step)
              buffer.base.storeBytes(of: mark, as: UInt64.self)
              (buffer.base + buffer.byteCount - 8).storeBytes(of: mark, toByteOffset: 0, as: UInt64.self)
              alive.append((buffer, mark))
            } else {
              let (buffer, mark) = alive.remove(at: next(alive.count))
              let last = (buffer.base + buffer.byteCount - 8).loadUnaligned(as: UInt64.self)
              let first = buffer.byteCount >= 16 ? buffer.base.load(as: UInt64.self) : last
              if first != mark || last != mark { failures += 1 }
            }
          }
          return failures
        }
      }
      return await group.reduce(0, +)
    }
    #expect(failures == 0)
  }
}
