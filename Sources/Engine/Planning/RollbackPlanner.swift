package import Model

/// What an explicit rollback is asked to do.
package struct RollbackRequest: Sendable {
  /// Nil: the one that `RollbackTarget` finds.
  package var to: Int?
  /// Empty: every service of the release.
  package var only: Set<ServiceName>
  /// The old image with today's variables.
  package var codeOnly: Bool
  package var reason: String
  /// There is no ledger: what to go back to is guessed from the platforms' own history.
  package var isGuess: Bool

  package init(
    to: Int? = nil, only: Set<ServiceName> = [], codeOnly: Bool = false, reason: String, isGuess: Bool = false
  ) {
    self.to = to
    self.only = only
    self.codeOnly = codeOnly
    self.reason = reason
    self.isGuess = isGuess
  }
}

/// Makes the plan of an explicit rollback: a deploy of the past, by the same engine. Pure; needs no
/// checkout and no environment file, for the releases hold what is needed.
package struct RollbackPlanner {
  let input: PlanInput
  let request: RollbackRequest
  /// The deployments that could be restored, as the platform has them now, by service.
  let candidates: [ServiceName: Deployment]

  package init(input: PlanInput, request: RollbackRequest, candidates: [ServiceName: Deployment]) {
    self.input = input
    self.request = request
    self.candidates = candidates
  }

  /// The plan towards the release that was chosen.
  /// - Throws: `Failure` of kind configuration when a named service is not part of it.
  package func plan(to chosen: RollbackTarget) throws(Failure) -> Plan {
    var plan = try plan(to: chosen.release)
    plan.choice = chosen.why
    for (name, from) in chosen.forward(plan.services.map(\.service)) {
      plan.warnings.append("\(name) goes forward, from release \(from) to release \(chosen.release.number)")
    }
    return plan
  }

  /// The plan towards a release.
  /// - Throws: `Failure` of kind configuration when a named service is not part of it.
  package func plan(to target: Release) throws(Failure) -> Plan {
    for name in request.only where target.services[name] == nil {
      throw Failure(
        .configuration, "release \(target.number) has no service \(name)",
        hint: "its services are \(target.services.keys.sorted().map(\.rawValue).joined(separator: ", "))")
    }
    let order = target.order.isEmpty ? target.services.keys.sorted() : target.order
    var steps: [Step] = []
    var services: [PlannedService] = []
    var warnings = input.notes
    for name in order.reversed() where request.only.isEmpty || request.only.contains(name) {
      guard let record = target.services[name] else { continue }
      guard let observed = input.observed[name] else {
        warnings.append("\(name) is no longer on \(record.target.platform.rawValue): it cannot be restored")
        continue
      }
      var own = serviceSteps(record, observed, name)
      guard let planned = own.service else { continue }
      if let last = steps.last, let first = own.steps.indices.first { own.steps[first].needs.append(last.id) }
      steps += own.steps
      services.append(planned)
    }
    if !steps.isEmpty, let mix = mix(target) { warnings.append(mix) }
    if let schema = schema(since: target) { warnings.append(schema) }
    var before: [ServiceName: ReleasedService] = [:]
    for name in order {
      // Of a service that stays nothing is asked, for its platform may be one without a token here.
      let stays = !request.only.isEmpty && !request.only.contains(name)
      before[name] = input.record(of: name) ?? (stays ? input.lastRecord(of: name) : nil)
    }
    let digest = input.digest(
      "shipit-rollback-1\n\(input.environment.name)\n\(target.number)\n\(request.codeOnly)\n"
        + request.only.sorted().map(\.rawValue).joined(separator: ","))
    return Plan(
      kind: .rollback, app: target.app, environment: target.environment, commit: target.commit,
      subject: target.subject, isDirty: target.isDirty, steps: steps, services: services, warnings: warnings,
      deadline: .seconds(3600), digest: digest, restores: request.isGuess ? nil : target.number,
      hasPrevious: true,
      reason: request.reason, before: before, order: order,
      configuration: target.configuration ?? input.environment)
  }

  /// What was done to schemas since the release: it stays.
  private func schema(since target: Release) -> String? {
    let since = input.releases.filter { $0.number > target.number }.sorted { $0.number < $1.number }
    let applied = since.flatMap(\.migrations)
    guard !applied.isEmpty else { return nil }
    let contracts = applied.filter { $0.effect == .contract }.map(\.name)
    let count = applied.count == 1 ? "1 migration" : "\(applied.count) migrations"
    let text = "the schema stays ahead by \(count): \(applied.map(\.name).joined(separator: ", "))"
    guard !contracts.isEmpty else { return text }
    return text + "; old code may not survive \(contracts.joined(separator: ", ")): look before you go on"
  }

  /// What runs together afterwards when only some services go back.
  private func mix(_ target: Release) -> String? {
    let staying = target.services.keys.filter { !request.only.contains($0) }.sorted()
    guard !request.only.isEmpty, !staying.isEmpty else { return nil }
    let going = request.only.sorted().map(\.rawValue).joined(separator: ", ")
    let others = staying.map(\.rawValue).joined(separator: ", ")
    let goes = request.only.count == 1 ? "goes" : "go"
    let stay = staying.count == 1 ? "stays" : "stay"
    if request.isGuess {
      return "only \(going) \(goes) back, \(others) \(stay): they may never have run together"
    }
    let live = input.releases.first(where: \.isGood).map { "release \($0.number)" } ?? "what is live"
    return "only \(going) \(goes) back to release \(target.number), \(others) \(stay) at \(live): "
      + "they were never released together"
  }

  private func serviceSteps(
    _ record: ReleasedService, _ observed: ObservedService, _ name: ServiceName
  ) -> (service: PlannedService?, steps: [Step]) {
    let candidate = candidates[name]
    let runsIt =
      observed.live.map { live in
        live.id == record.deployment
          || input.record(of: name).map { RollbackTarget.isSame($0, record) } ?? false
      } ?? false
    let secrets = SecretsBack(record: record, observed: observed, input: input, name: name)
    // Today's variables stay, but shipit's own name the code, which would otherwise disown itself.
    var names: [String: PlannedValue] = [OwnVariable.commit: .text(record.commit)]
    // Without a ledger there is no number to name.
    if !request.isGuess { names[OwnVariable.release] = .text(String(input.release)) }
    let own = VariablesWrite(target: observed.target, set: names)
    let needsOwn =
      !runsIt && !record.commit.isEmpty && !record.target.platform.deploymentsNameTheirRelease
    let variables = request.codeOnly ? (needsOwn ? own : nil) : secrets.write
    let settings = request.codeOnly ? [] : record.settings.differences(from: observed.settings)
    if runsIt && variables == nil && settings.isEmpty { return (nil, []) }
    var steps: [Step] = []
    var writes: [Step] = []
    if let variables {
      writes.append(
        Step(
          id: StepID("\(name).variables"), title: "put back variables of \(name)", service: name,
          action: .variables(variables), limit: .seconds(180), isRepeatable: true,
          lane: record.target.platform.lane))
    }
    if !settings.isEmpty {
      writes.append(
        Step(
          id: StepID("\(name).settings"), title: "put back settings of \(name)", service: name,
          action: .settings(
            SettingsWrite(target: observed.target, settings: record.settings, changes: settings)),
          limit: .seconds(180), isRepeatable: true, lane: record.target.platform.lane))
    }
    var lost = request.codeOnly ? [] : secrets.lost
    var reasons: [String] = []
    if !runsIt {
      let mode = mode(candidate, observed)
      if mode == .rebuild {
        lost.append(
          record.target.platform == .vercel
            ? "the build (Vercel cannot go back to it: it is built again)"
            : "the image (expired: it is built again)")
      }
      if mode == .rebuild || mode == .redeploy, let note = observed.restoreNote { lost.append(note) }
      reasons.append("commit \(short(input.liveCommit(of: name) ?? "unknown")) → \(short(record.commit))")
      let restore = restoreSteps(record, observed, name, mode, candidate)
      // Only the platform's own rollback brings the old variables along and lets code come first; any other
      // way takes the stored configuration, so that has to be right first.
      steps = mode == .codeAndVariables ? restore + writes : writes + restore
    } else {
      reasons.append("stored configuration")
      steps = writes
    }
    for index in steps.indices.dropFirst() where steps[index].needs.isEmpty {
      steps[index].needs = [steps[index - 1].id]
    }
    var after = record
    after.target = observed.target
    if request.codeOnly, let present = input.lastRecord(of: name) {
      (after.variables, after.settings) = (present.variables, present.settings)
    }
    after.previous = observed.live?.id
    return (
      PlannedService(
        service: name, platform: record.target.platform, cutOver: observed.cutOver, address: record.address,
        reasons: reasons, settings: settings, variables: request.codeOnly ? [] : secrets.changes,
        previous: observed.live?.id, previousCommit: input.liveCommit(of: name),
        cannotRestore: lost.isEmpty ? nil : lost.joined(separator: ", "), record: after), steps
    )
  }

  private func mode(_ candidate: Deployment?, _ observed: ObservedService) -> Restore.Mode {
    if observed.restoreMode == .redeploy { return .redeploy }
    guard let candidate, candidate.canRollback else { return .rebuild }
    return request.codeOnly ? .codeOnly : .codeAndVariables
  }

  private func restoreSteps(
    _ record: ReleasedService, _ observed: ObservedService, _ name: ServiceName, _ mode: Restore.Mode,
    _ candidate: Deployment?
  ) -> [Step] {
    guard let deployment = record.deployment else { return [] }
    let commit = record.standIn ?? record.commit
    let approval = record.target.platform == .encore ? input.environment.platforms.encore?.approval : nil
    let limit = record.health.within + .seconds(1200) + (approval ?? .zero)
    let restoreID = StepID("\(name).restore")
    var health = record.health
    if candidate == nil && record.commit.isEmpty { health.identity = .platform }
    return [
      Step(
        id: restoreID, title: "roll back \(name)", service: name,
        action: .restore(
          Restore(
            target: observed.target, deployment: deployment, commit: commit, mode: mode, limit: limit)),
        limit: limit, isCutOver: true, lane: record.target.platform.lane, expected: .seconds(60)),
      Step(
        id: StepID("\(name).prove"), title: "prove \(name)", service: name, needs: [restoreID],
        action: .prove(
          ProofRequest(
            target: observed.target, address: record.address ?? observed.address, health: health,
            commit: commit, deploymentStep: restoreID)),
        limit: health.within + health.grace + .seconds(30), isRepeatable: true, expected: .seconds(5)),
    ]
  }
}

