import Concurrency
import Model

extension Engine {
  /// Makes the result durable; `finish` follows.
  mutating func finish(_ result: RunResult) {
    phase = .finishing(result)
    journal(.finished(result), then: .finished)
  }

  /// The plan was carried out to its end.
  func forwardResult() -> RunResult {
    let broken = forward.all.first { $0.isSettled && !$0.isDone }
    guard let broken else {
      return RunResult(state: plan.kind == .rollback ? .restored : .released, exit: .done)
    }
    // Only an explicit rollback ends here with a failure: a deploy turns back instead.
    let failure = forward.all.compactMap(\.failure).first
    let unattended = unattended()
    return RunResult(
      state: unattended.isEmpty ? .mixed : .inFlight, exit: .rollbackFailed, failure: failure,
      failedStep: broken.step.id,
      unattended: unattended, rollbackFailure: failure)
  }

  /// What moved was taken back, or could not be.
  func undoneResult() -> RunResult {
    guard case .undoing(let reason, let failure) = phase else { return haltedResult() }
    return undoneResult(reason, failure)
  }

  private func undoneResult(_ reason: TurnReason, _ failure: Failure?) -> RunResult {
    guard let undo else { return haltedResult() }
    let failedStep = failedStep
    let exposure = exposures()
    let stranded = stranded
    if let broken = undo.all.first(where: { !$0.isDone }) {
      // What is not known is for the next command to find out: the run stays open.
      let unattended = unattended(of: undo.all) + stranded
      return RunResult(
        state: unattended.isEmpty ? .mixed : .inFlight, exit: .failedMixed, failure: failure,
        failedStep: failedStep, unattended: unattended, exposure: exposure,
        rollbackFailure: broken.failure
          ?? undo.all.compactMap(\.failure).first
          ?? Failure(
            .failed, "\(broken.step.title) was not done", hint: "shipit status \(plan.environment)"))
    }
    if !stranded.isEmpty {
      return RunResult(
        state: .inFlight, exit: .failedMixed, failure: failure, failedStep: failedStep, unattended: stranded,
        exposure: exposure)
    }
    if let failure = strandedFailure(failure) {
      return RunResult(
        state: .mixed, exit: .failedMixed, failure: failure, failedStep: failedStep, exposure: exposure)
    }
    let touched = forward.all.contains { $0.wasBegun && !isHarmless($0) }
    if touched && !plan.hasPrevious {
      return RunResult(
        state: .mixed, exit: .failedMixed, failure: failure, failedStep: failedStep, exposure: exposure)
    }
    let foreign = reason == .superseded ? foreignServices : []
    let cutOver = forward.all.filter { $0.moved && $0.step.isCutOver }
    let isForeign = cutOver.contains { $0.step.service.map(foreign.contains) ?? false }
    let moved = !cutOver.isEmpty
    let exit: ExitCode =
      switch reason {
      case .deadline: .deadline
      case .superseded: .stale
      case .failure: moved ? .failedClean : failure?.exitCode ?? .failedClean
      }
    return RunResult(
      state: isForeign ? .mixed : moved ? .rolledBack : .unchanged,
      exit: exit == .failedMixed ? .failedClean : exit,
      failure: failure, failedStep: failedStep, exposure: exposure)
  }

  /// The way back was cut off at its limit: what is not known and what is not back is said, and the run
  /// stays open for the next command.
  func overdueResult(_ reason: TurnReason?, _ failure: Failure?) -> RunResult {
    guard let reason else {
      if forward.all.allSatisfy(\.isDone) { return forwardResult() }
      let late = lateFailure(of: forward.all)
      return RunResult(
        state: .inFlight, exit: .rollbackFailed, failure: late, failedStep: failedStep,
        unattended: unattended(), rollbackFailure: late)
    }
    if let undo, undo.all.allSatisfy(\.isDone) { return undoneResult(reason, failure) }
    let states = undo?.all ?? forward.all
    return RunResult(
      state: .inFlight, exit: .failedMixed, failure: failure, failedStep: failedStep,
      unattended: unattended(of: states) + (undo == nil ? [] : stranded), exposure: exposures(),
      rollbackFailure: lateFailure(of: states))
  }

