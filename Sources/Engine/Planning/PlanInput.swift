package import Concurrency
package import Model

/// Everything a plan is made from.
package struct PlanInput: Sendable {
  package var environment: Environment
  /// The full revision to deploy.
  package var commit: String
  package var subject: String
  package var isDirty: Bool
  /// What runs now, over all platforms.
  package var observed: [ServiceName: ObservedService]
  /// What the declared databases say, by key.
  package var databases: [String: ObservedDatabase]
  /// The databases that services declare in their source.
  package var declared: [ServiceName: [DeclaredDatabase]]
  /// Notes of the platforms for people.
  package var notes: [String]
  /// What is left for a person.
  package var manual: [ManualTask] = []
  /// The newest first.
  package var releases: [Release]
  package var secrets: SecretValues
  /// Per service, the variables whose values the platform's copy of the live deployment can give back.
  package var restorable: [ServiceName: Set<String>]
  /// The secrets of GitHub Actions as GitHub lists them, by name, with the time of the last write; nil: not asked.
  package var actions: [String: Timestamp]?
  /// The number the run will get.
  package var release: Int
  /// SHA-256 in hex, for the binding digest.
  package var digest: @Sendable (String) -> String

  package init(
    environment: Environment, commit: String, subject: String = "", isDirty: Bool = false,
    observed: [ServiceName: ObservedService], databases: [String: ObservedDatabase] = [:],
    declared: [ServiceName: [DeclaredDatabase]] = [:], notes: [String] = [], releases: [Release] = [],
    secrets: SecretValues = SecretValues(), restorable: [ServiceName: Set<String>] = [:], release: Int = 1,
    digest: @escaping @Sendable (String) -> String = { $0 }
  ) {
    self.environment = environment
    self.commit = commit
    self.subject = subject
    self.isDirty = isDirty
    self.observed = observed
    self.databases = databases
    self.declared = declared
    self.notes = notes
    self.releases = releases
    self.secrets = secrets
    self.restorable = restorable
    self.release = release
    self.digest = digest
  }

  /// The commit a service reports now: not the released one where another stands in for it.
  package func servedCommit(of service: ServiceName) -> String? {
    record(of: service)?.standIn ?? liveCommit(of: service)
  }

  /// What earlier runs are known to have written for GitHub Actions where it is kept now; nil where they wrote nothing.
  var writtenActions: WrittenActionsSecrets? {
    guard let place = environment.secrets.actions?.place else { return nil }
    return releases.lazy.compactMap(\.actions).first { $0.place == place }
  }

  /// What the ledger knows of a service's live deployment: the newest record that names it.
  func record(of service: ServiceName) -> ReleasedService? {
    guard let live = observed[service]?.live?.id else { return nil }
    for release in releases {
      if let record = release.services[service], record.deployment == live { return record }
    }
    return nil
  }

  /// The commit that serves, from the ledger or from what the platform's deployment carries.
  package func liveCommit(of service: ServiceName) -> String? {
    record(of: service)?.commit ?? observed[service]?.live?.commit
  }

  /// What shipit last recorded about a service, whether or not it still runs.
  func lastRecord(of service: ServiceName) -> ReleasedService? {
    record(of: service) ?? releases.lazy.compactMap { $0.services[service] }.first
  }
}

extension PlanInput {
  /// Variables whose stored values were written after the live deployment was made, by `secrets sync`: it still runs
  /// with the earlier ones.
  func writtenSince(deploymentOf service: ServiceName) -> [String] {
    // The oldest record of the deployment tells what it was started with: later ones, as of a deploy that was taken
    // back, repeat what is stored.
    guard let live = observed[service]?.live?.id,
      let started = releases.last(where: {
        $0.kind.isAboutServices && $0.services[service]?.deployment == live
      })?.services[service], let stored = record(of: service)
    else { return [] }
    return stored.variables.keys.filter { stored.variables[$0] != started.variables[$0] }.sorted()
  }
}

/// Variables shipit sets by itself; left out of every comparison (DESIGN §5).
package enum OwnVariable {
  package static let commit = "SHIPIT_COMMIT"
  package static let release = "SHIPIT_RELEASE"
  package static let all: Set<String> = [commit, release]
}
