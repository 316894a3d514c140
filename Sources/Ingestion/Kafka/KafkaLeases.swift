import Bytes
import Engine

/// Shares the partitions of a topic among all processes that ingest it into this warehouse, by locked files in the
/// warehouse's directory:
///
/// | path                                        | what                                              |
/// |---------------------------------------------|---------------------------------------------------|
/// | `readers/<source>/<topic>/seat-<n>`         | locked by a process for as long as it takes part   |
/// | `readers/<source>/<topic>/partition-<n>`    | locked by the process that reads this partition    |
///
/// A lock goes with its process, however that ends. So what a killed process read is free for the others at once, and
/// nobody waits for a time-out, nor for a broker's idea of who is alive. Everybody counts the taken seats and keeps to a
/// fair share; that two count differently for a moment does no harm, since the locks of partitions decide, and in the end
/// the commit. One thread at a time.
final class KafkaLeases {
  private let folder: String
  private let fileSystem: any FileSystem
  private var seat: FileLock?
  private let seatNumber: Int
  private var locks: [Int32: FileLock] = [:]

  /// Takes a seat.
  init(_ store: SnapshotStore, source: String, topic: String) throws(PulsehouseError) {
    fileSystem = store.fileSystem
    let names = [source, topic].map(SnapshotStore.pathComponent)
    folder = store.absolutePath("readers/\(names[0])/\(names[1])")
    try fileSystem.makeDirectory(folder)
    var number = -1
    repeat {
      number += 1
      seat = try fileSystem.lock(Self.seat(number, folder), .exclusive, timeoutMilliseconds: 0)
    } while seat == nil
    seatNumber = number
  }

  /// The partitions that are ours.
  var held: [Int32] { locks.keys.sorted() }

  /// Returns how many of `partitionCount` partitions are our share of them. With more processes than partitions some
  /// have none, and stand by.
  func quota(_ partitionCount: Int) throws(PulsehouseError) -> Int {
    var memberCount = 1
    var rank = 0
    var number = 0
    // Seats are taken from the first on, and their files stay.
    while true {
      let exists = try fileSystem.status(Self.seat(number, folder)) != nil
      guard exists || number <= seatNumber else { break }
      // A shared lock, so that two who look do not take each other for members.
      let isFree = try fileSystem.lock(Self.seat(number, folder), .shared, timeoutMilliseconds: 0) != nil
      if number != seatNumber, !isFree {
        memberCount += 1
        if number < seatNumber { rank += 1 }
      }
      number += 1
    }
    return partitionCount / memberCount + (rank < partitionCount % memberCount ? 1 : 0)
  }

  /// Takes partitions that nobody reads until `quota` are ours; false when there was none to be had.
  func claim(quota: Int, of partitionCount: Int) throws(PulsehouseError) -> Bool {
    let before = locks.count
    for partition in 0..<Int32(clamping: partitionCount) where locks[partition] == nil && locks.count < quota {
      locks[partition] = try fileSystem.lock(
        Path.join(folder, "partition-\(partition)"), .exclusive, timeoutMilliseconds: 0)
    }
    return locks.count > before
  }

  /// Gives partitions back until `quota` are left. Call when everything read of them is committed or dropped.
  func release(quota: Int) {
    for partition in held.dropFirst(quota) { locks[partition] = nil }
  }

  /// Gives everything back.
  func leave() {
    locks = [:]
    seat = nil
  }

  private static func seat(_ number: Int, _ folder: String) -> String { Path.join(folder, "seat-\(number)") }
}
