import Concurrency
import Model

/// Runs the scripts of databases, each once for each content; indexes are told by what is there.
///
/// What was done is read from the database: a step that was begun and whose end is not known is looked at anew, and
/// performing it again does what is left.
struct ScriptPerformer: Sendable {
  let secrets: SecretValues
  let files: any MigrationFiles
  let clock: any TimeSource
  let digest: @Sendable (String) -> String

  func perform(_ run: ScriptRun, _ call: StepCall) async -> Outcome {
    do {
      let done = try await withSession(run, call) { session in
        try await ScriptRunner(session: session, files: files, digest: digest, clock: clock).run(run, call)
      }
      return .done(Self.result(done))
    } catch is CancellationError {
      return .cancelled(moved: false)
    } catch {
      if Task.isCancelled { return .cancelled(moved: false) }
      // An index changes nothing that old code could notice; a script is there wholly or not at all.
      return .failed(Failure.reaching(run.database.key, at: run.place, error), moved: false)
    }
  }

  func probe(_ run: ScriptRun, _ call: StepCall) async -> Finding {
    do {
      let rest = try await withSession(run, call) { session in
        var database = run.database
        database.scripts = run.scripts.map(\.script)
        return try await ScriptPlan(files: files, digest: digest).pending(
          database, session, commit: run.commit, isDirty: run.isDirty)
      }
      return rest.isEmpty ? .done(Self.result([])) : .absent
    } catch {
      return .unknown(Failure.reaching(run.database.key, at: run.place, error))
    }
  }

  private static func result(_ done: [String]) -> StepResult {
    StepResult(summary: done.isEmpty ? "everything is there" : done.joined(separator: ", "))
  }

  /// On a session with our lock: what a killed process left running has it until it ends.
  private func withSession<Value: Sendable>(
    _ run: ScriptRun, _ call: StepCall, _ work: @Sendable (LiveSession) async throws -> Value
  ) async throws -> Value {
    let address = try DirectAddress(run.database, secrets)
    let session = try await LiveSession.open(address, of: run.database.key)
    do {
      try await MigrationLock(session: session, clock: clock).take(
        tool: nil, until: call.deadline,
        waits: { call.report(.progress("waiting: \($0) changes this schema")) })
      let value = try await work(session)
      await session.close()
      return value
    } catch {
      await session.close()
      throw error
    }
  }
}
