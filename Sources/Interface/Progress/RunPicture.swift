package import Concurrency
package import Model

/// What is known of a run from its events: the one reading that every face of the progress shares.
package struct RunPicture: Sendable {
  /// Where one step stands.
  package enum Phase: Sendable, Hashable {
    case waiting
    case running
    case probing
    /// It will be tried again.
    case retrying(Failure)
    case done(StepResult)
    case failed(Failure)
    case stopped(Abandonment)
    /// It was cancelled, and perhaps moved something.
    case cancelled(moved: Bool)
    case unknown(Failure)

    var isOver: Bool {
      switch self {
      case .waiting, .running, .probing, .retrying: false
      case .done, .failed, .stopped, .cancelled, .unknown: true
      }
    }
  }

  package struct StepPicture: Sendable {
    package var step: Step
    package var phase = Phase.waiting
    package var attempt = 0
    package var beganAt: Timestamp?
    package var endedAt: Timestamp?
    /// What it does now, in its own words.
    package var progress: String?
    /// The newest log lines, oldest first, at most `RunPicture.kept`.
    package var log: [String] = []
    package var isUndo = false
  }

  /// How many log lines of each step are kept.
  package static let kept = 20

  package private(set) var facts: RunFacts?
  package private(set) var plan: Plan?
  package private(set) var steps: [StepID: StepPicture] = [:]
  /// Ids in the order of the plan, then of the undo.
  package private(set) var order: [StepID] = []
  package private(set) var fates: [ServiceName: ServiceFate] = [:]
  /// Services of which something was staged: nobody sees it until it is promoted.
  package private(set) var staged: Set<ServiceName> = []
  package private(set) var turn: (reason: TurnReason, failure: Failure?)?
  package private(set) var interruption: Interruption?
  package private(set) var result: RunResult?
  package private(set) var startedAt: Timestamp?
  package private(set) var lastAt: Timestamp?

  /// - Parameter plan: The plan, when it is known before the run tells it.
  package init(plan: Plan? = nil) {
    if let plan { take(plan) }
  }

  package var running: [StepPicture] {
    lines(
      of: order.compactMap { steps[$0] }.filter {
        ($0.beganAt != nil || $0.phase == .probing) && !$0.phase.isOver
      })
  }
  package var waiting: [StepPicture] {
    lines(
      of: order.compactMap { steps[$0] }.filter {
        $0.beganAt == nil && $0.phase == .waiting && (turn == nil || $0.isUndo)
      })
  }
  /// How many of the lines that people see are over, and how many there are.
  package var progress: (ended: Int, all: Int) {
    let shown = lines(of: order.compactMap { steps[$0] })
    return (shown.count { $0.phase.isOver }, shown.count)
  }

  package func title(of id: StepID) -> String { steps[id]?.step.title ?? id.rawValue }

  package mutating func handle(_ event: RunEvent) {
    switch event.kind {
    case .started(let facts, _), .resumed(let facts, _, _):
      // One command may make what is missing and then deploy: each is a run of its own.
      if let known = self.facts, known.id != facts.id { self = RunPicture() }
    default: break
    }
    if startedAt == nil { startedAt = event.at }
    lastAt = event.at
    switch event.kind {
    case .started(let facts, let plan):
      self.facts = facts
      take(plan)
    case .resumed(let facts, let plan, let finished):
      self.facts = facts
      take(plan)
      for id in finished {
        steps[id]?.phase = .done(StepResult(summary: "ended before"))
        moved(id, nil, event.at)
      }
    case .stepBegan(let step, let attempt):
      if case .deploy(let request) = step.action, request.cutOver == .staged {
        staged.insert(request.target.service)
      }
      add(step, isUndo: steps[step.id]?.isUndo ?? (turn != nil))
      change(step.id) {
        $0.phase = .running
        $0.attempt = attempt
        if $0.beganAt == nil { $0.beganAt = event.at }
      }
    case .stepProgress(let id, let text): change(id) { $0.progress = text }
    case .stepLog(let id, let text):
      change(id) {
        $0.log.append(text)
        if $0.log.count > Self.kept { $0.log.removeFirst($0.log.count - Self.kept) }
      }
    case .stepEnded(let id, let outcome): end(id, outcome, event.at)
    case .stepRetries(let id, let failure, _): change(id) { $0.phase = .retrying(failure) }
    case .stepProbing(let id): change(id) { $0.phase = .probing }
    case .stepProbed(let id, let finding): probed(id, finding, event.at)
    case .stepAbandoned(let id, let abandonment):
      settle(id, .stopped(abandonment), event.at)
      switch abandonment {
      case .cancelled: break
      case .tookEffect(let result), .tookEffectInPart(let result): moved(id, result, event.at)
      case .inFlight(let text): lose(id, text)
      }
    case .turned(let reason, let failure, let undo):
      turn = (reason, failure)
      for step in undo { add(step, isUndo: true) }
    case .interrupted(let interruption): self.interruption = interruption
    case .leaseWaits, .cancelAsked: break
    case .finished(let result): self.result = result
    }
  }

  private mutating func take(_ plan: Plan) {
    self.plan = plan
    for step in plan.steps { add(step, isUndo: false) }
    for service in plan.services where fates[service.service] == nil {
      fates[service.service] = .untouched
    }
  }

  private mutating func add(_ step: Step, isUndo: Bool) {
    guard steps[step.id] == nil else { return }
    steps[step.id] = StepPicture(step: step, isUndo: isUndo)
    order.append(step.id)
  }

  private mutating func change(_ id: StepID, _ body: (inout StepPicture) -> Void) {
    guard var picture = steps[id] else { return }
    body(&picture)
    steps[id] = picture
  }

  private mutating func settle(_ id: StepID, _ phase: Phase, _ at: Timestamp) {
    change(id) {
      $0.phase = phase
      $0.endedAt = at
    }
  }

  private mutating func end(_ id: StepID, _ outcome: Outcome, _ at: Timestamp) {
    switch outcome {
    case .done(let result):
      settle(id, .done(result), at)
      moved(id, result, at)
    case .failed(let failure, let moved):
      settle(id, .failed(failure), at)
      if moved { self.moved(id, nil, at) }
    case .retry(let failure, _): change(id) { $0.phase = .retrying(failure) }
    case .ambiguous: change(id) { $0.phase = .probing }
    case .unknowable(let failure):
      settle(id, .unknown(failure), at)
      lose(id, failure.message)
    case .waiting(let text):
      change(id) { $0.progress = text }
    case .cancelled(let moved):
      settle(id, .cancelled(moved: moved), at)
      if moved { self.moved(id, nil, at) }
    }
  }

  private mutating func probed(_ id: StepID, _ finding: Finding, _ at: Timestamp) {
    switch finding {
    case .absent: change(id) { ($0.phase, $0.progress) = (.running, "nothing came of it, so once more") }
    case .underWay:
      change(id) {
        ($0.phase, $0.progress) = (.running, "it is under way")
        // Begun by an earlier process: from here on it is watched.
        if $0.beganAt == nil { $0.beganAt = at }
      }
    case .done(let result):
      settle(id, .done(result), at)
      moved(id, result, at)
    case .failed(let failure, let moved):
      settle(id, .failed(failure), at)
      if moved { self.moved(id, nil, at) }
    case .unknown(let failure):
      settle(id, .unknown(failure), at)
      lose(id, failure.message)
    }
  }

  /// Follows what a step's effect means for its service.
  private mutating func moved(_ id: StepID, _ result: StepResult?, _ at: Timestamp) {
    guard let picture = steps[id], let service = picture.step.service else { return }
    switch picture.step.action {
    case .deploy(let request):
      // What is staged is seen by nobody yet.
      if request.cutOver != .staged { fates[service] = .moved(commit: request.commit, proof: .no) }
    case .promote(let promotion): fates[service] = .moved(commit: promotion.commit, proof: .no)
    case .restore(let restore):
      let isRollback = plan?.kind == .rollback && !picture.isUndo
      fates[service] =
        isRollback
        ? .moved(commit: restore.commit ?? "deployment \(restore.deployment)", proof: .no)
        : .putBack(commit: restore.commit, proof: .no)
    case .prove(let request), .soak(let request):
      // A step that ended before this process began tells no result: what it set out to prove holds.
      let proof = result == nil ? request.health.identity.proof : result?.proof
      guard let proof else { return }
      switch fates[service] {
      case .moved(let commit, _): fates[service] = .moved(commit: commit, proof: proof)
      case .putBack(let commit, _): fates[service] = .putBack(commit: commit, proof: proof)
      case .untouched, .affirmed: if picture.isUndo { fates[service] = .affirmed(proof) }
      case .unknown, nil: break
      }
    case .settings, .variables, .buildImage, .command, .check, .migrate, .scripts, .backup, .restoreDatabase,
      .actionsSecrets, .create:
      break
    }
  }

  private mutating func lose(_ id: StepID, _ why: String) {
    guard let step = steps[id]?.step, let service = step.service else { return }
    switch step.action {
    case .deploy(let request):
      if request.cutOver != .staged { fates[service] = .unknown(why) }
    case .promote, .restore: fates[service] = .unknown(why)
    case .settings, .variables, .buildImage, .prove, .soak, .command, .check, .migrate, .scripts, .backup,
      .restoreDatabase, .actionsSecrets, .create:
      break
    }
  }
}

extension Identity {
  /// What a proof by this identity shows when it ends well.
  var proof: Proof {
    switch self {
    case .json, .header, .text, .vercel, .encore: .served
    case .platform: .platform
    case .none: .no
    }
  }
}

/// What became of a service in a run.
package enum ServiceFate: Sendable, Hashable {
  /// What was live before was not moved.
  case untouched
  /// Not moved, and the run proved that the previous one still answers.
  case affirmed(Proof)
  case moved(commit: String, proof: Proof)
  /// Moved and taken back.
  case putBack(commit: String?, proof: Proof)
  case unknown(String)
}
