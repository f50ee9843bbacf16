import Concurrency
package import Model

/// What `why` says about a run: how it ended, which step failed and why, its last log lines, and what happened when.
package struct WhyReport: Report {
  package static let kind = "why"

  package struct Event: Codable, Sendable, Hashable {
    package enum Tone: String, Codable, Sendable, Hashable { case plain, good, bad, warning }
    /// Since the run began.
    package var after: Seconds
    package var text: String
    package var tone: Tone
  }

  package struct Exposure: Codable, Sendable, Hashable {
    package var service: ServiceName
    package var commit: String
    package var lasted: Seconds
  }

  package var app: String
  package var environment: String
  package var run: RunID
  package var release: Int
  package var action: Plan.Kind
  package var commit: String
  package var subject: String
  package var by: String
  package var startedAt: Moment
  /// Approvals, overrides and lifted holds that it relied upon.
  package var decisions: [Decision]
  package var took: Seconds?
  /// Nil while it is open.
  package var state: RunResult.State?
  package var exit: ExitCode?
  package var failedStep: StepID?
  package var failedTitle: String?
  package var failure: Failure?
  package var rollbackFailure: Failure?
  /// The failed step's last log lines.
  package var log: [String]
  package var timeline: [Event]
  package var exposure: [Exposure]
  /// Services of which something was staged and never promoted: nobody saw it.
  package var unseen: [ServiceName]
  package var unattended: [String]
  /// What somebody else put live meanwhile, by service; nil: nothing.
  package var foreign: [ServiceName: ForeignDeployment]?
  /// The release that is live after it, as far as the ledger knows.
  package var live: ReleaseHead?
  package var next: String

  /// - Parameters:
  ///   - journal: The run's, in order.
  ///   - live: The newest good release.
  package init(_ record: RunRecord, journal: [JournalEntry], live: Release?) {
    app = record.plan.app
    environment = record.plan.environment
    run = record.id
    release = record.release
    action = record.plan.kind
    commit = record.plan.commit
    subject = record.plan.subject
    by = record.by
    startedAt = Moment(record.startedAt)
    decisions = record.plan.decisions ?? []
    took = record.endedAt.map { Seconds($0 - record.startedAt) }
    state = record.result?.state
    exit = record.result?.exit
    var reading = JournalReading(record)
    for entry in journal { reading.read(entry) }
    let failed = record.result?.failedStep ?? reading.firstFailed
    failedStep = failed
    failedTitle = failed.map(reading.title)
    failure = record.result?.failure ?? reading.failure
    rollbackFailure = record.result?.rollbackFailure
    log = failed.flatMap { reading.log[$0] } ?? []
    timeline = reading.timeline
    exposure = (record.result?.exposure ?? [:]).sorted { $0.key < $1.key }.map {
      Exposure(service: $0.key, commit: record.plan.commit, lasted: Seconds(.milliseconds($0.value)))
    }
    unseen = record.result == nil ? [] : reading.unseen
    unattended = (record.result?.unattended ?? []).map(reading.title)
    foreign = record.result?.foreign
    self.live = live.map(ReleaseHead.init)
    next = WhyReport.advice(record, failed.flatMap { reading.steps[$0] }, rollbackFailure ?? failure)
  }

  private static func advice(_ record: RunRecord, _ failed: Step?, _ failure: Failure?) -> String {
    let environment = record.plan.environment
    guard let state = record.result?.state else { return NextCommand.status(environment) }
    if state == .inFlight { return NextCommand.status(environment) }
    if let hint = failure?.hint { return hint }
    switch state {
    case .released, .restored, .abandoned, .inFlight: return NextCommand.status(environment)
    case .rolledBack, .unchanged:
      if let service = failed?.service { return NextCommand.logs(environment, service) }
      return NextCommand.plan(environment)
    case .mixed: return "\(NextCommand.status(environment)), then \(NextCommand.rollback(environment))"
    }
  }
}

/// Reads a journal into a timeline.
private struct JournalReading {
  let record: RunRecord
  var steps: [StepID: Step] = [:]
  var timeline: [WhyReport.Event] = []
  var log: [StepID: [String]] = [:]
  var began: [StepID: Timestamp] = [:]
  var firstFailed: StepID?
  var failure: Failure?

  init(_ record: RunRecord) {
    self.record = record
    for step in record.plan.steps { steps[step.id] = step }
  }

