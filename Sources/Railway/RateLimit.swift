import Concurrency

/// What Railway has announced about the quota, and the pace that never runs it dry.
struct Quota: Sendable, Hashable {
  private(set) var limit: Int?
  private(set) var remaining: Int?
  private(set) var resetsAt: Timestamp?
  /// No request before this moment: by `Retry-After`.
  private(set) var blockedUntil: Timestamp?
  /// When the newest requests were or will be sent, as many as a second may hold.
  private var sent: [Timestamp] = []

  init() {}

  /// Takes in the headers of an answer. `X-RateLimit-Reset` may be epoch seconds, epoch milliseconds or ISO 8601.
  mutating func note(_ header: (String) -> String?, now: Timestamp) {
    if let value = header("x-ratelimit-limit").flatMap({ Int($0) }) { limit = value }
    if let value = header("x-ratelimit-remaining").flatMap({ Int($0) }) { remaining = max(0, value) }
    if let value = header("x-ratelimit-reset").flatMap({ Quota.moment($0, now: now) }) { resetsAt = value }
  }

  /// The API refuses until then.
  mutating func block(for wait: Duration, now: Timestamp) {
    blockedUntil = max(blockedUntil ?? now, now + wait)
  }

  /// How many requests a second may hold; nil: more than any run sends. The headers name the quota of an hour alone, which
  /// tells the plan: Hobby has 10 a second, Pro 50 (contract railway §4.3). Before the first answer it could be either.
  private var perSecond: Int? {
    guard let limit else { return 10 }
    return limit <= 1000 ? 10 : limit <= 10_000 ? 50 : nil
  }

  /// How long to wait before the next request, which is counted as sent. Reads leave a reserve, so that a
  /// rollback always has requests left.
  mutating func take(isMutation: Bool, now: Timestamp) -> Duration {
    let wait = share(isMutation: isMutation, now: now)
    guard let perSecond else { return wait }
    var at = now + wait
    // A little more than a second: the platform counts when they arrive.
    if sent.count >= perSecond { at = max(at, sent[sent.count - perSecond] + .milliseconds(1100)) }
    sent = (sent + [at]).suffix(perSecond)
    return at - now
  }

  /// By the hour's quota.
  private mutating func share(isMutation: Bool, now: Timestamp) -> Duration {
    var wait: Duration = .zero
    if let until = blockedUntil {
      if until > now { wait = until - now } else { blockedUntil = nil }
    }
    guard let left = remaining, let reset = resetsAt, reset > now else {
      if let reset = resetsAt, reset <= now { remaining = nil }
      return wait
    }
    remaining = max(0, left - 1)
    let untilReset = reset - now
    let reserve = isMutation ? 0 : min(20, max(2, (limit ?? 100) / 20))
    if left <= reserve { return max(wait, untilReset) }
    if let limit, left < limit / 10, !isMutation {
      return max(wait, .milliseconds(untilReset.wholeMilliseconds / Int64(left)))
    }
    return wait
  }

  /// The requests that may be sent per second without running dry; nil: nothing was announced.
  func sustainable(now: Timestamp) -> Double? {
    guard let remaining else { return nil }
    guard let resetsAt, resetsAt > now else { return nil }
    return Double(remaining) / max(1, (resetsAt - now).inSeconds)
  }

  /// Quick polling costs nothing that would be missed.
  func isGenerous(now: Timestamp) -> Bool { (sustainable(now: now) ?? 0) >= 2 }

  /// `Retry-After`: seconds, or a date.
  static func retryAfter(_ text: String?, now: Timestamp) -> Duration? {
    guard let text else { return nil }
    if let seconds = Double(text), seconds >= 0, seconds < 1e7 { return .milliseconds(Int64(seconds * 1000)) }
    return Timestamp(httpDate: text).map { max(.zero, $0 - now) }
  }

  private static func moment(_ text: String, now: Timestamp) -> Timestamp? {
    if let number = Double(text) {
      // Milliseconds since 1970 passed 10^12 in 2001; as seconds that is the year 33658. What is smaller
      // than 10^9 can only be a span.
      if number >= 1e12 { return Timestamp(milliseconds: Int64(min(number, 1e15))) }
      if number >= 1e9 { return Timestamp(milliseconds: Int64(number * 1000)) }
      return number >= 0 ? now + .milliseconds(Int64(number * 1000)) : nil
    }
    return Timestamp(iso8601: text)
  }
}

/// How often a waiting step asks.
struct PollPace: Sendable, Hashable {
  private var step = 0
  private var waited: Duration = .zero

  init() {}

  /// Something has changed or begun: look closely again.
  mutating func restart() {
    step = 0
    waited = .zero
  }

  /// The wait before the next look: 100 ms × 1.1 up to 2 s where the announced quota is generous, else 3–5 s
  /// and after two minutes up to 15 s, never faster than the quota lasts. `random` in 0..<1 gives the jitter.
  mutating func next(_ quota: Quota, now: Timestamp, random: Double) -> Duration {
    let jitter = 0.9 + 0.2 * random
    step += 1
    var seconds: Double
    if quota.isGenerous(now: now) {
      seconds = 0.1
      for _ in 1..<step where seconds < 2 { seconds *= 1.1 }
      seconds = min(2, seconds) * jitter
    } else {
      seconds = waited < .seconds(120) ? min(5, 3 + 0.2 * Double(step)) : 15
      seconds *= jitter
      if let rate = quota.sustainable(now: now), rate > 0 { seconds = min(60, max(seconds, 2 / rate)) }
    }
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
