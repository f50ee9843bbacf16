import Concurrency
import Engine
import Ledgers
import Model

/// One call of a performer that has not answered yet.
struct SimulationCall {
  enum Stage { case triggering, identifying, watching }
  var number: Int
  var step: Step
  var attempt: Int
  var deadline: Timestamp
  var externalID: String?
  var stage: Stage
  var startedAt: Timestamp
}

/// Performers as truthful as adapters have to be, in a world that is not kind.
extension Simulation {
  func start(_ step: Step, _ attempt: Int, _ externalID: String?, _ deadline: Timestamp) {
    let number = Int(random.next() >> 8)
    if step.isMigration { current.migrated = true }
    calls[step.id] = SimulationCall(
      number: number, step: step, attempt: attempt, deadline: deadline, externalID: externalID,
      stage: externalID == nil || step.isMigration ? .triggering : .watching, startedAt: clock)
    later(milliseconds(100...2000), .call(number))
  }

  func goOn(_ number: Int) throws(Violation) {
    guard let call = calls.values.first(where: { $0.number == number }) else { return }
    if call.stage == .triggering, !call.step.isProof, !mayAct {
      // Asked for just before it would be sent: the begin may lie long ago, the machine may have slept since.
      return try end(call, .retry(Make.failure(.leaseHeld, "the lease was not renewed in time"), after: nil))
    }
    switch call.step.action {
    case .deploy, .restore:
      if call.stage == .watching { try watch(call) } else { try trigger(call) }
    case .promote(let promotion):
      if call.stage == .watching { try watchPromotion(call) } else { try promote(promotion, call) }
    case .variables(let write):
      if fault() { return try fail(call) }
      takeEffect(call.step)
      try end(call, .done(StepResult(externalID: nil, summary: write.target.name)))
    case .prove(let request), .soak(let request):
      let site = world.sites[request.target.service]
      if fault(2) { return try end(call, .retry(Make.failure(.failed, "no answer"), after: nil)) }
      let answers =
        request.isDark ? request.deploymentStep.flatMap { world.object(of: $0) }?.commit : site?.commit
      let isRight = request.commit == nil || answers == request.commit
      if isRight && !fault(2) {
        try end(call, .done(StepResult(proof: .served)))
      } else {
        try end(call, .failed(Make.failure(.failed, "wrong answer"), moved: false))
      }
    case .migrate, .scripts, .backup: try database(call)
    case .command, .check, .settings, .buildImage, .restoreDatabase, .actionsSecrets, .create:
      if fault(2) { return try end(call, .failed(Make.failure(), moved: false)) }
      try end(call, .done(StepResult()))
    }
  }

  /// What a request does that goes wrong.
  func fail(_ call: SimulationCall) throws(Violation) {
    switch random.number(0...7) {
    case 0, 1:
      try end(call, .retry(Make.failure(.failed, "429"), after: random.chance(500) ? .seconds(3) : nil))
    case 2: try end(call, .ambiguous(Make.failure(.unknown, "connection lost")))
    case 3, 4:
      takeEffect(call.step)
      try end(call, .ambiguous(Make.failure(.unknown, "connection lost")))
    case 5: try end(call, .failed(Make.failure(.authentication, "token refused"), moved: false))
    case 6: try end(call, .waiting("approve it"))
    default: break  // It never answers.
    }
  }

  private func trigger(_ call: SimulationCall) throws(Violation) {
    if case .deploy(let request) = call.step.action {
      let service = request.target.service
      if fault(6) { world.intrude(service) }
      if world.sites[service]?.isForeign ?? false {
        return try end(call, .failed(Make.failure(.stale, "a foreign deployment"), moved: false))
      }
    }
    if case .restore(let restore) = call.step.action, scenario.isGone(restore.target.service) {
      return try end(call, .failed(Make.failure(.failed, "the old image is gone"), moved: false))
    }
    if case .restore(let restore) = call.step.action, world.isPromoting(restore.target.service) {
      // One job at a time: it is waited for, as long as the limit allows.
      guard clock < call.deadline else {
        return try end(call, .failed(Make.failure(.timeout, "another job is under way"), moved: false))
      }
      return later(.seconds(2), .call(call.number))
    }
    if fault() { return try fail(call) }
    guard let id = takeEffect(call.step) else {
      throw Violation(
        .finishedOnce, "\(call.step.id) was deployed a second time though the first had its effect")
    }
    var waiting = call
    waiting.stage = .identifying
    waiting.externalID = id
    calls[call.step.id] = waiting
    try deliver(.identified(call.step.id, externalID: id))
  }

  private func watch(_ call: SimulationCall) throws(Violation) {
    guard let object = call.externalID.flatMap({ world.object($0) }) else {
      return try end(call, .failed(Make.failure(.failed, "it is gone"), moved: false))
    }
    if fault(8) {
      let failure = Make.failure(.unknown, "cannot be read")
      return try end(call, random.chance(500) ? .ambiguous(failure) : .unknowable(failure))
    }
    switch object.status {
    case .building:
      guard clock < call.deadline else {
        world.cancel(object.id)
        return try end(call, .failed(Make.failure(.timeout, "not live in time"), moved: false))
      }
      later(clock - call.startedAt > .seconds(90) ? .seconds(60) : .seconds(5), .call(call.number))
    case .live, .staged: try end(call, .done(result(object)))
    case .failed: try end(call, .failed(Make.failure(.failed, "build failed"), moved: object.hasStopped))
    case .retired, .cancelled:
      try end(call, .failed(Make.failure(.failed, "replaced"), moved: object.wasLive))
    }
  }

