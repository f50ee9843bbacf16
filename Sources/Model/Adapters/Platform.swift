package import Concurrency

/// A platform's adapter: reads what runs, carries out steps, fetches logs.
package protocol Platform: StepPerformer {
  var name: PlatformName { get }

  /// Reads everything a plan needs about the environment's services on this platform. Changes nothing.
  /// - Throws: `Failure` of kind authentication, configuration (missing or ambiguous names) or failed.
  func observe(_ environment: Environment) async throws(Failure) -> Observation

  /// What the file names and the platform lacks. Changes nothing.
  /// - Throws: `Failure` of kind authentication when the token can never make it, configuration for what is ambiguous.
  func missing(_ environment: Environment) async throws(Failure) -> Shortfall

  /// Who else deploys there, and what others have prepared: the platform's own deploys of pushes, staged changes. In
  /// words; changes nothing.
  func rivals(_ environment: Environment) async throws(Failure) -> [String]

  /// What stands there beside what the file names. Changes nothing.
  func surplus(_ environment: Environment) async throws(Failure) -> [Surplus]

  /// Removes it for good. Only a person's own command asks for it.
  func remove(_ surplus: Surplus, _ environment: Environment) async throws(Failure)

  /// Told what earlier runs of the environment made, by the platform's ids: what can bear no mark yet is known by it.
  func remember(made: Set<String>)

  /// What a preview put there, in the order in which it is removed: found by name and mark. Changes nothing.
  /// - Parameter made: what its ledger says that its runs made, by the platform's ids.
  /// - Throws: `Failure` of kind policy for something of its name that does not bear its mark.
  func preview(_ environment: Environment, made: Set<String>) async throws(Failure) -> [PreviewPart]

  /// Removes a part of a preview for good, after looking once more that it is one.
  func remove(_ part: PreviewPart, _ environment: Environment) async throws(Failure)

  /// What serves now and what is the newest attempt, in as few requests as possible, by service.
  func live(_ environment: Environment) async throws(Failure) -> [ServiceName: LiveState]

  /// Log lines of a deployment, oldest first.
  func logs(_ query: LogQuery) async throws(Failure) -> [LogLine]

  /// The names whose values the platform's own copy of a deployment can give back.
  func restorableVariables(of target: ServiceTarget, deployment: String) async throws(Failure) -> Set<String>

  /// One deployment by its id, with whether it can be restored now; nil when the platform no longer has it.
  func deployment(_ id: String, of target: ServiceTarget) async throws(Failure) -> Deployment?

  /// Looks whether this machine has what deploying the source needs: a tool, an output. Asked when a deploy is
  /// planned, so that nothing goes live first; never for a rollback. Changes nothing.
  /// - Throws: `Failure` of kind configuration.
  func inspect(_ source: PlannedSource, of service: ServiceName) async throws(Failure)

  /// Headers that let shipit ask a deployment which the public is kept from; they hold secrets.
  func accessHeaders(of target: ServiceTarget) async throws(Failure) -> [(name: String, value: Sensitive)]

  /// The deployment that a host name leads to now; nil when the platform cannot tell.
  func deployment(serving host: String, of target: ServiceTarget) async throws(Failure) -> String?

  /// The newest deployments that once served, newest first, by service: what is left to go back to without
  /// a ledger.
  func history(_ environment: Environment, limit: Int) async throws(Failure) -> [ServiceName: [Deployment]]

  /// Looks, before anything is changed, whether a service can get a commit, and what could not be taken back.
  /// - Throws: `Failure` of kind configuration when it cannot, such as a commit that is not pushed.
  func foresee(_ change: CodeChange) async throws(Failure) -> Foresight

  /// What a person should know of a plan before agreeing: a quota that it does not fit in. Sends nothing.
  func warnings(on plan: Plan) async -> [String]

  /// Tests credentials, rights, names and quotas one by one; never changes anything.
  func examine(_ environment: Environment) async -> [Examination]
}

