import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// What a run ends with, cell by cell of DESIGN §9.
@Suite struct ResultTests {
  private let two = Make.service("a") + Make.service("b", needs: ["a.prove"])

  @Test func everythingLive() {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.start()
    #expect(rehearsal.result == RunResult(state: .released, exit: .done))
  }

  @Test(arguments: [
    (Failure.Kind.failed, ExitCode.failedClean), (.timeout, .failedClean), (.authentication, .authentication),
    (.policy, .policy), (.configuration, .usage),
  ])
  func failedBeforeAnythingMoved(_ kind: Failure.Kind, _ exit: ExitCode) {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.outcomes["a.deploy"] = [.failed(Make.failure(kind), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.state == .unchanged)
    #expect(rehearsal.result?.exit == exit)
    #expect(rehearsal.result?.failedStep == "a.deploy")
    // The previous state is proven to hold.
    #expect(rehearsal.performed == ["a.deploy", "affirm.a"])
  }

  @Test(arguments: [Failure.Kind.failed, .authentication])
  func movedAndPutBackInReverseOrder(_ kind: Failure.Kind) {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.outcomes["b.prove"] = [.failed(Make.failure(kind), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.state == .rolledBack)
    #expect(rehearsal.result?.exit == .failedClean)
    #expect(rehearsal.result?.failedStep == "b.prove")
    #expect(
      rehearsal.performed.suffix(6) == [
        "undo.b.deploy", "undo.b.prove", "undo.b.variables", "undo.a.deploy", "undo.a.prove",
        "undo.a.variables",
      ])
  }

  @Test func aFailureStopsWhatElseRuns() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a"), Make.deploy("b"), Make.deploy("c")]))
    rehearsal.held = ["a.deploy", "b.deploy", "c.deploy"]
    rehearsal.abandonments = ["b.deploy": .tookEffect(StepResult(externalID: "b1")), "c.deploy": .cancelled]
    rehearsal.start()
    rehearsal.end("a.deploy", .failed(Make.failure(), moved: false))
    #expect(rehearsal.abandoned == ["b.deploy", "c.deploy"])
    #expect(
      rehearsal.performed.dropFirst(3) == ["affirm.c", "undo.b.deploy", "undo.b.prove", "affirm.a"])
    #expect(rehearsal.result?.state == .rolledBack)
  }

  @Test func theRollbackItselfFails() {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.outcomes["b.prove"] = [.failed(Make.failure(), moved: false)]
    rehearsal.outcomes["undo.b.deploy"] = [.failed(Make.failure(.failed, "image expired"), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.state == .mixed)
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.result?.rollbackFailure?.message == "image expired")
    // What can be put back is.
    #expect(rehearsal.performed.contains("undo.a.deploy"))
    #expect(!rehearsal.performed.contains("undo.b.prove"))
  }

  @Test func aFirstReleaseHasNothingToGoBackTo() {
    var rehearsal = Rehearsal(
      Make.plan(Make.service("a", isFirst: true, writesVariables: false), hasPrevious: false))
    rehearsal.outcomes["a.prove"] = [.failed(Make.failure(), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.state == .mixed)
    #expect(rehearsal.result?.exit == .failedMixed)
  }

  @Test func aFirstReleaseWhoseTestsFailHasTouchedNothing() {
    let tests = Make.command("tests")
    var rehearsal = Rehearsal(
      Make.plan([tests] + Make.service("a", needs: [tests.id], isFirst: true), hasPrevious: false))
    rehearsal.outcomes["run.tests"] = [.failed(Make.failure(), moved: false)]
    rehearsal.start()
    #expect(rehearsal.result?.state == .unchanged)
    #expect(rehearsal.result?.exit == .failedClean)
  }

  @Test(arguments: [false, true])
  func aForeignDeploymentIsLeftAlone(_ killed: Bool) {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.outcomes["b.deploy"] = [.failed(Make.failure(.stale, "somebody deployed"), moved: false)]
    if killed {
      // Killed between the durable failure and the turn.
      var whole = rehearsal
      whole.start()
      let ends = whole.journal.firstIndex { entry in
        if case .ended("b.deploy", _, _) = entry.fact { true } else { false }
      }
      rehearsal.start(killedAfter: (ends ?? 0) + 1, late: false)
      rehearsal.resume()
    }
    rehearsal.start()
    #expect(rehearsal.result?.exit == .stale)
    #expect(!rehearsal.performed.contains("undo.b.deploy"))
    #expect(!rehearsal.performed.contains("affirm.b"))
    #expect(rehearsal.performed.contains("undo.a.deploy"))
  }

  @Test func theDeadlinePutsBackWhatMoved() {
    var rehearsal = Rehearsal(Make.plan(two, deadline: .seconds(600)))
    rehearsal.held = ["b.deploy"]
    rehearsal.start()
    rehearsal.ring { $0 == .deadline }
    #expect(rehearsal.result?.state == .rolledBack)
    #expect(rehearsal.result?.exit == .deadline)
    #expect(rehearsal.abandoned == ["b.deploy"])
  }

  @Test func aResumedRunHasItsWholeDeadline() {
    var rehearsal = Rehearsal(Make.plan(two, deadline: .seconds(600)))
    rehearsal.start(killedAfter: 3, late: false)
    rehearsal.resume(at: Make.startedAt + .seconds(86_400))
    rehearsal.start()
    let deadline = rehearsal.timers.first { $0.timer == .deadline }?.at
    #expect((deadline ?? Make.startedAt) >= Make.startedAt + .seconds(86_400 + 468))
    #expect(rehearsal.result?.state == .released)
  }

  // MARK: Time kept back, and the limit of the way back

  @Test(arguments: [(600, 468), (90, 60)])
  func aDeployTurnsWhileThereIsTimeForItsRollback(_ deadline: Int, _ turns: Int) {
    // Two services: 60 s for each restore, 5 s for each proof, 1 s for each write; at most a third.
    var rehearsal = Rehearsal(Make.plan(two, deadline: .seconds(deadline)))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    let wake = rehearsal.timers.first { $0.timer == .deadline }?.at
    #expect(wake == Make.startedAt + .seconds(turns))
    rehearsal.ring { $0 == .deadline }
    #expect(rehearsal.result?.exit == .deadline)
    #expect(rehearsal.result?.failure?.message.contains("kept back for the rollback") == true)
  }

  @Test func nothingIsKeptBackWhereNothingCanBePutBack() {
    var rehearsal = Rehearsal(
      Make.plan(
        Make.service("a", isFirst: true, writesVariables: false), deadline: .seconds(600), hasPrevious: false)
    )
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    #expect(
      rehearsal.timers.contains { $0.timer == .deadline && $0.at == Make.startedAt + .seconds(600) })
  }

  // MARK: Interruption

  @Test func interruptedBeforeAnythingMoved() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.send(.interrupted(.terminate))
    #expect(rehearsal.abandoned == ["a.deploy"])
    #expect(rehearsal.result == RunResult(state: .unchanged, exit: .terminated))
  }

  @Test(arguments: [
    (Abandonment.tookEffect(StepResult(externalID: "d")), ExitCode.failedMixed, false),
    (.inFlight("goes on"), .failedMixed, true),
  ])
  func interruptedDuringACutOver(_ abandonment: Abandonment, _ exit: ExitCode, _ isUnattended: Bool) {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.held = ["a.deploy"]
    rehearsal.abandonments["a.deploy"] = abandonment
    rehearsal.start()
    rehearsal.send(.interrupted(.interrupt))
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == exit)
    #expect(rehearsal.result?.unattended == (isUnattended ? ["a.deploy"] : []))
  }

  @Test func interruptedWithOnlyVariablesWritten() {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.send(.interrupted(.interrupt))
    // The previous release is live, and there is something left to resume or settle.
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .interrupted)
  }

  @Test func anInterruptedRunDoesNotWaitForASilentPlatform() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.held = ["a.deploy", "never"]
    rehearsal.start()
    rehearsal.send(.interrupted(.interrupt))
    #expect(rehearsal.result == nil)
    rehearsal.ring { $0 == .abandonment }
    #expect(rehearsal.result?.unattended == ["a.deploy"])
  }

  @Test func interruptedWhileRollingBack() {
    var rehearsal = Rehearsal(Make.plan(two))
    rehearsal.outcomes["b.prove"] = [.failed(Make.failure(), moved: false)]
    rehearsal.held = ["undo.b.deploy"]
    rehearsal.start()
    rehearsal.send(.interrupted(.interrupt))
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == .failedMixed)
    rehearsal.held = []
    rehearsal.resume()
    rehearsal.start()
    #expect(rehearsal.result?.state == .rolledBack)
    #expect(rehearsal.result?.exit == .failedClean)
  }

  // MARK: Explicit rollbacks

  @Test func anExplicitRollbackThatWorks() {
    var rehearsal = Rehearsal(Make.plan(Make.rollback(["b", "a"]), kind: .rollback))
    rehearsal.start()
    #expect(rehearsal.result == RunResult(state: .restored, exit: .done))
  }

  @Test(arguments: [
    Outcome.failed(Failure(.failed, "no"), moved: false), .unknowable(Failure(.unknown, "?")),
  ])
  func oneServicesFailureDoesNotStopAnExplicitRollback(_ outcome: Outcome) {
    var rehearsal = Rehearsal(Make.plan(Make.rollback(["b", "a"]), kind: .rollback))
    rehearsal.outcomes["b.restore"] = [outcome]
    rehearsal.start()
    #expect(rehearsal.performed.contains("a.restore"))
    #expect(rehearsal.performed.contains("a.prove"))
    #expect(!rehearsal.performed.contains("b.prove"))
    #expect(rehearsal.result?.exit == .rollbackFailed)
    #expect(rehearsal.result?.failedStep == "b.restore")
  }

  // MARK: Exposure

  @Test func exposureIsFromGoingLiveToBeingReplaced() {
    var rehearsal = Rehearsal(Make.plan(Make.service("a", writesVariables: false)))
    let live = Make.startedAt + .seconds(100)
    rehearsal.outcomes["a.deploy"] = [.done(StepResult(liveSince: live))]
    rehearsal.outcomes["a.prove"] = [.failed(Make.failure(), moved: false)]
    rehearsal.outcomes["undo.a.deploy"] = [.done(StepResult(liveSince: live + .seconds(42)))]
    rehearsal.start()
    #expect(rehearsal.result?.exposure == ["a": 42_000])
  }
}
