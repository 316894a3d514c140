import Glibc
import Synchronization

/// The process's threads for computing: the caller of a job is worker 0, pool threads are the others.
///
/// A job is a closure that every worker runs once; workers share out the work by an atomic counter (`forEach`). Jobs
/// may be nested and may run side by side: the caller always works itself, so a job ends even when no thread is free.
package final class WorkerPool: @unchecked Sendable {
  // @unchecked: `queue` and `threadCount` are touched under `lock` only.

  package static let shared = WorkerPool()

  /// Processors that are online.
  package static let coreCount = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  private struct Invitation {
    let job: Job
    let worker: Int
  }

  private final class Job: @unchecked Sendable {
    // @unchecked: everything but `body` is touched under the pool's lock only.
    let body: @Sendable (Int) throws -> Void
    var running = 0
    var error: (any Error)?

    init(_ body: @escaping @Sendable (Int) throws -> Void) { self.body = body }
  }

  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let invited = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let finished = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var queue: [Invitation] = []
  private var threadCount = 0
  private var idleCount = 0

  private init() {
    pthread_mutex_init(lock, nil)
    pthread_cond_init(invited, nil)
    pthread_cond_init(finished, nil)
  }

  /// Runs `body(worker)` on the caller (worker 0) and on up to `threads - 1` pool threads (workers 1...), and returns
  /// when all are done. A pool thread that is not free before the caller is done is not waited for.
  ///
  /// - Throws: the caller's own error first, else the first of another worker.
  package func run(threads: Int, _ body: @escaping @Sendable (_ worker: Int) throws -> Void) throws {
    guard threads > 1 else { return try body(0) }
    let job = Job(body)
    pthread_mutex_lock(lock)
    for worker in 1..<threads { queue.append(Invitation(job: job, worker: worker)) }
    while threadCount < 256, idleCount < queue.count {
      guard startThread() else { break }
    }
    if threads == 2 { pthread_cond_signal(invited) } else { pthread_cond_broadcast(invited) }
    pthread_mutex_unlock(lock)

    var own: (any Error)?
    do { try body(0) } catch { own = error }

    pthread_mutex_lock(lock)
    queue.removeAll { $0.job === job }
    while job.running > 0 { pthread_cond_wait(finished, lock) }
    let error = own ?? job.error
    pthread_mutex_unlock(lock)
    if let error { throw error }
  }

  /// Calls `body(index, worker)` for every index below `count`, in ascending order of start, on up to `threads` threads.
  ///
  /// `worker` is below `threads`; one worker never runs two indices at once, so it may own state. After an error no
  /// further index starts. - Throws: the error with the lowest index of those that happened.
  package func forEach(
    count: Int, threads: Int = WorkerPool.coreCount,
    _ body: @escaping @Sendable (_ index: Int, _ worker: Int) throws -> Void
  ) throws {
    let threads = min(threads, count)
    guard threads > 1 else {
      for index in 0..<max(0, count) { try body(index, 0) }
      return
    }
    let progress = Progress()
    try run(threads: threads) { worker in
      while !progress.hasFailed.load(ordering: .relaxed) {
        let index = progress.next.add(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        do { try body(index, worker) } catch { progress.fail(error, at: index) }
      }
    }
    if let error = progress.error { throw error }
  }

  private final class Progress: Sendable {
    let next = Atomic<Int>(0)
    let hasFailed = Atomic<Bool>(false)
    private let failure = Mutex<(index: Int, error: any Error)?>(nil)

    func fail(_ error: any Error, at index: Int) {
      failure.withLock { if $0 == nil || index < $0!.index { $0 = (index, error) } }
      hasFailed.store(true, ordering: .relaxed)
    }

    var error: (any Error)? { failure.withLock { $0?.error } }
  }

  /// Starts one pool thread; called under the lock. Returns false when the system gives none: the caller works alone.
  private func startThread() -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 8 << 20)
    defer { pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    let pool = Unmanaged.passUnretained(self).toOpaque()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<WorkerPool>.fromOpaque(argument).takeUnretainedValue().work()
        return nil
      }, pool)
    guard status == 0 else { return false }
    threadCount += 1
    idleCount += 1
    return true
  }

  private func work() {
    pthread_mutex_lock(lock)
    while true {
      while queue.isEmpty { pthread_cond_wait(invited, lock) }
      let invitation = queue.removeFirst()
      let job = invitation.job
      job.running += 1
      idleCount -= 1
      pthread_mutex_unlock(lock)

      var failure: (any Error)?
      do { try job.body(invitation.worker) } catch { failure = error }

      pthread_mutex_lock(lock)
      idleCount += 1
      if job.error == nil { job.error = failure }
      job.running -= 1
      if job.running == 0 { pthread_cond_broadcast(finished) }
    }
  }
}
