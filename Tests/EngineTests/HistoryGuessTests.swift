import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// What a rollback without ledger guesses from the platforms' own history.
@Suite struct HistoryGuessTests {
  private func deployment(_ id: String, _ commit: String?, at minute: Int) -> Deployment {
    Deployment(
      id: id, status: .removed, word: "REMOVED", createdAt: Make.startedAt + .seconds(60 * minute),
      commit: commit, canRollback: true)
  }

  private func commit(_ digit: Int) -> String { String(repeating: "\(digit)", count: 40) }

  private func observed(_ live: Deployment?) -> ObservedService {
    var observed = Planned.observed("api")
    observed.live = live
    return observed
  }

  private func guess(_ live: Deployment?, _ history: [Deployment], only: Set<ServiceName> = [])
    -> HistoryGuess
  {
    HistoryGuess(
      Planned.environment([Planned.service("api")]), observed: ["api": observed(live)],
      history: ["api": history], only: only)
  }

  @Test func theNewestThatServedBeforeIsPicked() {
    let all = [
      deployment("d3", commit(3), at: 30), deployment("d2", commit(2), at: 20),
      deployment("d1", commit(1), at: 10),
    ]
    let pick = guess(all[0], all).picks["api"]
    #expect(pick?.deployment.id == "d2")
    #expect(
      pick?.reason
        == "guessed: deployment d2 of commit 2222222, live until about 2001-09-09 02:16 UTC: the newest that served before"
    )
  }

  @Test func whatIsNewerThanTheLiveOneWasTakenBack() {
    // The platform went back by itself: what serves is the older object.
    let all = [
      deployment("d3", commit(3), at: 30), deployment("d2", commit(2), at: 20),
      deployment("d1", commit(1), at: 10),
    ]
    #expect(guess(all[1], all).picks["api"]?.deployment.id == "d1")
  }

  @Test func whatARollbackReplacedIsPassedOver() {
    // d3 runs the commit of d1 again: d2 was taken back.
    let all = [
      deployment("d3", commit(1), at: 30), deployment("d2", commit(2), at: 20),
      deployment("d1", commit(1), at: 10),
      deployment("d0", commit(0), at: 5),
    ]
    let pick = guess(all[0], all).picks["api"]
    #expect(pick?.deployment.id == "d0")
    #expect(pick?.reason.contains("2222222 came between and was taken back") == true)
    #expect(guess(all[0], Array(all.prefix(3))).picks.isEmpty)
  }

  @Test func theSameCommitDeployedTwiceInARowIsNoRollback() {
    let all = [
      deployment("d3", commit(2), at: 30), deployment("d2", commit(2), at: 20),
      deployment("d1", commit(1), at: 10),
    ]
    #expect(guess(all[0], all).picks["api"]?.deployment.id == "d2")
  }

  @Test func withNothingLiveTheNewestThatServedIsPicked() {
    #expect(guess(nil, [deployment("d1", commit(1), at: 10)]).picks["api"]?.deployment.id == "d1")
  }

  @Test func withNothingLeftToGoBackToItSaysSo() {
    let live = deployment("d1", commit(1), at: 10)
    let guess = guess(live, [live])
    let environment = Planned.environment([Planned.service("api")])
    #expect(throws: Failure.self) {
      try guess.release(of: environment, observed: ["api": observed(live)], only: [], at: Make.startedAt)
    }
    #expect(guess.misses["api"]?.contains("it stays as it is") == true)
  }

  @Test func anUnknownCommitIsProvenByThePlatformsWord() throws {
    let live = deployment("d2", commit(2), at: 20)
    let environment = Planned.environment([
      Planned.service("api", health: Health(path: "/health", identity: .json("version")))
    ])
    let guess = guess(live, [live, deployment("d1", nil, at: 10)])
    let release = try guess.release(
      of: environment, observed: ["api": observed(live)], only: [], at: Make.startedAt)
    #expect(release.services["api"]?.health.identity == .platform)
    let input = Planned.input(environment, [observed(live)])
    let plan = try RollbackPlanner(
      input: input, request: RollbackRequest(reason: "", isGuess: true),
      candidates: ["api": deployment("d1", nil, at: 10)]
    ).plan(to: release)
    #expect(plan.ids == ["api.restore", "api.prove"])
    #expect(plan.restores == nil)
    #expect(plan.warnings.isEmpty)
  }

  @Test func withTodaysVariablesOnlyTheCommitIsNamedForThereIsNoNumber() throws {
    let live = deployment("d2", commit(2), at: 20)
    let before = deployment("d1", commit(1), at: 10)
    let environment = Planned.environment([Planned.service("api")])
    let release = try guess(live, [live, before]).release(
      of: environment, observed: ["api": observed(live)], only: [], at: Make.startedAt)
    let plan = try RollbackPlanner(
      input: Planned.input(environment, [observed(live)]),
      request: RollbackRequest(codeOnly: true, reason: "", isGuess: true), candidates: ["api": before]
    ).plan(to: release)
    #expect(plan.variables("api")?.set == ["SHIPIT_COMMIT": .text(commit(1))])
  }
}
