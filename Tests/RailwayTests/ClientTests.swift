import Concurrency
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Railway

@Suite struct ClientTests {
  struct Row: Sendable {
    var message: String
    var kind: APIError.Class
    var mutation: String

    init(_ message: String, _ kind: APIError.Class, _ mutation: String) {
      self.message = message
      self.kind = kind
      self.mutation = mutation
    }
  }

  static let rows = [
    Row("Not Authorized", .forbidden, "failed"),
    Row("project token not found", .invalidToken, "failed"),
    Row("Two Factor Authentication Required", .policy, "failed"),
    Row("Project not found", .notFound, "failed"),
    Row("ServiceInstance not found", .notFound, "failed"),
    Row("VolumeInstance not found", .notFound, "failed"),
    Row("Deployment not found", .notFound, "failed"),
    Row("Environment x does not exist", .notFound, "failed"),
    Row("A service named \"x\" already exists in this project", .conflict, "failed"),
    Row("domain already in use", .conflict, "failed"),
    Row("You are creating projects too quickly", .throttled, "retry"),
    Row("one environment can be created per user every 30s", .throttled, "retry"),
    Row("creating volumes too quickly", .throttled, "retry"),
    Row("An operation is already in progress", .busy, "retry"),
    Row("Failed to create service domain, please try again", .notReady, "retry"),
    Row("Failed to create custom domain, please try again", .notReady, "retry"),
    Row("Commit not found", .commitNotFound, "failed"),
    Row("x is not a valid domain", .input, "failed"),
    Row("Invalid project name", .input, "failed"),
    Row("Problem processing request", .serverFailure, "ambiguous"),
    Row("Cannot query field \"x\" on type \"Y\"", .schemaDrift, "failed"),
    Row("Unknown argument \"x\" on field \"Y.z\"", .schemaDrift, "failed"),
    Row("Field \"x\" is not defined by type \"Y\"", .schemaDrift, "failed"),
    Row("something nobody has seen", .unclassified, "ambiguous"),
  ]

  @Test("each message has its class, and a mutation its outcome", arguments: rows)
  func messages(row: Row) async {
    let railway = FakeRailway([
      "ShipitCancel": [.error(row.message, code: "INTERNAL_SERVER_ERROR", trace: "t-1")]
    ])
    await #expect {
      try await railway.client().mutate(Documents.cancel, ["id": "d"])
    } throws: { error in
      guard let error = error as? APIError else { return false }
      return error.kind == row.kind && error.outcome("cancelling").word == row.mutation
        && error.traceID == "t-1"
    }
    #expect(railway.calls("ShipitCancel").count == 1)
  }

  @Test("codes count only where the message says nothing")
  func codes() {
    #expect(APIError.Class(message: "no", code: "UNAUTHENTICATED") == .forbidden)
    #expect(APIError.Class(message: "no", code: "PROJECT_NOT_FOUND") == .notFound)
    #expect(APIError.Class(message: "no", code: "RATE_LIMITED") == .rateLimited(after: nil))
    #expect(APIError.Class(message: "no", code: "SUBSCRIPTION_REQUIRED") == .policy)
    #expect(APIError.Class(message: "commit not FOUND", code: "FORBIDDEN") == .commitNotFound)
  }

  @Test(
    "answers that are not the API's leave a mutation's effect open, refusals do not",
    arguments: [
      (Reply.http(502, "<html>bad gateway"), "ambiguous"), (.http(200, "<html>hello"), "ambiguous"),
      (.http(200, "{\"data\":null}"), "ambiguous"), (.lost, "ambiguous"), (.refused, "retry"),
      (.http(400, "{\"errors\":[{\"message\":\"Cannot query field\"}]}"), "failed"),
      (.http(401, "no"), "failed"), (.http(403, "<html>error code: 1010"), "failed"),
      (.http(429, "<html>error code: 1015"), "retry"), (.http(429, "{}", [("Retry-After", "7")]), "retry"),
    ] as [(Reply, String)])
  func envelopes(reply: Reply, outcome: String) async {
    let railway = FakeRailway(["ShipitCancel": [reply]])
    await #expect {
      try await railway.client().mutate(Documents.cancel, ["id": "d"])
    } throws: { error in
      (error as? APIError)?.outcome("cancelling").word == outcome
    }
    #expect(railway.calls("ShipitCancel").count == 1)
  }

  @Test("reads come through passing trouble, with growing pauses")
  func readsAreRepeated() async throws {
    let railway = FakeRailway([
      "ShipitDeployment": [
        .http(502, ""), .lost, .error("Problem processing request"), .http(200, "not json"),
        .data(["deployment": ["id": "d", "status": "SUCCESS"]]),
      ]
    ])
    let before = railway.clock.now
    let deployment = try await railway.client().deployment("d")
    #expect(deployment?.status == .live)
    #expect(railway.clock.now - before == .milliseconds(500 + 1000 + 2000 + 4000))
  }

  @Test("a read gives up after five attempts, and not at all after a clear refusal")
  func readsGiveUp() async {
    let railway = FakeRailway([
      "ShipitDeployment": [.http(503, "")], "ShipitProject": [.error("Not Authorized")],
    ])
    let client = railway.client()
    await #expect(throws: APIError.self) { try await client.deployment("d") }
    #expect(railway.calls("ShipitDeployment").count == 5)
    await #expect(throws: APIError.self) { try await client.read(Documents.project, ["id": "p"]) }
    #expect(railway.calls("ShipitProject").count == 1)
  }

  @Test("Retry-After is waited for, in seconds or as a date")
  func retryAfter() async throws {
    let clock = ManualClock(Timestamp(milliseconds: 784_111_777_000))
    let railway = FakeRailway(
      clock: clock,
      [
        "ShipitDeployment": [
          .http(429, "{}", [("Retry-After", "9")]),
          .http(429, "{}", [("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT")]),
          .data(["deployment": .null]),
        ]
      ])
    _ = try await railway.client().deployment("d")
    #expect(clock.now.iso8601 == "1994-11-06T08:50:07.000Z")
  }

  @Test("a host that fails again and again is left alone for a while")
  func breaker() async {
    var breaker = Breaker()
    let now = Timestamp(milliseconds: 0)
    for _ in 1..<Breaker.threshold { breaker.failed(now: now) }
    #expect(breaker.wait(now: now) == .zero)
    breaker.failed(now: now)
    #expect(breaker.wait(now: now) == Breaker.rest)
    #expect(breaker.wait(now: now + Breaker.rest) == .zero)
    #expect(breaker.wait(now: now + Breaker.rest) > .zero, "one request tries, the others wait")
    breaker.succeeded()
    #expect(breaker.wait(now: now) == .zero)
  }

  @Test("requests carry source, operation, agent, and the header of the token's kind")
  func headers() async throws {
    let workspace = FakeRailway(["ShipitDeployment": [.data(["deployment": .null])]])
    _ = try await workspace.client().deployment("d")
    let call = try #require(workspace.calls("ShipitDeployment").first)
    #expect(call.request.url == "http://127.0.0.1:1/graphql/v2?source=shipit")
    #expect(call.request.headers.contains { $0 == ("Authorization", "Bearer tok-3c5d7e9f") })
    #expect(call.request.headers.contains { $0.name == "User-Agent" && $0.value.hasPrefix("shipit/") })

    let project = FakeRailway([
      "ShipitProjectToken": [
        .data([
          "projectToken": [
            "id": "t", "name": "ci", "projectId": "p", "environmentId": "e",
            "project": ["id": "p", "name": "shop"], "environment": ["id": "e", "name": "production"],
          ]
        ])
      ], "ShipitDeployment": [.data(["deployment": .null])],
    ])
    _ = try await project.client().deployment("d")
    let second = try #require(project.calls("ShipitDeployment").first)
    #expect(second.request.headers.contains { $0 == ("Project-Access-Token", "tok-3c5d7e9f") })
    #expect(!second.request.headers.contains { $0.name == "Authorization" })
    #expect(project.calls("ShipitApiToken").isEmpty)
  }

  @Test("neither token nor hidden values stand in an error")
  func noSecretInErrors() async {
    let secret = "hunter2-\"quoted\""
    let echoed = "Problem with tok-3c5d7e9f and " + JSON.string(secret).serialized() + "\u{1B}[31m"
    let railway = FakeRailway(["ShipitVariablesUpsert": [.error(echoed)]])
    await #expect {
      try await railway.client().mutate(Documents.variablesUpsert, [:], hiding: [Sensitive(secret)])
    } throws: { error in
      let text = "\(error)"
      return !text.contains("tok-3c5d7e9f") && !text.contains("hunter2") && !text.contains("\u{1B}")
    }
  }
}

