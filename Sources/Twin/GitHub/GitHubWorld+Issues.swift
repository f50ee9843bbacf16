import HTTPServer
import JSON

/// Issues and their comments (contract github §4), as far as shipit opens, changes and closes them.
struct GitHubIssue: Sendable {
  var number: Int64
  var repository: String
  var title: String
  var body: String
  var labels: [String]
  var state = "open"
  var stateReason: String?
  /// `Bot` for a job's own token; somebody else's issue comes with the seed of a test.
  var authorType = "Bot"
  var association = "NONE"
  var comments: [String] = []
  var at: String
  var changedAt: String
  var closedAt: String?
}

extension GitHubWorld {
  func listIssues(_ call: GitHubCall, _ request: ServerRequest) -> ServerResponse {
    func field(_ name: String) -> String? { request.query.first { $0.name == name }?.value }
    let state = field("state") ?? "open"
    let labels = (field("labels") ?? "").split(separator: ",").map(String.init)
    let found = issues.filter { issue in
      issue.repository == call.repository && (state == "all" || issue.state == state)
        && labels.allSatisfy(issue.labels.contains)
    }
    return page(found.reversed().map { json($0) }, request)
  }

  mutating func createIssue(
    _ call: GitHubCall, _ body: JSON, _ now: String
  ) throws(GitHubProblem) -> ServerResponse {
    guard let title = body["title"]?.string, !title.isEmpty else {
      throw GitHubProblem(422, "Validation Failed")
    }
    guard (body["body"]?.string ?? "").count <= 65_536 else {
      throw GitHubProblem(422, "body is too long (maximum is 65536 characters)")
    }
    let issue = GitHubIssue(
      number: (issues.map(\.number).max() ?? 0) + 1, repository: call.repository, title: title,
      body: body["body"]?.string ?? "", labels: (body["labels"]?.array ?? []).compactMap(\.string), at: now,
      changedAt: now)
    issues.append(issue)
    return .json(201, json(issue))
  }

  mutating func editIssue(
    _ number: Int64, _ call: GitHubCall, _ body: JSON, _ now: String
  ) throws(GitHubProblem) -> ServerResponse {
    let index = try place(of: number, call)
    if let title = body["title"]?.string { issues[index].title = title }
    if let text = body["body"]?.string { issues[index].body = text }
    if let state = body["state"]?.string {
      guard ["open", "closed"].contains(state) else { throw GitHubProblem(422, "Validation Failed") }
      issues[index].state = state
      issues[index].stateReason = state == "closed" ? body["state_reason"]?.string ?? "completed" : nil
      issues[index].closedAt = state == "closed" ? now : nil
    }
    issues[index].changedAt = now
    return .json(200, json(issues[index]))
  }

  private func place(of number: Int64, _ call: GitHubCall) throws(GitHubProblem) -> Int {
    guard let index = issues.firstIndex(where: { $0.number == number && $0.repository == call.repository })
    else { throw .notFound }
    return index
  }

  private func json(_ issue: GitHubIssue) -> JSON {
    let repository = "https://api.github.com/repos/\(issue.repository)"
    let url = "\(repository)/issues/\(issue.number)"
    var user = GitHubWorld.bot.object ?? [:]
    user["type"] = .string(issue.authorType)
    return [
      "id": .int(9000 + issue.number), "node_id": .string("I_\(issue.number)"), "number": .int(issue.number),
      "url": .string(url), "repository_url": .string(repository),
      "html_url": .string("https://github.com/\(issue.repository)/issues/\(issue.number)"),
      "labels_url": .string("\(url)/labels{/name}"), "comments_url": .string("\(url)/comments"),
      "events_url": .string("\(url)/events"), "title": .string(issue.title), "body": .string(issue.body),
      "state": .string(issue.state), "state_reason": issue.stateReason.map { .string($0) } ?? .null,
      "labels": .array(issue.labels.map { ["name": .string($0)] }), "user": .object(user), "locked": false,
      "assignees": [], "milestone": .null, "comments": .int(Int64(issue.comments.count)),
      "author_association": .string(issue.association), "created_at": .string(issue.at),
      "updated_at": .string(issue.changedAt), "closed_at": issue.closedAt.map { .string($0) } ?? .null,
      "assignee": .null,
    ]
  }
}

extension GitHubIssue {
  /// A row of the control surface.
  var overview: JSON {
    [
      "number": .int(number), "title": .string(title), "body": .string(body), "state": .string(state),
      "labels": .array(labels.map { .string($0) }), "comments": .array(comments.map { .string($0) }),
    ]
  }
}
