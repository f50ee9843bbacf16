import Model

/// Why Vercel's API did not do what was asked (contract §9).
struct APIError: Error, Sendable, Hashable {
  /// What a caller decides by.
  enum Class: Sendable, Hashable {
    /// The token is valid, but not for this.
    case forbidden
    /// There is no such token, or it has expired or was revoked.
    case invalidToken
    case notFound
    /// 409: already so, being transferred, or something else is under way.
    case conflict
    /// 402: a quota or the plan.
    case payment
    /// 400 with `missing_files`: these digests have to be uploaded.
    case missingFiles([String])
    /// Another write is in progress; it passes.
    case busy
    case input
    /// 422: this object cannot take part in it.
    case unprocessable
    case tooLarge
    /// The endpoint is gone, or the client too old.
    case gone
    case rateLimited(after: Duration?)
    /// A 5xx answer.
    case unavailable
    /// No answer; whether the server saw the request is in `certainlyNoEffect`.
    case transport
    /// An answer that is not the API's.
    case malformed
    /// Not asked at all, after many failures in a row.
    case breakerOpen(for: Duration)
    case cancelled
    /// The source's files, read here.
    case local
  }

  var kind: Class
  /// Vercel's code, such as `env_already_exists`.
  var code: String?
  /// Vercel's words, scrubbed of secret values and bounded.
  var message: String
  /// The operation's name in Vercel's published description.
  var operation: String
  /// The project or whatever it was about.
  var subject: String?
  var status: Int?
  /// The request certainly changed nothing.
  var certainlyNoEffect: Bool

  init(
    _ kind: Class, _ message: String, operation: String, subject: String? = nil, code: String? = nil,
    status: Int? = nil, certainlyNoEffect: Bool? = nil
  ) {
    self.kind = kind
    self.message = message
    self.operation = operation
    self.subject = subject
    self.code = code
    self.status = status
    self.certainlyNoEffect = certainlyNoEffect ?? kind.excludesEffect
  }
}

extension APIError.Class {
  /// Sure refusals, after which nothing has changed.
  fileprivate var excludesEffect: Bool {
    switch self {
    case .forbidden, .invalidToken, .notFound, .conflict, .payment, .missingFiles, .busy, .input,
      .unprocessable, .tooLarge,
      .gone, .rateLimited, .breakerOpen, .local:
      true
    case .unavailable, .transport, .malformed, .cancelled: false
    }
  }

  /// Trouble that passes by itself.
  var isPassing: Bool {
    switch self {
    case .busy, .rateLimited, .unavailable, .transport, .malformed, .breakerOpen: true
    default: false
    }
  }

  /// The class of a refusal by status and code; a code that says more than its status wins.
  init(status: Int, code: String?, message: String) {
    let text = message.lowercased()
    switch (status, code) {
    case (_, "too_many_files"?), (_, "size_limit_exceeded"?), (413, _): self = .tooLarge
    case (_, "rate_limited"?), (429, _): self = .rateLimited(after: nil)
    case (400, _) where text.contains("another update") || text.contains("update in progress"): self = .busy
    case (401, _), (403, _): self = .forbidden
    case (402, _): self = .payment
    case (404, _): self = .notFound
    case (409, _): self = .conflict
    case (410, _), (426, _): self = .gone
    case (422, _): self = .unprocessable
    case (500..., _): self = .unavailable
    case (400..<500, _): self = .input
    default: self = .malformed
    }
  }
}

extension APIError {
  /// Vercel's code and words.
  var words: String { code.map { "\($0): \(message)" } ?? message }

  private var place: String { "Vercel \(operation)" + (subject.map { " of \($0)" } ?? "") }

