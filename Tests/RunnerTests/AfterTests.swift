import Concurrency
import Engine
import Ledgers
import Model
import Runner
import TestSupport
import Testing

/// `protect.after`: what counts as live and healthy in the environment that comes first.
@Suite struct AfterTests {
  /// Staging with its own releases, and a production that asks it.
  struct Pair {
    let staging: Stage
    var prod: Stage

    init(_ clock: VirtualClock, _ spawn: Spawner) {
      staging = Stage(clock, spawn)
      prod = Stage(clock, spawn, protect: Protection(after: "staging"))
      let staging = staging
      prod.sources.upstream = { _ throws(Failure) in
        var environment = staging.environment
        environment.name = "staging"
        return UpstreamState(
          environment: environment, releases: await staging.ledger.memory.releases(limit: 50),
          openRun: await staging.ledger.memory.openRun(), holder: await staging.ledger.memory.holder(),
          live: .success(
            try await staging.platform.observe(environment).services.mapValues {
              LiveState(live: $0.live, newest: $0.live, address: nil)
            }))
      }
    }
  }

  @Test func aCommitThatIsLiveThereMayGoOn() throws {
    try VirtualTime().run { clock, spawn in
      let pair = Pair(clock, spawn)
      let refused = await pair.prod.deploy(Stage.request(1))
      #expect(refused.exit == .policy)
      #expect(refused.failure?.message == "c1c1c1c is not live in staging, which has no good release")
      #expect(await pair.staging.deploy(Stage.request(1)).exit == .done)
      let done = await pair.prod.next().deploy(Stage.request(1))
      #expect(done.exit == .done && done.release?.decisions == nil)
    }
  }

  @Test func whatIsLiveThereInsteadIsToldWithTheCommand() throws {
    try VirtualTime().run { clock, spawn in
      let pair = Pair(clock, spawn)
      #expect(await pair.staging.deploy(Stage.request(1)).exit == .done)
      let refused = await pair.prod.deploy(Stage.request(2))
      #expect(refused.exit == .policy)
      #expect(refused.failure?.message == "c2c2c2c is not live in staging: c1c1c1c is live there")
      #expect(refused.failure?.cause?.hasPrefix("release 1 by ann@laptop, ") == true)
      #expect(refused.failure?.hint?.hasPrefix("shipit deploy staging --commit c2c2c2c, then") == true)
      #expect(pair.prod.platform.performed == [])
      let forced = await pair.prod.next().deploy(
        Stage.request(2, overrides: PolicyOverrides(after: "hotfix")))
      #expect(forced.exit == .done)
      let decision = try #require(forced.release?.decisions?.first)
      #expect(decision.kind == .afterOverridden && decision.reason == "hotfix")
      #expect(decision.changes == [refused.failure?.message ?? ""])
    }
  }

  @Test func aRunThatIsOpenThereOrAMixedStateDoesNotCount() throws {
    try VirtualTime().run { clock, spawn in
      let pair = Pair(clock, spawn)
      #expect(await pair.staging.deploy(Stage.request(1)).exit == .done)
      pair.staging.platform.script.withLock { $0.durations["web.deploy"] = .seconds(60) }
      let box = pair.staging.started { await pair.staging.next().deploy(Stage.request(2)) }
      try await pair.staging.until { pair.staging.platform.performed.count { $0 == "web.deploy" } == 2 }
      let refused = await pair.prod.deploy(Stage.request(1))
      #expect(refused.failure?.message == "run 2 of staging is open: it is not known yet what runs there")
      #expect(refused.failure?.cause == "ann@laptop is at it: deploy")
      #expect(try await pair.staging.end(of: box).exit == .done)
      #expect(await pair.prod.next().deploy(Stage.request(2)).exit == .done)
    }
  }

  @Test func whatTookItselfBackThereLeavesTheGoodOneCounting() throws {
    try VirtualTime().run { clock, spawn in
      let pair = Pair(clock, spawn)
      #expect(await pair.staging.deploy(Stage.request(1)).exit == .done)
      pair.staging.platform.script.withLock {
        $0.outcomes["web.prove"] = [.failed(Failure(.failed, "502"), moved: false)]
      }
      #expect(await pair.staging.next().deploy(Stage.request(2)).exit == .failedClean)
      #expect(await pair.prod.deploy(Stage.request(2)).exit == .policy)
      #expect(await pair.prod.next().deploy(Stage.request(1)).exit == .done)
    }
  }

