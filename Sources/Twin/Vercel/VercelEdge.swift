package import Concurrency
package import HTTPServer
import JSON

extension VercelTwin {
  /// One request to the edge, with who answered it.
  package struct EdgeRecord: Sendable {
    package var number: Int
    package var time: Timestamp
    package var host: String
    package var path: String
    package var status: Int
    /// Nil when no deployment was behind the host, or the request did not get as far.
    package var deployment: String?
  }

  /// What the edge was asked, in order.
  struct EdgeLog: Sendable {
    private(set) var records: [EdgeRecord] = []
    private var next = 1

    mutating func add(_ host: String, _ path: String, _ status: Int, _ deployment: String?, at now: Timestamp)
    {
      records.append(
        EdgeRecord(number: next, time: now, host: host, path: path, status: status, deployment: deployment))
      next += 1
      if records.count > 200_000 { records.removeFirst(100_000) }
    }
  }
}

extension VercelTwin.EdgeRecord {
  var json: JSON {
    [
      "number": .int(Int64(number)), "time": .string(time.iso8601), "host": .string(host),
      "path": .string(path), "status": .int(Int64(status)), "deployment": .text(deployment),
    ]
  }
}

/// The edge: which deployment answers a host, contract §3 to §5 and §8.
extension VercelTwin {
  /// The requests to the edge so far, oldest first.
  package var edgeRequests: [EdgeRecord] { edgeLog.records }

  package func answer(_ request: ServerRequest, at host: String, patience: Duration?) async -> ServerResponse?
  {
    let key = World.bare(host)
    let isOurs =
      key.hasSuffix(".vercel.localhost") || world.aliases[key] != nil
      || world.projects.values.contains { $0.domains.contains { World.bare($0.name) == key } }
    guard isOurs else { return nil }
    var asked = request
    asked.headers.removeAll { $0.name.lowercased() == "host" }
    asked.headers.append(("Host", host))
    return await answerEdge(asked)
  }

  /// Answers a request that a browser would send.
  func answerEdge(_ request: ServerRequest) async -> ServerResponse {
    settle()
    let host = World.bare(request.header("Host") ?? "")
    guard let (deployment, project, isProduction) = behind(host) else {
      return finish(
        Self.text(404, "The deployment could not be found on Vercel.\n\nDEPLOYMENT_NOT_FOUND\n"),
        error: "DEPLOYMENT_NOT_FOUND", request, host, nil)
    }
    if project.isPaused {
      return finish(
        Self.text(503, "This deployment is temporarily paused\n\nDEPLOYMENT_PAUSED\n"),
        error: "DEPLOYMENT_PAUSED", request, host, nil)
    }
    if let refusal = protection(of: deployment, project, host, isProduction, request) {
      return finish(refusal, error: nil, request, host, nil)
    }
    var serving = deployment
    var cookie: String?
    if isProduction, let release = project.rollingRelease, release.state == .active {
      let name = "_vcrr_" + project.id
      let forced = forcedSide(request, name)
      let id = world.side(of: release, forced: forced)
      cookie = "\(name)=\(id == release.canary ? "canary" : "stable"); Path=/"
      serving = world.deployments[id] ?? deployment
    }
    guard serving.readyState == .ready else {
      return finish(
        Self.text(404, "The deployment is not ready.\n\nDEPLOYMENT_NOT_READY\n"),
        error: "DEPLOYMENT_NOT_READY",
        request, host, serving.id)
    }
    var response = await serve(serving, request)
    if let cookie { response.headers.append(("Set-Cookie", cookie)) }
    return finish(response, error: nil, request, host, serving.id)
  }

  private func finish(
    _ response: ServerResponse, error: String?, _ request: ServerRequest, _ host: String,
    _ deployment: String?
  ) -> ServerResponse {
    var response = response
    response.headers.append(("Server", "Vercel"))
    if let error { response.headers.append(("X-Vercel-Error", error)) }
    // Not of Vercel: so that a test sees who answered.
    if let deployment { response.headers.append(("X-Twin-Deployment", deployment)) }
    if request.method == "HEAD" { response.body = .bytes([]) }
    edgeLog.add(host, request.path, response.status, deployment, at: world.now)
    return response
  }

  /// Who is behind a host, and whether the host is one of production's.
  private func behind(_ host: String) -> (deployment: Deployment, project: Project, isProduction: Bool)? {
    let id: String?
    var isProduction = false
    if let alias = world.aliases[host] {
      id = alias.served(at: time.now)
      isProduction =
        world.projects[alias.project]?.domains.contains { World.bare($0.name) == host && $0.isProduction }
        ?? false
    } else {
      id = world.deployments.values.first { World.bare($0.url) == host }?.id
    }
    guard let deployment = id.flatMap({ world.deployments[$0] }), deployment.deletedAt == nil,
      let project = world.projects[deployment.project]
    else { return nil }
    return (deployment, project, isProduction)
  }

