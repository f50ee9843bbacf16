import Concurrency
package import Engine
package import Model

/// What a deploy is asked to do.
package struct DeployRequest: Sendable {
  package var revision: Revision
  package var isDirty: Bool
  /// Replace a newer or diverged commit.
  package var allowsOlder: Bool
  /// Deploy a commit although a release of it was rolled back by itself.
  package var again: Bool
  /// Images to deploy instead of what is declared, by service: the artefacts of a promotion.
  package var images: [ServiceName: String]
  /// Stands in the release: "promoted from staging, release 6".
  package var reason: String?
  /// Reasons to deploy although a rule says no.
  package var overrides: PolicyOverrides
  /// The very plan to apply; refused when it is not what would be done now.
  package var saved: SavedPlan?

  package init(
    revision: Revision, isDirty: Bool = false, allowsOlder: Bool = false, again: Bool = false,
    images: [ServiceName: String] = [:], reason: String? = nil,
    overrides: PolicyOverrides = PolicyOverrides(), saved: SavedPlan? = nil
  ) {
    self.revision = revision
    self.isDirty = isDirty
    self.allowsOlder = allowsOlder
    self.again = again
    self.images = images
    self.reason = reason
    self.overrides = overrides
    self.saved = saved
  }
}

/// `shipit deploy`: lease, settle, observe, plan, agree, run, record.
package struct DeployOperation: Sendable {
  private let context: OperationContext
  private let planning: Planning
  private let request: DeployRequest
  private let policy: Policy

  package init(_ context: OperationContext, planning: Planning, request: DeployRequest) {
    self.context = context
    self.planning = planning
    self.request = request
    policy = Policy(
      planning.environment, ledger: context.ledger, clock: context.surroundings.clock, by: context.by,
      sources: context.policy)
  }

  /// - Parameters:
  ///   - agree: shown the plan; false ends the operation with nothing changed.
  ///   - approve: shown the plan and a name: agreeing is that person's approval too. Nil: nobody can be asked.
  package func run(
    agree: @Sendable (Plan) async -> Bool, approve: (@Sendable (Plan, String) async -> Bool)? = nil
  ) async -> OperationResult {
    await context.underLease { operation throws(Failure) in
      let digest = try await planning.digest(request)
      // First, or its own mark would refuse the command that has to close it.
      if let ended = try await operation.closeEnded(), ended.plan?.digest == digest, !ended.isProvisioned {
        return await operation.withRollouts(ended).awaited
      }
      try await refuse()
      let resumable = try await mayContinue(digest) ? digest : nil
      if let continued = try await operation.settle(unlessSame: resumable), !continued.isProvisioned {
        return await operation.withRollouts(continued).awaited
      }
      // What was settled may have left a hold or a bad mark.
      try await refuse()
      let made = try await carryOut(operation, agree, approve)
      guard made.isProvisioned else { return await operation.withRollouts(made).awaited }
      let deployed = try await carryOut(operation, agree, approve)
      if deployed.isProvisioned, let plan = deployed.plan { throw DeployOperation.unmade(plan) }
      return await operation.withRollouts(deployed).awaited
    }
  }

  /// Plans, asks, and does it: what is missing is made first, by a run of its own.
  private func carryOut(
    _ operation: Operation, _ agree: @Sendable (Plan) async -> Bool,
    _ approve: (@Sendable (Plan, String) async -> Bool)?
  ) async throws(Failure) -> OperationResult {
    var plan = try await planning.plan(request)
    guard !plan.isEmpty else { return OperationResult(exit: .done, plan: plan) }
    let verdict = try await policy.judge(plan, request.overrides)
    plan.decisions = redacted(verdict.decisions)
    guard let missing = verdict.missing else {
      return try await operation.carryOut(plan, agree: agree) { plan throws(Failure) in try recheck(&plan) }
    }
    guard let name = verdict.mayApproveAs, let approve else {
      return OperationResult(exit: missing.exitCode, plan: plan, failure: missing)
    }
    return try await operation.carryOut(plan, agree: { await approve($0, name) }) { plan throws(Failure) in
      try recheck(&plan)
      plan.decisions = redacted((plan.decisions ?? []) + [try await policy.approve(plan, as: name)])
    }
  }

  /// Made, and not there: a platform that shows late what it made.
  private static func unmade(_ plan: Plan) -> Failure {
    Failure(
      .failed, "what was made is not there yet", place: "provision",
      cause: plan.steps.map(\.title).joined(separator: "; "),
      hint: "type the same command again: it looks before it makes anything")
  }

  /// A freeze may have begun while somebody looked at the plan. Once the run has begun none stops it.
  private func recheck(_ plan: inout Plan) throws(Failure) {
    let isKnown = plan.decisions?.contains { $0.kind == .freezeOverridden } ?? false
    guard let override = try policy.checkFreeze(request.overrides.freeze), !isKnown else { return }
    plan.decisions = redacted((plan.decisions ?? []) + [override])
  }

  /// People write reasons, and the ledger keeps no secret.
  private func redacted(_ decisions: [Decision]) -> [Decision]? {
    let redact = context.surroundings.redact
    let safe = decisions.map { decision in
      var safe = decision
      safe.reason = decision.reason.map(redact)
      return safe
    }
    return safe.isEmpty ? nil : safe
  }

  /// A run that has begun goes on whatever the calendar says; one that has not is judged like a new one.
  private func mayContinue(_ digest: String) async throws(Failure) -> Bool {
    guard let open = try await context.ledger.openRun(), open.plan.digest == digest else { return true }
    let begun = try await context.ledger.journal(of: open.id).contains { entry in
      if case .began = entry.fact { true } else { false }
    }
    if begun || open.plan.decisions?.contains(where: { $0.kind == .freezeOverridden }) ?? false {
      return true
    }
    do throws(Failure) {
      return try policy.checkFreeze(request.overrides.freeze) == nil
    } catch {
      guard error.kind == .policy else { throw error }
      return false
    }
  }

  /// Holds and bad marks (DESIGN §2, §10).
  private func refuse() async throws(Failure) {
    let name = planning.environment.name
    try await context.refuseWhileHeld(name)
    let bad = try await context.ledger.badCommits()
    if let release = bad[request.revision.commit] {
      guard request.again else {
        throw Failure(
          .policy,
          "commit \(request.revision.commit.prefix(7)) is marked bad: release \(release) of it was rolled back",
          hint: "shipit why, for the cause; deploy a newer commit, or shipit deploy \(name) --again")
      }
    }
  }
}
