import HTTP
import Model

/// Why LaunchDarkly did not do what was asked (contract launchdarkly §10).
struct LaunchDarklyError: Error, Sendable {
  enum Kind: Sendable, Hashable {
    case unauthorized, forbidden, notFound, invalid
    /// 405 means "ask a person" (contract §7).
    case approvalRequired
    case conflict
    case rateLimited(Duration?)
    /// 5xx, or an answer that is not the API's: it may have taken effect.
    case unavailable
    case unreachable(nothingSent: Bool)
    case cancelled
  }

  var kind: Kind
  /// LaunchDarkly's words, bounded, with the id its support asks for.
  var words: String
  var operation: String

  /// Whether it is not known if a write took effect.
  var isAmbiguous: Bool {
    switch kind {
    case .unavailable, .cancelled, .unreachable(nothingSent: false): true
    default: false
    }
  }

  func failure(_ name: String) -> Failure {
    let (kind, what, hint): (Failure.Kind, String, String) =
      switch kind {
      case .unauthorized:
        (
          .authentication, "LaunchDarkly does not accept the token",
          "it takes an access token of the REST API (api-…), not an SDK key (sdk-…): put one into the secret of `flag.token`"
        )
      case .forbidden:
        (
          .authentication, "LaunchDarkly does not allow it with this token",
          "give the token's role the right to change the flag's targeting in this environment"
        )
      case .notFound:
        (
          .configuration, "LaunchDarkly does not know it, or the token does not see it",
          "check `flag.project`, `flag.environment` and the rollout's key"
        )
      case .invalid: (.configuration, "LaunchDarkly refuses the request", "see its words")
      case .approvalRequired:
        (.waiting, "the environment requires approvals", "approve it in LaunchDarkly, then tick again")
      case .conflict: (.failed, "somebody else wrote at the same moment", "run the command again")
      case .rateLimited(let wait):
        (
          .failed, "LaunchDarkly's rate limit is used up",
          wait.map { "run the command again in \(max(1, $0.components.seconds)) s" }
            ?? "run the command again later"
        )
      case .unavailable:
        (
          .failed, "LaunchDarkly has trouble",
          "see https://status.launchdarkly.com, then run the command again"
        )
      case .unreachable:
        (.failed, "LaunchDarkly cannot be reached", "check the network, then run the command again")
      case .cancelled: (.cancelled, "stopped", "run the command again")
      }
    return Failure(kind, "\(name): \(what)", place: "LaunchDarkly \(operation)", cause: words, hint: hint)
  }

  /// What a write that ended so means: nothing changed, or not known.
  func refusal(_ name: String) -> FlagRefusal {
    var failure = failure(name)
    switch kind {
    case .unauthorized, .forbidden: return FlagRefusal(.notPermitted, failure)
    case .notFound, .invalid: return FlagRefusal(.invalid, failure)
    case .approvalRequired: return FlagRefusal(.approvalRequired, failure)
    case .conflict: return FlagRefusal(.rateLimited, failure)
    case .rateLimited(let wait): return FlagRefusal(.rateLimited, failure, retryAfter: wait)
    case .unreachable(nothingSent: true): return FlagRefusal(.unreachable, failure)
    case .unavailable, .unreachable, .cancelled:
      failure.kind = .unknown
      return FlagRefusal(.ambiguous, failure)
    }
  }
}
