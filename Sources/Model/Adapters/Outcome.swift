package import Concurrency

/// How one attempt at a step ended.
package enum Outcome: Sendable, Hashable, Codable {
  case done(StepResult)
  /// For good. `moved`: the effect (or part of it) took place and has to be taken back.
  case failed(Failure, moved: Bool)
  /// Passing trouble and certainly no effect: try again, not earlier than `after`.
  case retry(Failure, after: Duration?)
  /// The effect may have taken place: probe before anything else.
  case ambiguous(Failure)
  /// It cannot be found out.
  case unknowable(Failure)
  /// A person must act, at most until the step's limit.
  case waiting(String)
  /// Stopped because it was asked to stop.
  case cancelled(moved: Bool)
}

/// What a finished step leaves for the steps after it and for the release.
package struct StepResult: Sendable, Hashable, Codable {
  /// The platform's id of what was made.
  package var externalID: String?
  package var proof: Proof?
  /// One line for people: "live after 12 s".
  package var summary: String
  /// When new code began to answer, for the exposure of a release that was rolled back.
  package var liveSince: Timestamp?
  /// Further values by name, such as `image`, `digest`, `address`.
  package var facts: [String: String]

  package init(
    externalID: String? = nil, proof: Proof? = nil, summary: String = "", liveSince: Timestamp? = nil,
    facts: [String: String] = [:]
  ) {
    self.externalID = externalID
    self.proof = proof
    self.summary = summary
    self.liveSince = liveSince
    self.facts = facts
  }
}

/// Names of the facts in a step's result that others read.
package enum StepFact {
  /// Scheme, host and port under which what was made answers.
  package static let address = "address"
  /// The commit that was deployed in place of the step's own: the old code with newer migration files kept.
  /// It is what has to be proven.
  package static let standIn = "stand-in"
  /// An image's digest.
  package static let digest = "digest"
  /// The platform's time of our write of a variable, in milliseconds since 1970.
  package static func written(_ variable: String) -> String { writtenPrefix + variable }
  package static let writtenPrefix = "written."
}

/// What a probe found out about a step that was begun and has no end.
package enum Finding: Sendable, Hashable, Codable {
  /// No effect: it may be performed.
  case absent
  /// The effect is under way as this object: perform goes on waiting for it.
  case underWay(externalID: String)
  case done(StepResult)
  case failed(Failure, moved: Bool)
  /// Several objects could be ours, or the platform does not answer.
  case unknown(Failure)
}

/// What became of a running step that was asked to stop.
package enum Abandonment: Sendable, Hashable, Codable {
  /// Nothing of it is or will be live.
  case cancelled
  /// It took effect before it could be stopped.
  case tookEffect(StepResult)
  /// It has stopped for good, and a part of it took effect, which stays.
  case tookEffectInPart(StepResult)
  /// It goes on without us.
  case inFlight(String)
}
