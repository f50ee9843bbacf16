import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// What starts when, how trouble is waited out, and what a probe leads to.
@Suite struct DispatchTests {
  @Test func aLaneRunsAsManyAtOnceAsItAllows() {
    let steps = (0..<10).map { Make.deploy(ServiceName(rawValue: "s\($0)")) }
    var rehearsal = Rehearsal(Make.plan(steps))
    rehearsal.held = Set(steps.map(\.id))
    rehearsal.start()
    #expect(rehearsal.performed.count == Lane.railway.width)
    rehearsal.end("s0.deploy", .done(StepResult()))
    #expect(rehearsal.performed.count == Lane.railway.width + 1)
  }

  @Test func theCriticalPathGoesFirst() {
    let short = (0..<Lane.commands.width).map { Make.command("short\($0)") }
    let long = Make.command("long")
    let after = Make.deploy("a", needs: [long.id])
    var rehearsal = Rehearsal(Make.plan(short + [long, after]))
    rehearsal.held = Set((short + [long]).map(\.id))
    rehearsal.start()
    #expect(rehearsal.performed.first == long.id)
    #expect(rehearsal.performed.count == Lane.commands.width)
  }

  @Test func passingTroubleIsWaitedOutLongerAndLonger() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.outcomes["a.deploy"] = [.retry(Make.failure(), after: nil)]
    rehearsal.start()
    let delays = rehearsal.announced.compactMap { kind in
      if case .stepRetries(_, _, let after) = kind { after } else { nil }
    }
    #expect(delays == [250, 500, 1000, 2000, 4000].map { Duration.milliseconds($0) })
    #expect(rehearsal.performed.count { $0 == "a.deploy" } == 6)
    #expect(rehearsal.result?.exit == .failedClean)
    #expect(rehearsal.result?.state == .unchanged)
  }

  @Test func aPlatformsRetryAfterIsKept() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.outcomes["a.deploy"] = [.retry(Make.failure(), after: .seconds(30)), .done(StepResult())]
    rehearsal.start()
    #expect(
      rehearsal.timers.contains {
        $0.timer == .retry("a.deploy", attempt: 1) && $0.at >= Make.startedAt + .seconds(30)
      })
    #expect(rehearsal.result?.state == .released)
  }

  @Test func noRetryBeginsBeyondTheStepsLimit() {
    var rehearsal = Rehearsal(Make.plan([Make.variables("a.variables", "a", to: "new")]))
    rehearsal.outcomes["a.variables"] = [.retry(Make.failure(), after: .seconds(200))]
    rehearsal.start()
    #expect(rehearsal.performed == ["a.variables"])
    #expect(rehearsal.result?.state == .unchanged)
  }

  enum Next { case again, goesOn, done, turns, halts }

  @Test(arguments: [
    (Finding.absent, Next.again), (.underWay(externalID: "d9"), .goesOn),
    (.done(StepResult(externalID: "d9")), .done), (.failed(Failure(.failed, "no"), moved: false), .turns),
    (.unknown(Failure(.unknown, "?")), .halts),
  ])
  func aLostAnswerIsLookedUp(_ finding: Finding, _ next: Next) {
    var rehearsal = Rehearsal(Make.plan(Make.service("a", writesVariables: false)))
    rehearsal.outcomes["a.deploy"] = [.ambiguous(Make.failure(.unknown)), .done(StepResult())]
    rehearsal.findings["a.deploy"] = finding
    rehearsal.start()
    #expect(rehearsal.probed == ["a.deploy"])
    let times = rehearsal.performed.count { $0 == "a.deploy" }
    switch next {
    case .again, .goesOn:
      #expect(times == 2)
      #expect(rehearsal.result?.state == .released)
    case .done:
      #expect(times == 1)
      #expect(rehearsal.result?.state == .released)
    case .turns:
      #expect(rehearsal.performed == ["a.deploy", "affirm.a"])
      #expect(rehearsal.result?.state == .unchanged)
      #expect(rehearsal.result?.exit == .failedClean)
    case .halts:
      #expect(rehearsal.performed == ["a.deploy"])
      #expect(rehearsal.result?.state == .inFlight)
      #expect(rehearsal.result?.exit == .failedMixed)
      #expect(rehearsal.result?.unattended == ["a.deploy"])
    }
  }

  @Test func nothingElseBeginsWhileAStepIsLookedUp() {
    var rehearsal = Rehearsal(
      Make.plan([Make.deploy("a"), Make.deploy("b"), Make.deploy("c", needs: ["b.deploy"])]))
    rehearsal.held = ["a.deploy", "b.deploy"]
    rehearsal.start()
    // Both answers arrive before the probe's.
    _ = rehearsal.engine.handle(
      EngineInput(.ended("a.deploy", attempt: 1, .ambiguous(Make.failure())), at: rehearsal.now))
    rehearsal.end("b.deploy", .done(StepResult()))
    #expect(!rehearsal.performed.contains("c.deploy"))
    rehearsal.send(.probed("a.deploy", .done(StepResult())))
    #expect(rehearsal.performed.contains("c.deploy"))
  }

  @Test func whatNeverArrivesIsNotRepeatedForEver() {
    var rehearsal = Rehearsal(Make.plan([Make.variables("a.variables", "a", to: "new")]))
    rehearsal.outcomes["a.variables"] = [.ambiguous(Make.failure(.unknown))]
    rehearsal.start()
    #expect(rehearsal.performed.count == 6)
    #expect(rehearsal.result?.exit == .failedClean)
  }

  @Test(arguments: [true, false])
  func whatCannotBeLookedUpIsRepeatedOnlyWhenThatIsSafe(_ repeatable: Bool) {
    var rehearsal = Rehearsal(Make.plan([Make.command("seed", repeatable: repeatable)]))
    rehearsal.outcomes["run.seed"] = [.unknowable(Make.failure(.unknown)), .done(StepResult())]
    rehearsal.start()
    #expect(rehearsal.performed.count == (repeatable ? 2 : 1))
    #expect(rehearsal.result?.exit == (repeatable ? .done : .failedMixed))
    #expect(rehearsal.result?.state == (repeatable ? .released : .inFlight))
  }

  @Test func aPersonWhoDoesNotComeIsNotWaitedForLongerThanTheLimit() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.outcomes["a.deploy"] = [.waiting("approve it in the dashboard")]
    rehearsal.start()
    #expect(rehearsal.abandoned == ["a.deploy"])
    #expect(rehearsal.result?.exit == .waiting)
    #expect(rehearsal.result?.state == .unchanged)
    #expect(rehearsal.result?.failure?.cause == "approve it in the dashboard")
  }

  @Test func aPerformerThatNeverAnswersIsStoppedAfterItsLimit() {
    var rehearsal = Rehearsal(Make.plan(Make.service("a", writesVariables: false)))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.ring { $0 == .limit("a.deploy", attempt: 1) }
    #expect(rehearsal.abandoned == ["a.deploy"])
    #expect(rehearsal.result?.failure?.kind == .timeout)
    #expect(rehearsal.result?.state == .unchanged)
  }

  @Test func aPlatformThatNeverConfirmsAStopIsNotWaitedFor() {
    var rehearsal = Rehearsal(Make.plan(Make.service("a", writesVariables: false)))
    rehearsal.held = ["a.deploy", "never"]
    rehearsal.start()
    rehearsal.ring { $0 == .limit("a.deploy", attempt: 1) }
    #expect(rehearsal.result == nil)
    rehearsal.ring { $0 == .abandonment }
    // It may still go live: the previous release is put back over it.
    #expect(rehearsal.performed == ["a.deploy", "undo.a.deploy", "undo.a.prove"])
    #expect(rehearsal.result?.state == .rolledBack)
  }

  @Test func theLimitOfAnAttemptThatGoesOnIsNotTheOldOne() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.held = ["a.deploy"]
    rehearsal.findings["a.deploy"] = .underWay(externalID: "d1")
    rehearsal.start()
    rehearsal.now = rehearsal.now + .seconds(1000)
    rehearsal.end("a.deploy", .ambiguous(Make.failure()))
    rehearsal.ring { $0 == .limit("a.deploy", attempt: 1) }
    #expect(rehearsal.abandoned == [])
  }
}
