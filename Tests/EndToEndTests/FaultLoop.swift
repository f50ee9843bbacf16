import Concurrency
import Foundation

/// One thread and one clock for a whole world: whatever runs here runs one piece after the other, and when
/// nothing is left to run the clock jumps to the earliest moment somebody waits for.
///
/// Unchecked: every field but `condition` is used under it, except `thread`-less work handed to `enqueue`,
/// which only the thread inside `run` takes out and runs.
final class FaultLoop: TaskExecutor, TimeSource, @unchecked Sendable {
  private struct Sleeper {
    var moment: Timestamp
    var ticket: Int
    var continuation: CheckedContinuation<Void, any Error>
  }

  private let condition = NSCondition()
  private var jobs: [UnownedJob] = []
  private var next = 0
  private var sleepers: [Sleeper] = []
  private var cancelled: Set<Int> = []
  private var lastTicket = 0
  private var moment: Timestamp
  private var isOver = false
  /// Nobody waits for anything beyond this: the world has run away.
  private let horizon: Timestamp

  /// Worlds are busy, never waiting: more of them at once than processors would only take turns.
  private static let threads: OperationQueue = {
    let queue = OperationQueue()
    queue.maxConcurrentOperationCount = 2
    return queue
  }()

  init(start: Timestamp = Timestamp(milliseconds: 1_787_000_000_000), horizon: Duration = .seconds(86_400)) {
    moment = start
    self.horizon = start + horizon
  }

  // MARK: Time

  var now: Timestamp { locked { moment } }

  func sleep(until wanted: Timestamp) async throws {
    try Task.checkCancellation()
    let ticket = locked { () -> Int? in
      guard wanted > moment else { return nil }
      lastTicket += 1
      return lastTicket
    }
    guard let ticket else { return }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let isLate = locked {
          if cancelled.remove(ticket) != nil || isOver { return true }
          sleepers.append(Sleeper(moment: wanted, ticket: ticket, continuation: continuation))
          return false
        }
        if isLate { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let sleeper = locked { () -> Sleeper? in
        guard let index = sleepers.firstIndex(where: { $0.ticket == ticket }) else {
          cancelled.insert(ticket)
          return nil
        }
        return sleepers.remove(at: index)
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  // MARK: Tasks

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    condition.lock()
    jobs.append(job)
    condition.signal()
    condition.unlock()
  }

  /// Starts tasks on this loop.
  var spawner: Spawner {
    Spawner { body in Task(executorPreference: self) { await body() } }
  }

  /// Runs `body` and everything it starts; nil when it can never end.
  func run<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) async -> Result? {
    await withCheckedContinuation { done in
      FaultLoop.threads.addOperation { done.resume(returning: self.carryOut(body)) }
    }
  }

  private func carryOut<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result? {
    let outcome = Locked<Result?>(nil)
    Task(executorPreference: self) {
      let result = await body()
      outcome.withLock { $0 = result }
    }
    while outcome.withLock({ $0 == nil }) {
      if runNext() { continue }
      guard wakeEarliest() || waitForStrays() else { break }
    }
    // Those who still wait learn that it is over, and run to their end.
    let left = locked {
      isOver = true
      defer { sleepers = [] }
      return sleepers
    }
    for sleeper in left { sleeper.continuation.resume(throwing: CancellationError()) }
    while runNext() {}
    return outcome.withLock { $0 }
  }

  private func runNext() -> Bool {
    let job = locked { () -> UnownedJob? in
      guard next < jobs.count else { return nil }
      defer {
        next += 1
        if next > 1000 {
          jobs.removeFirst(next)
          next = 0
        }
      }
      return jobs[next]
    }
    guard let job else { return false }
    job.runSynchronously(on: asUnownedTaskExecutor())
    return true
  }

  private func wakeEarliest() -> Bool {
    let sleeper = locked { () -> Sleeper? in
      guard
        let index = sleepers.indices.min(by: {
          (sleepers[$0].moment, sleepers[$0].ticket) < (sleepers[$1].moment, sleepers[$1].ticket)
        }), sleepers[index].moment <= horizon
      else { return nil }
      moment = max(moment, sleepers[index].moment)
      return sleepers.remove(at: index)
    }
    sleeper?.continuation.resume()
    return sleeper != nil
  }

  /// A job may still be on its way from another thread, for a moment of real time.
  private func waitForStrays() -> Bool {
    condition.lock()
    defer { condition.unlock() }
    if next < jobs.count { return true }
    return condition.wait(until: Date(timeIntervalSinceNow: 2)) && next < jobs.count
  }

  private func locked<Value>(_ body: () -> Value) -> Value {
    condition.lock()
    defer { condition.unlock() }
    return body()
  }
}
