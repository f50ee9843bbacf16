package import Model

/// Makes the plan of a deploy: what is not yet as declared, as a graph of steps. Pure.
package struct DeployPlanner {
  var input: PlanInput

  package init(_ input: PlanInput) { self.input = input }

  /// - Throws: `Failure` of kind configuration when a value cannot be known.
  package func plan() throws(Failure) -> Plan {
    let environment = input.environment
    let order = try environment.goLiveOrder()
    var services: [PlannedService] = []
    var steps: [Step] = []
    var warnings = input.notes
    var before = before()
    try refuseWrittenSecrets()
    for service in order {
      let planner = ServicePlanner(service: service, input: input)
      let planned = try planner.plan()
      warnings += planned.warnings
      if before[service.key] == nil, let found = planned.found { before[service.key] = found }
      guard let change = planned.service else { continue }
      services.append(change)
      steps += planned.steps
    }
    warnings += DriftFinder(input).notes()
    let schemas = MigrationPlanner(input: input)
    let migrations = try schemas.plan()
    warnings += migrations.warnings
    let isEmpty = services.isEmpty && migrations.isEmpty
    let commands = environment.run.map(commandStep)
    if !isEmpty { steps = commands + migrations.steps + steps }
    steps = wired(steps, services: Set(services.map(\.service)))
    steps = schemas.arranged(steps, migrations)
    steps = CutOverOrder(services: services).arranged(steps)
    steps += confirmations(of: services, after: steps)
    if !isEmpty { steps += try checkSteps(after: steps) }
    warnings += DeployPlanner.wayBack(across: migrations.changes)
    note(migrations.changes, in: &services)
    let binding = binding()
    var plan = Plan(
      kind: .deploy, app: environment.app, environment: environment.name, commit: input.commit,
      subject: input.subject, isDirty: input.isDirty, steps: topological(steps), services: services,
      warnings: warnings, deadline: environment.protect.deadline, digest: digest(binding),
      hasPrevious: services.allSatisfy { $0.previous != nil }, before: before,
      order: order.map(\.key), configuration: environment, binding: binding)
    plan.manual = input.manual.isEmpty ? nil : input.manual
    plan.actions = input.writtenActions.map { PlannedActionsSecrets(before: $0) }
    return plan
  }

  /// The plan of `migrate up`: the schemas alone.
  /// - Parameter only: one database; nil: every one.
  /// - Throws: `Failure` of kind policy for what `protect.migrations` does not allow.
  package func migrationPlan(only: String?) throws(Failure) -> Plan {
    let environment = input.environment
    var schemas = MigrationPlanner(input: input)
    schemas.only = only
    let migrations = try schemas.plan()
    if let change = migrations.changes.first(where: { $0.appliedBy != nil }) {
      let services = (change.appliedBy ?? []).map(\.rawValue).joined(separator: ", ")
      throw Failure(
        .configuration, "the migrations of \(change.database.key) are run by the deploy of \(services)",
        place: "databases.\(change.database.key).migrations.where",
        hint: "shipit deploy \(environment.name), or write where: here")
    }
    var steps = migrations.isEmpty ? [] : migrations.steps
    // What they wait for in a deploy is not part of this.
    let known = Set(steps.map(\.id))
    for index in steps.indices { steps[index].needs.removeAll { !known.contains($0) } }
    return Plan(
      kind: .migrate, app: environment.app, environment: environment.name, commit: input.commit,
      subject: input.subject, isDirty: input.isDirty, steps: steps,
      warnings: input.notes + migrations.warnings,
      deadline: environment.protect.deadline,
      digest: input.digest("shipit-migrate-1\n\(only ?? "")\n\(bindingDigest())"), before: before(),
      order: try environment.goLiveOrder().map(\.key), configuration: environment)
  }

  /// What is said beforehand about rollback: it runs no migration tool (contract migrations §6).
  static func wayBack(across changes: [SchemaChange]) -> [String] {
    func names(_ effect: MigrationEffect) -> String {
      changes.flatMap { $0.pending.filter { $0.effect == effect }.map(\.name) }.joined(separator: ", ")
    }
    let contracts = names(.contract)
    let unknown = names(.unknown)
    if !contracts.isEmpty {
      return [
        "no automatic rollback of code once \(contracts) \(contracts.contains(",") ? "are" : "is") applied: old code may not survive it. "
          + "When something fails later, a person chooses: fix it forward, restore the database from a backup, "
          + "or accept the old code on the new schema (shipit rollback)"
      ]
    }
    if !unknown.isEmpty {
      return [
        "whether old code survives \(unknown) cannot be told: a rollback puts the code back all the same, never the schema"
      ]
    }
    return []
  }

  /// Says at each service that goes live behind a contract migration that its code will not be put back.
  private func note(_ changes: [SchemaChange], in services: inout [PlannedService]) {
    let names = changes.flatMap { $0.pending.filter { $0.effect == .contract }.map(\.name) }
    guard !names.isEmpty else { return }
    for index in services.indices where services[index].previous != nil {
      services[index].cannotRestore = [
        services[index].cannotRestore, "its code, once \(names.joined(separator: ", ")) is applied",
      ].compactMap(\.self).joined(separator: "; ")
    }
  }

  /// Binds what was asked for, not what was observed: a resumed run sees a changed world.
  package func bindingDigest() -> String { digest(binding()) }

  private func digest(_ binding: PlanBinding) -> String { input.digest("shipit-plan-2\n\(binding.text)") }

  /// What the digest is made of: commit, configuration with its settings, and the secrets' keyed fingerprints; no
  /// id of anything that was made from them.
  package func binding() -> PlanBinding {
    let environment = input.environment
    var rest = environment
    rest.services = []
    (rest.run, rest.checks, rest.protect, rest.platforms) = ([], [], Protection(), Platforms())
    // Whoever is told of a run, it is the same run.
    rest.notify = []
    // What previews are made of is nothing of the environment itself.
    rest.preview = nil
    // What jobs get is written by `secrets sync` alone.
    rest.secrets.actions = nil
    var parts = [
      "commit": input.commit, "dirty": "\(input.isDirty)",
      "run": part(environment.run), "checks": part(environment.checks), "protect": part(environment.protect),
      "platforms": part(environment.platforms), "the rest of the file": part(rest),
      "the order of services": part(environment.services.map(\.key)),
    ]
    for service in environment.services { parts["services.\(service.key)"] = part(service) }
    let deployed = environment.services.flatMap(\.variables.values).compactMap { value in
      if case .secret(let name) = value { name } else { nil }
    }
    // Whose token acts does not change what is deployed: a plan of a laptop is applied by a runner.
    let accounts = environment.platforms.secretNames.subtracting(deployed)
    for name in input.secrets.names where !accounts.contains(name) {
      guard let value = input.secrets[name] else { continue }
      parts["secret \(name)"] = input.secrets.fingerprint(of: value)
    }
    return PlanBinding(parts: parts)
  }

  private func part(_ value: some Encodable) -> String { input.digest(CanonicalText.of(value)) }

  /// One more look at each service that was proven before others went live: somebody else may have deployed it
  /// since (DESIGN §4), and "released" is said of all of them at one moment.
  private func confirmations(of services: [PlannedService], after steps: [Step]) -> [Step] {
    let proofs = steps.filter { if case .prove(let proof) = $0.action { !proof.isDark } else { false } }
    guard proofs.count > 1 else { return [] }
    let watches = Dictionary(grouping: steps.filter(\.isWatch), by: \.service)
    let ends = proofs.map { proof in
      watches[proof.service]?.last { $0.needs.contains(proof.id) }?.id ?? proof.id
    }
    return proofs.compactMap { proof in
      guard case .prove(var request) = proof.action, let service = proof.service else { return nil }
      request.health.soak = .zero
      return Step(
        id: StepID("\(service).confirm"), title: "look at \(service) once more", service: service,
        needs: ends,
        action: .soak(request), limit: .seconds(60), isRepeatable: true)
    }
  }

  /// No ledger holds a secret's value (DESIGN §7), but each holds the configuration.
  /// - Throws: `Failure` when a declared secret's value stands in it; short ones may be words like any other.
  func refuseWrittenSecrets() throws(Failure) {
    let long = input.secrets.names.filter { name in
      (input.secrets[name]?.reveal().count ?? 0) >= DeployPlanner.shortestSecret
    }
    guard !long.isEmpty else { return }
    let text = Array(CanonicalText.of(input.environment).utf8)
    for name in long {
      guard let value = input.secrets[name]?.reveal(),
        text.holds(CanonicalText.of([value]).utf8.dropFirst(2).dropLast(2))
      else { continue }
      throw Failure(
        .configuration, "the value of the secret \(name) is written out in the environment file",
        place: "environments/\(input.environment.name).yaml",
        cause: "whoever reads the file or the ledger would read it",
        hint:
          "write {secret: \(name)} where a variable wants it, or let the command read it from its environment; "
          + "make a new value when this one was ever committed")
    }
  }

  /// In characters.
  private static let shortestSecret = 16

  func before() -> [ServiceName: ReleasedService] {
    var before: [ServiceName: ReleasedService] = [:]
    for service in input.environment.services {
      if let record = input.record(of: service.key) { before[service.key] = record }
    }
    return before
  }

  private func commandStep(_ command: CommandStep) -> Step {
    Step(
      id: StepID("run.\(command.slug)"), title: "run \(command.name)",
      needs: command.needs.map { StepID($0) },
      action: .command(command), limit: command.timeout, isRepeatable: command.repeatable, lane: .commands,
      expected: .seconds(30))
  }

  private func checkSteps(after steps: [Step]) throws(Failure) -> [Step] {
    let proofs = steps.filter { step in
      switch step.action {
      case .prove, .command: true
      default: false
      }
    }.map(\.id)
    var checks: [Step] = []
    for check in input.environment.checks {
      var addresses: [String: String] = [:]
      for reference in check.kind.references {
        addresses[reference.description] = try input.value(of: reference, for: "check \(check.name)")
      }
      try judgeAddress(of: check, addresses)
      checks.append(
        Step(
          id: StepID("check.\(check.slug)"), title: "check \(check.name)", needs: proofs,
          action: .check(check, addresses: addresses), limit: check.timeout, isRepeatable: true,
          expected: check.samples.map { $0.every * $0.count } ?? .seconds(2)))
    }
    return checks
  }

  /// A check that cannot look anywhere is found out before anything is changed, not after it is live.
  private func judgeAddress(of check: Check, _ addresses: [String: String]) throws(Failure) {
    guard let template = check.kind.address else { return }
    let address = template.rendered { addresses[$0.description] ?? "" }
    guard let mistake = check.kind.mistake(in: address) else { return }
    throw Failure(
      .configuration, "the check \(check.name) cannot look at `\(address)`: it \(mistake.message)",
      place: "check \(check.name)", hint: mistake.help)
  }

  /// Turns the names in `needs` into steps: a service stands for its proof, a command for its run;
  /// what is not part of this plan is already so.
  private func wired(_ steps: [Step], services: Set<ServiceName>) -> [Step] {
    let known = Set(steps.map(\.id))
    return steps.map { step in
      var step = step
      step.needs = step.needs.compactMap { need in
        if known.contains(need) { return need }
        let proof = StepID("\(need).prove")
        if services.contains(ServiceName(rawValue: need.rawValue)), known.contains(proof) { return proof }
        let slug = String(need.rawValue.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" })
        let run = StepID("run.\(slug)")
        return known.contains(run) ? run : nil
      }
      return step
    }
  }
}

extension Step {
  /// It watches after the switch.
  fileprivate var isWatch: Bool { if case .soak = action { true } else { false } }
}

extension [UInt8] {
  /// Whether the bytes stand in it; comparing texts by characters takes a hundred times as long.
  fileprivate func holds(_ wanted: Substring.UTF8View) -> Bool {
    guard let first = wanted.first, wanted.count <= count else { return false }
    let wanted = Array(wanted)
    for start in 0...(count - wanted.count)
    where self[start] == first && self[start..<(start + wanted.count)].elementsEqual(wanted) {
      return true
    }
    return false
  }
}

extension Environment {
  /// Services so that each comes after those it needs; stable otherwise.
  /// - Throws: `Failure` when they need each other in a circle.
  package func goLiveOrder() throws(Failure) -> [Service] {
    var placed: Set<String> = []
    var rest = services
    var ordered: [Service] = []
    let names = Set(services.map(\.key.rawValue))
    while !rest.isEmpty {
      guard
        let index = rest.firstIndex(where: {
          $0.needs.allSatisfy { placed.contains($0) || !names.contains($0) }
        })
      else {
        throw Failure(
          .configuration,
          "services need each other in a circle: \(rest.map(\.key.rawValue).joined(separator: ", "))",
          hint: "shipit validate \(name)")
      }
      let service = rest.remove(at: index)
      placed.insert(service.key.rawValue)
      ordered.append(service)
    }
    return ordered
  }
}

extension PlanInput {
  /// What a reference stands for.
  /// - Throws: `Failure` when a service has no address.
  func value(of reference: Reference, for place: String) throws(Failure) -> String {
    switch reference {
    case .commit: return commit
    case .release: return String(release)
    case .environment: return environment.name
    case .serviceURL(let service):
      return try address(of: service, for: place)
    case .serviceHost(let service):
      let address = try address(of: service, for: place)
      return address.split(separator: "://", maxSplits: 1).last.map(String.init) ?? address
    case .platformVariable(_, let service, let variable):
      return "${{\(service).\(variable)}}"
    }
  }

  private func address(of service: ServiceName, for place: String) throws(Failure) -> String {
    if let address = environment.service(service)?.health.url ?? observed[service]?.address { return address }
    throw Failure(
      .configuration, "\(place) refers to the address of \(service), which has none", place: place,
      hint: "give \(service) a domain on its platform, or set services.\(service).health.url")
  }
}
