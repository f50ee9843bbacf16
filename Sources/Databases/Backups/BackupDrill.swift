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
    let began = clock.now
    let address = try DirectAddress(database, secrets).address
    let tools = try await tools(Int(manifest.server.prefix { $0 != "." }) ?? 0, address, database)
    let rows = try await tryOut(
      StoredCopy(store, manifest), manifest.rows, tools, RunID(Int(began.milliseconds % 1_000_000)),
      limit: limit, report: report)
    return (manifest, clock.now - began, rows)
  }
}

extension BackupPerformer {
  /// The name a database has on its server.
  /// - Throws: `Failure` when its address cannot be read.
  package func realName(of database: DatabaseTarget) throws(Failure) -> String {
    ScratchDatabase(address: try DirectAddress(database, secrets).address, database: database.key).name
  }
}