  /// What a way back that was cut off left, as a failure.
  private func lateFailure(of states: [StepState]) -> Failure {
    func titles(_ states: [StepState]) -> String { states.map(\.step.title).joined(separator: ", ") }
    let unknown = Set(unattended(of: states))
    let open = states.filter { !$0.isDone && !unknown.contains($0.step.id) }
    var parts: [String] = []
    if !unknown.isEmpty {
      parts.append("not known: \(titles(states.filter { unknown.contains($0.step.id) }))")
    }
    if undo == nil && plan.kind != .rollback {
      parts.append("nothing was put back yet")
    } else if !open.isEmpty {
      parts.append("not done: \(titles(open))")
    }
    return Failure(
      .timeout, "taking back did not end in the time it has", cause: parts.joined(separator: "; "),
      hint:
        "shipit status \(plan.environment); then shipit rollback \(plan.environment), which settles first what is not known"
    )
  }

  private var failedStep: StepID? { forward.all.first { $0.failure != nil }?.step.id }

  /// Stopped because something cannot be found out.
  func haltedResult() -> RunResult {
    let broken = forward.all.first { $0.failure != nil }
    return RunResult(
      state: .inFlight, exit: .failedMixed, failure: broken?.failure, failedStep: broken?.step.id,
      unattended: unattended())
  }

  func interruptedResult(_ interruption: Interruption) -> RunResult {
    let unattended = unattended()
    let moved = forward.all.contains { ($0.moved || $0.isDone) && $0.step.isCutOver }
    let touched = forward.all.contains { $0.moved && !isHarmless($0) } || undo != nil
    let failure = cancelRequest.map { Failure(.cancelled, "\($0.by) asked to cancel: \($0.reason)") }
    if !touched && unattended.isEmpty {
      return RunResult(state: .unchanged, exit: interruption.exitCode, failure: failure)
    }
    let cutOverInFlight = unattended.contains { state($0)?.step.isCutOver ?? false }
    let isMixed = moved || cutOverInFlight || undo != nil
    return RunResult(
      state: .inFlight, exit: isMixed ? .failedMixed : interruption.exitCode, failure: failure,
      unattended: unattended)
  }

  /// What an earlier process left is known now, or cannot be known.
  func settledResult() -> RunResult {
    let unattended = unattended()
    // Every effect took place and was proven: there is nothing to abandon.
    if undo == nil, forward.all.allSatisfy(\.isDone) { return forwardResult() }
    if unattended.isEmpty {
      var result = RunResult(state: .abandoned, exit: .done)
      // It was on its way back: what it deployed is as bad as if it had arrived there.
      if case .undoing(let reason, let failure) = phase, reason != .superseded,
        forward.all.contains(where: { $0.moved && $0.step.isCutOver })
      {
        (result.failure, result.failedStep) = (failure, failedStep)
      }
      return result
    }
    let failure = everyState.compactMap(\.failure).first
    return RunResult(state: .inFlight, exit: .failedMixed, failure: failure, unattended: unattended)
  }

  private func unattended() -> [StepID] { unattended(of: everyState) }

  /// Steps that may still give users something and that nothing took back, as a first release that did not stop.
  private var stranded: [StepID] { unattended(of: forward.all.filter(isLeftBehind)) }

  /// The way back has nothing for the step, or failed at it.
  func isLeftBehind(_ state: StepState) -> Bool {
    guard state.step.isCutOver else { return false }
    let back = state.step.undo.filter(\.isCutOver).compactMap { undo?[$0.id] }
    return back.isEmpty || back.contains { $0.isSettled && !$0.isDone }
  }

  /// Steps whose effect is not known or goes on without us.
  private func unattended(of states: [StepState]) -> [StepID] {
    states.filter { state in
      if state.isConceded { return false }
      return switch state.status {
      case .unattended, .unknown, .ended(.unknowable), .ended(.ambiguous), .ended(.cancelled(moved: true)):
        true
      default: false
      }
    }.map(\.step.id)
  }

  /// It only reads, or runs something of the user's here: nothing on a platform is touched.
  private func isHarmless(_ state: StepState) -> Bool {
    switch state.step.action {
    case .prove, .soak, .command, .check, .buildImage: true
    // Begun it has only looked, until the first file is applied.
    case .migrate, .restoreDatabase: !state.moved
    case .backup, .scripts: true
    // It stays, empty: nothing is deployed to it, and the next plan finds it.
    case .create: true
    case .settings, .variables, .deploy, .restore, .promote, .actionsSecrets: false
    }
  }

  /// How long users could get code that was taken back, by service.
  private func exposures() -> [ServiceName: Int64] {
    var exposures: [ServiceName: Int64] = [:]
    for state in forward.all {
      guard state.step.isCutOver, let service = state.step.service, let since = state.result?.liveSince else {
        continue
      }
      let restored = undo?.all.first { other in
        if case .restore = other.step.action { other.step.service == service } else { false }
      }
      let until = restored?.result?.liveSince ?? now
      exposures[service] = max(0, (until - since).wholeMilliseconds)
    }
    return exposures
  }
}
