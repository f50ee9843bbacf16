import Model

/// Why Encore's platform did not do what was asked.
struct EncoreError: Error, Sendable, Hashable {
  /// What a caller decides by.
  enum Kind: Sendable, Hashable {
    /// 401: the credentials are wrong or have run out.
    case unauthorized
    case forbidden
    case notFound
    /// A field of the request is refused, such as a commit that is not on the remote.
    case invalid(field: String?)
    /// A secret's group covers an environment that another group covers already.
    case overlap(groups: [String])
    case rateLimited(after: Duration?)
    /// Another refusal.
    case refused
    /// A 5xx answer: an effect may have taken place.
    case unavailable
    /// No answer; whether anything was sent is in `certainlyNoEffect`.
    case transport
    /// An answer that is not the platform's.
    case malformed
    case cancelled
  }

  var kind: Kind
  /// The platform's words, scrubbed of secret values and bounded.
  var message: String
  /// Method and path.
  var operation: String
  var status: Int?
  /// The request certainly changed nothing.
  var certainlyNoEffect: Bool

  init(
    _ kind: Kind, _ message: String, operation: String, status: Int? = nil, certainlyNoEffect: Bool? = nil
  ) {
    self.kind = kind
    self.message = message
    self.operation = operation
    self.status = status
    self.certainlyNoEffect = certainlyNoEffect ?? kind.excludesEffect
  }
}

extension EncoreError.Kind {
  fileprivate var excludesEffect: Bool {
    switch self {
    case .unauthorized, .forbidden, .notFound, .invalid, .overlap, .rateLimited, .refused: true
    case .unavailable, .transport, .malformed, .cancelled: false
    }
  }

  /// Trouble that passes by itself.
  var isPassing: Bool {
    switch self {
    case .rateLimited, .unavailable, .transport, .malformed: true
    default: false
    }
  }
}

extension EncoreError {
  /// The failure a person reads.
  /// - Parameter doing: what was tried, for the sentence.
  func failure(_ doing: String) -> Failure {
    func make(_ kind: Failure.Kind, _ what: String, hint: String) -> Failure {
      Failure(
        kind, "\(doing): \(what)", place: "Encore \(operation)", cause: message.isEmpty ? nil : message,
        hint: hint)
    }
    switch kind {
    case .unauthorized:
      return make(
        .authentication, "Encore does not accept the credentials",
        hint: "make a new OAuth client (or auth key) in the application's settings, store it under the names "
          + "in `platforms.encore`, then `shipit doctor`")
    case .forbidden:
      return make(
        .authentication, "Encore does not allow it with these credentials",
        hint: "the OAuth client needs the role deployer, the auth key must belong to this application; "
          + "then `shipit doctor`")
    case .notFound:
      return make(
        .configuration, "Encore does not know it",
        hint: "check `platforms.encore.app` (the id in encore.app) and `environment` with `shipit doctor`")
    case .invalid(field: "commit"):
      return make(
        .configuration, "Encore does not find the commit on the linked remote",
        hint: "git push, then the same command again")
    case .invalid(let field):
      return make(
        .configuration, "Encore refuses \(field.map { "the value of \($0)" } ?? "the request")",
        hint: "correct it in the environment file; `shipit doctor` checks names")
    case .overlap(let groups):
      return make(
        .configuration,
        "another value covers this environment already"
          + (groups.isEmpty ? "" : ": \(groups.joined(separator: ", "))"),
        hint:
          "look at it with `encore secret list NAME`; give this environment a value of its own by deleting "
          + "that group (`encore secret delete ID`) and setting its other environments again")
    case .rateLimited(let after):
      return make(
        .failed, "Encore wants fewer requests",
        hint: after.map { "run the command again in \($0.components.seconds) s" }
          ?? "run the command again later")
    case .refused: return make(.failed, "Encore refused", hint: "see the cause; then `shipit doctor`")
    case .unavailable, .malformed:
      return make(
        .failed, "Encore has trouble", hint: "see https://status.encore.dev, then run the command again")
    case .transport:
      return make(
        .failed, "Encore cannot be reached",
        hint: "check the network and `shipit doctor`, then run the command again")
    case .cancelled: return Failure(.cancelled, "\(doing): stopped", place: "Encore \(operation)")
    }
  }

  /// What a request with an effect that ended with this error means for its step.
  func outcome(_ doing: String) -> Outcome {
    let failure = failure(doing)
    switch kind {
    case .cancelled where certainlyNoEffect: return .cancelled(moved: false)
    case .rateLimited(let after): return .retry(failure, after: after ?? .seconds(10))
    default:
      if certainlyNoEffect {
        return kind.isPassing ? .retry(failure, after: nil) : .failed(failure, moved: false)
      }
      var unsure = failure
      unsure.kind = .unknown
      return .ambiguous(unsure)
    }
  }
}
