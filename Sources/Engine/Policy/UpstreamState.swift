import Concurrency
package import Model

/// What is known of the environment in which a commit must be live first.
package struct UpstreamState: Sendable {
  package var environment: Environment
  /// The newest first.
  package var releases: [Release]
  package var openRun: RunRecord?
  /// Who works on it now.
  package var holder: Lease?
  /// What its platforms say, or why one does not.
  package var live: Result<[ServiceName: LiveState], Failure>

  package init(
    environment: Environment, releases: [Release], openRun: RunRecord? = nil, holder: Lease? = nil,
    live: Result<[ServiceName: LiveState], Failure>
  ) {
    self.environment = environment
    self.releases = releases
    self.openRun = openRun
    self.holder = holder
    self.live = live
  }

  /// Why a commit does not count as live and healthy there; nil when it does. The message says what is there
  /// instead.
  package func objection(to commit: String) -> (message: String, cause: String?)? {
    let name = environment.name
    let wanted = short(commit)
    if let openRun {
      let who =
        holder.map { "\($0.holder.name) is at it: \($0.holder.purpose)" }
        ?? "it stopped half-way and was not settled"
      return ("run \(openRun.id) of \(name) is open: it is not known yet what runs there", who)
    }
    guard let release = releases.first(where: \.isGood) else {
      return ("\(wanted) is not live in \(name), which has no good release", nil)
    }
    let told = "release \(release.number) by \(release.by), \(release.endedAt.iso8601)"
    // A release that took itself back says under which deployments the good one serves since.
    let last = releases.first ?? release
    if last.result.state == .mixed || last.result.state == .inFlight {
      return ("the state of \(name) is mixed since release \(last.number)", "the last good one is \(told)")
    }
    if release.isDirty {
      return ("\(name) runs a dirty tree, which no commit stands for", told)
    }
    let others = environment.services.compactMap { service -> (ServiceName, String)? in
      guard isOfCommit(service.source) else { return nil }
      guard let record = last.services[service.key] else { return (service.key, "not at all") }
      return record.commit == commit ? nil : (service.key, short(record.commit))
    }
    if let first = others.first {
      let isWhole = others.allSatisfy { $0.1 == first.1 }
      let what =
        isWhole && first.1 != "not at all"
        ? "\(first.1) is live there" : others.map { "\($0.0) runs \($0.1)" }.joined(separator: ", ")
      return ("\(wanted) is not live in \(name): \(what)", told)
    }
    return liveObjection(last, wanted)
  }

  private func liveObjection(_ release: Release, _ wanted: String) -> (message: String, cause: String?)? {
    let name = environment.name
    let states: [ServiceName: LiveState]
    switch live {
    case .success(let found): states = found
    case .failure(let failure):
      return (
        "whether \(wanted) is live in \(name) cannot be seen",
        [failure.message, failure.cause].compactMap(\.self).joined(separator: ": ")
      )
    }
    for service in environment.services {
      guard let record = release.services[service.key], let deployment = record.deployment else { continue }
      let title = service.platform.title
      guard let found = states[service.key]?.live else {
        return (
          "\(service.key) is not live in \(name)",
          "\(title) shows none, the ledger release \(release.number) with \(deployment)"
        )
      }
      if found.id != deployment {
        return (
          "\(service.key) in \(name) is not what release \(release.number) put live",
          "\(title) serves \(found.id)\(found.commit.map { " of \(short($0))" } ?? ""), the ledger knows \(deployment)"
        )
      }
      if found.status == .crashed || (found.isStopped && service.settings.cron == nil) {
        return ("\(service.key) is not healthy in \(name)", "\(title) says \(found.word) of \(deployment)")
      }
    }
    return nil
  }

  /// An image that is not named by the commit is the same whatever the commit.
  private func isOfCommit(_ source: ServiceSource) -> Bool {
    switch source {
    case .image(let template): template.references.contains(.commit)
    case .directory, .repository, .commandLineBuild, .prebuilt, .encoreImage: true
    }
  }
}
