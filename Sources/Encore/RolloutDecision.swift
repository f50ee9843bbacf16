import Concurrency
import Model

/// Turns looks at a rollout into a verdict: no input or output, no time but what is handed in.
struct RolloutDecision: Sendable, Hashable {
  enum Verdict: Sendable, Hashable {
    /// Not decided; what to tell people, when it has changed.
    case keepWaiting(String?)
    case succeeded(Rollout)
    /// It ended badly; whether new code may serve is for the health answer to say.
    case ended(Rollout, Failure)
    /// Nobody approved its infrastructure in time.
    case unapproved
    /// Its own time is over.
    case late
    case unknowable(Failure)
  }

  let id: String
  /// "APP/ENV", for sentences.
  let name: String
  /// Where a person sees it.
  let page: String
  let beganAt: Timestamp
  /// The rollout's own time, waits for a person not counted.
  let limit: Duration
  /// When it has to be decided whatever it waited for; sooner on the way back.
  let ends: Timestamp
  /// How long a person may take.
  let approval: Duration

  private(set) var isProposed = false
  private var proposedSince: Timestamp?
  private var proposedBefore: Duration = .zero
  private var missingSince: Timestamp?
  private var unreadableSince: Timestamp?
  private var failuresInARow = 0
  private var told: String?

  /// How long a rollout may be unknown right after it was made: reads may lag behind writes.
  static let missingLimit: Duration = .seconds(60)
  /// How long the platform may be unreadable before the outcome is called unknown.
  static let unreadableLimit: Duration = .seconds(120)

  init(
    id: String, name: String, page: String, beganAt: Timestamp, limit: Duration, ends: Timestamp,
    approval: Duration
  ) {
    self.id = id
    self.name = name
    self.page = page
    self.beganAt = beganAt
    self.limit = limit
    self.ends = ends
    self.approval = approval
  }

  private var place: String { "Encore rollout \(id)" }

  /// A look that did not succeed.
  mutating func unreadable(_ error: EncoreError, now: Timestamp) -> Verdict {
    switch error.kind {
    case .notFound: return missing(now)
    case .rateLimited: return late(now) ?? tell("Encore wants fewer requests, waiting")
    default: break
    }
    let since = unreadableSince ?? now
    unreadableSince = since
    failuresInARow += 1
    guard now - since >= Self.unreadableLimit, failuresInARow >= 3 else {
      return late(now) ?? tell("Encore does not answer, still waiting")
    }
    var failure = error.failure("waiting for the rollout \(id) of \(name)")
    failure.kind = .unknown
    failure.message =
      "the outcome of the rollout \(id) of \(name) is not known: Encore could not be read for "
      + "\((now - since).components.seconds) s"
    failure.hint = "\(page) shows it; the next command settles it"
    return .unknowable(failure)
  }

  mutating func look(_ rollout: Rollout, now: Timestamp) -> Verdict {
    (unreadableSince, failuresInARow, missingSince) = (nil, 0, nil)
    isProposed = rollout.isProposed && !rollout.isCompleted
    if isProposed {
      proposedSince = proposedSince ?? now
    } else if let since = proposedSince {
      proposedBefore += now - since
      proposedSince = nil
    }
    if rollout.isCompleted {
      return rollout.conclusion == "success" ? .succeeded(rollout) : .ended(rollout, failure(of: rollout))
    }
    if let since = proposedSince, now - since + proposedBefore >= approval || now >= ends {
      return .unapproved
    }
    return late(now) ?? tell(rollout.words)
  }

  private mutating func missing(_ now: Timestamp) -> Verdict {
    let since = missingSince ?? now
    missingSince = since
    guard now - since >= Self.missingLimit else { return tell("not listed by Encore yet") }
    return .unknowable(
      Failure(
        .unknown, "the rollout \(id) of \(name) has vanished", place: place,
        cause: "Encore has not known it for \((now - since).components.seconds) s",
        hint: "look at \(page), then `shipit status`"))
  }

  private func late(_ now: Timestamp) -> Verdict? {
    let proposed = proposedBefore + (proposedSince.map { now - $0 } ?? .zero)
    return now >= ends || now - beganAt - proposed >= limit ? .late : nil
  }

  /// Why it ended, with the phase named (contract §4, §7, §10).
  private func failure(of rollout: Rollout) -> Failure {
    guard let (phase, state) = rollout.failedPhase else {
      let what = rollout.conclusion == "canceled" ? "was canceled" : "ended with \(rollout.conclusion)"
      return Failure(
        .failed, "the rollout \(id) of \(name) \(what)", place: place,
        cause: rollout.conclusion == "canceled" ? "somebody stopped it in Encore's dashboard" : nil,
        hint: "see \(page)")
    }
    let (what, hint): (String, String) =
      switch (phase, state.conclusion) {
      case (_, "canceled"):
        ("was canceled in its \(phase) phase", "somebody stopped it in Encore's dashboard: ask who did")
      case ("infra", "rejected"):
        (
          "was rejected: a person did not approve the infrastructure it needs",
          "ask who rejected it; change what the code declares, or have it approved"
        )
      case ("build", _):
        (
          "failed in its build phase: the code did not build, or its tests failed",
          "see the build's log at \(page)"
        )
      case ("infra", _):
        ("failed in its infra phase: infrastructure could not be provided", "see \(page)")
      default:
        (
          "failed in its deploy phase: a migration failed, a secret has no value, or the new version did not start",
          "see \(page); a migration that failed was taken back by the database itself"
        )
      }
    return Failure(
      .failed, "the rollout \(id) of \(name) \(what)", place: "\(place), \(phase)", hint: hint)
  }

  /// Says a thing once.
  private mutating func tell(_ words: String) -> Verdict {
    defer { told = words }
    return .keepWaiting(told == words ? nil : words)
  }
}

/// How often a rollout is looked at: no limit of requests is documented, so 0.3 s × 1.15 up to 3 s, and 5 s
/// when nothing has changed for two minutes.
struct RolloutPace: Sendable, Hashable {
  private var milliseconds = 300.0
  private var waited: Duration = .zero

  mutating func restart() { self = RolloutPace() }

  /// - Parameter random: in 0..<1, for the jitter.
  mutating func next(random: Double) -> Duration {
    defer { milliseconds = min(3000, milliseconds * 1.15) }
    let base = waited >= .seconds(120) ? 5000 : milliseconds
    let wait = Duration.milliseconds(Int64(base * (0.9 + 0.2 * random)))
    waited += wait
    return wait
  }
}
