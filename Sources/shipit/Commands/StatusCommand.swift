import Concurrency
import Engine
import Interface
import Model
import Runner
import Terminal

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

enum StatusCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    let console = Console(invocation, environment: processEnvironment())
    return await EnvironmentCommand.guarded(console) {
      for name in try names(invocation) {
        let subject = try await Recorded.subject(invocation, name, console)
        try await show(subject, console, isOffline: invocation.has("offline"))
      }
      return .done
    }
  }

  /// The one that was named, else all that have a file here, else all that have a ledger here.
  private static func names(_ invocation: Invocation) throws(Failure) -> [String] {
    if let name = invocation.positional(0) { return [name] }
    if let home = Project.home(try Project.candidates(invocation)) {
      let names = Project(root: home).environments
      if !names.isEmpty { return names }
    }
    let recorded = try Recorded.names(invocation)
    if recorded.isEmpty { return try Project(invocation).environments }
    return recorded
  }

  private static func show(_ subject: Subject, _ console: Console, isOffline: Bool) async throws(Failure) {
    let environment = subject.environment
    let clock = Session.clock
    let ledger = try await Session.ledger(subject.project, environment, clock)
    let runs = try await ledger.runs(limit: 20)
    let open = runs.first { $0.result == nil }
    var journal: [JournalEntry] = []
    if let open { journal = try await ledger.journal(of: open.id) }
    var report = StatusReport(
      app: environment.app, environment: environment.name, now: clock.now,
      releases: try await ledger.recentReleases(), runs: runs, journal: journal,
      lease: try await ledger.holder(), hold: try await ledger.hold(), bad: try await ledger.badCommits(),
      overrides: try Endpoints(processEnvironment()).overrides, declared: environment.services,
      approvals: try await approvals(environment, ledger, runs, clock.now))
    report.isOffline = isOffline
    report.record = subject.record
    report.notes += Session.rotationNotes(environment, try await ledger.recentReleases(), now: clock.now)
    if environment.rollouts?.isEmpty == false {
      report.notes += try await ledger.rollouts().compactMap(\.note)
    }
    if !isOffline { report = await filled(report, subject, console) }
    console.result(report)
  }

  /// Plans that somebody was asked to approve and that no run has carried out; of each commit the newest.
  private static func approvals(
    _ environment: Model.Environment, _ ledger: any Ledger, _ runs: [RunRecord], _ now: Timestamp
  ) async throws(Failure) -> [StatusReport.ApprovalLine] {
    guard let rule = environment.protect.approval else { return [] }
    let decisions = try await ledger.decisions(limit: 100)
    let carriedOut = Set(runs.map(\.plan.digest))
    var seen: Set<String> = []
    var lines: [StatusReport.ApprovalLine] = []
    for wanted in decisions where wanted.kind == .approvalWanted {
      guard let digest = wanted.digest, let commit = wanted.commit, seen.insert(commit).inserted,
        !carriedOut.contains(digest), wanted.expires.map({ $0 > now }) ?? true
      else { continue }
      let state = ApprovalDecision(
        rule, decisions: decisions, digest: digest, commit: commit, deployer: Person(asking: wanted), now: now
      )
      lines.append(StatusReport.ApprovalLine(wanted, missing: state.missing, words: state.words))
    }
    return Array(lines.prefix(3))
  }

  /// The ledger's answer with the live columns, as far as platforms answer. The ledger's part is shown at once
  /// and stands even when no token is at hand or a platform is silent.
  private static func filled(_ first: StatusReport, _ subject: Subject, _ console: Console) async
    -> StatusReport
  {
    var report = first
    let environment = subject.environment
    let names = Set(environment.services.map(\.platform)).sorted { $0.rawValue < $1.rawValue }
    let session: Session
    do throws(Failure) {
      session = try await Session(
        subject.project, environment, console, needsVariables: false, isPartial: true)
    } catch {
      for name in names { report.fail(name, error) }
      return report
    }
    let preview = StatusPreview(console, clock: session.clock)
    // Nothing has to be tidied up but the cursor, which is hidden while lines are redrawn.
    let interrupter = Interrupter()
    interrupter.onCancel {
      if console.isInteractive { console.raw(LiveBlock.showCursor) }
      _exit(interrupter.interruption?.exitCode.rawValue ?? ExitCode.interrupted.rawValue)
    }
    let signals = Signals(interrupter, onLeave: {})
    defer { withExtendedLifetime(signals) {} }
    await preview.show(report)
    await withTaskGroup(of: (PlatformName, Result<Told, Failure>).self) { group in
      for name in names {
        group.addTask { (name, await ask(name, session, environment)) }
      }
      for await (name, answer) in group {
        switch answer {
        case .success(let told):
          report.fill(told.states)
          report.notes += told.rivals
        case .failure(let failure): report.fail(name, failure)
        }
        await preview.show(report)
      }
    }
    await preview.end()
    report.end()
    return report
  }

  /// How long a platform may take; then its rows say that it did not answer.
  private static let patience = Duration.seconds(20)

  /// What a platform tells.
  private struct Told: Sendable {
    var states: [ServiceName: LiveState]
    /// Who else deploys there, as far as it could be found out.
    var rivals: [String]
  }

  /// Beside what is live, and never in its way: what is not told within a moment is left out.
  private static func rivals(
    _ platform: any Platform, _ environment: Model.Environment, _ session: Session
  ) async -> [String] {
    await withTaskGroup(of: [String].self) { group in
      group.addTask { (try? await platform.rivals(environment)) ?? [] }
      group.addTask {
        try? await session.clock.sleep(for: .seconds(5))
        return []
      }
      let first = await group.next() ?? []
      group.cancelAll()
      return first
    }
  }

  private static func ask(
    _ name: PlatformName, _ session: Session, _ environment: Model.Environment
  ) async -> Result<Told, Failure> {
    let platform: any Platform
    do throws(Failure) { platform = try session.platform(name) } catch { return .failure(error) }
    return await withTaskGroup(of: Result<Told, Failure>?.self) { group in
      group.addTask {
        async let rivals = Self.rivals(platform, environment, session)
        do throws(Failure) {
          let states = try await platform.live(environment)
          return .success(Told(states: states, rivals: await rivals))
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        guard (try? await session.clock.sleep(for: patience)) != nil else { return nil }
        return .failure(Failure(.timeout, "\(name.title) did not answer within \(patience.words)"))
      }
      let first = await group.next().flatMap(\.self)
      group.cancelAll()
      return first ?? .failure(Failure(.cancelled, "stopped while \(name.title) was asked"))
    }
  }
}

