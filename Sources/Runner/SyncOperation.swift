import Concurrency
package import Engine
package import Model

/// `shipit secrets sync`: lease, settle, look, plan, agree, write, record.
package struct SyncOperation: Sendable {
  private let context: OperationContext
  private let planning: Planning

  package init(_ context: OperationContext, planning: Planning) {
    self.context = context
    self.planning = planning
  }

  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  package func run(agree: @Sendable (Plan) async -> Bool) async -> OperationResult {
    await context.underLease { operation throws(Failure) in
      try await context.refuseWhileHeld(planning.environment.name)
      let plan = try await planning.secretsPlan()
      if let continued = try await operation.settle(unlessSame: plan.digest) { return continued }
      // What was settled may have written some of it.
      return try await operation.carryOutUnderRules(
        try await planning.secretsPlan(), planning.environment, agree: agree)
    }
  }
}

extension Planning {
  /// The plan of `secrets sync`.
  package func secretsPlan() async throws(Failure) -> Plan {
    try DeployPlanner(try await secretsInput()).secretsPlan()
  }

  /// How each secret of a service stands to its source, and what else was seen.
  package func storedSecrets() async throws(Failure) -> (secrets: [StoredSecret], notes: [String]) {
    let input = try await secretsInput()
    let stored = try DeployPlanner(input).storedSecrets()
    let lacking = stored.filter { secret in
      secret.state == .missing && input.secrets[secret.secret] == nil
        && environment.demands.isKept(secret.secret)
    }
    let notes = Set(lacking.map(\.secret)).sorted().map {
      "\($0) is kept by the platforms of its services, and one lacks it: shipit secrets generate \(environment.name) \($0)"
    }
    return (stored, input.notes + notes)
  }

  /// What is to be done about a secret that the platforms of its services keep.
  package func keptSecret(_ name: String) async throws(Failure) -> KeptSecret {
    KeptSecret(name, try await secretsInput())
  }

  /// The plan that gives such a secret its value.
  func keptPlan(of name: String, replaces: Bool) async throws(Failure) -> Plan {
    try DeployPlanner(try await secretsInput()).keptPlan(of: name, replaces: replaces)
  }
}

/// `shipit secrets generate` for a secret that the platforms of its services keep: lease, settle, look, plan, agree, write,
/// record.
package struct KeepOperation: Sendable {
  private let context: OperationContext
  private let planning: Planning
  private let name: String
  private let replaces: Bool

  /// - Parameters:
  ///   - planning: has the value among its secrets.
  ///   - replaces: services that have another value get this one too.
  package init(_ context: OperationContext, planning: Planning, name: String, replaces: Bool) {
    self.context = context
    self.planning = planning
    self.name = name
    self.replaces = replaces
  }

  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  package func run(agree: @Sendable (Plan) async -> Bool) async -> OperationResult {
    await context.underLease { operation throws(Failure) in
      try await context.refuseWhileHeld(planning.environment.name)
      let plan = try await planning.keptPlan(of: name, replaces: replaces)
      if let continued = try await operation.settle(unlessSame: plan.digest) { return continued }
      return try await operation.carryOutUnderRules(
        try await planning.keptPlan(of: name, replaces: replaces), planning.environment, agree: agree)
    }
  }
}
