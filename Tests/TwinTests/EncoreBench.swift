import Concurrency
import HTTP
import HTTPServer
import JSON
import Testing

@testable import Twin

/// An emulated Encore with scripted applications under a clock of its own.
struct EncoreBench {
  static let one = String(repeating: "1", count: 40)
  static let two = String(repeating: "2", count: 40)
  static let three = String(repeating: "3", count: 40)

  let clock = JumpingClock()
  let twin: EncoreTwin
  let transport: InProcessTransport

  /// The seed, with members of the application replaced.
  static func seed(_ changes: [String: JSON] = [:], environment: [String: JSON] = [:]) -> JSON {
    var prod: [String: JSON] = ["name": "prod", "type": "production", "mixed": 2, "port": 31_000]
    prod.merge(environment) { $1 }
    var app: [String: JSON] = [
      "slug": "shop-x1", "lang": "go", "checks": ["database"],
      "commits": [
        ["sha": .string(one), "migrations": ["main": [1]]],
        ["sha": .string(two), "migrations": ["main": [1, 2]]],
        ["sha": .string(three), "migrations": ["main": [1, 2, 3]]],
      ],
      "branches": ["main": .string(two)],
      "databases": ["main": ["migrations": "jobs/migrations", "applied": [1]]],
      "environments": [
        .object(prod), ["name": "staging", "type": "development", "port": 31_001, "mixed": 0],
      ],
    ]
    app.merge(changes) { $1 }
    return [
      "apps": [.object(app), ["slug": "other-x2", "environments": [["name": "prod"]]]],
      "clients": [
        ["id": "o2c_deployer", "secret": "s3cret", "app": "shop-x1"],
        ["id": "o2c_reader", "secret": "s3cret", "app": "shop-x1", "role": "reader"],
      ],
      "authKeys": [
        ["key": "ena_key", "app": "shop-x1"], ["key": "ena_once", "app": "shop-x1", "singleUse": true],
        ["key": "ena_hour", "app": "shop-x1", "ephemeral": true],
      ],
    ]
  }

  init(_ seed: JSON = EncoreBench.seed()) async throws {
    twin = try await EncoreTwin(EmulationSetup(seed: seed, clock: clock))
    transport = InProcessTransport([twin])
  }

  struct Answer {
    var status: Int
    var body: JSON
    var response: HTTPResponse
  }

  func send(
    _ method: String, _ path: String, _ body: JSON? = nil, form: String? = nil, token: String? = nil
  ) async throws -> Answer {
    var headers: [(name: String, value: String)] = [("User-Agent", "EncoreCLI/v1.58.2")]
    var bytes: [UInt8] = []
    if let token { headers.append(("Authorization", "Bearer \(token)")) }
    if let body {
      headers.append(("Content-Type", "application/json"))
      bytes = Array(body.serialized().utf8)
    } else if let form {
      headers.append(("Content-Type", "application/x-www-form-urlencoded"))
      bytes = Array(form.utf8)
    }
    let response = try await transport.send(
      HTTPRequest(
        method: method, url: (InProcessTransport.bases["encore"] ?? "") + path, headers: headers,
        body: bytes.isEmpty ? .none : .bytes(bytes)))
    return Answer(
      status: response.status, body: (try? JSON(parsing: response.body)) ?? .null, response: response)
  }

  func clientToken(_ id: String = "o2c_deployer") async throws -> String {
    let answer = try await send(
      "POST", "/api/oauth/token", form: "grant_type=client_credentials&client_id=\(id)&client_secret=s3cret")
    return try #require(answer.body["access_token"]?.string)
  }

  func login(_ key: String = "ena_key") async throws -> JSON {
    try await send("POST", "/login/auth-key", ["auth_key": .string(key)]).body["data"] ?? .null
  }

  func cliToken() async throws -> String {
    try #require(try await login()["token"]?["access_token"]?.string)
  }

  func trigger(_ body: JSON, environment: String = "prod") async throws -> Answer {
    try await send(
      "POST", "/api/apps/shop-x1/envs/\(environment)/rollouts", body, token: try await clientToken())
  }

  /// Triggers a commit and gives the rollout's id.
  func deploy(_ sha: String, environment: String = "prod") async throws -> String {
    let answer = try await trigger(["sha": .string(sha)], environment: environment)
    return try #require(answer.body["id"]?.string)
  }

  func read(_ id: String) async throws -> JSON {
    try await send("GET", "/api/apps/shop-x1/rollouts/\(id)", token: try await clientToken()).body
  }

  /// What is told of a rollout in one line.
  static func line(_ rollout: JSON) -> String {
    func phase(_ name: String) -> String {
      guard let phase = rollout[name], !phase.isNull else { return "-" }
      return "\(phase["status"]?.string ?? "?") \(phase["conclusion"]?.string ?? "?")"
    }
    return [rollout["status"]?.string, rollout["conclusion"]?.string].compactMap { $0 }.joined(separator: " ")
      + " | " + ["build", "infra", "deploy"].map(phase).joined(separator: " | ")
  }

  /// What a rollout goes through, sampled every tenth of a second until it is completed.
  func story(_ id: String, seconds: Double = 60) async throws -> [String] {
    var story: [String] = []
    for _ in 0..<Int(seconds * 10) {
      let rollout = try await read(id)
      let line = EncoreBench.line(rollout)
      if story.last != line { story.append(line) }
      if rollout["status"] == "completed" { break }
      clock.advance(0.1)
    }
    return story
  }

  /// Waits for the conclusion; nil when there is none in time.
  func conclusion(_ id: String, seconds: Double = 200, every step: Double = 0.1) async throws -> String? {
    for _ in 0..<Int(seconds / step) {
      let rollout = try await read(id)
      if rollout["status"] == "completed" { return rollout["conclusion"]?.string }
      clock.advance(step)
    }
    return nil
  }

  /// Deploys a commit and goes on until only its revision answers.
  func settled(_ sha: String, environment: String = "prod") async throws {
    let id = try await deploy(sha, environment: environment)
    #expect(try await conclusion(id) == "success")
    clock.advance(10)
  }

  func get(_ path: String = "/__encore/healthz", port: Int = 31_000) async throws -> HTTPResponse {
    try await transport.send(HTTPRequest(url: "http://127.0.0.1:\(port)\(path)", freshConnection: true))
  }

  func health(port: Int = 31_000) async throws -> JSON {
    try JSON(parsing: try await get(port: port).body)
  }

  /// The revision that answers now.
  func revision(port: Int = 31_000) async throws -> String? {
    try await health(port: port)["details"]?["app_revision"]?.string
  }

  func control(_ path: String, _ body: JSON = [:]) async throws -> JSON {
    let answer = try await send("POST", "/_twin/" + path, body)
    #expect(answer.status == 200, "\(answer.body.serialized())")
    return answer.body
  }

  func reason(_ id: String) async -> String? { await twin.state.rollouts[id]?.reason }
}
