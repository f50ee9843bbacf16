import Concurrency
import Engine
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// One release over a gated, a redeploying and a staged platform, and the ways back.
@Suite struct SeveralPlatformsTests {
  private struct Stage: Sendable {
    let clock: VirtualClock
    let spawn: Spawner
    let platforms: [PlatformName: ScriptedPlatform]
    let ledger: any Ledger
    let environment: Environment

    init(_ clock: VirtualClock, _ spawn: Spawner, ledger: (any Ledger)? = nil) {
      self.clock = clock
      self.spawn = spawn
      self.ledger = ledger ?? MemoryLedger(environment: "prod", time: clock)
      let services: [(ServiceName, PlatformName, CutOver, Restore.Mode)] = [
        ("api", .railway, .gated, .codeAndVariables), ("jobs", .encore, .gated, .redeploy),
        ("web", .vercel, .staged, .codeAndVariables),
      ]
      platforms = services.reduce(into: [:]) { platforms, service in
        var script = ScriptedPlatform.Script()
        script.commits[service.0] = RunnerTests.Stage.commits[0]
        script.deployments[service.0] = "first-\(service.0)"
        (script.cutOver, script.restoreMode) = (service.2, service.3)
        platforms[service.1] = ScriptedPlatform(script, name: service.1, clock: clock, spawn: spawn)
      }
      environment = Environment(
        name: "prod", app: "shop",
        services: services.map { service in
          Service(
            key: service.0, platform: service.1, source: .directory(path: ".", root: nil, include: []),
            needs: service.0 == "api" ? [] : ["api"], health: Health(soak: .zero))
        })
    }

    func context() throws -> OperationContext {
      let prober = try #require(platforms[.railway])
      return OperationContext(
        ledger: ledger, performers: Performers(platforms: platforms, probing: prober, commands: prober),
        surroundings: RunSurroundings(clock: clock, spawn: spawn, random: { 0 }), by: "ann@laptop",
        holder: Holder(name: "ann@laptop", purpose: "test", process: 1, nonce: "\(clock.now)"),
        digest: { $0 },
        interrupter: Interrupter())
    }

    var planning: Planning {
      Planning(
        environment: environment, ledger: ledger, platforms: platforms, secrets: SecretValues(),
        history: ScriptedHistory(), digest: { $0 })
    }

    func deploy(_ commit: Int) async throws -> OperationResult {
      let request = DeployRequest(
        revision: Revision(commit: RunnerTests.Stage.commits[commit], subject: "", author: ""))
      return await DeployOperation(try context(), planning: planning, request: request).run { _ in true }
    }

    func rollback(_ request: RollbackRequest) async throws -> OperationResult {
      await RollbackOperation(try context(), planning: planning, request: request).run { _ in true }
    }

    /// What runs, by the number of its commit.
    var live: [ServiceName: Int] {
      var live: [ServiceName: Int] = [:]
      for platform in platforms.values {
        for (name, commit) in platform.script.withLock({ $0.commits }) {
          live[name] = RunnerTests.Stage.commits.firstIndex(of: commit)
        }
      }
      return live
    }
  }

