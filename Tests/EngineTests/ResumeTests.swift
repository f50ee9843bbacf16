import Concurrency
import Engine
import Model
import Testing

@testable import Simulation

/// A run that is killed at any entry of its journal ends as if it had not been.
@Suite struct ResumeTests {
  enum Story: String, CaseIterable {
    case released, rolledBack, failedFirst, rollbackFails, explicit
  }

  private func rehearsal(_ story: Story) -> Rehearsal {
    let tests = Make.command("tests", repeatable: true)
    let steps =
      [tests] + Make.service("a", needs: [tests.id]) + Make.service("b", needs: ["a.prove"])
      + [Make.check("smoke", needs: ["a.prove", "b.prove"])]
    let failed = Outcome.failed(Make.failure(), moved: false)
    var rehearsal = Rehearsal(Make.plan(steps))
    switch story {
    case .released: break
    case .rolledBack: rehearsal.outcomes["check.smoke"] = [failed]
    case .failedFirst: rehearsal.outcomes["a.deploy"] = [failed]
    case .rollbackFails:
      rehearsal.outcomes["b.prove"] = [failed]
      rehearsal.outcomes["undo.a.deploy"] = [failed]
    case .explicit:
      rehearsal = Rehearsal(Make.plan(Make.rollback(["b", "a"]), kind: .rollback))
      rehearsal.outcomes["b.prove"] = [failed]
    }
    return rehearsal
  }

  @Test(arguments: Story.allCases, [false, true])
  func killedAtEveryEntry(_ story: Story, _ late: Bool) {
    var whole = rehearsal(story)
    whole.start()
    guard let expected = whole.result else {
      Issue.record("it never ended")
      return
    }
    for entries in 0..<whole.journal.count {
      var rehearsal = rehearsal(story)
      rehearsal.start(killedAfter: entries, late: late)
      var open: Set<StepID> = []
      var finished: Set<StepID> = []
      for entry in rehearsal.journal {
        switch entry.fact {
        case .began(let id, _, _): open.insert(id)
        case .ended(let id, _, let outcome):
          open.remove(id)
          if outcome.isDone { finished.insert(id) }
        default: break
        }
      }
      let effects = rehearsal.effects
      rehearsal.resume()
      rehearsal.start()
      #expect(Set(rehearsal.probed) == open, "after entry \(entries)")
      #expect(finished.isDisjoint(with: rehearsal.performed), "after entry \(entries)")
      // What took effect without an end on disk was found and not repeated.
      #expect(effects.isDisjoint(with: rehearsal.performed), "after entry \(entries)")
      #expect(rehearsal.result?.state == expected.state, "after entry \(entries)")
      #expect(rehearsal.result?.exit == expected.exit, "after entry \(entries)")
      #expect(rehearsal.result?.failedStep == expected.failedStep, "after entry \(entries)")
      #expect(rehearsal.journal.map(\.sequence) == Array(1...rehearsal.journal.count))
    }
  }

  @Test func allThatIsUnknownIsLookedUpBeforeAnythingBegins() {
    var rehearsal = Rehearsal(
      Make.plan([Make.deploy("a"), Make.deploy("b"), Make.deploy("c", needs: ["a.deploy"])]))
    rehearsal.held = ["a.deploy", "b.deploy"]
    rehearsal.start()
    rehearsal.resume()
    let actions = rehearsal.engine.handle(EngineInput(.start, at: rehearsal.now))
    let probes = actions.compactMap { if case .probe(let step, _, _) = $0 { step.id } else { nil } }
    #expect(probes == ["a.deploy", "b.deploy"])
    let one = rehearsal.engine.handle(
      EngineInput(.probed("a.deploy", .done(StepResult())), at: rehearsal.now))
    #expect(!one.contains { if case .journal(let entry) = $0 { entry.fact.isBegin } else { false } })
  }

