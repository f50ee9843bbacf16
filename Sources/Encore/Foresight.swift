package import Model

extension EncorePlatform {
  /// The commit must be on a remote, and it must hold every migration that the database has (contract §5 to §7).
  package func foresee(_ change: CodeChange) async throws(Failure) -> Foresight {
    let place = EncorePlace(change.target)
    if change.isDirty {
      throw Failure(
        .configuration, "\(place.name) cannot get a changed tree: Encore builds the pushed commit itself",
        place: "services.\(change.target.service)", hint: "commit and push, then leave `--dirty` away")
    }
    var foresight = Foresight()
    do throws(Failure) {
      if try await repository.remote(holding: change.to) == nil {
        throw Failure(
          .configuration,
          "the commit \(change.to.prefix(7)) is not pushed: Encore builds what the linked remote has",
          place: "services.\(change.target.service)", cause: "no branch of any remote holds it",
          hint: "git push")
      }
    } catch {
      // A rollback needs no checkout: the commit was once there, and Encore says so when it no longer is.
      guard change.isRollback else { throw error }
      foresight.notes.append(
        "whether \(change.to.prefix(7)) is still on the linked remote is not known: \(error.message)")
    }
    guard let from = change.from else { return foresight }
    // Forward: what the database may have must not be missing in the new code.
    let forward = try await MigrationComparison.of(
      wanted: change.to, applied: [from], in: place.directory, repository)
    if change.isRollback {
      foresight.restoreNote = note(forward, to: change.to)
      return foresight
    }
    try refuse(forward, change, place)
    let back = try await MigrationComparison.of(
      wanted: from, applied: [change.to], in: place.directory, repository)
    foresight.restoreNote = note(back, to: from)
    return foresight
  }

  /// A deploy of code without the newest applied migration would fail in its deploy phase.
  private func refuse(
    _ comparison: MigrationComparison, _ change: CodeChange, _ place: EncorePlace
  ) throws(Failure) {
    guard case .lacking(let files) = comparison, let first = files.first else { return }
    let paths = files.map(\.from)
    throw Failure(
      .configuration,
      "the commit \(change.to.prefix(7)) lacks migrations that \(place.name) has applied: "
        + files.map(\.name).joined(separator: ", "),
      place: "services.\(change.target.service)",
      cause:
        "Encore's migrator stops when the version in the database has no file (`no migration found for version "
        + "\(first.version)`)",
      hint:
        "git checkout \(first.commit.prefix(12)) -- \(paths.joined(separator: " ")) && git commit && git push"
    )
  }

  private func note(_ comparison: MigrationComparison, to commit: String) -> String? {
    switch comparison {
    case .complete: nil
    case .unknown(let why):
      "whether \(commit.prefix(7)) holds every applied migration cannot be told (\(why)): Encore refuses it if not"
    case .lacking(let files):
      "the schema: \(files.map(\.name).joined(separator: ", ")) \(files.count == 1 ? "stays" : "stay") applied, and \(commit.prefix(7)) lacks "
        + (files.count == 1 ? "it" : "them")
        + ", so its code goes out as a commit that keeps what it lacks, pushed to a branch shipit/revert-…"
    }
  }
}
