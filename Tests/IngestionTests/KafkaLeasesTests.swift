import Bytes
import Engine
import TestKit
import Testing

@testable import Ingestion

struct KafkaLeasesTests {
  private let scratch = Scratch()
  private let warehouse: Warehouse

  init() throws { warehouse = try Warehouse(Path.join(scratch.path, "tables"), mode: .create) }

  private func join() throws -> KafkaLeases {
    try KafkaLeases(warehouse.store, source: "bronze.\"odd/name\"", topic: "events")
  }

  /// What a process does now and then.
  private func settle(_ leases: KafkaLeases, _ partitionCount: Int) throws {
    let quota = try leases.quota(partitionCount)
    leases.release(quota: quota)
    _ = try leases.claim(quota: quota, of: partitionCount)
  }

  @Test func oneHasAll() throws {
    let one = try join()
    try settle(one, 6)
    #expect(one.held == [0, 1, 2, 3, 4, 5])
    try settle(one, 8)
    #expect(one.held.count == 8)
  }

  @Test func membersShareFairlyAndEveryPartitionHasOneReader() throws {
    var chance = SplitMix(state: 7)
    var members: [KafkaLeases] = []
    let partitionCount = 7
    for step in 0..<200 {
      if members.isEmpty || members.count < 10 && chance.next(2) == 0 {
        members.append(try join())
      } else {
        // Whoever is killed goes as a process does: its locks with it.
        members.remove(at: chance.next(members.count))
      }
      // Twice each in any order: the first time what is too much is given back.
      let start = chance.next(max(1, members.count))
      for _ in 0..<2 { for member in members[start...] + members[..<start] { try settle(member, partitionCount) } }
      let held = members.flatMap(\.held)
      #expect(Set(held).count == held.count, "step \(step): a partition has two readers")
      guard let most = members.map(\.held.count).max(), let least = members.map(\.held.count).min() else { continue }
      #expect(held.count == partitionCount, "step \(step): \(held) of \(members.count)")
      #expect(most - least <= 1, "step \(step)")
    }
  }

  @Test func partitionsStayWhereTheyAreWhenNothingChanges() throws {
    let one = try join()
    try settle(one, 6)
    let two = try join()
    for member in [one, two, one, two] { try settle(member, 6) }
    #expect(one.held == [0, 1, 2])
    #expect(two.held == [3, 4, 5])
    let before = [one.held, two.held]
    for member in [two, one, two] { try settle(member, 6) }
    #expect([one.held, two.held] == before)
    two.leave()
    try settle(one, 6)
    #expect(one.held.count == 6)
  }
}
