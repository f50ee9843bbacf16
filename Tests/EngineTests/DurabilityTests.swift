import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// Every side effect stands between what is on disk before it and what is on disk after it.
@Suite struct DurabilityTests {
  private let plan = Make.plan(Make.service("a", writesVariables: false))

  private func input(_ event: EngineEvent, _ seconds: Int = 0) -> EngineInput {
    EngineInput(event, at: Make.startedAt + .seconds(seconds))
  }

  private func performed(_ actions: [EngineAction]) -> [StepID] {
    actions.compactMap { if case .perform(let step, _, _, _, _) = $0 { step.id } else { nil } }
  }

  private func facts(_ actions: [EngineAction]) -> [JournalEntry.Fact] {
    actions.compactMap { if case .journal(let entry) = $0 { entry.fact } else { nil } }
  }

  @Test func nothingIsPerformedBeforeItsBeginIsDurable() {
    var engine = Engine(plan: plan, run: Make.facts, actUntil: Make.farAway)
    let started = engine.handle(input(.start))
    #expect(performed(started) == [])
    guard case .began("a.deploy", 1, _)? = facts(started).first else {
      Issue.record("no begin in \(started)")
      return
    }
    #expect(performed(engine.handle(input(.durable(through: 1)))) == ["a.deploy"])
  }

  @Test func anIdIsDurableBeforeItsPerformerGoesOn() {
    var engine = Engine(plan: plan, run: Make.facts, actUntil: Make.farAway)
    _ = engine.handle(input(.start))
    _ = engine.handle(input(.durable(through: 1)))
    let told = engine.handle(input(.identified("a.deploy", externalID: "d1")))
    #expect(facts(told) == [.identified("a.deploy", externalID: "d1")])
    #expect(!told.contains { if case .acknowledge = $0 { true } else { false } })
    let durable = engine.handle(input(.durable(through: 2)))
    #expect(durable.contains { if case .acknowledge("a.deploy") = $0 { true } else { false } })
  }

  @Test func aStepBeginsOnlyWhenTheEndsOfThoseItNeedsAreDurable() {
    var engine = Engine(plan: plan, run: Make.facts, actUntil: Make.farAway)
    _ = engine.handle(input(.start))
    _ = engine.handle(input(.durable(through: 1)))
    let ended = engine.handle(input(.ended("a.deploy", attempt: 1, .done(StepResult()))))
    #expect(facts(ended) == [.ended("a.deploy", attempt: 1, .done(StepResult()))])
    let durable = engine.handle(input(.durable(through: 2)))
    guard case .began("a.prove", 1, _)? = facts(durable).first else {
      Issue.record("the proof did not begin: \(durable)")
      return
    }
  }

  @Test func nothingIsTakenBackBeforeTheAnnouncementIsDurable() {
    var engine = Engine(plan: plan, run: Make.facts, actUntil: Make.farAway)
    _ = engine.handle(input(.start))
    _ = engine.handle(input(.durable(through: 1)))
    _ = engine.handle(input(.ended("a.deploy", attempt: 1, .failed(Make.failure(), moved: true))))
    let turned = engine.handle(input(.durable(through: 2)))
    guard case .turned(.failure, _, let undo)? = facts(turned).first else {
      Issue.record("no turn: \(turned)")
      return
    }
    #expect(undo.map(\.id) == ["undo.a.deploy", "undo.a.prove"])
    #expect(facts(turned).count == 1)
    #expect(facts(engine.handle(input(.durable(through: 3)))).count == 1)
  }

  @Test func theResultIsDurableBeforeTheRunEnds() {
    var rehearsal = Rehearsal(plan)
    rehearsal.start()
    #expect(rehearsal.result?.state == .released)
    guard case .finished(let result)? = rehearsal.journal.last?.fact else {
      Issue.record("the last entry is \(String(describing: rehearsal.journal.last))")
      return
    }
    #expect(result == rehearsal.result)
  }

  // MARK: The lease

  @Test func withoutAConfirmedLeaseNothingStarts() {
    var engine = Engine(plan: plan, run: Make.facts, actUntil: Make.startedAt)
    #expect(facts(engine.handle(input(.start))) == [])
    #expect(
      facts(engine.handle(input(.leaseConfirmed(actUntil: Make.startedAt + .seconds(10)), 1))).count == 1)
  }

  @Test func aLeaseThatRunsOutWhileTheBeginIsWrittenHoldsTheStepBack() {
    var engine = Engine(plan: plan, run: Make.facts, actUntil: Make.startedAt + .seconds(10))
    _ = engine.handle(input(.start))
    #expect(performed(engine.handle(input(.durable(through: 1), 11))) == [])
    _ = engine.handle(input(.durable(through: 2), 11))
    let renewed = engine.handle(input(.leaseConfirmed(actUntil: Make.startedAt + .seconds(22)), 12))
    guard case .began("a.deploy", 2, _)? = facts(renewed).first else {
      Issue.record("it did not begin again: \(renewed)")
      return
    }
    #expect(performed(engine.handle(input(.durable(through: 3), 12))) == ["a.deploy"])
  }

  @Test(arguments: [
    (Failure.Kind.stale, ExitCode.stale), (.failed, .failedMixed),
  ])
  func aLostLeaseEndsTheRunAtOnce(_ kind: Failure.Kind, _ exit: ExitCode) {
    var rehearsal = Rehearsal(plan)
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.send(.leaseLost(Make.failure(kind)))
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.exit == exit)
    #expect(rehearsal.result?.unattended == ["a.deploy"])
    #expect(rehearsal.abandoned == [])
  }
}
