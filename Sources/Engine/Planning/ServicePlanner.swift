import Model

/// Plans one service: compares what is declared with what runs, and makes its steps with their undo.
struct ServicePlanner {
  let service: Service
  let input: PlanInput

  struct Result {
    /// Nil when the service is as declared.
    var service: PlannedService?
    /// What runs there and is as declared, for a release that has no record of it.
    var found: ReleasedService?
    var steps: [Step] = []
    var warnings: [String] = []
  }

  private var key: ServiceName { service.key }

  func plan() throws(Failure) -> Result {
    guard let observed = input.observed[key] else {
      throw Failure(
        .configuration, "service \(key) was not found on \(service.platform.rawValue)",
        hint: "shipit doctor \(input.environment.name)")
    }
    let variables = VariablePlanner(service: service, observed: observed, input: input)
    let wanted = try variables.wanted()
    let changes = try variables.changes()
    let settings = service.platformSettings
    let settingChanges = marked(settings.differences(from: observed.settings)).map(safe)
    let source = try plannedSource()
    let reasons = reasons(observed, source, settingChanges, changes)
    var result = Result()
    if observed.autoDeploys {
      result.warnings.append(
        "\(observed.target.name) is also deployed by \(service.platform.rawValue) on each push; this run turns that off"
      )
    }
    if let live = observed.live, input.record(of: key) == nil, input.lastRecord(of: key) != nil {
      let commit = live.commit.map { " of \(short($0))" } ?? ""
      result.warnings.append(
        "\(key): deployment \(live.id)\(commit) is live, and no release tells who put it there")
    }
    let health = service.health
    var record = ReleasedService(
      target: observed.target, source: source, commit: input.commit, deployment: nil,
      address: health.url ?? observed.address, settings: settings, variables: wanted.record, health: health,
      cutOver: observed.cutOver, previous: observed.live?.id)
    record.baseline = ServiceBaseline(of: service, observed, input.secrets)
    if reasons.isEmpty && settingChanges.isEmpty && !observed.autoDeploys && observed.missingDomains.isEmpty {
      record.deployment = observed.live?.id
      record.commit = input.liveCommit(of: key) ?? input.commit
      record.previous = nil
      result.found = record
      return result
    }
    if reasons.isEmpty, let old = input.record(of: key) {
      record = old
      record.settings.backups = settings.backups
    }
    let write = reasons.isEmpty || isBeside ? nil : variables.write(wanted, changes)
    let undo = variables.undo(write)
    result.service = PlannedService(
      service: key, platform: service.platform, cutOver: observed.cutOver, address: record.address,
      reasons: reasons.isEmpty ? sideReasons(observed, settingChanges) : reasons, settings: settingChanges,
      variables: changes, previous: observed.live?.id, previousCommit: input.liveCommit(of: key),
      cannotRestore: cannotRestore(observed, undo.lost), record: record)
    result.steps = steps(
      observed, source, settings, settingChanges, write, undo.write, wanted, deploys: !reasons.isEmpty)
    return result
  }

  /// What stands on the platform was not written by the file: a command there may hold a secret.
  private func safe(_ change: SettingChange) -> SettingChange {
    guard let from = change.from, SecretLooks.mayBe(command: from) else { return change }
    var safe = change
    safe.from = "(may hold a secret: \(input.secrets.fingerprint(of: Sensitive(from)).prefix(8)))"
    return safe
  }

  /// With what shipit had written, where somebody else has written since.
  private func marked(_ changes: [SettingChange]) -> [SettingChange] {
    guard let wrote = input.lastRecord(of: key)?.settings.textsByName else { return changes }
    return changes.map { change in
      guard let then = wrote[change.name], then != change.from else { return change }
      var marked = change
      marked.recorded = then
      return marked
    }
  }

  /// Why a service is touched whose deployment stays.
  private func sideReasons(_ observed: ObservedService, _ changes: [SettingChange]) -> [String] {
    var reasons = changes.map { "\($0.name) are set; nothing is deployed" }
    if observed.autoDeploys { reasons.append("automatic deploys are turned off") }
    if !observed.missingDomains.isEmpty {
      reasons.append("domains are added: \(observed.missingDomains.joined(separator: ", "))")
    }
    return reasons
  }

  func plannedSource() throws(Failure) -> PlannedSource {
    switch service.source {
    case .directory(let path, let root, let include):
      return .directory(path: path, root: root, include: include)
    case .repository(let name): return .repository(name: name, commit: input.commit)
    case .image(let template): return .image(try rendered(template))
    case .commandLineBuild(let path, let root, let include):
      return .commandLineBuild(path: path, root: root, include: include)
    case .prebuilt(let path): return .prebuilt(path: path)
    case .encoreImage(_, let template, _): return .image(try rendered(template))
    }
  }

  private func rendered(_ template: Template) throws(Failure) -> String {
    try template.rendered { reference throws(Failure) in
      try input.value(of: reference, for: "services.\(key).source")
    }
  }

