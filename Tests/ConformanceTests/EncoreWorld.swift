import Concurrency
import Crypto
import Encore
import HTTP
import HTTPServer
import JSON
import Model
import TestSupport
import Twin

/// Encore Cloud: one application in one environment, its commits pushed.
struct EncoreCloudWorld: PlatformWorld {
  static let cutOver = CutOver.gated
  static let canCancel = false
  static let address = "127.0.0.1:31000"

  let clock: any TimeSource
  let spawn: Spawner
  let twin: EncoreTwin

  init(clock: any TimeSource, spawn: Spawner) async throws {
    self.clock = clock
    self.spawn = spawn
    let seed: JSON = [
      "apps": [
        [
          "slug": "shop-x1", "lang": "typescript",
          "commits": .array(Worlds.commits.map { ["sha": .string($0)] }),
          "environments": [["name": "prod", "type": "production", "port": 31_000, "mixed": 2]],
        ], ["slug": "else-x2", "environments": [["name": "prod"]]],
      ],
      "clients": [
        ["id": "o2c_client", "secret": .string(Worlds.token), "app": "shop-x1"],
        ["id": "o2c_stranger", "secret": .string(Worlds.stranger), "app": "else-x2"],
      ],
      "authKeys": [
        ["key": .string("ena_" + Worlds.token), "app": "shop-x1"],
        ["key": .string("ena_" + Worlds.stranger), "app": "else-x2"],
      ],
    ]
    twin = try await EncoreTwin(EmulationSetup(seed: seed, clock: clock, recording: Recording.ofTests))
  }

  var transport: any HTTPTransport { InProcessTransport([twin]) }

  func platform(_ access: WorldAccess, _ secrets: SecretValues) throws(Failure) -> any Platform {
    var values = Dictionary(secrets.all.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    if access == .stranger {
      values["ENCORE_CLIENT_ID"] = Sensitive("o2c_stranger")
      values["ENCORE_CLIENT_SECRET"] = Sensitive(Worlds.stranger)
      values["ENCORE_AUTH_KEY"] = Sensitive("ena_" + Worlds.stranger)
    }
    return try EncorePlatform(
      baseURL: InProcessTransport.bases["encore"] ?? "", http: transport, clock: clock, target: target,
      secrets: SecretValues(values: values) { secrets.fingerprint(of: $0) }, repository: PushedCommits(),
      appearance: .seconds(60), random: { 0.5 })
  }

  private var target: EncoreTarget {
    EncoreTarget(
      app: "shop-x1", environment: "prod", clientIDSecret: "ENCORE_CLIENT_ID",
      clientSecretSecret: "ENCORE_CLIENT_SECRET", keySecret: "ENCORE_AUTH_KEY")
  }

  func environment(greeting: String) -> Model.Environment {
    Model.Environment(
      name: "prod", app: "shop", platforms: Platforms(encore: target),
      services: [
        Service(
          key: "app", platform: .encore, source: .directory(path: ".", root: nil, include: []),
          variables: ["GREETING": .text(Template(text: greeting)), "APP_KEY": .secret("APP_KEY")],
          health: Health(
            url: "http://" + EncoreCloudWorld.address, identity: .encore, within: .seconds(60), steady: 3,
            // Rollouts queue: another one is live no sooner than a build after ours.
            grace: .seconds(10), soak: .seconds(40)))
      ])
  }

  func arrange(_ trouble: WorldTrouble) async throws -> String? {
    switch trouble {
    case .loseAnswer: try await twin.add(["operation": "trigger", "fault": "cut"])
    case .slow: await twin.change { $0.durations = $0.durations.scaled(by: 0.1) }
    case .stuck: try await twin.add(["rollout": "never-finishes", "step": "building"])
    case .buildFails: try await twin.add(["rollout": "build-fails"])
    case .rateLimited: try await twin.add(["operation": "trigger", "fault": "rate-limited", "retryAfter": 2])
    case .foreignDeployment:
      _ = spawn {
        while await twin.count(of: "trigger") < 2 {
          guard (try? await clock.sleep(for: .milliseconds(200))) != nil else { return }
        }
        _ = await twin.control(
          ServerRequest(
            method: "POST", path: "/foreign", query: [], headers: [],
            body: Array(#"{"app": "shop-x1", "environment": "prod", "sha": "\#(Worlds.commits[2])"}"#.utf8)))
      }
    case .retentionPassed:
      return "Encore keeps no builds to go back to: an earlier commit is rolled out again"
    case .secondDeployer:
      return "the deploy trigger of an environment stands in the dashboard only, no API tells it"
    }
    return nil
  }

  func served() async -> String? {
    guard
      let answer = try? await transport.send(
        HTTPRequest(url: "http://\(EncoreCloudWorld.address)/__encore/healthz")), answer.status == 200
    else { return nil }
    return try? JSON(parsing: answer.body)["details"]?["app_revision"]?.string
  }

  func made(of commit: String) async -> Int {
    await twin.state.rollouts.values.count { $0.commit.sha == commit && $0.trigger == .api }
  }

  func requests() async -> Int { 0 }
}

/// A repository whose commits have all been pushed and hold no migrations.
struct PushedCommits: CommitRepository {
  func remote(holding commit: String) async throws(Failure) -> String? { "origin" }
  func remotes() async throws(Failure) -> [(name: String, url: String)] {
    [("origin", "git@example.com:shop.git")]
  }
  func files(of commit: String, under directory: String) async throws(Failure) -> [String]? { ["encore.app"] }
  func texts(
    of commit: String, under directory: String, holding words: [String]
  ) async throws(Failure) -> [(path: String, text: String)] { [] }
  func checkOut(_ commit: String, to directory: String) async throws(Failure) -> String {
    throw Failure(.internalError, "nothing is checked out here")
  }
  func commit(ofRemoteBranch branch: String) async throws(Failure) -> String? { nil }
  func publish(_ revert: Revert) async throws(Failure) -> String {
    throw Failure(.internalError, "nothing is reverted here")
  }
}