  /// The failure a person reads.
  /// - Parameters:
  ///   - doing: what was tried, for the sentence: "promoting web".
  ///   - scope: under which team it was asked, for refusals.
  func failure(_ doing: String, scope: String? = nil) -> Failure {
    func make(_ kind: Failure.Kind, _ what: String, hint: String?) -> Failure {
      Failure(kind, "\(doing): \(what)", place: place, cause: words, hint: hint)
    }
    let asked = scope.map { " in \($0)" } ?? ""
    switch kind {
    case .forbidden:
      return make(
        .authentication, "Vercel does not allow it with this token\(asked)",
        hint:
          "check `platforms.vercel.team` and the token's scope with `shipit doctor`; a token of one project "
          + "(vcp_…) works for that project alone")
    case .invalidToken:
      return make(
        .authentication, "Vercel does not accept the token",
        hint:
          "make a new token on vercel.com (Account Settings > Tokens), put it into the secret that "
          + "`platforms.vercel.token` names, then `shipit doctor`")
    case .notFound:
      return make(
        .configuration, "Vercel does not know it\(asked)",
        hint:
          "check the name and `platforms.vercel.team` with `shipit doctor`: in the wrong team everything is "
          + "unknown")
    case .conflict:
      return make(
        .failed, "Vercel says it conflicts with the present state", hint: "`shipit status`, then run it again"
      )
    case .payment:
      return make(
        .failed, "Vercel's plan or quota does not allow it",
        hint: "wait until the quota resets, or change the plan on vercel.com")
    case .missingFiles:
      return make(
        .failed, "Vercel still misses files that were uploaded", hint: "run the command again")
    case .busy:
      return make(
        .failed, "another change of the project is in progress", hint: "run the command again in a minute")
    case .input:
      return make(.configuration, "Vercel refuses the request", hint: "correct it in the environment file")
    case .unprocessable:
      return make(
        .failed, "Vercel refuses it in the present state", hint: "`shipit status` shows what is live")
    case .tooLarge:
      return make(
        .configuration, "the source is too large for Vercel",
        hint: "leave files out with .vercelignore or .gitignore; the most are 15,000 files")
    case .gone:
      return make(
        .failed, "Vercel no longer offers this operation", hint: "look for a newer version of shipit")
    case .rateLimited(let after):
      return make(
        .failed, "Vercel's rate limit is used up",
        hint: after.map { "run the command again in \(max(1, $0.components.seconds)) s" }
          ?? "run the command again later")
    case .unavailable, .malformed:
      return make(
        .failed, "Vercel has trouble",
        hint: "see https://www.vercel-status.com, then run the command again")
    case .transport, .breakerOpen:
      return make(
        .failed, "Vercel cannot be reached",
        hint: "check the network and `shipit doctor`, then run the command again")
    case .cancelled: return Failure(.cancelled, "\(doing): stopped", place: place)
    case .local: return make(.failed, "the source cannot be read", hint: "see the cause")
    }
  }

  /// What a write that ended with this error means for its step.
  func outcome(_ doing: String, scope: String? = nil, moved: Bool = false) -> Outcome {
    let failure = failure(doing, scope: scope)
    switch kind {
    case .cancelled: return .cancelled(moved: moved)
    case .rateLimited(let after): return .retry(failure, after: after)
    case .breakerOpen(let wait): return .retry(failure, after: wait)
    case .busy: return .retry(failure, after: .seconds(3))
    default:
      if certainlyNoEffect {
        return kind.isPassing ? .retry(failure, after: nil) : .failed(failure, moved: moved)
      }
      var unsure = failure
      unsure.kind = .unknown
      return .ambiguous(unsure)
    }
  }

  /// What a read that failed before any effect means for its step.
  func readingOutcome(_ doing: String, scope: String? = nil) -> Outcome {
    let failure = failure(doing, scope: scope)
    switch kind {
    case .cancelled: return .cancelled(moved: false)
    case .rateLimited(let after): return .retry(failure, after: after)
    default: return kind.isPassing ? .retry(failure, after: nil) : .failed(failure, moved: false)
    }
  }
}