  @Test func thePlatformsHaveToSayItToo() throws {
    try VirtualTime().run { clock, spawn in
      let pair = Pair(clock, spawn)
      #expect(await pair.staging.deploy(Stage.request(1)).exit == .done)
      // Somebody switched it by hand.
      pair.staging.platform.script.withLock { $0.deployments["api"] = "by-hand" }
      let refused = await pair.prod.deploy(Stage.request(1))
      #expect(refused.failure?.message == "api in staging is not what release 1 put live")
      #expect(refused.failure?.cause?.contains("serves by-hand") == true)
      pair.staging.platform.script.withLock { $0.deployments["api"] = nil }
      #expect(
        await pair.prod.next().deploy(Stage.request(1)).failure?.message == "api is not live in staging")
    }
  }

  @Test func anEnvironmentThatCannotBeAskedRefusesAndCanBeOverridden() throws {
    try VirtualTime().run { clock, spawn in
      var stage = Stage(clock, spawn, protect: Protection(after: "staging"))
      stage.sources.upstream = { _ throws(Failure) in
        throw Failure(.configuration, "the ledger of staging is local", hint: "share it")
      }
      let refused = await stage.deploy(Stage.request(1))
      #expect(refused.exit == .policy)
      #expect(refused.failure?.message == "whether c1c1c1c is live in staging cannot be looked up")
      #expect(refused.failure?.cause == "the ledger of staging is local; to do: share it")
      let forced = await stage.next().deploy(Stage.request(1, overrides: PolicyOverrides(after: "urgent")))
      #expect(forced.exit == .done)
    }
  }

  /// A fixed image is the same whatever the commit; a service that runs another commit counts.
  @Test func everyServiceThatIsMadeFromTheCommitHasToRunIt() throws {
    let commit = Stage.commits[1]
    func record(_ name: ServiceName, _ commit: String) -> ReleasedService {
      ReleasedService(
        target: ServiceTarget(service: name, platform: .railway, name: name.rawValue, ids: [:]),
        source: .image("x"), commit: commit, deployment: "d-\(name)", address: nil,
        settings: ServiceSettings(), variables: [:], health: Health(), cutOver: .gated, previous: nil)
    }
    func live(_ name: ServiceName, _ status: Deployment.Status = .live) -> LiveState {
      LiveState(
        live: Deployment(
          id: "d-\(name)", status: status, word: "CRASHED", createdAt: Timestamp(milliseconds: 0)),
        newest: nil, address: nil)
    }
    var state = UpstreamState(
      environment: Environment(
        name: "staging", app: "shop",
        services: [
          Service(key: "api", source: .directory(path: ".", root: nil, include: [])),
          Service(key: "cache", source: .image(Template(text: "redis:7"))),
          Service(key: "job", source: .image(Template([.text("job:"), .reference(.commit)]))),
        ]),
      releases: [
        Release(
          number: 4, run: RunID(4), kind: .deploy, app: "shop", environment: "staging", commit: commit,
          subject: "", isDirty: false, by: "ann", startedAt: Timestamp(milliseconds: 0),
          endedAt: Timestamp(milliseconds: 1), result: RunResult(state: .released, exit: .done),
          configurationDigest: "",
          services: [
            "api": record("api", commit), "cache": record("cache", Stage.commits[0]),
            "job": record("job", commit),
          ])
      ], live: .success(["api": live("api"), "cache": live("cache"), "job": live("job")]))
    #expect(state.objection(to: commit) == nil)
    state.releases[0].services["job"] = record("job", Stage.commits[0])
    #expect(
      state.objection(to: commit)?.message == "c1c1c1c is not live in staging: c0c0c0c is live there")
    state.releases[0].services["job"] = nil
    #expect(
      state.objection(to: commit)?.message == "c1c1c1c is not live in staging: job runs not at all")
    state.releases[0].services["job"] = record("job", commit)
    state.live = .success(["api": live("api"), "cache": live("cache"), "job": live("job", .crashed)])
    #expect(state.objection(to: commit)?.message == "job is not healthy in staging")
    state.live = .failure(Failure(.authentication, "no token"))
    #expect(state.objection(to: commit)?.message == "whether c1c1c1c is live in staging cannot be seen")
    state.live = .success([:])
    state.releases[0].isDirty = true
    #expect(state.objection(to: commit)?.message == "staging runs a dirty tree, which no commit stands for")
  }
}
