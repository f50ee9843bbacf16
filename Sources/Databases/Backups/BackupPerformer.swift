package import Concurrency
package import Model
import Postgres
package import Processes

/// Copies databases into files and proves them good; puts a copy in the place of a database; tries copies out.
///
/// A copy is there when its manifest is: until then nobody takes it for one.
package struct BackupPerformer: StepPerformer {
  let secrets: SecretValues
  let stores: BackupStores
  let clock: any TimeSource
  let launcher: Launcher
  /// What the children get of the process environment.
  let surroundings: [String: String]

  /// - Parameter process: the variables of this process: `PATH`, `HOME`, `TMPDIR` and `LANG` are handed on.
  package init(
    secrets: SecretValues, stores: BackupStores, clock: any TimeSource, process: [String: String],
    launcher: Launcher = Launcher()
  ) {
    self.secrets = secrets
    self.stores = stores
    self.clock = clock
    self.launcher = launcher
    surroundings = process.filter { ["PATH", "HOME", "TMPDIR", "LANG"].contains($0.key) }
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    do {
      switch step.action {
      case .backup(let request): return .done(try await copy(request, call))
      case .restoreDatabase(let restore): return .done(try await put(restore, call))
      default: return .failed(foreign(step), moved: false)
      }
    } catch is CancellationError {
      return .cancelled(moved: false)
    } catch {
      let failure = error as? Failure ?? Failure(.failed, "\(step.title) failed", cause: "\(error)")
      if failure.kind == .cancelled { return .cancelled(moved: false) }
      // A restore switches last, and by one commit: what fails before has moved nothing. Its own trouble says more.
      return failure.kind == .unknown ? .ambiguous(failure) : .failed(failure, moved: false)
    }
  }

  package func probe(_ step: Step, _ call: StepCall) async -> Finding {
    switch step.action {
    case .backup(let request):
      do throws(Failure) {
        let names = names(request.database, call)
        let all = try await stores.store(request.rule, names).all()
        guard let manifest = all.first(where: { $0.id == names.id(call) }) else { return .absent }
        return .done(BackupPerformer.result(manifest, pruned: 0))
      } catch { return .unknown(error) }
    case .restoreDatabase(let restore):
      do throws(Failure) {
        let scratch = ScratchDatabase(
          address: try DirectAddress(restore.database, secrets).address, database: restore.database.key)
        let old = scratch.beside("before", call.run.id)
        return try await scratch.existing([old]).isEmpty ? .absent : .done(done(restore, old))
      } catch { return .unknown(error) }
    default: return .failed(foreign(step), moved: false)
    }
  }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    guard case .restoreDatabase = step.action else { return .cancelled }
    switch await probe(step, call) {
    case .done(let result): return .tookEffect(result)
    case .unknown(let failure): return .inFlight(failure.message)
    default: return .cancelled
    }
  }

  private func foreign(_ step: Step) -> Failure {
    Failure(.internalError, "the step \(step.id) copies no database", place: step.id.rawValue)
  }

  func names(_ database: DatabaseTarget, _ call: StepCall) -> BackupNames {
    BackupNames(environment: call.run.environment, database: database.key)
  }

  // MARK: Copying

  private func copy(_ request: BackupRequest, _ call: StepCall) async throws -> StepResult {
    if let service = request.rule.volume { return try await copyVolume(service, request, call) }
    if request.database.engine == .redis {
      let manifest = try await copyRedis(request, call)
      let store = try await stores.store(request.rule, names(request.database, call))
      return BackupPerformer.result(manifest, pruned: await store.prune(keeping: request.rule.keep))
    }
    let began = clock.now
    let database = request.database
    let address = try DirectAddress(database, secrets).address
    let store = try await stores.store(request.rule, names(database, call))
    let session = PostgresSession(address, patience: .seconds(600))
    do {
      try await session.open()
      let manifest = try await copy(request, call, store, address, session, began)
      await session.close()
      let pruned = await store.prune(keeping: request.rule.keep)
      return BackupPerformer.result(manifest, pruned: pruned)
    } catch {
      await session.close()
      if error is CancellationError { throw error }
      throw Failure.reaching(database.key, at: address.description, error)
    }
  }

  private func copy(
    _ request: BackupRequest, _ call: StepCall, _ store: any BackupStore, _ address: PostgresAddress,
    _ session: PostgresSession, _ began: Timestamp
  ) async throws -> BackupManifest {
    let (rule, database) = (request.rule, request.database)
    let facts = try await session.query(
      """
      SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS version,
        pg_database_size(current_database()) AS bytes
      """
    ).first
    let major = Int(facts?.int("number") ?? 0) / 10_000
    let tools = try await tools(major, address, database)
    // One moment for the copy and for the count; open until the copy is made.
    try await session.run(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; "
        + "SET LOCAL idle_in_transaction_session_timeout = 0", limit: .seconds(15))
    let snapshot = try await session.query("SELECT pg_export_snapshot() AS id").first?["id"]
    var rows: [String: Int64] = [:]
    if rule.check == .restore {
      call.report(.progress("counting rows"))
      rows = try await TableCount.read(session)
    }
    let id = names(database, call).id(call)
    let cipher = try cipher(rule, of: database.key)
    let file = BackupManifest.file(id, database.engine, isEncrypted: cipher != nil)
    try await store.begin()
    call.report(.progress("copying with \(tools.programs.name)"))
    let limit = left(call)
    let empty = Failure(
      .failed, "the backup of \(database.key) is empty", place: "databases.\(database.key).backup",
      hint: "see what pg_dump says: \(tools.programs.dump) -Fc; nothing was changed in the database")
    let sum: StoredSum
    do {
      sum = try await store.write(
        file, expected: facts?.int("bytes") ?? 0, magic: "PGDMP", cipher, limit: limit
      ) { output in try await tools.dump(to: output, snapshot: snapshot, limit: limit) }
    } catch is NoCopy { throw empty }
    guard sum.bytes > 0 else { throw empty }
    do {
      try await session.run("COMMIT", limit: .seconds(15))
      try await prove(StoredCopy(store, file: file, sum, cipher, isFinished: false), rule, rows, tools, call)
      let manifest = BackupManifest(
        id: id, app: call.run.app, environment: call.run.environment, database: database.key,
        server: facts?["version"].map { String($0.prefix { $0 != " " }) } ?? "\(major)",
        tool: tools.programs.name,
        run: call.run.id, release: call.run.release, commit: call.run.commit, madeAt: began,
        seconds: Int((clock.now - began).components.seconds), bytes: sum.bytes, checksum: sum.hex,
        recipients: cipher?.recipients, rows: rows, check: rule.check)
      try await store.finish(manifest)
      return manifest
    } catch {
      await store.discard(file)
      throw error
    }
  }

  private func prove(
    _ copy: StoredCopy, _ rule: BackupRule, _ rows: [String: Int64], _ tools: PostgresTools, _ call: StepCall
  ) async throws {
    let limit = left(call)
    switch rule.check {
    case .read:
      call.report(.progress("reading it"))
      try await copy.read(limit: limit) { try await tools.read($0, limit: limit) }
    case .stored:
      call.report(.progress("reading back what is stored"))
      try await copy.readBack()
    case .restore:
      call.report(.progress("restoring it into a scratch database"))
      _ = try await tryOut(copy, rows, tools, call.run.id, limit: limit) { call.report(.progress($0)) }
    }
  }

  /// Restores a copy into a scratch database, compares its rows, and drops it, and those that killed trials left.
  /// - Parameter report: told what is dropped besides.
  /// - Returns: the rows.
  func tryOut(
    _ copy: StoredCopy, _ rows: [String: Int64], _ tools: PostgresTools, _ run: RunID, limit: Duration,
    report: (String) -> Void
  ) async throws -> [String: Int64] {
    let scratch = ScratchDatabase(address: tools.address, database: tools.database)
    for name in await scratch.dropLeftovers() { report("dropped \(name), which a killed trial left") }
    let name = scratch.beside("drill", run)
    return try await scratch.trial(name) {
      try await copy.read(limit: limit) {
        try await tools.restore($0, into: name, keepsOwners: false, limit: limit)
      }
      let found = try await scratch.rows(of: name)
      if !rows.isEmpty, let difference = TableCount.difference(rows, found) {
        throw Failure(
          .failed, "the backup of \(tools.database) does not hold what the database held",
          place: "databases.\(tools.database).backup", cause: difference)
      }
      return found
    }
  }

  func tools(_ major: Int, _ address: PostgresAddress, _ database: DatabaseTarget) async throws(Failure)
    -> PostgresTools
  {
    let programs = try await PostgresPrograms.find(
      major: major, path: surroundings["PATH"] ?? "/usr/bin:/bin", of: database.key, launcher: launcher)
    return PostgresTools(
      programs: programs, address: address, database: database.key, launcher: launcher,
      surroundings: surroundings)
  }

  func left(_ call: StepCall) -> Duration { max(.seconds(1), call.deadline - clock.now) }

  // MARK: Putting one in the place of the database

  private func put(_ restore: DatabaseRestore, _ call: StepCall) async throws -> StepResult {
    let database = restore.database
    let address = try DirectAddress(database, secrets).address
    let names = names(database, call)
    let store = try await stores.store(restore.rule, names)
    let manifest = try await store.newest(restore.backup, checksum: restore.checksum, names)
    let copy = try StoredCopy(store, manifest, try cipher(for: manifest, restore.rule))
    let scratch = ScratchDatabase(address: address, database: database.key)
    let next = scratch.beside("restored", call.run.id)
    let old = scratch.beside("before", call.run.id)
    let major = Int(manifest.server.prefix { $0 != "." }) ?? 0
    let tools = try await tools(major, address, database)
    call.report(.progress("restoring \(manifest.id) beside the database"))
    try await scratch.make(next)
    do {
      let limit = left(call)
      try await copy.read(limit: limit) {
        try await tools.restore($0, into: next, keepsOwners: true, limit: limit)
      }
      if !manifest.rows.isEmpty,
        let difference = TableCount.difference(manifest.rows, try await scratch.rows(of: next))
      {
        throw Failure(
          .failed, "what was restored is not what the backup holds",
          place: "databases.\(database.key).backup",
          cause: difference)
      }
    } catch {
      await scratch.drop(next)
      throw error
    }
    try Task.checkCancellation()
    call.report(.progress("switching"))
    do throws(Failure) {
      try await scratch.replace(by: next, keeping: old)
    } catch {
      // The answer may have been lost after the server had committed.
      let there = try? await scratch.existing([old])
      if there?.isEmpty == true {
        await scratch.drop(next)
        throw error
      }
      guard there != nil else {
        throw Failure(.unknown, error.message, place: error.place, cause: error.cause, hint: error.hint)
      }
    }
    return done(restore, old)
  }

  private func done(_ restore: DatabaseRestore, _ old: String) -> StepResult {
    StepResult(
      externalID: restore.backup,
      summary: "\(restore.database.key) is as in \(restore.backup); what was there is the database \(old)",
      facts: ["kept": old])
  }

  static func result(_ manifest: BackupManifest, pruned: Int) -> StepResult {
    let tables = manifest.rows.count
    let proof =
      switch manifest.check {
      case .restore where manifest.engine == .redis:
        "loaded and counted: \(manifest.rows.values.reduce(0, +)) keys"
      case .restore:
        "restored and counted: \(tables == 1 ? "1 table" : "\(tables) tables"), \(manifest.rows.values.reduce(0, +)) rows"
      case .read: "read to its end"
      case .stored: "read back, not tried out"
      }
    let old = pruned > 0 ? "; \(pruned == 1 ? "1 old one" : "\(pruned) old ones") removed" : ""
    return StepResult(
      externalID: manifest.id,
      summary:
        "\(manifest.id), \(BackupPerformer.size(manifest.bytes))\(manifest.recipients == nil ? "" : " encrypted"), \(proof)\(old)",
      facts: ["backup": manifest.id, "checksum": manifest.checksum])
  }

  /// `12.3 MB`.
  package static func size(_ bytes: Int64) -> String {
    if bytes < 1000 { return "\(bytes) B" }
    var (value, unit) = (Double(bytes) / 1000, "kB")
    for next in ["MB", "GB", "TB"] where value >= 1000 {
      value /= 1000
      unit = next
    }
    return "\((value * 10).rounded() / 10) \(unit)"
  }
}
