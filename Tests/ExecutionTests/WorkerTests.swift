import Glibc
import Planning
import Synchronization
import Testing
import Vectors

@testable import Execution

/// What the threads of a pipeline may count on.
@Suite struct WorkerTests {
  /// An operator that notes down what it makes, as joins do, and takes its time over it.
  private final class NotingOperator: Operator {
    private(set) var made = 0

    override func morselCount(phase: Int) -> Int? { phase == 0 ? 64 : nil }

    override func makeWorker() -> OperatorWorker {
      let before = made
      usleep(20_000)
      made = before + 1
      return Worker()
    }

    private final class Worker: OperatorWorker {
      override func run(phase: Int, morsel: Int, _ emit: Emit) { usleep(1000) }
    }
  }

  /// Its workers make the one below them when their first morsel comes, as those of a union do.
  private final class LateOperator: StreamOperator {
    let asked = Mutex(0)

    override func makeWorker() -> OperatorWorker { Worker(self) }

    private final class Worker: OperatorWorker {
      let source: LateOperator
      var below: OperatorWorker?

      init(_ source: LateOperator) { self.source = source }

      override func run(phase: Int, morsel: Int, _ emit: Emit) throws {
        if below == nil {
          source.asked.withLock { $0 += 1 }
          below = try source.input.worker()
        }
        try below?.run(phase: phase, morsel: morsel, emit)
      }
    }
  }

  @Test func oneWorkerIsMadeAtATime() throws {
    let builder = PlanBuilder()
    let table = builder.table([.integer], [])
    let scan = builder.scan(table, [.integer])
    for _ in 0..<5 {
      let run = QueryRun(builder.context(threads: 4), metrics: QueryMetrics(nodeIDs: [scan.id]))
      let noting = NotingOperator(scan, run)
      let late = LateOperator(scan, run, input: noting)
      try Pipeline.run(late) { _ in Sink() }
      #expect(noting.made == late.asked.withLock { $0 })
    }
  }
}
