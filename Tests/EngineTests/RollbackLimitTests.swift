import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// The way back has a limit of its own, and when it passes the run ends with what is known.
@Suite struct RollbackLimitTests {
  private let two =
    Make.service("a", writesVariables: false) + Make.service("b", needs: ["a.prove"], writesVariables: false)

  /// A deploy of two services that turns back because the proof of the second fails, and hangs at `held`.
  private func turned(holding held: Set<StepID>) -> Rehearsal {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.outcomes["b.prove"] = [.failed(Make.failure(), moved: false)]
    rehearsal.held = held
    rehearsal.start()
    return rehearsal
  }

  private func explicit(holding held: Set<StepID>) -> Rehearsal {
    var rehearsal = Rehearsal(Make.plan(Make.rollback(["b", "a"], writesVariables: false), kind: .rollback))
    rehearsal.held = held
    rehearsal.start()
    return rehearsal
  }

  /// The limit that counts: the latest that was set.
  private func limit(_ rehearsal: Rehearsal) -> Timestamp? {
    rehearsal.timers.last { $0.timer == .rollback }?.at
  }

  @Test func theLimitIsWhatTheStepsBackMayTake() {
    let rehearsal = turned(holding: ["undo.b.deploy"])
    // For each of the two: three times the minute a restore is expected to take, and five minutes for its proof.
    let limit = limit(rehearsal) ?? Make.startedAt
    #expect(abs((limit - rehearsal.now - .seconds(2 * (180 + 300) + 15)).inSeconds) < 1)
  }

  @Test(arguments: [1, 8]) func theLimitIsBetweenFiveAndThirtyMinutes(_ services: Int) {
    let names = (0..<services).map { ServiceName(rawValue: "s\($0)") }
    var steps = names.flatMap { Make.service($0, writesVariables: false) }
    if services == 1 {
      // Nothing but a write to take back.
      steps = [
        Make.variables(
          "a.variables", "a", to: "new", undo: [Make.variables("undo.a.variables", "a", to: "old")]),
        Make.check("smoke", needs: ["a.variables"]),
      ]
    } else {
      steps.append(Make.check("smoke", needs: names.map { StepID("\($0).prove") }))
    }
    var rehearsal = Rehearsal(Make.plan(steps))
    rehearsal.outcomes["check.smoke"] = [.failed(Make.failure(), moved: false)]
    rehearsal.held = ["undo.a.variables", "undo.s7.deploy"]
    rehearsal.start()
    let limit = limit(rehearsal) ?? Make.startedAt
    #expect(abs((limit - rehearsal.now - .seconds((services == 1 ? 300 : 1800) + 15)).inSeconds) < 1)
  }

  @Test func aStepThatHangsLeavesTheOthersTheirTime() {
    var rehearsal = turned(holding: ["undo.b.deploy"])
    let began = rehearsal.now
    rehearsal.ring { $0 == .limit("undo.b.deploy", attempt: 1) }
    // Of 960 s the proof of b (which is left out) and both steps of a keep their 780.
    #expect(abs((rehearsal.now - began - .seconds(180 + 15)).inSeconds) < 1)
    #expect(rehearsal.performed.suffix(2) == ["undo.a.deploy", "undo.a.prove"])
    #expect(rehearsal.result?.state == .mixed)
    #expect(rehearsal.result?.exit == .failedMixed)
  }

