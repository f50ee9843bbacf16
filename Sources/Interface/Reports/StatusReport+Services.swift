package import Model

extension StatusReport {
  /// One row for each service that is declared or recorded.
  static func rows(
    _ releases: [Release], good: Release?, recorded: Release?, _ declared: [Service]
  ) -> [ServiceLine] {
    var platforms: [ServiceName: PlatformName] = [:]
    // A run that found somebody else's deployment has no record of that service: an older release has one.
    let known = declared.isEmpty ? [good, recorded] : [recorded]
    for release in known.compactMap(\.self) {
      for (name, record) in release.services { platforms[name] = record.target.platform }
    }
    for service in declared { platforms[service.key] = service.platform }
    return platforms.sorted { $0.key < $1.key }.map { name, platform in
      // A release that was rolled back still records what runs since: the old code under new deployments.
      let newest = releases.lazy.compactMap { $0.services[name] }.first
      return ServiceLine(
        service: name, platform: newest?.target.platform ?? platform, commit: newest?.commit ?? "",
        deployment: newest?.deployment, address: newest?.address, proof: newest?.proof ?? .no,
        release: newest.flatMap { number(of: $0, name, releases) }, cutOver: newest?.cutOver,
        expected: good.flatMap { expected(name, in: $0, releases) })
    }
  }

  /// The release whose code a service runs: what was put back runs that of an earlier one.
  private static func number(of record: ReleasedService, _ name: ServiceName, _ releases: [Release]) -> Int? {
    let good = releases.last { release in
      guard release.isGood, let other = release.services[name] else { return false }
      return other.commit == record.commit && other.source == record.source
        && other.variables == record.variables
    }
    guard let deployment = record.deployment else { return nil }
    return good?.number ?? releases.last { $0.services[name]?.deployment == deployment }?.number
  }

  private static func expected(_ name: ServiceName, in good: Release, _ releases: [Release]) -> Expected? {
    guard let record = good.services[name] else { return nil }
    // Put back since, it is the same code under another deployment.
    let same = releases.filter { $0.number >= good.number }.compactMap { $0.services[name] }
      .filter { $0.commit == record.commit && $0.source == record.source }
    var deployments: [String] = []
    for id in same.reversed().compactMap(\.deployment) where !deployments.contains(id) {
      deployments.append(id)
    }
    return Expected(
      release: good.number, commit: record.commit, proof: record.proof, deployments: deployments)
  }

  /// Fills the live columns in as platforms answer.
  package mutating func fill(_ states: [ServiceName: LiveState]) {
    for index in services.indices {
      guard let state = states[services[index].service] else { continue }
      services[index].fill(state, isDecided: truth == .released || truth == .previous)
    }
    let rows = Set(services.map(\.service))
    for (name, state) in states.sorted(by: { $0.key < $1.key }) where !rows.contains(name) {
      guard let live = state.live else { continue }
      let commit = live.commit.map { " of \(short($0))" } ?? ""
      notes.append("\(name): deployment \(live.id)\(commit) is live, and no release tells who put it there")
    }
  }

  /// Says of services that no platform told anything of that they were not found; after every platform was asked.
  package mutating func end() {
    for index in services.indices where services[index].live == nil && services[index].trouble == nil {
      services[index].trouble = "\(services[index].platform.title) does not tell of it"
    }
  }
}

extension StatusReport.ServiceLine {
  /// No release has recorded it.
  var isUnrecorded: Bool { commit.isEmpty && deployment == nil && expected == nil }

  /// - Parameter isDecided: the last good release is said to be live, and nothing but its deployments will do.
  fileprivate mutating func fill(_ state: LiveState, isDecided: Bool) {
    trouble = nil
    let id = state.live?.id
    let isExpected = id.flatMap { id in expected?.deployments.contains(id) } ?? false
    if isDecided, let id, let expected, isExpected, id != deployment {
      // An older record than the newest is what holds.
      (deployment, commit, proof, release) = (id, expected.commit, expected.proof, expected.release)
    }
    let matches =
      if isUnrecorded {
        id == nil
      } else if isDecided, let expected, !expected.deployments.isEmpty {
        isExpected
      } else {
        id != nil && (deployment == nil || id == deployment)
      }
    let known = id == deployment && !commit.isEmpty ? commit : nil
    live = StatusReport.LiveColumn(
      status: state.live?.word ?? "nothing live", deployment: id, commit: state.live?.commit ?? known,
      instances: state.live?.instances ?? [:], matches: matches,
      newest: state.newest.flatMap { $0.id == id ? nil : $0.word }, notes: state.notes)
    address = state.address ?? address
  }
}
