import Concurrency
import Model

/// Looks once more, right before users would get a deploy's code, whether they would get something older than what is
/// there by now: another machine may have deployed while this one was at it, or slept.
struct CutOverGuard: Sendable {
  let run: RunRecord
  let ledger: any Ledger
  let platforms: [PlatformName: any Platform]

  /// - Returns: why the step must not begin; nil when it may.
  func objection(to step: Step, _ call: StepCall) async -> Failure? {
    // A step that goes on after its effect has begun is past this point.
    guard step.isCutOver, call.externalID == nil, run.plan.kind == .deploy, run.plan.step(step.id) != nil
    else {
      return nil
    }
    do throws(Failure) {
      if let overtaking = try await overtaking() { return overtaking }
    } catch {
      // The ledger took the begin of this step; that it does not answer now says nothing against it.
      return error.kind == .stale ? error : nil
    }
    return await foreignDeployment(step)
  }

  /// Another run that ended or began since this one was opened.
  private func overtaking() async throws(Failure) -> Failure? {
    let newest = try await ledger.releases(limit: 1).first
    let open = try await ledger.openRun()
    guard open?.id != run.id || newest.map({ $0.number > run.release }) ?? false else { return nil }
    return await Failure.overtaken(run, in: ledger)
  }

  /// Railway switches by itself what was triggered; the others' adapters look before they switch.
  private func foreignDeployment(_ step: Step) async -> Failure? {
    guard case .deploy(let request) = step.action, request.target.platform == .railway,
      let platform = platforms[.railway], let environment = run.plan.configuration,
      let now = try? await platform.live(environment)[request.target.service]?.live,
      now.id != request.previous
    else { return nil }
    // Ours: its answer was lost, and the step is tried again.
    if let marker = now.marker, marker.run == run.id, marker.step == step.id { return nil }
    let what = now.commit.map { " of \($0.prefix(7))" } ?? ""
    return Failure(
      .stale, "somebody else deployed \(request.target.service) since the plan was made",
      place: request.target.name,
      cause: "\(request.target.platform.title) serves \(now.id)\(what), created \(now.createdAt.iso8601); "
        + "the plan found \(request.previous ?? "nothing")",
      hint: "shipit status \(run.plan.environment) shows what is live; plan again when that is not wanted")
  }
}

extension Failure {
  /// A run gave way to another: who, and what.
  static func overtaken(_ run: RunRecord, in ledger: any Ledger) async -> Failure {
    Failure(
      .stale, "run \(run.id) of \(short(run.plan.commit)) was overtaken and does nothing more",
      cause: await whoIsThere(in: ledger, besides: run.id) ?? "the ledger says that it has ended",
      hint: "shipit status \(run.plan.environment) shows what is live")
  }

  /// Who acted on the environment last, or does now, and what of.
  static func whoIsThere(in ledger: any Ledger, besides run: RunID?) async -> String? {
    if let open = try? await ledger.openRun(), open.id != run {
      let verb = open.plan.kind == .deploy ? "deploys" : "restores"
      return "\(open.by) \(verb) \(short(open.plan.commit)) since \(open.startedAt.iso8601), run \(open.id)"
    }
    guard let release = try? await ledger.releases(limit: 10).first(where: { $0.run != run }) else {
      return nil
    }
    let what = "\(short(release.commit)) by \(release.by)"
    return release.isGood
      ? "\(what) is live, release \(release.number), since \(release.endedAt.iso8601)"
      : "the last to act was \(what), release \(release.number), which ended \(release.result.state.rawValue)"
  }
}
