import Concurrency
package import Model
import Processes

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension BackupPerformer {
  /// Copies a Redis database.
  func copyRedis(_ request: BackupRequest, _ call: StepCall) async throws -> BackupManifest {
    let began = clock.now
    let (rule, database) = (request.rule, request.database)
    let tools = try redis(database)
    let names = names(database, call)
    let store = try await stores.store(rule, names)
    let facts = try await tools.facts()
    let cipher = try cipher(rule, of: database.key)
    let id = names.id(call)
    let file = BackupManifest.file(id, .redis, isEncrypted: cipher != nil)
    try await store.begin()
    call.report(.progress("copying with redis-cli"))
    let limit = left(call)
    let empty = Failure(
      .failed, "the backup of \(database.key) is empty", place: "databases.\(database.key).backup",
      hint: "see what redis-cli --rdb says; nothing was changed in the database")
    let sum: StoredSum
    do {
      sum = try await store.write(file, expected: facts.bytes, magic: "REDIS", cipher, limit: limit) {
        output in
        try await tools.dump(to: output, limit: limit)
      }
    } catch is NoCopy { throw empty }
    guard sum.bytes > 0 else { throw empty }
    do {
      let copy = StoredCopy(store, file: file, sum, cipher, isFinished: false)
      var keys: [String: Int64] = [:]
      switch rule.check {
      case .read:
        call.report(.progress("reading it"))
        _ = try await copy.read(limit: limit) { try await tools.check($0, limit: limit) }
      case .restore:
        call.report(.progress("loading it into a scratch server"))
        keys = try await tryOutRedis(copy, [:], tools, limit: limit)
      case .stored:
        call.report(.progress("reading back what is stored"))
        try await copy.readBack()
      }
      let manifest = BackupManifest(
        id: id, app: call.run.app, environment: call.run.environment, database: database.key, engine: .redis,
        server: facts.version, tool: "redis-cli --rdb", run: call.run.id, release: call.run.release,
        commit: call.run.commit, madeAt: began, seconds: Int((clock.now - began).components.seconds),
        bytes: sum.bytes, checksum: sum.hex, recipients: cipher?.recipients, rows: keys, check: rule.check)
      try await store.finish(manifest)
      return manifest
    } catch {
      await store.discard(file)
      throw error
    }
  }

  /// Loads a copy into a server of our own and counts its keys.
  /// - Parameter keys: what it held when it was made; empty: not known.
  /// - Returns: keys by database.
  /// - Throws: `Failure` when it cannot be loaded, or lacks keys that do not end by themselves.
  func tryOutRedis(
    _ copy: StoredCopy, _ keys: [String: Int64], _ tools: RedisTools, limit: Duration
  ) async throws -> [String: Int64] {
    let contents = try await copy.read(limit: limit) { try await tools.check($0, limit: limit) }
    let scratch = ScratchRedis(database: tools.database, launcher: launcher, surroundings: surroundings)
    let (launcher, surroundings) = (launcher, surroundings)
    let found = try await scratch.keys(limit: limit) { file in
      try await copy.read(limit: limit) { input in
        let fed = try await launcher.run(
          ProcessSpecification(
            "dd", ["bs=256k", "of=\(file)"], environment: surroundings, inputDescriptor: input),
          timeout: limit)
        guard fed.exit.isSuccess else {
          throw Failure(.failed, "the scratch server did not read the backup", cause: fed.errorText)
        }
      }
    }
    let total = found.values.reduce(0, +)
    let wanted = keys.isEmpty ? contents.keys : keys.values.reduce(0, +)
    // Those with a time to live may have ended since.
    guard total <= wanted, total >= wanted - contents.expiring else {
      throw Failure(
        .failed, "the backup of \(tools.database) does not hold what the database held",
        place: "databases.\(tools.database).backup",
        cause:
          "\(wanted) keys when it was made, \(contents.expiring) of them with a time to live; \(total) loaded"
      )
    }
    return found
  }

  func redis(_ database: DatabaseTarget) throws(Failure) -> RedisTools {
    RedisTools(
      address: try RedisAddress(database, secrets), database: database.key, launcher: launcher,
      surroundings: surroundings)
  }

  /// Writes a copy to a file for its owner alone, decrypted and read to its end.
  /// - Throws: `Failure`, also when there is a file of that name; `CancellationError`.
  package func export(
    _ manifest: BackupManifest, of database: DatabaseTarget, _ rule: BackupRule, to path: String,
    limit: Duration
  ) async throws {
    let names = BackupNames(environment: manifest.environment, database: database.key)
    let copy = try StoredCopy(
      try await stores.store(rule, names), manifest, try cipher(for: manifest, rule))
    if database.engine == .redis {
      let tools = try redis(database)
      _ = try await copy.read(limit: limit) { try await tools.check($0, limit: limit) }
    }
    let output = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else {
      throw Failure(
        .configuration, "the backup cannot be written to \(path)", cause: String(cString: strerror(errno)),
        hint: "name a file that is not there")
    }
    defer { close(output) }
    let (launcher, surroundings) = (launcher, surroundings)
    do {
      try await copy.read(limit: limit) { input in
        let result = try await launcher.run(
          ProcessSpecification(
            "cat", environment: surroundings, inputDescriptor: input, outputDescriptor: output),
          timeout: limit)
        guard result.exit.isSuccess, fsync(output) == 0 else {
          throw Failure(
            .failed, "the backup cannot be written to \(path)", cause: result.errorText, hint: "df -h \(path)"
          )
        }
      }
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Why a copy is not put into a running server, and how it is.
  /// - Parameter manifest: the copy.
  package func redisRestoreRefusal(of database: DatabaseTarget, _ manifest: BackupManifest) async -> Failure {
    let facts = try? await redis(database).facts()
    let command =
      "shipit restore \(manifest.environment) \(database.key) --from \(manifest.id) --into dump.rdb"
    let trap =
      switch facts?.isAppendOnly {
      case true?:
        "it has appendonly on: started so, it would ignore the file and begin empty; start it once with "
          + "--appendonly no, then CONFIG SET appendonly yes"
      case false?: "it has appendonly off, so that it reads the file"
      case nil:
        "with appendonly on it would ignore the file and begin empty: start it once with --appendonly no"
      }
    return Failure(
      .configuration, "shipit puts no copy into a running Redis: a server reads one when it starts",
      place: "databases.\(database.key)", cause: trap,
      hint: "\(command); stop the server, put the file where CONFIG GET dir and dbfilename say, start it")
  }
}
