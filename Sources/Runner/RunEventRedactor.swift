import Model

/// Takes secrets out of the free text in events and journal entries: failures, summaries, progress.
struct RunEventRedactor {
  private let redact: @Sendable (String) -> String

  init(_ redact: @escaping @Sendable (String) -> String) { self.redact = redact }

  func kind(_ kind: RunEvent.Kind) -> RunEvent.Kind {
    switch kind {
    case .stepProgress(let step, let text): .stepProgress(step, redact(text))
    case .stepEnded(let step, let outcome): .stepEnded(step, self.outcome(outcome))
    case .stepRetries(let step, let failure, let after):
      .stepRetries(step, self.failure(failure), after: after)
    case .stepProbed(let step, let finding): .stepProbed(step, self.finding(finding))
    case .stepAbandoned(let step, let abandonment): .stepAbandoned(step, self.abandonment(abandonment))
    case .turned(let reason, let failure, let undo): .turned(reason, failure.map(self.failure), undo: undo)
    case .finished(let result): .finished(self.result(result))
    case .cancelAsked(let request, let isHeeded): .cancelAsked(self.request(request), isHeeded: isHeeded)
    case .started, .resumed, .stepBegan, .stepLog, .stepProbing, .interrupted, .leaseWaits: kind
    }
  }

  func entry(_ entry: JournalEntry) -> JournalEntry {
    var entry = entry
    switch entry.fact {
    case .ended(let step, let attempt, let outcome):
      entry.fact = .ended(step, attempt: attempt, self.outcome(outcome))
    case .probed(let step, let finding): entry.fact = .probed(step, self.finding(finding))
    case .abandoned(let step, let abandonment): entry.fact = .abandoned(step, self.abandonment(abandonment))
    case .turned(let reason, let failure, let undo):
      entry.fact = .turned(reason: reason, failure.map(self.failure), undo: undo)
    case .finished(let result): entry.fact = .finished(self.result(result))
    case .cancelAsked(let request): entry.fact = .cancelAsked(self.request(request))
    case .began, .identified, .interrupted, .lines, .resumed: break
    }
    return entry
  }

  private func request(_ request: CancelRequest) -> CancelRequest {
    var request = request
    request.reason = redact(request.reason)
    return request
  }

  func failure(_ failure: Failure) -> Failure {
    var failure = failure
    failure.message = redact(failure.message)
    failure.place = failure.place.map(redact)
    failure.cause = failure.cause.map(redact)
    failure.hint = failure.hint.map(redact)
    return failure
  }

  private func outcome(_ outcome: Outcome) -> Outcome {
    switch outcome {
    case .done(let result): .done(stepResult(result))
    case .failed(let failure, let moved): .failed(self.failure(failure), moved: moved)
    case .retry(let failure, let after): .retry(self.failure(failure), after: after)
    case .ambiguous(let failure): .ambiguous(self.failure(failure))
    case .unknowable(let failure): .unknowable(self.failure(failure))
    case .waiting(let words): .waiting(redact(words))
    case .cancelled: outcome
    }
  }

  private func finding(_ finding: Finding) -> Finding {
    switch finding {
    case .done(let result): .done(stepResult(result))
    case .failed(let failure, let moved): .failed(self.failure(failure), moved: moved)
    case .unknown(let failure): .unknown(self.failure(failure))
    case .absent, .underWay: finding
    }
  }

  private func abandonment(_ abandonment: Abandonment) -> Abandonment {
    switch abandonment {
    case .tookEffect(let result): .tookEffect(stepResult(result))
    case .tookEffectInPart(let result): .tookEffectInPart(stepResult(result))
    case .inFlight(let words): .inFlight(redact(words))
    case .cancelled: abandonment
    }
  }

  private func stepResult(_ result: StepResult) -> StepResult {
    var result = result
    result.summary = redact(result.summary)
    result.facts = result.facts.mapValues(redact)
    return result
  }

  func result(_ result: RunResult) -> RunResult {
    var result = result
    result.failure = result.failure.map(failure)
    result.rollbackFailure = result.rollbackFailure.map(failure)
    return result
  }
}
