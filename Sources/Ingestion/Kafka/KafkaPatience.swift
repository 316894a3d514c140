import Bytes
import Execution
import Glibc

/// Asks a broker that may be away for a while, in pieces so short that whoever wants to stop does not wait for it.
struct KafkaPatience: Sendable {
  private let topic: String
  private let cancellation: Cancellation
  private let notice: @Sendable (String) -> Void

  private static let pieceMilliseconds = 500...1000
  /// Seconds after which the broker's silence is an error; one that follows waits for ever once it has begun.
  private static let seconds = 10.0

  init(topic: String, _ cancellation: Cancellation, _ notice: @escaping @Sendable (String) -> Void = { _ in }) {
    self.topic = topic
    self.cancellation = cancellation
    self.notice = notice
  }

  /// - Throws: `.cancelled` when it was time to stop first; what `question` threw last.
  func ask<Answer>(
    forever: Bool = false, _ question: (_ milliseconds: Int) throws(PulsehouseError) -> Answer
  ) throws -> Answer {
    let started = MachineClock.seconds
    var isTold = false
    var milliseconds = Self.pieceMilliseconds.lowerBound
    while true {
      try cancellation.check()
      do throws(PulsehouseError) {
        return try question(milliseconds)
      } catch {
        let seconds = MachineClock.seconds - started
        guard error.kind == .io, forever || seconds < Self.seconds else { throw error }
        if seconds > 3, !isTold {
          isTold = true
          notice("\(topic): waiting for the broker: \(error.message)")
        }
        milliseconds = Self.pieceMilliseconds.upperBound
        // Some errors come at once.
        usleep(100_000)
      }
    }
  }
}
