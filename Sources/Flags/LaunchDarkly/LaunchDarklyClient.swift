import Concurrency
import HTTP
import JSON
package import Model

/// The flag that is rolled out, and how LaunchDarkly is reached.
package struct LaunchDarklyTarget: Sendable {
  /// Without a slash at the end: `https://app.launchdarkly.com`, or that of the EU or US federal instance.
  package var url: String
  package var project: String
  package var environment: String
  package var flag: String
  /// An access token, not an SDK key (contract §1.9).
  package var token: Sensitive
  /// The kind of context that is bucketed; sent with each write and never changed.
  package var contextKind: String
  /// The attribute that is bucketed.
  package var bucketBy: String
  /// The id of the rule that is raised; nil for the default rule.
  package var rule: String?

  package init(
    url: String = "https://app.launchdarkly.com", project: String, environment: String, flag: String,
    token: Sensitive, contextKind: String = "user", bucketBy: String = "key", rule: String? = nil
  ) {
    self.url = url
    self.project = project
    self.environment = environment
    self.flag = flag
    self.token = token
    self.contextKind = contextKind
    self.bucketBy = bucketBy
    self.rule = rule
  }
}

/// The calls of LaunchDarkly's REST API that a rollout needs (contract §2–§7).
struct LaunchDarklyClient: Sendable {
  let target: LaunchDarklyTarget
  let http: any HTTPTransport
  let clock: any TimeSource
  let version: String

  func flag() async throws(LaunchDarklyError) -> JSON {
    try await send("getFeatureFlag", "GET", "\(flagPath)?env=\(Self.encoded(target.environment))")
  }

  func environment() async throws(LaunchDarklyError) -> JSON {
    let path = "/projects/\(Self.encoded(target.project))/environments/\(Self.encoded(target.environment))"
    return try await send("getEnvironment", "GET", path)
  }

  /// The newest entry about the flag in its environment.
  func newestChange() async throws(LaunchDarklyError) -> JSON? {
    let about = "proj/\(target.project):env/\(target.environment):flag/\(target.flag)"
    return try await send("getAuditLogEntries", "GET", "/auditlog?limit=1&spec=\(Self.encoded(about))")[
      "items"]?[0]
  }

  func status() async throws(LaunchDarklyError) -> JSON {
    let path = [target.project, target.environment, target.flag].map(Self.encoded).joined(separator: "/")
    return try await send("getFeatureFlagStatus", "GET", "/flag-statuses/\(path)")
  }

  /// One semantic patch, applied whole or not at all. The answer is the flag as it is then.
  func patch(_ instructions: [JSON], comment: String) async throws(LaunchDarklyError) -> JSON {
    try await send(
      "patchFeatureFlag", "PATCH", flagPath,
      [
        "comment": .string(comment), "environmentKey": .string(target.environment),
        "instructions": .array(instructions),
      ], contentType: "application/json; domain-model=launchdarkly.semanticpatch")
  }

  func approvalRequests() async throws(LaunchDarklyError) -> [JSON] {
    try await send("getApprovalsForFlag", "GET", approvalPath)["items"]?.array ?? []
  }

  func requestApproval(_ instructions: [JSON], description: String) async throws(LaunchDarklyError) -> JSON {
    try await send(
      "postApprovalRequestForFlag", "POST", approvalPath,
      ["description": .string(description), "instructions": .array(instructions)])
  }

  func apply(_ request: String, comment: String) async throws(LaunchDarklyError) {
    _ = try await send(
      "postApprovalRequestApplyForFlag", "POST", "\(approvalPath)/\(Self.encoded(request))/apply",
      ["comment": .string(comment)])
  }

  private var flagPath: String { "/flags/\(Self.encoded(target.project))/\(Self.encoded(target.flag))" }

  private var approvalPath: String {
    let (project, flag) = (Self.encoded(target.project), Self.encoded(target.flag))
    return
      "/projects/\(project)/flags/\(flag)/environments/\(Self.encoded(target.environment))/approval-requests"
  }

  // MARK: Requests

  private func send(
    _ operation: String, _ method: String, _ path: String, _ body: JSON? = nil,
    contentType: String = "application/json"
  ) async throws(LaunchDarklyError) -> JSON {
    var request = HTTPRequest(
      method: method, url: "\(target.url)/api/v2\(path)",
      headers: [
        ("Authorization", target.token.reveal()), ("LD-API-Version", "20240415"),
        ("Accept", "application/json"), ("User-Agent", "shipit/\(version)"),
      ], timeout: .seconds(10), bodyLimit: 8 << 20)
    if let body {
      request.headers.append(("Content-Type", contentType))
      request.body = .bytes(Array(body.serialized().utf8))
    }
    guard method == "GET" || LeaseGate.mayAct() else {
      throw LaunchDarklyError(
        kind: .unreachable(nothingSent: true), words: LeaseGate.words, operation: operation)
    }
    let response: HTTPResponse
    do throws(HTTPError) { response = try await http.send(request) } catch {
      throw LaunchDarklyError(
        kind: error.code == .cancelled ? .cancelled : .unreachable(nothingSent: error.nothingSent),
        words: error.message, operation: operation)
    }
    let answer = try? JSON(parsing: response.body)
    guard (200..<300).contains(response.status) else {
      throw LaunchDarklyError(
        kind: kind(response), words: words(response, answer), operation: operation)
    }
    guard let answer else {
      throw LaunchDarklyError(kind: .unavailable, words: "the answer is no JSON", operation: operation)
    }
    return answer
  }

  private func kind(_ response: HTTPResponse) -> LaunchDarklyError.Kind {
    switch response.status {
    case 401: .unauthorized
    case 403: .forbidden
    case 404: .notFound
    case 405: .approvalRequired
    case 409: .conflict
    case 429: .rateLimited(wait(response))
    case 400..<500: .invalid
    default: .unavailable
    }
  }

  /// `Retry-After` in seconds, or the reset in milliseconds since 1970, which may lie in the past (contract §10).
  private func wait(_ response: HTTPResponse) -> Duration? {
    if let seconds = response.header("Retry-After").flatMap({ Int64($0) }), (0...86_400).contains(seconds) {
      return .seconds(seconds)
    }
    return response.header("X-Ratelimit-Reset").flatMap { Int64($0) }.map {
      min(max(Timestamp(milliseconds: $0) - clock.now, .milliseconds(250)), .seconds(60))
    }
  }

  private func words(_ response: HTTPResponse, _ answer: JSON?) -> String {
    let said = [answer?["code"]?.string, answer?["message"]?.string].compactMap(\.self).joined(
      separator: ": ")
    let support = answer?["id"]?.string.map { " (id \($0))" } ?? ""
    return "status \(response.status)\(said.isEmpty ? "" : ", \(said.prefix(300))")\(support)"
  }

  private static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain = byte < 128 && (Character(scalar).isLetter || Character(scalar).isNumber)
      return isPlain || "-._~".utf8.contains(byte)
        ? String(Character(scalar)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
    }.joined()
  }
}
