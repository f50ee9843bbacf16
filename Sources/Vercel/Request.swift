import Concurrency
import HTTP
import JSON
import Model

/// One request to Vercel's API; the path carries its own version (contract §1).
struct Request: Sendable {
  enum Body: Sendable {
    case none
    case json(JSON)
    /// A file's bytes, with their SHA-1 and their number.
    case content(HTTPBody, digest: String, size: Int)
  }

  /// The operation's name in Vercel's published description, for errors and quotas.
  var operation: String
  var method: String
  /// Path and query, encoded.
  var target: String
  var body: Body
  /// Its effect is the same when it is sent again.
  var isRepeatable: Bool
  /// What it is about, for errors.
  var subject: String?

  init(
    _ operation: String, _ method: String, _ path: String, _ query: [(String, String?)] = [],
    body: Body = .none, isRepeatable: Bool? = nil, subject: String? = nil
  ) {
    self.operation = operation
    self.method = method
    let fields = query.compactMap { name, value in value.map { "\(name)=\(Request.encoded($0))" } }
    target = path + (fields.isEmpty ? "" : "?" + fields.joined(separator: "&"))
    self.body = body
    self.isRepeatable = isRepeatable ?? (method == "GET")
    self.subject = subject
  }

  /// Everything but letters, digits and `-._~` is encoded.
  static func encoded(_ text: String) -> String {
    let hex = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        bytes.append(byte)
      default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A project in its team: what every request about a service names.
struct Place: Sendable, Hashable {
  /// `prj_…`, or a name while it is being looked for.
  var project: String
  /// `team_…`; nil: the token's personal scope.
  var team: String?
  /// The project's name, for messages.
  var name: String
}

extension ServiceTarget {
  /// Where the service is on Vercel, by the ids that observing found.
  var place: Place { Place(project: ids["project"] ?? name, team: ids["team"], name: name) }
}

/// The requests that shipit sends. Each keeps to the published description; what goes beyond it stands in the
/// exception table beside the contract check.
enum Endpoint {
  private static func about(
    _ place: Place, _ operation: String, _ method: String, _ path: String,
    _ query: [(String, String?)] = [], body: Request.Body = .none, isRepeatable: Bool? = nil
  ) -> Request {
    Request(
      operation, method, path, query + [("teamId", place.team)], body: body, isRepeatable: isRepeatable,
      subject: place.name)
  }

  private static func p(_ place: Place) -> String { Request.encoded(place.project) }

  static func team(_ slugOrID: String) -> Request {
    Request("getTeam", "GET", "/v2/teams/\(Request.encoded(slugOrID))", subject: "team \(slugOrID)")
  }
  static func teams(until: Int64? = nil) -> Request {
    Request("getTeams", "GET", "/v2/teams", [("limit", "100"), ("until", until.map(String.init))])
  }
  static func projects(team: String?, from: Int64? = nil) -> Request {
    Request(
      "getProjects", "GET", "/v10/projects",
      [("limit", "100"), ("from", from.map(String.init)), ("teamId", team)])
  }
  static let user = Request("getAuthUser", "GET", "/v2/user")

  /// With `rollbackInfo` the answer holds `lastAliasRequest` (contract §4.4).
  static func project(_ place: Place, rollbackInfo: Bool = false) -> Request {
    about(
      place, "getProject", "GET", "/v9/projects/\(p(place))",
      [("rollbackInfo", rollbackInfo ? "true" : nil)])
  }
  static func createProject(_ place: Place, _ body: JSON) -> Request {
    about(place, "createProject", "POST", "/v11/projects", body: .json(body))
  }
  static func updateProject(_ place: Place, _ body: JSON) -> Request {
    about(
      place, "updateProject", "PATCH", "/v9/projects/\(p(place))", body: .json(body), isRepeatable: true)
  }

  static func variables(_ place: Place, decrypt: Bool) -> Request {
    about(
      place, "filterProjectEnvs", "GET", "/v10/projects/\(p(place))/env",
      [("decrypt", decrypt ? "true" : nil)])
  }
  static func upsertVariables(_ place: Place, _ body: JSON) -> Request {
    about(
      place, "createProjectEnv", "POST", "/v10/projects/\(p(place))/env", [("upsert", "true")],
      body: .json(body), isRepeatable: true)
  }
  static func narrowVariable(_ place: Place, _ id: String, targets: [String]) -> Request {
    about(
      place, "editProjectEnv", "PATCH", "/v9/projects/\(p(place))/env/\(Request.encoded(id))",
      body: .json(["target": .array(targets.map { .string($0) })]), isRepeatable: true)
  }
  static func removeVariables(_ place: Place, _ ids: [String]) -> Request {
    about(
      place, "batchRemoveProjectEnv", "DELETE", "/v1/projects/\(p(place))/env",
      body: .json(["ids": .array(ids.map { .string($0) })]), isRepeatable: true)
  }

  static func domains(_ place: Place, until: Int64? = nil) -> Request {
    about(
      place, "getProjectDomains", "GET", "/v9/projects/\(p(place))/domains",
      [("limit", "100"), ("until", until.map(String.init))])
  }
  static func addDomain(_ place: Place, _ name: String) -> Request {
    about(
      place, "addProjectDomain", "POST", "/v10/projects/\(p(place))/domains",
      body: .json(["name": .string(name)]))
  }
  static func removeDomain(_ place: Place, _ name: String) -> Request {
    about(
      place, "removeProjectDomain", "DELETE", "/v9/projects/\(p(place))/domains/\(Request.encoded(name))",
      isRepeatable: true)
  }
  static func domainConfiguration(_ place: Place, _ domain: String) -> Request {
    about(
      place, "getDomainConfig", "GET", "/v6/domains/\(Request.encoded(domain))/config",
      [("projectIdOrName", place.project)])
  }
  static func alias(_ place: Place, _ host: String) -> Request {
    about(place, "getAlias", "GET", "/v4/aliases/\(Request.encoded(host))")
  }

  static func upload(_ place: Place, _ content: HTTPBody, digest: String, size: Int) -> Request {
    about(
      place, "uploadFile", "POST", "/v2/files", body: .content(content, digest: digest, size: size),
      isRepeatable: true)
  }
  static func create(_ place: Place, _ body: JSON, prebuilt: Bool = false) -> Request {
    about(
      place, "createDeployment", "POST", "/v13/deployments",
      [("forceNew", "1"), ("skipAutoDetectionConfirmation", "1"), ("prebuilt", prebuilt ? "1" : nil)],
      body: .json(body))
  }
  /// By id, or by the host of its own address.
  static func deployment(_ place: Place, _ idOrHost: String) -> Request {
    about(place, "getDeployment", "GET", "/v13/deployments/\(Request.encoded(idOrHost))")
  }
  static func deployments(
    _ place: Place, since: Timestamp? = nil, until: Int64? = nil, limit: Int = 100, candidates: Bool = false,
    state: String? = nil, target: String = "production"
  ) -> Request {
    about(
      place, "getDeployments", "GET", "/v7/deployments",
      [
        ("projectId", place.project), ("target", target), ("limit", "\(limit)"),
        ("since", since.map { "\($0.milliseconds)" }), ("until", until.map(String.init)),
        ("state", state), ("rollbackCandidate", candidates ? "true" : nil),
      ])
  }
  static func removeDeployment(_ place: Place, _ deployment: String) -> Request {
    about(
      place, "deleteDeployment", "DELETE", "/v13/deployments/\(Request.encoded(deployment))",
      isRepeatable: true)
  }
  static func events(_ place: Place, _ deployment: String, since: Int64?, limit: Int = -1) -> Request {
    about(
      place, "getDeploymentEvents", "GET", "/v3/deployments/\(Request.encoded(deployment))/events",
      [
        ("builds", "1"), ("direction", "forward"), ("limit", "\(limit)"), ("since", since.map(String.init)),
      ])
  }
  static func runtimeLogs(_ place: Place, _ deployment: String) -> Request {
    about(
      place, "getRuntimeLogs", "GET",
      "/v1/projects/\(p(place))/deployments/\(Request.encoded(deployment))/runtime-logs")
  }
  static func cancel(_ place: Place, _ deployment: String) -> Request {
    about(place, "cancelDeployment", "PATCH", "/v12/deployments/\(Request.encoded(deployment))/cancel")
  }

  static func promote(_ place: Place, _ deployment: String) -> Request {
    about(
      place, "requestPromote", "POST",
      "/v10/projects/\(p(place))/promote/\(Request.encoded(deployment))", body: .json([:]))
  }
  /// - Parameter deployment: the one to go *to*.
  static func rollback(_ place: Place, _ deployment: String, description: String) -> Request {
    about(
      place, "requestRollback", "POST",
      "/v1/projects/\(p(place))/rollback/\(Request.encoded(deployment))", [("description", description)])
  }
  static func assignAlias(_ place: Place, _ host: String, to deployment: String) -> Request {
    about(
      place, "assignAlias", "POST", "/v2/deployments/\(Request.encoded(deployment))/aliases",
      body: .json(["alias": .string(host)]), isRepeatable: true)
  }
  static func failedAliases(_ place: Place) -> Request {
    about(
      place, "listPromoteAliases", "GET", "/v1/projects/\(p(place))/promote/aliases",
      [("failedOnly", "true"), ("limit", "20")])
  }

  static func rollingRelease(_ place: Place) -> Request {
    about(place, "getRollingRelease", "GET", "/v1/projects/\(p(place))/rolling-release")
  }
  static func completeRelease(_ place: Place, canary: String) -> Request {
    about(
      place, "completeRollingRelease", "POST", "/v1/projects/\(p(place))/rolling-release/complete",
      body: .json(["canaryDeploymentId": .string(canary)]), isRepeatable: true)
  }

  static func generateBypass(_ place: Place) -> Request {
    about(
      place, "updateProjectProtectionBypass", "PATCH", "/v1/projects/\(p(place))/protection-bypass",
      body: .json(["generate": ["note": "shipit: health checks of staged deployments"]]))
  }
}