  func end(_ call: SimulationCall, _ outcome: Outcome) throws(Violation) {
    calls[call.step.id] = nil
    current.judge.answered(call.step.id, outcome)
    try deliver(.ended(call.step.id, attempt: call.attempt, outcome))
  }

  func result(_ object: SimulationWorld.Object) -> StepResult {
    StepResult(externalID: object.id, liveSince: clock)
  }

  /// The effect of a request that has reached the platform.
  @discardableResult func takeEffect(_ step: Step) -> String? {
    let made: String?
    if !step.isProof, ledger.state.fence != current.held.lease.fence {
      world.breakPromise(
        .oneHolder,
        "\(step.id) takes effect under fence \(current.held.lease.fence), \(ledger.state.fence) was given out"
      )
    }
    switch step.action {
    case .variables(let write):
      world.sites[write.target.service]?.stored = SimulationWorld.text(write)
      return nil
    case .promote(let promotion): return accept(promotion, step)
    case .deploy(let request):
      let service = request.target.service
      let isStaged = request.cutOver == .staged
      // Now and then a build is of something else, as from a stale cache; only a proof finds out.
      made = world.trigger(
        step.id, service, commit: isStaged && fault(5) ? "stale" : request.commit,
        variables: world.sites[service]?.stored ?? "", isStaged: isStaged,
        isStopFirst: request.cutOver == .stopFirst)
    case .restore(let restore):
      let service = restore.target.service
      made = world.trigger(
        step.id, service, commit: restore.commit ?? "",
        variables: restore.mode == .redeploy ? world.sites[service]?.stored ?? "" : "old")
    default: return nil
    }
    guard let id = made else { return nil }
    // Rarely one hangs for ever in the platform's queue, or takes a quarter of an hour.
    guard !fault(10) else { return id }
    let time = fault(8) ? milliseconds(300_000...1_200_000) : milliseconds(1000...60_000)
    let ending: SimulationWorld.Ending = fault(4) ? (fault(1) ? .failsStopped : .fails) : .live
    laterInWorld(time, .settles(id, ending))
    return id
  }

  // MARK: Probing and giving up

  /// What a probe finds.
  func find(_ step: Step) -> Finding {
    if fault(2) { return .unknown(Make.failure(.unknown, "cannot be read")) }
    switch step.action {
    case .deploy, .restore:
      guard let object = world.object(of: step.id) else { return .absent }
      switch object.status {
      case .building: return .underWay(externalID: object.id)
      case .live, .staged: return .done(result(object))
      case .failed: return .failed(Make.failure(.failed, "build failed"), moved: object.hasStopped)
      case .cancelled: return .absent
      case .retired: return .failed(Make.failure(.stale, "replaced by somebody"), moved: object.wasLive)
      }
    case .variables(let write):
      let isStored = world.sites[write.target.service]?.stored == SimulationWorld.text(write)
      return isStored ? .done(StepResult()) : .absent
    case .command(let command):
      return command.repeatable ? .absent : .unknown(Make.failure(.unknown, "nobody saw it end"))
    case .promote(let promotion): return findPromotion(promotion)
    case .migrate, .scripts, .backup: return findDatabase(step)
    case .settings, .prove, .soak, .check, .buildImage, .restoreDatabase, .actionsSecrets, .create:
      return .absent
    }
  }

  func abandon(_ step: Step) {
    let call = calls.removeValue(forKey: step.id)
    if call?.stage == .triggering, mayAct, fault() { takeEffect(step) }
    abandonDatabase(step, call)
    // Rarely the platform never answers.
    if !fault(4) { later(milliseconds(50...2500), .abandonAnswers(step)) }
  }

  /// What became of a step that was asked to stop.
  func becameOf(_ step: Step) -> Abandonment {
    switch step.action {
    case .deploy, .restore:
      guard let object = world.object(of: step.id) else { return .cancelled }
      switch object.status {
      case .building:
        if !mayAct || fault() { return .inFlight("it does not stop") }
        world.cancel(object.id)
        return .cancelled
      case .live, .staged: return .tookEffect(result(object))
      case .failed, .cancelled, .retired: return .cancelled
      }
    case .variables(let write):
      let isStored = world.sites[write.target.service]?.stored == SimulationWorld.text(write)
      return isStored ? .tookEffect(StepResult()) : .cancelled
    case .promote(let promotion): return becameOf(promotion)
    case .migrate, .scripts, .backup: return becameOfDatabase(step)
    default: return .cancelled
    }
  }
}

extension Step {
  /// It looks for itself how far it came, whatever an earlier process knew.
  fileprivate var isMigration: Bool { if case .migrate = action { true } else { false } }

  /// It only reads.
  var isProof: Bool {
    switch action {
    case .prove, .soak, .check: true
    default: false
    }
  }
}
