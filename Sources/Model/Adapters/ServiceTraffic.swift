package import Concurrency

/// What a platform's edge counted for a service within some time, of everybody and of every release.
package struct ServiceTraffic: Sendable, Hashable {
  /// Requests by status.
  package var statuses: [Int: Double]
  /// Within which 95 of 100 were answered, the slowest part of the time; nil where nobody says.
  package var p95: Duration?

  package init(statuses: [Int: Double] = [:], p95: Duration? = nil) {
    self.statuses = statuses
    self.p95 = p95
  }

  package var requests: Double { statuses.values.reduce(0, +) }
  /// By the server's fault.
  package var failures: Double { statuses.filter { $0.key >= 500 }.values.reduce(0, +) }
}

/// Who counts the requests to a service.
package protocol ServiceTrafficSource: Sendable {
  /// - Throws: `Failure`, also of kind cancelled.
  func traffic(from: Timestamp, to: Timestamp) async throws(Failure) -> ServiceTraffic
}
