import Concurrency
import HTTPServer

/// A small real service: it answers, counts what it answered, and exports that to Prometheus.
package final class CountedService: Sendable {
  private struct Counts: Sendable {
    var requests: [String: Int] = [:]
    /// Cumulative by bucket, as Prometheus keeps them.
    var buckets: [Int]
    var seconds = 0.0
    /// Whether `/metrics` answers.
    var exports = true
  }

  private let server: HTTPServer
  private let counts: Locked<Counts>

  /// - Parameters:
  ///   - labels: on each series, such as `release="7"`.
  ///   - codes: exported as 0 from the start; others appear with their first request.
  ///   - buckets: the boundaries of the histogram, in seconds.
  package init(_ labels: String = "release=\"7\"", codes: [String] = [], buckets: [Double] = [0.1, 1, 5])
    throws
  {
    var start = Counts(buckets: Array(repeating: 0, count: buckets.count + 1))
    for code in codes { start.requests[code] = 0 }
    let counts = Locked(start)
    self.counts = counts
    server = try HTTPServer { request in
      guard request.path == "/metrics" else { return ServerResponse(status: 404) }
      let now = counts.withLock { $0 }
      guard now.exports else { return ServerResponse(status: 503) }
      var lines = ["# TYPE http_requests_total counter"]
      for (code, count) in now.requests.sorted(by: { $0.key < $1.key }) {
        lines.append("http_requests_total{\(labels),code=\"\(code)\"} \(count)")
      }
      if now.buckets.last ?? 0 > 0 {
        let name = "http_request_duration_seconds"
        lines.append("# TYPE \(name) histogram")
        for (bound, count) in zip(buckets.map { "\($0)" } + ["+Inf"], now.buckets) {
          lines.append("\(name)_bucket{\(labels),le=\"\(bound)\"} \(count)")
        }
        lines.append("\(name)_sum{\(labels)} \(now.seconds)")
        lines.append("\(name)_count{\(labels)} \(now.buckets.last ?? 0)")
      }
      return ServerResponse(
        status: 200, headers: [("Content-Type", "text/plain; version=0.0.4")],
        body: .bytes(Array((lines.joined(separator: "\n") + "\n").utf8)))
    }
    self.boundaries = buckets
  }

  private let boundaries: [Double]
  package var port: UInt16 { server.port }

  /// Requests that were answered so.
  package func serve(_ count: Int, code: String = "200", seconds: Double = 0.05) {
    counts.withLock { counts in
      counts.requests[code, default: 0] += count
      counts.seconds += seconds * Double(count)
      for (index, bound) in (boundaries + [.infinity]).enumerated() where seconds <= bound {
        counts.buckets[index] += count
      }
    }
  }

  /// The exporter dies, or comes back.
  package func export(_ exports: Bool) { counts.withLock { $0.exports = exports } }

  package func stop() async { await server.shutDown() }

  /// Serves now and then until the body ends.
  package func serving(
    _ each: @escaping @Sendable (CountedService) -> Void, _ body: () async throws -> Void
  ) async throws {
    let work = Task {
      while !Task.isCancelled {
        each(self)
        try? await Task.sleep(for: .milliseconds(50))
      }
    }
    defer { work.cancel() }
    try await body()
  }
}
