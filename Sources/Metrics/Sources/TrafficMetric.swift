import Analysis
package import Concurrency
package import Model

/// A share or a latency of what a platform's edge counts for a service.
///
/// It is filled in by nobody later: how long a platform keeps its numbers is not promised.
package struct TrafficMetric: MetricSource {
  package enum Measure: String, Sendable, Hashable {
    /// Percent of the requests that did not end with a 5xx.
    case success
    /// Percent of them that did.
    case errors
    /// Seconds within which 95 of 100 were answered.
    case p95
  }

  package let name: String
  private let measure: Measure
  private let window: Duration
  private let traffic: any ServiceTrafficSource

  /// Samples arrive late: the newest minute is left out (contract railway §13.2).
  static let lag = Duration.seconds(60)

  /// - Parameters:
  ///   - name: who counts, for people.
  ///   - window: over how long is counted.
  package init(_ name: String, measure: Measure, window: Duration, traffic: any ServiceTrafficSource) {
    self.name = name
    self.measure = measure
    self.window = window
    self.traffic = traffic
  }

  package func read(at moment: Timestamp) async throws(CancellationError) -> MetricReading {
    let end = moment - Self.lag
    let counted: ServiceTraffic
    do throws(Failure) { counted = try await traffic.traffic(from: end - window, to: end) } catch {
      if error.kind == .cancelled { throw CancellationError() }
      let reason =
        switch error.kind {
        case .authentication: "auth"
        case .configuration: "query"
        default: "provider"
        }
      return MetricReading(StoreAnswer(.error(reason: reason), failure: error))
    }
    let all = counted.requests
    guard all > 0 else { return MetricReading(StoreAnswer(.noData(reason: "empty")), samples: 0) }
    let value: Double? =
      switch measure {
      case .success: 100 * (1 - counted.failures / all)
      case .errors: 100 * counted.failures / all
      case .p95: counted.p95?.inSeconds
      }
    return MetricReading(
      StoreAnswer(value.map { .value($0) } ?? .noData(reason: "empty")), samples: all)
  }
}