@Suite struct RateLimitTests {
  private let now = Timestamp(milliseconds: 1_766_000_000_000)

  private func quota(_ remaining: String, limit: String = "1000", reset: String) -> Quota {
    var quota = Quota()
    let fields = ["x-ratelimit-remaining": remaining, "x-ratelimit-limit": limit, "x-ratelimit-reset": reset]
    quota.note({ fields[$0] }, now: now)
    return quota
  }

  @Test(
    "the moment of reset is read as seconds, milliseconds, a date, or a span",
    arguments: ["1766000060", "1766000060000", "2025-12-17T19:34:20.000Z", "60"])
  func resetFormats(text: String) {
    #expect(quota("5", reset: text).resetsAt == now + .seconds(60))
  }

  @Test("the quota is never run dry: reads leave a reserve, mutations may use it")
  func reserve() {
    var quota = quota("20", reset: "60")
    #expect(quota.take(isMutation: false, now: now) == .seconds(60))
    #expect(quota.take(isMutation: true, now: now) == .zero)
    #expect(quota.remaining == 18)
  }

  @Test("a small rest is spread over the time until the reset")
  func spreading() {
    var quota = quota("50", reset: "100")
    #expect(quota.take(isMutation: false, now: now) == .seconds(2))
  }

  @Test("polls are quick only where the quota is generous")
  func pace() {
    var quick = PollPace()
    let generous = quota("100000", limit: "100000", reset: "3600")
    #expect(quick.next(generous, now: now, random: 0.5) == .milliseconds(100))
    var last: Duration = .zero
    for _ in 0..<60 { last = quick.next(generous, now: now, random: 0.5) }
    #expect(last == .seconds(2))

    var calm = PollPace()
    let first = calm.next(Quota(), now: now, random: 0.5)
    #expect(first >= .seconds(3) && first <= .seconds(5))
    for _ in 0..<40 { last = calm.next(Quota(), now: now, random: 0.5) }
    #expect(last == .seconds(15))

    var poor = PollPace()
    #expect(poor.next(quota("60", limit: "100", reset: "1800"), now: now, random: 0.5) == .seconds(60))
  }

  @Test("a used-up quota delays reads until it is there again, and keeps them from an endless wait")
  func usedUp() async throws {
    let railway = FakeRailway(["ShipitDeployment": [.data(["deployment": .null])]])
    railway.announce([
      ("X-RateLimit-Limit", "100"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "40"),
    ])
    let client = railway.client()
    let before = railway.clock.now
    _ = try await client.deployment("d")
    _ = try await client.deployment("d")
    #expect(railway.clock.now - before >= .seconds(40))
    railway.announce([("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "3600")])
    _ = try? await client.deployment("d")
    await #expect(throws: APIError.self) { try await client.deployment("d") }
  }
}
