import Concurrency

/// What Vercel has announced about the quota of one operation (contract §9): its limits are per operation and
/// owner, so what one has used up holds up no other.
struct Quota: Sendable, Hashable {
  private(set) var limit: Int?
  private(set) var remaining: Int?
  private(set) var resetsAt: Timestamp?
  /// No request before this moment: by `Retry-After` or the answer's `limit.reset`.
  private(set) var blockedUntil: Timestamp?

  init() {}

  /// Takes in the headers of an answer; `x-ratelimit-reset` is in seconds since 1970.
  mutating func note(_ header: (String) -> String?, now: Timestamp) {
    if let value = header("x-ratelimit-limit").flatMap({ Int($0) }) { limit = value }
    if let value = header("x-ratelimit-remaining").flatMap({ Int($0) }) { remaining = max(0, value) }
    if let value = header("x-ratelimit-reset").flatMap({ Double($0) }), value >= 0, value < 1e12 {
      resetsAt = Timestamp(milliseconds: Int64(value * 1000))
    }
  }

  /// The API refuses until then.
  mutating func block(for wait: Duration, now: Timestamp) {
    blockedUntil = max(blockedUntil ?? now, now + wait)
  }

  /// How long to wait before the next request, which is counted as sent.
  mutating func take(now: Timestamp) -> Duration {
    var wait: Duration = .zero
    if let until = blockedUntil {
      if until > now { wait = until - now } else { blockedUntil = nil }
    }
    guard let left = remaining, let reset = resetsAt, reset > now else {
      if let reset = resetsAt, reset <= now { remaining = nil }
      return wait
    }
    remaining = max(0, left - 1)
    return left == 0 ? max(wait, reset - now) : wait
  }

  /// The requests that may be sent per second without running dry; nil: nothing was announced.
  func sustainable(now: Timestamp) -> Double? {
    guard let remaining, let resetsAt, resetsAt > now else { return nil }
    return Double(remaining) / max(1, (resetsAt - now).inSeconds)
  }

  /// `Retry-After`: seconds, or a date.
  static func retryAfter(_ text: String?, now: Timestamp) -> Duration? {
    guard let text else { return nil }
    if let seconds = Double(text), seconds >= 0, seconds < 1e7 { return .milliseconds(Int64(seconds * 1000)) }
    return Timestamp(httpDate: text).map { max(.zero, $0 - now) }
  }
}

/// How often a waiting step asks: 250 ms × 1.1 up to 2 s, after five minutes 5 s; slower where the announced
/// quota would not last.
struct PollPace: Sendable, Hashable {
  private var step = 0
  private var waited: Duration = .zero

  init() {}

  /// Something has changed or begun: look closely again.
  mutating func restart() { self = PollPace() }

  /// The wait before the next look; `random` in 0..<1 gives the jitter.
  mutating func next(_ quota: Quota, now: Timestamp, random: Double) -> Duration {
    step += 1
    var seconds = 0.25
    for _ in 1..<max(step, 1) where seconds < 2 { seconds *= 1.1 }
    seconds = waited < .seconds(300) ? min(2, seconds) : 5
    seconds *= 0.9 + 0.2 * random
    // Several services wait beside each other: each takes half of what is left.
    if let rate = quota.sustainable(now: now) { seconds = min(60, max(seconds, 2 / max(rate, 0.01))) }
    let wait = Duration.milliseconds(Int64(seconds * 1000))
    waited += wait
    return wait
  }
}

/// Stops asking a host that does not answer, and lets one request in from time to time to see.
struct Breaker: Sendable, Hashable {
  private var failures = 0
  private var openUntil: Timestamp?

  static let threshold = 10
  static let rest: Duration = .seconds(10)

  init() {}

  mutating func succeeded() { self = Breaker() }

  mutating func failed(now: Timestamp) {
    failures += 1
    if failures >= Breaker.threshold { openUntil = now + Breaker.rest }
  }

  /// How long the host is left alone; zero: ask. The caller who gets zero while it was open is the one that tries.
  mutating func wait(now: Timestamp) -> Duration {
    guard let until = openUntil else { return .zero }
    if now < until { return until - now }
    openUntil = now + Breaker.rest
    return .zero
  }
}
