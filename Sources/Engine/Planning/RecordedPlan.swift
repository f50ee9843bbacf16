import Concurrency
package import Model

/// What a deploy would change, against what the ledger recorded last: no platform is asked, and no secret has a value. It
/// is to be read, never to be carried out. Pure.
package struct RecordedPlan: Sendable {
  /// The release it is compared with.
  package var release: Release
  package var plan: Plan

  /// - Parameters:
  ///   - releases: of the ledger, newest first.
  ///   - next: the number that a release would get.
  /// - Throws: `Failure` of kind configuration when nothing is recorded, or a value cannot be known.
  package init(
    _ environment: Environment, commit: String, subject: String, releases: [Release], next: Int,
    digest: @escaping @Sendable (String) -> String
  ) throws(Failure) {
    guard let release = releases.first(where: \.isGood) else {
      throw Failure(
        .configuration, "the ledger of \(environment.name) records no release to compare with",
        hint: "shipit plan \(environment.name), which asks the platforms")
    }
    var wanted = environment
    // Neither is looked at without credentials.
    (wanted.databases, wanted.demands, wanted.rollouts) = ([], SecretDemands(), nil)
    var warnings: [String] = []
    var records: [ServiceName: ReleasedService] = [:]
    var observed: [ServiceName: ObservedService] = [:]
    for index in wanted.services.indices {
      let service = wanted.services[index]
      guard var record = release.services[service.key] else {
        wanted.services[index].variables = service.variables.mapValues(Self.shown)
        observed[service.key] = Self.absent(service)
        continue
      }
      for (name, value) in service.variables {
        guard case .secret = value else { continue }
        // The same secret as before: whether its value changed is not known here.
        if record.variables[name] == Self.recorded(value, record.variables[name]) {
          wanted.services[index].variables[name] = nil
          record.variables[name] = nil
        } else {
          wanted.services[index].variables[name] = Self.shown(value)
        }
      }
      // What stands beside the file was not looked at, so that nothing of it can have changed.
      record.baseline = nil
      records[service.key] = record
      observed[service.key] = Self.seen(record)
    }
    if !environment.databases.isEmpty {
      warnings.append("databases were not asked: pending migrations are not shown")
    }
    var told = release
    told.services.merge(records) { $1 }
    var input = PlanInput(
      environment: wanted, commit: commit, subject: subject, observed: observed, releases: [told],
      release: next, digest: digest)
    input.notes = warnings
    self.release = release
    plan = try DeployPlanner(input).plan()
    plan.configuration = nil
  }

  /// What a release recorded of it, if it is that.
  private static func recorded(
    _ value: VariableValue, _ record: ReleasedService.RecordedVariable?
  ) -> ReleasedService.RecordedVariable? {
    guard case .secret(let name) = value, case .secret(name, let fingerprint)? = record else {
      return .text("")
    }
    return .secret(name: name, fingerprint: fingerprint)
  }

  /// A secret by its name, where its value would be.
  private static func shown(_ value: VariableValue) -> VariableValue {
    if case .secret(let name) = value { .text(Template(text: "(the secret \(name))")) } else { value }
  }

  private static func absent(_ service: Service) -> ObservedService {
    ObservedService(
      target: ServiceTarget(service: service.key, platform: service.platform, name: service.name, ids: [:]),
      address: ProvisionPlanner.unnamed(service.key),
      cutOver: service.platform == .vercel ? .staged : service.volume == nil ? .gated : .stopFirst)
  }

  private static func seen(_ record: ReleasedService) -> ObservedService {
    var live: Deployment?
    if let id = record.deployment {
      live = Deployment(
        id: id, status: .live, word: "recorded", createdAt: Timestamp(milliseconds: 0), commit: record.commit)
      if case .image(let image) = record.source { live?.image = image }
    }
    var observed = ObservedService(
      target: record.target, address: record.address, settings: record.settings, live: live, newest: live,
      cutOver: record.cutOver, restoreMode: .codeAndVariables)
    for (name, value) in record.variables {
      if case .text(let text) = value {
        observed.variables[name] = Sensitive(text)
      } else {
        observed.variables.updateValue(nil, forKey: name)
      }
    }
    return observed
  }
}