extension Platform {
  /// The platform does not tell.
  package func rivals(_ environment: Environment) async throws(Failure) -> [String] { [] }

  /// Nothing is looked for.
  package func surplus(_ environment: Environment) async throws(Failure) -> [Surplus] { [] }

  /// Nothing is removed there.
  package func remove(_ surplus: Surplus, _ environment: Environment) async throws(Failure) {
    throw Failure(.internalError, "\(surplus.words) is not removed by shipit")
  }

  /// Everything there bears its mark.
  package func remember(made: Set<String>) {}

  /// No preview is made there.
  package func preview(
    _ environment: Environment, made: Set<String>
  ) async throws(Failure) -> [PreviewPart] { [] }

  /// Nothing is removed there.
  package func remove(_ part: PreviewPart, _ environment: Environment) async throws(Failure) {
    throw Failure(.internalError, "\(part.words) is not removed by shipit")
  }

  /// Nothing can be made there, and nothing is looked for.
  package func missing(_ environment: Environment) async throws(Failure) -> Shortfall { Shortfall() }

  /// Nothing is needed here but the commit.
  package func inspect(_ source: PlannedSource, of service: ServiceName) async throws(Failure) {}

  /// Any commit can be deployed, and nothing stands in the way of going back.
  package func foresee(_ change: CodeChange) async throws(Failure) -> Foresight { Foresight() }

  /// Nothing.
  package func warnings(on plan: Plan) async -> [String] { [] }

  /// Nothing keeps the public out.
  package func accessHeaders(
    of target: ServiceTarget
  ) async throws(Failure) -> [(name: String, value: Sensitive)] { [] }

  /// The platform cannot tell.
  package func deployment(serving host: String, of target: ServiceTarget) async throws(Failure) -> String? {
    nil
  }
}

/// The short truth about a service.
package struct LiveState: Sendable, Hashable {
  package var live: Deployment?
  package var newest: Deployment?
  package var address: String?
  /// What a person should know: production is pinned, a rolling release is under way.
  package var notes: [String]

  package init(live: Deployment?, newest: Deployment?, address: String?, notes: [String] = []) {
    self.live = live
    self.newest = newest
    self.address = address
    self.notes = notes
  }
}

/// Which log lines are wanted.
package struct LogQuery: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable { case build, deploy }
  package var target: ServiceTarget
  /// Nil: the one that serves.
  package var deployment: String?
  package var kind: Kind
  package var since: Timestamp?
  package var limit: Int

  package init(
    target: ServiceTarget, deployment: String? = nil, kind: Kind = .deploy, since: Timestamp? = nil,
    limit: Int = 100
  ) {
    self.target = target
    self.deployment = deployment
    self.kind = kind
    self.since = since
    self.limit = limit
  }
}

/// One line of a platform's log. Untrusted text.
package struct LogLine: Sendable, Hashable {
  package var at: Timestamp?
  package var severity: String
  package var text: String

  package init(at: Timestamp?, severity: String, text: String) {
    self.at = at
    self.severity = severity
    self.text = text
  }
}

/// One thing `doctor` looked at.
package struct Examination: Sendable, Hashable, Codable {
  package enum Verdict: String, Sendable, Hashable, Codable { case good, warning, bad, skipped }
  package var subject: String
  package var verdict: Verdict
  package var detail: String
  /// What to do about it.
  package var hint: String?
  /// What is the matter when it is bad; nil: it is not known.
  package var because: Failure.Kind?
  /// Under which heading it stands: a platform, or this machine.
  package var group: String?

  package init(
    _ subject: String, _ verdict: Verdict, _ detail: String, hint: String? = nil, because: Failure.Kind? = nil
  ) {
    self.subject = subject
    self.verdict = verdict
    self.detail = detail
    self.hint = hint
    self.because = because
  }

  /// What failed is bad, for its reason.
  package init(_ subject: String, _ failure: Failure) {
    self.init(
      subject, .bad, failure.message + (failure.cause.map { ": \($0)" } ?? ""), hint: failure.hint,
      because: failure.kind)
  }
}
