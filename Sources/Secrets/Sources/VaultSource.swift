import AWS
import HTTP
import JSON
import Model

/// A secret of the KV version 2 engine of Vault or OpenBao (contract secrets §2.5).
struct VaultSource: SecretSource {
  let settings: VaultSecrets
  let earlier: EarlierSources
  let access: SecretAccess

  init(_ settings: VaultSecrets, _ earlier: EarlierSources, _ access: SecretAccess) {
    self.settings = settings
    self.earlier = earlier
    self.access = access
  }

  var description: String {
    let host = settings.address.split(separator: "/").last.map(String.init) ?? settings.address
    return "\(settings.mount)/\(settings.path) in Vault at \(host)"
  }

  let isWritable = true

  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer {
    try await withSession { session throws(Failure) in
      guard let found = try await self.current(session) else {
        return SecretAnswer(note: "where nothing was ever written")
      }
      let object = SecretObject(found.members, of: description, names: settings.names)
      return SecretAnswer(try object.readings(names, version: String(found.version)))
    }
  }

  // MARK: Calls

  /// One secret as it is.
  struct Current {
    var members: [String: JSON]
    var version: Int64
  }

  /// nil: nothing was ever written there.
  func current(_ session: VaultSession) async throws(Failure) -> Current? {
    let response = try await session.send("GET", dataPath)
    let body = try? JSON(parsing: response.body)
    switch response.status {
    case 200:
      guard let members = body?["data"]?["data"]?.object,
        let version = body?["data"]?["metadata"]?["version"]?.int
      else {
        throw Failure(
          .failed, "\(description) answered something else than a secret of KV version 2",
          hint: "`address` is Vault's own, without /ui or /v1")
      }
      return Current(members: members, version: version)
    case 404:
      if let metadata = body?["data"]?["metadata"], let version = metadata["version"]?.int {
        throw Failure(
          .configuration, "\(description): version \(version), the newest, was deleted",
          hint: "vault kv undelete -mount=\(settings.mount) -versions=\(version) \(settings.path)")
      }
      let words = (body?["errors"]?.array ?? []) + (body?["warnings"]?.array ?? [])
      guard words.isEmpty else { throw noEngine(words) }
      return nil
    default: throw try await session.refusal(response, "read")
    }
  }

  private func noEngine(_ words: [JSON]) -> Failure {
    Failure(
      .configuration, "\(description): there is no KV version 2 engine at \(settings.mount)",
      cause: words.compactMap(\.string).joined(separator: "; "),
      hint: "`vault secrets list` shows the mounts; a mount of several parts is named by `mount`")
  }

  var dataPath: String { "\(VaultSource.path(settings.mount))/data/\(VaultSource.path(settings.path))" }

  /// Runs with a token, and revokes it where it was got for this.
  func withSession<Value: Sendable>(
    _ body: (VaultSession) async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    guard SecretAddress.isSafe(settings.address) else {
      throw Failure(
        .configuration, "\(description) is not asked: secrets do not travel over http",
        hint: "write https:// in `address`; http is for this machine alone")
    }
    let session = try await VaultSession.open(self)
    do throws(Failure) {
      let value = try await body(session)
      await session.close()
      return value
    } catch {
      await session.close()
      throw error
    }
  }

  // MARK: Addresses

  static func path(_ text: String) -> String {
    text.split(separator: "/").map { encoded(String($0)) }.joined(separator: "/")
  }

  /// RFC 3986: letters, digits and `-._~` stay.
  static func encoded(_ text: String) -> String { Signature.encode(text) }
}
