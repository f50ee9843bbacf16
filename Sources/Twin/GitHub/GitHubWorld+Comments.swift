import HTTPServer
import JSON

/// Comments of issues and pull requests (contract github §4).
extension GitHubWorld {
  struct Comment: Sendable {
    var id: Int64
    var repository: String
    var number: Int64
    var login: String
    var body: String
    var createdAt: String
    var updatedAt: String
  }

  mutating func answer(
    _ comment: GitHubCall.CommentCall, _ call: GitHubCall, _ request: ServerRequest, _ body: JSON?,
    now: String
  ) throws(GitHubProblem) -> ServerResponse {
    switch comment {
    case .list(let number):
      let found = comments.filter { $0.repository == call.repository && $0.number == number }
      return page(found.map(json), request)
    case .create(let number):
      let made = Comment(
        id: mint(), repository: call.repository, number: number, login: "github-actions[bot]",
        body: try text(body), createdAt: now, updatedAt: now)
      comments.append(made)
      if let issue = issues.firstIndex(where: { $0.number == number && $0.repository == call.repository }) {
        issues[issue].comments.append(made.body)
      }
      return .json(201, json(made))
    case .update(let id):
      let index = try place(of: id, call)
      comments[index].body = try text(body)
      comments[index].updatedAt = now
      return .json(200, json(comments[index]))
    case .delete(let id):
      comments.remove(at: try place(of: id, call))
      return ServerResponse(status: 204)
    }
  }

  /// Somebody else's, who may paste any mark.
  mutating func plant(_ input: JSON, now: String) {
    comments.append(
      Comment(
        id: mint(), repository: input["repository"]?.string ?? repositories.sorted().first ?? "",
        number: input["number"]?.int ?? 1, login: input["login"]?.string ?? "somebody",
        body: input["body"]?.string ?? "", createdAt: now, updatedAt: now))
  }

  private func place(of id: Int64, _ call: GitHubCall) throws(GitHubProblem) -> Int {
    guard let index = comments.firstIndex(where: { $0.id == id && $0.repository == call.repository }) else {
      throw .notFound
    }
    return index
  }

  private func text(_ body: JSON?) throws(GitHubProblem) -> String {
    guard let text = body?["body"]?.string, !text.isEmpty else {
      throw GitHubProblem(422, "Validation Failed")
    }
    guard text.count <= 65_536 else {
      throw GitHubProblem(422, "body is too long (maximum is 65536 characters)")
    }
    return text
  }

  private func json(_ comment: Comment) -> JSON {
    let repository = "https://api.github.com/repos/\(comment.repository)"
    return [
      "id": .int(comment.id), "node_id": .string("IC_\(comment.id)"),
      "url": .string("\(repository)/issues/comments/\(comment.id)"),
      "html_url": .string(
        "https://github.com/\(comment.repository)/pull/\(comment.number)#issuecomment-\(comment.id)"),
      "issue_url": .string("\(repository)/issues/\(comment.number)"), "user": Self.user(comment.login),
      "body": .string(comment.body), "created_at": .string(comment.createdAt),
      "updated_at": .string(comment.updatedAt), "author_association": "NONE",
    ]
  }

  /// Rows of the control surface.
  var commentsOverview: JSON {
    .array(
      comments.map {
        [
          "id": .int($0.id), "number": .int($0.number), "login": .string($0.login),
          "body": .string($0.body),
        ]
      })
  }
}
