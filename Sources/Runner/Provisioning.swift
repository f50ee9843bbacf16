import Engine
import Model

extension Planning {
  /// The plan that makes what is missing before it is deployed to; nil when nothing is, or nothing may be made.
  /// - Throws: `Failure` of kind configuration when something is missing that may not be made, or when what is deployed
  ///   afterwards could not be planned; of kind waiting when a person has to make it.
  func provisioning(_ request: DeployRequest, _ input: PlanInput) async throws(Failure) -> Plan? {
    guard environment.provision != .adopt else { return nil }
    var shortfall = Shortfall()
    for found in try await ask(
      environment, asking: provisioned,
      { platform throws(Failure) in
        try await platform.missing(environment)
      })
    {
      shortfall.add(found)
    }
    if environment.provision == .never { return try refuse(shortfall) }
    if let blocked = shortfall.manual.filter(\.blocks).failure(environment.name) { throw blocked }
    guard !shortfall.creations.isEmpty else { return nil }
    var input = input
    try await fill(&input, without: shortfall.absent)
    try await checkAge(request, input)
    return try ProvisionPlanner(input, shortfall).plan()
  }

  /// The platforms that are asked: those of the services, and the one that databases are made on.
  private var provisioned: Set<PlatformName> {
    var names = Set(environment.services.map(\.platform))
    if environment.databases.contains(where: { $0.create != nil }) { names.insert(.railway) }
    return names
  }

  private func refuse(_ shortfall: Shortfall) throws(Failure) -> Plan? {
    let missing = shortfall.creations.map(\.words) + shortfall.manual.filter(\.blocks).map(\.title)
    guard let first = missing.first else { return nil }
    let what = missing.count == 1 ? "\(first) is missing" : "\(missing.count) things are missing"
    throw Failure(
      .configuration, "\(what), and nothing may be made: provision is `never`", place: "provision",
      cause: missing.joined(separator: "; "),
      hint: "make it yourself, or let shipit make it: provision: create")
  }
}

extension Planning {
  /// With what the platforms say of it.
  func warned(_ plan: Plan) async -> Plan {
    var plan = plan
    for (_, platform) in platforms.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      plan.warnings += await platform.warnings(on: plan)
    }
    return plan
  }

  /// The same of a plan that makes what is missing. Saved as one, it is followed by a deploy that nobody has seen.
  func checkMade(_ saved: SavedPlan, _ missing: Plan) throws(Failure) {
    guard saved.plan.kind != .provision || saved.plan.steps != missing.steps else { return }
    throw stale(
      saved,
      saved.plan.kind == .provision ? ["what is missing"] : missing.steps.map { "to be made: \($0.title)" })
  }
}

extension OperationResult {
  /// A run that made what was missing and went well: the deploy follows.
  var isProvisioned: Bool { plan?.kind == .provision && exit == .done }

  /// With what is left for a person: exit code 9 until it is done.
  var awaited: OperationResult {
    guard exit == .done, let failure = plan.flatMap({ ($0.manual ?? []).failure($0.environment) }) else {
      return self
    }
    var waiting = self
    waiting.exit = .waiting
    waiting.failure = failure
    return waiting
  }
}
