package import Concurrency

/// One fact about a run, durable before the next thing happens.
package struct JournalEntry: Sendable, Hashable, Codable {
  package enum Fact: Sendable, Hashable, Codable {
    /// The step is about to have an effect, which can take place until `latestEffect`.
    case began(StepID, attempt: Int, latestEffect: Timestamp)
    /// The platform's id of what the step made.
    case identified(StepID, externalID: String)
    case ended(StepID, attempt: Int, Outcome)
    case probed(StepID, Finding)
    case abandoned(StepID, Abandonment)
    /// From here on the run takes back what it moved; these are the steps that do so.
    case turned(reason: TurnReason, Failure?, undo: [Step])
    case interrupted(Interruption)
    /// `shipit cancel` from another place. An `interrupted` follows unless the run takes back what it moved.
    case cancelAsked(CancelRequest)
    /// The last lines of a failed step's log, redacted.
    case lines(StepID, [String])
    /// The run was taken over by another process, which continues or settles it.
    case resumed(holder: String)
    case finished(RunResult)
  }

  /// From 1, without gaps, per run.
  package var sequence: Int
  package var at: Timestamp
  package var fact: Fact

  package init(sequence: Int, at: Timestamp, fact: Fact) {
    self.sequence = sequence
    self.at = at
    self.fact = fact
  }
}

/// Why a run turned back.
package enum TurnReason: String, Sendable, Hashable, Codable { case failure, deadline, superseded }

/// Who interrupted.
package enum Interruption: String, Sendable, Hashable, Codable {
  case hangup, interrupt, terminate
  /// `shipit cancel` from another place.
  case request
  case leaseLost

  package var exitCode: ExitCode {
    switch self {
    case .hangup: .hangup
    case .interrupt, .request: .interrupted
    case .terminate: .terminated
    case .leaseLost: .stale
    }
  }
}

/// How a run ended.
package struct RunResult: Sendable, Hashable, Codable {
  package enum State: String, Sendable, Hashable, Codable {
    /// The new release is live and proven.
    case released
    /// An explicit rollback restored a release.
    case restored
    /// Failed; what moved was put back and proven.
    case rolledBack
    /// Failed before anything that users see was moved.
    case unchanged
    /// Old and new are mixed, or it is not known what is live.
    case mixed
    /// Interrupted: some steps go on without us or are undone.
    case inFlight
    /// Settled by a later command and not resumed.
    case abandoned
  }

  package var state: State
  package var exit: ExitCode
  package var failure: Failure?
  /// The step that failed first.
  package var failedStep: StepID?
  /// Steps whose effect goes on without us or is not known.
  package var unattended: [StepID]
  /// How long users could get code that was then rolled back, by service, in milliseconds.
  package var exposure: [ServiceName: Int64]
  /// Second failure: of the rollback itself.
  package var rollbackFailure: Failure?
  /// What somebody else put live while a run that failed went on, by service; nil: nothing, or nobody looked.
  package var foreign: [ServiceName: ForeignDeployment]?

  package init(
    state: State, exit: ExitCode, failure: Failure? = nil, failedStep: StepID? = nil,
    unattended: [StepID] = [], exposure: [ServiceName: Int64] = [:], rollbackFailure: Failure? = nil,
    foreign: [ServiceName: ForeignDeployment]? = nil
  ) {
    self.state = state
    self.exit = exit
    self.failure = failure
    self.failedStep = failedStep
    self.unattended = unattended
    self.exposure = exposure
    self.rollbackFailure = rollbackFailure
    self.foreign = foreign
  }
}

/// A deployment that is live and none of shipit's.
package struct ForeignDeployment: Sendable, Hashable, Codable {
  package var id: String
  package var commit: String?

  package init(id: String, commit: String?) {
    self.id = id
    self.commit = commit
  }
}
