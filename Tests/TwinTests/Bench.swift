import Concurrency
import HTTP
import HTTPServer
import JSON
import Testing

@testable import Twin

/// A clock that goes forward when told to, or when somebody waits.
final class JumpingClock: TimeSource {
  private let moment: Locked<Timestamp>

  init(_ start: Timestamp = Timestamp(milliseconds: 1_787_000_000_000)) {
    moment = Locked(start)
  }

  var now: Timestamp { moment.withLock { $0 } }

  func sleep(until wanted: Timestamp) async throws {
    try Task.checkCancellation()
    moment.withLock { $0 = max($0, wanted) }
  }

  func advance(_ seconds: Double) {
    moment.withLock { $0 = $0 + .milliseconds(Int64(seconds * 1000)) }
  }
}

/// A twin with scripted services under a clock of its own.
struct Bench {
  let clock = JumpingClock()
  let services = ScriptedRuntime()
  let core: TwinCore
  let transport: InProcessTransport
  var token = "account"
  var tokenHeader = "Authorization"

  static let seed: JSON = [
    "workspaces": [["name": "acme", "plan": "pro"], ["name": "other", "plan": "free"]],
    "projects": [
      [
        "id": "p", "name": "shop", "workspace": "acme",
        "environments": [["id": "e", "name": "production"], ["id": "staging", "name": "staging"]],
        "services": [
          [
            "id": "api", "name": "api", "variables": ["GREETING": "hello"],
            "settings": ["startCommand": "./run", "healthcheckPath": "/health", "healthcheckTimeout": 10],
          ],
          ["id": "web", "name": "web", "variables": ["API": "${{api.GREETING}} ${{ shared.REGION }}"]],
          [
            "id": "store", "name": "store", "volume": ["mountPath": "/data"],
            "settings": ["drainingSeconds": 5],
          ],
          [
            "id": "img", "name": "img", "source": ["image": "ghcr.io/acme/img:1"],
            "settings": ["healthcheckPath": "/"],
          ],
          ["id": "repo", "name": "repo", "source": ["repo": "acme/repo"], "autoDeploy": true],
        ],
      ]
    ],
    "sources": [
      "images": ["ghcr.io/acme/img:1": "/one", "ghcr.io/acme/img:2": "/two"],
      "repositories": [
        "acme/repo": [
          ["commit": "1111111111111111111111111111111111111111", "directory": "/r1"],
          ["commit": "2222222222222222222222222222222222222222", "directory": "/r2"],
        ]
      ],
    ],
    "tokens": [
      ["token": "account", "kind": "account"],
      ["token": "workspace", "kind": "workspace", "workspace": "acme"],
      ["token": "elsewhere", "kind": "workspace", "workspace": "other"],
      ["token": "project", "kind": "project", "project": "shop", "environment": "production"],
    ],
  ]

  init(seed: JSON = Bench.seed) throws {
    core = try TwinCore(clock: clock, runtime: services, seed: seed)
    transport = InProcessTransport(core: core, services: services)
  }

  /// Sends a document and gives the status and the body as JSON.
  func send(_ query: String, _ variables: JSON = [:], operation: String? = nil) async throws -> (Int, JSON) {
    var body: [String: JSON] = ["query": .string(query), "variables": variables]
    if let operation { body["operationName"] = .string(operation) }
    let credential = tokenHeader == "Authorization" ? "Bearer \(token)" : token
    let response = try await transport.send(
      HTTPRequest(
        method: "POST", url: InProcessTransport.base + "/graphql/v2?source=shipit",
        headers: [
          (tokenHeader, credential), ("User-Agent", "shipit/1"), ("Content-Type", "application/json"),
        ],
        body: .bytes(Array(JSON.object(body).serialized().utf8))))
    return (response.status, try JSON(parsing: response.body))
  }

  /// The `data` of an answer that must have no errors.
  func ask(_ query: String, _ variables: JSON = [:], at place: SourceLocation = #_sourceLocation) async throws
    -> JSON
  {
    let (status, body) = try await send(query, variables)
    #expect(status == 200, sourceLocation: place)
    #expect(body["errors"] == nil, sourceLocation: place)
    return body["data"] ?? .null
  }

  /// The first error's message of an answer that must be HTTP 200.
  func refusal(_ query: String, _ variables: JSON = [:]) async throws -> String? {
    let (status, body) = try await send(query, variables)
    #expect(status == 200)
    return body["errors"]?[0]?["message"]?.string
  }

  func upload(to service: String, environment: String = "e", message: String = "m") async throws
    -> HTTPResponse
  {
    let credential = tokenHeader == "Authorization" ? "Bearer \(token)" : token
    return try await transport.send(
      HTTPRequest(
        method: "POST",
        url: InProcessTransport.base
          + "/project/p/environment/\(environment)/up?serviceId=\(service)&message=\(message)",
        headers: [(tokenHeader, credential), ("User-Agent", "shipit/1")], body: .bytes([0x1F, 0x8B, 8, 0])))
  }

  /// Uploads and gives the deployment's id.
  func deploy(_ service: String) async throws -> String {
    let response = try await upload(to: service)
    let body = try JSON(parsing: response.body)
    return try #require(body["deploymentId"]?.string)
  }

  func status(_ id: String) async throws -> String? {
    try await ask("query($id: String!) { deployment(id: $id) { status } }", ["id": .string(id)])[
      "deployment"]?[
        "status"]?.string
  }

  /// Goes on in steps of a quarter of a second until the deployment has the status.
  func reach(_ id: String, _ wanted: String, within seconds: Double = 60) async throws {
    for _ in 0..<Int(seconds * 4) {
      if try await status(id) == wanted { return }
      clock.advance(0.25)
    }
    Issue.record("\(id) never became \(wanted); it is \(try await status(id) ?? "unknown")")
  }

  /// The statuses a deployment goes through, sampled every quarter of a second.
  func story(_ id: String, seconds: Double) async throws -> [String] {
    var story: [String] = []
    for _ in 0..<Int(seconds * 4) {
      let status = try await status(id) ?? "?"
      if story.last != status { story.append(status) }
      clock.advance(0.25)
    }
    return story
  }

  /// What the service answers at its own address.
  func get(_ service: String, _ path: String = "/") async throws -> HTTPResponse {
    let data = try await ask(
      "query($s: String!) { serviceInstance(environmentId: \"e\", serviceId: $s) { domains { serviceDomains { domain } } } }",
      ["s": .string(service)])
    let domain = data["serviceInstance"]?["domains"]?["serviceDomains"]?[0]?["domain"]?.string
    return try await transport.send(HTTPRequest(url: "http://\(try #require(domain))\(path)"))
  }
}
