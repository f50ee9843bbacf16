import Concurrency
import HTTPServer
import JSON

/// LaunchDarkly's REST API, operation by operation (contract launchdarkly §2–§7).
extension LaunchDarklyWorld {
  /// The operation's name in the published description; nil when it is not emulated.
  static func operation(_ request: ServerRequest) -> String? {
    let parts = request.path.split(separator: "/").map(String.init)
    guard parts.count > 2, parts[0] == "api", parts[1] == "v2" else { return nil }
    let rest = Array(parts[2...])
    switch (request.method, rest.first, rest.count) {
    case ("GET", "caller-identity", 1): return "getCallerIdentity"
    case ("GET", "auditlog", 1): return "getAuditLogEntries"
    case ("GET", "flags", 2): return "getFeatureFlags"
    case ("GET", "flags", 3): return "getFeatureFlag"
    case ("PATCH", "flags", 3): return "patchFeatureFlag"
    case ("GET", "flag-statuses", 4): return "getFeatureFlagStatus"
    case ("GET", "projects", 4) where rest[2] == "environments": return "getEnvironment"
    case ("GET", "projects", 7) where rest[6] == "approval-requests": return "getApprovalsForFlag"
    case ("POST", "projects", 7) where rest[6] == "approval-requests": return "postApprovalRequestForFlag"
    case ("GET", "projects", 8) where rest[6] == "approval-requests": return "getApprovalForFlag"
    case ("POST", "projects", 9) where rest[8] == "reviews": return "postApprovalRequestReviewForFlag"
    case ("POST", "projects", 9) where rest[8] == "apply": return "postApprovalRequestApplyForFlag"
    default: return nil
    }
  }

  mutating func answer(_ request: ServerRequest, at now: Timestamp) throws(LaunchDarklyProblem)
    -> ServerResponse
  {
    guard let author = tokens[request.header("Authorization") ?? ""] else {
      throw LaunchDarklyProblem(401, "unauthorized", "Invalid access token")
    }
    guard let operation = Self.operation(request) else { throw .notFound }
    let parts = request.path.split(separator: "/").map(String.init)
    func field(_ name: String) -> String? { request.query.first { $0.name == name }?.value }
    if request.method != "GET", !author.mayWrite {
      throw LaunchDarklyProblem(403, "forbidden", "Access to the requested resource was denied")
    }
    let at = now.milliseconds
    switch operation {
    case "getCallerIdentity": return .json(200, json(author))
    case "getAuditLogEntries":
      let words = Set((field("spec") ?? "").split(separator: ":").map(String.init))
      let flag = words.first { $0.hasPrefix("flag/") }?.dropFirst(5)
      let environment = words.first { $0.hasPrefix("env/") }?.dropFirst(4)
      let after = field("after").flatMap { Int64($0) } ?? 0
      let found = changes.filter { change in
        change.at > after && flag.map { $0 == change.flag } ?? true
          && environment.map { $0 == change.environment } ?? true
      }.prefix(min(20, field("limit").flatMap { Int($0) } ?? 10))
      return .json(200, ["items": .array(found.map { json($0) }), "_links": [:]])
    default: break
    }
    guard parts.count > 3, parts[3] == project else { throw .notFound }
    switch operation {
    case "getFeatureFlags":
      let listed = flags.values.sorted { $0.key < $1.key }.map { json($0, only: field("env")) }
      return .json(200, ["items": .array(listed), "totalCount": .int(Int64(listed.count)), "_links": [:]])
    case "getFeatureFlag": return .json(200, json(try flag(parts[4]), only: field("env")))
    case "patchFeatureFlag":
      return try patch(request, try flag(parts[4]), author, at, dryRun: field("dryRun") == "true")
    case "getFeatureFlagStatus":
      let flag = try flag(parts[5])
      let last = flag.lastRequested[parts[4]]
      let isNew = at - flag.created < 7 * 86_400_000
      var status: [String: JSON] = [
        "name": last != nil ? "active" : isNew ? "new" : "inactive", "_links": [:],
      ]
      if let last { status["lastRequested"] = .string(last) }
      return .json(200, .object(status))
    case "getEnvironment": return .json(200, json(try environment(parts[5])))
    default: return try approval(operation, request, Array(parts[5...]), author, at)
    }
  }

