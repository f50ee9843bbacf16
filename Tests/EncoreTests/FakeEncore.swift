import Concurrency
import Foundation
import HTTP
import JSON
import Model
import TestSupport

@testable import Encore

/// What one request is answered with.
enum Reply: Sendable {
  case json(Int, JSON)
  case http(Int, String, [(name: String, value: String)] = [])
  case fails(HTTPError)
  /// Time passes before the answer.
  indirect case after(Duration, Reply)

  static func ok(_ body: JSON) -> Reply { .json(200, body) }
  /// The envelope of the command line's routes (contract §3).
  static func enveloped(_ data: JSON) -> Reply { .json(200, ["ok": true, "data": data]) }
  static let lost = Reply.fails(
    HTTPError(code: .connectionLost, message: "the connection broke", nothingSent: false))
  static let refused = Reply.fails(HTTPError(code: .refused, message: "nothing listens", nothingSent: true))
  static let html502 = Reply.http(502, "<html><body>Bad Gateway</body></html>")
}

/// An Encore of canned answers: for each route a list, of which the last repeats.
final class FakeEncore: Sendable {
  struct Call: Sendable {
    var route: String
    var body: JSON
    var text: String
    var headers: [String: String]
  }

  let clock: ManualClock
  private let replies: Locked<[String: [Reply]]>
  private let log = Locked<[Call]>([])

  init(clock: ManualClock = ManualClock(), _ replies: [String: [Reply]] = [:]) {
    self.clock = clock
    var all: [String: [Reply]] = [
      "POST /api/oauth/token": [
        .ok(["access_token": "access-1f2e3d", "token_type": "Bearer", "expires_in": 3600, "actor": "o2c_9"])
      ],
      "POST /login/auth-key": [
        .enveloped([
          "token": [
            "access_token": "login-7a8b9c", "token_type": "Bearer", "refresh_token": "refresh-0d",
            "expiry": "2099-01-01T00:00:00Z",
          ], "actor": "app", "email": "", "app_slug": "shop-x1",
        ])
      ],
      "GET /apps/shop-x1": [
        .enveloped([
          "eid": "app_9", "id": "legacy", "slug": "shop-x1", "name": "Shop", "description": "",
          "main_branch": "main",
        ])
      ],
      "GET /apps/shop-x1/envs": [
        .enveloped([
          ["id": "env_1", "slug": "prod", "type": "production", "cloud": "aws"],
          ["id": "env_2", "slug": "staging", "type": "development", "cloud": "encore"],
        ])
      ],
    ]
    for (name, list) in replies { all[name] = list }
    self.replies = Locked(all)
  }

  var calls: [Call] { log.withLock { $0 } }
  func calls(_ route: String) -> [Call] { calls.filter { $0.route == route } }

  func set(_ route: String, _ list: [Reply]) { replies.withLock { $0[route] = list } }

  var transport: ScriptedTransport {
    ScriptedTransport { [self] request throws(HTTPError) in
      let path = String(request.url.dropFirst("http://127.0.0.1:1".count))
      var text = ""
      if case .bytes(let bytes) = request.body { text = String(decoding: bytes, as: UTF8.self) }
      let body = (try? JSON(parsing: text.utf8)) ?? .null
      var route = "\(request.method) \(path)"
      if path == "/graphql", let query = body["query"]?.string {
        // The operation's name, as in `mutation NAME(`.
        let name = query.split(separator: " ")[1].prefix { $0 != "(" }
        route = "GraphQL \(name)"
      }
      log.withLock {
        $0.append(
          Call(
            route: route, body: body, text: text,
            headers: Dictionary(request.headers.map { ($0.name, $0.value) }) { _, last in last }))
      }
      let reply = replies.withLock { replies -> Reply in
        guard let list = replies[route], let first = list.first else {
          return .http(404, "{\"ok\":false,\"error\":{\"code\":\"not_found\",\"detail\":\"\(route)\"}}")
        }
        if list.count > 1 { replies[route] = Array(list.dropFirst()) }
        return first
      }
      return try answer(reply, request, path, body, text)
    }
  }

  private func answer(_ reply: Reply, _ request: HTTPRequest, _ path: String, _ body: JSON, _ text: String)
    throws(HTTPError) -> HTTPResponse
  {
    let response: HTTPResponse
    switch reply {
    case .json(let status, let json): response = .text(status, json.serialized())
    case .http(let status, let text, let fields): response = .text(status, text, headers: fields)
    case .fails(let error): throw error
    case .after(let wait, let reply):
      clock.advance(by: wait)
      return try answer(reply, request, path, body, text)
    }
    ContractRecord.add(
      method: request.method, path: path, request: body == .null && !text.isEmpty ? .string(text) : body,
      response)
    return response
  }

