import Model

/// Why Railway's API did not do what was asked.
struct APIError: Error, Sendable, Hashable {
  /// What a caller decides by.
  enum Class: Sendable, Hashable {
    /// Wrong token kind, wrong scope, or an id of the wrong type.
    case forbidden
    case invalidToken
    /// A rule of the workspace, such as two-factor authentication.
    case policy
    case notFound
    case conflict
    /// Creations come too quickly.
    case throttled
    /// Another operation is in progress.
    case busy
    case notReady
    case commitNotFound
    case input
    /// The platform failed and does not say how; a mutation may have taken effect.
    case serverFailure
    /// The document no longer fits the API.
    case schemaDrift
    case tooLarge
    /// The API's own quota is used up; `after` by `Retry-After`.
    case rateLimited(after: Duration?)
    /// The edge in front of the API refuses for a while.
    case edgeLimited
    /// The edge refuses the client as such.
    case edgeRefused
    /// A 5xx answer.
    case unavailable
    /// No answer; whether the server saw the request is in `certainlyNoEffect`.
    case transport
    /// An answer that is not the API's.
    case malformed
    /// Not asked at all, after many failures in a row.
    case breakerOpen(for: Duration)
    case cancelled
    /// A message nobody has seen yet.
    case unclassified
  }

  var kind: Class
  /// The platform's words, scrubbed of secret values and bounded.
  var message: String
  var operation: String
  var status: Int?
  var traceID: String?
  /// The request certainly changed nothing.
  var certainlyNoEffect: Bool

  init(
    _ kind: Class, _ message: String, operation: String, status: Int? = nil, traceID: String? = nil,
    certainlyNoEffect: Bool? = nil
  ) {
    self.kind = kind
    self.message = message
    self.operation = operation
    self.status = status
    self.traceID = traceID
    self.certainlyNoEffect = certainlyNoEffect ?? kind.excludesEffect
  }
}

extension APIError.Class {
  /// Sure refusals, after which nothing has changed.
  fileprivate var excludesEffect: Bool {
    switch self {
    case .forbidden, .invalidToken, .policy, .notFound, .conflict, .throttled, .busy, .notReady,
      .commitNotFound, .input, .schemaDrift, .tooLarge, .rateLimited, .edgeLimited, .edgeRefused,
      .breakerOpen:
      true
    case .serverFailure, .unavailable, .transport, .malformed, .cancelled, .unclassified: false
    }
  }

  /// Trouble that passes by itself.
  var isPassing: Bool {
    switch self {
    case .throttled, .busy, .notReady, .serverFailure, .rateLimited, .edgeLimited, .unavailable,
      .transport, .malformed, .breakerOpen:
      true
    default: false
    }
  }

  /// The class of a message of the API (contract §4.2): messages before codes, by substring, case ignored.
  init(message: String, code: String?) {
    let text = message.lowercased()
    if let row = Self.rows.first(where: { row in row.texts.contains { text.contains($0) } }) {
      self = row.kind
      return
    }
    switch code?.uppercased() {
    case "UNAUTHENTICATED", "UNAUTHORIZED", "FORBIDDEN": self = .forbidden
    case "RATE_LIMITED", "TOO_MANY_REQUESTS": self = .rateLimited(after: nil)
    case "BAD_USER_INPUT": self = .input
    case "GRAPHQL_VALIDATION_FAILED": self = .schemaDrift
    case "PLAN_LIMIT", "SUBSCRIPTION_REQUIRED": self = .policy
    case let code? where code.hasSuffix("NOT_FOUND"): self = .notFound
    default: self = .unclassified
    }
  }

  private static let rows: [(texts: [String], kind: APIError.Class)] = [
    (["project token not found"], .invalidToken),
    (["not authorized"], .forbidden),
    (["two factor authentication required"], .policy),
    (["commit not found"], .commitNotFound),
    (
      [
        "project not found", "environment not found", "service not found", "serviceinstance not found",
        "service instance not found", "volumeinstance not found", "deployment not found", "does not exist",
      ], .notFound
    ),
    (["already exists", "already in use"], .conflict),
    (["too quickly", "can be created per user every"], .throttled),
    (["operation is already in progress"], .busy),
    (["domain, please try again"], .notReady),
    (["is not a valid domain", "invalid project name"], .input),
    (["problem processing request"], .serverFailure),
    (["cannot query field", "unknown argument", "is not defined by type", "unknown field"], .schemaDrift),
  ]
}