  private func reasons(
    _ observed: ObservedService, _ source: PlannedSource, _ settings: [SettingChange],
    _ variables: [VariableChange]
  ) -> [String] {
    var reasons: [String] = []
    if let live = observed.live {
      switch source {
      case .image(let image):
        if live.image != image { reasons.append("image \(live.image ?? "unknown") → \(image)") }
      case .directory, .repository, .commandLineBuild, .prebuilt:
        if let commit = input.liveCommit(of: key) {
          if commit != input.commit { reasons.append("commit \(short(commit)) → \(short(input.commit))") }
        } else {
          reasons.append("the live revision is not known")
        }
      }
      if live.status == .crashed || (live.isStopped && service.settings.cron == nil) {
        reasons.append("the live deployment has stopped")
      }
    } else {
      reasons.append("nothing is live yet")
    }
    let settings = settings.filter { !ServiceSettings.withoutDeployment.contains($0.name) }
    if !settings.isEmpty { reasons.append("\(settings.count) setting\(settings.count == 1 ? "" : "s")") }
    if !variables.isEmpty { reasons.append("\(variables.count) variable\(variables.count == 1 ? "" : "s")") }
    let since = input.writtenSince(deploymentOf: key).filter { name in !variables.contains { $0.name == name }
    }
    if !since.isEmpty { reasons.append("\(since.joined(separator: ", ")) written since it was deployed") }
    return reasons
  }

