import Concurrency
import HTTP
import Interface
import Model
import Notifications
import Rollouts
import Runner
import Secrets

/// The receivers of one environment, wired for one command.
struct Notifying: Sendable {
  private let notifier: Notifier
  private let words: RunNotice
  private let clock: any TimeSource
  private let interruptedAt = Locked<Timestamp?>(nil)

  /// - Parameter patience: how long one source of secrets may take at most.
  /// - Throws: `Failure` when an address of the process environment is refused.
  init(
    _ environment: Model.Environment, root: String, variables: [String: String], clock: any TimeSource,
    redact: @escaping @Sendable (String) -> String, patience: Duration? = nil
  ) async throws(Failure) {
    self.clock = clock
    words = RunNotice(by: Session.user(variables), link: Notifying.link(variables))
    notifier = Notifier(
      try await Notifying.receivers(environment, root: root, variables, clock, patience), clock: clock,
      redact: redact,
      sent: SentMessages(path: "\(root)/.shipit/\(environment.name).notices.json"))
  }

  /// Every declared receiver, with what is missing.
  static func receivers(
    _ environment: Model.Environment, root: String, _ variables: [String: String], _ clock: any TimeSource,
    _ patience: Duration? = nil
  ) async throws(Failure) -> [DeclaredReceiver] {
    guard !environment.notify.isEmpty else { return [] }
    let names = environment.notify.flatMap { target in target.secrets.map(\.name) }
    let pool = await SecretPool.open(
      environment.secrets, wanting: Set(names),
      SecretAccess(root: root, process: variables, patience: patience))
    let secrets = SecretResolver(pool).available(environment)
    let parts = NoticeParts(
      http: HTTPClient(), clock: clock, slackURL: try Endpoints(variables).slack)
    return DeclaredReceiver.all(
      environment.notify, secrets: Dictionary(secrets) { first, _ in first }, parts: parts)
  }

  /// Where the job that runs this process can be read, in GitHub Actions.
  private static func link(_ variables: [String: String]) -> String? {
    guard let repository = variables["GITHUB_REPOSITORY"], let run = variables["GITHUB_RUN_ID"] else {
      return nil
    }
    return "\(variables["GITHUB_SERVER_URL"] ?? "https://github.com")/\(repository)/actions/runs/\(run)"
  }

  /// Hears what a run does. Never waits.
  func watch(_ event: RunEvent) {
    switch event.kind {
    // A copy that went well is nobody's news.
    case .started(_, let plan) where plan.kind == .backup || plan.kind == .provision: break
    case .started(let facts, let plan): notifier.tell(words.started(facts, plan))
    case .interrupted: interruptedAt.withLock { $0 = $0 ?? event.at }
    default: break
    }
  }

  /// What a process that was interrupted has until it is gone, with time to spare for its exit (DESIGN §6).
  private static let lastMoment = Duration.milliseconds(6100)

  /// Tells how it ended, and the end of earlier runs that nobody was told of.
  /// - Returns: a line about those who could not be told.
  func finish(_ ended: OperationResult, _ ledger: any Ledger) async -> String? {
    var notices: [Notice] = []
    if ended.run == nil, ended.exit == .waiting, let plan = ended.plan, let missing = ended.failure {
      notices.append(words.approval(plan, missing, at: clock.now))
    }
    if let run = ended.run, let result = ended.result, run.plan.kind != .backup || result.state != .released {
      notices.append(words.ended(run, result, at: clock.now))
    }
    var unknown: [RunID] = []
    for id in await notifier.untold where id != ended.run?.id {
      guard let record = try? await ledger.run(id) else {
        unknown.append(id)
        continue
      }
      if let result = record.result {
        notices.append(words.ended(record, result, at: record.endedAt ?? clock.now))
      }
    }
    if !unknown.isEmpty { await notifier.forget(unknown) }
    return await notifier.finish(notices, by: interruptedAt.withLock { $0 }.map { $0 + Notifying.lastMoment })
  }

  /// Tells what became of rollouts.
  func tell(_ results: [(before: RolloutRecord?, result: RolloutResult)]) async -> String? {
    let notices = results.compactMap { before, result in
      result.notice(after: before, by: words.by, link: words.link, at: clock.now)
    }
    return notices.isEmpty ? nil : await notifier.finish(notices)
  }

  /// Tells one thing that is no run.
  func tell(_ hold: Hold, _ environment: Model.Environment) async -> String? {
    await notifier.finish([words.held(hold, app: environment.app, environment: environment.name)])
  }
}
