import Concurrency
package import Model
import Postgres

extension BackupPerformer {
  /// Restores a copy into a scratch database on the database's own server, counts its rows, and drops it again.
  /// - Parameters:
  ///   - id: which one; nil: the newest.
  ///   - limit: how long it may take.
  ///   - report: told what else is done.
  /// - Returns: the copy, how long it took, and its rows by table.
  /// - Throws: `Failure`; `CancellationError`.
  package func drill(
    _ database: DatabaseTarget, _ rule: BackupRule, environment: String, id: String?, limit: Duration,
    report: (String) -> Void = { _ in }
  ) async throws -> (manifest: BackupManifest, took: Duration, rows: [String: Int64]) {
    let names = BackupNames(environment: environment, database: database.key)
    let store = try await stores.store(rule, names)
    let manifest = try await store.newest(id, names)
    let copy = try StoredCopy(store, manifest, try cipher(for: manifest, rule))
    let began = clock.now
    if database.engine == .redis {
      let keys = try await tryOutRedis(copy, manifest.rows, try redis(database), limit: limit)
      return (manifest, clock.now - began, keys)
    }
    let address = try DirectAddress(database, secrets).address
    let tools = try await tools(Int(manifest.server.prefix { $0 != "." }) ?? 0, address, database)
    let rows = try await tryOut(
      copy, manifest.rows, tools, RunID(Int(began.milliseconds % 1_000_000)),
      limit: limit, report: report)
    return (manifest, clock.now - began, rows)
  }
}

extension BackupPerformer {
  /// - Throws: `configuration` when a copy is encrypted and there is no key here to read it, or when it is Railway's.
  package func checkReadable(_ manifest: BackupManifest, _ rule: BackupRule) throws(Failure) {
    if let service = rule.volume { throw VolumeShelf.elsewhere(service, manifest.database) }
    if let cipher = try cipher(for: manifest, rule), cipher.key == nil { throw cipher.noKey }
  }

  /// The name a database has on its server.
  /// - Throws: `Failure` when its address cannot be read.
  package func realName(of database: DatabaseTarget) throws(Failure) -> String {
    ScratchDatabase(address: try DirectAddress(database, secrets).address, database: database.key).name
  }
}

extension BackupPerformer {
  /// What new copies are encrypted with; nil: they are not.
  /// - Throws: `configuration` when the key's secret has no value.
  func cipher(_ rule: BackupRule, of database: String) throws(Failure) -> AgeCipher? {
    guard let encryption = rule.encryption else { return nil }
    return try cipher(encryption.recipients, encryption.identity, database)
  }

  /// What a copy can be read with; nil: it is not encrypted.
  /// - Throws: `configuration` when the key's secret has no value.
  func cipher(for manifest: BackupManifest, _ rule: BackupRule) throws(Failure) -> AgeCipher? {
    guard let recipients = manifest.recipients else { return nil }
    return try cipher(recipients, rule.encryption?.identity, manifest.database)
  }

  private func cipher(
    _ recipients: [String], _ identity: BackupEncryption.Identity?, _ database: String
  ) throws(Failure) -> AgeCipher {
    let key: AgeCipher.Key?
    switch identity {
    case nil: key = nil
    case .file(let path):
      key = .file(
        path.hasPrefix("/")
          ? path
          : path.hasPrefix("~/")
            ? (surroundings["HOME"] ?? "") + path.dropFirst() : "\(stores.root)/\(path)")
    case .secret(let name):
      guard let value = secrets[name], !value.isEmpty else {
        throw Failure(
          .configuration, "the secret \(name), by which backups are read, has no value",
          place: "databases.\(database).backup.encrypt.identity",
          hint: "set \(name) in the environment of shipit, or give the key's file: --identity FILE")
      }
      key = .value(value)
    }
    return AgeCipher(
      recipients: recipients, key: key, database: database, launcher: launcher, surroundings: surroundings)
  }
}
