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
      // A staged deployment serves only once it was promoted.
      let cutOver = planned.cutOver == .staged ? "promote" : "deploy"
      let moved = results[StepID("\(name).\(cutOver)")] ?? results[StepID("\(name).restore")]
      let proof = results[StepID("\(name).prove")]?.proof
      let restored = results[StepID("undo.\(name).deploy")]
      if let restored {
        // Put back by this run: the old code under a new deployment.
        var record = plan.before[name] ?? planned.record
        record.deployment = restored.externalID ?? record.deployment
        record.commit = planned.previousCommit ?? record.commit
        record.standIn = restored.facts[StepFact.standIn]
        record.proof = results[StepID("undo.\(name).prove")]?.proof ?? .no
        services[name] = record
      } else if let moved, isForward || isPartial {
        var record = planned.record
        record.deployment = moved.externalID
        record.standIn = moved.facts[StepFact.standIn]
        record.proof = proof ?? .no
        if planned.cutOver == .beside { record.address = moved.facts[StepFact.address] }
        record.digest =
          (results[StepID("\(name).deploy")] ?? moved).facts[StepFact.digest]
          ?? results[StepID("\(name).image")]?.facts[StepFact.digest]
        record.variableTimes = Release.variableTimes(record, plan.before[name], results)
        services[name] = record
      } else if isForward {
        // Only configuration was written: what runs stays, its record follows.
        var record = planned.record
        record.deployment = record.deployment ?? planned.previous
        record.variableTimes = Release.variableTimes(record, plan.before[name], results)
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
      configuration: plan.configuration, decisions: plan.decisions,
      migrations: Release.migrations(of: plan, results), actions: Release.actions(of: plan, results))
  }

  /// What earlier runs wrote for GitHub Actions, and what this one did.
  private static func actions(
    of plan: Plan, _ results: [StepID: StepResult]
  ) -> WrittenActionsSecrets? {
    guard var written = plan.actions?.before else { return nil }
    if case .actionsSecrets(let write)? = plan.step(PlannedActionsSecrets.step)?.action {
      let times = Release.writtenTimes(results[PlannedActionsSecrets.step])
      for (name, value) in write.set {
        // Without its end it is not known what stands there.
        written.entries[name] = times[name].map { WrittenActionsSecrets.Entry(value: value, at: $0) }
      }
    }
    return written
  }

  /// The times of writes that a step has told.
  private static func writtenTimes(_ result: StepResult?) -> [String: Timestamp] {
    var times: [String: Timestamp] = [:]
    for (name, text) in result?.facts ?? [:] where name.hasPrefix(StepFact.writtenPrefix) {
      guard let milliseconds = Int64(text) else { continue }
      times[String(name.dropFirst(StepFact.writtenPrefix.count))] = Timestamp(milliseconds: milliseconds)
    }
    return times
  }

  /// What was applied, as far as steps have told.
  private static func migrations(of plan: Plan, _ results: [StepID: StepResult]) -> [ReleasedMigration] {
    plan.schemaChanges.flatMap { change -> [ReleasedMigration] in
      let facts = results[change.database.step]?.facts[StepFact.applied] ?? ""
      let names = Set(facts.split(separator: "\n").map(String.init))
      return change.pending.filter { names.contains($0.name) }.map {
        ReleasedMigration(database: change.database.key, name: $0.name, effect: $0.effect)
      }
    }
  }

  /// When each variable was last written: by this run, else as the record before says.
  private static func variableTimes(
    _ record: ReleasedService, _ before: ReleasedService?, _ results: [StepID: StepResult]
  ) -> [String: Timestamp] {
    var times = before?.variableTimes ?? [:]
    times.merge(writtenTimes(results[StepID("\(record.target.service).variables")])) { $1 }
    return times.filter { record.variables[$0.key] != nil }
  }
}
