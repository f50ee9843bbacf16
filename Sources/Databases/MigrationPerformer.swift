package import Concurrency
package import Model

/// Applies the pending migrations of a database, one file at a time, under shipit's own lock.
///
/// The tool's ledger table is the truth: each file's row is written in the file's own transaction, so that a
/// look at it tells what is applied whatever became of us. Before each file its name is made durable in the
/// journal. What was applied is never applied again, and nothing is ever taken back.
package struct MigrationPerformer: StepPerformer {
  /// Transactions that are open for longer are in the way.
  package static let longTransaction = Duration.seconds(60)
  /// Attempts at a file that did not get its lock, or that another transaction got in the way of.
  private static let attempts = 4

  private let secrets: SecretValues
  private let files: any MigrationFiles
  private let clock: any TimeSource
  private let digest: @Sendable (String) -> String
  private let random: @Sendable () -> Double
  private let program: ExternalProgram?
  private let longTransaction: Duration
  private let running = RunningMigrations()

  /// - Parameters:
  ///   - digest: SHA-256 in hex.
  ///   - longTransaction: how long another transaction may be open.
  ///   - program: runs the tools that are programs of the project's.
  ///   - random: in 0..<1, for the jitter of repetitions.
  package init(
    secrets: SecretValues, files: any MigrationFiles, clock: any TimeSource,
    digest: @escaping @Sendable (String) -> String, longTransaction: Duration = longTransaction,
    program: ExternalProgram? = nil, random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
  ) {
    self.program = program
    self.secrets = secrets
    self.files = files
    self.clock = clock
    self.digest = digest
    self.longTransaction = longTransaction
    self.random = random
  }

  /// Who runs what stands beside the migrations.
  private var scripts: ScriptPerformer {
    ScriptPerformer(secrets: secrets, files: files, clock: clock, digest: digest)
  }

  package func perform(_ step: Step, _ call: StepCall) async -> Outcome {
    if case .scripts(let run) = step.action { return await scripts.perform(run, call) }
    guard case .migrate(let change) = step.action else { return .failed(foreign(step), moved: false) }
    if let services = change.appliedBy { return await look(change, services, call) }
    let key = RunningMigrations.Key(run: call.run.id, step: step.id)
    running.begin(key)
    var progress = Applied(change)
    let outcome: Outcome
    do {
      outcome = .done(try await apply(change, call, &progress))
    } catch {
      outcome = ended(by: error, change, progress)
    }
    running.end(key, progress)
    return outcome
  }

  package func probe(_ step: Step, _ call: StepCall) async -> Finding {
    if case .scripts(let run) = step.action { return await scripts.probe(run, call) }
    guard case .migrate(let change) = step.action else { return .failed(foreign(step), moved: false) }
    do {
      return try await withSession(change) { session in
        // What a killed process left may still be running in its session, which then still has the lock.
        try await MigrationLock(session: session, clock: clock).take(
          tool: nil, until: min(call.deadline, clock.now + .seconds(30)),
          waits: { call.report(.progress("waiting for \($0)")) })
        try await MigrationLock(session: session, clock: clock).outwaitTools(
          until: min(call.deadline, clock.now + .seconds(30)),
          waits: { call.report(.progress("waiting for \($0)")) })
        let progress = try await read(change, session)
        if let refusal = progress.refusal { return .failed(refusal, moved: true) }
        if progress.rest.isEmpty { return .done(result(change, progress, nil)) }
        return progress.applied.isEmpty ? .absent : .underWay(externalID: progress.rest[0].name)
      }
    } catch {
      return .unknown(Failure.reaching(change.database.key, at: change.place, error))
    }
  }

  package func abandon(_ step: Step, _ call: StepCall) async -> Abandonment {
    guard case .migrate(let change) = step.action else { return .cancelled }
    let key = RunningMigrations.Key(run: call.run.id, step: step.id)
    // The cancelled task has asked the server to stop; its answer takes a moment.
    var progress = await running.waitForEnd(key, clock: clock, limit: .milliseconds(2300))
    if progress == nil, !running.isRunning(key) {
      progress = try? await withSession(change) { session in try await read(change, session) }
    }
    guard let progress else { return .inFlight("the server still works at it") }
    if progress.applied.isEmpty { return .cancelled }
    let words = "\(progress.applied.count) of \(change.pending.count) applied, they stay"
    // What was applied stays applied: the rest is another run's.
    if progress.rest.isEmpty { return .tookEffect(result(change, progress, words)) }
    return running.wasBegun(key) ? .inFlight(words) : .tookEffectInPart(result(change, progress, words))
  }

  private func foreign(_ step: Step) -> Failure {
    Failure(.internalError, "the step \(step.id) changes no schema", place: step.id.rawValue)
  }

  /// What the deploy of a service was to apply is what the table says, soon after it is live.
  private func look(_ change: SchemaChange, _ services: [ServiceName], _ call: StepCall) async -> Outcome {
    let patience = min(call.deadline, clock.now + .seconds(30))
    var progress = Applied(change)
    do {
      while true {
        progress = try await withSession(change) { session in try await read(change, session) }
        if let refusal = progress.refusal { return .failed(refusal, moved: !progress.applied.isEmpty) }
        if progress.rest.isEmpty {
          let who = services.map(\.rawValue).joined(separator: ", ")
          return .done(result(change, progress, "by the deploy of \(who)"))
        }
        guard clock.now < patience else { break }
        call.report(.progress("waiting for \(progress.rest[0].name) in the ledger table"))
        try await clock.sleep(for: .milliseconds(500))
      }
    } catch { return ended(by: error, change, progress) }
    let missing = progress.rest.map(\.name).joined(separator: ", ")
    return .failed(
      Failure(
        .failed,
        "the new code of \(services.map(\.rawValue).joined(separator: ", ")) runs without its schema",
        place: change.place, cause: "the ledger table does not have \(missing)",
        hint: "its \(change.migrations.runs.rawValue) did not run them: see its log; or write where: here"),
      moved: !progress.applied.isEmpty)
  }

  // MARK: Applying

  private func withSession<Value: Sendable>(
    _ change: SchemaChange, _ work: (LiveSession) async throws -> Value
  ) async throws -> Value {
    let address = try DirectAddress(change.database, secrets)
    let session = try await LiveSession.open(address, of: change.database.key)
    do {
      let value = try await work(session)
      await session.close()
      return value
    } catch {
      await session.close()
      throw error
    }
  }

  /// What the ledger table says of the planned migrations.
  private func read(_ change: SchemaChange, _ session: LiveSession) async throws -> Applied {
    let tool = change.migrations.tool.tool
    let state = try await tool.state(session)
    var progress = Applied(change)
    progress.refusal = Preflight(database: change.database.key, place: change.place, session: session)
      .refusal(ofDirty: state, change.migrations.tool)
    progress.newest = state.applied.last
    let known = change.pending.map { MigrationFile(id: $0.id, name: $0.name) }
    progress.count = tool.count(of: known, in: state)
    if tool.keepsOneRow {
      let expected = [change.from].compactMap(\.self) + known.map(\.id)
      if let newest = state.applied.last, !expected.contains(newest) {
        progress.stranger = newest
      } else if change.from != nil, state.applied.isEmpty {
        progress.stranger = "nothing"
      }
    }
    return progress
  }

  private func apply(
    _ change: SchemaChange, _ call: StepCall, _ progress: inout Applied
  ) async throws -> StepResult {
    let began = clock.now
    let address = try DirectAddress(change.database, secrets)
    let session = try await LiveSession.open(address, of: change.database.key)
    do {
      try await session.stoppable {
        let tool = change.migrations.tool.tool
        try await MigrationLock(session: session, clock: clock).take(
          tool: tool.lock(session), until: call.deadline,
          waits: { call.report(.progress("waiting: \($0) changes this schema")) })
        try await MigrationLock(session: session, clock: clock).outwaitTools(
          until: call.deadline, waits: { call.report(.progress("waiting: \($0) changes this schema")) })
      }
      progress = try await read(change, session)
      try await check(change, progress, session)
      if change.migrations.tool.isExternal {
        do {
          try await runProgram(change, progress, call)
          try await change.migrations.tool.programTool?.finish(change, release: call.run.release, session)
        } catch {
          // Those before the one that failed are applied, and stay.
          let told = error
          progress = (try? await read(change, session)) ?? progress
          throw Self.told(told, change, progress)
        }
        progress = try await read(change, session)
      }
      let texts = try await texts(change, progress)
      while let next = progress.rest.first, !change.migrations.tool.isExternal {
        try Task.checkCancellation()
        guard let text = texts[next.path] else { continue }
        // Durable before it can take effect: who finds us dead knows where to look.
        try await call.identify(next.name)
        let place = "\(progress.count + 1) of \(change.pending.count)"
        call.report(.progress("\(next.name), \(place)"))
        let moment = clock.now
        try await apply(text, change, session, call)
        progress.count += 1
        progress.newest = next.id
        call.report(.log("\(next.name) applied in \((clock.now - moment).wholeMilliseconds) ms"))
      }
      let after = try await read(change, session)
      let tool = change.migrations.tool.tool
      guard after.rest.isEmpty, after.refusal == nil,
        !tool.keepsOneRow || after.newest == change.pending.last?.id
      else {
        throw Failure(
          .failed,
          "the ledger table of \(change.database.key) says \(after.newest ?? "nothing") afterwards, "
            + "and not \(change.pending.last?.id ?? "nothing")", place: change.place,
          hint: "somebody else writes to it: shipit migrate status \(call.run.environment)")
      }
      await session.close()
      return result(change, after, "in \((clock.now - began).wholeMilliseconds) ms")
    } catch {
      await session.close()
      throw error
    }
  }

  /// The project's own tool, under our lock: what it wrote is read afterwards like everything else.
  private func runProgram(_ change: SchemaChange, _ progress: Applied, _ call: StepCall) async throws {
    guard let last = progress.rest.last else { return }
    guard let program else {
      throw Failure(.internalError, "nobody runs \(change.migrations.tool.rawValue) here")
    }
    try await call.identify(last.name)
    call.report(
      .progress("\(change.migrations.tool.rawValue): \(progress.rest.map(\.name).joined(separator: ", "))"))
    try await program.upgrade(change, call, limit: max(.seconds(1), call.deadline - clock.now))
  }

  /// A program's failure with what it had applied before.
  private static func told(_ error: any Error, _ change: SchemaChange, _ progress: Applied) -> any Error {
    guard var failure = error as? Failure, !progress.applied.isEmpty else { return error }
    let names = progress.applied.map(\.name).joined(separator: ", ")
    failure.cause = [failure.cause, "applied, and they stay: \(names)"].compactMap(\.self)
      .joined(separator: "\n")
    return failure
  }

  private func check(_ change: SchemaChange, _ progress: Applied, _ session: LiveSession) async throws {
    if let refusal = progress.refusal { throw refusal }
    if let stranger = progress.stranger {
      throw Failure(
        .stale,
        "the schema of \(change.database.key) has moved since the plan was made: it is at \(stranger)",
        place: change.place, cause: "planned from \(change.from ?? "nothing")",
        hint: "somebody else migrates it; plan anew")
    }
    guard !progress.rest.isEmpty else { return }
    let preflight = Preflight(database: change.database.key, place: change.place, session: session)
    _ = try await preflight.checkWritable()
    if let refusal = try await preflight.invalidIndexes() { throw refusal }
    if let refusal = try await preflight.longTransaction(over: longTransaction) { throw refusal }
  }

  private func texts(
    _ change: SchemaChange, _ progress: Applied
  ) async throws(Failure) -> [String: MigrationText] {
    let read = try await files.texts(
      of: progress.rest.map(\.path), commit: change.commit, isDirty: change.isDirty)
    var texts: [String: MigrationText] = [:]
    for planned in progress.rest {
      guard let text = read[planned.path], digest(text) == planned.checksum else {
        throw Failure(
          .stale, "\(planned.path) is not what was planned", place: planned.path,
          cause: "it was changed, or the commit is no longer at hand", hint: "plan anew")
      }
      texts[planned.path] = MigrationText(
        file: MigrationFile(id: planned.id, name: planned.name),
        text: change.migrations.tool.tool.upText(text), checksum: planned.checksum,
        release: 0)
    }
    return texts
  }

  /// One file, again when another transaction was in its way.
  private func apply(
    _ migration: MigrationText, _ change: SchemaChange, _ session: LiveSession, _ call: StepCall
  ) async throws {
    let tool = change.migrations.tool.tool
    var migration = migration
    migration.release = call.run.release
    let text = migration
    for attempt in 1... {
      do {
        try await session.stoppable {
          try await tool.apply(text, limits: change.migrations, session)
        }
        return
      } catch let error as DatabaseError {
        // Outside of a transaction something of it may be there.
        guard error.isPassing, attempt < Self.attempts, TransactionUse(migration.script) == .none,
          !Task.isCancelled
        else { throw FileTrouble(migration: migration, error: error) }
        call.report(.progress("\(migration.file.name) again soon: \(error.words)"))
        try await clock.sleep(for: .milliseconds(Int(500.0 * Double(attempt) * (1 + random()))))
      }
    }
  }

  // MARK: Endings

  private func result(_ change: SchemaChange, _ progress: Applied, _ how: String?) -> StepResult {
    let count = progress.applied.count
    let what = count == 1 ? "1 migration applied" : "\(count) migrations applied"
    return StepResult(
      externalID: progress.applied.last?.name,
      summary: "\(what)\(how.map { " \($0)" } ?? ""), the schema is at \(progress.newest ?? "nothing")",
      facts: [
        StepFact.applied: progress.applied.map(\.name).joined(separator: "\n"),
        StepFact.schema: progress.newest ?? "",
      ])
  }

  private func ended(by error: any Error, _ change: SchemaChange, _ progress: Applied) -> Outcome {
    let moved = !progress.applied.isEmpty
    switch error {
    case is CancellationError: return .cancelled(moved: moved)
    case let failure as Failure:
      if failure.kind == .cancelled { return .cancelled(moved: moved) }
      return .failed(failure, moved: moved)
    case let trouble as FileTrouble:
      if Task.isCancelled, trouble.error.state == "57014" { return .cancelled(moved: moved) }
      let failure = trouble.failure(change, progress)
      if trouble.error.isLost { return .ambiguous(failure) }
      return .failed(failure, moved: moved || trouble.mayHaveMoved)
    case let error as DatabaseError:
      let failure = Failure.reaching(change.database.key, at: change.place, error)
      return error.isLost && moved ? .ambiguous(failure) : .failed(failure, moved: moved)
    default: return .failed(Failure.reaching(change.database.key, at: change.place, error), moved: moved)
    }
  }
}
