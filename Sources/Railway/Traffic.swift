package import Concurrency
package import HTTP
import JSON
package import Model

/// What Railway's edge counts for one service (contract railway §13.2). It speaks of the service, not of a deployment.
package struct RailwayTraffic: ServiceTrafficSource {
  private let client: RailwayClient
  private let target: RailwayTarget
  private let service: String

  /// - Parameters:
  ///   - service: its name on Railway.
  ///   - version: shipit's own, told to Railway.
  package init(
    baseURL: String, _ target: RailwayTarget, service: String, http: any HTTPTransport,
    clock: any TimeSource, token: Sensitive, version: String
  ) {
    client = RailwayClient(
      baseURL: baseURL, http: http, clock: clock, token: token, hidden: [], userAgent: "shipit/\(version)",
      random: { 0.5 })
    self.target = target
    self.service = service
  }

  package func traffic(from: Timestamp, to: Timestamp) async throws(Failure) -> ServiceTraffic {
    let place = try await Resolution(client: client).place(of: target).place
    do throws(APIError) {
      let found = try await client.state(of: place).services.values.first { $0.name == service }
      guard let found else {
        throw APIError(
          .notFound, "there is no service \(service)", operation: Documents.httpStatusMetrics.name)
      }
      let variables: [String: JSON] = [
        "environmentId": .string(place.environment), "serviceId": .string(found.id),
        "startDate": .string(from.iso8601), "endDate": .string(to.iso8601), "stepSeconds": 60,
      ]
      var traffic = ServiceTraffic()
      let counted = try await client.read(Documents.httpStatusMetrics, variables)
      for group in counted["httpMetricsGroupedByStatus"]?.array ?? [] {
        guard let status = group["statusCode"]?.int else { continue }
        let samples = Self.samples(group, from, to)
        traffic.statuses[Int(status), default: 0] += samples.reduce(0) { $0 + ($1["value"]?.double ?? 0) }
      }
      let timed = try await client.read(Documents.httpDurationMetrics, variables)
      let slowest = Self.samples(timed["httpDurationMetrics"], from, to).compactMap { $0["p95"]?.double }
        .max()
      // Of several minutes no common quantile can be made: the slowest counts.
      traffic.p95 = slowest.map { .milliseconds(Int64($0.rounded())) }
      return traffic
    } catch { throw error.failure("reading the requests of \(service)") }
  }

  /// What lies within the time, whatever else came.
  private static func samples(_ node: JSON?, _ from: Timestamp, _ to: Timestamp) -> [JSON] {
    (node?["samples"]?.array ?? []).filter { sample in
      guard let seconds = sample["ts"]?.double else { return false }
      let at = Timestamp(milliseconds: Int64(seconds * 1000))
      return from <= at && at < to
    }
  }
}

extension Documents {
  static let httpStatusMetrics = Operation(
    """
    query ShipitHttpStatusMetrics(
      $environmentId: String!, $serviceId: String!, $startDate: DateTime!, $endDate: DateTime!, $stepSeconds: Int
    ) {
      httpMetricsGroupedByStatus(
        environmentId: $environmentId, serviceId: $serviceId, startDate: $startDate, endDate: $endDate
        stepSeconds: $stepSeconds
      ) {
        statusCode
        samples { ts value }
      }
    }
    """)

  static let httpDurationMetrics = Operation(
    """
    query ShipitHttpDurationMetrics(
      $environmentId: String!, $serviceId: String!, $startDate: DateTime!, $endDate: DateTime!, $stepSeconds: Int
    ) {
      httpDurationMetrics(
        environmentId: $environmentId, serviceId: $serviceId, startDate: $startDate, endDate: $endDate
        stepSeconds: $stepSeconds
      ) {
        samples { ts p95 }
      }
    }
    """)
}
