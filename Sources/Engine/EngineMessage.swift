package import Concurrency
package import Model

/// Something that happened, handed to the engine with the moment and a random number.
package struct EngineInput: Sendable {
  package var event: EngineEvent
  package var at: Timestamp
  /// For jitter: the engine has no randomness of its own, so that a seed reproduces a run exactly.
  package var entropy: UInt64

  package init(_ event: EngineEvent, at: Timestamp, entropy: UInt64 = 0) {
    self.event = event
    self.at = at
    self.entropy = entropy
  }
}

/// What can happen to a run.
package enum EngineEvent: Sendable {
  case start
  /// Every journal entry up to this sequence is durable.
  case durable(through: Int)
  case identified(StepID, externalID: String)
  case ended(StepID, attempt: Int, Outcome)
  case probed(StepID, Finding)
  case abandoned(StepID, Abandonment)
  case woke(EngineTimer)
  case interrupted(Interruption)
  /// Somebody elsewhere wants the run to stop.
  case cancelAsked(CancelRequest)
  /// The lease is confirmed; side effects may begin before this moment.
  case leaseConfirmed(actUntil: Timestamp)
  /// Somebody else holds the environment now, or the ledger refuses our writes.
  case leaseLost(Failure)
}

/// What the engine asks to be woken for.
package enum EngineTimer: Sendable, Hashable {
  /// Of a deploy's way forward.
  case deadline
  /// Of the way back, or of what comes before it.
  case rollback
  case limit(StepID, attempt: Int)
  case retry(StepID, attempt: Int)
  /// The time given to platforms to give up what is not live.
  case abandonment
  /// The time an interrupted run has to write down what it leaves.
  case interruption
}

/// What the shell is to do.
package enum EngineAction: Sendable {
  /// Append to the journal; answer `durable` when it is on disk. Order is kept.
  case journal(JournalEntry)
  /// The external id of the step is durable: let the performer go on.
  case acknowledge(StepID)
  case perform(Step, attempt: Int, beganAt: Timestamp, externalID: String?, deadline: Timestamp)
  case probe(Step, beganAt: Timestamp, externalID: String?)
  case abandon(Step, beganAt: Timestamp, externalID: String?)
  case wake(EngineTimer, at: Timestamp)
  case announce(RunEvent.Kind)
  /// Nothing more will be asked.
  case finish(RunResult)
}

/// What the engine is to do with a run.
package enum EngineMode: Sendable, Hashable {
  /// Carry the plan out, or continue it.
  case run
  /// Find out what an interrupted run left, stop what is not live, and close it.
  case settle
}
