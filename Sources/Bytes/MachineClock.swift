import Glibc

/// The machine's two clocks, for all who measure, wait, or write down when something was.
package enum MachineClock {
  /// Seconds that never go back.
  package static var seconds: Double { Double(nanoseconds) / 1e9 }

  /// Nanoseconds that never go back.
  package static var nanoseconds: Int64 { read(CLOCK_MONOTONIC) }

  /// The time of day, UTC.
  package static var microsecondsSince1970: Int64 { read(CLOCK_REALTIME) / 1000 }

  /// Waits, unless `isStopped` says that nobody wants it any more.
  package static func sleep(seconds wait: Double, unless isStopped: () -> Bool) {
    let end = seconds + wait
    while seconds < end, !isStopped() { usleep(UInt32(max(0, min(0.05, end - seconds)) * 1e6)) }
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
