import Concurrency
import Model

/// What is waited for.
struct Awaited: Sendable, Hashable {
  var id: String
  var target: ServiceTarget
  /// The step's own marker: a newer deployment that carries it replaces the one waited for.
  var marker: Marker
  var image: String?
  /// For repository sources.
  var commit: String?
  var cutOver: CutOver
  var beganAt: Timestamp
  /// Something served before, and serves on when this one fails.
  var hasPrevious = true
  /// It takes something back: what served before it may be anything.
  var isRestore = false
}

/// What one look at the service showed.
struct Sight: Sendable, Hashable {
  /// The deployment waited for; nil: neither listed nor found by id.
  var ours: Deployment?
  var newest: Deployment?
  var isCron: Bool
}

/// Turns looks at a deployment into a verdict: no input or output, no time but what is handed in.
struct WaitDecision: Sendable, Hashable {
  enum Verdict: Sendable, Hashable {
    /// Not decided; what to tell people, when it has changed.
    case keepWaiting(String?)
    case live(Deployment)
    /// FAILED: why is for the events and logs to say.
    case failed(Deployment)
    case refused(Failure, moved: Bool)
    /// Another deployment with our marker took the place of this one.
    case replaced(by: String)
    case unknowable(Failure)
  }

  let awaited: Awaited
  private(set) var needsApproval = false
  private(set) var wasLive = false
  private var goodLooks = 0
  private var stoppedLooks = 0
  private var missingSince: Timestamp?
  private var unreadableSince: Timestamp?
  private var failuresInARow = 0
  private var told: String?

  /// How long a deployment may be missing from every answer: reads lag behind writes.
  static let missingLimit: Duration = .seconds(60)
  /// How long the platform may be unreadable before the outcome is called unknown.
  static let unreadableLimit: Duration = .seconds(60)

  init(_ awaited: Awaited) { self.awaited = awaited }

  /// True when the failing of this deployment left nothing serving, or it had served itself.
  var hasMoved: Bool { wasLive || awaited.cutOver == .stopFirst }

  /// A look that did not succeed. It never fails the step before a minute of nothing else.
  mutating func unreadable(_ error: APIError, now: Timestamp) -> Verdict {
    // Railway answers and says when to come back: the step's own limit bounds that.
    switch error.kind {
    case .rateLimited, .edgeLimited: return tell("Railway's rate limit is used up, waiting for it")
    default: break
    }
    let since = unreadableSince ?? now
    unreadableSince = since
    failuresInARow += 1
    goodLooks = 0
    guard now - since >= WaitDecision.unreadableLimit, failuresInARow >= 3 else {
      return tell("Railway does not answer, still waiting")
    }
    var failure = error.failure("waiting for the deployment \(awaited.id) of \(awaited.target.name)")
    failure.kind = .unknown
    failure.message =
      "the outcome of the deployment \(awaited.id) of \(awaited.target.name) is not known: Railway could not be "
      + "read for \((now - since).components.seconds) s"
    switch error.kind {
    case .forbidden, .invalidToken: failure.hint = (failure.hint ?? "") + "; the next command settles it"
    default: failure.hint = "`shipit status` once Railway answers; the next command settles it"
    }
    return .unknowable(failure)
  }

  mutating func look(_ sight: Sight, now: Timestamp) -> Verdict {
    unreadableSince = nil
    failuresInARow = 0
    guard let ours = sight.ours else { return missing(now) }
    missingSince = nil
    if ours.status != .live, ours.status != .sleeping { (goodLooks, stoppedLooks) = (0, 0) }
    needsApproval = ours.status == .needsApproval
    switch ours.status {
    case .queued: return tell(ours.word == "WAITING" ? "waiting for CI checks" : "queued at Railway")
    case .needsApproval: return tell("waits for a person's approval in Railway's dashboard")
    case .building: return tell(ours.word == "INITIALIZING" ? "initializing" : "building")
    case .starting: return tell("starting")
    case .live: return live(ours, isCron: sight.isCron)
    case .sleeping: return mismatch(ours) ?? confirmed(ours)
    case .failed: return .failed(ours)
    case .crashed:
      wasLive = true
      return .refused(
        Failure(
          .failed, "the deployment \(ours.id) of \(awaited.target.name) crashed", place: place,
          cause: "its process ended and Railway's restarts are used up",
          hint: "`shipit logs` shows its last lines"), moved: true)
    case .skipped, .removed: return gone(ours, sight.newest)
    case .removing:
      if let newer = newer(than: ours, sight.newest) { return superseded(ours, by: newer) }
      return tell("being removed")
    case .unknown(let word):
      // Not in the enumeration, but reported for queue entries that gave way.
      if word == "CANCELLED" || word == "CANCELED" { return gone(ours, sight.newest) }
      return tell("in the state \(word), which shipit does not know")
    }
  }

  private var place: String { "Railway deployment \(awaited.id)" }

