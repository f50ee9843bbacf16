import Concurrency
import HTTP
import JSON
import Model
import TestSupport

@testable import Railway

/// What one request is answered with.
enum Reply: Sendable {
  case data(JSON)
  case error(String, code: String? = nil, trace: String? = nil)
  case http(Int, String, [(name: String, value: String)] = [])
  case fails(HTTPError)
  /// Time passes before the answer.
  indirect case after(Duration, Reply)

  static let lost = Reply.fails(
    HTTPError(code: .connectionLost, message: "the connection broke", nothingSent: false))
  static let refused = Reply.fails(HTTPError(code: .refused, message: "nothing listens", nothingSent: true))
}

/// A Railway of canned answers: for each operation a list, of which the last repeats.
final class FakeRailway: Sendable {
  struct Call: Sendable {
    var operation: String
    var variables: JSON
    var request: HTTPRequest
  }

  let clock: ManualClock
  private let replies: Locked<[String: [Reply]]>
  private let log = Locked<[Call]>([])
  private let headers: Locked<[(name: String, value: String)]>

  init(clock: ManualClock = ManualClock(), _ replies: [String: [Reply]] = [:]) {
    self.clock = clock
    headers = Locked([])
    var all: [String: [Reply]] = [
      "ShipitProjectToken": [.error("Not Authorized")],
      "ShipitApiToken": [.data(["apiToken": ["workspaces": [["id": "w", "name": "acme"]]]])],
      "ShipitPlatformStatus": [.data(["platformStatus": ["isStable": true]])],
      "ShipitVariableMetadata": [.data(["environment": ["id": "e", "variables": ["edges": []]]])],
      "ShipitDeploymentEvents": [.data(["deploymentEvents": ["edges": []]])],
      "ShipitBuildLogs": [.error("Failed to retrieve build log")],
      "ShipitDeploymentLogs": [.data(["deploymentLogs": []])],
    ]
    for (name, list) in replies { all[name] = list }
    self.replies = Locked(all)
  }

  /// Announces a rate limit with every answer from now on.
  func announce(_ fields: [(name: String, value: String)]) { headers.withLock { $0 = fields } }

  /// Every call, in order.
  var calls: [Call] { log.withLock { $0 } }
  func calls(_ operation: String) -> [Call] { calls.filter { $0.operation == operation } }
  var operations: [String] { calls.map(\.operation) }

  var transport: ScriptedTransport {
    ScriptedTransport { [self] request throws(HTTPError) in
      let body: JSON
      if case .bytes(let bytes) = request.body, let parsed = try? JSON(parsing: bytes) {
        body = parsed
      } else {
        body = .null
      }
      let operation = body["operationName"]?.string ?? (request.url.contains("/up?") ? "up" : "?")
      log.withLock {
        $0.append(Call(operation: operation, variables: body["variables"] ?? .null, request: request))
      }
      let reply = replies.withLock { replies -> Reply in
        guard let list = replies[operation], let first = list.first else {
          return .error("nothing scripted for \(operation)", code: "BAD_USER_INPUT")
        }
        if list.count > 1 { replies[operation] = Array(list.dropFirst()) }
        return first
      }
      return try answer(reply)
    }
  }

  private func answer(_ reply: Reply) throws(HTTPError) -> HTTPResponse {
    let announced = headers.withLock { $0 }
    switch reply {
    case .data(let data):
      return .text(200, JSON.object(["data": data]).serialized(), headers: announced)
    case .error(let message, let code, let trace):
      var entry: [String: JSON] = ["message": .string(message)]
      if let code { entry["extensions"] = ["code": .string(code)] }
      if let trace { entry["traceId"] = .string(trace) }
      return .text(
        200, JSON.object(["errors": [.object(entry)], "data": .null]).serialized(), headers: announced)
    case .http(let status, let text, let fields): return .text(status, text, headers: fields)
    case .fails(let error): throw error
    case .after(let wait, let reply):
      clock.advance(by: wait)
      return try answer(reply)
    }
  }

  func platform(secrets: SecretValues = SecretValues(), packer: any SourcePacker = FakePacker())
    -> RailwayPlatform
  {
    RailwayPlatform(
      baseURL: "http://127.0.0.1:1", http: transport, clock: clock, token: Sensitive("tok-3c5d7e9f"),
      secrets: secrets,
      packer: packer, random: { 0.5 })
  }

  func client() -> RailwayClient {
    RailwayClient(
      baseURL: "http://127.0.0.1:1", http: transport, clock: clock, token: Sensitive("tok-3c5d7e9f"),
      hidden: [],
      userAgent: "shipit/test", random: { 0.5 })
  }
}

/// Packs into a file that need not exist.
struct FakePacker: SourcePacker {
  var file = "/nonexistent/source.tar.gz"

