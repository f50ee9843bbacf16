package import Engine
package import Model

/// What was changed by hand, beside everything that it was found by.
package struct DriftFindings: Sendable {
  /// The release that the platforms are held against; nil: nothing was released yet.
  package var release: Release?
  package var services: [ServiceDrift]
  /// Of the platforms, for people: staged changes of others, incidents.
  package var notes: [String]
  /// How the file differs from what was released: no drift, but what a plan would do.
  package var pending: ConfigurationDifference?
  /// Services that the file names and no release has recorded.
  package var unreleased: [ServiceName]
  /// What the findings come from, to look again with another file.
  package var input: PlanInput

  package var isEmpty: Bool { services.isEmpty }
}

extension Planning {
  /// Looks at the platforms and holds them against what the ledger recorded. Changes nothing.
  /// - Throws: `leaseHeld` while somebody works on the environment, for what is half done is no drift; what a platform
  ///   throws when it is asked.
  package func drift() async throws(Failure) -> DriftFindings {
    if let lease = try await ledger.holder() {
      throw Failure(
        .leaseHeld, "\(environment.name) is held by \(lease.holder.name): \(lease.holder.purpose)",
        cause: "what is half done is no drift",
        hint: "shipit status \(environment.name); then the same command again")
    }
    var input = PlanInput(
      environment: environment, commit: "", observed: [:], releases: try await ledger.recentReleases(),
      secrets: secrets, digest: digest)
    let newest = input.releases.first { $0.kind.isAboutServices && $0.isGood } ?? input.releases.first
    input.commit = newest?.commit ?? ""
    input.release = newest?.number ?? 1
    let recorded = Set(input.releases.flatMap { $0.services.keys })
    var looked = environment
    looked.services.removeAll { !recorded.contains($0.key) }
    var notes: [String] = []
    if !looked.services.isEmpty {
      let observed = looked
      for observation in try await ask(
        observed,
        { (platform) async throws(Failure) in
          try await platform.observe(observed)
        })
      {
        input.observed.merge(observation.services) { first, _ in first }
        notes += observation.notes
      }
    }
    if let open = try await ledger.runs(limit: 1).first, open.result == nil {
      notes.append(
        "run \(open.id) stopped half-way, and what it wrote is shown here too: shipit settle \(environment.name)"
      )
    }
    let configuration = newest?.configuration ?? input.releases.lazy.compactMap(\.configuration).first
    let pending = configuration.map { DriftFinder(input).pending(since: $0) }
    return DriftFindings(
      release: newest, services: DriftFinder(input).services(), notes: notes, pending: pending,
      unreleased: newest == nil ? [] : environment.services.map(\.key).filter { !recorded.contains($0) },
      input: input)
  }
}
