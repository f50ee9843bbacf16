import Concurrency
package import Model

/// Which release of an environment may go on to another one.
package enum PromotedRelease {
  /// The release that is live there.
  /// - Throws: `leaseHeld` or `stale` while a run is open there; `policy` when what runs there is no good
  ///   release.
  package static func find(in ledger: any Ledger, of environment: String) async throws(Failure) -> Release {
    if let open = try await ledger.openRun() {
      if let lease = try await ledger.holder() {
        throw Failure(
          .leaseHeld,
          "\(environment) is in the middle of run \(open.id), by \(lease.holder.name): \(lease.holder.purpose)",
          hint: "wait for its end: shipit status \(environment)")
      }
      throw Failure(
        .stale, "run \(open.id) of \(environment) stopped half-way: it is not known what runs there",
        hint: "shipit deploy \(environment), which settles it first")
    }
    let releases = try await ledger.releases(limit: 50)
    guard let release = releases.first(where: \.isGood) else {
      throw Failure(
        .policy, "\(environment) has no good release: there is nothing to promote",
        hint: "shipit deploy \(environment)")
    }
    if let last = releases.first, last.number > release.number {
      switch last.result.state {
      case .mixed, .inFlight:
        throw Failure(
          .policy,
          "the state of \(environment) is mixed since release \(last.number): it is no release to promote",
          hint: "shipit why \(environment) \(last.run)")
      case .released, .restored, .rolledBack, .unchanged, .abandoned: break
      }
    }
    if release.isDirty {
      throw Failure(
        .policy, "release \(release.number) of \(environment) is of a dirty tree, which no commit stands for",
        hint: "commit it, and shipit deploy \(environment)")
    }
    try refuseMix(release, environment)
    return release
  }

  /// After a rollback of single services no one commit stands for the release.
  private static func refuseMix(_ release: Release, _ environment: String) throws(Failure) {
    let odd = release.services.filter { _, service in
      if case .image = service.source { return false }
      return service.commit != release.commit
    }
    guard !odd.isEmpty else { return }
    let names = odd.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.commit.prefix(7)))" }
    throw Failure(
      .policy,
      "release \(release.number) of \(environment) is a mix: it is of \(release.commit.prefix(7)), but not \(names.joined(separator: ", "))",
      hint: "shipit deploy \(environment), so that one commit runs there")
  }
}
