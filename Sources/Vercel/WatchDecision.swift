import Concurrency
import Model

/// What the states of a deployment mean to one who waits for it. Pure (contract §3).
struct WatchDecision: Sendable {
  enum Verdict: Sendable, Hashable {
    /// With what changed, when something did.
    case keepWaiting(String?)
    case ready
    case failed(Failure)
    case unknowable(Failure)
  }

  /// How long `aliasAssigned` may stay false once a staged deployment is ready. That it becomes true for them
  /// is no promise of the API (contract §3, §14), and no domain depends on it before the promotion.
  static let aliasPatience: Duration = .seconds(10)
  /// How long Vercel may be unreadable before the wait is given up.
  static let blindness: Duration = .seconds(60)
  /// How long a new deployment may be unknown: right after creation that is normal (contract §9).
  static let birth: Duration = .seconds(15)

  let id: String
  let name: String
  /// What to type to read its build log.
  let logs: String
  private var word: String?
  private var readySince: Timestamp?
  private var blindSince: Timestamp?
  private var unknownSince: Timestamp?

  init(id: String, name: String, logs: String) {
    self.id = id
    self.name = name
    self.logs = logs
  }

  /// - Parameter answer: nil: Vercel does not know it.
  mutating func look(_ answer: DeploymentAnswer?, now: Timestamp) -> Verdict {
    blindSince = nil
    guard let answer else {
      let since = unknownSince ?? now
      unknownSince = since
      if word == nil, now - since < WatchDecision.birth { return .keepWaiting(nil) }
      return .failed(failure("Vercel no longer knows it", nil))
    }
    unknownSince = nil
    let changed = answer.word != word
    word = answer.word
    switch answer.state {
    case "READY":
      if let error = answer.aliasError {
        return .failed(failure("its addresses could not be assigned", error))
      }
      if answer.aliasCheck == "failed" || answer.hasFailedChecks {
        return .failed(
          failure("a check of it failed", answer.trouble, hint: "see the deployment's checks on vercel.com"))
      }
      if answer.aliasAssigned { return .ready }
      let since = readySince ?? now
      readySince = since
      if now - since >= WatchDecision.aliasPatience, answer.aliasCheck != "pending" { return .ready }
      return .keepWaiting(
        changed
          ? answer.aliasCheck == "pending"
            ? "ready, a check holds its addresses back" : "ready, its addresses are being assigned" : nil)
    case "ERROR":
      let phase = answer.errorStep.map { " in \($0)" } ?? ""
      return .failed(failure("its build failed\(phase)", answer.trouble))
    case "CANCELED": return .failed(failure("it was canceled", answer.trouble))
    case "BLOCKED":
      return .failed(
        failure(
          "Vercel has blocked it, and only a person can go on", answer.trouble,
          hint:
            "see why on vercel.com: often the commit's author is no member of the team, or a check needs approval"
        ))
    case "DELETED": return .failed(failure("it was deleted", nil))
    case "QUEUED": return .keepWaiting(changed ? "queued" : nil)
    case "INITIALIZING": return .keepWaiting(changed ? "initializing" : nil)
    case "BUILDING": return .keepWaiting(changed ? "building" : nil)
    default: return .keepWaiting(changed ? answer.state.lowercased() : nil)
    }
  }

  mutating func unreadable(_ error: APIError, now: Timestamp) -> Verdict {
    let since = blindSince ?? now
    blindSince = since
    if error.kind.isPassing, now - since < WatchDecision.blindness { return .keepWaiting(nil) }
    var failure = error.failure("waiting for the deployment \(id) of \(name)")
    failure.kind = .unknown
    return .unknowable(failure)
  }

  private func failure(_ what: String, _ cause: String?, hint: String? = nil) -> Failure {
    Failure(
      .failed, "the deployment \(id) of \(name) failed: \(what); what served before keeps serving",
      place: "Vercel deployment \(id)", cause: cause, hint: hint ?? "`\(logs)` shows why")
  }
}
