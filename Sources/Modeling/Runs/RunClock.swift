import Glibc

/// The time that runs measure and wait by.
enum RunClock {
  /// Seconds that never go back.
  static var now: Double { Double(nanoseconds(CLOCK_MONOTONIC)) / 1e9 }

  /// Microseconds since 1970 UTC.
  static var time: Int64 { nanoseconds(CLOCK_REALTIME) / 1000 }

  /// Waits, unless `isStopped` says that nobody wants it any more.
  static func sleep(_ seconds: Double, unless isStopped: () -> Bool) {
    let end = now + seconds
    while now < end, !isStopped() { usleep(UInt32(max(0, min(0.05, end - now)) * 1e6)) }
  }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