  /// What an unknown visitor of a protected host gets; nil lets the request pass.
  private func protection(
    of deployment: Deployment, _ project: Project, _ host: String, _ isProduction: Bool,
    _ request: ServerRequest
  ) -> ServerResponse? {
    let isOwnDomain = isProduction && !host.hasSuffix(".vercel.localhost")
    let isProtected =
      switch project.protection {
      case nil: false
      case "all": true
      case "preview": deployment.target != "production" && !isProduction
      case "all_except_custom_domains": !isOwnDomain
      default: !isProduction
      }
    guard isProtected else { return nil }
    let query = request.query.first { $0.name == "x-vercel-protection-bypass" }?.value
    if let secret = request.header("x-vercel-protection-bypass") ?? query, project.bypass[secret] != nil {
      guard request.header("x-vercel-set-bypass-cookie") != nil else { return nil }
      return ServerResponse(
        status: 307,
        headers: [("Location", request.path), ("Set-Cookie", "_vercel_jwt=\(jwt(secret)); Path=/; HttpOnly")])
    }
    if let given = cookie("_vercel_jwt", request), project.bypass.keys.contains(where: { jwt($0) == given }) {
      return nil
    }
    if world.switches.redirectsToLogin {
      return ServerResponse(
        status: 302, headers: [("Location", "https://vercel.com/sso-api?url=https%3A%2F%2F\(host)%2F")])
    }
    return ServerResponse(
      status: 401, headers: [("Content-Type", "text/html; charset=utf-8")],
      body: .bytes(
        Array("<!doctype html><title>Authentication Required</title><h1>Log in to Vercel</h1>".utf8)))
  }

  private func jwt(_ secret: String) -> String {
    var hasher = Hasher()
    hasher.combine(secret)
    return String(UInt64(bitPattern: Int64(hasher.finalize())), radix: 36)
  }

  private func cookie(_ name: String, _ request: ServerRequest) -> String? {
    for pair in (request.header("Cookie") ?? "").split(separator: ";") {
      let parts = pair.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
      if parts.count == 2, parts[0] == name { return parts[1] }
    }
    return nil
  }

  /// `vcrrForceCanary`, `vcrrForceStable`, or the cookie of an earlier answer (contract §5.2).
  private func forcedSide(_ request: ServerRequest, _ name: String) -> String? {
    for (field, side) in [("vcrrForceCanary", "canary"), ("vcrrForceStable", "stable")]
    where request.query.contains(where: { $0.name == field && $0.value == "true" }) {
      return side
    }
    return cookie(name, request)
  }

  static func text(_ status: Int, _ text: String) -> ServerResponse {
    ServerResponse(
      status: status, headers: [("Content-Type", "text/plain; charset=utf-8")], body: .bytes(Array(text.utf8))
    )
  }
}

/// What a deployment serves.
extension VercelTwin {
  /// At this path every deployment tells its id, target and variables, so that a test can see stale ones.
  package static let deploymentPath = "/.twin/deployment"

  private func serve(_ deployment: Deployment, _ request: ServerRequest) async -> ServerResponse {
    guard ["GET", "HEAD"].contains(request.method) else { return Self.text(405, "Method not allowed\n") }
    switch deployment.behaviour {
    case .answers(let status, let after)
    where (deployment.readyAt ?? world.now) + .milliseconds(Int64(after * 1000)) <= world.now:
      return Self.text(status, "scripted\n")
    case .wrongContent(let path, let text) where path == request.path:
      return ServerResponse(
        status: 200, headers: [("Content-Type", ContentType.of(path))], body: .bytes(Array(text.utf8)))
    default: break
    }
    if request.path == Self.deploymentPath {
      return .json(
        200,
        [
          "id": .string(deployment.id), "target": .text(deployment.target),
          "env": .object(deployment.variables.mapValues(JSON.string)),
        ])
    }
    let path = Output.trimmed(request.path)
    for candidate in path.isEmpty ? ["index.html"] : [path, path + "/index.html", path + ".html"] {
      guard World.isSafe(candidate), let bytes = await builder.content(of: deployment.id, at: candidate)
      else {
        continue
      }
      return ServerResponse(
        status: 200,
        headers: [
          ("Content-Type", ContentType.of(candidate)),
          ("Cache-Control", "public, max-age=0, must-revalidate"),
          ("X-Vercel-Cache", "HIT"),
        ], body: .bytes(bytes))
    }
    if let page = await builder.content(of: deployment.id, at: "404.html") {
      return ServerResponse(
        status: 404, headers: [("Content-Type", ContentType.of("404.html"))], body: .bytes(page))
    }
    return Self.text(404, "The page could not be found\n\nNOT_FOUND\n")
  }
}

/// Media types by the ending of a name.
enum ContentType {
  static func of(_ path: String) -> String {
    switch path.split(separator: ".").last ?? "" {
    case "html", "htm": "text/html; charset=utf-8"
    case "json": "application/json; charset=utf-8"
    case "js", "mjs": "application/javascript; charset=utf-8"
    case "css": "text/css; charset=utf-8"
    case "txt", "md": "text/plain; charset=utf-8"
    case "svg": "image/svg+xml"
    case "png": "image/png"
    case "jpg", "jpeg": "image/jpeg"
    case "ico": "image/x-icon"
    case "woff2": "font/woff2"
    case "wasm": "application/wasm"
    default: "application/octet-stream"
    }
  }
}
