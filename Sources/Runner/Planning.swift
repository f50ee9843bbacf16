import Concurrency
package import Engine
package import Model

/// Gathers what a plan is made from, and makes it: the same for `plan`, `deploy` and `rollback`.
package struct Planning: Sendable {
  package let environment: Environment
  let ledger: any Ledger
  let platforms: [PlatformName: any Platform]
  let secrets: SecretValues
  private let history: any RevisionHistory
  let digest: @Sendable (String) -> String
  private let databases: DatabaseLooks
  private let actions: (any ActionsSecretStore)?
  /// Looks at the flag of a rollout that is to begin; nil: nobody does.
  package var flags: (@Sendable (RolloutTarget) async throws(Failure) -> FlagState)?

  /// - Parameters:
  ///   - digest: SHA-256 in hex.
  ///   - databases: who looks at databases; nothing is known of them without.
  ///   - actions: who looks at the secrets of GitHub Actions.
  package init(
    environment: Environment, ledger: any Ledger, platforms: [PlatformName: any Platform],
    secrets: SecretValues,
    history: any RevisionHistory, digest: @escaping @Sendable (String) -> String,
    databases: DatabaseLooks = DatabaseLooks(), actions: (any ActionsSecretStore)? = nil
  ) {
    self.environment = environment
    self.ledger = ledger
    self.platforms = platforms
    self.secrets = secrets
    self.history = history
    self.digest = digest
    self.databases = databases
    self.actions = actions
  }

  /// The binding digest of what is asked for; needs no look at any platform.
  package func digest(_ request: DeployRequest) async throws(Failure) -> String {
    DeployPlanner(bareInput(request)).bindingDigest()
  }

  /// The plan of a deploy, after every check that may refuse it.
  package func plan(_ request: DeployRequest) async throws(Failure) -> Plan {
    try await checkRevision(request)
    try await checkDirectories(request)
    var input = bareInput(request)
    if let saved = request.saved { try checkBinding(saved, input) }
    if let missing = try await provisioning(request, input) {
      if let saved = request.saved { try checkMade(saved, missing) }
      return await warned(missing)
    }
    try await fill(&input)
    try await checkAge(request, input)
    try await look(request, &input)
    for service in environment.services {
      guard let target = input.observed[service.key]?.target else { continue }
      try await foresee(
        CodeChange(
          target: target, from: input.servedCommit(of: service.key), to: request.revision.commit,
          isDirty: request.isDirty), &input)
    }
    var plan = try DeployPlanner(input).plan()
    plan.configuration = environment
    plan.reason = request.reason
    plan.rollouts = try await rollouts(plan)
    if let saved = request.saved { try checkState(saved, input) }
    for case .deploy(let deploy) in plan.steps.map(\.action) {
      try await platforms[deploy.target.platform]?.inspect(deploy.source, of: deploy.target.service)
    }
    return await warned(plan)
  }

  /// The plan of `migrate up`: the schemas alone, of one database or of all.
  package func plan(_ request: MigrateRequest) async throws(Failure) -> Plan {
    try databases.check(request.only, environment)
    let deploy = DeployRequest(revision: request.revision)
    try await checkRevision(deploy)
    var input = bareInput(deploy)
    input.releases = try await ledger.recentReleases()
    input.release = (try await ledger.runs(limit: 1).first?.release ?? 0) + 1
    // What runs is as the newest release recorded it: no platform is asked.
    try await look(deploy, &input, only: request.only)
    var plan = try DeployPlanner(input).migrationPlan(only: request.only)
    if let newest = input.releases.first { (plan.before, plan.order) = (newest.services, newest.order) }
    return plan
  }

  /// What `migrate status` shows: what is pending, whatever may be done about it, and what was seen.
  package func look(
    _ request: MigrateRequest
  ) async throws(Failure) -> (plan: Plan, databases: [String: ObservedDatabase]) {
    try databases.check(request.only, environment)
    var open = environment
    open.protect.migrations = nil
    let deploy = DeployRequest(revision: request.revision)
    var input = bareInput(deploy)
    input.environment = open
    try await look(deploy, &input, only: request.only)
    return (try DeployPlanner(input).migrationPlan(only: request.only), input.databases)
  }

  /// The binding digest of what `migrate up` is asked for.
  package func digest(_ request: MigrateRequest) throws(Failure) -> String {
    try DeployPlanner(bareInput(DeployRequest(revision: request.revision))).migrationPlan(only: request.only)
      .digest
  }

  /// Looks at the databases, each of which is tested by it, and at those that sources declare.
  private func look(
    _ request: DeployRequest, _ input: inout PlanInput, only: String? = nil
  ) async throws(Failure) {
    let commit = request.revision.commit
    for service in environment.services {
      input.declared[service.key] = try await databases.discovery?.databases(of: service, commit: commit)
    }
    guard let observer = databases.observer else { return }
    for database in environment.databases
    where (only == nil || only == database.key) && database.url != .unreached {
      input.databases[database.key] = try await observer.observe(
        database, commit: commit, isDirty: request.isDirty)
    }
  }

  /// The plan of an explicit rollback.
  package func plan(_ request: RollbackRequest) async throws(Failure) -> Plan {
    if request.isGuess { return try await guessedPlan(request) }
    let releases = try await ledger.recentReleases()
    let chosen = try RollbackTarget(of: request, releases: releases)
    let target = chosen.release
    var input = PlanInput(
      environment: target.configuration ?? environment, commit: target.commit, subject: target.subject,
      observed: [:], secrets: secrets, digest: digest)
    try await fill(&input, restorableFrom: target, only: request.only)
    try await foresee(target, request, &input)
    var plan = try RollbackPlanner(
      input: input, request: request, candidates: try await candidates(of: target, only: request.only)
    ).plan(to: chosen)
    plan.rollouts = try await runningRollouts()
    return plan
  }

  /// The plan of a rollback without a ledger: to what the platforms say served before.
  private func guessedPlan(_ request: RollbackRequest) async throws(Failure) -> Plan {
    var input = PlanInput(
      environment: environment, commit: "", observed: [:], secrets: secrets, digest: digest)
    try await fill(&input, only: request.only)
    let history = try await ask(environment.limited(to: request.only)) { platform throws(Failure) in
      try await platform.history(environment, limit: Planning.historyLimit)
    }
    let guess = HistoryGuess(
      environment, observed: input.observed,
      history: history.reduce(into: [:]) { $0.merge($1) { first, _ in first } }, only: request.only)
    let target = try guess.release(
      of: environment, observed: input.observed, only: request.only, at: Timestamp(milliseconds: 0))
    try await foresee(target, request, &input)
    var plan = try RollbackPlanner(
      input: input, request: request, candidates: try await candidates(of: target, only: request.only)
    ).plan(to: target)
    for index in plan.services.indices {
      guard let pick = guess.picks[plan.services[index].service] else { continue }
      plan.services[index].reasons.insert(pick.reason, at: 0)
    }
    plan.warnings += guess.misses.sorted { $0.key < $1.key }.map(\.value)
    plan.warnings.append("no ledger tells what belongs together: this set may never have been one release")
    plan.warnings.append("no lease: nobody else is kept out, and an interrupted run cannot be continued")
    return plan
  }

  /// How far back a guess looks, in deployments of a service.
  private static let historyLimit = 30

  /// What is to be restored, as the platforms have it now.
  private func candidates(
    of target: Release, only: Set<ServiceName>
  ) async throws(Failure) -> [ServiceName: Deployment] {
    var candidates: [ServiceName: Deployment] = [:]
    for (name, record) in target.services where only.isEmpty || only.contains(name) {
      guard let id = record.deployment, let platform = platforms[record.target.platform] else { continue }
      candidates[name] = try await platform.deployment(id, of: record.target)
    }
    return candidates
  }

  /// Asks the platforms what going back to a release would mean.
  private func foresee(
    _ target: Release, _ request: RollbackRequest, _ input: inout PlanInput
  ) async throws(Failure) {
    for (name, record) in target.services where request.only.isEmpty || request.only.contains(name) {
      guard let target = input.observed[name]?.target else { continue }
      try await foresee(
        CodeChange(
          target: target, from: input.servedCommit(of: name), to: record.standIn ?? record.commit,
          isRollback: true), &input)
    }
  }

  private func bareInput(_ request: DeployRequest) -> PlanInput {
    var wanted = environment
    for index in wanted.services.indices {
      guard let image = request.images[wanted.services[index].key] else { continue }
      wanted.services[index].source = .image(Template(text: image))
    }
    return PlanInput(
      environment: wanted, commit: request.revision.commit, subject: request.revision.subject,
      isDirty: request.isDirty, observed: [:], secrets: secrets, digest: digest)
  }

  /// What is stored and what is wanted now, of the commit that the newest release is of.
  func secretsInput() async throws(Failure) -> PlanInput {
    let newest = try await ledger.recentReleases().first
    var input = PlanInput(
      environment: environment, commit: newest?.commit ?? "", subject: newest?.subject ?? "", observed: [:],
      secrets: secrets, digest: digest)
    try await fill(&input)
    input.actions = try await actions?.stored()
    return input
  }

  /// Reads the platforms and the ledger.
  /// - Parameters:
  ///   - only: services that are looked at; empty: all.
  ///   - absent: services that are not looked at, for nothing of them is there.
  func fill(
    _ input: inout PlanInput, restorableFrom target: Release? = nil, only: Set<ServiceName> = [],
    without absent: Set<ServiceName> = []
  ) async throws(Failure) {
    input.releases = try await ledger.recentReleases()
    input.release = (try await ledger.runs(limit: 1).first?.release ?? 0) + 1
    var looked = input.environment.limited(to: only)
    looked.services.removeAll { absent.contains($0.key) }
    for observation in try await observe(looked) {
      input.observed.merge(observation.services) { first, _ in first }
      input.notes += observation.notes
      input.manual += observation.manual
    }
    for (name, observed) in input.observed {
      guard let platform = platforms[observed.target.platform],
        let deployment = target.map({ $0.services[name]?.deployment }) ?? observed.live?.id
      else { continue }
      // Without the right to read it nothing can be given back from there; the plan says so.
      do throws(Failure) {
        input.restorable[name] = try await platform.restorableVariables(
          of: observed.target, deployment: deployment)
      } catch {
        input.restorable[name] = []
      }
    }
  }

  /// Asks a service's platform what a change of its code would mean.
  private func foresee(_ change: CodeChange, _ input: inout PlanInput) async throws(Failure) {
    guard change.from != change.to, let platform = platforms[change.target.platform] else { return }
    let foresight = try await platform.foresee(change)
    input.notes += foresight.notes
    if let note = foresight.restoreNote {
      let known = input.observed[change.target.service]?.restoreNote
      input.observed[change.target.service]?.restoreNote = [known, note].compactMap(\.self).joined(
        separator: "; ")
    }
  }

  private func observe(_ environment: Environment) async throws(Failure) -> [Observation] {
    try await ask(environment) { platform throws(Failure) in try await platform.observe(environment) }
  }

  /// Every platform is asked at the same time; the first failure, in their order, ends it.
  func ask<Answer: Sendable>(
    _ environment: Environment, asking names: Set<PlatformName>? = nil,
    _ question: @escaping @Sendable (any Platform) async throws(Failure) -> Answer
  ) async throws(Failure) -> [Answer] {
    let names = (names ?? Set(environment.services.map(\.platform))).sorted { $0.rawValue < $1.rawValue }
    let platforms = platforms
    let answers = await withTaskGroup(of: (PlatformName, Result<Answer, Failure>).self) { group in
      for name in names {
        group.addTask {
          guard let platform = platforms[name] else {
            return (
              name, .failure(Failure(.configuration, "services on \(name.title) are not supported yet"))
            )
          }
          do throws(Failure) {
            return (name, .success(try await question(platform)))
          } catch {
            return (name, .failure(error))
          }
        }
      }
      var answers: [PlatformName: Result<Answer, Failure>] = [:]
      for await (name, answer) in group { answers[name] = answer }
      return answers
    }
    var all: [Answer] = []
    for name in names { if let answer = answers[name] { all.append(try answer.get()) } }
    return all
  }

  /// `protect.branch`, and a dirty tree (DESIGN §4).
  private func checkRevision(_ request: DeployRequest) async throws(Failure) {
    if request.isDirty {
      if environment.protect.isAboutCommits {
        throw Failure(
          .policy, "\(environment.name) is protected: a dirty tree cannot be deployed to it",
          hint: "commit your changes, then shipit deploy \(environment.name)")
      }
      return
    }
    var paths = ["environments"]
    paths += environment.services.compactMap { $0.source.tree?.path }
    paths += environment.databases.compactMap { $0.migrations?.directory }
    let changed = try await history.changedFiles(under: paths)
    if !changed.isEmpty {
      let shown = changed.prefix(5).joined(separator: ", ") + (changed.count > 5 ? ", …" : "")
      throw Failure(
        .configuration,
        "\(changed.count) changed file\(changed.count == 1 ? "" : "s") would not be deployed: \(shown)",
        cause: "what is deployed is the commit \(request.revision.commit.prefix(7)), never the working tree",
        hint: "commit or undo the changes; or shipit deploy \(environment.name) --dirty")
    }
    if let branch = environment.protect.branch,
      try await !history.isCommit(request.revision.commit, onBranch: branch)
    {
      throw Failure(
        .policy,
        "commit \(request.revision.commit.prefix(7)) is not on \(branch), and only that may go to \(environment.name)",
        place: "protect.branch", hint: "merge it into \(branch) first")
    }
  }

  /// A saved plan binds commit, configuration and secrets.
  private func checkBinding(_ saved: SavedPlan, _ input: PlanInput) throws(Failure) {
    let planner = DeployPlanner(input)
    guard planner.bindingDigest() != saved.plan.digest else { return }
    let moved = saved.moved(to: planner.binding())
    throw stale(saved, moved.isEmpty ? ["how plans are made, in another version of shipit"] : moved)
  }

  /// A saved plan is applied as it is or not at all.
  private func checkState(_ saved: SavedPlan, _ input: PlanInput) throws(Failure) {
    // What it was to make is made: what follows could not be saved.
    if saved.plan.kind == .provision { return }
    // The number a run gets is no part of what moved.
    var input = input
    input.release = saved.release
    let moved = saved.moved(to: try DeployPlanner(input).plan())
    if !moved.isEmpty { throw stale(saved, moved) }
  }

  func stale(_ saved: SavedPlan, _ moved: [String]) -> Failure {
    let name = environment.name
    return Failure(
      .stale, "the plan that \(saved.by) saved at \(saved.madeAt.iso8601) is not what would be done now",
      cause: "what moved: \(moved.joined(separator: "; "))",
      hint: "make it anew and look at it: shipit plan \(name) --commit \(short(saved.plan.commit)) --out FILE"
    )
  }

  /// Nothing is begun for a service whose source the commit does not hold.
  private func checkDirectories(_ request: DeployRequest) async throws(Failure) {
    guard !request.isDirty else { return }
    let trees = environment.services.filter { request.images[$0.key] == nil }
      .compactMap { service in service.source.tree.map { (service.key, $0.path) } }
    let missing = try await history.missingDirectories(of: trees.map(\.1), in: request.revision.commit)
    guard let (service, path) = trees.first(where: { missing.contains($0.1) }) else { return }
    throw Failure(
      .configuration, "commit \(request.revision.commit.prefix(7)) has no directory \(path)",
      place: "services.\(service).source",
      cause: missing.count > 1 ? "nor \(missing.filter { $0 != path }.joined(separator: ", "))" : nil,
      hint: "commit it, or correct `source.directory`, which counts from the project's root")
  }

  /// Never back in time (promise 6).
  func checkAge(_ request: DeployRequest, _ input: PlanInput) async throws(Failure) {
    guard !request.allowsOlder else { return }
    for service in environment.services {
      guard let live = input.liveCommit(of: service.key), live != request.revision.commit else { continue }
      let relation = try await history.relation(of: request.revision.commit, to: live)
      guard relation == .ancestor || relation == .diverged else { continue }
      let release = input.releases.first { $0.services[service.key]?.commit == live }
      let who = release.map { " (release \($0.number) by \($0.by), \($0.endedAt.iso8601))" } ?? ""
      throw Failure(
        .stale,
        relation == .ancestor
          ? "commit \(request.revision.commit.prefix(7)) is older than \(live.prefix(7)), which is live for \(service.key)\(who)"
          : "commit \(request.revision.commit.prefix(7)) and \(live.prefix(7)), which is live for \(service.key)\(who), have diverged",
        hint:
          "shipit rollback \(environment.name), to go back; merge, to go on; or shipit deploy \(environment.name) --allow-older"
      )
    }
  }
}

extension Environment {
  /// With some services alone, so that no other platform has to be asked; empty: all of them.
  fileprivate func limited(to only: Set<ServiceName>) -> Environment {
    guard !only.isEmpty else { return self }
    var limited = self
    limited.services.removeAll { !only.contains($0.key) }
    return limited
  }
}
