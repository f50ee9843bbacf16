package import HTTP
import JSON
package import Model

/// An issue that tells one thing as long as it is so.
package struct KeptIssue: Sendable, Hashable {
  /// What it is about, such as `drift:shop/prod`: the handle by which it is found again.
  package var key: String
  package var title: String
  /// Markdown, already redacted.
  package var body: String
  /// For people who look for issues of its kind.
  package var label: String

  package init(key: String, title: String, body: String, label: String) {
    self.key = key
    self.title = title
    self.body = body
    self.label = label
  }
}

/// Keeps one open issue about a matter: opened when it begins, brought up to date while it lasts, closed with a word when
/// it is over (contract github §4).
package struct IssueKeeper: Sendable {
  /// What was done.
  package enum Outcome: Sendable, Hashable {
    case opened(Int64), updated(Int64), unchanged(Int64), closed(Int64), nothing
  }

  private let client: GitHubClient

  private static let subject = GitHubClient.Subject(
    words: "issues", hint: "give the job `permissions: {issues: write}`, and the action its token",
    patience: .seconds(30))
  /// GitHub's own limit is 65,536 characters (UNCONFIRMED in the contract).
  private static let longest = 60_000
  /// Pages of 100 that are looked through.
  private static let pages = 10

  package init(_ target: GitHubTarget, http: any HTTPTransport, version: String) {
    client = GitHubClient(target: target, http: http, version: version)
  }

  /// Opens the issue, or brings the one that there is up to date.
  /// - Throws: `authentication` for a missing right; `failed`.
  package func keep(_ issue: KeptIssue) async throws(Failure) -> Outcome {
    let body = String("\(Self.marker(issue.key))\n\(issue.body)".prefix(Self.longest))
    if let found = try await find(issue.key).first {
      if found.title == issue.title, found.body == body { return .unchanged(found.number) }
      _ = try await send(
        "PATCH", "/issues/\(found.number)", 200, ["title": .string(issue.title), "body": .string(body)])
      return .updated(found.number)
    }
    let made = try await send(
      "POST", "/issues", 201,
      ["title": .string(issue.title), "body": .string(body), "labels": [.string(issue.label)]])
    guard let number = made["number"]?.int else {
      throw Failure(.failed, "GitHub's answer to a new issue has no number", place: "GitHub POST issues")
    }
    // Two jobs at a time may both have opened one: the older stays.
    let all = try await find(issue.key)
    if let oldest = all.first?.number, oldest < number {
      try await close(number, reason: "duplicate of #\(oldest)", as: "not_planned")
      return .updated(oldest)
    }
    return .opened(number)
  }

  /// Closes what is open about the matter.
  /// - Parameter word: said in a comment before.
  package func end(_ key: String, word: String) async throws(Failure) -> Outcome {
    let found = try await find(key)
    guard let first = found.first else { return .nothing }
    for issue in found { try await close(issue.number, reason: word, as: "completed") }
    return .closed(first.number)
  }

  private func close(_ number: Int64, reason: String, as state: String) async throws(Failure) {
    _ = try await send("POST", "/issues/\(number)/comments", 201, ["body": .string(reason)])
    _ = try await send(
      "PATCH", "/issues/\(number)", 200, ["state": "closed", "state_reason": .string(state)])
  }

  private struct Found {
    var number: Int64
    var title: String
    var body: String
  }

  /// The open issues with our marker that somebody wrote who may: anyone can paste the marker. The oldest first.
  private func find(_ key: String) async throws(Failure) -> [Found] {
    var found: [Found] = []
    for page in 1...Self.pages {
      let rows = try await send("GET", "/issues?state=open&per_page=100&page=\(page)", 200).array ?? []
      found += rows.compactMap { row in
        guard row["pull_request"] == nil, let number = row["number"]?.int, let body = row["body"]?.string,
          body.split(whereSeparator: \.isNewline).first.map(String.init) == Self.marker(key),
          row["user"]?["type"]?.string == "Bot"
            || ["OWNER", "MEMBER", "COLLABORATOR"].contains(row["author_association"]?.string ?? "")
        else { return nil }
        return Found(number: number, title: row["title"]?.string ?? "", body: body)
      }
      if rows.count < 100 { break }
    }
    return found.sorted { $0.number < $1.number }
  }

  private static func marker(_ key: String) -> String {
    "<!-- shipit:\(key.replacing("--", with: "- -")) -->"
  }

  private func send(
    _ method: String, _ path: String, _ status: Int, _ body: JSON? = nil
  ) async throws(Failure) -> JSON {
    let response = try await client.send(method, path, expected: [status], body, about: Self.subject)
    guard let answer = try? JSON(parsing: response.body) else {
      throw Failure(.failed, "GitHub's answer is no JSON", place: client.place(method, Self.subject))
    }
    return answer
  }
}
