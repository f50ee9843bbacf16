import Analysis
import Concurrency
import Foundation
import HTTP
import HTTPServer
import Metrics
import Model
import TestSupport
import Testing

/// What a platform's edge counts.
@Suite struct TrafficMetricTests {
  private struct Counted: ServiceTrafficSource {
    var answer: Result<ServiceTraffic, Failure>
    let asked = Locked<[Timestamp]>([])

    func traffic(from: Timestamp, to: Timestamp) async throws(Failure) -> ServiceTraffic {
      asked.withLock { $0 = [from, to] }
      return try answer.get()
    }
  }

  @Test func `A share counts its requests, leaves the newest minute out, and keeps no history`() async throws
  {
    let counted = Counted(
      answer: .success(ServiceTraffic(statuses: [200: 190, 404: 6, 503: 4], p95: .milliseconds(250))))
    let moment = CommandMetricTests.moment
    func read(_ measure: TrafficMetric.Measure) async throws -> MetricReading {
      try await TrafficMetric("the edge", measure: measure, window: .seconds(300), traffic: counted).read(
        at: moment)
    }
    #expect(try await read(.errors) == MetricReading(StoreAnswer(.value(2)), samples: 200))
    #expect(try await read(.success).answer.reading == .value(98))
    #expect(try await read(.p95).answer.reading == .value(0.25))
    #expect(counted.asked.withLock { $0 } == [moment - .seconds(360), moment - .seconds(60)])
    let none = TrafficMetric(
      "the edge", measure: .errors, window: .seconds(300),
      traffic: Counted(answer: .success(ServiceTraffic())))
    #expect(try await none.read(at: moment).answer.reading == .noData(reason: "empty") && !none.hasHistory)
    let refused = TrafficMetric(
      "the edge", measure: .errors, window: .seconds(300),
      traffic: Counted(answer: .failure(Failure(.authentication, "no"))))
    #expect(try await refused.read(at: moment).answer.reading == .error(reason: "auth"))
  }
}

/// Numbers that programs print.
@Suite struct CommandMetricTests {
  static let moment = Timestamp(milliseconds: 1_766_000_000_000)

  static func read(
    _ script: String, timeout: Duration = .seconds(20), environment: [String: String] = [:]
  ) async throws -> MetricReading {
    let metric = try CommandMetric(
      ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"].merging(environment) { $1 },
      directory: "/",
      timeout: timeout
    ) { $0.replacingOccurrences(of: "s3cret", with: "[secret TOKEN]") }
    return try await metric.read(at: moment)
  }

