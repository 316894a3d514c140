import Bytes
import Vectors

/// `pg_sleep(seconds)`: waits once for each row that is not NULL, and ends when the query is cancelled or its time is
/// over. Gives empty text, as PostgreSQL shows its void.
enum SleepFunction {
  /// Some thirty years: what is longer is until somebody cancels.
  private static let longest = 1e9

  static func sleep(_ seconds: Vector, count: Int, _ context: EvaluationContext) throws -> Vector {
    guard let cancellation = context.cancellation else { throw PulsehouseError(.unsupported, "pg_sleep here") }
    var builder = VectorBuilder(.text, capacity: count)
    for row in 0..<count {
      guard case .double(let value) = seconds.scalar(at: row) else {
        builder.appendNull()
        continue
      }
      // Not a number is no time.
      let wait = value > 0 ? min(value, longest) : 0
      MachineClock.sleep(seconds: wait) { (try? cancellation.check()) == nil }
      try cancellation.check()
      builder.append(.text(""))
    }
    return builder.finish()
  }
}
