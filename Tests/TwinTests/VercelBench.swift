import Concurrency
import Crypto
import HTTP
import HTTPServer
import JSON
import Testing

@testable import Twin

/// An emulated Vercel with builds in memory, under a clock of its own.
struct VercelBench {
  let clock = JumpingClock()
  let twin: VercelTwin
  let transport: InProcessTransport
  var token = "account"
  /// Sent as `teamId`; nil sends none.
  var team: String? = "acme"

  static let seed: JSON = [
    "teams": [
      ["id": "team_a", "slug": "acme", "plan": "pro"], ["id": "team_h", "slug": "small", "plan": "hobby"],
      ["id": "team_x", "slug": "others", "member": false],
    ],
    "projects": [
      [
        "id": "prj_demo", "name": "demo", "team": "acme", "protection": "none",
        "domains": ["www.demo.localhost"], "env": ["GREETING": "hello"],
      ],
      ["id": "prj_other", "name": "other", "team": "acme", "protection": "none"],
      ["id": "prj_small", "name": "tiny", "team": "small", "protection": "none"],
      ["id": "prj_safe", "name": "safe", "team": "acme", "bypass": ["a-bypass-secret-of-32-characters"]],
      ["id": "prj_foreign", "name": "foreign", "team": "others"],
    ],
    "tokens": [
      ["token": "account", "kind": "account"], ["token": "team", "kind": "team", "team": "acme"],
      ["token": "vcp_demo", "kind": "project", "project": "demo"],
    ],
  ]

  init(_ seed: JSON = VercelBench.seed, record: Recording? = nil) throws {
    twin = try VercelTwin(EmulationSetup(seed: seed, clock: clock, recording: record))
    transport = InProcessTransport([twin])
  }

  /// The seed with members of one project changed.
  static func seed(_ project: String, _ changes: [String: JSON]) -> JSON {
    var seed = VercelBench.seed.object ?? [:]
    seed["projects"] = .array(
      (seed["projects"]?.array ?? []).map { entry in
        entry["name"]?.string == project
          ? .object((entry.object ?? [:]).merging(changes) { $1 }) : entry
      })
    return .object(seed)
  }

  func raw(
    _ method: String, _ path: String, body: HTTPBody = .none, headers: [(name: String, value: String)] = []
  ) async throws -> HTTPResponse {
    let separator = path.contains("?") ? "&" : "?"
    let scope = team.map { "\(separator)teamId=\($0)" } ?? ""
    return try await transport.send(
      HTTPRequest(
        method: method, url: "http://127.0.0.1:2" + path + scope,
        headers: [("Authorization", "Bearer \(token)")] + headers, body: body))
  }

  /// Sends a request and gives the status and the answer.
  @discardableResult
  func send(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> (status: Int, json: JSON) {
    let response = try await raw(
      method, path, body: body.map { .bytes(Array($0.serialized().utf8)) } ?? .none,
      headers: [("Content-Type", "application/json")])
    return (response.status, response.body.isEmpty ? .null : try JSON(parsing: response.body))
  }

  /// The answer to a request that must succeed.
  @discardableResult
  func ask(
    _ method: String, _ path: String, _ body: JSON? = nil, at place: SourceLocation = #_sourceLocation
  ) async throws -> JSON {
    let (status, json) = try await send(method, path, body)
    #expect((200..<300).contains(status), "\(status) \(json.serialized())", sourceLocation: place)
    return json
  }

  /// Status and code of a request that must be refused: `404 not_found`.
  func refusal(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> String {
    let (status, json) = try await send(method, path, body)
    return "\(status) \(json["error"]?["code"]?.string ?? "")"
  }

  func upload(_ text: String) async throws -> String {
    let bytes = Array(text.utf8)
    let digest = SHA1.hex(of: bytes)
    let answer = try await raw(
      "POST", "/v2/files", body: .bytes(bytes),
      headers: [("x-vercel-digest", digest), ("Content-Length", String(bytes.count))])
    #expect(answer.status == 200, "\(answer.text)")
    return digest
  }

  /// Creates a production deployment of one page and gives its id.
  func create(
    _ project: String = "demo", text: String = "one", target: String? = "production", staged: Bool = false,
    more: [String: JSON] = [:]
  ) async throws -> String {
    let digest = try await upload(text)
    var body: [String: JSON] = [
      "name": .string(project), "project": .string(project),
      "files": [
        ["file": "index.html", "sha": .string(digest), "size": .int(Int64(text.utf8.count))]
      ],
    ]
    if let target { body["target"] = .string(target) }
    if staged { body["autoAssignCustomDomains"] = false }
    let answer = try await ask("POST", "/v13/deployments?forceNew=1", .object(body.merging(more) { $1 }))
    return try #require(answer["id"]?.string)
  }

  /// Creates one and waits for it.
  func deploy(_ project: String = "demo", text: String = "one", staged: Bool = false) async throws -> String {
    let id = try await create(project, text: text, staged: staged)
    try await settled(id)
    return id
  }

  func deployment(_ id: String) async throws -> JSON { try await ask("GET", "/v13/deployments/\(id)") }

  func project(_ name: String = "demo") async throws -> JSON {
    try await ask("GET", "/v9/projects/\(name)?rollbackInfo=true")
  }

  /// Goes on until the deployment is `READY` with its aliases, and the edge knows.
  func settled(_ id: String) async throws {
    try await until("\(id) is ready") {
      let told = try await deployment(id)
      return told["readyState"] == "READY" && told["aliasAssigned"] == true
    }
    clock.advance(1)
  }

  /// Goes on in steps of a quarter of a second until the condition holds.
  func until(_ what: String, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<400 {
      if try await condition() { return }
      clock.advance(0.25)
    }
    Issue.record("waited in vain until \(what)")
  }

  /// Promotes or rolls back and waits until the job is over.
  func change(_ kind: String, _ id: String, project: String = "demo") async throws {
    let path =
      kind == "promote" ? "/v10/projects/\(project)/promote/\(id)" : "/v1/projects/\(project)/rollback/\(id)"
    try await ask("POST", path, [:])
    try await until("the \(kind) is over") {
      ["succeeded", "failed", "skipped"].contains(
        try await self.project(project)["lastAliasRequest"]?["jobStatus"]?.string)
    }
    // Until the edge knows.
    clock.advance(1)
  }

  /// What a visitor of a host gets.
  func visit(
    _ host: String, _ path: String = "/", headers: [(name: String, value: String)] = []
  ) async throws -> HTTPResponse {
    try await transport.send(HTTPRequest(url: "http://\(host)\(path)", headers: headers))
  }

  /// The text of a production page, or its status.
  func page(_ host: String = "www.demo.localhost") async throws -> String {
    let answer = try await visit(host)
    return answer.status == 200 ? answer.text : "\(answer.status)"
  }
}
