import Concurrency
import JSON
import Model
import TestSupport
import Testing

@testable import Railway

/// What Railway's edge counts, from answers of the published shapes.
@Suite struct TrafficTests {
  private static let from = Timestamp(milliseconds: 1_766_000_000_000)

  private func traffic(_ fake: FakeRailway, of service: String = "api") async throws(Failure)
    -> ServiceTraffic
  {
    try await RailwayTraffic(
      baseURL: "http://127.0.0.1:1",
      RailwayTarget(project: "shop", environment: "production", tokenSecret: "RAILWAY_API_TOKEN"),
      service: service, http: fake.transport, clock: fake.clock, token: Sensitive("tok"), version: "test"
    ).traffic(from: Self.from, to: Self.from + .seconds(300))
  }

  private static let services: JSON = [
    "environment": [
      "id": "e", "name": "production", "canAccess": true,
      "serviceInstances": [
        "edges": [["node": ["serviceId": "s1", "serviceName": "api", "activeDeployments": []]]],
        "pageInfo": ["hasNextPage": false],
      ], "volumeInstances": ["edges": [], "pageInfo": ["hasNextPage": false]],
    ]
  ]

  @Test func `requests are added by status within the time, and the slowest minute is the quantile`()
    async throws
  {
    let second = Int64(1_766_000_000)
    let fake = FakeRailway([
      "ShipitProjectToken": [
        .data([
          "projectToken": [
            "id": "t", "name": "ci", "projectId": "p", "environmentId": "e",
            "project": ["id": "p", "name": "shop"], "environment": ["id": "e", "name": "production"],
          ]
        ])
      ],
      "ShipitEnvironment": [.data(Self.services)],
      "ShipitHttpStatusMetrics": [
        .data([
          "httpMetricsGroupedByStatus": [
            [
              "statusCode": 200,
              "samples": [["ts": .int(second), "value": 90], ["ts": .int(second + 300), "value": 1000]],
            ],
            [
              "statusCode": 502,
              "samples": [["ts": .int(second + 60), "value": 6], ["ts": .int(second - 60), "value": 1000]],
            ],
          ]
        ])
      ],
      "ShipitHttpDurationMetrics": [
        .data([
          "httpDurationMetrics": [
            "samples": [["ts": .int(second), "p95": 210.4], ["ts": .int(second + 60), "p95": 480]]
          ]
        ])
      ],
    ])
    let found = try await traffic(fake)
    #expect(found.requests == 96 && found.failures == 6 && found.p95 == .milliseconds(480))
    let asked = try #require(fake.calls("ShipitHttpStatusMetrics").first).variables
    #expect(asked["serviceId"]?.string == "s1" && asked["environmentId"]?.string == "e")
    #expect(asked["startDate"]?.string == Self.from.iso8601)
    let failure = await #expect(throws: Failure.self) { _ = try await traffic(fake, of: "web") }
    #expect(failure?.message.contains("web") == true)
  }
}
