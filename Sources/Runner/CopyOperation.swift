import Concurrency
import Engine
package import Model

/// What `backup` and `restore` are asked to do.
package struct CopyRequest: Sendable {
  package enum Action: Sendable, Hashable {
    /// Every database with a rule for it, or some.
    case backup(only: [String]?)
    /// A copy in the place of a database, after a copy of what is there.
    case restore(database: String, backup: String, checksum: String)
  }

  package var action: Action
  package var reason: String?

  package init(_ action: Action, reason: String? = nil) {
    self.action = action
    self.reason = reason
  }
}

/// `shipit backup` and `shipit restore`: lease, settle, plan, agree, carry out, record. Neither is a deploy: a hold, which
/// an incident is likely to have left, keeps nobody from them.
package struct CopyOperation: Sendable {
  private let context: OperationContext
  private let environment: Environment
  private let request: CopyRequest

  package init(_ context: OperationContext, environment: Environment, request: CopyRequest) {
    self.context = context
    self.environment = environment
    self.request = request
  }

  /// - Parameter agree: shown the plan; false ends the operation with nothing changed.
  package func run(agree: @Sendable (Plan) async -> Bool) async -> OperationResult {
    await context.underLease { operation throws(Failure) in
      let plan = try await plan()
      if let continued = try await operation.settle(unlessSame: plan.digest) { return continued }
      return try await operation.carryOut(plan, agree: agree)
    }
  }

  /// - Throws: `configuration` for a database that the file does not have, or has no rule for.
  private func plan() async throws(Failure) -> Plan {
    let steps: [Step]
    let words: String
    var warnings: [String] = []
    switch request.action {
    case .backup(let only):
      var wanted = try environment.databases(withBackup: only?.count == 1 ? only?.first : nil)
      if let only { wanted.removeAll { !only.contains($0.0.key) } }
      steps = wanted.map { database, rule in DatabaseSteps.backup(of: database, rule, environment) }
      warnings = wanted.compactMap { DatabaseSteps.warning(about: $1, of: $0) }
      words = "backup \(only?.joined(separator: ",") ?? "")"
    case .restore(let name, let backup, let checksum):
      guard let (database, rule) = try environment.databases(withBackup: name).first else {
        throw Failure(.internalError, "there is no database \(name)")
      }
      steps = DatabaseSteps.restore(
        DatabaseRestore(database: database, rule: rule, backup: backup, checksum: checksum), environment)
      words = "restore \(name) \(backup)"
    }
    let newest = try await context.ledger.recentReleases().first
    return Plan(
      kind: request.action.kind, app: environment.app, environment: environment.name,
      commit: newest?.commit ?? "", subject: newest?.subject ?? "", steps: steps, warnings: warnings,
      deadline: environment.protect.deadline, digest: context.digest("shipit-copy-1\n\(words)"),
      reason: request.reason, before: newest?.services ?? [:], order: newest?.order ?? [],
      configuration: environment)
  }
}

extension CopyRequest.Action {
  fileprivate var kind: Plan.Kind {
    switch self {
    case .backup: .backup
    case .restore: .restore
    }
  }
}

extension Environment {
  /// The databases that are copied.
  /// - Parameter only: one of them; nil: every one.
  /// - Throws: `configuration` when there is none.
  package func databases(withBackup only: String?) throws(Failure) -> [(DatabaseTarget, BackupRule)] {
    if let only, !databases.contains(where: { $0.key == only }) {
      let known = databases.map(\.key)
      throw Failure(
        .configuration, "\(name) has no database “\(only)”",
        hint: known.isEmpty ? "shipit explain databases" : "there are \(known.joined(separator: ", "))")
    }
    let found = databases.compactMap { database in
      only == nil || database.key == only ? database.backup.map { (database, $0) } : nil
    }
    guard found.isEmpty else { return found }
    throw Failure(
      .configuration, "\(only ?? name) has no rule for backups", place: "environments/\(name).yaml",
      hint: "write it: databases.\(only ?? "main").backup: {to: ./backups}; shipit explain databases.backup")
  }
}
