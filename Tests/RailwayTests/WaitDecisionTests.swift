import Concurrency
import Model
import TestSupport
import Testing

@testable import Railway

@Suite struct WaitDecisionTests {
  private let now = Timestamp(milliseconds: 1_766_000_000_000)

  private func decision(
    image: String? = nil, commit: String? = nil, cutOver: CutOver = .gated
  ) -> WaitDecision {
    WaitDecision(
      Awaited(
        id: "d1", target: Sample.target,
        marker: Marker(app: "shop", environment: "prod", run: RunID(7), step: "api.deploy"), image: image,
        commit: commit, cutOver: cutOver, beganAt: now))
  }

  private func deployment(
    _ word: String, id: String = "d1", instances: [String: Int] = ["RUNNING": 1], stopped: Bool = false,
    image: String? = nil, commit: String? = nil, marker: Marker? = nil, at: Timestamp? = nil
  ) -> Deployment {
    Deployment(
      id: id, status: .init(railway: word), word: word, createdAt: at ?? now, commit: commit, image: image,
      marker: marker, isStopped: stopped, instances: instances)
  }

  private func sight(_ ours: Deployment?, newest: Deployment? = nil, cron: Bool = false) -> Sight {
    Sight(ours: ours, newest: newest ?? ours, isCron: cron)
  }

  private func word(_ verdict: WaitDecision.Verdict) -> String {
    switch verdict {
    case .keepWaiting: "waiting"
    case .live: "live"
    case .failed: "failed"
    case .refused(let failure, let moved): "\(failure.kind.rawValue)\(moved ? " moved" : "")"
    case .replaced: "replaced"
    case .unknowable: "unknowable"
    }
  }

  @Test(
    "each status seen twice means what the contract says",
    arguments: [
      ("QUEUED", "waiting"), ("WAITING", "waiting"), ("NEEDS_APPROVAL", "waiting"),
      ("INITIALIZING", "waiting"),
      ("BUILDING", "waiting"), ("DEPLOYING", "waiting"), ("SUCCESS", "live"), ("SLEEPING", "live"),
      ("FAILED", "failed"), ("CRASHED", "failed moved"), ("SKIPPED", "failed"), ("REMOVING", "waiting"),
      ("REMOVED", "failed"), ("CANCELLED", "failed"), ("HIBERNATING", "waiting"),
    ])
  func statuses(status: String, verdict: String) {
    var decision = decision()
    let first = decision.look(sight(deployment(status)), now: now)
    if verdict == "live" { #expect(word(first) == "waiting", "one look is not enough") }
    #expect(word(decision.look(sight(deployment(status)), now: now)) == verdict)
  }

  @Test("two good looks must follow each other")
  func consecutive() {
    var decision = decision()
    for status in ["SUCCESS", "DEPLOYING", "SUCCESS"] {
      #expect(word(decision.look(sight(deployment(status)), now: now)) == "waiting")
    }
    #expect(word(decision.look(sight(deployment("SUCCESS")), now: now)) == "live")
  }

  @Test("live without a running instance is waited for, except for a cron service")
  func instances() {
    var service = decision()
    for _ in 0..<3 {
      #expect(
        word(service.look(sight(deployment("SUCCESS", instances: ["INITIALIZING": 1])), now: now))
          == "waiting")
    }
    var cron = decision()
    let ended = deployment("SUCCESS", instances: ["EXITED": 1], stopped: true)
    _ = cron.look(sight(ended, cron: true), now: now)
    #expect(word(cron.look(sight(ended, cron: true), now: now)) == "live")
  }

  @Test("stopped before any instance exists is normal, stopped after one has ended is a failure")
  func stopped() {
    var decision = decision()
    for status in ["INITIALIZING", "DEPLOYING", "SUCCESS", "SUCCESS"] {
      let early = deployment(status, instances: [:], stopped: true)
      #expect(word(decision.look(sight(early), now: now)) == "waiting")
    }
    let completed = deployment("SUCCESS", instances: ["EXITED": 1], stopped: true)
    _ = decision.look(sight(completed), now: now)
    #expect(word(decision.look(sight(completed), now: now)) == "failed moved")
  }

  @Test("another image or commit than was asked for is found although everything reports success")
  func mismatch() {
    var image = decision(image: "acme/api:2")
    #expect(word(image.look(sight(deployment("SUCCESS", image: "acme/api:1")), now: now)) == "failed moved")
    var pinned = decision(image: "acme/api:2")
    _ = pinned.look(sight(deployment("SUCCESS", image: "acme/api:2@sha256:ab")), now: now)
    #expect(
      word(pinned.look(sight(deployment("SUCCESS", image: "acme/api:2@sha256:ab")), now: now)) == "live")
    var commit = decision(commit: Sample.commit)
    #expect(word(commit.look(sight(deployment("SUCCESS", commit: Sample.other)), now: now)) == "failed moved")
    var same = decision(commit: Sample.commit)
    _ = same.look(sight(deployment("SUCCESS", commit: String(Sample.commit.prefix(7)))), now: now)
    #expect(word(same.look(sight(deployment("SUCCESS", commit: Sample.commit)), now: now)) == "live")
  }

  @Test("a newer foreign deployment is named, one with our marker takes over")
  func superseded() {
    var foreign = decision()
    let other = deployment("BUILDING", id: "d2", commit: Sample.other, at: now + .seconds(1))
    let verdict = foreign.look(sight(deployment("REMOVED"), newest: other), now: now)
    guard case .refused(let failure, let moved) = verdict else {
      Issue.record("not refused: \(verdict)")
      return
    }
    #expect(failure.kind == .stale && !moved && failure.message.contains("superseded by d2"))

    var ours = decision()
    let again = deployment(
      "BUILDING", id: "d2",
      marker: Marker(app: "shop", environment: "prod", run: RunID(7), step: "api.deploy"),
      at: now + .seconds(1))
    #expect(ours.look(sight(deployment("REMOVED"), newest: again), now: now) == .replaced(by: "d2"))
  }

  @Test("what was live, or stopped the old one first, has moved")
  func moved() {
    var wasLive = decision()
    _ = wasLive.look(sight(deployment("SUCCESS")), now: now)
    #expect(word(wasLive.look(sight(deployment("REMOVED")), now: now)) == "failed moved")
    #expect(!decision().hasMoved)
    #expect(decision(cutOver: .stopFirst).hasMoved)
  }

  @Test("reads may fail for a minute before the outcome is unknown, and one success forgives")
  func unreadable() {
    var decision = decision()
    let trouble = APIError(.unavailable, "HTTP 502", operation: "x")
    for second in stride(from: 0, to: 60, by: 10) {
      #expect(word(decision.unreadable(trouble, now: now + .seconds(second))) == "waiting")
    }
    _ = decision.look(sight(deployment("BUILDING")), now: now + .seconds(59))
    #expect(word(decision.unreadable(trouble, now: now + .seconds(70))) == "waiting")
    _ = decision.unreadable(trouble, now: now + .seconds(100))
    #expect(word(decision.unreadable(trouble, now: now + .seconds(131))) == "unknowable")
  }

  @Test("a deployment may be unlisted for a moment; after a minute it has vanished")
  func missing() {
    var decision = decision()
    #expect(word(decision.look(sight(nil), now: now)) == "waiting")
    #expect(word(decision.look(sight(nil), now: now + .seconds(59))) == "waiting")
    #expect(word(decision.look(sight(nil), now: now + .seconds(61))) == "unknowable")
  }
}