/// Puts the stored variables back to what a release recorded.
private struct SecretsBack {
  var write: VariablesWrite?
  var changes: [VariableChange] = []
  /// What cannot be given back, in words.
  var lost: [String] = []

  init(record: ReleasedService, observed: ObservedService, input: PlanInput, name: ServiceName) {
    let present = input.lastRecord(of: name)?.variables ?? [:]
    let restorable = input.restorable[name] ?? []
    var set: [String: PlannedValue] = [:]
    for (variable, value) in record.variables.sorted(by: { $0.key < $1.key }) {
      switch value {
      case .text(let text):
        if present[variable] == value, observed.variables[variable] == .some(nil) { continue }
        if observed.variables[variable] != .some(Sensitive(text)) {
          set[variable] = .text(text)
          changes.append(
            VariableChange(
              name: variable, kind: observed.variables[variable] == nil ? .add : .change, isSecret: false,
              to: text))
        }
      case .secret:
        // The stored value is the one of that release when the last release recorded the same fingerprint.
        if present[variable] == value, observed.variables[variable] != nil { continue }
        if let deployment = record.deployment, restorable.contains(variable) {
          set[variable] = .deployment(id: deployment)
          changes.append(VariableChange(name: variable, kind: .change, isSecret: true))
        } else {
          lost.append("the stored value of secret \(variable)")
        }
      }
    }
    let remove = present.keys.sorted().filter {
      record.variables[$0] == nil && !OwnVariable.all.contains($0) && observed.variables[$0] != nil
    }
    changes += remove.map { VariableChange(name: $0, kind: .remove, isSecret: true) }
    guard !set.isEmpty || !remove.isEmpty else { return }
    if !record.target.platform.deploymentsNameTheirRelease {
      set[OwnVariable.commit] = .text(record.commit)
      set[OwnVariable.release] = .text(String(input.release))
    }
    write = VariablesWrite(target: observed.target, set: set, remove: remove)
  }
}
