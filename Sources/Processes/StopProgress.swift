import Concurrency

/// Where a stop stands on its ladder.
struct StopProgress {
  private var rungs: ArraySlice<StopLadder.Rung>

  /// When the next signal is due; nil after the last.
  private(set) var next: Timestamp?
  /// When SIGKILL is due.
  let end: Timestamp

  init(_ ladder: StopLadder, start: Timestamp) {
    rungs = ladder.rungs[...]
    next = start
    end = ladder.rungs.reduce(start) { $0 + $1.wait }
  }

  /// The signal that is due at `now`, if any; ask again until there is none.
  mutating func advance(now: Timestamp) -> Int32? {
    guard let due = next, due <= now else { return nil }
    guard let rung = rungs.popFirst() else {
      next = nil
      return 9
    }
    next = now + rung.wait
    return rung.signal
  }
}
