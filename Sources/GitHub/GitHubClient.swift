import HTTP
import JSON
import Model

/// The few calls of GitHub's REST API that shipit makes (contract github §1–§3); secrets: `ActionsSecrets`.
struct GitHubClient: Sendable {
  let target: GitHubTarget
  let http: any HTTPTransport
  /// shipit's own, for the `User-Agent`.
  let version: String

  /// A deployment as far as it matters here.
  struct Deployment: Sendable, Hashable {
    var id: Int64
    /// `payload.shipit.run`, the handle that we wrote.
    var run: String?
  }

  /// The deployments of an environment, newest first, at most a page of them.
  func deployments(environment: String, commit: String? = nil) async throws(Failure) -> [Deployment] {
    var query = "environment=\(Self.encoded(environment))&per_page=30"
    if let commit { query += "&sha=\(Self.encoded(commit))" }
    let answer = try await send("GET", "/deployments?\(query)", expected: 200)
    return (answer.array ?? []).compactMap(Self.deployment)
  }

  func create(_ subject: DeploymentSubject, handle: String) async throws(Failure) -> Deployment {
    // Gates and merges are ours: by default GitHub would merge the default branch, and wait for every check.
    let answer = try await send(
      "POST", "/deployments", expected: 201,
      [
        "ref": .string(subject.commit), "task": "deploy", "auto_merge": false, "required_contexts": [],
        "environment": .string(subject.environment), "description": .string(Self.short(subject.description)),
        "transient_environment": .bool(subject.isTransient),
        "production_environment": .bool(subject.isProduction),
        "payload": [
          "shipit": [
            "run": .string(handle), "lane": .string("\(subject.app)/\(subject.environment)"),
            "digest": .string(subject.planDigest),
          ]
        ],
      ])
    guard let made = Self.deployment(answer) else {
      throw Failure(.failed, "GitHub's answer to a new deployment has no id", place: place("POST"))
    }
    return made
  }

  func setState(
    _ state: DeploymentState, of deployment: Deployment, description: String = "",
    environmentURL: String? = nil
  ) async throws(Failure) {
    var body: [String: JSON] = [
      "state": .string(state.rawValue), "description": .string(Self.short(description)),
      "auto_inactive": true,
    ]
    if let url = target.runURL { body["log_url"] = .string(url) }
    if let environmentURL { body["environment_url"] = .string(environmentURL) }
    _ = try await send("POST", "/deployments/\(deployment.id)/statuses", expected: 201, .object(body))
  }

  /// The newest state of a deployment.
  func state(of deployment: Deployment) async throws(Failure) -> String? {
    let answer = try await send("GET", "/deployments/\(deployment.id)/statuses?per_page=1", expected: 200)
    return answer.array?.first?["state"]?.string
  }

  // MARK: Requests

  /// What a request is about, for what is said when it fails.
  struct Subject: Sendable {
    /// "deployments".
    var words: String
    /// What to do about a right that is missing.
    var hint: String
    /// A single request never takes longer.
    var patience: Duration

    static let deployments = Subject(
      words: "deployments",
      hint: "give the job `permissions: {deployments: write}`, and the action its token",
      patience: .seconds(2))
  }

  private func send(
    _ method: String, _ path: String, expected: Int, _ body: JSON? = nil
  ) async throws(Failure) -> JSON {
    let response = try await send(method, path, expected: [expected], body, about: .deployments)
    guard let answer = try? JSON(parsing: response.body) else {
      throw Failure(.failed, "GitHub's answer is no JSON", place: place(method))
    }
    return answer
  }

  /// - Throws: `authentication` for a missing right; `failed` for another status than those expected, and when GitHub
  ///   cannot be reached.
  func send(
    _ method: String, _ path: String, expected: Set<Int>, _ body: JSON? = nil, about subject: Subject
  ) async throws(Failure) -> HTTPResponse {
    var request = HTTPRequest(
      method: method, url: "\(target.apiURL)/repos/\(target.repository)\(path)",
      headers: [
        ("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2026-03-10"),
        ("Authorization", "Bearer \(target.token.reveal())"), ("User-Agent", "shipit/\(version)"),
      ], timeout: subject.patience, bodyLimit: 4 << 20)
    if let body {
      request.headers.append(("Content-Type", "application/json"))
      request.body = .bytes(Array(body.serialized().utf8))
    }
    let response: HTTPResponse
    do throws(HTTPError) { response = try await http.send(request) } catch {
      throw Failure(
        error.code == .cancelled ? .cancelled : .failed, "GitHub cannot be reached",
        place: place(method, subject), cause: error.message)
    }
    guard expected.contains(response.status) else { throw refusal(response, method, subject) }
    return response
  }

  private func refusal(_ response: HTTPResponse, _ method: String, _ subject: Subject) -> Failure {
    let wants = response.header("X-Accepted-GitHub-Permissions").map { ", which wants \($0)" } ?? ""
    // A missing right on a private repository is a 404 (contract github §2).
    let isRight = [401, 403, 404].contains(response.status)
    return Failure(
      isRight ? .authentication : .failed, "GitHub refused with status \(response.status)\(wants)",
      place: place(method, subject), cause: (try? JSON(parsing: response.body))?["message"]?.string,
      hint: isRight ? subject.hint : nil)
  }

  func place(_ method: String, _ subject: Subject = .deployments) -> String {
    "GitHub \(method) \(subject.words) of \(target.repository)"
  }

  private static func deployment(_ answer: JSON) -> Deployment? {
    guard let id = answer["id"]?.int else { return nil }
    var payload = answer["payload"]
    // Given back as a text by older servers.
    if let text = payload?.string { payload = try? JSON(parsing: Array(text.utf8)) }
    return Deployment(id: id, run: payload?["shipit"]?["run"]?.string)
  }

  /// GitHub takes at most 140 characters.
  private static func short(_ text: String) -> String {
    text.count > 140 ? text.prefix(139) + "…" : text
  }

  static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      let scalar = Unicode.Scalar(byte)
      let isPlain = byte < 128 && (Character(scalar).isLetter || Character(scalar).isNumber)
      return isPlain || "-._~".utf8.contains(byte)
        ? String(Character(scalar)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
    }.joined()
  }
}
