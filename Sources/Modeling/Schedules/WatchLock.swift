import Bytes
import Glibc

/// Held by the one process that watches a warehouse. It goes with its process, however that ends.
package enum WatchLock {
  /// Takes the lock of the warehouse in `directory`, or with `clock` waits for it; `waiting` is told once who holds it.
  ///
  /// Returns nil when the clock stopped first.
  /// - Throws: `.conflict` with who holds it and since when; `.io`.
  package static func acquire(
    _ directory: String, in files: any FileSystem, now: Int64, waitingBy clock: (any WatchClock)? = nil,
    waiting: (String) -> Void = { _ in }
  ) throws(PulsehouseError) -> FileLock? {
    let path = Path.join(directory, "watch.lock")
    var isTold = false
    while true {
      if let lock = try files.lock(path, .exclusive, timeoutMilliseconds: 0) {
        let since = CalendarText.timestamp(microseconds: (clock?.now ?? now) / 1_000_000 * 1_000_000)
        try lock.replaceContent(Array("process \(getpid()) on \(hostName), since \(since) UTC".utf8))
        return lock
      }
      let holder = String(decoding: (try? files.readFile(path, limit: 4096)) ?? [], as: UTF8.self)
      let words = "another watch has this warehouse" + (holder.isEmpty ? "" : ": \(holder)")
      guard let clock else {
        throw PulsehouseError(
          .conflict, words, sqlState: "55P03", hint: "--wait takes over when it ends.", file: path)
      }
      if !isTold { waiting(words) }
      isTold = true
      if !clock.wait(until: clock.now + 250_000) { return nil }
    }
  }

  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "an unnamed host" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
