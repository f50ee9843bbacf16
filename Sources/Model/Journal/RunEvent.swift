package import Concurrency

/// What a run tells whoever watches it.
package struct RunEvent: Sendable, Hashable, Codable {
  package enum Kind: Sendable, Hashable, Codable {
    case started(RunFacts, plan: Plan)
    /// An earlier run is continued; these steps had already ended.
    case resumed(RunFacts, plan: Plan, finished: [StepID])
    case stepBegan(Step, attempt: Int)
    case stepProgress(StepID, String)
    case stepLog(StepID, String)
    case stepEnded(StepID, Outcome)
    case stepRetries(StepID, Failure, after: Duration)
    case stepProbing(StepID)
    case stepProbed(StepID, Finding)
    case stepAbandoned(StepID, Abandonment)
    /// The run turns back; the steps that will put things back, in order.
    case turned(TurnReason, Failure?, undo: [Step])
    case interrupted(Interruption)
    /// Somebody asked from elsewhere to stop; not heeded where the run takes back what it moved.
    case cancelAsked(CancelRequest, isHeeded: Bool)
    case leaseWaits(String)
    case finished(RunResult)
  }

  package var at: Timestamp
  package var kind: Kind

  package init(at: Timestamp, kind: Kind) {
    self.at = at
    self.kind = kind
  }
}
