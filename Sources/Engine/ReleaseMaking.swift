package import Concurrency
package import Model

extension Release {
  /// The record of a run that has ended: what every service runs now, as far as it was proven.
  /// - Parameter results: what finished steps left, of the plan and of its undo.
  package init(of run: RunRecord, result: RunResult, results: [StepID: StepResult], endedAt: Timestamp) {
    let plan = run.plan
    var services = plan.before
    for planned in plan.services {
      let name = planned.service
      let isForward = result.state == .released || result.state == .restored
      // Left where it stood: what was found live is what runs.
      let isPartial = result.state == .mixed || result.state == .abandoned
      let moved = results[StepID("\(name).deploy")] ?? results[StepID("\(name).restore")]
      let proof = results[StepID("\(name).prove")]?.proof
      let restored = results[StepID("undo.\(name).deploy")]
      if let restored {
        // Put back by this run: the old code under a new deployment.
        var record = plan.before[name] ?? planned.record
        record.deployment = restored.externalID ?? record.deployment
        record.commit = planned.previousCommit ?? record.commit
        record.proof = results[StepID("undo.\(name).prove")]?.proof ?? .no
        services[name] = record
      } else if let moved, isForward || isPartial {
        var record = planned.record
        record.deployment = moved.externalID
        record.proof = proof ?? .no
        services[name] = record
      } else if isForward {
        // Only configuration was written: what runs stays, its record follows.
        var record = planned.record
        record.deployment = record.deployment ?? planned.previous
        services[name] = record
      } else if let affirmed = results[StepID("affirm.\(name)")]?.proof {
        services[name]?.proof = affirmed
      }
    }
    self.init(
      number: run.release, run: run.id, kind: plan.kind, app: plan.app, environment: plan.environment,
      commit: plan.commit, subject: plan.subject, isDirty: plan.isDirty, by: run.by, startedAt: run.startedAt,
      endedAt: endedAt, result: result, restores: plan.restores, reason: plan.reason,
      configurationDigest: plan.digest, services: services, order: plan.order,
      configuration: plan.configuration)
  }
}
