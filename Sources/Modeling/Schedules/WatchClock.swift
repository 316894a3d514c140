import Bytes
import Glibc
import Synchronization

/// The time a watch goes by, so that tests need not wait for it.
package protocol WatchClock: AnyObject {
  /// Microseconds since 1970 UTC.
  var now: Int64 { get }
  /// Waits until `time`; returns false as soon as the watch is to end.
  func wait(until time: Int64) -> Bool
}

/// The machine's clock. `stop` may be called from any thread, and ends the wait at once.
package final class SystemWatchClock: WatchClock, Sendable {
  private let isStopped = Atomic<Bool>(false)
  private let readEnd: Int32
  private let writeEnd: Int32

  package init() {
    var ends: [Int32] = [-1, -1]
    // Without a pipe a wait is as long as it is asked to be.
    _ = pipe(&ends)
    readEnd = ends[0]
    writeEnd = ends[1]
  }

  deinit {
    if readEnd >= 0 { close(readEnd) }
    if writeEnd >= 0 { close(writeEnd) }
  }

  package var now: Int64 { MachineClock.microsecondsSince1970 }

  package var hasStopped: Bool { isStopped.load(ordering: .acquiring) }

  package func stop() {
    isStopped.store(true, ordering: .releasing)
    var byte: UInt8 = 0
    _ = write(writeEnd, &byte, 1)
  }

  package func wait(until time: Int64) -> Bool {
    while !hasStopped {
      let left = (time - now + 999) / 1000
      if left <= 0 { return true }
      var entry = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
      // A clock that was set anew is noticed within a minute.
      _ = poll(&entry, 1, Int32(min(left, 60_000)))
    }
    return false
  }
}