  func title(_ id: StepID) -> String { steps[id]?.title ?? id.rawValue }

  /// Services of which something was staged whose promotion was not begun, in the plan's order.
  var unseen: [ServiceName] {
    record.plan.services.map(\.service).filter { service in
      record.plan.steps.contains { step in
        guard step.service == service, case .deploy(let request) = step.action else { return false }
        return request.cutOver == .staged && began[step.id] != nil
      }
        && !record.plan.steps.contains { step in
          guard step.service == service, case .promote = step.action else { return false }
          return began[step.id] != nil
        }
    }
  }

  /// What failed before its promotion was seen by nobody.
  private func unseenWords(_ id: StepID, moved: Bool) -> String {
    guard !moved, let step = steps[id] else { return "" }
    switch step.action {
    case .deploy(let request) where request.cutOver == .staged: return ", seen by nobody"
    case .prove(let request) where request.isDark: return ", seen by nobody"
    default: return ""
    }
  }

  mutating func read(_ entry: JournalEntry) {
    func add(_ text: String, _ tone: WhyReport.Event.Tone = .plain) {
      timeline.append(
        WhyReport.Event(after: Seconds(entry.at - record.startedAt), text: text, tone: tone))
    }
    func took(_ id: StepID) -> String { began[id].map { " after \((entry.at - $0).words)" } ?? "" }
    switch entry.fact {
    case .began(let id, let attempt, _):
      began[id] = entry.at
      add("begin \(title(id))" + (attempt > 1 ? ", attempt \(attempt)" : ""))
    case .identified(let id, let external): add("\(title(id)) is \(external)")
    case .ended(let id, _, let outcome):
      switch outcome {
      case .done(let result):
        add("done \(title(id))\(took(id))" + (result.summary.isEmpty ? "" : ": \(result.summary)"), .good)
      case .failed(let failure, let moved):
        if firstFailed == nil {
          firstFailed = id
          self.failure = failure
        }
        add(
          "FAILED \(title(id))\(took(id))\(moved ? ", after it took effect" : unseenWords(id, moved: moved)): \(failure.message)",
          .bad)
      case .retry(let failure, _): add("again \(title(id)): \(failure.message)", .warning)
      case .ambiguous(let failure): add("unclear \(title(id)): \(failure.message)", .warning)
      case .unknowable(let failure):
        if firstFailed == nil {
          firstFailed = id
          self.failure = failure
        }
        add("not known \(title(id)): \(failure.message)", .bad)
      case .waiting(let text): add("waits for a person \(title(id)): \(text)", .warning)
      case .cancelled(let moved):
        add("cancelled \(title(id))\(moved ? ", after it took effect" : "")", .warning)
      }
    case .probed(let id, let finding):
      switch finding {
      case .absent: add("probe \(title(id)): no effect")
      case .underWay(let external): add("probe \(title(id)): under way as \(external)")
      case .done: add("probe \(title(id)): done", .good)
      case .failed(let failure, _): add("probe \(title(id)): failed: \(failure.message)", .bad)
      case .unknown(let failure): add("probe \(title(id)): not known: \(failure.message)", .bad)
      }
    case .abandoned(let id, let abandonment):
      switch abandonment {
      case .cancelled: add("gave up \(title(id)): nothing of it is live", .warning)
      case .tookEffect: add("gave up \(title(id)): it had taken effect", .warning)
      case .tookEffectInPart(let result):
        add("gave up \(title(id)): \(result.summary)", .warning)
      case .inFlight(let text): add("left \(title(id)) in flight: \(text)", .bad)
      }
    case .turned(let reason, _, let undo):
      for step in undo { steps[step.id] = step }
      let what = undo.isEmpty ? "nothing to put back" : "then: \(list(undo.map(\.title)))"
      add("turned back (\(reason.rawValue)), \(what)", .warning)
    case .interrupted(let interruption): add("interrupted (\(interruption.rawValue))", .warning)
    case .cancelAsked(let request): add("\(request.by) asked to cancel: \(request.reason)", .warning)
    case .lines(let id, let lines): log[id] = lines
    case .resumed(let holder): add("taken over by \(holder)", .warning)
    case .finished(let result):
      add("end: \(result.state.words), exit \(result.exit.rawValue)", result.exit == .done ? .good : .bad)
    }
  }
}