  private mutating func live(_ ours: Deployment, isCron: Bool) -> Verdict {
    wasLive = true
    if let wrong = mismatch(ours) { return wrong }
    if isCron { return confirmed(ours) }
    if (ours.instances["RUNNING"] ?? 0) > 0, !ours.isStopped { return confirmed(ours) }
    goodLooks = 0
    let ended = ["EXITED", "STOPPED", "REMOVED", "CRASHED"].reduce(0) { $0 + (ours.instances[$1] ?? 0) }
    // `deploymentStopped` is also true before any instance exists, so an ended instance has to be seen.
    if ours.isStopped, ended > 0, ended == ours.instances.values.reduce(0, +) {
      stoppedLooks += 1
      if stoppedLooks >= 2 {
        return .refused(
          Failure(
            .failed, "the process of \(awaited.target.name) ended with success instead of staying up",
            place: place,
            cause: "Railway reports the deployment as completed (\(words(ours.instances)))",
            hint: "the start command must keep running; a job needs `settings: {cron: …}`"), moved: true)
      }
    }
    return tell(
      ours.instances.isEmpty
        ? "live, waiting for an instance" : "live, but no instance runs: \(words(ours.instances))")
  }

  private func words(_ instances: [String: Int]) -> String {
    instances.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  private mutating func confirmed(_ ours: Deployment) -> Verdict {
    goodLooks += 1
    return goodLooks >= 2 ? .live(ours) : tell("live, looking once more")
  }

  /// What runs is the proof: a redeploy of an old snapshot also reports success.
  private func mismatch(_ ours: Deployment) -> Verdict? {
    let pairs = [("image", awaited.image, ours.image), ("commit", awaited.commit, ours.commit)]
    for case (let what, let wanted?, let got?) in pairs where !WaitDecision.agree(wanted, got) {
      return .refused(
        Failure(
          .failed, "\(awaited.target.name) runs the \(what) \(got), but \(wanted) was asked for",
          place: place,
          cause: "Railway deployed something else than the present configuration",
          hint: "look at the service's source in Railway's dashboard"), moved: true)
    }
    return nil
  }

  /// Equal, or a commit and its prefix, or an image and the same pinned by its digest.
  static func agree(_ wanted: String, _ got: String) -> Bool {
    if wanted == got || got.hasPrefix(wanted + "@") { return true }
    let isHash = { (text: String) in text.count >= 7 && text.allSatisfy(\.isHexDigit) }
    return isHash(wanted) && isHash(got) && (wanted.hasPrefix(got) || got.hasPrefix(wanted))
  }

  private mutating func missing(_ now: Timestamp) -> Verdict {
    let since = missingSince ?? now
    missingSince = since
    goodLooks = 0
    guard now - since >= WaitDecision.missingLimit else { return tell("not listed by Railway yet") }
    return .unknowable(
      Failure(
        .unknown, "the deployment \(awaited.id) of \(awaited.target.name) has vanished", place: place,
        cause: "Railway has not listed it for \((now - since).components.seconds) s",
        hint: "look at the service in Railway's dashboard, then `shipit status`"))
  }

  private func newer(than ours: Deployment, _ newest: Deployment?) -> Deployment? {
    guard let newest, newest.id != ours.id, newest.createdAt >= ours.createdAt else { return nil }
    return newest
  }

  private func gone(_ ours: Deployment, _ newest: Deployment?) -> Verdict {
    if let newer = newer(than: ours, newest) { return superseded(ours, by: newer) }
    if ours.status == .skipped {
      return .refused(
        Failure(
          .failed,
          "Railway skipped the deployment \(ours.id) of \(awaited.target.name): nothing was deployed",
          place: place, cause: "no file under its watch paths changed, or its CI checks failed",
          hint: "look at watch paths and CI, then deploy again"), moved: false)
    }
    return .refused(
      Failure(
        .failed,
        "the deployment \(ours.id) of \(awaited.target.name) was cancelled or removed (\(ours.word))",
        place: place, cause: "somebody did so in Railway's dashboard or by its API, and nothing newer exists",
        hint: "ask who did; then deploy again"), moved: hasMoved)
  }

  private func superseded(_ ours: Deployment, by newer: Deployment) -> Verdict {
    if newer.marker == awaited.marker { return .replaced(by: newer.id) }
    let what =
      newer.marker.map(String.init(describing:)) ?? newer.commit.map { "commit \($0.prefix(7))" }
      ?? newer.image
    return .refused(
      Failure(
        .stale,
        "the deployment \(ours.id) of \(awaited.target.name) was superseded by \(newer.id)"
          + (what.map { " (\($0))" } ?? ""),
        place: place, cause: "somebody else deployed the service meanwhile",
        hint: "`shipit status` shows what is live; agree on who deploys, then deploy again"), moved: hasMoved)
  }

  /// Says a thing once.
  private mutating func tell(_ words: String) -> Verdict {
    defer { told = words }
    return .keepWaiting(told == words ? nil : words)
  }
}
