import Concurrency
import HTTP
import Metrics
import TestSupport

extension PrometheusServer {
  static func store(_ url: String, _ access: PrometheusTarget.Access = .none) throws -> PrometheusStore {
    PrometheusStore(
      try PrometheusTarget(url: url, access: access), http: HTTPClient(), clock: SystemClock(),
      version: "test")
  }
}