  @Test(arguments: [Abandonment.inFlight("goes on"), .cancelled])
  func whenItPassesTheRunEndsAndSaysWhatIsNotKnown(_ abandonment: Abandonment) {
    var rehearsal = turned(holding: ["undo.b.deploy"])
    rehearsal.abandonments["undo.b.deploy"] = abandonment
    rehearsal.ring { $0 == .rollback }
    // The first such timer is that of the turn, long void.
    #expect(rehearsal.result == nil)
    rehearsal.ring { $0 == .rollback }
    let unknown: [StepID] = abandonment == .cancelled ? [] : ["undo.b.deploy"]
    #expect(rehearsal.abandoned == ["undo.b.deploy"])
    #expect(!rehearsal.performed.contains("undo.a.deploy"))
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.result?.unattended == unknown)
    #expect(rehearsal.result?.failedStep == "b.prove")
    let late = rehearsal.result?.rollbackFailure
    #expect(late?.kind == .timeout)
    #expect(late?.cause?.contains("undo.a.deploy") == true)
    #expect(late?.hint?.contains("shipit rollback prod") == true)
    #expect(
      rehearsal.journal.last?.fact == .finished(rehearsal.result ?? RunResult(state: .mixed, exit: .done)))
  }

  @Test func aPlatformThatDoesNotAnswerIsNotWaitedForEither() {
    var rehearsal = turned(holding: ["undo.b.deploy", "never"])
    for _ in 0..<2 { rehearsal.ring { $0 == .rollback } }
    #expect(rehearsal.result == nil)
    rehearsal.ring { $0 == .abandonment }
    #expect(rehearsal.result?.unattended == ["undo.b.deploy"])
    #expect(rehearsal.result?.exit == .failedMixed)
  }

  @Test func theNextCommandGoesOnWithAWholeLimit() {
    var rehearsal = turned(holding: ["undo.b.deploy"])
    rehearsal.abandonments["undo.b.deploy"] = .inFlight("goes on")
    for _ in 0..<2 { rehearsal.ring { $0 == .rollback } }
    rehearsal.held = ["undo.a.deploy"]
    rehearsal.findings["undo.b.deploy"] = .done(StepResult())
    rehearsal.resume(at: rehearsal.now + .seconds(86_400))
    rehearsal.start()
    #expect(rehearsal.performed == ["undo.b.prove", "undo.a.deploy"])
    let limit = limit(rehearsal) ?? Make.startedAt
    #expect(limit > rehearsal.now + .seconds(600))
    rehearsal.end("undo.a.deploy", .done(StepResult()))
    #expect(rehearsal.result?.state == .rolledBack)
    #expect(rehearsal.result?.exit == .failedClean)
  }

  @Test func theNextCommandCanSettleItInstead() {
    var rehearsal = turned(holding: ["undo.b.deploy"])
    rehearsal.abandonments["undo.b.deploy"] = .inFlight("goes on")
    for _ in 0..<2 { rehearsal.ring { $0 == .rollback } }
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.probed == ["undo.b.deploy"])
    #expect(rehearsal.performed == [])
    #expect(rehearsal.result?.state == .abandoned)
  }

  @Test func whatComesBeforeTheFirstStepBackIsBoundedToo() {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.findings["a.deploy"] = .unknown(Make.failure(.unknown))
    // The probe of the lost answer never comes back.
    _ = rehearsal.engine.handle(
      EngineInput(.ended("a.deploy", attempt: 1, .ambiguous(Make.failure())), at: rehearsal.now))
    rehearsal.ring { $0 == .deadline }
    #expect(rehearsal.result == nil)
    rehearsal.ring { $0 == .rollback }
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.result?.unattended == ["a.deploy"])
    #expect(rehearsal.result?.rollbackFailure?.cause?.contains("nothing was put back yet") == true)
  }

  @Test func aStateThatCannotBeReadOnTheWayBackIsLeftToTheNextCommand() {
    var rehearsal = turned(holding: [])
    rehearsal = Rehearsal(Make.plan(two))
    rehearsal.outcomes["b.prove"] = [.failed(Make.failure(), moved: false)]
    rehearsal.outcomes["undo.b.deploy"] = [.unknowable(Make.failure(.unknown, "cannot be read"))]
    rehearsal.start()
    // What can be put back is, and what is not known is not called mixed and closed.
    #expect(rehearsal.performed.suffix(2) == ["undo.a.deploy", "undo.a.prove"])
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.result?.unattended == ["undo.b.deploy"])
    rehearsal.findings["undo.b.deploy"] = .done(StepResult())
    rehearsal.resume()
    rehearsal.start()
    #expect(rehearsal.probed == ["undo.b.deploy"])
    #expect(rehearsal.result?.exit == .failedClean)
  }

  @Test func aRestoreThatDoesNotStopAtItsLimitIsLeftToTheNextCommand() {
    var rehearsal = turned(holding: ["undo.b.deploy"])
    rehearsal.abandonments["undo.b.deploy"] = .inFlight("it does not stop")
    rehearsal.ring { $0 == .limit("undo.b.deploy", attempt: 1) }
    // It may go live yet: the run does not end as if that were decided.
    #expect(rehearsal.performed.suffix(2) == ["undo.a.deploy", "undo.a.prove"])
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.unattended == ["undo.b.deploy"])
    rehearsal.findings["undo.b.deploy"] = .underWay(externalID: "d1")
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.abandoned == ["undo.b.deploy"])
  }

  /// A write that is done after the restore that takes its values would be what nobody runs.
  @Test(arguments: [1, 6])
  func aWriteThatCannotBeLookedUpIsRepeatedAtOnceOrHasFailed(_ unclear: Int) {
    let write = Make.variables("a.variables", "a", to: "old")
    var restore = Make.restore("a.restore", "a", needs: [write.id])
    if case .restore(var request) = restore.action {
      request.mode = .redeploy
      restore.action = .restore(request)
    }
    var rehearsal = Rehearsal(Make.plan([write, restore], kind: .rollback))
    rehearsal.outcomes["a.variables"] =
      Array(repeating: .ambiguous(Make.failure(.unknown)), count: unclear) + [.done(StepResult())]
    rehearsal.findings["a.variables"] = .unknown(Make.failure(.unknown, "cannot be read"))
    rehearsal.start()
    let writes = rehearsal.performed.count { $0 == "a.variables" }
    #expect(rehearsal.performed.last == "a.restore")
    if unclear == 1 {
      #expect(writes == 2)
      #expect(rehearsal.result?.state == .restored)
    } else {
      #expect(writes == 6)
      #expect(rehearsal.result?.state == .mixed)
      #expect(rehearsal.result?.exit == .rollbackFailed)
    }
  }

  @Test(arguments: [false, true])
  func whatMayHaveBeenWrittenIsPutBackAlsoWhenARepetitionFails(_ killed: Bool) {
    let write = Make.variables(
      "a.variables", "a", to: "new", undo: [Make.variables("undo.a.variables", "a", to: "old")])
    var rehearsal = Rehearsal(Make.plan([write]))
    rehearsal.outcomes["a.variables"] = [
      .ambiguous(Make.failure(.unknown)), .failed(Make.failure(.authentication), moved: false),
    ]
    rehearsal.findings["a.variables"] = .unknown(Make.failure(.unknown, "cannot be read"))
    if killed {
      var whole = rehearsal
      whole.start()
      let ends = whole.journal.firstIndex { entry in
        if case .ended("a.variables", _, _) = entry.fact { true } else { false }
      }
      rehearsal.start(killedAfter: (ends ?? 0) + 1, late: false)
      rehearsal.resume()
    }
    rehearsal.start()
    #expect(rehearsal.performed.last == "undo.a.variables")
    #expect(rehearsal.result?.exit == .authentication)
  }

  // MARK: Explicit rollbacks

  @Test func anExplicitRollbackHasTheSameLimit() {
    var rehearsal = explicit(holding: ["b.restore"])
    rehearsal.abandonments["b.restore"] = .inFlight("goes on")
    let limit = limit(rehearsal) ?? Make.startedAt
    #expect(abs((limit - Make.startedAt - .seconds(2 * (180 + 300) + 15)).inSeconds) < 1)
    #expect(!rehearsal.timers.contains { $0.timer == .deadline })
    rehearsal.ring { $0 == .rollback }
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .rollbackFailed)
    #expect(rehearsal.result?.unattended == ["b.restore"])
    #expect(rehearsal.result?.failure?.cause == "not known: b.restore; not done: b.prove, a.restore, a.prove")
  }

  @Test func aPlannedDeadlineOfAnExplicitRollbackIsKept() {
    var rehearsal = Rehearsal(
      Make.plan(Make.rollback(["a"], writesVariables: false), kind: .rollback, deadline: .seconds(60)))
    rehearsal.held = ["a.restore"]
    rehearsal.start()
    #expect(abs(((limit(rehearsal) ?? Make.startedAt) - Make.startedAt - .seconds(75)).inSeconds) < 1)
  }

  @Test func anExplicitRollbackThatIsResumedHasItsWholeLimit() {
    var rehearsal = explicit(holding: ["b.restore"])
    rehearsal.abandonments["b.restore"] = .inFlight("goes on")
    rehearsal.ring { $0 == .rollback }
    rehearsal.held = []
    rehearsal.findings["b.restore"] = .underWay(externalID: "d1")
    rehearsal.resume(at: rehearsal.now + .seconds(86_400))
    rehearsal.start()
    #expect((limit(rehearsal) ?? Make.startedAt) > rehearsal.now + .seconds(600))
    #expect(rehearsal.result == RunResult(state: .restored, exit: .done))
  }

  @Test func aSettlingRunHasNoLimitOfThisKind() {
    var rehearsal = turned(holding: ["undo.b.deploy"])
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(!rehearsal.timers.contains { $0.timer == .rollback })
  }
}