  @Test func aFailedDarkProofIsSeenByNobodyAndMovesNothing() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platforms[.railway]?.script.withLock {
        $0.outcomes["web.verify"] = [.failed(Failure(.failed, "another revision"), moved: false)]
      }
      let result = try await stage.deploy(1)
      #expect(result.exit == .failedClean)
      #expect(result.result?.state == .unchanged)
      #expect(result.result?.exposure.isEmpty == true)
      #expect(stage.live == ["api": 0, "jobs": 0, "web": 0])
      #expect(stage.platforms[.encore]?.performed.isEmpty == true)
    }
  }

  @Test func aFailedPromotionPutsAllThreeBack() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      stage.platforms[.vercel]?.script.withLock {
        $0.outcomes["web.promote"] = [.failed(Failure(.failed, "alias refused"), moved: true)]
      }
      let result = try await stage.deploy(1)
      #expect(result.exit == .failedClean)
      #expect(stage.live == ["api": 0, "jobs": 0, "web": 0])
      #expect(
        result.release?.services.values.allSatisfy { $0.commit == RunnerTests.Stage.commits[0] } == true)
    }
  }

  @Test func aRollbackNeedsTheRecordsAlone() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(try await stage.deploy(1).exit == .done)
      #expect(try await stage.deploy(2).exit == .done)
      // What stands for the file comes out of the newest record.
      let recorded = try #require(try await stage.ledger.releases(limit: 1).first?.configuration)
      #expect(recorded == stage.environment)
      #expect(try await stage.rollback(RollbackRequest(reason: "")).exit == .done)
      #expect(stage.live == ["api": 1, "jobs": 1, "web": 1])
    }
  }

  @Test func rollingBackOneServiceNamesBothReleases() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(try await stage.deploy(1).exit == .done)
      #expect(try await stage.deploy(2).exit == .done)
      let result = try await stage.rollback(RollbackRequest(only: ["web"], reason: ""))
      #expect(result.exit == .done)
      #expect(
        result.plan?.warnings == [
          "only web goes back to release 1, api, jobs stay at release 2: they were never released together"
        ])
      #expect(stage.live == ["api": 2, "jobs": 2, "web": 1])
      await #expect(throws: Failure.self) { try await PromotedRelease.find(in: stage.ledger, of: "prod") }
    }
  }

  @Test func aServiceThatSomebodyElseDeployedIsNamedThoughTheRunFailedElsewhere() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(try await stage.deploy(1).exit == .done)
      stage.platforms[.railway]?.script.withLock {
        $0.outcomes["api.deploy"] = [.failed(Failure(.failed, "the build failed"), moved: false)]
        // Long enough for somebody else.
        $0.durations["api.deploy"] = .seconds(60)
      }
      _ = spawn {
        try? await clock.sleep(for: .seconds(30))
        stage.platforms[.encore]?.script.withLock { script in
          script.deployments["jobs"] = "foreign"
          script.commits["jobs"] = RunnerTests.Stage.commits[3]
        }
      }
      let result = try await stage.deploy(2)
      #expect(result.exit == .failedClean)
      #expect(
        result.result?.foreign
          == ["jobs": ForeignDeployment(id: "foreign", commit: RunnerTests.Stage.commits[3])])
      // The record tells it too, for `why` and for the next one who looks.
      #expect(try await stage.ledger.runs(limit: 1).first?.result?.foreign?.keys.sorted() == ["jobs"])
    }
  }

  @Test func whatARunPutBackIsNobodyElses() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(try await stage.deploy(1).exit == .done)
      stage.platforms[.vercel]?.script.withLock {
        $0.outcomes["web.promote"] = [.failed(Failure(.failed, "alias refused"), moved: true)]
      }
      let result = try await stage.deploy(2)
      #expect(result.result?.state == .rolledBack)
      #expect(result.result?.foreign == nil)
    }
  }

  @Test func aRollbackOfOneServiceAsksNoOtherPlatformAndKeepsTheOthersRecords() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      #expect(try await stage.deploy(1).exit == .done)
      #expect(try await stage.deploy(2).exit == .done)
      for name in [PlatformName.encore, .vercel] {
        stage.platforms[name]?.script.withLock { $0.observationFails = Failure(.authentication, "no token") }
      }
      let result = try await stage.rollback(RollbackRequest(only: ["api"], reason: ""))
      #expect(result.exit == .done, "\(String(describing: result.failure))")
      #expect(stage.live == ["api": 1, "jobs": 2, "web": 2])
      let commits = result.release?.services.mapValues(\.commit)
      #expect(
        commits == [
          "api": RunnerTests.Stage.commits[1], "jobs": RunnerTests.Stage.commits[2],
          "web": RunnerTests.Stage.commits[2],
        ])
    }
  }

  @Test func aWholeRollbackAfterOneOfAServiceCompletesIt() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      for commit in 1...3 { #expect(try await stage.deploy(commit).exit == .done) }
      #expect(try await stage.rollback(RollbackRequest(only: ["web"], reason: "")).exit == .done)
      #expect(stage.live == ["api": 3, "jobs": 3, "web": 2])
      let whole = try await stage.rollback(RollbackRequest(reason: ""))
      #expect(whole.exit == .done)
      #expect(whole.plan?.restores == 2)
      #expect(whole.plan?.steps.contains { $0.service == "web" } == false)
      #expect(stage.live == ["api": 2, "jobs": 2, "web": 2])
      // Now that all of them run release 2, one more goes to the one before.
      #expect(try await stage.rollback(RollbackRequest(reason: "")).plan?.restores == 1)
      #expect(stage.live == ["api": 1, "jobs": 1, "web": 1])
    }
  }

  @Test func withoutALedgerThePlatformsOwnHistoryIsGuessedFrom() throws {
    try VirtualTime().run { clock, spawn in
      let first = Stage(clock, spawn)
      #expect(try await first.deploy(1).exit == .done)
      #expect(try await first.deploy(2).exit == .done)
      for (name, platform) in first.platforms {
        let service: ServiceName = name == .railway ? "api" : name == .encore ? "jobs" : "web"
        platform.script.withLock { script in
          script.history[service] = [
            Deployment(
              id: script.deployments[service] ?? "", status: .live, word: "LIVE", createdAt: clock.now,
              commit: RunnerTests.Stage.commits[2]),
            Deployment(
              id: "second-\(service)", status: .removed, word: "REMOVED",
              createdAt: clock.now + .seconds(-600), commit: RunnerTests.Stage.commits[1]),
          ]
        }
      }
      // Jobs has nothing left: it stays, and that is said.
      first.platforms[.encore]?.script.withLock { $0.history = [:] }
      let planning = Planning(
        environment: first.environment, ledger: MemoryLedger(environment: "prod", time: clock),
        platforms: first.platforms, secrets: SecretValues(), history: ScriptedHistory(), digest: { $0 })
      var context = try first.context()
      let ledger = MemoryLedger(environment: "prod", time: clock)
      context.ledger = ledger
      let result = await RollbackOperation(
        context, planning: planning, request: RollbackRequest(reason: "", isGuess: true)
      ).run { _ in true }
      #expect(result.exit == .done)
      #expect(first.live == ["api": 1, "jobs": 2, "web": 1])
      #expect(result.plan?.restores == nil)
      let reasons = result.plan?.services.compactMap(\.reasons.first) ?? []
      #expect(reasons.count == 2 && reasons.allSatisfy { $0.hasPrefix("guessed: deployment second-") })
      #expect(result.plan?.warnings.contains { $0.contains("jobs") && $0.contains("stays as it is") } == true)
      #expect(result.plan?.warnings.contains { $0.contains("may never have been one release") } == true)
      // The lost ledger knows nothing of it.
      #expect(try await first.ledger.releases(limit: 1).first?.number == 2)
    }
  }

  @Test func aPromotionDeploysTheVeryImageAndKeepsTheDeclaredConfiguration() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      let request = DeployRequest(
        revision: Revision(commit: RunnerTests.Stage.commits[1], subject: "", author: ""),
        images: ["api": "ghcr.io/shop/api@sha256:1"], reason: "promoted from staging, release 6")
      let result = await DeployOperation(try stage.context(), planning: stage.planning, request: request).run
      {
        _ in true
      }
      #expect(result.exit == .done)
      #expect(result.release?.services["api"]?.source == .image("ghcr.io/shop/api@sha256:1"))
      #expect(result.release?.configuration == stage.environment)
      #expect(result.release?.reason == "promoted from staging, release 6")
      #expect(
        result.release?.services["web"]?.source == .directory(path: ".", root: nil, include: []))
    }
  }

  @Test func onlyAGoodReleaseIsPromotedAndNotInTheMiddleOfARun() throws {
    try VirtualTime().run { clock, spawn in
      let stage = Stage(clock, spawn)
      func refusal() async -> Failure? {
        do throws(Failure) {
          _ = try await PromotedRelease.find(in: stage.ledger, of: "prod")
          return nil
        } catch { return error }
      }
      #expect(await refusal()?.kind == .policy)
      #expect(try await stage.deploy(1).exit == .done)
      #expect(await refusal() == nil)
      // One that was rolled back by itself leaves the good one live.
      stage.platforms[.railway]?.script.withLock {
        $0.outcomes["api.prove"] = [.failed(Failure(.failed, "502"), moved: false)]
      }
      #expect(try await stage.deploy(2).exit == .failedClean)
      #expect(try await PromotedRelease.find(in: stage.ledger, of: "prod").number == 1)
      stage.platforms[.railway]?.script.withLock {
        $0.outcomes["undo.api.deploy"] = [.failed(Failure(.failed, "503"), moved: false)]
      }
      #expect(try await stage.deploy(3).exit == .failedMixed)
      #expect(await refusal()?.message.contains("mixed since release 3") == true)
      let lease = try await stage.ledger.acquire(
        holder: Holder(name: "bo@runner", purpose: "deploy", process: 2, nonce: "n"))
      _ = try await stage.ledger.open(
        Plan(kind: .deploy, app: "shop", environment: "prod", commit: "c", steps: [], deadline: .seconds(60)),
        by: "bo", at: clock.now, lease: lease)
      #expect(await refusal()?.kind == .leaseHeld)
      await stage.ledger.release(lease)
      #expect(await refusal()?.kind == .stale)
    }
  }
}
