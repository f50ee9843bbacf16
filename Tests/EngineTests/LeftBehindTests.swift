import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// What a run leaves behind is listed and found out, in time and by the clock of whoever does so. The simulation
/// found each of these.
@Suite struct LeftBehindTests {
  /// A CI runner kills at 10 s: a ledger that does not answer must not use them up (promise 7).
  @Test func anInterruptedRunDoesNotWaitForASilentLedger() {
    var rehearsal = Rehearsal(Make.plan(Make.service("a", writesVariables: false)))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.isLedgerSilent = true
    rehearsal.send(.interrupted(.terminate))
    #expect(rehearsal.result == nil)
    let before = rehearsal.now
    rehearsal.ring { $0 == .interruption }
    #expect(rehearsal.now - before <= .seconds(4))
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.result?.unattended == ["a.deploy"])
  }

  @Test func aRunThatEndsAsItIsInterruptedDoesNotWaitEither() {
    var rehearsal = Rehearsal(Make.plan([Make.command("tests", repeatable: true)]))
    rehearsal.held = ["run.tests"]
    rehearsal.start()
    rehearsal.end("run.tests", .done(StepResult()))
    #expect(rehearsal.result?.state == .released)

    rehearsal = Rehearsal(Make.plan([Make.command("tests", repeatable: true)]))
    rehearsal.held = ["run.tests"]
    rehearsal.start()
    rehearsal.isLedgerSilent = true
    rehearsal.end("run.tests", .done(StepResult()))
    rehearsal.send(.interrupted(.interrupt))
    rehearsal.ring { $0 == .interruption }
    #expect(rehearsal.result?.state == .inFlight, "nobody has written down that it ended")
  }

  /// The machine that began may have a clock that is ahead.
  @Test func aResumedRunCountsByItsOwnClock() throws {
    var rehearsal = Rehearsal(Make.plan(Make.service("a", writesVariables: false)))
    rehearsal.start(killedAfter: 2, late: true)
    let here = Make.startedAt - .seconds(100)
    rehearsal.resume(at: here)
    rehearsal.start()
    let deadline = try #require(rehearsal.timers.first { $0.timer == .deadline })
    #expect(deadline.at <= here + .seconds(1800))
    #expect(rehearsal.result?.state == .released)
  }

  /// Nothing takes a first release back, so one that does not stop is listed, and looked up by the next command.
  @Test func aFirstReleaseThatDoesNotStopIsListedAndFoundOut() {
    let plan = Make.plan(
      Make.service("a", isFirst: true, writesVariables: false) + Make.service("b", writesVariables: false),
      hasPrevious: false)
    var rehearsal = Rehearsal(plan)
    rehearsal.held = ["a.deploy"]
    rehearsal.abandonments = ["a.deploy": .inFlight("it does not stop")]
    rehearsal.outcomes = ["b.deploy": [.failed(Make.failure(), moved: false)]]
    rehearsal.start()
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.result?.unattended == ["a.deploy"])

    rehearsal.findings = ["a.deploy": .done(StepResult(externalID: "x-a"))]
    rehearsal.resume()
    rehearsal.start()
    #expect(rehearsal.probed == ["a.deploy"])
    #expect(rehearsal.result?.state == .mixed)
    #expect(rehearsal.result?.unattended == [])
  }

  /// Settling waits for what it asked to stop.
  @Test func settlingOnTheWayBackWaitsForWhatItStops() {
    let plan = Make.plan(
      Make.service("a", isFirst: true, writesVariables: false) + Make.service("b", writesVariables: false),
      hasPrevious: false)
    var rehearsal = Rehearsal(plan)
    rehearsal.held = ["a.deploy"]
    rehearsal.abandonments = ["a.deploy": .inFlight("it does not stop")]
    rehearsal.outcomes = ["b.deploy": [.failed(Make.failure(), moved: false)]]
    rehearsal.start()
    rehearsal.findings = ["a.deploy": .underWay(externalID: "x-a")]
    rehearsal.abandonments = [:]
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.abandoned == ["a.deploy"])
    #expect(rehearsal.result?.state == .abandoned)
    #expect(rehearsal.journal.last.map { "\($0.fact)" }?.hasPrefix("finished") == true)
  }
}
