import Concurrency
package import Model

/// Looks at PostgreSQL databases when a plan is made. Changes nothing.
package struct PostgresObserver: DatabaseObserver {
  private let secrets: SecretValues
  private let files: any MigrationFiles
  private let digest: @Sendable (String) -> String
  private let program: ExternalProgram?

  /// - Parameters:
  ///   - secrets: by name; the addresses are among them.
  ///   - digest: SHA-256 in hex.
  ///   - program: runs the tools that are programs of the project's.
  package init(
    secrets: SecretValues, files: any MigrationFiles, digest: @escaping @Sendable (String) -> String,
    program: ExternalProgram? = nil
  ) {
    self.program = program
    self.secrets = secrets
    self.files = files
    self.digest = digest
  }

  package func observe(
    _ database: DatabaseTarget, commit: String, isDirty: Bool
  ) async throws(Failure) -> ObservedDatabase {
    // It has no schema; what it is asked when it is copied is asked then.
    if database.engine == .redis {
      return ObservedDatabase(place: try RedisAddress(database, secrets).place, version: "")
    }
    let address = try DirectAddress(database, secrets)
    let session = try await LiveSession.open(address, of: database.key)
    do {
      let observed = try await look(database, commit, isDirty, address, session)
      await session.close()
      return observed
    } catch {
      await session.close()
      throw Failure.reaching(database.key, at: address.place, error)
    }
  }

  private func look(
    _ database: DatabaseTarget, _ commit: String, _ isDirty: Bool, _ address: DirectAddress,
    _ session: LiveSession
  ) async throws -> ObservedDatabase {
    let preflight = Preflight(database: database.key, place: address.place, session: session)
    let (version, _) = try await preflight.checkWritable()
    var observed = ObservedDatabase(place: address.place, version: version)
    observed.scripts = try await ScriptPlan(files: files, digest: digest).pending(
      database, session, commit: commit, isDirty: isDirty)
    guard let migrations = database.migrations else { return observed }
    if migrations.tool.isExternal {
      return try await survey(database, migrations, commit, isDirty, observed, preflight, session)
    }
    let tool = migrations.tool.tool
    let all = try await tool.migrations(
      among: names(of: database.key, migrations, commit: commit, isDirty: isDirty))
    let state = try await tool.state(session)
    if let refusal = preflight.refusal(ofDirty: state, migrations.tool) { throw refusal }
    let pending = try tool.pending(all, state)
    observed.newest = state.applied.last
    observed.applied = pending.applied
    observed.notes = pending.notes.map { "\(database.key): \($0)" }
    let texts = try await files.texts(
      of: (pending.files.map(\.name) + (state.checksums.isEmpty ? [] : all.map(\.name))).map {
        Self.path($0, in: migrations.directory)
      }, commit: commit, isDirty: isDirty)
    observed.notes += changed(all, state, migrations, texts).map { "\(database.key): \($0)" }
    for file in pending.files {
      let path = Self.path(file.name, in: migrations.directory)
      guard let text = texts[path] else {
        throw Failure(
          .failed, "the file \(path) cannot be read from the commit \(commit.prefix(7))", place: path)
      }
      let up = tool.upText(text)
      if let objection = tool.objection(to: SQLScript(up)) ?? tool.objection(toText: up) {
        throw Failure(
          .configuration, "\(path) cannot be applied: \(objection)", place: path,
          hint: migrations.tool == .encore
            ? "apply it outside of Encore's migrations, in a `run:` step" : "split the file")
      }
      observed.pending.append(
        PendingMigration(file: file, path: path, text: up, checksum: digest(text)))
    }
    return try await examined(observed, preflight)
  }

  /// What a program of the project's would do.
  private func survey(
    _ database: DatabaseTarget, _ migrations: Migrations, _ commit: String, _ isDirty: Bool,
    _ before: ObservedDatabase, _ preflight: Preflight, _ session: LiveSession
  ) async throws -> ObservedDatabase {
    guard let program else {
      throw Failure(.internalError, "nobody asks \(migrations.tool.rawValue) here")
    }
    var observed = before
    let state = try await migrations.tool.tool.state(session)
    guard let tool = migrations.tool.programTool else { return observed }
    let found = try await tool.look(
      ProgramSurvey(
        files: files, program: program, database: database, migrations: migrations, state: state,
        commit: commit, isDirty: isDirty))
    observed.newest = state.applied.last
    observed.applied = found.applied
    observed.notes = found.notes.map { "\(database.key): \($0)" }
    observed.pending = found.pending.map {
      PendingMigration(file: $0.file, path: $0.path, text: $0.sql, checksum: digest($0.script))
    }
    return try await examined(observed, preflight)
  }

  /// What would keep the pending ones from beginning.
  private func examined(_ before: ObservedDatabase, _ preflight: Preflight) async throws -> ObservedDatabase {
    var observed = before
    guard !observed.pending.isEmpty else { return observed }
    for index in observed.pending.indices {
      observed.pending[index].remarks =
        await program?.squawk.findings(in: observed.pending[index].text, version: observed.version) ?? []
    }
    if let refusal = try await preflight.invalidIndexes() { throw refusal }
    if let passing = try await preflight.longTransaction(over: MigrationPerformer.longTransaction) {
      observed.notes.append(
        "\(passing.message) now (\(passing.cause ?? "")): the migrations will not start while it is")
    }
    return observed
  }

  private func names(
    of database: String, _ migrations: Migrations, commit: String, isDirty: Bool
  ) async throws(Failure) -> [String] {
    guard let names = try await files.names(in: migrations.directory, commit: commit, isDirty: isDirty) else {
      throw Failure(
        .configuration, "commit \(commit.prefix(7)) has no directory \(migrations.directory)",
        place: "databases.\(database).migrations.directory",
        hint: "commit it, or correct the path, which counts from the project's root")
    }
    return names
  }

  /// An applied file that says something else now was changed after the fact.
  private func changed(
    _ all: [MigrationFile], _ state: MigrationState, _ migrations: Migrations, _ texts: [String: String]
  ) -> [String] {
    let names = all.filter { file in
      guard state.applied.contains(file.id), let known = state.checksums[file.id],
        let text = texts[Self.path(file.name, in: migrations.directory)]
      else { return false }
      return digest(text) != known
    }.map(\.name)
    guard !names.isEmpty else { return [] }
    return ["changed since it was applied, and not applied again: \(names.joined(separator: ", "))"]
  }

  static func path(_ name: String, in directory: String) -> String {
    let parts = directory.split(separator: "/").filter { $0 != "." }
    return (parts.map(String.init) + [name]).joined(separator: "/")
  }
}