  static let printed: [(String, Reading, Double?)] = [
    ("echo 97.25", .value(97.25), nil),
    ("echo '  -3e2  '", .value(-300), nil),
    (#"echo '{"value": 97, "samples": 812}'"#, .value(97), 812),
    (#"echo '{"value": null, "samples": 0}'"#, .noData(reason: "empty"), 0),
    ("echo NaN", .noData(reason: "nan"), nil),
    ("echo inf", .error(reason: "not_finite"), nil),
    ("true", .error(reason: "malformed"), nil),
    ("echo 97 percent", .error(reason: "malformed"), nil),
    (#"echo '{"value": 1, "samples": -1}'"#, .error(reason: "malformed"), nil),
    ("echo 12; exit 3", .error(reason: "command"), nil),
    ("kill -9 $$", .error(reason: "command"), nil),
    ("[ \"$SHIPIT_METRIC_TIME\" = 2025-12-17T19:33:20.000Z ] && echo 1", .value(1), nil),
  ]

  @Test(arguments: printed)
  func `What a program prints becomes a reading`(_ script: String, _ reading: Reading, _ samples: Double?)
    async throws
  {
    let found = try await Self.read(script)
    #expect(found.answer.reading == reading)
    #expect(found.samples == samples)
  }

  @Test func `What it said is repeated without secrets, and it sees only what it is given`() async throws {
    let failed = try await Self.read(
      "echo token $TOKEN is refused >&2; exit 1", environment: ["TOKEN": "s3cret"])
    #expect(failed.answer.failure?.cause == "token [secret TOKEN] is refused")
    let malformed = try await Self.read("echo $TOKEN", environment: ["TOKEN": "s3cret"])
    #expect(malformed.answer.failure?.cause == "it printed: [secret TOKEN]")
    #expect(try await Self.read("[ -z \"$HOME\" ] && echo 1").answer.reading == .value(1))
  }

  @Test func `A secret that is cut by the length of a message leaves no part of itself`() async throws {
    let padding = String(repeating: "x", count: 197)
    let malformed = try await Self.read("echo \(padding)$TOKEN", environment: ["TOKEN": "s3cret"])
    #expect(malformed.answer.failure?.cause?.contains("s3c") == false)
    let long = String(repeating: "x", count: 297)
    let failed = try await Self.read("echo \(long)$TOKEN >&2; exit 1", environment: ["TOKEN": "s3cret"])
    #expect(failed.answer.failure?.cause?.contains("s3c") == false)
    // The stream itself ends within it.
    let flood = "head -c 65533 /dev/zero | tr '\\0' '\\n' >&2; printf %s $TOKEN >&2; exit 1"
    let flooded = try await Self.read(flood, environment: ["TOKEN": "s3cret"])
    #expect(flooded.answer.failure?.cause?.contains("s3c") != true)
  }

  @Test func `One that hangs is ended with its children`() async throws {
    let began = ContinuousClock.now
    let reading = try await Self.read("sleep 300 & sleep 300", timeout: .milliseconds(200))
    #expect(reading.answer.reading == .error(reason: "timeout"))
    #expect(ContinuousClock.now - began < .seconds(20))
  }

  @Test func `A command without a program, or one that is not there, is a mistake of the file`() async throws
  {
    #expect(throws: Failure.self) { try CommandMetric([], environment: [:], directory: "/") { $0 } }
    let missing = try CommandMetric(["/no/such"], environment: [:], directory: "/") { $0 }
    #expect(try await missing.read(at: Self.moment).answer.failure?.kind == .configuration)
  }
}

/// shipit's own probes.
@Suite struct ProbedMetricTests {
  static func metric(
    _ url: String, _ measure: ProbedMetric.Measure, samples: Int = 20, limit: Duration = .seconds(5),
    http: any HTTPTransport = HTTPClient(), clock: any TimeSource = SystemClock()
  ) throws -> ProbedMetric {
    try ProbedMetric(
      url: url, measure: measure, samples: samples, limit: limit,
      headers: [("X-Feature", Sensitive("on"))], http: http, clock: clock)
  }

  @Test func `The share of good answers is of as many requests as were wanted, each with the header`()
    async throws
  {
    let count = Locked(0)
    let server = try HTTPServer { request in
      guard request.header("X-Feature") == "on" else { return ServerResponse(status: 400) }
      let number = count.withLock {
        $0 += 1
        return $0
      }
      return ServerResponse(status: number % 4 == 0 ? 500 : 200)
    }
    let metric = try Self.metric("http://127.0.0.1:\(server.port)/", .success, samples: 40)
    let reading = try await metric.read(at: SystemClock().now)
    #expect(reading.answer.reading == .value(75))
    #expect(reading.samples == 40)
    #expect(count.withLock { $0 } == 40)
    #expect(server.connectionsAccepted == 40, "each is a user's first request")
    await server.shutDown()
  }

  @Test func `A service that refuses connections fails, and a name that does not resolve says nothing of it`()
    async throws
  {
    let server = try HTTPServer { _ in ServerResponse(status: 200) }
    await server.shutDown()
    let down = try Self.metric("http://127.0.0.1:\(server.port)/", .success)
    #expect(try await down.read(at: SystemClock().now).answer.reading == .value(0))
    let unknown = ScriptedTransport { _ throws(HTTPError) in
      throw HTTPError(code: .nameNotFound, message: "no such name", nothingSent: true)
    }
    let blind = try Self.metric("https://shop.example.com/", .success, http: unknown)
    #expect(try await blind.read(at: SystemClock().now).answer.reading == .error(reason: "provider"))
  }

  @Test func `The 95th percentile is by rank, and a request that failed took as long as it may`() async throws
  {
    for (slow, wanted) in [(1, 0.1), (2, 5.0)] {
      let clock = ManualClock()
      let count = Locked(0)
      let transport = ScriptedTransport { _ throws(HTTPError) in
        let number = count.withLock {
          $0 += 1
          return $0
        }
        if number <= slow { throw HTTPError(code: .timeout, message: "late", nothingSent: false) }
        clock.advance(by: .milliseconds(100))
        return .text(200, "")
      }
      let metric = try ProbedMetric(
        url: "https://shop.example.com/", measure: .p95, samples: 20, atOnce: 1, http: transport, clock: clock
      )
      #expect(try await metric.read(at: clock.now).answer.reading == .value(wanted))
    }
  }

  @Test func `Too few probes, or too many, are refused`() {
    for samples in [0, 19, 1001] {
      #expect(throws: Failure.self) { try Self.metric("https://a.example.com", .p95, samples: samples) }
    }
  }
}

/// One question to a store, over time.
@Suite struct StoredMetricTests {
  @Test func `Missed readings are filled in with their samples, at uneven moments too`() async throws {
    let transport = ScriptedTransport { request throws(HTTPError) in
      guard case .bytes(let body) = request.body else { return .text(400, "") }
      let isRange = request.url.hasSuffix("query_range")
      let value = String(decoding: body, as: UTF8.self).contains("query=n&") ? "500" : "99"
      return .text(
        200,
        isRange
          ? #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1766000300,"\#(value)"]]}]}}"#
          : #"{"status":"success","data":{"resultType":"scalar","result":[1,"\#(value)"]}}"#)
    }
    let metric = StoredMetric(
      MetricQuestion(query: "q", sampleQuery: "n"), from: try PrometheusTests.store(transport))
    let start = Timestamp(milliseconds: 1_766_000_000_000)
    let even = try await metric.history(at: [start, start + .seconds(300)])
    #expect(even.map(\.reading.answer.reading) == [.noData(reason: "empty"), .value(99)])
    #expect(even.map(\.reading.samples) == [nil, 500])
    #expect(transport.requests.count == 2)
    let uneven = try await metric.history(at: [start, start + .seconds(10), start + .seconds(300)])
    #expect(uneven.map(\.reading.samples) == [500, 500, 500])
    #expect(uneven.map(\.at) == [0, 10, 300].map { start + .seconds($0) })
  }
}
