import Concurrency
import Model

extension EncorePlatform {
  /// Goes back by a rollout of the old commit, or of one with its code that keeps newer migration files.
  ///
  /// Tests are skipped: the commit passed them when it was first rolled out (contract §6).
  func perform(_ restore: Restore, _ step: Step, _ call: StepCall) async -> Outcome {
    let place = EncorePlace(restore.target)
    guard let commit = restore.commit, !commit.isEmpty else {
      return .failed(
        Failure(
          .failed, "the commit of \(restore.deployment) is not known: Encore can only roll out commits",
          place: "services.\(restore.target.service)",
          hint: "deploy the old commit: `shipit deploy \(call.run.environment) --allow-older --commit REV`"),
        moved: false)
    }
    if let id = call.externalID {
      let outcome = await wait(for: id, place, step, call)
      return await standingIn(outcome, restore, call)
    }
    if let trouble = await awaitOpen(place, call) { return trouble }
    let standIn: String?
    do throws(Failure) { standIn = try await self.standIn(for: commit, restore, place, call) } catch {
      return error.kind == .cancelled ? .cancelled(moved: false) : .failed(error, moved: false)
    }
    let outcome = await rollOut(standIn ?? commit, place, skipTests: true, step, call)
    return EncorePlatform.adding(standIn, to: outcome)
  }

  func probe(_ restore: Restore, _ call: StepCall) async -> Finding {
    if let id = call.externalID { return .underWay(externalID: id) }
    let place = EncorePlace(restore.target)
    let branch = EncorePlatform.revertBranch(restore, call)
    let published = try? await repository.commit(ofRemoteBranch: branch)
    let commit = (published ?? nil) ?? restore.commit ?? ""
    // What ran when the restore began is not known here; another deployment of the old commit is.
    return await probe(place, commit: commit, previous: restore.deployment, call)
  }

  /// An unfinished rollout of this run could overtake the one that goes back: its end is waited for, two minutes
  /// at most, for it may hang.
  private func awaitOpen(_ place: EncorePlace, _ call: StepCall) async -> Outcome? {
    guard let open = memory.open(in: place), !memory.wasGivenUp(open) else { return nil }
    var pace = RolloutPace()
    let end = clock.now + min(.seconds(120), (call.deadline - clock.now) / 2)
    while clock.now < end {
      do throws(EncoreError) {
        let rollout = try await rollout(open, .quick(.seconds(10)))
        if rollout.isCompleted {
          memory.ended(open, in: place)
          return nil
        }
        if rollout.isProposed { return nil }
        call.report(.progress("waiting for the rollout \(open), which cannot be cancelled: \(rollout.words)"))
      } catch { if error.kind == .cancelled { return .cancelled(moved: false) } }
      do { try await clock.sleep(for: pace.next(random: client.random())) } catch {
        return .cancelled(moved: false)
      }
    }
    return nil
  }

  /// The commit to roll out in place of an old one that lacks applied migration files; nil: the old one will do.
  private func standIn(
    for commit: String, _ restore: Restore, _ place: EncorePlace, _ call: StepCall
  ) async throws(Failure) -> String? {
    let branch = EncorePlatform.revertBranch(restore, call)
    if let published = try? await repository.commit(ofRemoteBranch: branch) { return published }
    var applied = [call.run.commit]
    if case .success(let health) = await health(at: place.address, attempts: 2) {
      applied.append(health.commit)
    }
    let comparison = try await MigrationComparison.of(
      wanted: commit, applied: applied.filter { $0 != commit }, in: place.directory, repository)
    switch comparison {
    case .unknown(let why):
      call.report(.log("whether \(commit.prefix(7)) holds every applied migration cannot be told: \(why)"))
      return nil
    case .complete: return nil
    case .lacking(let files):
      let names = files.map(\.name)
      call.report(
        .log(
          "\(commit.prefix(7)) lacks \(names.joined(separator: ", ")), which the database has: its code goes out "
            + "with these files kept, as \(branch)"))
      return try await repository.publish(
        Revert(
          target: commit, replaced: files[0].commit,
          kept: files.map { Revert.Kept(commit: $0.commit, from: $0.from, to: $0.to) }, branch: branch,
          message: "Go back to \(commit.prefix(12)), keeping applied migrations\n\n"
            + "Kept, because the database has them: \(names.joined(separator: ", "))\n\n"
            + "Shipit-Restores: \(commit)\n",
          at: call.run.startedAt))
    }
  }

  /// The branch of a revert: one for each environment, release and service.
  static func revertBranch(_ restore: Restore, _ call: StepCall) -> String {
    "shipit/revert-\(call.run.environment)-\(call.run.release)-\(restore.target.service)"
  }

  private static func adding(_ standIn: String?, to outcome: Outcome) -> Outcome {
    guard let standIn, case .done(var result) = outcome else { return outcome }
    result.facts[StepFact.standIn] = standIn
    result.summary += ", as \(standIn.prefix(7)) with newer migrations kept"
    return .done(result)
  }

  /// After a continued wait: which commit was rolled out is read from the branch it was pushed to.
  private func standingIn(_ outcome: Outcome, _ restore: Restore, _ call: StepCall) async -> Outcome {
    guard case .done = outcome else { return outcome }
    let branch = EncorePlatform.revertBranch(restore, call)
    let published = try? await repository.commit(ofRemoteBranch: branch)
    return EncorePlatform.adding(published ?? nil, to: outcome)
  }
}
