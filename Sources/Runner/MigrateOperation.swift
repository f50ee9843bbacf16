import Concurrency
import Engine
package import Model

/// What `migrate up` is asked to do.
package struct MigrateRequest: Sendable {
  package var revision: Revision
  /// One database; nil: every one.
  package var only: String?

  package init(revision: Revision, only: String? = nil) {
    self.revision = revision
    self.only = only
  }
}

/// Who looks at databases when a plan is made.
package struct DatabaseLooks: Sendable {
  package var observer: (any DatabaseObserver)?
  package var discovery: (any DatabaseDiscovery)?

  package init(observer: (any DatabaseObserver)? = nil, discovery: (any DatabaseDiscovery)? = nil) {
    self.observer = observer
    self.discovery = discovery
  }

  /// - Throws: `Failure` of kind configuration for a name that no database has.
  func check(_ name: String?, _ environment: Environment) throws(Failure) {
    let known = environment.databases.filter { $0.migrations != nil || !$0.scripts.isEmpty }.map(\.key)
    if let name, !known.contains(name) {
      throw Failure(
        .configuration, "\(environment.name) has no database “\(name)” with migrations",
        hint: known.isEmpty
          ? "shipit explain databases.migrations" : "there are \(known.joined(separator: ", "))")
    }
    guard known.isEmpty else { return }
    throw Failure(
      .configuration, "\(environment.name) declares no migrations",
      place: "environments/\(environment.name).yaml", hint: "shipit explain databases.migrations")
  }
}

/// `shipit migrate up`: lease, settle, look, plan, agree, migrate, record.
package struct MigrateOperation: Sendable {
  private let context: OperationContext
  private let planning: Planning
  private let request: MigrateRequest

  package init(_ context: OperationContext, planning: Planning, request: MigrateRequest) {
    self.context = context
    self.planning = planning
    self.request = request
  }

  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  package func run(agree: @Sendable (Plan) async -> Bool) async -> OperationResult {
    await context.underLease { operation throws(Failure) in
      try await context.refuseWhileHeld(planning.environment.name)
      let digest = try planning.digest(request)
      if let continued = try await operation.settle(unlessSame: digest) { return continued }
      return try await operation.carryOutUnderRules(
        try await planning.plan(request), planning.environment, agree: agree)
    }
  }
}
