/// How long to wait before the next try of what failed: a second, then twice as long each time, up to five minutes.
package struct BackOff: Hashable, Sendable {
  package private(set) var failureCount = 0
  /// Microseconds since 1970 UTC before which nothing is tried.
  package private(set) var notBefore: Int64 = .min

  package init() {}

  package mutating func fail(at now: Int64) {
    let seconds = min(300, Int64(1) << Int64(min(failureCount, 9)))
    failureCount += 1
    notBefore = now + seconds * 1_000_000
  }

  package mutating func succeed() { self = BackOff() }
}
