import Bytes
import Execution
import Synchronization

/// Reads a CSV file on several threads: one at a time takes the next unit of the file, all turn their units into rows,
/// and the rows are handed over in the file's order.
///
/// Units without a quote are cut at their last newline and read by the worker from the bytes on. Where quotes stand, the
/// thread that takes the unit also finds its records, since only who knows all before them knows what is inside quotes;
/// casting is the worker's in both.
enum CSVWorkers {
  /// Calls `rows` for all rows of `reader`; calls never overlap. - Throws: what `rows` throws, else the error of the first
  /// unit that has one.
  static func read(_ reader: CSVReader, threads: Int, rows: @escaping (CSVRows) throws -> Void) throws {
    let stream = CSVUnits(reader)
    let failures = Failures()
    let output = OrderedItems<CSVRows> { item in
      do { try rows(item) } catch {
        // Rows come in order, so nothing before them has failed.
        failures.note(error, at: -1)
        throw error
      }
    }
    let shared = UncheckedBox(output)
    try WorkerPool.shared.run(threads: max(1, threads)) { _ in
      let output = shared.value
      let worker = stream.makeWorker()
      while true {
        let taken = stream.next()
        do {
          guard let unit = try taken.unit.get() else { return }
          try worker.read(unit) { try output.push($0, ordinal: taken.sequence) }
          try output.finish(taken.sequence)
        } catch {
          output.abort(taken.sequence)
          stream.stop()
          if !(error is Aborted) { failures.note(error, at: taken.sequence) }
          return
        }
      }
    }
    if let error = failures.first { throw error }
  }

  /// The error with the lowest number of those noted.
  private final class Failures: Sendable {
    private let lowest = Mutex<(number: Int, error: any Error)?>(nil)

    func note(_ error: any Error, at number: Int) {
      lowest.withLock { if $0.map({ number < $0.number }) ?? true { $0 = (number, error) } }
    }

    var first: (any Error)? { lowest.withLock { $0?.error } }
  }

  private struct UncheckedBox<Value>: @unchecked Sendable {
    // @unchecked: what it holds orders its own calls.
    let value: Value

    init(_ value: Value) { self.value = value }
  }
}

/// Hands out the units of a CSV file, numbered in order, to any number of workers.
private final class CSVUnits: @unchecked Sendable {
  // @unchecked: `reader` and the counts are touched under `lock` only.

  private let reader: CSVReader
  private let lock = Mutex(())
  private var nextSequence = 0
  private var isStopped = false

  init(_ reader: CSVReader) { self.reader = reader }

  func makeWorker() -> CSVReader { lock.withLock { _ in CSVReader(workingFor: reader) } }

  /// No more units are wanted.
  func stop() { lock.withLock { _ in isStopped = true } }

  /// Returns the next unit, nil at the end or after `stop`; an error of reading ends the units.
  func next() -> (sequence: Int, unit: Result<CSVUnit?, any Error>) {
    lock.withLock { _ in
      let sequence = nextSequence
      nextSequence += 1
      if isStopped { return (sequence, .success(nil)) }
      do { return (sequence, .success(try reader.nextUnit())) } catch {
        isStopped = true
        return (sequence, .failure(error))
      }
    }
  }
}
