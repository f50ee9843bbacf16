package import Concurrency
package import Model

/// What people who do not watch are told about a run: once when it begins, once when it has ended.
package struct RunNotice: Sendable {
  /// `ann@laptop`: who runs this process.
  package let by: String
  /// Where its job can be read.
  package let link: String?

  package init(by: String, link: String?) {
    self.by = by
    self.link = link
  }

  package func started(_ facts: RunFacts, _ plan: Plan) -> Notice {
    let headline =
      switch plan.kind {
      case .deploy: "deploying release \(facts.release)"
      case .rollback:
        plan.restores.map { "rolling back to release \($0), as release \(facts.release)" }
          ?? "rolling back to what served before"
      case .migrate: "migrating databases, as release \(facts.release)"
      case .backup: "backing up databases"
      case .restore: "restoring a database, as release \(facts.release)"
      case .secrets: "writing secrets, as release \(facts.release)"
      case .provision: "making what is missing"
      }
    return notice(
      .started, plan, facts.id, facts.release, headline, services: services(plan) { $0.record.commit },
      at: facts.startedAt, isLast: false)
  }

  /// - Parameter at: when it ended.
  package func ended(_ record: RunRecord, _ result: RunResult, at: Timestamp) -> Notice {
    let plan = record.plan
    var told = notice(
      event(result.state), plan, record.id, record.release, headline(record, result),
      services: services(plan) { planned in
        switch result.state {
        case .released, .restored: planned.record.commit
        case .rolledBack, .unchanged: planned.previousCommit
        case .mixed, .inFlight, .abandoned: nil
        }
      }, at: at, isLast: result.state != .inFlight)
    told.by = record.by
    told.problem = problem(plan, result)
    told.next = next(record, result)
    return told
  }

  /// A hold that blocks deploys.
  package func held(_ hold: Hold, app: String, environment: String) -> Notice {
    Notice(
      .held, app: app, environment: environment, headline: "deploys are on hold", by: hold.by,
      reason: hold.reason, next: "shipit unhold \(environment), when the reason is gone", link: link,
      at: hold.at)
  }

  /// A plan that waits until somebody approves it: nothing of it has begun.
  /// - Parameter missing: what the deploy ended with; its hint says who may type what.
  package func approval(_ plan: Plan, _ missing: Failure, at: Timestamp) -> Notice {
    Notice(
      .approval, app: plan.app, environment: plan.environment,
      headline: missing.message, commit: plan.commit.isEmpty ? nil : plan.commit, subject: plan.subject,
      by: by,
      services: services(plan) { $0.record.commit }, reason: missing.cause, next: missing.hint, link: link,
      at: at)
  }

  private func notice(
    _ event: Notice.Event, _ plan: Plan, _ run: RunID, _ release: Int, _ headline: String,
    services: [Notice.Service], at: Timestamp, isLast: Bool
  ) -> Notice {
    Notice(
      event, app: plan.app, environment: plan.environment, run: run, release: release, headline: headline,
      commit: plan.commit.isEmpty ? nil : plan.commit, subject: plan.subject, by: by, services: services,
      reason: plan.reason, link: link, at: at, isLast: isLast)
  }

  private func event(_ state: RunResult.State) -> Notice.Event {
    switch state {
    case .released: .released
    case .restored, .rolledBack: .rolledBack
    case .unchanged, .mixed, .inFlight, .abandoned: .failed
    }
  }

  private func headline(_ record: RunRecord, _ result: RunResult) -> String {
    let release = "release \(record.release)"
    let wasInterrupted = [.hangup, .interrupted, .terminated].contains(result.exit)
    let ended =
      wasInterrupted ? "was interrupted" : result.exit == .deadline ? "ran out of time" : "failed"
    switch result.state {
    case .released where record.plan.kind == .backup: return "databases are backed up"
    case .released where record.plan.kind == .restore: return "a database was restored, as \(release)"
    case .released where record.plan.kind == .secrets: return "secrets are written, as \(release)"
    case .released where record.plan.kind == .provision: return "what was missing is made"
    case .released: return "\(release) is live"
    case .restored:
      return record.plan.restores.map { "release \($0) is live again, as \(release)" }
        ?? "what served before is live again"
    case .rolledBack: return "\(release) \(ended), and what it moved was put back"
    case .unchanged: return "\(release) \(ended), and nothing users see was changed"
    case .mixed: return "\(release) \(ended), and the state is mixed: a person is needed"
    case .inFlight:
      let left =
        result.unattended.isEmpty
        ? "nothing of it is in flight"
        : "\(count(result.unattended.count, "step")) in flight"
      return "run \(record.id) \(wasInterrupted ? "was interrupted" : "stopped half-way"), \(left)"
    case .abandoned: return "run \(record.id) was settled and not continued"
    }
  }

  /// Those that the run touches, or all where it says of none why.
  private func services(_ plan: Plan, to: (PlannedService) -> String?) -> [Notice.Service] {
    let touched = plan.services.filter { !$0.reasons.isEmpty }
    return (touched.isEmpty ? plan.services : touched).map { planned in
      Notice.Service(name: planned.service.rawValue, from: planned.previousCommit, to: to(planned))
    }
  }

  private func problem(_ plan: Plan, _ result: RunResult) -> String? {
    let step = result.failedStep.map { plan.step($0)?.title ?? $0.rawValue }
    let first = result.failure.map { words(step, $0) } ?? step
    let second = result.rollbackFailure.map { words("then putting back failed", $0) }
    let both = [first, second].compactMap(\.self)
    return both.isEmpty ? nil : both.joined(separator: "; ")
  }

  private func words(_ what: String?, _ failure: Failure) -> String {
    [what, failure.message, failure.cause].compactMap(\.self).joined(separator: ": ")
  }

  private func next(_ record: RunRecord, _ result: RunResult) -> String {
    let environment = record.plan.environment
    if let hint = (result.rollbackFailure ?? result.failure)?.hint, result.state != .inFlight {
      // Whoever reads it away from a keyboard shall know what to type first.
      return hint.contains("shipit ") ? hint : "\(hint); \(NextCommand.why(environment, record.id))"
    }
    switch result.state {
    case .released, .restored, .abandoned, .inFlight: return NextCommand.status(environment)
    case .rolledBack, .unchanged, .mixed: return NextCommand.why(environment, record.id)
    }
  }
}
