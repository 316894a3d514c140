import Execution
import Glibc

/// How to ingest.
package struct IngestOptions: Sendable {
  package var threadCount = WorkerPool.coreCount
  /// Where every lake lies, instead of where its source says.
  package var lakePath: String?
  /// What relative paths of sources start from.
  package var dataDirectory = "."
  /// Rows after which a commit is made: what a kill may cost.
  package var commitRowCount = 16 * 131_072
  /// Bytes of a lake read at a time; nil fits them to row groups. For tests.
  package var unitByteCount: Int?
  /// The longest record of a lake that is read.
  package var recordByteLimit = 64 << 20
  package var cancellation = Cancellation()
  /// Told now and then, from any thread, one call at a time.
  package var progress: @Sendable (IngestProgress) -> Void = { _ in }

  package init() {}
}

/// How far an ingest is.
package struct IngestProgress: Sendable, Hashable {
  package var source: String
  package var byteCount: Int64
  /// Bytes that were there to be read when the ingest began.
  package var totalByteCount: Int64
  package var rowCount: Int64
}

enum IngestClock {
  /// Seconds of a clock that never goes back.
  static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