  func platform(
    secrets: [String: String] = [:], key: Bool = true, approval: Duration = .seconds(1800),
    repository: any CommitRepository = NoRepository(), appearance: Duration = .seconds(900),
    program: String? = nil, feed: LogFeed = .webSocket
  ) throws -> EncorePlatform {
    var values = ["ENCORE_CLIENT_ID": "o2c_9", "ENCORE_CLIENT_SECRET": "client-5c4b3a"]
    if key { values["ENCORE_AUTH_KEY"] = "ena_6f5e4d" }
    values.merge(secrets) { _, new in new }
    return try EncorePlatform(
      baseURL: "http://127.0.0.1:1", http: transport, clock: clock,
      target: Sample.target(key: key, approval: approval),
      secrets: SecretValues(
        values: values.mapValues { Sensitive($0) }, fingerprint: { "fp:" + String($0.reveal().count) }),
      repository: repository, version: "test", appearance: appearance, programPath: { _ in program },
      feed: feed,
      random: { 0.5 })
  }
}

/// Writes what went over the wire as one line of JSON each, for the contract check of `scripts/test`.
enum ContractRecord {
  private static let path = ProcessInfo.processInfo.environment["SHIPIT_RECORD_ENCORE"]
  private static let lock = Locked(())

  static func add(method: String, path: String, request: JSON, _ response: HTTPResponse) {
    guard let file = Self.path else { return }
    let line: JSON = [
      "platform": "encore", "method": .string(method), "path": .string(path), "query": [:],
      "request": request,
      "status": .int(Int64(response.status)),
      "response": (try? JSON(parsing: response.body)) ?? .string(response.text),
    ]
    lock.withLock { _ in
      if !FileManager.default.fileExists(atPath: file) {
        _ = FileManager.default.createFile(atPath: file, contents: nil)
      }
      guard let handle = FileHandle(forWritingAtPath: file) else { return }
      handle.seekToEndOfFile()
      handle.write(Data((line.serialized() + "\n").utf8))
      try? handle.close()
    }
  }
}

/// A project without a repository.
struct NoRepository: CommitRepository {
  func remote(holding commit: String) async throws(Failure) -> String? {
    throw Failure(.configuration, "the project lies in no git repository")
  }
  func remotes() async throws(Failure) -> [(name: String, url: String)] { [] }
  func files(of commit: String, under directory: String) async throws(Failure) -> [String]? { nil }
  func texts(
    of commit: String, under directory: String, holding words: [String]
  ) async throws(Failure) -> [(path: String, text: String)] { [] }
  func checkOut(_ commit: String, to directory: String) async throws(Failure) -> String {
    throw Failure(.configuration, "the project lies in no git repository")
  }
  func commit(ofRemoteBranch branch: String) async throws(Failure) -> String? { nil }
  func publish(_ revert: Revert) async throws(Failure) -> String {
    throw Failure(.configuration, "the project lies in no git repository")
  }
}

/// Values that tests share.
enum Sample {
  static let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
  static let old = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"
  static let trigger = "POST /api/apps/shop-x1/envs/prod/rollouts"
  static let health = "GET /__encore/healthz"
  static func read(_ id: String = "roll_new") -> String { "GET /api/apps/shop-x1/rollouts/\(id)" }

  static func target(key: Bool = true, approval: Duration = .seconds(1800)) -> EncoreTarget {
    EncoreTarget(
      app: "shop-x1", environment: "prod", clientIDSecret: "ENCORE_CLIENT_ID",
      clientSecretSecret: "ENCORE_CLIENT_SECRET", keySecret: key ? "ENCORE_AUTH_KEY" : nil, approval: approval
    )
  }

  static let place = EncorePlace(
    app: "shop-x1", environment: "prod", address: "http://127.0.0.1:1", directory: ".")
  static let service = place.target("jobs")

  static func environment(_ variables: [String: VariableValue] = [:], key: Bool = true) -> Model.Environment {
    Model.Environment(
      name: "prod", app: "shop", platforms: Platforms(encore: target(key: key)),
      services: [
        Service(
          key: "jobs", platform: .encore, source: .directory(path: ".", root: nil, include: []),
          variables: variables, health: Health(url: "http://127.0.0.1:1", identity: .encore))
      ])
  }

  static let facts = RunFacts(
    id: RunID(7), release: 3, app: "shop", environment: "prod", commit: commit,
    startedAt: Timestamp(milliseconds: 1_766_000_000_000))

  static func deploy(previous: String? = "roll_old", limit: Duration = .seconds(3300)) -> Step {
    Step(
      id: "jobs.deploy", title: "deploy jobs", service: "jobs",
      action: .deploy(
        Deployment.Request(
          target: service, source: .directory(path: ".", root: nil, include: []), commit: commit,
          previous: previous, cutOver: .gated)), limit: limit)
  }