  func pack(path: String, root: String?, include: [String], commit: String) async throws(Failure)
    -> PackedSource
  {
    PackedSource(file: file, bytes: 10, files: 1, digest: "d")
  }
}

/// Values that tests share.
enum Sample {
  static let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
  static let other = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"
  static let target = ServiceTarget(
    service: "api", platform: .railway, name: "api",
    ids: ["service": "s", "environment": "e", "project": "p"])
  static let facts = RunFacts(
    id: RunID(7), release: 3, app: "shop", environment: "prod", commit: commit,
    startedAt: Timestamp(milliseconds: 0))
  static let marker = "shipit/shop/prod/7/api.deploy"

  static let environment = Environment(
    name: "prod", app: "shop",
    platforms: Platforms(
      railway: RailwayTarget(
        workspace: "acme", project: "shop", environment: "production", tokenSecret: "RAILWAY_TOKEN")),
    services: [Service(key: "api", source: .image(Template(text: "x")))])

  static func step(_ action: StepAction, limit: Duration = .seconds(600)) -> Step {
    Step(id: "api.deploy", title: "deploy api", service: "api", action: action, limit: limit)
  }

  static func call(
    _ clock: ManualClock, limit: Duration = .seconds(600), externalID: String? = nil,
    results: [StepID: StepResult] = [:], record: Record = Record()
  ) -> StepCall {
    StepCall(
      run: facts, attempt: 1, beganAt: clock.now, externalID: externalID, results: results,
      deadline: clock.now + limit, identify: { record.ids.append($0) }, report: { record.reports.append($0) })
  }

  static func request(_ source: PlannedSource, cutOver: CutOver = .gated) -> Deployment.Request {
    Deployment.Request(target: target, source: source, commit: commit, previous: "d0", cutOver: cutOver)
  }

  static let directory = PlannedSource.directory(path: ".", root: nil, include: [])

  /// A deployment node.
  static func node(
    _ id: String, _ status: String, at clock: ManualClock, message: String? = nil, commit: String? = nil,
    image: String? = nil, instances: [String] = [], stopped: Bool = false, canRollback: Bool = true,
    age: Duration = .zero
  ) -> JSON {
    var meta: [String: JSON] = [:]
    if let message { meta["cliMessage"] = .string(message) }
    if let commit { meta["commitHash"] = .string(commit) }
    if let image { meta["image"] = .string(image) }
    return [
      "id": .string(id), "status": .string(status), "createdAt": .string((clock.now - age).iso8601),
      "serviceId": "s", "canRedeploy": true, "canRollback": .bool(canRollback),
      "deploymentStopped": .bool(stopped),
      "meta": .object(meta), "instances": .array(instances.map { ["id": "i", "status": .string($0)] }),
    ]
  }

  /// An answer of `ShipitEnvironment` with one service.
  static func state(
    newest: JSON, active: [JSON] = [], cron: String? = nil, domain: String? = nil, canAccess: Bool = true,
    volume: Bool = false, repository: String? = nil
  ) -> Reply {
    let service: JSON = [
      "id": "si", "serviceId": "s", "serviceName": "api", "cronSchedule": cron.map { .string($0) } ?? .null,
      "source": ["repo": repository.map { .string($0) } ?? .null, "image": .null],
      "domains": [
        "serviceDomains": domain.map { [["domain": .string($0)]] } ?? [], "customDomains": [],
      ], "latestDeployment": newest, "activeDeployments": .array(active),
    ]
    return .data([
      "environment": [
        "id": "e", "name": "production", "canAccess": .bool(canAccess), "unmergedChangesCount": 0,
        "serviceInstances": ["edges": [["node": service]], "pageInfo": ["hasNextPage": false]],
        "volumeInstances": [
          "edges": volume ? [["node": ["id": "v", "serviceId": "s"]]] : [],
          "pageInfo": ["hasNextPage": false],
        ],
      ]
    ])
  }

  static func list(_ nodes: [JSON]) -> Reply {
    .data(["deployments": ["edges": .array(nodes.map { ["node": $0] }), "pageInfo": ["hasNextPage": false]]])
  }

  static func details(
    _ fields: [String: JSON] = [:], variables: JSON = [:], limits: JSON = .null, autoDeploys: Bool? = nil
  ) -> Reply {
    var node: [String: JSON] = ["id": "si", "serviceId": "s", "serviceName": "api", "numReplicas": 2]
    for (key, value) in fields { node[key] = value }
    var data: [String: JSON] = ["s0": .object(node), "v0": variables, "l0": limits]
    if let autoDeploys { data["a0"] = ["enabled": .bool(autoDeploys)] }
    return .data(.object(data))
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