  private func cannotRestore(_ observed: ObservedService, _ lost: [String]) -> String? {
    if isBeside { return nil }
    if observed.live == nil { return "nothing was live before: there is nothing to go back to" }
    var parts: [String] = []
    if observed.restoreMode == .rebuild { parts.append("the old image has expired and would be built again") }
    if let note = observed.restoreNote { parts.append(note) }
    if !lost.isEmpty { parts.append("the stored value of \(lost.joined(separator: ", "))") }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  private func steps(
    _ observed: ObservedService, _ source: PlannedSource, _ settings: ServiceSettings,
    _ settingChanges: [SettingChange], _ write: VariablesWrite?, _ undoWrite: VariablesWrite?,
    _ wanted: VariablePlanner.Wanted, deploys: Bool
  ) -> [Step] {
    let isStaged = observed.cutOver == .staged
    if isBeside { return stepsBeside(observed, source, wanted) }
    // A staged service is built and proven dark whatever its go-live waits for.
    let needs = (isStaged ? service.buildNeeds : service.needs).map { StepID($0) }
    var steps: [Step] = []
    if case .encoreImage(let path, _, let configuration) = service.source, case .image(let image) = source,
      deploys
    {
      steps.append(imageStep(path: path, image: image, configuration: configuration))
    }
    if !settingChanges.isEmpty || observed.autoDeploys || !observed.missingDomains.isEmpty {
      steps.append(settingsStep(observed, settings, settingChanges, needs))
    }
    guard deploys else { return steps }
    if let write { steps.append(variablesStep(write, undoWrite, needs)) }
    let address = service.health.url ?? observed.address
    let deployID = StepID("\(key).deploy")
    // Only the platform's own rollback brings the old variables along; any other way takes the stored
    // configuration, so that has to be right first. What is put back here is not put back twice.
    let configurationBack = observed.restoreMode == .codeAndVariables ? [] : steps.reversed().flatMap(\.undo)
    var proof = ProofRequest(
      target: observed.target, address: address, health: service.health, commit: input.commit,
      deploymentStep: deployID)
    var deploy = Step(
      id: deployID, title: isStaged ? "stage \(key)" : "deploy \(key)", service: key,
      needs: needs + steps.map(\.id),
      action: .deploy(
        Deployment.Request(
          target: observed.target, source: source, commit: input.commit, previous: observed.live?.id,
          cutOver: observed.cutOver, variables: source.isBuiltHere ? wanted.values : nil)),
      limit: service.health.within + .seconds(1200) + approval, isCutOver: !isStaged,
      lane: service.platform.lane,
      expected: .seconds(90))
    let back = restoreSteps(observed).map { configurationBack + $0 } ?? []
    let affirm = affirmation(observed).map { [$0] } ?? []
    var moving = deployID
    if isStaged {
      steps.append(deploy)
      steps += promotion(observed, after: deployID, proof, undo: back, affirm: affirm)
      moving = StepID("\(key).promote")
    } else {
      (deploy.undo, deploy.affirm) = (back, affirm)
      steps.append(deploy)
    }
    proof.deploymentStep = moving
    steps.append(
      Step(
        id: StepID("\(key).prove"), title: "prove \(key)", service: key, needs: [moving],
        action: .prove(proof),
        limit: service.health.within + service.health.grace + .seconds(30), isRepeatable: true,
        expected: .seconds(5)))
    if service.health.soak > .zero {
      steps.append(
        Step(
          id: StepID("\(key).soak"), title: "watch \(key)", service: key, needs: [StepID("\(key).prove")],
          action: .soak(proof), limit: service.health.soak + .seconds(60), isRepeatable: true,
          expected: service.health.soak))
    }
    return steps
  }

  /// Proves a staged deployment dark, then gives it to users (DESIGN §6).
  private func promotion(
    _ observed: ObservedService, after deploy: StepID, _ proof: ProofRequest, undo: [Step], affirm: [Step]
  ) -> [Step] {
    var dark = proof
    dark.isDark = true
    let verify = StepID("\(key).verify")
    return [
      Step(
        id: verify, title: "prove \(key) dark", service: key, needs: [deploy], action: .prove(dark),
        limit: service.health.within + service.health.grace + .seconds(30), isRepeatable: true,
        expected: .seconds(5)),
      Step(
        id: StepID("\(key).promote"), title: "promote \(key)", service: key,
        needs: [verify] + service.needs.map { StepID($0) },
        action: .promote(
          Promotion(
            target: observed.target, deploymentStep: deploy, expected: observed.live?.id,
            commit: input.commit)),
        limit: .seconds(300), isCutOver: true, lane: service.platform.lane, undo: undo, affirm: affirm,
        expected: .seconds(5)),
    ]
  }

  private func imageStep(path: String, image: String, configuration: String?) -> Step {
    Step(
      id: StepID("\(key).image"), title: "build the image of \(key)", service: key,
      needs: service.buildNeeds.map { StepID($0) },
      action: .buildImage(
        ImageBuild(
          service: key, path: path, image: image, configuration: configuration, commit: input.commit,
          variables: service.variables.keys.sorted())),
      limit: .seconds(1800), isRepeatable: true, lane: .commands, expected: .seconds(120))
  }

  func variablesStep(_ write: VariablesWrite, _ undo: VariablesWrite?, _ needs: [StepID]) -> Step {
    Step(
      id: StepID("\(key).variables"), title: "write variables of \(key)", service: key, needs: needs,
      action: .variables(write), limit: .seconds(180), isRepeatable: true, lane: service.platform.lane,
      undo: undo.map {
        [
          Step(
            id: StepID("undo.\(key).variables"), title: "put back variables of \(key)", service: key,
            action: .variables($0), limit: .seconds(180), isRepeatable: true, lane: service.platform.lane)
        ]
      } ?? [])
  }

  private func settingsStep(
    _ observed: ObservedService, _ settings: ServiceSettings, _ changes: [SettingChange], _ needs: [StepID]
  ) -> Step {
    let back =
      changes.isEmpty
      ? nil : SettingsUndo.write(target: observed.target, changes, observed: observed.settings)
    return Step(
      id: StepID("\(key).settings"), title: "write settings of \(key)", service: key, needs: needs,
      action: .settings(
        SettingsWrite(
          target: observed.target, settings: settings, changes: changes,
          autoDeploys: observed.autoDeploys ? false : nil, domains: observed.missingDomains)),
      limit: .seconds(180), isRepeatable: true, lane: service.platform.lane,
      undo: back.map {
        [
          Step(
            id: StepID("undo.\(key).settings"), title: "put back settings of \(key)", service: key,
            action: .settings($0), limit: .seconds(180), isRepeatable: true, lane: service.platform.lane)
        ]
      } ?? [])
  }

  private func restoreSteps(_ observed: ObservedService) -> [Step]? {
    guard let live = observed.live else { return nil }
    let commit = input.servedCommit(of: key)
    let restoreID = StepID("undo.\(key).deploy")
    let limit = service.health.within + .seconds(1200) + approval
    var steps = [
      Step(
        id: restoreID, title: "roll back \(key)", service: key,
        action: .restore(
          Restore(
            target: observed.target, deployment: live.id, commit: commit,
            mode: observed.restoreMode ?? .rebuild,
            limit: limit)),
        limit: limit, isCutOver: true, lane: service.platform.lane, expected: .seconds(60))
    ]
    if var proof = affirmation(observed) {
      proof.id = StepID("undo.\(key).prove")
      if case .prove(var request) = proof.action {
        request.deploymentStep = restoreID
        request.deployment = nil
        proof.action = .prove(request)
      }
      steps.append(proof)
    }
    return steps
  }

  /// How long a person may take within a deployment, beside its own time.
  private var approval: Duration {
    service.platform == .encore ? input.environment.platforms.encore?.approval ?? .zero : .zero
  }

  /// Proves that what was live before still answers.
  private func affirmation(_ observed: ObservedService) -> Step? {
    guard let live = observed.live else { return nil }
    let record = input.record(of: key)
    let commit = input.servedCommit(of: key)
    var health = record?.health ?? service.health
    // Without a known revision there is nothing to compare with: the platform's word has to do.
    if commit == nil { health.identity = .platform }
    return Step(
      id: StepID("affirm.\(key)"), title: "prove the previous \(key)", service: key,
      action: .prove(
        ProofRequest(
          target: observed.target, address: record?.address ?? service.health.url ?? observed.address,
          health: health, commit: commit, deployment: live.id)),
      limit: health.within + health.grace + .seconds(30), isRepeatable: true, expected: .seconds(5))
  }
}

/// The first seven digits of a commit, for people.
func short(_ commit: String) -> String { String(commit.prefix(7)) }
