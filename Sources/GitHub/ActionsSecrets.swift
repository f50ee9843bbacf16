package import Concurrency
import Crypto
package import HTTP
import JSON
package import Model

/// The secrets of GitHub Actions that one repository has, or one of its environments (contracts github §6, secrets
/// §2.10). Values can be written and never read.
package struct ActionsSecrets: Sendable {
  /// A secret as GitHub shows it.
  package struct Entry: Sendable, Hashable {
    package var name: String
    /// By GitHub's clock: the only sign of a write by somebody else.
    package var updatedAt: Timestamp
  }

  private let client: GitHubClient
  private let path: String
  private let subject: GitHubClient.Subject

  /// The longest value that GitHub takes, in bytes.
  package static let longest = 48 << 10

  /// - Parameter environment: nil: the repository's own secrets.
  package init(
    _ target: GitHubTarget, environment: String?, http: any HTTPTransport, version: String
  ) {
    client = GitHubClient(target: target, http: http, version: version)
    path = environment.map { "/environments/\(GitHubClient.encoded($0))/secrets" } ?? "/actions/secrets"
    subject = GitHubClient.Subject(
      words: environment.map { "secrets of the environment \($0)" } ?? "secrets",
      hint:
        "use a fine-grained token with `\(environment == nil ? "Secrets" : "Environments")`: read and write; a job's own GITHUB_TOKEN never has it",
      patience: .seconds(30))
  }

  /// Every secret, by name.
  /// - Throws: `authentication` for a missing right, or a repository or environment that is not there; `failed`.
  package func list() async throws(Failure) -> [Entry] {
    var entries: [Entry] = []
    var page = 1
    while true {
      let answer = try await json("GET", "\(path)?per_page=100&page=\(page)")
      guard let rows = answer["secrets"]?.array, let total = answer["total_count"]?.int else {
        throw unreadable("GET")
      }
      for row in rows {
        guard let name = row["name"]?.string,
          let at = row["updated_at"]?.string.flatMap({ Timestamp(iso8601: $0) })
        else { throw unreadable("GET") }
        entries.append(Entry(name: name, updatedAt: at))
      }
      if rows.isEmpty || entries.count >= total { return entries.sorted { $0.name < $1.name } }
      page += 1
    }
  }

  /// Writes values, each sealed for the key of this repository or environment, in the order of their names.
  /// - Parameter wrote: told of each name once GitHub has it, so that a failure names what is written and what is not.
  /// - Throws: `configuration` for a name or a value that GitHub does not take, before anything is written;
  ///   `authentication`; `failed`.
  package func write(
    _ values: [String: Sensitive], wrote: (String) -> Void = { _ in }
  ) async throws(Failure) {
    let refused = values.compactMap { name, value in Self.problem(name, value) }.sorted()
    guard refused.isEmpty else {
      throw Failure(
        .configuration, "GitHub does not take \(refused.joined(separator: "; "))",
        place: client.place("PUT", subject), hint: "nothing was written; rename it, or keep it elsewhere")
    }
    guard !values.isEmpty else { return }
    var key = try await publicKey()
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard LeaseGate.mayAct() else {
        throw Failure(.stale, LeaseGate.words, place: client.place("PUT", subject))
      }
      do throws(Failure) {
        try await put(name, value, key)
      } catch {
        // The key may have been replaced since it was asked for (contract github §6): once more with the newest.
        guard error.kind == .failed else { throw error }
        let newest = try await publicKey()
        guard newest.id != key.id else { throw error }
        key = newest
        try await put(name, value, key)
      }
      wrote(name)
    }
  }

  /// Why GitHub would not take it; nil: it would.
  private static func problem(_ name: String, _ value: Sensitive) -> String? {
    let isWord = name.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    if name.isEmpty || !isWord || name.first?.isNumber == true {
      return "the name “\(name)”: letters, digits and _ alone, and no digit first"
    }
    if name.uppercased().hasPrefix("GITHUB_") { return "the name \(name): GITHUB_ is its own" }
    return value.reveal().utf8.count > longest ? "the value of \(name): 48 KiB are the most" : nil
  }

  private struct PublicKey {
    var id: String
    var bytes: [UInt8]
  }

  private func publicKey() async throws(Failure) -> PublicKey {
    let answer = try await json("GET", "\(path)/public-key")
    guard let id = answer["key_id"]?.string, let text = answer["key"]?.string,
      let bytes = Base64.decode(text), bytes.count == SealedBox.keyLength
    else { throw unreadable("GET") }
    return PublicKey(id: id, bytes: bytes)
  }

  private func put(_ name: String, _ value: Sensitive, _ key: PublicKey) async throws(Failure) {
    guard let box = SealedBox.seal(Array(value.reveal().utf8), for: key.bytes) else {
      throw Failure(.internalError, "\(name) cannot be sealed: libsodium refused the key")
    }
    _ = try await client.send(
      "PUT", "\(path)/\(name)", expected: [201, 204],
      ["encrypted_value": .string(Base64.encode(box)), "key_id": .string(key.id)], about: subject)
  }

  private func json(_ method: String, _ path: String) async throws(Failure) -> JSON {
    let response = try await client.send(method, path, expected: [200], about: subject)
    guard let answer = try? JSON(parsing: response.body) else { throw unreadable(method) }
    return answer
  }

  private func unreadable(_ method: String) -> Failure {
    Failure(
      .failed, "GitHub's answer is not what its description says", place: client.place(method, subject))
  }
}
