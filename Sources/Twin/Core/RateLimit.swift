import Concurrency

/// The API's own limit: a number of requests per window and token, and of late per second.
package struct RateLimit: Sendable {
  /// Requests per window.
  package var limit = 100_000
  package var window: Duration = .seconds(3600)
  /// Requests within any second; nil: as many as come.
  package var perSecond: Int?
  /// Refused because the second was full, or the window.
  package private(set) var refused = 0
  private var recent: [String: [Timestamp]] = [:]
  private var windows: [String: (end: Timestamp, used: Int)] = [:]

  package init() {}

  /// Counts a request.
  /// - Returns: the headers of its answer, and the seconds to wait when the window is exhausted.
  mutating func count(_ token: String, at now: Timestamp) -> (
    headers: [(name: String, value: String)], wait: Int?
  ) {
    var current = windows[token] ?? (now + window, 0)
    if current.end <= now { current = (now + window, 0) }
    var exhausted = current.used >= limit
    var late: Duration?
    if let perSecond, !exhausted {
      var times = recent[token, default: []].filter { now - $0 < .seconds(1) }
      if times.count >= perSecond {
        exhausted = true
        late = .seconds(1)
      } else {
        times.append(now)
      }
      recent[token] = times
    }
    if exhausted { refused += 1 }
    if !exhausted { current.used += 1 }
    windows[token] = current
    var headers = [
      (name: "X-RateLimit-Limit", value: String(limit)),
      (name: "X-RateLimit-Remaining", value: String(limit - current.used)),
      (name: "X-RateLimit-Reset", value: String(current.end.milliseconds / 1000)),
    ]
    guard exhausted else { return (headers, nil) }
    let wait = max(1, Int(((late ?? (current.end - now)).wholeMilliseconds + 999) / 1000))
    headers.append((name: "Retry-After", value: String(wait)))
    return (headers, wait)
  }
}
