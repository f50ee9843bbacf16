import Concurrency
import HTTPServer

/// Puts a fault around the answer of a platform's API, before or after its effect.
struct FaultGate: Sendable {
  /// What the platform itself says when it fails; each has its own form for it.
  struct Words: Sendable {
    /// 429, with the seconds to wait or without.
    var rateLimited: @Sendable (_ retryAfter: Int?) -> ServerResponse
    /// An error in the platform's form, with this message and code.
    var error: @Sendable (_ message: String, _ code: String?) -> ServerResponse
  }

  var clock: any TimeSource
  var words: Words

  /// - Parameters:
  ///   - patience: how long the caller waits; a longer wait ends as a cut marked `timeout`.
  ///   - answer: has the effect. It is also called for a caller who gave up meanwhile: that does not stop
  ///     the platform.
  func respond(
    _ fault: RequestFault?, patience: Duration?, isolation: isolated (any Actor)? = #isolation,
    _ answer: () async -> ServerResponse
  ) async -> ServerResponse {
    let patience = patience ?? .seconds(365 * 24 * 3600)
    switch fault {
    case nil: return await answer()
    case .refuse: return ServerResponse(status: 0, headers: [(ServerResponse.cutMark, "before")], body: .cut)
    case .hang:
      _ = await wait(.seconds(365 * 24 * 3600), patience)
      return .timeout
    case .delay(let seconds):
      let waited = await wait(.milliseconds(Int64(seconds * 1000)), patience)
      let response = await answer()
      return waited ? response : .timeout
    case .delayAnswer(let seconds):
      let response = await answer()
      return await wait(.milliseconds(Int64(seconds * 1000)), patience) ? response : .timeout
    case .rateLimited(let wait): return words.rateLimited(wait)
    case .edgeRateLimited: return .edgeRateLimit
    case .edgeRefused: return .edgeRefusal
    case .status(let status): return .page(status)
    case .error(let message, let code): return words.error(message, code)
    case .notJSON: return .page(200)
    case .cut:
      _ = await answer()
      return ServerResponse(status: 0, body: .cut)
    case .tear: return await answer().torn
    case .problemBefore: return .page(500)
    case .problemAfter:
      _ = await answer()
      return .page(500)
    case .unknownStatus(let status): return await answer().rewritten { $0.replacingStatuses(by: status) }
    case .extraField: return await answer().rewritten(\.withExtraFields)
    }
  }

  /// - Returns: false when the caller's patience ended first, or the server stopped.
  private func wait(
    _ duration: Duration, _ patience: Duration, isolation: isolated (any Actor)? = #isolation
  ) async -> Bool {
    guard (try? await clock.sleep(for: min(duration, patience))) != nil else { return false }
    return duration < patience
  }
}
