import Concurrency

/// The API's own limit: a number of requests per window and token.
package struct RateLimit: Sendable {
  /// Requests per window.
  package var limit = 100_000
  package var window: Duration = .seconds(3600)
  private var windows: [String: (end: Timestamp, used: Int)] = [:]

  package init() {}

  /// Counts a request.
  /// - Returns: the headers of its answer, and the seconds to wait when the window is exhausted.
  mutating func count(_ token: String, at now: Timestamp) -> (
    headers: [(name: String, value: String)], wait: Int?
  ) {
    var current = windows[token] ?? (now + window, 0)
    if current.end <= now { current = (now + window, 0) }
    let exhausted = current.used >= limit
    if !exhausted { current.used += 1 }
    windows[token] = current
    var headers = [
      (name: "X-RateLimit-Limit", value: String(limit)),
      (name: "X-RateLimit-Remaining", value: String(limit - current.used)),
      (name: "X-RateLimit-Reset", value: String(current.end.milliseconds / 1000)),
    ]
    guard exhausted else { return (headers, nil) }
    let wait = max(1, Int(((current.end - now).wholeMilliseconds + 999) / 1000))
    headers.append((name: "Retry-After", value: String(wait)))
    return (headers, wait)
  }
}
