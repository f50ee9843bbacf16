import Concurrency
import Crypto
import Engine
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// A plan is a value: saved, and applied exactly or not at all.
@Suite struct SavedPlanTests {
  static func save(_ stage: Stage, _ commit: Int = 1) async throws -> SavedPlan {
    let request = Stage.request(commit)
    let release = (await stage.ledger.memory.runs(limit: 1).first?.release ?? 0) + 1
    let saved = SavedPlan(
      try await stage.planning.plan(request), madeAt: stage.clock.now, by: "ann@laptop", release: release,
      allowsOlder: false)
    // As the file has it.
    return try SavedPlan(decoding: saved.encoded(digest), path: "prod.plan", digest)
  }

  static let digest: @Sendable (String) -> String = { SHA256.digest(of: $0).hex }

  @Test func whatWasPlannedIsDoneAlsoByAnotherHourAndRunNumber() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      // The release's number is written into a variable.
      let saved = try await Self.save(stage)
      #expect("\(saved.plan.steps)".contains("SHIPIT_RELEASE"))
      // Another run takes the number, and moves nothing.
      stage.platform.script.withLock {
        $0.outcomes["api.deploy"] = [.failed(Failure(.failed, "build"), moved: false)]
      }
      #expect(await stage.deploy(Stage.request(2)).exit == .failedClean)
      stage.platform.script.withLock { $0.outcomes = [:] }
      try await clock.sleep(for: .seconds(3600))
      let done = await stage.next().deploy(Stage.request(saved: saved))
      #expect(done.exit == .done && done.release?.number == 2)
      #expect(stage.platform.script.withLock { $0.variables["api"]?["SHIPIT_RELEASE"]??.reveal() } == "2")
    }
  }

  @Test func aConfigurationThatMovedIsNamed() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let saved = try await Self.save(stage)
      let changed = stage.with {
        $0.services[1].health.within = .seconds(17)
        $0.protect.deadline = .seconds(99)
      }
      let stale = await changed.deploy(Stage.request(saved: saved))
      #expect(stale.exit == .stale)
      #expect(stale.failure?.cause == "what moved: protect; services.web")
      #expect(stale.failure?.message.hasPrefix("the plan that ann@laptop saved at 2001-09-09T") == true)
      #expect(stage.platform.performed == [])
    }
  }

  @Test func aLiveStateThatMovedIsNamed() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let saved = try await Self.save(stage, 2)
      #expect(await stage.deploy(Stage.request(1)).exit == .done)
      stage.platform.forget()
      let stale = await stage.next().deploy(Stage.request(2, saved: saved))
      #expect(stale.exit == .stale)
      #expect(
        stale.failure?.cause
          == "what moved: api: first-api (c0c0c0c) was live, now api.deploy@1 (c1c1c1c); "
          + "web: first-web (c0c0c0c) was live, now web.deploy@1 (c1c1c1c)")
      #expect(stage.platform.performed == [])
    }
  }

  @Test func variablesThatWereChangedOnThePlatformAreNamed() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn).with {
        $0.services[0].variables["LEVEL"] = .text(Template(text: "info"))
      }
      let saved = try await Self.save(stage)
      stage.platform.script.withLock { $0.variables["api"] = ["LEVEL": Sensitive("debug")] }
      let stale = await stage.next().deploy(Stage.request(saved: saved))
      #expect(stale.exit == .stale)
      #expect(stale.failure?.cause == "what moved: api: variables changed on Railway: LEVEL")
    }
  }

  @Test func whatSomebodyElseDidAlreadyIsNotDoneAgain() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let saved = try await Self.save(stage)
      #expect(await stage.deploy(Stage.request()).exit == .done)
      let stale = await stage.next().deploy(Stage.request(saved: saved))
      #expect(stale.exit == .stale)
      #expect(stale.failure?.cause?.contains("api.deploy@1 (c1c1c1c)") == true)
    }
  }

  @Test func anInterruptedRunOfItIsResumedByIt() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let saved = try await Self.save(stage)
      stage.platform.script.withLock { $0.durations["web.deploy"] = .seconds(100) }
      let box = stage.started { await stage.deploy(Stage.request(saved: saved)) }
      try await stage.until { stage.platform.performed.contains("web.deploy") }
      stage.interrupter.interrupt(.interrupt)
      #expect(try await stage.end(of: box).result?.state == .inFlight)
      let done = await stage.next().deploy(Stage.request(saved: saved))
      #expect(done.exit == .done && done.release?.number == 1)
    }
  }

  @Test func aFileThatIsNoWholeSavedPlanIsAClearError() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let text = try await Self.save(stage).encoded(Self.digest)
      func message(_ text: String) -> String? {
        do throws(Failure) {
          _ = try SavedPlan(decoding: text, path: "x.plan", Self.digest)
          return nil
        } catch {
          #expect(error.kind == .configuration)
          return error.message
        }
      }
      #expect(message(text) == nil)
      #expect(message("") == "x.plan is not a saved plan")
      #expect(message("{}\n{}\n") == "x.plan is not a saved plan")
      for cut in [text.count - 1, text.count - 2, text.count / 2, text.split(separator: "\n")[0].count + 1] {
        #expect(message(String(text.prefix(cut))) == "the saved plan x.plan is damaged", "\(cut)")
      }
      #expect(
        message(text.replacing(Stage.commits[1], with: Stage.commits[2]))
          == "the saved plan x.plan is damaged")
      #expect(
        message(text.replacing("\"shipit\":1", with: "\"shipit\":2", maxReplacements: 1))
          == "the plan x.plan was saved by a newer shipit")
      #expect(SavedPlan.isOne(text) && !SavedPlan.isOne("import Model\n"))
    }
  }
}
