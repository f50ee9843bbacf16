import Concurrency
import Model

/// How far a change of a schema has come.
struct Applied: Sendable {
  private let pending: [PlannedMigration]
  /// How many of them are applied.
  var count = 0
  /// What the ledger table says is the newest.
  var newest: String?
  /// Why nothing may be started.
  var refusal: Failure?
  /// The newest, when neither the plan nor what it started from knows it.
  var stranger: String?

  init(_ change: SchemaChange) {
    pending = change.pending
    newest = change.from
  }

  var applied: [PlannedMigration] { Array(pending.prefix(count)) }
  var rest: [PlannedMigration] { Array(pending.dropFirst(count)) }
}

/// The migrations that run now, so that whoever gives one up can wait for its end.
final class RunningMigrations: Sendable {
  struct Key: Hashable, Sendable {
    var run: RunID
    var step: StepID
  }
  private struct State {
    var running: Set<Key> = []
    var ended: [Key: Applied] = [:]
  }
  private let state = Locked(State())

  func begin(_ key: Key) {
    state.withLock {
      $0.running.insert(key)
      $0.ended[key] = nil
    }
  }

  func end(_ key: Key, _ progress: Applied) {
    state.withLock {
      $0.running.remove(key)
      $0.ended[key] = progress
    }
  }

  func isRunning(_ key: Key) -> Bool { state.withLock { $0.running.contains(key) } }
  func wasBegun(_ key: Key) -> Bool {
    state.withLock { $0.running.contains(key) || $0.ended[key] != nil }
  }

  /// How far it had come; nil when it has not ended within the limit, or was never begun here.
  func waitForEnd(_ key: Key, clock: any TimeSource, limit: Duration) async -> Applied? {
    let end = clock.now + limit
    while isRunning(key), clock.now < end {
      do { try await clock.sleep(for: .milliseconds(20)) } catch { break }
    }
    return state.withLock { $0.ended[key] }
  }
}
