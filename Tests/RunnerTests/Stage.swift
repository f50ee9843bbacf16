import Concurrency
import Engine
import Ledgers
import Model
import Runner
import TestSupport

/// An environment with two services under virtual time, and the operations on it.
struct Stage: Sendable {
  static let commits = ["c0", "c1", "c2", "c3"].map { String(repeating: $0, count: 20) }
  static let secret = "hunter2-hunter2"

  let clock: VirtualClock
  let spawn: Spawner
  let ledger: ScriptedLedger
  let platform: ScriptedPlatform
  let interrupter = Interrupter()
  let history: ScriptedHistory
  private(set) var environment: Environment
  let events = Locked<[RunEvent]>([])
  /// Who acts.
  var by = "ann@laptop"
  /// Where the rules of `protect` get their facts from.
  var sources = PolicySources()
  /// What this machine sees of the ledger, when it is not the ledger itself.
  var view: (any Ledger)?

  init(
    _ clock: VirtualClock, _ spawn: Spawner, protect: Protection = Protection(),
    timing: LeaseTiming = LeaseTiming()
  ) {
    self.clock = clock
    self.spawn = spawn
    ledger = ScriptedLedger(MemoryLedger(environment: "prod", time: clock, timing: timing))
    var script = ScriptedPlatform.Script()
    for name in ["api", "web"] as [ServiceName] {
      script.commits[name] = Stage.commits[0]
      script.deployments[name] = "first-\(name)"
    }
    platform = ScriptedPlatform(script, clock: clock, spawn: spawn)
    history = ScriptedHistory()
    let health = Health(soak: .zero)
    environment = Environment(
      name: "prod", app: "shop", protect: protect,
      services: [
        Service(key: "api", source: .directory(path: "backend", root: nil, include: []), health: health),
        Service(key: "web", source: .repository("shop/web"), needs: ["api"], health: health),
      ])
  }

  private init(_ other: Stage, interrupter: Interrupter) {
    (clock, spawn, ledger, platform) = (other.clock, other.spawn, other.ledger, other.platform)
    (history, environment) = (other.history, other.environment)
    (by, sources) = (other.by, other.sources)
  }

  /// The next process on the same environment.
  func next() -> Stage { Stage(self, interrupter: Interrupter()) }

  /// The next process, after the file was changed.
  func with(_ change: (inout Environment) -> Void) -> Stage {
    var stage = next()
    change(&stage.environment)
    return stage
  }

  var context: OperationContext {
    OperationContext(
      ledger: view ?? ledger,
      performers: Performers(platforms: [.railway: platform], probing: platform, commands: platform),
      surroundings: RunSurroundings(
        clock: clock, spawn: spawn, random: { 0 },
        redact: { text in
          text.split(separator: Stage.secret, omittingEmptySubsequences: false).joined(separator: "•••")
        },
        watch: { event in events.withLock { $0.append(event) } }),
      by: by,
      holder: Holder(name: by, purpose: "deploy", process: 1, nonce: "\(by) \(clock.now)"),
      digest: { $0 }, interrupter: interrupter, policy: sources)
  }

  var planning: Planning {
    Planning(
      environment: environment, ledger: view ?? ledger, platforms: [.railway: platform],
      secrets: SecretValues(),
      history: history, digest: { $0 })
  }

  func deploy(_ commit: Int = 1, isDirty: Bool = false, allowsOlder: Bool = false, again: Bool = false) async
    -> OperationResult
  {
    let request = DeployRequest(
      revision: Revision(commit: Stage.commits[commit], subject: "change", author: "ann"), isDirty: isDirty,
      allowsOlder: allowsOlder, again: again)
    return await DeployOperation(context, planning: planning, request: request).run { _ in true }
  }

  /// A deploy with everything that can be said of it.
  func deploy(
    _ request: DeployRequest, agree: @Sendable (Plan) async -> Bool = { _ in true },
    approve: (@Sendable (Plan, String) async -> Bool)? = nil
  ) async -> OperationResult {
    await DeployOperation(context, planning: planning, request: request).run(agree: agree, approve: approve)
  }

  static func request(
    _ commit: Int = 1, overrides: PolicyOverrides = PolicyOverrides(), isDirty: Bool = false,
    saved: SavedPlan? = nil
  ) -> DeployRequest {
    DeployRequest(
      revision: Revision(commit: commits[commit], subject: "change", author: "ann"), isDirty: isDirty,
      overrides: overrides, saved: saved)
  }

  func rollback(to: Int? = nil) async -> OperationResult {
    let request = RollbackRequest(to: to, reason: "errors")
    return await RollbackOperation(context, planning: planning, request: request).run { _ in true }
  }

  func settle(within limit: Duration = .seconds(600)) async -> Settlement {
    await SettleOperation(context, limit: limit).run()
  }

  /// Bo asks from elsewhere for whoever is at work to stop.
  func cancel(within limit: Duration? = nil) async throws -> Cancellation {
    try await CancelOperation(
      ledger, clock: clock,
      request: CancelRequest(by: "bo@phone", reason: "wrong \(Stage.secret) branch", at: clock.now),
      limit: limit
    ).run()
  }

  /// Starts an operation beside the test, as the command line does, so that it can be interrupted.
  func started(_ operation: @escaping @Sendable () async -> OperationResult) -> Locked<OperationResult?> {
    let box = Locked<OperationResult?>(nil)
    let task = spawn {
      let result = await operation()
      box.withLock { $0 = result }
    }
    interrupter.onCancel { task.cancel() }
    return box
  }

  /// Waits, in virtual time, until something holds.
  func until(_ limit: Duration = .seconds(600), _ condition: @Sendable () async -> Bool) async throws {
    let end = clock.now + limit
    while await !condition() {
      guard clock.now < end else { throw Failure(.timeout, "it never came to that") }
      try await clock.sleep(for: .milliseconds(100))
    }
  }

  /// Waits for an operation that was started.
  func end(of box: Locked<OperationResult?>, within limit: Duration = .seconds(600)) async throws
    -> OperationResult
  {
    try await until(limit) { box.withLock { $0 != nil } }
    guard let result = box.withLock({ $0 }) else { throw Failure(.timeout, "it never ended") }
    return result
  }

  var commits: [ServiceName: String] { platform.script.withLock { $0.commits } }
  var text: String { events.withLock { events in events.map { "\($0)" }.joined(separator: "\n") } }
}

/// Commits in a line, the later number the newer; `diverged` stand beside it.
final class ScriptedHistory: RevisionHistory {
  let diverged = Locked<Set<String>>([])
  let changed = Locked<[String]>([])
  let branch = Locked<Set<String>>([])
  let missing = Locked<Set<String>>([])

  func resolve(_ revision: String) async throws(Failure) -> Revision {
    Revision(commit: revision, subject: "", author: "")
  }

  func relation(of commit: String, to other: String) async throws(Failure) -> CommitRelation {
    if commit == other { return .same }
    if diverged.withLock({ $0.contains(commit) || $0.contains(other) }) { return .diverged }
    return commit < other ? .ancestor : .descendant
  }

  func isCommit(_ commit: String, onBranch name: String) async throws(Failure) -> Bool {
    branch.withLock { $0.contains(commit) }
  }

  func changedFiles(under paths: [String]) async throws(Failure) -> [String] {
    changed.withLock { files in files.filter { file in paths.contains { file.hasPrefix($0) } } }
  }

  func missingDirectories(of paths: [String], in commit: String) async throws(Failure) -> [String] {
    missing.withLock { missing in paths.filter(missing.contains) }
  }
}