extension APIError {
  /// The failure a person reads.
  /// - Parameters:
  ///   - doing: what was tried, for the sentence: "Railway refused to deploy api".
  ///   - token: the kind of the token in use, for refusals.
  func failure(_ doing: String, token: String? = nil) -> Failure {
    var cause = message
    if let traceID { cause += " (trace \(traceID))" }
    let who = token.map { "the \($0)" } ?? "the token"
    func make(_ kind: Failure.Kind, _ what: String, hint: String?) -> Failure {
      Failure(kind, "\(doing): \(what)", place: "Railway \(operation)", cause: cause, hint: hint)
    }
    switch kind {
    case .forbidden:
      return make(
        .authentication, "Railway does not allow it with \(who)",
        hint: "use a token that may: a workspace token of the project's workspace, or a project token "
          + "created in this very project and environment; then `shipit doctor`")
    case .invalidToken:
      return make(
        .authentication, "Railway does not know the project token",
        hint: "create a project token in the project's settings, or a workspace token in the account settings"
      )
    case .policy:
      return make(
        .authentication, "a rule of the workspace forbids it", hint: "see the cause; then `shipit doctor`")
    case .notFound:
      return make(.configuration, "it does not exist", hint: "check names and ids with `shipit doctor`")
    case .conflict: return make(.failed, "it exists already", hint: "run the command again")
    case .throttled, .busy, .notReady:
      return make(.failed, "Railway is not ready for it", hint: "run the command again in a minute")
    case .commitNotFound:
      return make(
        .failed, "Railway does not find the commit in the repository",
        hint: "push the commit to the repository the service is connected to, then run the command again")
    case .input:
      return make(.configuration, "Railway refuses the value", hint: "correct it in the environment file")
    case .schemaDrift:
      return make(
        .failed, "Railway's API has changed: it no longer accepts the document \(operation)",
        hint: "look for a newer version of shipit")
    case .tooLarge:
      return make(
        .configuration, "the packed source is too large for Railway",
        hint: "leave files out with .railwayignore, or deploy an image")
    case .rateLimited(let after):
      return make(
        .failed, "Railway's rate limit is used up",
        hint: after.map { "run the command again in \($0.components.seconds) s" }
          ?? "run the command again later")
    case .edgeLimited:
      return make(
        .failed, "Railway's edge refuses requests for a while (error 1015)",
        hint: "wait some minutes, then run the command again; such a block can last up to a day")
    case .edgeRefused:
      return make(
        .failed, "Railway's edge refuses this client", hint: "try from another network, or ask Railway")
    case .unavailable, .serverFailure, .malformed:
      return make(
        .failed, "Railway has trouble", hint: "see https://status.railway.com, then run the command again")
    case .transport, .breakerOpen:
      return make(
        .failed, "Railway cannot be reached",
        hint: "check the network and `shipit doctor`, then run the command again")
    case .cancelled: return Failure(.cancelled, "\(doing): stopped", place: "Railway \(operation)")
    case .unclassified: return make(.failed, "Railway refused", hint: "see the cause; then `shipit doctor`")
    }
  }

  /// What a mutation that ended with this error means for its step.
  func outcome(_ doing: String, token: String? = nil) -> Outcome {
    let failure = failure(doing, token: token)
    switch kind {
    case .cancelled: return .cancelled(moved: false)
    case .rateLimited(let after): return .retry(failure, after: after)
    case .breakerOpen(let wait): return .retry(failure, after: wait)
    case .edgeLimited: return .retry(failure, after: .seconds(60))
    case .throttled: return .retry(failure, after: .seconds(31))
    case .busy, .notReady: return .retry(failure, after: .seconds(5))
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
