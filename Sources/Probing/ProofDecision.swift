import Concurrency
import Model

/// Turns looks at a service into a verdict: no input or output, no time but what is handed in.
struct ProofDecision: Sendable {
  enum Verdict: Sendable, Hashable {
    case keepLooking(String?)
    case proven(revision: String?)
    case failed(Failure)
  }

  let service: String
  let url: String
  let expected: String?
  let steady: Int
  /// Until then failures mean "not yet".
  let graceEnds: Timestamp
  let ends: Timestamp
  private(set) var goods = 0
  private(set) var looks = 0
  private var locked = 0
  private var wrong: (revision: String, count: Int)?
  private var last: Answer?
  private var told: String?

  init(service: String, url: String, expected: String?, steady: Int, graceEnds: Timestamp, ends: Timestamp) {
    self.service = service
    self.url = url
    self.expected = expected
    self.steady = max(1, steady)
    self.graceEnds = graceEnds
    self.ends = ends
  }

  mutating func look(_ answer: Answer, now: Timestamp) -> Verdict {
    looks += 1
    last = answer
    if case .locked = answer {} else { locked = 0 }
    let words: String
    switch answer {
    case .good(let revision):
      wrong = nil
      goods += 1
      if goods >= steady { return .proven(revision: revision) }
      words = "\(goods) of \(steady) good answers"
    case .wrong(let revision):
      goods = 0
      wrong = (revision, wrong?.revision == revision ? (wrong?.count ?? 0) + 1 : 1)
      if now >= graceEnds, (wrong?.count ?? 0) >= steady { return .failed(failure(after: now)) }
      words = "serves \(ServedIdentity.short(revision)) so far"
    case .locked(let failure):
      goods = 0
      wrong = nil
      locked += 1
      if now >= graceEnds, locked >= steady { return .failed(failure) }
      words = "a login answers so far"
    case .bad(let why):
      goods = 0
      wrong = nil
      words = "waiting: \(why)"
    }
    if now >= ends { return .failed(failure(after: now)) }
    defer { told = words }
    return .keepLooking(told == words ? nil : words)
  }

  private func failure(after now: Timestamp) -> Failure {
    switch last {
    case .locked(let failure): return failure
    case .wrong(let revision):
      let wanted = expected.map(ServedIdentity.short) ?? "another revision"
      return Failure(
        .failed, "\(service) serves \(ServedIdentity.short(revision)) but \(wanted) was deployed", place: url,
        cause: "\(wrong?.count ?? 1) answers in a row named the revision \(revision.prefix(64))",
        hint: "check that the built code and the address belong together: a stale image, a cached build, "
          + "another service behind the domain")
    case .bad(let why):
      return Failure(
        .timeout, "\(service) did not become healthy in time", place: url, cause: why,
        hint: "`shipit logs` shows its last lines; `health.within` is the limit")
    case .good, nil:
      return Failure(
        .timeout, "\(service) did not stay healthy: \(goods) of \(steady) good answers in a row", place: url,
        hint: "`shipit logs` shows its last lines; `health.within` is the limit")
    }
  }
}
