package import Model

/// A secret that no source has and that the platforms of its services keep (`secrets.rules.NAME.keep`): what is to be done so
/// that each of them has the same value. Pure.
package enum KeptSecret: Sendable, Hashable {
  /// Every service has it.
  case kept
  /// Some lack it, or all: a new value is made.
  case new
  /// Some lack it, and the others show this one.
  case reused(Sensitive)
  /// Some lack it, and what these have cannot be read, or is not the same.
  case unreadable([ServiceName])

  package init(_ secret: String, _ input: PlanInput) {
    var lacking = false
    var hidden = false
    var holders: [ServiceName] = []
    var values: Set<Sensitive> = []
    for service in input.environment.services {
      for (name, value) in service.variables where value == .secret(secret) {
        switch input.observed[service.key]?.variables[name] {
        case nil:
          lacking = true
          continue
        case .some(nil): hidden = true
        case .some(.some(let value)): values.insert(value)
        }
        holders.append(service.key)
      }
    }
    if !lacking {
      self = .kept
    } else if holders.isEmpty {
      self = .new
    } else if !hidden, values.count == 1, let value = values.first {
      self = .reused(value)
    } else {
      self = .unreadable(holders)
    }
  }
}

extension DeployPlanner {
  /// The plan that gives a kept secret its value, which is among the secrets.
  /// - Parameter replaces: services that have another value get this one too.
  /// - Throws: `stale` when a service that was to lack it has it by now.
  package func keptPlan(of secret: String, replaces: Bool) throws(Failure) -> Plan {
    var only = self
    only.input.environment.services = input.environment.services.compactMap { service in
      var service = service
      service.variables = service.variables.filter { $0.value == .secret(secret) }
      return service.variables.isEmpty ? nil : service
    }
    only.input.environment.secrets.actions = nil
    for stored in try only.storedSecrets() where !replaces && [.differs, .unknown].contains(stored.state) {
      throw Failure(
        .stale, "\(stored.variable) was written by somebody else meanwhile, and is left as it is",
        hint: "shipit secrets diff \(input.environment.name)")
    }
    var plan = try only.secretsPlan(evenIfNotLive: true)
    (plan.configuration, plan.order) = (input.environment, try input.environment.goLiveOrder().map(\.key))
    plan.actions = input.writtenActions.map { PlannedActionsSecrets(before: $0) }
    return plan
  }
}
