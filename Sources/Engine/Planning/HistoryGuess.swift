package import Concurrency
package import Model

/// What to go back to when no ledger tells: per service, the deployment that its platform says served before
/// the live one. A guess, and named as one: the set may never have been one release. Pure.
package struct HistoryGuess: Sendable {
  package struct Pick: Sendable, Hashable {
    package var deployment: Deployment
    /// What was guessed and why, for people.
    package var reason: String
  }

  package private(set) var picks: [ServiceName: Pick] = [:]
  /// Why a service stays as it is.
  package private(set) var misses: [ServiceName: String] = [:]

  /// - Parameters:
  ///   - history: what once served, by service.
  ///   - only: empty: every service.
  package init(
    _ environment: Environment, observed: [ServiceName: ObservedService],
    history: [ServiceName: [Deployment]], only: Set<ServiceName> = []
  ) {
    for service in environment.services where only.isEmpty || only.contains(service.key) {
      let title = service.platform.title
      guard let found = observed[service.key] else {
        misses[service.key] = "\(service.key) was not found on \(title): it stays as it is"
        continue
      }
      let served = (history[service.key] ?? []).sorted { $0.createdAt > $1.createdAt }
      guard let pick = HistoryGuess.pick(live: found.live, served: served) else {
        misses[service.key] =
          "\(title) lists nothing of \(service.key) that served before what is live: it stays as it is"
        continue
      }
      picks[service.key] = pick
    }
  }

  private static func pick(live: Deployment?, served: [Deployment]) -> Pick? {
    guard let live else {
      return served.first.map {
        Pick(deployment: $0, reason: "\(words($0, until: nil)): the newest that served")
      }
    }
    let older = served.filter { $0.id != live.id && $0.createdAt <= live.createdAt }
    var rest = older[...]
    var why = "the newest that served before"
    // What is live runs a commit again that served before another one: somebody went back already, and what
    // lies between was taken back.
    if let commit = live.commit, let again = older.firstIndex(where: { $0.commit == commit }),
      older[..<again].contains(where: { $0.commit != commit })
    {
      rest = older[(again + 1)...].drop { $0.commit == commit }
      let passed = older[..<again].map { $0.commit.map(short) ?? $0.id }
      why =
        "the newest that served before \(short(commit)); \(passed.joined(separator: ", ")) came between "
        + "and was taken back"
    }
    guard let deployment = rest.first else { return nil }
    let until = older[..<rest.startIndex].last?.createdAt ?? live.createdAt
    return Pick(deployment: deployment, reason: "\(words(deployment, until: until)): \(why)")
  }

  private static func words(_ deployment: Deployment, until: Timestamp?) -> String {
    let what = deployment.commit.map { "commit \(short($0))" } ?? deployment.image ?? "an unknown commit"
    let end = until.map { ", live until about \($0.iso8601.prefix(16).replacing("T", with: " ")) UTC" } ?? ""
    return "guessed: deployment \(deployment.id) of \(what)\(end)"
  }

  /// The guess in the form of a release, for the rollback planner. Nothing but code is known of it.
  /// - Throws: `Failure` when there is nothing to go back to, or a name in `only` is no service.
  package func release(
    of environment: Environment, observed: [ServiceName: ObservedService], only: Set<ServiceName>,
    at: Timestamp
  ) throws(Failure) -> Release {
    for name in only where environment.service(name) == nil {
      throw Failure(
        .configuration, "\(environment.name) has no service \(name)",
        hint: "its services are \(environment.services.map(\.key.rawValue).joined(separator: ", "))")
    }
    guard !picks.isEmpty else {
      throw Failure(
        .configuration, "the platforms have nothing to go back to",
        cause: misses.sorted { $0.key < $1.key }.map(\.value).joined(separator: "; "),
        hint: "shipit deploy \(environment.name) --commit REV, with a commit that works")
    }
    let order = try environment.goLiveOrder()
    var services: [ServiceName: ReleasedService] = [:]
    for service in order {
      guard let pick = picks[service.key], let found = observed[service.key] else { continue }
      var health = service.health
      // Without a known revision there is nothing to compare with: the platform's word has to do.
      if pick.deployment.commit == nil { health.identity = .platform }
      services[service.key] = ReleasedService(
        target: found.target, source: HistoryGuess.source(service, pick.deployment),
        commit: pick.deployment.commit ?? "", deployment: pick.deployment.id,
        address: health.url ?? found.address, settings: ServiceSettings(), variables: [:], health: health,
        cutOver: found.cutOver, previous: found.live?.id)
    }
    let commits = Set(services.values.map(\.commit))
    return Release(
      number: 0, run: RunID(0), kind: .deploy, app: environment.app, environment: environment.name,
      commit: commits.count == 1 ? commits.first ?? "" : "several commits", subject: "", isDirty: false,
      by: "",
      startedAt: at, endedAt: at, result: RunResult(state: .released, exit: .done), configurationDigest: "",
      services: services, order: order.map(\.key), configuration: environment)
  }

  private static func source(_ service: Service, _ deployment: Deployment) -> PlannedSource {
    switch service.source {
    case .directory(let path, let root, let include): .directory(path: path, root: root, include: include)
    case .commandLineBuild(let path, let root, let include):
      .commandLineBuild(path: path, root: root, include: include)
    case .prebuilt(let path): .prebuilt(path: path)
    case .repository(let name): .repository(name: name, commit: deployment.commit ?? "")
    case .image, .encoreImage: .image(deployment.image ?? "")
    }
  }
}