  static func restore(to commit: String = old, target: ServiceTarget = service) -> Step {
    Step(
      id: "undo.jobs.deploy", title: "roll back jobs", service: "jobs",
      action: .restore(
        Restore(
          target: target, deployment: "roll_old", commit: commit, mode: .redeploy, limit: .seconds(3300))),
      limit: .seconds(3300))
  }

  static func call(
    _ clock: ManualClock, limit: Duration = .seconds(3300), externalID: String? = nil,
    record: Record = Record(),
    facts: RunFacts = facts
  ) -> StepCall {
    StepCall(
      run: facts, attempt: 1, beganAt: clock.now, externalID: externalID, deadline: clock.now + limit,
      identify: { record.ids.append($0) }, report: { record.reports.append($0) })
  }

  /// A rollout as the public API shows it; a phase is `status` or `status/conclusion`.
  static func rollout(
    _ status: String, build: String? = nil, infra: String? = nil, deploy: String? = nil,
    id: String = "roll_new"
  ) -> JSON {
    func phase(_ text: String?) -> JSON {
      guard let text else { return .null }
      let parts = text.split(separator: "/").map(String.init)
      return [
        "id": "phase", "status": .string(parts[0]),
        "conclusion": .string(parts.count > 1 ? parts[1] : "unknown"),
        "queued_at": "2026-08-01T10:00:00Z", "started_at": .null, "completed_at": .null,
      ]
    }
    let parts = status.split(separator: "/").map(String.init)
    return [
      "id": .string(id), "status": .string(parts[0]),
      "conclusion": .string(parts.count > 1 ? parts[1] : "pending"),
      "queued_at": "2026-08-01T10:00:00Z", "started_at": .null, "completed_at": .null, "build": phase(build),
      "infra": phase(infra), "deploy": phase(deploy),
    ]
  }

  static let succeeded = rollout(
    "completed/success", build: "completed/success", infra: "completed/success", deploy: "completed/success")

  /// An answer of `/__encore/healthz`.
  static func serves(_ commit: String, _ deployment: String, status: Int = 200, code: String = "ok") -> Reply
  {
    .json(
      status,
      [
        "code": .string(code), "message": "Your Encore app is up and running!",
        "details": [
          "app_slug": "shop-x1", "env_name": "prod", "app_revision": .string(commit), "encore_compiler": "",
          "deploy_id": .string(deployment), "checks": [], "enabled_experiments": [],
        ],
      ])
  }

  /// A listing of secrets: name → groups, each (id, etag, selector).
  static func groups(_ secrets: [String: [JSON]]) -> Reply {
    .ok([
      "data": [
        "app": [
          "secrets": .array(
            secrets.sorted { $0.key < $1.key }.map { ["key": .string($0.key), "groups": .array($0.value)] })
        ]
      ]
    ])
  }

  static func group(
    _ id: String, etag: String = "e1", environments: [String] = [], types: [String] = [], versions: Int = 1,
    archived: Bool = false
  ) -> JSON {
    [
      "id": .string(id), "etag": .string(etag), "description": "",
      "archivedAt": archived ? "2026-01-01T00:00:00Z" : .null,
      "selector": .array(
        environments.map {
          ["__typename": "SecretSelectorSpecificEnv", "env": ["id": .string($0), "name": "prod"]]
        } + types.map { ["__typename": "SecretSelectorEnvType", "kind": .string($0)] }),
      "versions": .array((0..<versions).map { ["id": .string("\(id)-\($0)")] }),
    ]
  }
}

/// What a step told while it ran.
final class Record: Sendable {
  final class List<Element: Sendable>: Sendable {
    private let items = Locked<[Element]>([])
    func append(_ item: Element) { items.withLock { $0.append(item) } }
    var all: [Element] { items.withLock { $0 } }
  }

  let ids = List<String>()
  let reports = List<StepReport>()
  var logs: [String] { reports.all.compactMap { if case .log(let text) = $0 { text } else { nil } } }
  var progress: [String] { reports.all.compactMap { if case .progress(let text) = $0 { text } else { nil } } }
}

extension Outcome {
  var result: StepResult? { if case .done(let result) = self { result } else { nil } }
  var failure: Failure? {
    switch self {
    case .failed(let failure, _), .retry(let failure, _), .ambiguous(let failure), .unknowable(let failure):
      failure
    default: nil
    }
  }
  var moved: Bool? { if case .failed(_, let moved) = self { moved } else { nil } }
  var word: String {
    switch self {
    case .done: "done"
    case .failed: "failed"
    case .retry: "retry"
    case .ambiguous: "ambiguous"
    case .unknowable: "unknowable"
    case .waiting: "waiting"
    case .cancelled: "cancelled"
    }
  }
}
