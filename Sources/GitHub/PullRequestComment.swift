package import HTTP
import JSON
package import Model

/// The one comment of a pull request that says what its preview is (contract github §4): found again by its mark and its
/// author, edited, never a second one. It has sections, each of them written by another job.
package struct PullRequestComment: Sendable {
  private let client: GitHubClient
  private let number: Int
  private let key: String

  /// In the order in which they stand.
  package enum Section: String, Sendable, Hashable, CaseIterable { case preview, plan }

  /// What became of it.
  package enum Outcome: Sendable, Hashable { case created, changed, unchanged }

  /// The most of it, in characters: GitHub takes some more.
  package static let longest = 60_000

  /// - Parameter key: tells the comments of several environments apart: `shop/prod`.
  package init(
    _ target: GitHubTarget, number: Int, key: String, http: any HTTPTransport, version: String
  ) {
    client = GitHubClient(target: target, http: http, version: version)
    self.number = number
    self.key = key
  }

  /// Puts a section in its place and leaves the others as they are.
  /// - Parameter creates: false: where there is no comment, none is made.
  /// - Throws: `authentication` for a missing right, as of a pull request from a fork; `failed`.
  @discardableResult
  package func update(
    _ section: Section, to markdown: String, creates: Bool = true
  ) async throws(Failure) -> Outcome {
    // A job's own token is that of this author.
    if let own = try await comments(by: "github-actions[bot]").first {
      return try await write(section, markdown, into: own)
    }
    guard creates else { return .unchanged }
    let made = try await create(CommentBody(key: key).with(section, markdown))
    // Two jobs may both have made one: the oldest stays.
    guard let oldest = try await comments(by: made.author).first, oldest.id != made.id else {
      return .created
    }
    let outcome = try await write(section, markdown, into: oldest)
    _ = try await client.send(
      "DELETE", "/issues/comments/\(made.id)", expected: [204, 404], about: Self.subject)
    return outcome == .unchanged ? .unchanged : .changed
  }

  private func write(
    _ section: Section, _ markdown: String, into comment: Comment
  ) async throws(Failure) -> Outcome {
    let body = CommentBody(key: key, parsing: comment.body).with(section, markdown)
    guard body != comment.body else { return .unchanged }
    _ = try await client.send(
      "PATCH", "/issues/comments/\(comment.id)", expected: [200], ["body": .string(body)],
      about: Self.subject)
    return .changed
  }

  // MARK: Requests

  private struct Comment {
    var id: Int64
    var author: String
    var body: String

    init?(_ json: JSON) {
      guard let id = json["id"]?.int, let author = json["user"]?["login"]?.string else { return nil }
      self.id = id
      self.author = author
      body = json["body"]?.string ?? ""
    }
  }

  private static let subject = GitHubClient.Subject(
    words: "comments",
    hint: "give the job `permissions: {pull-requests: write}`; a pull request from a fork never has it",
    patience: .seconds(10))

  /// Those that bear the mark and are by the author, oldest first; every page is looked at.
  private func comments(by author: String) async throws(Failure) -> [Comment] {
    var found: [Comment] = []
    var page = 1
    while true {
      let rows =
        try await json(
          "GET", "/issues/\(number)/comments?per_page=100&page=\(page)", expected: 200
        ).array ?? []
      found += rows.compactMap(Comment.init)
      if rows.count < 100 { break }
      page += 1
    }
    let mark = CommentBody.mark(key)
    return found.filter { $0.author == author && $0.body.hasPrefix(mark) }.sorted { $0.id < $1.id }
  }

  private func create(_ body: String) async throws(Failure) -> Comment {
    let answer = try await json(
      "POST", "/issues/\(number)/comments", expected: 201, ["body": .string(body)])
    guard let made = Comment(answer) else {
      throw Failure(
        .failed, "GitHub's answer to a new comment has no id", place: client.place("POST", Self.subject))
    }
    return made
  }

  private func json(
    _ method: String, _ path: String, expected: Int, _ body: JSON? = nil
  ) async throws(Failure) -> JSON {
    let response = try await client.send(method, path, expected: [expected], body, about: Self.subject)
    guard let answer = try? JSON(parsing: response.body) else {
      throw Failure(.failed, "GitHub's answer is no JSON", place: client.place(method, Self.subject))
    }
    return answer
  }
}

/// The text of the comment: its mark, then the sections between marks of their own.
struct CommentBody {
  private let key: String
  private var sections: [PullRequestComment.Section: String] = [:]

  init(key: String) { self.key = key }

  init(key: String, parsing body: String) {
    self.key = key
    var open: PullRequestComment.Section?
    var lines: [Substring] = []
    // GitHub gives back what a browser sent with other ends of lines.
    for line in body.split(separator: "\n", omittingEmptySubsequences: false) {
      let line = line.last == "\r" ? line.dropLast() : line
      if let section = open {
        if line == Self.end(section) {
          sections[section] = lines.joined(separator: "\n")
          (open, lines) = (nil, [])
        } else {
          lines.append(line)
        }
      } else {
        open = PullRequestComment.Section.allCases.first { line == Self.begin($0) }
      }
    }
  }

  /// The whole text with one section as it is to be.
  func with(_ section: PullRequestComment.Section, _ markdown: String) -> String {
    var sections = sections
    // No text may end its section.
    var text = markdown.replacing("<!--", with: "<!-\u{200B}-")
    let room = PullRequestComment.longest / PullRequestComment.Section.allCases.count
    if text.count > room { text = text.prefix(room) + "\n\n…" }
    while text.last == "\n" { text.removeLast() }
    sections[section] = text
    var lines = [Self.mark(key)]
    for section in PullRequestComment.Section.allCases {
      guard let text = sections[section] else { continue }
      lines += [Self.begin(section), text, Self.end(section)]
    }
    return lines.joined(separator: "\n")
  }

  static func mark(_ key: String) -> String { "<!-- shipit:comment:v1:\(key) -->" }
  private static func begin(_ section: PullRequestComment.Section) -> String {
    "<!-- shipit:section:\(section.rawValue) -->"
  }
  private static func end(_ section: PullRequestComment.Section) -> String {
    "<!-- shipit:end:\(section.rawValue) -->"
  }
}
