import Concurrency
import Model

/// The commands that run now, so that whoever gives one up can wait for its end.
final class RunningCommands: Sendable {
  struct Key: Hashable, Sendable {
    var run: RunID
    var step: StepID
  }

  private struct State {
    var running: [Key: Int] = [:]
    var waiting: [Key: [CheckedContinuation<Void, Never>]] = [:]
  }

  private let state = Locked(State())

  func begin(_ key: Key) { state.withLock { $0.running[key, default: 0] += 1 } }

  func end(_ key: Key) {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      let left = (state.running[key] ?? 1) - 1
      state.running[key] = left > 0 ? left : nil
      return left > 0 ? [] : state.waiting.removeValue(forKey: key) ?? []
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when no command of the step runs. Its length is bounded by the stop ladder.
  func waitForEnd(_ key: Key) async {
    await withCheckedContinuation { continuation in
      let ended = state.withLock { state -> Bool in
        guard state.running[key] != nil else { return true }
        state.waiting[key, default: []].append(continuation)
        return false
      }
      if ended { continuation.resume() }
    }
  }
}
