import Concurrency
import HTTP
import JSON
import Model

extension HealthProber {
  /// Asks once what must hold now that everything is live; only connection trouble is tried again.
  func check(
    _ check: Check, _ template: Template, _ expectation: HTTPExpectation, _ addresses: [String: String],
    _ call: StepCall
  ) async -> Outcome {
    let url: String
    do throws(Failure) {
      url = try template.rendered { reference throws(Failure) in
        if let text = addresses[reference.description] { return text }
        switch reference {
        case .commit: return call.run.commit
        case .release: return String(call.run.release)
        case .environment: return call.run.environment
        default:
          throw Failure(
            .configuration, "the check \(check.name) refers to \(reference), which has no value",
            place: "checks.\(check.name)", hint: "give the service a domain, or write the address out")
        }
      }
    } catch { return .failed(error, moved: false) }

    let ends = min(clock.now + check.timeout, call.deadline)
    var attempt = 1
    while true {
      let began = clock.now
      let left = ends - began
      do {
        switch try await get(url, timeout: max(.milliseconds(100), left)) {
        case .success(let response):
          return judge(response, check, expectation, url, took: clock.now - began)
        case .failure(let trouble):
          guard trouble.isConnection, attempt < 3, clock.now < ends else {
            return failed(check, url, "got no answer", trouble.words)
          }
          call.report(.progress("\(trouble.words), trying again"))
          try await clock.sleep(
            for: min(.milliseconds(500) * attempt, max(.milliseconds(1), ends - clock.now)))
          attempt += 1
        }
      } catch { return .cancelled(moved: false) }
    }
  }

  private func judge(
    _ response: HTTPResponse, _ check: Check, _ expectation: HTTPExpectation, _ url: String, took: Duration
  ) -> Outcome {
    let snippet = ServedIdentity.snippet(response)
    if let status = expectation.status {
      guard response.status == status else {
        return failed(check, url, "answered \(response.status), not \(status)", snippet)
      }
    } else if !(200..<300).contains(response.status) {
      return failed(check, url, "answered \(response.status), not 2xx", snippet)
    }
    if let within = expectation.within, took > within {
      return failed(
        check, url, "took \(took.wholeMilliseconds) ms, more than \(within.wholeMilliseconds) ms", nil)
    }
    for (name, wanted) in expectation.headers.sorted(by: { $0.key < $1.key }) {
      guard let value = response.header(name) else { return failed(check, url, "has no header \(name)", nil) }
      guard value == wanted else {
        return failed(check, url, "has the header \(name): \(value.prefix(100)), not \(wanted)", nil)
      }
    }
    if !expectation.json.isEmpty {
      guard let answer = try? JSON(parsing: response.body) else {
        return failed(check, url, "did not answer JSON", snippet)
      }
      for (path, wanted) in expectation.json.sorted(by: { $0.key < $1.key }) {
        guard let value = ServedIdentity.member(path, of: answer) else {
          return failed(check, url, "has no member \(path)", snippet)
        }
        let text = ServedIdentity.text(value)
        guard text == wanted else {
          return failed(check, url, "has \(path) = \(text.prefix(100)), not \(wanted)", snippet)
        }
      }
    }
    return .done(StepResult(summary: "\(response.status) in \(took.wholeMilliseconds) ms"))
  }

  private func failed(_ check: Check, _ url: String, _ what: String, _ cause: String?) -> Outcome {
    .failed(
      Failure(
        .failed, "the check \(check.name) \(what)", place: url,
        cause: cause.flatMap { $0.isEmpty ? nil : $0 },
        hint: "ask \(url) yourself; the expectation stands under `checks` in the environment file"),
      moved: false)
  }
}
