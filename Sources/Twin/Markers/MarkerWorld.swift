import Concurrency
import HTTPServer
import JSON

/// What an emulated Grafana and Sentry hold.
struct MarkerWorld: Sendable {
  private var tokens: Set<String>
  private var organization: String
  private var projects: Set<String>
  private var annotations: [[String: JSON]] = []
  /// By version, in the order in which they came.
  private var releases: [(version: String, body: [String: JSON], deploys: [[String: JSON]])] = []
  private var number: Int64 = 0

  init(_ seed: JSON) throws(Refusal) {
    guard let tokens = seed["tokens"]?.array?.compactMap(\.string), !tokens.isEmpty else {
      throw Refusal("the seed of markers needs tokens")
    }
    self.tokens = Set(tokens)
    organization = seed["organization"]?.string ?? "acme"
    projects = Set(seed["projects"]?.array?.compactMap(\.string) ?? ["shop"])
  }

  /// Its name in faults and counts.
  static func operation(_ request: ServerRequest) -> String? {
    let method = request.method.lowercased()
    if request.path == "/api/annotations" { return "\(method)-annotations" }
    guard request.path.hasPrefix("/api/0/organizations/") else { return nil }
    return request.path.hasSuffix("/deploys/") ? "\(method)-deploys" : "\(method)-releases"
  }

  mutating func answer(_ request: ServerRequest, at now: Timestamp) -> ServerResponse {
    let token = request.header("Authorization").flatMap {
      $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil
    }
    let isSentry = request.path.hasPrefix("/api/0/")
    guard let token, tokens.contains(token) else {
      return .json(401, isSentry ? ["detail": "Invalid token"] : ["message": "Unauthorized"])
    }
    let body = request.body.isEmpty ? .null : (try? JSON(parsing: request.body)) ?? .null
    return isSentry ? sentry(request, body, now) : grafana(request, body, now)
  }

  // MARK: Grafana

  private mutating func grafana(_ request: ServerRequest, _ body: JSON, _ now: Timestamp) -> ServerResponse {
    switch (request.method, request.path) {
    case ("GET", "/api/annotations"):
      let tags = request.query.filter { $0.name == "tags" }.map(\.value)
      let limit = request.query.first { $0.name == "limit" }.flatMap { Int($0.value) } ?? 100
      let found = annotations.reversed().filter { annotation in
        let mine = Set(annotation["tags"]?.array?.compactMap(\.string) ?? [])
        return tags.allSatisfy(mine.contains)
      }
      return .json(200, .array(found.prefix(limit).map(JSON.object)))
    case ("POST", "/api/annotations"):
      guard let text = body["text"]?.string, !text.isEmpty else {
        return .json(400, ["message": "Failed to save annotation"])
      }
      number += 1
      annotations.append([
        "id": .int(number), "text": .string(text), "tags": body["tags"] ?? [],
        "time": body["time"] ?? .int(now.milliseconds),
        "timeEnd": body["timeEnd"] ?? body["time"] ?? .int(now.milliseconds),
        "dashboardUID": body["dashboardUID"] ?? .null,
      ])
      return .json(200, ["message": "Annotation added", "id": .int(number)])
    default: return .json(404, ["message": "Not found"])
    }
  }

  // MARK: Sentry

  private mutating func sentry(_ request: ServerRequest, _ body: JSON, _ now: Timestamp) -> ServerResponse {
    let base = "/api/0/organizations/\(organization)/releases/"
    guard request.path.hasPrefix(base), request.path.hasSuffix("/") else { return Self.notFound }
    var rest = request.path.dropFirst(base.count)
    if rest.isEmpty { return request.method == "POST" ? release(body) : Self.notFound }
    let isDeploys = rest.hasSuffix("/deploys/")
    rest = rest.dropLast(isDeploys ? "/deploys/".count : 1)
    guard let index = releases.firstIndex(where: { $0.version == rest }) else { return Self.notFound }
    switch (request.method, isDeploys) {
    case ("PUT", false):
      releases[index].body.merge(body.object ?? [:]) { $1 }
      return .json(200, .object(releases[index].body))
    case ("GET", true): return .json(200, .array(releases[index].deploys.reversed().map(JSON.object)))
    case ("POST", true):
      guard let environment = body["environment"]?.string, !environment.isEmpty else {
        return .json(400, ["environment": ["This field is required."]])
      }
      guard (body["name"]?.string ?? "").count <= 64 else {
        return .json(400, ["name": ["Ensure this field has no more than 64 characters."]])
      }
      number += 1
      let deploy: [String: JSON] = [
        "id": .string(String(number)), "environment": .string(environment), "name": body["name"] ?? .null,
        "dateFinished": body["dateFinished"] ?? .string(now.iso8601),
      ]
      releases[index].deploys.append(deploy)
      return .json(201, .object(deploy))
    default: return .json(405, ["detail": "Method not allowed."])
    }
  }

  private mutating func release(_ body: JSON) -> ServerResponse {
    guard let version = body["version"]?.string, !version.isEmpty, !version.contains("/") else {
      return .json(400, ["version": ["This field is required."]])
    }
    guard let wanted = body["projects"]?.array?.compactMap(\.string), !wanted.isEmpty,
      wanted.allSatisfy(projects.contains)
    else { return .json(400, ["projects": ["Invalid project slugs"]]) }
    if let index = releases.firstIndex(where: { $0.version == version }) {
      releases[index].body.merge(body.object ?? [:]) { $1 }
      return .json(208, .object(releases[index].body))
    }
    releases.append((version, body.object ?? [:], []))
    return .json(201, body)
  }

  private static let notFound = ServerResponse.json(404, ["detail": "The requested resource does not exist"])

  var overview: JSON {
    let deploys = releases.flatMap { release in
      release.deploys.map { JSON.object($0.merging(["version": .string(release.version)]) { $1 }) }
    }
    return [
      "annotations": .array(annotations.map(JSON.object)),
      "releases": .array(releases.map { .object($0.body) }), "deploys": .array(deploys),
    ]
  }
}
