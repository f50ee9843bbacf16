import Concurrency
import GitHub
import HTTP
import JSON
import Metrics
import Model
import TestSupport
import Testing
import Twin

/// Marks of a rollout in Grafana, Sentry and GitHub, and that none of them stands in its way.
@Suite struct MarkerTests {
  static let commit = String(repeating: "a", count: 40)

  static func mark(_ event: RolloutMark.Event = .raised, share: Int = 25_000) -> RolloutMark {
    RolloutMark(
      app: "shop", environment: "production", rollout: "new-checkout", event: event, share: share,
      release: 42,
      commit: commit, at: Timestamp(milliseconds: 1_766_000_000_000),
      reason: event == .rolledBack ? "errors 7.1 > 2" : nil)
  }

  let twin: MarkerTwin
  let transport: InProcessTransport
  let base: String

  init() throws {
    twin = try MarkerTwin(
      EmulationSetup(
        seed: ["tokens": ["t-1"], "organization": "acme", "projects": ["shop"]], clock: ManualClock()))
    transport = InProcessTransport([twin])
    base = try #require(InProcessTransport.bases["markers"])
  }

  func grafana(_ token: String = "t-1") -> GrafanaMarker {
    GrafanaMarker(url: base, token: Sensitive(token), dashboard: "checkout", http: transport, version: "0")
  }

  func sentry(_ projects: [String] = ["shop"]) -> SentryMarker {
    SentryMarker(
      url: base, organization: "acme", projects: projects, token: Sensitive("t-1"), repository: "acme/shop",
      http: transport, shipit: "0", version: { "shop@\($0.release)+1" })
  }

  @Test func `A mark is one annotation with its time and tags, however often it is left`() async throws {
    for _ in 0..<2 { try await grafana().leave(Self.mark()) }
    try await grafana().leave(Self.mark(.rolledBack, share: 0))
    let found = try #require(await twin.overview["annotations"]?.array)
    #expect(found.count == 2)
    #expect(found[0]["text"] == "new-checkout at 25 % (release 42)")
    #expect(found[0]["time"] == 1_766_000_000_000)
    #expect(found[0]["dashboardUID"] == "checkout")
    #expect(found[0]["tags"]?.array?.contains("production") == true)
    #expect(found[1]["text"] == "new-checkout off again (release 42): errors 7.1 > 2")
  }

  @Test func `A mark is a deploy of Sentry's release, once, and the last step finishes the release`()
    async throws
  {
    for _ in 0..<2 { try await sentry().leave(Self.mark()) }
    var overview = await twin.overview
    #expect(overview["releases"]?.array?.count == 1)
    #expect(overview["releases"]?[0]?["version"] == "shop@42+1")
    #expect(overview["releases"]?[0]?["refs"]?[0]?["commit"] == .string(Self.commit))
    #expect(overview["releases"]?[0]?["dateReleased"] == nil)
    #expect(overview["deploys"]?.array?.count == 1)
    #expect(overview["deploys"]?[0]?["environment"] == "production")
    try await sentry().leave(Self.mark(.completed, share: 100_000))
    overview = await twin.overview
    #expect(overview["deploys"]?.array?.count == 2)
    #expect(overview["releases"]?[0]?["dateReleased"] == "2025-12-17T19:33:20.000Z")
  }

  @Test func `A place that refuses, and one that is slow, cost two seconds together and are named`()
    async throws
  {
    let hanging = ScriptedTransport { _ throws(HTTPError) in
      do { try await Task.sleep(for: .seconds(600)) } catch {
        throw HTTPError(code: .cancelled, message: "cancelled", nothingSent: false)
      }
      return .text(200, "{}")
    }
    let slow = GrafanaMarker(
      url: "https://slow.example.com", token: Sensitive("t"), http: hanging, version: "0")
    let began = ContinuousClock.now
    let group = MarkerGroup([grafana("wrong"), slow, sentry(["nothing"]), sentry()], clock: SystemClock())
    let failures = await group.leave(Self.mark())
    #expect(ContinuousClock.now - began < .seconds(10))
    #expect(failures.map(\.kind) == [.authentication, .timeout, .failed])
    #expect(failures[1].message == "Grafana at slow.example.com did not take the mark within 2 s")
    #expect(await twin.overview["deploys"]?.array?.count == 1, "the others have it")
    #expect(!failures.contains { $0.description.contains("wrong") })
  }

  @Test func `A step is a status on the run's own deployment, which stays the live one`() async throws {
    let github = try GitHubTwin(
      EmulationSetup(
        seed: ["repositories": ["acme/shop"], "tokens": [["token": "t", "permission": "write"]]],
        clock: ManualClock()))
    let transport = InProcessTransport([github])
    let target = GitHubTarget(
      apiURL: InProcessTransport.bases["github"] ?? "", repository: "acme/shop", token: Sensitive("t"))
    let marker = DeploymentMarker(target, http: transport, version: "0")
    await #expect(throws: Failure.self) { try await marker.leave(Self.mark()) }
    // What the report of a run leaves there.
    func post(_ path: String, _ body: JSON) async throws -> JSON {
      let answer = try await transport.send(
        HTTPRequest(
          method: "POST", url: "\(target.apiURL)/repos/acme/shop/deployments\(path)",
          headers: [
            ("Authorization", "Bearer t"), ("Accept", "application/vnd.github+json"), ("User-Agent", "test"),
            ("X-GitHub-Api-Version", "2026-03-10"), ("Content-Type", "application/json"),
          ],
          body: .bytes(Array(body.serialized().utf8))))
      return try JSON(parsing: answer.body)
    }
    let made = try await post(
      "",
      [
        "ref": .string(Self.commit), "auto_merge": false, "required_contexts": [],
        "environment": "production",
        "payload": ["shipit": ["run": "shop/production/7"]],
      ])
    let id = try #require(made["id"]?.int, "\(made)")
    _ = try await post("/\(id)/statuses", ["state": "success"])
    try await marker.leave(Self.mark())
    try await marker.leave(Self.mark(.rolledBack, share: 0))
    let states = await github.overview["deployments"]?[0]?["states"]
    #expect(states == ["success", "success", "success"])
  }
}
