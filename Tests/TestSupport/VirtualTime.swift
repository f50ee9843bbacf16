package import Concurrency

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Time that a test owns: every task runs on one thread, and when none has anything left to do, the
/// clock jumps to the earliest sleeper. Minutes of waiting take no time, and the order is always the same.
///
/// ```swift
/// let took = try VirtualTime().run { clock, spawn in
///   try await clock.sleep(for: .seconds(3600))
///   return clock.now
/// }
/// ```
package struct VirtualTime: Sendable {
  /// Nothing is queued, nobody sleeps, and the body has not returned: it waits for something that never comes.
  package struct Deadlock: Error, CustomStringConvertible {
    package var at: Timestamp
    package var description: String {
      "deadlock at \(at.iso8601): nothing is queued, nobody sleeps, and the body has not returned"
    }
  }

  private let start: Timestamp

  package init(start: Timestamp = Timestamp(milliseconds: 1_000_000_000_000)) { self.start = start }

  /// Runs `body`, and every task it spawns, to the end of `body`; tasks still running then are cancelled
  /// and played until nothing moves any more. Blocks the calling thread, which does all the work.
  /// - Throws: `Deadlock`, or what the body throws.
  package func run<Value: Sendable>(
    _ body: @escaping @Sendable (VirtualClock, Spawner) async throws -> Value
  ) throws -> Value {
    try begin(body)()
  }

  /// Begins `body` as part of the calling task, so that an issue recorded in it names the test that tells the
  /// story; nothing of it moves before the function that is returned plays it as `run` does.
  /// - Returns: to be called once, on any thread, which it blocks.
  package func begin<Value: Sendable>(
    _ body: @escaping @Sendable (VirtualClock, Spawner) async throws -> Value
  ) -> @Sendable () throws -> Value {
    let loop = VirtualLoop(start: start)
    let clock = VirtualClock(loop: loop)
    let tasks = Locked<[Task<Void, Never>]>([])
    let spawn = Spawner { work in
      let task = Task(executorPreference: loop) { await work() }
      tasks.withLock { $0.append(task) }
      return task
    }
    let outcome = Locked<Result<Value, any Error>?>(nil)
    let main = Task(executorPreference: loop) {
      let result: Result<Value, any Error>
      do { result = .success(try await body(clock, spawn)) } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
    }
    return {
      while outcome.withLock({ $0 == nil }) {
        guard loop.step() else {
          let stuck = Deadlock(at: loop.now)
          main.cancel()
          for task in tasks.withLock({ $0 }) { task.cancel() }
          while loop.runQueued() {}
          throw stuck
        }
      }
      for task in tasks.withLock({ $0 }) { task.cancel() }
      while loop.runQueued() {}
      guard let result = outcome.withLock({ $0 }) else { throw Deadlock(at: loop.now) }
      return try result.get()
    }
  }
}

/// The clock of a `VirtualTime`.
package struct VirtualClock: TimeSource {
  fileprivate let loop: VirtualLoop

  package var now: Timestamp { loop.now }

  package func sleep(until moment: Timestamp) async throws {
    let id = loop.newSleeper()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        loop.add(id, until: moment, continuation)
      }
    } onCancel: {
      loop.cancel(id)
    }
  }
}

/// The queue of jobs and sleepers, worked off by the one thread that calls `step`.
private final class VirtualLoop: TaskExecutor {
  private struct Sleeper {
    var id: Int
    var until: Timestamp
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var now: Timestamp
    var jobs: [UnownedJob] = []
    var sleepers: [Sleeper] = []
    var lastID = 0
    /// Cancelled before they lay down.
    var cancelled: Set<Int> = []
  }

  private let state: Locked<State>

  init(start: Timestamp) { state = Locked(State(now: start)) }

  var now: Timestamp { state.withLock { $0.now } }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
  }

  /// Runs everything that is queued. False when nothing was.
  func runQueued() -> Bool {
    let jobs = state.withLock { state in
      let jobs = state.jobs
      state.jobs = []
      return jobs
    }
    for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
    return !jobs.isEmpty
  }

  /// Runs what is queued, or else wakes the earliest sleeper. False when there is neither.
  func step() -> Bool {
    if runQueued() { return true }
    let next: CheckedContinuation<Void, any Error>? = state.withLock { state in
      guard let index = state.sleepers.indices.min(by: { before(state.sleepers[$0], state.sleepers[$1]) })
      else {
        return nil
      }
      let sleeper = state.sleepers.remove(at: index)
      state.now = max(state.now, sleeper.until)
      return sleeper.continuation
    }
    next?.resume()
    return next != nil
  }

  private func before(_ one: Sleeper, _ other: Sleeper) -> Bool {
    (one.until, one.id) < (other.until, other.id)
  }

  func newSleeper() -> Int {
    state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
  }

  func add(_ id: Int, until: Timestamp, _ continuation: CheckedContinuation<Void, any Error>) {
    let isCancelled = state.withLock { state in
      if state.cancelled.remove(id) != nil { return true }
      state.sleepers.append(Sleeper(id: id, until: until, continuation: continuation))
      return false
    }
    if isCancelled { continuation.resume(throwing: CancellationError()) }
  }

  func cancel(_ id: Int) {
    let continuation: CheckedContinuation<Void, any Error>? = state.withLock { state in
      guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
        state.cancelled.insert(id)
        return nil
      }
      return state.sleepers.remove(at: index).continuation
    }
    continuation?.resume(throwing: CancellationError())
  }
}
