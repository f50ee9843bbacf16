import Concurrency
import HTTP
import JSON
import Model

/// What one look at a service showed.
enum Answer: Sendable, Hashable {
  /// Healthy; the revision it named, if it names one.
  case good(revision: String?)
  /// Healthy, but of another revision.
  case wrong(revision: String)
  case bad(String)
  /// Somebody's login answers in its place; what that means.
  case locked(Failure)
}

/// Reading revisions and comparing them.
enum ServedIdentity {
  /// Bytes of an answer that are looked at.
  static let bodyLimit = 256 << 10

  /// The revision an answer names; nil when it names none.
  static func revision(in response: HTTPResponse, by identity: Identity) -> String? {
    let found: String?
    switch identity {
    case .json(let path):
      found = (try? JSON(parsing: response.body)).flatMap { member(path, of: $0) }.map(text)
    case .header(let name): found = response.header(name)
    case .text(let pattern):
      guard let regex = try? Regex(pattern), let match = response.text.firstMatch(of: regex) else {
        return nil
      }
      found = (match.output.count > 1 ? match.output[1].substring : match.output[0].substring).map(
        String.init)
    case .encore:
      found = (try? JSON(parsing: response.body)).flatMap { member("details.app_revision", of: $0) }.map(text)
    case .vercel, .platform, .none: return nil
    }
    let trimmed = found.map { String($0.drop(while: \.isWhitespace)) }
    return trimmed.map { text in
      String(text.reversed().drop(while: \.isWhitespace).reversed())
    }
  }

  /// The expected revision itself, or at least seven characters of its beginning.
  static func matches(_ served: String, _ expected: String) -> Bool {
    let (served, expected) = (served.lowercased(), expected.lowercased())
    return served == expected || (served.count >= 7 && expected.hasPrefix(served))
  }

  /// A member by its dotted path; numbers index arrays; a key that contains the dots itself wins.
  static func member(_ path: String, of value: JSON) -> JSON? {
    if let whole = value[path] { return whole }
    guard let dot = path.firstIndex(of: ".") else { return Int(path).flatMap { value[$0] } }
    let first = String(path[..<dot])
    let rest = String(path[path.index(after: dot)...])
    return (value[first] ?? Int(first).flatMap { value[$0] }).flatMap { member(rest, of: $0) }
  }

  /// A JSON value as text: a string itself, others as JSON writes them.
  static func text(_ value: JSON) -> String { value.string ?? value.serialized() }

  /// The beginning of a body, harmless to print.
  static func snippet(_ response: HTTPResponse) -> String {
    printable(String(response.text.prefix(600)), limit: 200)
  }

  /// A text on one line, without control characters, cut at `limit` characters.
  static func printable(_ text: String, limit: Int) -> String {
    let words = text.unicodeScalars.map { scalar -> Character in
      scalar.value < 32 || (127..<160).contains(scalar.value) ? " " : Character(scalar)
    }
    let line = String(words).split(separator: " ").joined(separator: " ")
    return line.count > limit ? String(line.prefix(limit)) + "…" : line
  }

  private static let modified = "-modified"

  /// Seven characters of a revision, for sentences.
  static func short(_ revision: String) -> String {
    // Encore's builds of a changed tree; without the ending it would read like the wanted commit.
    if revision.hasSuffix(modified) { return short(String(revision.dropLast(modified.count))) + modified }
    return revision.count > 12 ? String(revision.prefix(7)) + "…" : String(revision.prefix(40))
  }
}

extension HealthProber {
  /// Where a service is asked: `health.url` or its own address, and the path.
  static func url(_ request: ProofRequest, path: String) -> String? {
    guard let base = request.health.url ?? request.address else { return nil }
    let trimmed = base.hasSuffix("/") ? String(base.dropLast()) : base
    return trimmed + (path.hasPrefix("/") ? path : "/" + path)
  }

  /// What is asked first: the service's own path, or what its identity is read from.
  static func firstPath(of health: Health) -> String? {
    health.identity == .encore ? encoreHealthPath : health.path
  }

  /// Encore's own health answer, on every gateway and service (contract encore §9).
  static let encoreHealthPath = "/__encore/healthz"

  /// The request with the address it is really asked at, for a dark deployment has one of its own, and with
  /// the commit that was really deployed.
  static func placed(_ request: ProofRequest, _ call: StepCall) -> ProofRequest {
    var placed = request
    if let standIn = request.deploymentStep.flatMap({ call.results[$0]?.facts[StepFact.standIn] }) {
      placed.commit = standIn
    }
    guard request.isDark else { return placed }
    placed.health.url = nil
    placed.address = request.deploymentStep.flatMap { call.results[$0]?.facts[StepFact.address] }
    return placed
  }