/// What the ledger knows, shown while platforms are asked: redrawn in place on a terminal, elsewhere said once
/// when they take longer than a moment.
private actor StatusPreview {
  private let console: Console
  private let clock: any TimeSource
  private var block = LiveBlock()
  private var report: StatusReport?
  private var reminder: Task<Void, Never>?

  init(_ console: Console, clock: any TimeSource) {
    self.console = console
    self.clock = clock
  }

  func show(_ report: StatusReport) {
    self.report = report
    guard !console.isQuiet, !console.wantsJSON else { return }
    if console.isInteractive {
      let size = TerminalSize.of(2) ?? TerminalSize(columns: 80, rows: 24)
      console.raw(block.render(live: report.text(console.noteCanvas), rows: size.rows))
    } else if reminder == nil {
      let clock = clock
      reminder = Task {
        guard (try? await clock.sleep(for: .milliseconds(700))) != nil else { return }
        self.remind()
      }
    }
  }

  private func remind() {
    guard let report else { return }
    let lines = report.text(console.noteCanvas)
    console.note(Array(lines.prefix { !$0.isEmpty }) + ["asking the platforms what is live"])
  }

  func end() {
    reminder?.cancel()
    guard console.isInteractive, !console.isQuiet, !console.wantsJSON else { return }
    console.raw(block.finish())
  }
}
