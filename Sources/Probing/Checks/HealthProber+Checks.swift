import Concurrency
import Model

/// How a check looks once, whatever its kind.
struct CheckLook: Sendable {
  /// The longest one look may take, unless more is allowed by `within`.
  static let limit = Duration.seconds(10)

  var words: CheckWords
  /// The longest one look of this check may take.
  var limit: Duration = CheckLook.limit
  /// Takes the time it has. Throws `CancellationError`.
  var look: @Sendable (Duration) async throws -> CheckAnswer
}

extension HealthProber {
  /// Looks at what must hold now that everything is live, until it does, stays wrong, or the budget ends.
  func check(_ check: Check, _ addresses: [String: String], _ call: StepCall) async -> Outcome {
    let began = clock.now
    let ends = min(began + check.timeout, call.deadline)
    let how: CheckLook
    do throws(Failure) {
      guard let found = try look(check, addresses, call.run) else {
        throw Failure(
          .internalError, "the check \(check.name) looks at nothing", place: "checks.\(check.name)")
      }
      how = found
    } catch { return .failed(error, moved: false) }
    var decision = CheckDecision(how.words, began: began, ends: ends)
    call.report(.progress("looking at \(how.words.place)"))
    while true {
      let left = max(CheckDecision.leastLook, ends - clock.now)
      do {
        switch decision.take(try await how.look(min(left, how.limit)), now: clock.now) {
        case .done(let summary):
          if let samples = check.samples, case .http(_, let expectation) = check.kind {
            return await sample(samples, how.words.place, expectation, how.words, ends: ends, call)
          }
          return .done(StepResult(summary: summary))
        case .failed(let failure): return .failed(failure, moved: false)
        case .again(let pause, let news):
          if let news { call.report(.progress(news)) }
          try await clock.sleep(for: pause)
        }
      } catch { return .cancelled(moved: false) }
    }
  }

  /// How to look, with every reference replaced; nil for what is no look from outside.
  /// - Throws: `Failure` of kind configuration when a reference has no value, or what comes of it is no address.
  private func look(
    _ check: Check, _ addresses: [String: String], _ run: RunFacts
  ) throws(Failure) -> CheckLook? {
    func render(_ template: Template) throws(Failure) -> String {
      try template.rendered { reference throws(Failure) in
        if let text = addresses[reference.description] { return text }
        switch reference {
        case .commit: return run.commit
        case .release: return String(run.release)
        case .environment: return run.environment
        default:
          throw Failure(
            .configuration, "the check \(check.name) refers to \(reference), which has no value",
            place: "checks.\(check.name)", hint: "give the service a domain, or write the address out")
        }
      }
    }
    func words(_ place: String, _ command: String) -> CheckWords {
      CheckWords(name: check.name, place: place, command: command, environment: run.environment)
    }
    guard let template = check.kind.address else { return nil }
    let address = try render(template)
    var text: String?
    if case .websocket(_, let send?, _) = check.kind { text = try render(send) }
    let said = text
    do throws(CheckAddress.Mistake) {
      switch check.kind {
      case .http(_, let expectation):
        let url = try CheckAddress.http(address)
        let judge = HTTPJudge(expectation: expectation)
        return CheckLook(
          words: words(url, "curl -sS -i \(quoted(url))"),
          limit: max(CheckLook.limit, expectation.within ?? .zero)
        ) { try await self.look(url, judge, timeout: $0) }
      case .websocket(_, _, let expectation):
        let url = try CheckAddress.websocket(address)
        return CheckLook(
          words: words(url, handshake(url)),
          limit: max(CheckLook.limit, expectation.within ?? .zero)
        ) { try await self.look(url, send: said, expectation, timeout: $0) }
      case .tcp(_, let within):
        let endpoint = try CheckAddress.endpoint(address, standardPort: nil)
        return CheckLook(
          words: words("\(endpoint)", "nc -vz -w 5 \(endpoint.host) \(endpoint.port)"),
          limit: max(CheckLook.limit, within ?? .zero)
        ) { try await self.look(endpoint, ConnectionJudge(within: within), timeout: $0) }
      case .tls(_, let days):
        let endpoint = try CheckAddress.endpoint(address, standardPort: 443)
        return CheckLook(words: words("\(endpoint)", "curl -sSvI https://\(endpoint)")) {
          try await self.look(endpoint, CertificateJudge(days: days), timeout: $0)
        }
      case .dns(_, let expectation):
        let name = try CheckAddress.name(address)
        let kind = expectation.cname == nil ? "A" : "CNAME"
        return CheckLook(words: words(name, "dig \(name) \(kind)")) {
          try await self.look(name, NameJudge(expectation: expectation), timeout: $0)
        }
      case .command: return nil
      }
    } catch {
      throw Failure(
        .configuration, "the check \(check.name) cannot look at `\(address)`: it \(error.message)",
        place: "checks.\(check.name)", hint: error.help)
    }
  }

  /// curl speaks the handshake, whose answer says most of what can be wrong.
  private func handshake(_ url: String) -> String {
    let plain = url.replacing("wss://", with: "https://").replacing("ws://", with: "http://")
    return "curl -sS -i -N -m 5 --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' "
      + "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: c2hpcGl0IGxvb2tzIGhlcg==' \(quoted(plain))"
  }

  /// As one would type it.
  private func quoted(_ text: String) -> String {
    let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:@%+,".contains($0) }
    return isPlain ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
  }
}