  private func flag(_ key: String) throws(LaunchDarklyProblem) -> Flag {
    guard let flag = flags[key] else { throw .notFound }
    return flag
  }

  private func body(_ request: ServerRequest) throws(LaunchDarklyProblem) -> JSON {
    guard let value = try? JSON(parsing: request.body), value.object != nil else {
      throw LaunchDarklyProblem(400, "invalid_request", "Invalid request body")
    }
    return value
  }

  private mutating func patch(
    _ request: ServerRequest, _ flag: Flag, _ author: Token, _ now: Int64, dryRun: Bool
  ) throws(LaunchDarklyProblem) -> ServerResponse {
    let body = try body(request)
    guard request.header("Content-Type")?.contains("domain-model=launchdarkly.semanticpatch") == true else {
      throw LaunchDarklyProblem(400, "invalid_request", "Invalid JSON patch")
    }
    guard let key = body["environmentKey"]?.string, let instructions = body["instructions"]?.array else {
      throw LaunchDarklyProblem(400, "invalid_request", "environmentKey and instructions are required")
    }
    let environment = try environment(key)
    if environment.requiresComments, body["comment"]?.string?.isEmpty ?? true {
      throw LaunchDarklyProblem(400, "invalid_request", "A comment is required in this environment")
    }
    if environment.requiresApproval {
      throw LaunchDarklyProblem(405, "method_not_allowed", "Approval is required to make this request")
    }
    let changed = try apply(
      instructions, to: flag.key, in: key, comment: body["comment"]?.string ?? "", by: author, at: now,
      dryRun: dryRun)
    return .json(200, json(changed, only: nil))
  }

  /// - Parameter parts: `[FLAG, "environments", ENV, "approval-requests", ID, VERB]`.
  private mutating func approval(
    _ operation: String, _ request: ServerRequest, _ parts: [String], _ author: Token, _ now: Int64
  ) throws(LaunchDarklyProblem) -> ServerResponse {
    let flag = try flag(parts[0])
    let environment = try environment(parts[2])
    switch operation {
    case "getApprovalsForFlag":
      let found = approvals.filter { $0.flag == flag.key && $0.environment == environment.key }
      return .json(200, ["items": .array(found.map { json($0) }), "_links": [:]])
    case "postApprovalRequestForFlag":
      let body = try body(request)
      guard let description = body["description"]?.string, let instructions = body["instructions"]?.array
      else {
        throw LaunchDarklyProblem(400, "invalid_request", "description and instructions are required")
      }
      let made = Approval(
        id: mint("a440"), flag: flag.key, environment: environment.key, at: now, description: description,
        instructions: instructions)
      approvals.append(made)
      return .json(201, json(made))
    default: break
    }
    guard let place = approvals.firstIndex(where: { $0.id == parts[4] && $0.flag == flag.key }) else {
      throw .notFound
    }
    switch operation {
    case "postApprovalRequestReviewForFlag":
      let body = try body(request)
      switch body["kind"]?.string {
      case "approve": approvals[place].reviewStatus = "approved"
      case "decline": approvals[place].reviewStatus = "declined"
      case "comment": break
      default: throw LaunchDarklyProblem(400, "invalid_request", "Unknown kind of review")
      }
      approvals[place].version += 1
      approvals[place].reviews.append(
        [
          "_id": .string(mint("4e71")), "kind": body["kind"] ?? "comment", "creationDate": .int(now),
          "comment": body["comment"] ?? "",
        ])
    case "postApprovalRequestApplyForFlag":
      guard approvals[place].reviewStatus == "approved", approvals[place].status == "pending" else {
        throw LaunchDarklyProblem(405, "method_not_allowed", "The request is not approved")
      }
      let comment = (try? body(request))?["comment"]?.string ?? ""
      _ = try apply(
        approvals[place].instructions, to: flag.key, in: environment.key, comment: comment, by: author,
        at: now)
      approvals[place].status = "completed"
      approvals[place].version += 1
    default: break
    }
    return .json(200, json(approvals[place]))
  }
}
