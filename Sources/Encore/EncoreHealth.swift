import Concurrency
import HTTP
import JSON
import Model

/// What `/__encore/healthz` says (contract §9): the one place that tells which commit serves.
struct EncoreHealth: Sendable, Hashable {
  var revision: String
  /// With the prefix that the API has; nil where the answer names none.
  var deployment: String?
  /// The answer's own word: `ok`, `unhealthy`, `shutting_down`.
  var code: String
  var status: Int

  /// The id of what serves: the deployment's, or where none is named its commit.
  var id: String { deployment ?? "revision:\(revision)" }

  /// Nil when the answer names no revision.
  init?(_ response: HTTPResponse) {
    guard let answer = try? JSON(parsing: response.body), let details = answer["details"],
      let revision = details["app_revision"]?.string, !revision.isEmpty
    else { return nil }
    self.revision = revision
    deployment = details["deploy_id"]?.string.flatMap { $0.isEmpty ? nil : RolloutID.full($0) }
    code = answer["code"]?.string ?? ""
    status = response.status
  }

  /// The commit that was built, also where the tree was changed.
  var commit: String { revision.hasSuffix("-modified") ? String(revision.dropLast(9)) : revision }

  /// It runs this commit.
  func runs(_ commit: String) -> Bool {
    revision == commit || (revision.count >= 7 && commit.hasPrefix(revision))
  }
}

/// Rollouts' ids: `roll_…` in the API, without that in health answers and the command line's output.
enum RolloutID {
  static let prefix = "roll_"

  static func full(_ id: String) -> String { id.hasPrefix(prefix) ? id : prefix + id }
  static func bare(_ id: String) -> String { id.hasPrefix(prefix) ? String(id.dropFirst(prefix.count)) : id }
}

/// Why nothing is known of what serves, in words.
struct HealthTrouble: Error { var words: String }

extension EncorePlatform {
  /// One look at what serves, over a fresh connection.
  func health(at address: String, timeout: Duration = .seconds(10)) async -> Result<
    EncoreHealth, HealthTrouble
  > {
    let base = address.hasSuffix("/") ? String(address.dropLast()) : address
    let request = HTTPRequest(
      url: base + "/__encore/healthz",
      headers: [("User-Agent", "shipit"), ("Accept", "application/json"), ("Cache-Control", "no-cache")],
      timeout: timeout, bodyLimit: 256 << 10, freshConnection: true)
    do {
      let response = try await http.send(request)
      if let health = EncoreHealth(response) { return .success(health) }
      return .failure(HealthTrouble(words: "HTTP \(response.status) without a revision"))
    } catch { return .failure(HealthTrouble(words: error.message)) }
  }

  /// Looks up to `attempts` times, a second apart.
  func health(at address: String, attempts: Int) async -> Result<EncoreHealth, HealthTrouble> {
    var last = await health(at: address)
    for _ in 1..<max(1, attempts) {
      if case .success = last { return last }
      do { try await clock.sleep(for: .seconds(1)) } catch { return last }
      last = await health(at: address)
    }
    return last
  }
}
