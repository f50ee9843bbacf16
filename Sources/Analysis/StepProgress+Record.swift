/// A step's state as it is kept: every time in milliseconds, so that a record reads as it is meant and every JSON reader
/// keeps it exactly.
extension StepProgress {
  enum Key: String, CodingKey {
    case credit, tallies, paused, isApproved, isOver, lastTick, lastReadings, resumedAt, pausedAt,
      deadlineFrom
  }

  static func time(_ container: KeyedDecodingContainer<Key>, _ key: Key) throws -> Duration? {
    try container.decodeIfPresent(Int64.self, forKey: key).map { .milliseconds($0) }
  }

  static func milliseconds(_ time: Duration) -> Int64 {
    let (seconds, attoseconds) = time.components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