  @Test func anObjectThatIsGoneIsNotWaitedFor() {
    var rehearsal = Rehearsal(Make.plan([Make.deploy("a")]))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.send(.identified("a.deploy", externalID: "d1"))
    rehearsal.resume()
    rehearsal.findings["a.deploy"] = .absent
    var ids: [String?] = []
    var events: [EngineEvent] = [.start, .probed("a.deploy", .absent), .durable(through: 100)]
    while !events.isEmpty {
      for case .perform(_, _, _, let id, _) in rehearsal.engine.handle(
        EngineInput(events.removeFirst(), at: rehearsal.now))
      { ids.append(id) }
    }
    #expect(ids == [nil])
  }

  @Test func configurationIsNotPutBackBehindTheRestoreThatReadsIt() {
    var rehearsal = Rehearsal(Make.plan(Make.rollback(["a"], redeployed: ["a"]), kind: .rollback))
    // Killed while it wrote; the next process cannot find out whether the write took place, and restores
    // nothing over it.
    rehearsal.held = ["a.variables"]
    rehearsal.start()
    rehearsal.findings["a.variables"] = .unknown(Make.failure(.unknown, "cannot be read"))
    rehearsal.resume()
    rehearsal.start()
    #expect(!rehearsal.performed.contains("a.restore"))
    rehearsal.held = []
    rehearsal.resume()
    rehearsal.findings["a.variables"] = .absent
    rehearsal.start()
    #expect(rehearsal.performed == ["a.variables", "a.restore", "a.prove"])
    #expect(rehearsal.result?.exit == .done)
  }

  // MARK: Settling

  @Test(arguments: [
    (Finding.absent, RunResult.State.abandoned), (.done(StepResult()), .released),
    (.failed(Failure(.failed, "no"), moved: false), .abandoned), (.underWay(externalID: "d"), .abandoned),
    (.unknown(Failure(.unknown, "?")), .inFlight),
  ])
  func settlingFindsOutAndStartsNothing(_ finding: Finding, _ state: RunResult.State) {
    var rehearsal = Rehearsal(Make.plan(Make.service("a")))
    rehearsal.held = ["a.deploy"]
    rehearsal.start()
    rehearsal.findings["a.deploy"] = finding
    rehearsal.resume(.settle)
    rehearsal.start()
    // What turns out live is looked at; that changes nothing and may complete the run.
    #expect(rehearsal.performed == (state == .released ? ["a.prove"] : []))
    #expect(rehearsal.result?.state == state)
    #expect(rehearsal.result?.exit == (state == .inFlight ? .failedMixed : .done))
    #expect(!rehearsal.journal.contains { if case .turned = $0.fact { true } else { false } })
    if case .underWay = finding { #expect(rehearsal.abandoned == ["a.deploy"]) }
  }

  @Test func aCommandNobodySawEndBlocksOnlyUntilAPersonWasTold() {
    var rehearsal = Rehearsal(Make.plan([Make.command("seed")] + Make.service("a", needs: ["run.seed"])))
    rehearsal.held = ["run.seed"]
    rehearsal.start()
    rehearsal.findings["run.seed"] = .unknown(Make.failure(.unknown, "nobody saw it end"))
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.result?.unattended == ["run.seed"])
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.result == RunResult(state: .abandoned, exit: .done))
    // The same plan is still not continued over it.
    rehearsal.resume(.run)
    rehearsal.start()
    #expect(rehearsal.result?.exit == .failedMixed)
    #expect(rehearsal.performed == [])
  }

  @Test func settlingWaitsForNoSilentPlatform() {
    var rehearsal = Rehearsal(Make.plan(Make.service("a")))
    rehearsal.held = ["a.deploy", "never"]
    rehearsal.start()
    rehearsal.findings["a.deploy"] = .underWay(externalID: "d")
    rehearsal.resume(.settle)
    rehearsal.start()
    #expect(rehearsal.result == nil)
    rehearsal.ring { $0 == .abandonment }
    #expect(rehearsal.result?.state == .inFlight)
    #expect(rehearsal.result?.unattended == ["a.deploy"])
  }
}

extension JournalEntry.Fact {
  fileprivate var isBegin: Bool { if case .began = self { true } else { false } }
}
