import Glibc

/// Prints what pieces of work cost a row, the best of several runs, in processor time, so that what else the machine does
/// is not counted.
struct Stopwatch {
  let repeats: Int

  private func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  static func printHead() { print(pad("name", 52) + pad("ns/row", 10) + "GB/s") }

  /// Runs `body` over `rows` rows, which read or write `stride` bytes each; without, no rate is told.
  func measure(_ name: String, rows: Int, stride: Int? = nil, _ body: () throws -> Void) rethrows {
    var best = Double.infinity
    for _ in 0..<repeats {
      let start = now()
      try body()
      best = min(best, now() - start)
    }
    let nanoseconds = best / Double(max(rows, 1))
    let rate = stride.map { "\((Double($0) / nanoseconds * 100).rounded() / 100)" } ?? ""
    print(Stopwatch.pad(name, 52) + Stopwatch.pad("\((nanoseconds * 1000).rounded() / 1000)", 10) + rate)
  }

  static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }
}