  /// One look over fresh connections: the health path, then the further probes.
  /// - Throws: `CancellationError`.
  func look(
    _ request: ProofRequest, wanted: String?, _ access: [(name: String, value: Sensitive)],
    timeout: Duration
  ) async throws -> Answer {
    let health = request.health
    var revision: String?
    if let path = HealthProber.firstPath(of: health), let url = HealthProber.url(request, path: path) {
      let response: HTTPResponse
      switch try await get(url, access, timeout: timeout) {
      case .failure(let trouble): return .bad(trouble.words)
      case .success(let answered): response = answered
      }
      if request.target.platform == .vercel, VercelLogin.isAnswered(response) {
        return .locked(VercelLogin.failure(request, url: url, hasKey: !access.isEmpty))
      }
      guard (200..<300).contains(response.status) else {
        return .bad(HealthProber.describe(response, at: path))
      }
      switch health.identity {
      case .json, .header, .text, .encore:
        revision = ServedIdentity.revision(in: response, by: health.identity)
        guard let revision, !revision.isEmpty else {
          return .bad(
            "\(path) answers \(response.status) without a revision: \(ServedIdentity.snippet(response))")
        }
        if let expected = request.commit, !ServedIdentity.matches(revision, expected) {
          return .wrong(revision: revision)
        }
        if health.identity == .encore, let trouble = HealthProber.encoreTrouble(response, request, wanted) {
          return .bad(trouble)
        }
      case .vercel, .platform, .none: break
      }
    }
    if health.identity == .vercel, let wanted, let base = health.url ?? request.address {
      switch try await alias(base, request.target) {
      case .failure(let trouble): return .bad(trouble.words)
      case .success(let served):
        guard served == wanted else { return .wrong(revision: served) }
        revision = served
      }
    }
    // Encore's own answer says nothing of the application: its path is asked as well.
    let deeper = health.identity == .encore ? [health.path].compactMap { $0 } : []
    for probe in deeper + health.probes {
      guard let url = HealthProber.url(request, path: probe) else { continue }
      switch try await get(url, access, timeout: timeout) {
      case .failure(let trouble): return .bad("\(probe): \(trouble.words)")
      case .success(let answered):
        if request.target.platform == .vercel, VercelLogin.isAnswered(answered) {
          return .locked(VercelLogin.failure(request, url: url, hasKey: !access.isEmpty))
        }
        guard (200..<300).contains(answered.status) else {
          return .bad(HealthProber.describe(answered, at: probe))
        }
      }
    }
    return .good(revision: revision)
  }

  /// What is wrong with an answer of Encore's that names the right commit (contract encore §9).
  private static func encoreTrouble(
    _ response: HTTPResponse, _ request: ProofRequest, _ wanted: String?
  ) -> String? {
    guard let answer = try? JSON(parsing: response.body) else { return nil }
    if let code = answer["code"]?.string, code != "ok" {
      return "\(encoreHealthPath) says \(code): \(ServedIdentity.snippet(response))"
    }
    // Only Encore Cloud names its deployments; the number comes without the prefix its API has.
    guard request.target.platform == .encore, let served = answer["details"]?["deploy_id"]?.string,
      !served.isEmpty, let wanted, wanted.hasPrefix("roll_")
    else { return nil }
    let bare = { (id: String) in id.hasPrefix("roll_") ? String(id.dropFirst(5)) : id }
    return bare(served) == bare(wanted)
      ? nil : "still answers for the deployment \(bare(served)), not for \(bare(wanted))"
  }

  /// The deployment that an address leads to, by its platform.
  /// - Throws: `CancellationError`.
  private func alias(_ base: String, _ target: ServiceTarget) async throws -> Result<String, Trouble> {
    let authority = base.split(separator: "://", maxSplits: 1).last ?? ""
    let host = String(authority.prefix { $0 != "/" && $0 != ":" })
    do {
      if let served = try await serving(target, host) { return .success(served) }
      return .failure(
        Trouble(words: "\(target.platform.title) has no deployment behind \(host)", isConnection: false))
    } catch {
      if error is CancellationError || Task.isCancelled { throw CancellationError() }
      let words = (error as? Failure)?.message ?? "\(error)"
      return .failure(Trouble(words: "the platform cannot be read: \(words)", isConnection: true))
    }
  }

  struct Trouble: Error {
    var words: String
    /// Nobody answered at all.
    var isConnection: Bool
  }

  /// One GET over a connection of its own.
  func get(
    _ url: String, _ access: [(name: String, value: Sensitive)] = [], timeout: Duration
  ) async throws -> Result<HTTPResponse, Trouble> {
    try Task.checkCancellation()
    let request = HTTPRequest(
      url: url,
      headers: [("User-Agent", "shipit"), ("Accept", "*/*"), ("Cache-Control", "no-cache")]
        + access.map { ($0.name, $0.value.reveal()) },
      timeout: timeout, bodyLimit: ServedIdentity.bodyLimit, freshConnection: true)
    do {
      return .success(try await http.send(request))
    } catch {
      if error.code == .cancelled || Task.isCancelled { throw CancellationError() }
      return .failure(
        Trouble(words: error.message, isConnection: error.code != .badURL && error.code != .bodyTooLarge))
    }
  }

  static func describe(_ response: HTTPResponse, at path: String) -> String {
    let snippet = ServedIdentity.snippet(response)
    return "\(path) answers \(response.status)" + (snippet.isEmpty ? "" : ": \(snippet)")
  }
}
